/*
 * Presets as backends use them: name -> digest -> mapped image.
 */
#ifndef ELECTRA_PRESET_H
#define ELECTRA_PRESET_H

#include "postgres.h"

#include "core/image.h"
#include "pg/preset_name.h"

/* A preset's identity, as the catalogue or the list of shipped presets has it. */
typedef struct ElectraPresetId
{
	char		name[ELECTRA_MAX_PRESET_NAME + 1];
	uint8		digest[ELECTRA_DIGEST_SIZE];
	bool		shipped;		/* compiled in, archive in the share directory */
	bool		restricted;		/* only for some roles: see preset_access.h */
} ElectraPresetId;

/* A preset with its image mapped. */
typedef struct ElectraPreset
{
	ElectraPresetId id;
	electra_model model;
	int			stats_slot;		/* -1: not looked up yet; owned by stats.c */
	bool		populated;		/* electra_preset_populate() has been here */
} ElectraPreset;

/*
 * The preset of this name ("name" or "name@digest-prefix"; NULL: the default
 * preset), its image mapped, built first if this server has none.  Unknown
 * names, dropped presets, digests that do not match and presets that the
 * current user may not use are errors with hints.
 *
 * The result is valid until the next call in this backend: only this function
 * unmaps images.  Callers hold it across nothing that could run SQL.
 */
extern ElectraPreset *electra_preset_acquire(const char *name);

/*
 * Maps the pages that every embedding reads, before the first one in this
 * backend.  Where the kernel cannot do that, they come one fault at a time.
 */
extern void electra_preset_populate(ElectraPreset *preset);

/* Like electra_preset_acquire, but only the identity: nothing is mapped or built. */
extern void electra_preset_resolve(const char *name, ElectraPresetId *id);

/*
 * As above, but returns false (for planning and views) where resolve raises an
 * error; rights are not asked.
 */
extern bool electra_preset_try_resolve(const char *name, ElectraPresetId *id);

/*
 * The configuration of a preset without an error for the planner: from the
 * mapping if this backend has one, else from the archive's header; false where
 * it cannot be had.
 */
extern bool electra_preset_try_config(const ElectraPresetId *id, electra_config *config);

/* The embedded default: what one-argument functions use until another is set. */
extern const char *const electra_shipped_default_name;

/*
 * The default preset's name as the catalogue says now, or else that of the
 * embedded default.  Read each time: acquire and resolve have it cached.
 */
extern void electra_preset_default_name(char name[ELECTRA_MAX_PRESET_NAME + 1]);

#endif							/* ELECTRA_PRESET_H */

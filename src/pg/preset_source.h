/*
 * What electra_load_preset's source may say, resolved to a directory: one of
 * the built-in identifiers, kaggle://…, hf://…, a name inside
 * electra.preset_path, or an absolute directory.
 */
#ifndef ELECTRA_PG_PRESET_SOURCE_H
#define ELECTRA_PG_PRESET_SOURCE_H

#include "postgres.h"

/* Defines electra.preset_path; called by _PG_init. */
extern void electra_preset_source_init(void);

/*
 * The directory of a source as a palloc'd absolute path, and in *name (palloc'd)
 * what the preset is called if the caller names it not.  Rights are checked:
 * absolute directories need pg_read_server_files, everything else must lie, with
 * symbolic links resolved, below electra.preset_path.  What cannot be found is
 * an ERROR that lists the places looked at and prints the command that
 * downloads it.
 */
extern char *electra_preset_source_resolve(const char *source, char **name);

/* Would electra_preset_source_resolve find this identifier or handle?  Raises nothing. */
extern bool electra_preset_source_available(const char *source);

#endif							/* ELECTRA_PG_PRESET_SOURCE_H */

/*
 * electra.preset_path: the directories that presets may be loaded from by name,
 * and how downloads lie in them.
 */
#ifndef ELECTRA_PRESET_PATH_H
#define ELECTRA_PRESET_PATH_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Defines electra.preset_path; called by _PG_init. */
extern void electra_preset_path_init(void);

/* The directories as a List of absolute, palloc'd char *; NIL: none. */
extern List *electra_preset_path_entries(void);

/* May the current user see the setting, and thereby paths below it? */
extern bool electra_preset_path_visible(void);

typedef enum ElectraPlaceState
{
	ELECTRA_PLACE_FOUND = 0,
	ELECTRA_PLACE_MISSING,		/* or no directory */
	ELECTRA_PLACE_UNREADABLE,	/* for the server's operating system user */
	ELECTRA_PLACE_OUTSIDE		/* a symbolic link leads out of the entry */
} ElectraPlaceState;

/*
 * Looks at a directory below an entry of the path.  *resolved (palloc'd) is
 * the directory without symbolic links for FOUND, the path that cannot be read
 * for UNREADABLE, the link for OUTSIDE, else NULL.  A link inside of it may
 * lead to a file below the entry only (the Hugging Face cache consists of
 * such), never to a directory.
 */
extern ElectraPlaceState electra_preset_path_look(const char *entry, const char *directory,
												  char **resolved);

/*
 * Where a Hugging Face cache, which is the entry itself or its folder "hub",
 * has a revision (NULL: main) of a repository; where it has none, the file
 * that would name it.
 */
extern char *electra_preset_path_hf(const char *cache, const char *owner, const char *name,
									const char *revision);

/*
 * Where a kagglehub cache has a version (NULL: the highest there is) of
 * "owner/model/framework/variation".
 */
extern char *electra_preset_path_kaggle(const char *cache, const char *handle, const char *version);

#endif							/* ELECTRA_PRESET_PATH_H */

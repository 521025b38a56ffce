/*
 * Dumps that are restored in an order that presets do not survive: tables of
 * a schema that sorts before the catalogue's, or several jobs at once.
 */
#ifndef ELECTRA_RESTORE_ORDER_H
#define ELECTRA_RESTORE_ORDER_H

#include "postgres.h"

/* The documented steps, as a hint. */
#define ELECTRA_RESTORE_HINT \
	"Presets must be restored before the tables that use them. Dump with -Fc, and call pg_restore four times: with --section=pre-data; with --section=data -n _electra; with --section=data -N _electra; with --section=post-data. The last two may have -j."

/* Does this session look like a restore? */
extern bool electra_session_restores(void);

/*
 * Raises an error where a restore brings a default preset after rows that have
 * been computed with the one that has been the default up to now.
 */
extern void electra_check_restored_default(const char *old_name, const char *name);

#endif							/* ELECTRA_RESTORE_ORDER_H */

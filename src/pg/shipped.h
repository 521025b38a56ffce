/*
 * Presets that come with the extension: name and digest are compiled in, the
 * archive is a file in the share directory.  They need no rows in the
 * catalogue, so that a dump holds nothing of them.
 */
#ifndef ELECTRA_SHIPPED_H
#define ELECTRA_SHIPPED_H

#include "pg/preset.h"

extern int	electra_num_shipped(void);

/* Number index (0 … electra_num_shipped() - 1). */
extern void electra_shipped_get(int index, ElectraPresetId *id);

/* false: no such preset is shipped. */
extern bool electra_shipped_find(const char *name, ElectraPresetId *id);

/* The archive's file. */
extern void electra_shipped_path(const char *name, char path[MAXPGPATH]);

#endif							/* ELECTRA_SHIPPED_H */

/*
 * Counters for each preset, shared by the whole server.
 */
#ifndef ELECTRA_STATS_H
#define ELECTRA_STATS_H

#include "pg/preset.h"

typedef struct ElectraCounts
{
	uint64		calls;			/* SQL function calls, memo hits included */
	uint64		texts;			/* texts encoded (encoder runs, memo hits not
								 * included); a pair, or a sequence of token
								 * ids, counts as one */
	uint64		tokens;			/* tokens through the encoder */
	uint64		truncated;		/* texts or pairs cut at max_length */
	uint64		errors;
	uint64		tokenizer_us;
	uint64		encoder_us;
} ElectraCounts;

/* Hooks for shared memory when preloaded; called by _PG_init. */
extern void electra_stats_init(void);

/* Adds to the counters of a preset; never an error, nothing where there is no shared memory. */
extern void electra_stats_add(ElectraPreset *preset, const ElectraCounts *counts);

/* Does this server have the shared memory for counters? */
extern bool electra_stats_available(void);

#endif							/* ELECTRA_STATS_H */

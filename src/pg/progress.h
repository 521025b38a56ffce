/*
 * What the view electra_progress shows: running calls of electra_backfill.
 */
#ifndef ELECTRA_PROGRESS_H
#define ELECTRA_PROGRESS_H

#include "postgres.h"

#include "utils/timestamp.h"

typedef enum ElectraProgressPhase
{
	ELECTRA_PROGRESS_COUNTING = 0,	/* how many rows there are to fill */
	ELECTRA_PROGRESS_READING,	/* locking the rows of a batch */
	ELECTRA_PROGRESS_EMBEDDING,
	ELECTRA_PROGRESS_WRITING,
	ELECTRA_PROGRESS_PAUSING,	/* as pause_ms says */
	ELECTRA_PROGRESS_WAITING	/* for rows that others have locked */
} ElectraProgressPhase;

/* Counts of one call so far. */
typedef struct ElectraProgressCounts
{
	int64		done;			/* rows whose embedding is committed */
	int64		failed;
	int64		total;			/* rows to fill as far as known; -1: not counted yet */
	TimestampTz started;
} ElectraProgressCounts;

/* Reserves the shared memory when preloaded; called by _PG_init. */
extern void electra_progress_init(void);

/*
 * Takes a slot for this backend until electra_progress_end(), or until it
 * ends.  Nothing happens where there is none to be had.
 */
extern void electra_progress_begin(Oid relation, const char *preset);
extern void electra_progress_set(ElectraProgressPhase phase, const ElectraProgressCounts *counts);
extern void electra_progress_end(void);

/* Rows a second since the start; 0 at the start. */
extern double electra_progress_rate(const ElectraProgressCounts *counts, TimestampTz now);

/* Seconds until total is reached at that rate; -1 where nothing can be said. */
extern double electra_progress_seconds_left(const ElectraProgressCounts *counts, TimestampTz now);

#endif							/* ELECTRA_PROGRESS_H */

/*
 * One batch of electra_backfill: rows are locked and read, embedded, written.
 */
#ifndef ELECTRA_BACKFILL_ROWS_H
#define ELECTRA_BACKFILL_ROWS_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "pg/backfill_table.h"
#include "pg/progress.h"

typedef struct ElectraBackfillBatch
{
	ElectraBackfillTable *table;
	const char *preset;			/* name@digest */
	SPIPlanPtr	update;
	ElectraProgressCounts *counts;
	HTAB	   *failures;		/* digests of the keys that have failed in this call */
	MemoryContext context;		/* reset for each batch */
	MemoryContext scratch;		/* of a step */
	SPITupleTable *rows;
	int			num_rows;
	bool	   *left_out;		/* (num_rows) the row has failed, now or before */
	int			dimensions;
	float	   *vectors;		/* (num_rows, dimensions) */
	int			next;			/* the rows of the current step: next … end - 1 */
	int			end;
	bool		target_fits;	/* the target has taken a vector of this call */
	bool		writing;		/* the step that writes, or else the one that embeds */
	int			missed;			/* rows that were in somebody's way and come again */
} ElectraBackfillBatch;

/* Memory below CurrentMemoryContext for the batches of one call. */
extern void electra_backfill_batch_init(ElectraBackfillBatch *batch, ElectraBackfillTable *table,
										const char *preset, ElectraProgressCounts *counts);

/*
 * Embeds and writes the rows, which this transaction has locked, and counts
 * them.  A row that cannot be embedded or written is reported with its key,
 * once in a call, and left as it is.  Returns the number of rows written.  An
 * ERROR where the target takes no vector of the first batch.
 */
extern int	electra_backfill_rows(ElectraBackfillBatch *batch, SPITupleTable *rows, int num_rows);

#endif							/* ELECTRA_BACKFILL_ROWS_H */

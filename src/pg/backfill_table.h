/*
 * The table that electra_backfill fills: what it must be like, its primary
 * key, and the queries.
 */
#ifndef ELECTRA_BACKFILL_TABLE_H
#define ELECTRA_BACKFILL_TABLE_H

#include "postgres.h"

#include "executor/spi.h"
#include "nodes/pg_list.h"

#include "pg/embed_target.h"

typedef struct ElectraBackfillTable
{
	Oid			oid;
	char	   *name;			/* for messages */
	char	   *from;			/* for queries: quoted, with schema, ONLY where that matters */
	int			num_columns;	/* dropped ones included */
	ElectraEmbedTarget *target;
	char	   *target_quoted;
	char	   *condition;		/* of the rows that have no embedding and should have one */
	char	  **source_names;	/* (target->num_sources), quoted */
	Oid		   *source_types;	/* (target->num_sources) */
	char	   *source_list;	/* quoted, separated by commas */
	int			num_keys;
	char	  **key_names;		/* (num_keys), quoted, in the order of the primary key's index */
	Oid		   *key_types;		/* (num_keys) */
	int16	   *key_lengths;	/* (num_keys) */
	bool	   *key_by_value;	/* (num_keys) */
	char	   *key_list;		/* quoted, separated by commas */
} ElectraBackfillTable;

/* A place in the order of the primary key; values NULL: before its beginning, or behind its end. */
typedef struct ElectraBackfillPlace
{
	Datum	   *values;			/* (num_keys) */
	MemoryContext context;		/* owns them */
} ElectraBackfillPlace;

/*
 * Looks at the table; its locks last until the transaction ends.  Allocated in
 * CurrentMemoryContext.  Errors: no table, no primary key, no right to update
 * the target, and those of electra_embed_target_make.
 */
extern ElectraBackfillTable *electra_backfill_table(Oid relation, List *sources /* of char * */ ,
													const char *target, const char *preset);

/*
 * Saved plans; callers are connected to SPI.  The parameters of scan and count
 * are, for a table with k key columns: $1 … $k the place behind which rows are
 * taken, $k+1 … $2k the last one that is taken, each if there is such a limit;
 * of scan also $2k+1, the number of rows.  Scan locks the rows it gives out and
 * leaves out those that are locked; its columns are the key, then the sources.
 */
extern SPIPlanPtr electra_backfill_scan_plan(const ElectraBackfillTable *table, bool after, bool until);
extern SPIPlanPtr electra_backfill_count_plan(const ElectraBackfillTable *table, bool after, bool until);

/*
 * $1 … $k the key, then the sources as the scan gave them, then the target's new
 * value: a row whose sources a trigger has changed since is not written.
 */
extern SPIPlanPtr electra_backfill_update_plan(const ElectraBackfillTable *table);

/*
 * Rows the table may have that want an embedding, without looking at them:
 * what statistics say, and its size now.  pages: of the whole table.
 */
extern double electra_backfill_estimate(const ElectraBackfillTable *table, BlockNumber *pages);

/* A place at no row, with memory of its own below CurrentMemoryContext. */
extern void electra_backfill_place_init(ElectraBackfillPlace *place);

/* Copies values (num_keys), or forgets the place where they are NULL. */
extern void electra_backfill_place_set(const ElectraBackfillTable *table, ElectraBackfillPlace *place,
									   const Datum *values);

/* The key of row number row of a result of the scan. */
extern void electra_backfill_key(const ElectraBackfillTable *table, const SPITupleTable *rows,
								 uint64 row, Datum *values /* (num_keys) */ );

#endif							/* ELECTRA_BACKFILL_TABLE_H */

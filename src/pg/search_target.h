/*
 * What electra_search reads: a relation, the column of vectors, the columns of
 * the key by which rows are given out.
 */
#ifndef ELECTRA_SEARCH_TARGET_H
#define ELECTRA_SEARCH_TARGET_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

typedef struct ElectraSearchTarget
{
	Relation	relation;		/* AccessShareLock, kept as any query keeps it */
	AttrNumber	target;
	TupleDesc	key;			/* the key's columns, blessed */
	AttrNumber *key_columns;	/* (key->natts), in the relation */

	/*
	 * The tables that hold the rows, locked: the relation, or its partitions
	 * and children.
	 */
	List	   *tables;			/* of Oid */

	/*
	 * Only the executor can read it: row-level security, foreign tables among
	 * its partitions, a virtual column.
	 */
	bool		by_query;
} ElectraSearchTarget;

/*
 * Opens a relation that has a real[] column of this name (as it is called: not
 * folded, not quoted).  Allocated in CurrentMemoryContext.
 *
 * Errors: no such relation, neither table nor materialized view, not populated,
 * no such column, another type, no primary key, no right to SELECT both.
 */
extern ElectraSearchTarget *electra_search_target_open(Oid relation, const char *target);

/* The key of a row as jsonb: {"column": value, ...}. */
extern Datum electra_search_key(const ElectraSearchTarget *target, const Datum *values,
								const bool *nulls);

#endif							/* ELECTRA_SEARCH_TARGET_H */

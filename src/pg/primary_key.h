/*
 * The primary key of a table.
 */
#ifndef ELECTRA_PRIMARY_KEY_H
#define ELECTRA_PRIMARY_KEY_H

#include "postgres.h"

#include "utils/rel.h"

/* The columns of a primary key, in the order of its index. */
typedef struct ElectraKey
{
	int			num_columns;
	AttrNumber *columns;		/* (num_columns) */
} ElectraKey;

/*
 * The primary key of a table or partitioned table, in CurrentMemoryContext; an
 * ERROR where it has none, with the caller's detail (what the key is needed for)
 * and hint.
 */
extern ElectraKey *electra_primary_key(Relation relation, const char *detail, const char *hint);

#endif							/* ELECTRA_PRIMARY_KEY_H */

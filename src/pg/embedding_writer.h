/*
 * Embeddings back into the rows that they were made from, by primary key, with
 * one UPDATE for many rows.
 *
 * A row gets an embedding only if its sources still are those that were
 * embedded.  So a trigger that changed them in between, a deferrable key that
 * is not unique at the moment or a child table with the same key never leave a
 * row with the vector of another text.
 */
#ifndef ELECTRA_EMBEDDING_WRITER_H
#define ELECTRA_EMBEDDING_WRITER_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "pg/embed_target.h"
#include "pg/primary_key.h"

typedef struct ElectraEmbeddingWriter
{
	MemoryContext context;		/* of all this */
	Relation	relation;
	const ElectraEmbedTarget *target;
	const ElectraKey *key;
	TupleDesc	descriptor;		/* key columns, sources, embedding */
	EphemeralNamedRelationData rows;	/* to write, as the UPDATE sees them */
	int64		num_rows;
	SPIPlanPtr	update;			/* NULL: not yet prepared */
} ElectraEmbeddingWriter;

/*
 * Begins to write into a relation.  The caller is connected to SPI and stays
 * so; relation, target and key live at least as long as the writer, which is in
 * CurrentMemoryContext.
 */
extern ElectraEmbeddingWriter *electra_embedding_writer_make(Relation relation,
															 const ElectraEmbedTarget *target,
															 const ElectraKey *key);

/* Adds a row: key columns, sources, embedding (of the target's type). */
extern void electra_embedding_writer_add(ElectraEmbeddingWriter *writer, const Datum *values,
										 const bool *isnull);

/*
 * Writes the rows that were added and forgets them, with the rights of the
 * current user.  Warns if row-level security may have kept some from him.
 */
extern void electra_embedding_writer_write(ElectraEmbeddingWriter *writer);

/*
 * Was the trigger that is running fired by an UPDATE of a writer into this
 * relation?
 */
extern bool electra_embedding_writer_fired(Oid relation);

#endif							/* ELECTRA_EMBEDDING_WRITER_H */

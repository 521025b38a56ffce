/*
 * A table column that holds embeddings, and the columns that they are made
 * from: what the triggers and electra_backfill have in common.
 *
 * Sources are joined with a newline between them; a source that is NULL is
 * left out, and where all are NULL the target is NULL.
 */
#ifndef ELECTRA_EMBED_TARGET_H
#define ELECTRA_EMBED_TARGET_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

#define ELECTRA_SOURCE_SEPARATOR "\n"

typedef struct ElectraEmbedTarget
{
	AttrNumber	target;
	Oid			target_type;	/* real[], double precision[], or what real[] is
								 * assignment-cast to (vector, halfvec) */
	int32		target_typmod;
	char	   *preset;			/* NULL: the default preset */
	int			num_sources;
	AttrNumber *sources;		/* (num_sources) */
	FmgrInfo	cast;			/* from real[]; fn_oid InvalidOid: none needed */
} ElectraEmbedTarget;

/*
 * Finds the columns by name (as they are called now: not folded, not quoted) in
 * the tuple descriptor of a relation, whose name is for messages, and the cast.
 * preset: a name, or "" for the default.  Allocated in CurrentMemoryContext.
 * Errors name the column: missing, dropped, generated, of a type that cannot
 * hold an embedding or is no text, the target among the sources.
 */
extern ElectraEmbedTarget *electra_embed_target_make(TupleDesc descriptor, const char *relation_name,
													 const char *target, const char *preset,
													 List *sources /* of char * */ );

/*
 * The text of a row: sources joined, detoasted.  (Datum) 0 where all sources
 * are NULL.  values and isnull are those of the whole row.
 */
extern Datum electra_embed_target_text(const ElectraEmbedTarget *target, const Datum *values,
									   const bool *isnull);

/* An embedding (real[]) as the target's type, with its typmod enforced. */
extern Datum electra_embed_target_convert(ElectraEmbedTarget *target, Datum embedding);

#endif							/* ELECTRA_EMBED_TARGET_H */

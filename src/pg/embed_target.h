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
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"

#define ELECTRA_SOURCE_SEPARATOR "\n"

typedef struct ElectraEmbedTarget
{
	AttrNumber	target;
	Oid			target_type;	/* real[], double precision[], or what real[] is
								 * assignment-cast to (vector, halfvec), or a
								 * domain over one of these */
	int32		target_typmod;
	char	   *target_name;
	char	   *preset;			/* NULL: the default preset */
	int			num_sources;
	AttrNumber *sources;		/* (num_sources) */
	FmgrInfo   *source_casts;	/* (num_sources) to text; fn_oid InvalidOid:
								 * none needed */
	ExprState  *cast;			/* from real[]; NULL: none needed */
	ExprContext *cast_context;
} ElectraEmbedTarget;

/*
 * Finds the columns by name (as they are called now: not folded, not quoted) in
 * the tuple descriptor of a relation, whose name is for messages, and the cast.
 * preset: a name, or "" for the default.  Allocated in CurrentMemoryContext.
 * Errors name the column: missing, dropped, of a type that cannot hold an
 * embedding or is no text, named twice; a generated target, the target among
 * the sources.  A source may have any type that electra_embed() takes without
 * an explicit cast.  hint: what the user may do where a column is missing.
 */
extern ElectraEmbedTarget *electra_embed_target_make(TupleDesc descriptor, const char *relation_name,
													 const char *target, const char *preset,
													 List *sources /* of char * */ ,
													 const char *hint);

/*
 * The text of a row: sources joined, in CurrentMemoryContext; (Datum) 0 where
 * all sources are NULL.  values and isnull are indexed by column; only those of
 * the sources are looked at.  A text that is the only one of its row comes as
 * it lies there, toasted or not: the embedder reads no more of it than it
 * needs.
 */
extern Datum electra_embed_target_text(const ElectraEmbedTarget *target, const Datum *values,
									   const bool *isnull);

/*
 * An embedding (real[]) as the target's type, with its typmod and domain
 * constraints enforced, in CurrentMemoryContext.
 */
extern Datum electra_embed_target_convert(ElectraEmbedTarget *target, Datum embedding);

/*
 * Appends an SQL condition: two expressions of a source's type are the same byte
 * by byte, whatever its collation, where NULL is NULL.
 */
extern void electra_embed_target_append_same(StringInfo sql, const char *left, const char *right);

#endif							/* ELECTRA_EMBED_TARGET_H */

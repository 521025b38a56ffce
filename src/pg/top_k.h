/*
 * The k best of many rows, in memory that does not grow with their number.
 *
 * Better is the higher score; of equal scores, the row whose key comes first in
 * the order of the key's types, so that the result does not depend on the order
 * in which rows come.
 */
#ifndef ELECTRA_TOP_K_H
#define ELECTRA_TOP_K_H

#include "postgres.h"

#include "access/tupdesc.h"

typedef struct ElectraTopK ElectraTopK;

/* Lives, with copies of keys, in a child of CurrentMemoryContext.  k: 1 … */
extern ElectraTopK *electra_top_k_make(int k, TupleDesc key);

/*
 * Can a row with this score, no NaN, still be among the best?  Asked first, so
 * that the keys of most rows need not even be read.
 */
extern bool electra_top_k_wants(const ElectraTopK *top, float4 score);

/* Takes a row, copying its key, if it is among the best so far. */
extern void electra_top_k_offer(ElectraTopK *top, float4 score, const Datum *key,
								const bool *nulls);

/*
 * Gives out the rows from the worst to the best: false where none is left.  key
 * and nulls stay valid as long as top does.
 */
extern bool electra_top_k_remove_worst(ElectraTopK *top, float4 *score, const Datum **key,
									   const bool **nulls);

#endif							/* ELECTRA_TOP_K_H */

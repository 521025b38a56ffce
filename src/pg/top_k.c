/*
 * The k best of many rows; see top_k.h.
 *
 * A heap with the worst of them on top, which is what a better row replaces.
 */
#include "postgres.h"

#include "lib/binaryheap.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "pg/top_k.h"

typedef struct TopRow
{
	float4		score;
	Datum	   *key;			/* (number of key columns), own copies */
	bool	   *nulls;			/* likewise */
} TopRow;

struct ElectraTopK
{
	MemoryContext context;
	TupleDesc	key;
	TypeCacheEntry **types;		/* (key->natts), with comparison functions */
	binaryheap *heap;			/* of TopRow *, the worst on top */
	int			k;
};

/*
 * Like strcmp, NULLs last.  A type without a default order, which a primary key
 * can have by an operator class of its own, decides nothing.
 */
static int
compare_keys(const ElectraTopK *top, const Datum *a, const bool *a_nulls, const Datum *b,
			 const bool *b_nulls)
{
	for (int i = 0; i < top->key->natts; i++)
	{
		FmgrInfo   *compare = &top->types[i]->cmp_proc_finfo;
		int			order;

		if (a_nulls[i] || b_nulls[i])
			order = (int) a_nulls[i] - (int) b_nulls[i];
		else if (OidIsValid(compare->fn_oid))
			order = DatumGetInt32(FunctionCall2Coll(compare,
													TupleDescAttr(top->key, i)->attcollation,
													a[i], b[i]));
		else
			order = 0;

		if (order != 0)
			return order;
	}
	return 0;
}

/* Positive where a is worse than b: a binaryheap has its largest on top. */
static int
compare_rows(Datum a_datum, Datum b_datum, void *argument)
{
	const TopRow *a = (const TopRow *) DatumGetPointer(a_datum);
	const TopRow *b = (const TopRow *) DatumGetPointer(b_datum);

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	return compare_keys((const ElectraTopK *) argument, a->key, a->nulls, b->key, b->nulls);
}

ElectraTopK *
electra_top_k_make(int k, TupleDesc key)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "electra best rows",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ElectraTopK *top = palloc0(sizeof(ElectraTopK));

	top->context = context;
	top->key = key;
	top->types = palloc(key->natts * sizeof(TypeCacheEntry *));
	for (int i = 0; i < key->natts; i++)
		top->types[i] = lookup_type_cache(TupleDescAttr(key, i)->atttypid,
										  TYPECACHE_CMP_PROC_FINFO);
	top->heap = binaryheap_allocate(k, compare_rows, top);
	top->k = k;
	MemoryContextSwitchTo(caller);
	return top;
}

bool
electra_top_k_wants(const ElectraTopK *top, float4 score)
{
	if (top->heap->bh_size < top->k)
		return true;
	return score >= ((const TopRow *) DatumGetPointer(binaryheap_first(top->heap)))->score;
}

/* The row that another one takes the place of, or a new one; without key. */
static TopRow *
empty_row(ElectraTopK *top, bool full)
{
	int			columns = top->key->natts;
	TopRow	   *row;

	if (!full)
	{
		row = palloc(sizeof(TopRow));
		row->key = palloc(columns * sizeof(Datum));
		row->nulls = palloc(columns * sizeof(bool));
		return row;
	}

	row = (TopRow *) DatumGetPointer(binaryheap_first(top->heap));
	for (int i = 0; i < columns; i++)
		if (!row->nulls[i] && !TupleDescAttr(top->key, i)->attbyval)
			pfree(DatumGetPointer(row->key[i]));
	return row;
}

void
electra_top_k_offer(ElectraTopK *top, float4 score, const Datum *key, const bool *nulls)
{
	bool		full = top->heap->bh_size == top->k;
	MemoryContext caller;
	TopRow	   *row;

	if (full)
	{
		const TopRow *worst = (const TopRow *) DatumGetPointer(binaryheap_first(top->heap));

		if (score < worst->score ||
			(score == worst->score &&
			 compare_keys(top, key, nulls, worst->key, worst->nulls) >= 0))
			return;
	}

	caller = MemoryContextSwitchTo(top->context);
	row = empty_row(top, full);
	row->score = score;
	for (int i = 0; i < top->key->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(top->key, i);

		row->nulls[i] = nulls[i];
		row->key[i] = nulls[i] ? (Datum) 0 : datumCopy(key[i], column->attbyval, column->attlen);
	}
	if (full)
		binaryheap_replace_first(top->heap, PointerGetDatum(row));
	else
		binaryheap_add(top->heap, PointerGetDatum(row));
	MemoryContextSwitchTo(caller);
}

bool
electra_top_k_remove_worst(ElectraTopK *top, float4 *score, const Datum **key, const bool **nulls)
{
	const TopRow *row;

	if (binaryheap_empty(top->heap))
		return false;
	row = (const TopRow *) DatumGetPointer(binaryheap_remove_first(top->heap));
	*score = row->score;
	*key = row->key;
	*nulls = row->nulls;
	return true;
}

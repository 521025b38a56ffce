/*
 * The pass over all rows that electra_search makes; see search_scan.h.
 *
 * Tables are read through their access method, and vectors where they lie in
 * the buffer; only what is compressed or out of line is copied.  What the
 * executor alone can read comes from a cursor.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "core/kernels.h"
#include "pg/search_scan.h"

/* Rows that the cursor gives at once; 64 vectors of 1,024 dimensions are 256 kB. */
#define CURSOR_ROWS 64

/* From the start of a row to its vector's elements, if an integer key lies between. */
#define ROW_HEADER_BYTES 56

typedef struct SearchScan
{
	const ElectraSearchTarget *target;
	const ElectraSearchQuery *query;
	double		square;			/* of the query's vector */
	ElectraTopK *top;
	MemoryContext row_context;	/* reset after each row that was copied */

	/* where the columns are in the rows that come now */
	AttrNumber	vector_column;
	AttrNumber	key_columns[INDEX_MAX_KEYS];

	uintptr_t	page_vector;	/* address of the first vector of this page */
	uintptr_t	distance;		/* between vectors of a page */

	/* the key of the row that was asked for last */
	Datum		key[INDEX_MAX_KEYS];
	bool		key_nulls[INDEX_MAX_KEYS];
} SearchScan;

static void
read_key(SearchScan *scan, TupleTableSlot *slot)
{
	for (int i = 0; i < scan->target->key->natts; i++)
		scan->key[i] = slot_getattr(slot, scan->key_columns[i], &scan->key_nulls[i]);
}

/* The key of a row, for messages. */
static char *
key_text(SearchScan *scan, TupleTableSlot *slot)
{
	read_key(scan, slot);
	return DatumGetCString(DirectFunctionCall1(jsonb_out,
											   electra_search_key(scan->target, scan->key,
																  scan->key_nulls)));
}

/* The name of the column of vectors, for messages. */
static const char *
target_name(const SearchScan *scan)
{
	return NameStr(TupleDescAttr(RelationGetDescr(scan->target->relation),
								 scan->target->target - 1)->attname);
}

/* An ERROR for a row whose array is no vector of the query's size. */
static void
reject_array(SearchScan *scan, TupleTableSlot *slot, const ArrayType *array)
{
	const char *table = RelationGetRelationName(scan->target->relation);
	const char *key = key_text(scan, slot);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("row %s of \"%s\" has no vector in column \"%s\"", key, table,
						target_name(scan)),
				 errdetail("A vector is a one-dimensional array; this one has %d dimensions.",
						   ARR_NDIM(array))));
	if (array_contains_nulls((ArrayType *) array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("row %s of \"%s\" has no vector in column \"%s\"", key, table,
						target_name(scan)),
				 errdetail("The array contains nulls.")));
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("row %s of \"%s\" has a vector of %d dimensions in column \"%s\"", key, table,
					ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), target_name(scan)),
			 errdetail("Preset \"%s\" makes vectors of %d dimensions.", scan->query->preset,
					   scan->query->dimensions),
			 errhint("Search with the preset that made the column's vectors.")));
}

/* The cosine of this row is no number. */
static void
reject_value(SearchScan *scan, TupleTableSlot *slot)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("row %s of \"%s\" has a vector that is not finite in column \"%s\"",
					key_text(scan, slot), RelationGetRelationName(scan->target->relation),
					target_name(scan)),
			 errdetail("It holds NaN or infinity, which electra_embed never returns.")));
}

/*
 * Compares the vector of a row, whole in memory, with the query's; ahead as for
 * consider_row.
 */
static void
consider_vector(SearchScan *scan, TupleTableSlot *slot, ArrayType *array, const float *ahead)
{
	int			dimensions = scan->query->dimensions;
	float4		score;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != dimensions ||
		(ARR_HASNULL(array) && array_contains_nulls(array)))
		reject_array(scan, slot, array);

	score = electra_cosine_with(scan->query->vector, scan->square,
								(const float *) ARR_DATA_PTR(array), ahead, dimensions);
	if (isnan(score))
		reject_value(scan, slot);

	if (electra_top_k_wants(scan->top, score))
	{
		read_key(scan, slot);
		electra_top_k_offer(scan->top, score, scan->key, scan->key_nulls);
	}
}

/* ahead: about where the elements of the next row's vector lie, if that is known. */
static void
consider_row(SearchScan *scan, TupleTableSlot *slot, const float *ahead)
{
	bool		isnull;
	Datum		vector = slot_getattr(slot, scan->vector_column, &isnull);
	MemoryContext caller;

	if (isnull)
		return;

	if (!VARATT_IS_EXTENDED(DatumGetPointer(vector)))
	{
		consider_vector(scan, slot, (ArrayType *) DatumGetPointer(vector), ahead);
		return;
	}
	caller = MemoryContextSwitchTo(scan->row_context);
	consider_vector(scan, slot, DatumGetArrayTypeP(vector), ahead);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scan->row_context);
}

/* Partitions may have their columns in another order. */
static AttrNumber
column_in(Oid table, Relation parent, AttrNumber column)
{
	if (table == RelationGetRelid(parent))
		return column;
	return get_attnum(table, NameStr(TupleDescAttr(RelationGetDescr(parent), column - 1)->attname));
}

/*
 * The next row, with the columns that are needed taken apart, since the slots
 * of heap tables cannot do that any more once the scan has gone on.  Sets ahead
 * to its vector's elements, NULL if they are not in the row.
 */
static bool
next_row(const SearchScan *scan, TableScanDesc rows, int num_columns, TupleTableSlot *slot,
		 const float **ahead)
{
	struct varlena *vector;

	*ahead = NULL;
	if (!table_scan_getnextslot(rows, ForwardScanDirection, slot))
		return false;
	slot_getsomeattrs(slot, num_columns);
	if (slot->tts_isnull[scan->vector_column - 1])
		return true;
	vector = (struct varlena *) DatumGetPointer(slot->tts_values[scan->vector_column - 1]);
	if (!VARATT_IS_EXTENDED(vector))
		*ahead = (const float *) ((const char *) vector + ARR_OVERHEAD_NONULLS(1));
	return true;
}

/* Asks for the cache line at an address, which may be any. */
static inline void
fetch(uintptr_t address)
{
#if defined(__GNUC__)
	__builtin_prefetch((const void *) address);
#endif
}

/*
 * Fetches what reading the rows after the next will wait for.  Rows of a page
 * mostly lie at one distance from each other, downwards; pages that were read
 * one after the other mostly lie at one distance, too.  A wrong guess costs a
 * few cache lines.
 */
static inline void
fetch_headers(SearchScan *scan, uintptr_t vector, uintptr_t next_vector)
{
	uintptr_t	guess;

	if (vector == 0 || next_vector == 0)
		return;
	if (next_vector < vector && vector - next_vector < BLCKSZ)
		scan->distance = vector - next_vector;
	else
	{
		/* the first row of a page, which lies at its end */
		guess = 2 * next_vector - scan->page_vector;
		scan->page_vector = next_vector;
		fetch(guess + scan->query->dimensions * sizeof(float) - BLCKSZ);
		fetch(guess - ROW_HEADER_BYTES);
		fetch(guess - 1);
	}
	guess = next_vector - scan->distance;
	fetch(guess - ROW_HEADER_BYTES);
	fetch(guess - 1);
}

/* Rows come one ahead of the computation, so that memory works during it. */
static void
scan_rows(SearchScan *scan, Relation table, int num_columns)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TupleTableSlot *next = table_slot_create(table, NULL);
	TableScanDesc rows = table_beginscan(table, GetActiveSnapshot(), 0, NULL);
	const float *vector;
	const float *ahead;
	bool		more = next_row(scan, rows, num_columns, slot, &vector);

	while (more)
	{
		TupleTableSlot *done = slot;

		CHECK_FOR_INTERRUPTS();
		more = next_row(scan, rows, num_columns, next, &ahead);
		fetch_headers(scan, (uintptr_t) vector, (uintptr_t) ahead);
		consider_row(scan, slot, ahead);
		slot = next;
		next = done;
		vector = ahead;
	}
	table_endscan(rows);
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(next);
}

static void
scan_table(SearchScan *scan, Oid oid)
{
	Relation	parent = scan->target->relation;
	Relation	table = table_open(oid, NoLock);
	int			num_columns;

	/* as a query does, which passes over other sessions' temporary children */
	if (!RELATION_IS_OTHER_TEMP(table))
	{
		num_columns = scan->vector_column = column_in(oid, parent, scan->target->target);
		for (int i = 0; i < scan->target->key->natts; i++)
		{
			scan->key_columns[i] = column_in(oid, parent, scan->target->key_columns[i]);
			num_columns = Max(num_columns, scan->key_columns[i]);
		}
		scan_rows(scan, table, num_columns);
	}
	table_close(table, NoLock);
}

/* SELECT of the column of vectors, then those of the key. */
static char *
query_text(const ElectraSearchTarget *target)
{
	TupleDesc	columns = RelationGetDescr(target->relation);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s",
					 quote_identifier(NameStr(TupleDescAttr(columns, target->target - 1)->attname)));
	for (int i = 0; i < target->key->natts; i++)
		appendStringInfo(&text, ", %s",
						 quote_identifier(NameStr(TupleDescAttr(target->key, i)->attname)));
	appendStringInfo(&text, " FROM %s",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(target->relation)),
												RelationGetRelationName(target->relation)));
	return text.data;
}

/* The caller's rights, policies and snapshot hold, as in a query of its own. */
static void
scan_query(SearchScan *scan)
{
	char	   *text = query_text(scan->target);
	TupleTableSlot *slot;
	Portal		portal;

	scan->vector_column = 1;
	for (int i = 0; i < scan->target->key->natts; i++)
		scan->key_columns[i] = i + 2;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	portal = SPI_cursor_open_with_args(NULL, text, 0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	slot = MakeSingleTupleTableSlot(portal->tupDesc, &TTSOpsHeapTuple);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, CURSOR_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			ExecStoreHeapTuple(SPI_tuptable->vals[i], slot, false);
			consider_row(scan, slot, NULL);
		}
		ExecClearTuple(slot);
		SPI_freetuptable(SPI_tuptable);
	}
	ExecDropSingleTupleTableSlot(slot);
	SPI_cursor_close(portal);
	SPI_finish();
}

void
electra_search_scan(const ElectraSearchTarget *target, const ElectraSearchQuery *query,
					ElectraTopK *top)
{
	SearchScan	scan = {.target = target, .query = query, .top = top};
	ListCell   *cell;

	scan.square = electra_square(query->vector, query->dimensions);
	scan.row_context = AllocSetContextCreate(CurrentMemoryContext, "electra row",
											 ALLOCSET_DEFAULT_SIZES);
	if (target->by_query)
		scan_query(&scan);
	else
		foreach(cell, target->tables)
			scan_table(&scan, lfirst_oid(cell));
	MemoryContextDelete(scan.row_context);
}

/*
 * The pass over all rows that electra_search makes; see search_scan.h.
 *
 * Vectors are read where they lie in the buffer; only what is compressed or out
 * of line is copied.  Memory decides the speed, so heap tables are read page by
 * page with an eye on the next one; other tables through their access method,
 * and what the executor alone can read from a cursor.
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
#include "pg/heap_pages.h"
#include "pg/search_scan.h"

/* Rows that the cursor gives at once; 64 vectors of 1,024 dimensions are 256 kB. */
#define CURSOR_ROWS 64

/* A row, as its table or query gives it. */
typedef struct Row
{
	TupleTableSlot *slot;		/* NULL: the tuple */
	HeapTuple	tuple;
	TupleDesc	columns;		/* of the tuple */
	uintptr_t	ahead;			/* address of about as much that is read soon, 0: unknown */
} Row;

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

	/* the key of the row that was asked for last */
	Datum		key[INDEX_MAX_KEYS];
	bool		key_nulls[INDEX_MAX_KEYS];
} SearchScan;

static inline Datum
row_column(const Row *row, AttrNumber column, bool *isnull)
{
	if (row->slot != NULL)
		return slot_getattr(row->slot, column, isnull);
	return heap_getattr(row->tuple, column, row->columns, isnull);
}

static void
read_key(SearchScan *scan, const Row *row)
{
	for (int i = 0; i < scan->target->key->natts; i++)
		scan->key[i] = row_column(row, scan->key_columns[i], &scan->key_nulls[i]);
}

/* The key of a row, for messages. */
static char *
key_text(SearchScan *scan, const Row *row)
{
	read_key(scan, row);
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
reject_array(SearchScan *scan, const Row *row, const ArrayType *array)
{
	const char *table = RelationGetRelationName(scan->target->relation);
	const char *key = key_text(scan, row);

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
reject_value(SearchScan *scan, const Row *row)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("row %s of \"%s\" has a vector that is not finite in column \"%s\"",
					key_text(scan, row), RelationGetRelationName(scan->target->relation),
					target_name(scan)),
			 errdetail("It holds NaN or infinity, which electra_embed never returns.")));
}

/* Compares the vector of a row, whole in memory, with the query's. */
static void
consider_vector(SearchScan *scan, const Row *row, const ArrayType *array)
{
	int			dimensions = scan->query->dimensions;
	float4		score;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != dimensions ||
		(ARR_HASNULL(array) && array_contains_nulls((ArrayType *) array)))
		reject_array(scan, row, array);

	score = electra_cosine_with(scan->query->vector, scan->square,
								(const float *) ARR_DATA_PTR(array), (const float *) row->ahead,
								dimensions);
	if (isnan(score))
		reject_value(scan, row);

	if (electra_top_k_wants(scan->top, score))
	{
		read_key(scan, row);
		electra_top_k_offer(scan->top, score, scan->key, scan->key_nulls);
	}
}

static void
consider_row(SearchScan *scan, const Row *row)
{
	bool		isnull;
	Datum		vector = row_column(row, scan->vector_column, &isnull);
	MemoryContext caller;

	if (isnull)
		return;

	if (!VARATT_IS_EXTENDED(DatumGetPointer(vector)))
	{
		consider_vector(scan, row, (const ArrayType *) DatumGetPointer(vector));
		return;
	}
	caller = MemoryContextSwitchTo(scan->row_context);
	consider_vector(scan, row, DatumGetArrayTypeP(vector));
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

/* Asks memory for the cache line at an address, which may be any. */
static inline void
fetch(uintptr_t address)
{
#if defined(__GNUC__)
	__builtin_prefetch((const void *) address);
#endif
}

/*
 * With each row of a page, about as much of the next page is asked for: its
 * header and line pointers, then the rows in ascending addresses, which suits
 * the caches' own prefetching though the rows are read in descending ones.
 */
static void
scan_heap(SearchScan *scan, Relation table)
{
	ElectraHeapPages pages;
	HeapTupleData tuple;
	Row			row = {.tuple = &tuple, .columns = RelationGetDescr(table)};

	electra_heap_pages_begin(&pages, table, GetActiveSnapshot());
	while (electra_heap_pages_next(&pages))
	{
		uintptr_t	ahead = electra_heap_pages_ahead(&pages);

		CHECK_FOR_INTERRUPTS();
		if (BufferIsValid(pages.next))
			fetch((uintptr_t) BufferGetPage(pages.next));
		for (int i = 0; i < pages.num_rows; i++)
		{
			electra_heap_pages_row(&pages, i, &tuple);
			row.ahead = ahead;
			if (ahead != 0)
			{
				ahead += tuple.t_len;
				fetch(ahead - 1);
			}
			consider_row(scan, &row);
		}
	}
}

static void
scan_rows(SearchScan *scan, Relation table)
{
	Row			row = {.slot = table_slot_create(table, NULL)};
	TableScanDesc rows = table_beginscan(table, GetActiveSnapshot(), 0, NULL);

	while (table_scan_getnextslot(rows, ForwardScanDirection, row.slot))
	{
		CHECK_FOR_INTERRUPTS();
		consider_row(scan, &row);
	}
	table_endscan(rows);
	ExecDropSingleTupleTableSlot(row.slot);
}

static void
scan_table(SearchScan *scan, Oid oid)
{
	Relation	parent = scan->target->relation;
	Relation	table = table_open(oid, NoLock);

	/* as a query does, which passes over other sessions' temporary children */
	if (!RELATION_IS_OTHER_TEMP(table))
	{
		scan->vector_column = column_in(oid, parent, scan->target->target);
		for (int i = 0; i < scan->target->key->natts; i++)
			scan->key_columns[i] = column_in(oid, parent, scan->target->key_columns[i]);
		if (electra_heap_pages_suit(table, GetActiveSnapshot()))
			scan_heap(scan, table);
		else
			scan_rows(scan, table);
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
	Row			row = {.slot = NULL};
	Portal		portal;

	scan->vector_column = 1;
	for (int i = 0; i < scan->target->key->natts; i++)
		scan->key_columns[i] = i + 2;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	portal = SPI_cursor_open_with_args(NULL, text, 0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	row.columns = portal->tupDesc;
	for (;;)
	{
		SPI_cursor_fetch(portal, true, CURSOR_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			row.tuple = SPI_tuptable->vals[i];
			consider_row(scan, &row);
		}
		SPI_freetuptable(SPI_tuptable);
	}
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

/*
 * electra_load_archive: an archive that came over the connection, in the rows
 * of a table, becomes a preset.
 *
 * The table is the caller's and is read as the caller, row by row: what the
 * caller may not read is not read, and no more than one piece is in memory.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "pg/catalog.h"
#include "pg/preset_name.h"
#include "pg/store_preset.h"

/* What the catalogue shows as the preset's source. */
#define SOURCE_NAME "electra_load_archive"

/* Arguments of electra_load_archive, in order. */
enum
{
	ARG_CHUNKS,
	ARG_NAME,
	ARG_DIGEST
};

/* Columns of the query. */
enum
{
	COLUMN_NO = 1,
	COLUMN_DATA
};

/* The digest that the sender states: 64 hexadecimal digits, of either case. */
static void
parse_digest(const char *text, uint8 digest[ELECTRA_DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	bool		valid = strlen(text) == 2 * ELECTRA_DIGEST_SIZE;

	for (int i = 0; i < ELECTRA_DIGEST_SIZE && valid; i++)
	{
		const char *high = strchr(digits, pg_ascii_tolower((unsigned char) text[2 * i]));
		const char *low = strchr(digits, pg_ascii_tolower((unsigned char) text[2 * i + 1]));

		valid = high != NULL && low != NULL;
		if (valid)
			digest[i] = (uint8) ((high - digits) << 4 | (low - digits));
	}
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"digest\" is not a digest"),
				 errdetail("Expected the SHA-256 of the archive as %d hexadecimal digits.",
						   2 * ELECTRA_DIGEST_SIZE)));
}

/* One of the two columns that the relation must have. */
static void
check_column(Oid relation, const char *relation_name, const char *column, Oid type)
{
	AttrNumber	number = get_attnum(relation, column);
	Oid			found = number > 0 ? get_atttype(relation, number) : InvalidOid;

	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation %s has no column \"%s\"", relation_name, column),
				 errdetail("An archive lies in the columns chunk_no integer and chunk bytea.")));
	if (found != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation %s has the wrong type", column, relation_name),
				 errdetail("Expected %s, found %s.", format_type_be(type), format_type_be(found))));
}

/*
 * The query that gives the pieces in order, once the relation is known to have
 * them; it is locked, so that they are what the query will find.
 */
static char *
make_query(Oid relation)
{
	char	   *relation_name;

	LockRelationOid(relation, AccessShareLock);
	relation_name = get_rel_name(relation);
	if (relation_name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	relation_name = quote_qualified_identifier(get_namespace_name_or_temp(get_rel_namespace(relation)),
											   relation_name);
	check_column(relation, relation_name, "chunk_no", INT4OID);
	check_column(relation, relation_name, "chunk", BYTEAOID);
	return psprintf("SELECT chunk_no, chunk FROM %s ORDER BY chunk_no", relation_name);
}

/* Puts the piece of one row into the store. */
static void
put_row(ElectraPresetStore *store, HeapTuple row, TupleDesc descriptor, int32 expected_no)
{
	bool		no_isnull;
	bool		data_isnull;
	int32		no = DatumGetInt32(SPI_getbinval(row, descriptor, COLUMN_NO, &no_isnull));
	Datum		data = SPI_getbinval(row, descriptor, COLUMN_DATA, &data_isnull);
	Size		size;
	bytea	   *piece;

	if (no_isnull || data_isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a chunk of the archive is null"),
				 errdetail("Expected chunk %d.", expected_no)));
	if (no != expected_no)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("chunk %d of the archive is missing", expected_no),
				 errdetail("The chunks must be numbered 0, 1, 2 and so on; found %d.", no)));
	size = toast_raw_datum_size(data) - VARHDRSZ;
	if (size > ELECTRA_CHUNK_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("chunk %d of the archive is too large", no),
				 errdetail("It has %zu bytes; at most %d are allowed.", size, ELECTRA_CHUNK_SIZE)));
	piece = DatumGetByteaPP(data);
	electra_store_put(store, VARDATA_ANY(piece), VARSIZE_ANY_EXHDR(piece));
}

/*
 * Reads the table into the store.  context is where the store lives: SPI's own
 * memory ends with SPI.
 */
static void
put_rows(ElectraPresetStore *store, const char *query, MemoryContext context)
{
	MemoryContext row_context = AllocSetContextCreate(context, "electra archive row", ALLOCSET_DEFAULT_SIZES);
	Portal		cursor;
	SPIPlanPtr	plan;
	int32		count = 0;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(query, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	cursor = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;; count++)
	{
		MemoryContext caller;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, 1);
		if (SPI_processed == 0)
			break;
		caller = MemoryContextSwitchTo(row_context);
		put_row(store, SPI_tuptable->vals[0], SPI_tuptable->tupdesc, count);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(row_context);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(cursor);
	SPI_finish();
	MemoryContextDelete(row_context);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the archive has no chunks"),
				 errdetail("The relation is empty."),
				 errhint("Send the archive with \"electra-import DIRECTORY --sql | psql\".")));
}

PG_FUNCTION_INFO_V1(electra_load_archive);

/* (chunks, name, digest) -> name; all or nothing, like electra_load_preset. */
Datum
electra_load_archive(PG_FUNCTION_ARGS)
{
	uint8		digest[ELECTRA_DIGEST_SIZE];
	char	   *name;
	char	   *query;
	ElectraPresetStore *store;

	PreventCommandIfReadOnly("electra_load_archive()");
	PreventCommandIfParallelMode("electra_load_archive()");

	electra_require_argument(fcinfo, ARG_CHUNKS, "chunks");
	name = electra_get_text_argument(fcinfo, ARG_NAME, "name");
	if (!electra_preset_name_valid(name))
		electra_preset_name_error();
	parse_digest(electra_get_text_argument(fcinfo, ARG_DIGEST, "digest"), digest);
	query = make_query(PG_GETARG_OID(ARG_CHUNKS));

	store = electra_store_begin(name, "loading");
	put_rows(store, query, CurrentMemoryContext);
	electra_store_finish(store, digest, SOURCE_NAME);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

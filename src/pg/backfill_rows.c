/*
 * One batch of electra_backfill; see backfill_rows.h.
 *
 * The rows are locked by the transaction of the batch, and stay locked when a
 * subtransaction fails.  So a group of texts is embedded in a subtransaction,
 * and the vectors of the batch are written in another; an error there makes the
 * step be taken again for each row by itself.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "pg/backfill_rows.h"
#include "pg/embed_texts.h"

/* Rows that are embedded together: if one fails, so many are embedded again. */
#define GROUP_ROWS 32

/*
 * Failed rows that are remembered, to be reported and counted once only.
 * Beyond that number, rows that are looked at again are reported again.
 */
#define MAX_FAILURES 200000

/* Bytes of a key that are shown. */
#define MAX_KEY_SIZE 200

/* The digest of a key; hash collisions would leave out a row. */
typedef struct KeyDigest
{
	uint64		words[2];
} KeyDigest;

/* What becomes of a batch after an error. */
typedef enum ErrorKind
{
	ERROR_OF_CALL,				/* every row would fail: the call ends */
	ERROR_OF_ROW,
	ERROR_OF_MOMENT				/* deadlock and the like: the row comes again */
} ErrorKind;

static ErrorKind
classify_error(const ElectraBackfillBatch *batch, const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case MAKE_SQLSTATE('2', '2', '0', '0', '0'):	/* data */
		case MAKE_SQLSTATE('2', '3', '0', '0', '0'):	/* constraints */
		case MAKE_SQLSTATE('0', '9', '0', '0', '0'):	/* triggers */
		case MAKE_SQLSTATE('2', '7', '0', '0', '0'):
		case MAKE_SQLSTATE('4', '4', '0', '0', '0'):	/* check options */
		case MAKE_SQLSTATE('5', '4', '0', '0', '0'):	/* program limits */
		case MAKE_SQLSTATE('P', '0', '0', '0', '0'):	/* raised in PL/pgSQL */
			return ERROR_OF_ROW;
		case MAKE_SQLSTATE('4', '0', '0', '0', '0'):
			return ERROR_OF_MOMENT;
	}
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		return ERROR_OF_MOMENT;

	/* row-level security, or else the right to use the preset */
	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && batch->writing)
		return ERROR_OF_ROW;
	return ERROR_OF_CALL;
}

void
electra_backfill_batch_init(ElectraBackfillBatch *batch, ElectraBackfillTable *table,
							const char *preset, ElectraProgressCounts *counts)
{
	HASHCTL		control = {0};

	memset(batch, 0, sizeof(ElectraBackfillBatch));
	batch->table = table;
	batch->preset = preset;
	batch->counts = counts;
	batch->update = electra_backfill_update_plan(table);
	batch->context = AllocSetContextCreate(CurrentMemoryContext, "electra backfill batch",
										   ALLOCSET_DEFAULT_SIZES);
	batch->scratch = AllocSetContextCreate(CurrentMemoryContext, "electra backfill row",
										   ALLOCSET_DEFAULT_SIZES);
	control.hcxt = CurrentMemoryContext;
	control.keysize = sizeof(KeyDigest);
	control.entrysize = sizeof(KeyDigest);
	batch->failures = hash_create("electra backfill failures", 16, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static KeyDigest
key_digest(const ElectraBackfillBatch *batch, int row)
{
	KeyDigest	digest = {{1, 2}};

	for (int i = 0; i < batch->table->num_keys; i++)
	{
		char	   *value = SPI_getvalue(batch->rows->vals[row], batch->rows->tupdesc, i + 1);
		int			size = (int) strlen(value) + 1;	/* the end counts: ('a', 'bc') is not ('ab', 'c') */

		for (int j = 0; j < 2; j++)
			digest.words[j] = hash_bytes_extended((unsigned char *) value, size, digest.words[j]);
		pfree(value);
	}
	return digest;
}

static bool
has_failed(const ElectraBackfillBatch *batch, int row)
{
	KeyDigest	digest;

	if (hash_get_num_entries(batch->failures) == 0)
		return false;
	digest = key_digest(batch, row);
	return hash_search(batch->failures, &digest, HASH_FIND, NULL) != NULL;
}

/* "(id, part)=(17, a)" */
static char *
show_key(const ElectraBackfillBatch *batch, int row)
{
	StringInfoData key;

	initStringInfo(&key);
	appendStringInfo(&key, "(%s)=(", batch->table->key_list);
	for (int i = 0; i < batch->table->num_keys; i++)
	{
		char	   *value = SPI_getvalue(batch->rows->vals[row], batch->rows->tupdesc, i + 1);
		int			size = (int) strlen(value);
		int			shown = pg_mbcliplen(value, size, MAX_KEY_SIZE);

		appendStringInfo(&key, "%s%.*s%s", i > 0 ? ", " : "", shown, value, shown < size ? "..." : "");
		pfree(value);
	}
	appendStringInfoChar(&key, ')');
	return key.data;
}

/*
 * Reports a row that is left out.  The server's messages about data quote them,
 * and details quote whole rows: of those only the SQLSTATE is told.
 */
static void
leave_out(ElectraBackfillBatch *batch, int row, const ErrorData *error)
{
	bool		quotes = batch->writing &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION;

	batch->left_out[row] = true;
	batch->counts->failed++;
	if (hash_get_num_entries(batch->failures) < MAX_FAILURES)
	{
		KeyDigest	digest = key_digest(batch, row);

		hash_search(batch->failures, &digest, HASH_ENTER, NULL);
	}
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("electra_backfill: row %s of \"%s\" is left out",
					show_key(batch, row), batch->table->name),
			 quotes ? errdetail("Writing its embedding failed with SQLSTATE %s.",
								unpack_sql_state(error->sqlerrcode)) :
			 errdetail("%s (SQLSTATE %s)", error->message, unpack_sql_state(error->sqlerrcode))));
}

/*
 * Runs a step in a subtransaction.  Returns NULL, or the error of a row or of a
 * moment; other errors go on.
 */
static ErrorData *
attempt(void (*step) (ElectraBackfillBatch *batch), ElectraBackfillBatch *batch)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		step(batch);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextReset(batch->scratch);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	if (error != NULL && classify_error(batch, error) == ERROR_OF_CALL)
		ReThrowError(error);
	return error;
}

/* The text of a row: its sources joined. */
static Datum
row_text(const ElectraBackfillBatch *batch, int row)
{
	const ElectraBackfillTable *table = batch->table;
	Datum	   *values = palloc(table->num_columns * sizeof(Datum));
	bool	   *nulls = palloc(table->num_columns * sizeof(bool));

	for (int i = 0; i < table->target->num_sources; i++)
	{
		AttrNumber	column = table->target->sources[i] - 1;

		values[column] = SPI_getbinval(batch->rows->vals[row], batch->rows->tupdesc,
									   table->num_keys + i + 1, &nulls[column]);
	}
	return electra_embed_target_text(table->target, values, nulls);
}

/* A step: embeds the rows batch->next … batch->end - 1. */
static void
embed_step(ElectraBackfillBatch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->scratch);
	ElectraEmbedder embedder;
	Datum		texts[GROUP_ROWS];
	int			members[GROUP_ROWS];
	int			count = 0;
	float	   *vectors;

	for (int row = batch->next; row < batch->end; row++)
	{
		if (batch->left_out[row])
			continue;
		texts[count] = row_text(batch, row);
		members[count++] = row;
	}

	electra_embedder_begin(&embedder, batch->preset, ELECTRA_PROMPT_NONE);
	if (batch->vectors == NULL)
	{
		batch->dimensions = embedder.dimensions;
		batch->vectors = MemoryContextAllocHuge(batch->context, (Size) batch->num_rows *
												batch->dimensions * sizeof(float));
	}
	vectors = palloc(Max(count, 1) * batch->dimensions * sizeof(float));
	electra_embed_texts(&embedder, count, texts, vectors);
	electra_embedder_end(&embedder);

	for (int i = 0; i < count; i++)
		memcpy(batch->vectors + (Size) members[i] * batch->dimensions,
			   vectors + (Size) i * batch->dimensions, batch->dimensions * sizeof(float));
	MemoryContextSwitchTo(caller);
	MemoryContextReset(batch->scratch);
}

/*
 * Runs a step over the rows from … to - 1; where it fails, over each of them by
 * itself, and those that fail again are left out.
 */
static void
attempt_rows(ElectraBackfillBatch *batch, void (*step) (ElectraBackfillBatch *batch), int from,
			 int to)
{
	batch->next = from;
	batch->end = to;
	if (attempt(step, batch) == NULL)
		return;

	for (int row = from; row < to; row++)
	{
		ErrorData  *error;

		batch->next = row;
		batch->end = row + 1;
		if (batch->left_out[row] || (error = attempt(step, batch)) == NULL)
			continue;
		if (classify_error(batch, error) == ERROR_OF_MOMENT)
		{
			batch->left_out[row] = true;
			batch->missed++;
		}
		else
			leave_out(batch, row, error);
	}
}

/* The embedding of a row as the target's type. */
static Datum
row_embedding(const ElectraBackfillBatch *batch, int row)
{
	ArrayType  *array = electra_real_array(batch->dimensions);

	memcpy(ARR_DATA_PTR(array), batch->vectors + (Size) row * batch->dimensions,
		   batch->dimensions * sizeof(float));
	return electra_embed_target_convert(batch->table->target, PointerGetDatum(array));
}

/* A step: converts the embedding of row batch->next. */
static void
convert_step(ElectraBackfillBatch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->scratch);

	(void) row_embedding(batch, batch->next);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(batch->scratch);
}

/* A step: converts the embedding of a text that is in no row. */
static void
convert_other_step(ElectraBackfillBatch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->scratch);
	ArrayType  *array = electra_real_array(batch->dimensions);
	Datum		text = CStringGetTextDatum("");
	ElectraEmbedder embedder;

	electra_embedder_begin(&embedder, batch->preset, ELECTRA_PROMPT_NONE);
	electra_embed_texts(&embedder, 1, &text, (float *) ARR_DATA_PTR(array));
	electra_embedder_end(&embedder);
	(void) electra_embed_target_convert(batch->table->target, PointerGetDatum(array));
	MemoryContextSwitchTo(caller);
	MemoryContextReset(batch->scratch);
}

/*
 * Tries, once in a call, whether the target takes vectors of this preset: one of
 * another dimension would be an error of every row.  Real vectors are asked, for
 * what a domain forbids only its CHECK knows: where it takes neither one of the
 * first batch nor that of another text, the call ends.
 */
static void
require_target(ElectraBackfillBatch *batch)
{
	ErrorData  *error = NULL;

	for (int row = 0; row < batch->num_rows && !batch->target_fits; row++)
	{
		if (batch->left_out[row])
			continue;
		batch->next = row;
		error = attempt(convert_step, batch);
		batch->target_fits = error == NULL;
	}
	if (error == NULL)
		return;

	error = attempt(convert_other_step, batch);
	batch->target_fits = error == NULL;
	if (error != NULL)
		ereport(ERROR,
				(errcode(error->sqlerrcode),
				 errmsg("column \"%s\" of table \"%s\" takes no embedding of the preset",
						batch->table->target->target_name, batch->table->name),
				 errdetail_internal("%s.", error->message),
				 errhint("Name a preset whose vectors the column's type takes, or change the type.")));
}

/* Writes the embedding of one row. */
static void
write_row(ElectraBackfillBatch *batch, int row)
{
	const ElectraBackfillTable *table = batch->table;
	int			num_read = table->num_keys + table->target->num_sources;
	Datum	   *values = palloc((num_read + 1) * sizeof(Datum));
	char	   *nulls = palloc(num_read + 1);
	int			result;

	for (int i = 0; i < num_read; i++)
	{
		bool		isnull;

		values[i] = SPI_getbinval(batch->rows->vals[row], batch->rows->tupdesc, i + 1, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	values[num_read] = row_embedding(batch, row);
	nulls[num_read] = ' ';

	result = SPI_execute_plan(batch->update, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	if (result != SPI_OK_UPDATE || SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("update of column \"%s\" changed " UINT64_FORMAT " rows instead of one",
						table->target->target_name, (uint64) SPI_processed)));
}

/* A step: writes the rows batch->next … batch->end - 1. */
static void
write_step(ElectraBackfillBatch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->scratch);

	for (int row = batch->next; row < batch->end; row++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!batch->left_out[row])
			write_row(batch, row);
		MemoryContextReset(batch->scratch);
	}
	MemoryContextSwitchTo(caller);
}

int
electra_backfill_rows(ElectraBackfillBatch *batch, SPITupleTable *rows, int num_rows)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->context);
	int			written = 0;

	batch->rows = rows;
	batch->num_rows = num_rows;
	batch->vectors = NULL;
	batch->missed = 0;
	batch->left_out = palloc(num_rows * sizeof(bool));
	for (int row = 0; row < num_rows; row++)
		batch->left_out[row] = has_failed(batch, row);

	batch->writing = false;
	electra_progress_set(ELECTRA_PROGRESS_EMBEDDING, batch->counts);
	for (int row = 0; row < num_rows; row += GROUP_ROWS)
		attempt_rows(batch, embed_step, row, Min(row + GROUP_ROWS, num_rows));
	require_target(batch);
	batch->writing = true;
	electra_progress_set(ELECTRA_PROGRESS_WRITING, batch->counts);
	attempt_rows(batch, write_step, 0, num_rows);

	for (int row = 0; row < num_rows; row++)
		written += !batch->left_out[row];
	MemoryContextSwitchTo(caller);
	MemoryContextReset(batch->context);
	return written;
}

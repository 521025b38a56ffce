/*
 * SQL procedure electra_backfill: fills a column of embeddings.
 *
 * A row is to be filled where its target is NULL and a source is not; that is
 * all the bookkeeping there is, so that a call which was killed is resumed by
 * another call.  The table is walked in the order of its primary key.  A batch
 * is a transaction: it locks the next rows that nobody else has locked, embeds
 * them, writes them and commits.
 *
 * Why no stale vector is ever written: a batch embeds what it reads from rows
 * that it has locked.  Where a row has been updated since the snapshot of the
 * query that locks it, READ COMMITTED locks the newest version, asks the
 * condition again of that version and returns its values, so that a row filled
 * or emptied meanwhile drops out, and a changed text is read as it is now.
 * Until the commit nobody else can update the row.  (Batches are READ COMMITTED
 * whatever the session's default is.)
 *
 * Rows that are locked by others are left out; how many there were is known by
 * counting.  When the end of the table is reached, the stretch in which there
 * were any is walked again, until there are none, or waiting has not helped.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 180000
#include "utils/wait_event.h"
#endif

#include "pg/backfill_rows.h"
#include "pg/backfill_table.h"
#include "pg/preset.h"
#include "pg/preset_name.h"
#include "pg/progress.h"
#include "pg/warnings.h"

/* More rows in a transaction gain nothing, and make others wait longer. */
#define MAX_BATCH_SIZE 10000

/* Seconds between two NOTICEs. */
#define NOTICE_INTERVAL 10

/* Up to so many pages (80 MB) rows are counted, above they are estimated. */
#define MAX_COUNTED_PAGES 10000

/* Walks without any progress before rows that others keep locked are left to them: 6.3 seconds. */
#define MAX_WAITS 6
#define FIRST_WAIT_MS 100

typedef struct Backfill
{
	ElectraBackfillTable *table;
	char		preset[ELECTRA_MAX_PRESET_NAME + 1 + ELECTRA_DIGEST_HEX_SIZE];	/* as it was named */
	char	   *pinned_preset;	/* name@digest */
	int			batch_size;
	int			pause_ms;
	ElectraBackfillBatch batch;
	SPIPlanPtr	scans[2][2];	/* [after][until]; made when needed */
	SPIPlanPtr	counts[2][2];
	ElectraProgressCounts progress;
	bool		total_estimated;
	TimestampTz last_notice;
	ElectraBackfillPlace position;	/* the last row that this walk has seen */
	ElectraBackfillPlace batch_end;
	ElectraBackfillPlace walk_end;	/* the last row that this walk looks at */
	ElectraBackfillPlace missed_from;	/* behind it, others had rows locked */
	ElectraBackfillPlace missed_until;
	int64		missed;			/* their number */
} Backfill;

/*
 * Ends a transaction and begins the next.  Counters of the table (dead rows!)
 * are given out here, for autovacuum: the server itself does that only when a
 * statement ends, which may be days away.
 */
static void
commit_batch(void)
{
	SPI_commit();
#ifndef USE_ASSERT_CHECKING
	/* it asserts that no transaction has begun; this one has done nothing yet */
	pgstat_report_stat(false);
#endif
	if (XactIsoLevel != XACT_READ_COMMITTED)
		(void) set_config_option("transaction_isolation", "read committed", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* Sleeps, between transactions' work, with interrupts served. */
static void
sleep_ms(Backfill *backfill, ElectraProgressPhase phase, int ms)
{
	TimestampTz end = GetCurrentTimestamp() + (int64) ms * 1000;

	electra_progress_set(phase, &backfill->progress);
	for (;;)
	{
		long		left = (long) ((end - GetCurrentTimestamp() + 999) / 1000);

		CHECK_FOR_INTERRUPTS();
		if (left <= 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/*
 * Runs a saved scan or count between two places.  Where few rows are left the
 * planner would rather read and sort the whole table, once for each batch: the
 * index is to be followed, and a cost made huge by that is no reason for JIT.
 */
static void
run_walk_query(Backfill *backfill, SPIPlanPtr plan, const ElectraBackfillPlace *after,
			   const ElectraBackfillPlace *until)
{
	static const char *const off[] = {"enable_seqscan", "enable_bitmapscan", "enable_sort", "jit"};
	int			k = backfill->table->num_keys;
	Datum		values[2 * INDEX_MAX_KEYS + 1] = {0};
	char		nulls[2 * INDEX_MAX_KEYS + 2];
	int			nest_level = NewGUCNestLevel();
	int			result;

	for (int i = 0; i < lengthof(off); i++)
		(void) set_config_option(off[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	memset(nulls, 'n', sizeof(nulls));
	for (int i = 0; i < k; i++)
	{
		if (after->values != NULL)
			values[i] = after->values[i], nulls[i] = ' ';
		if (until->values != NULL)
			values[k + i] = until->values[i], nulls[k + i] = ' ';
	}
	values[2 * k] = Int64GetDatum(backfill->batch_size);
	nulls[2 * k] = ' ';

	result = SPI_execute_plan(plan, values, nulls, false, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	AtEOXact_GUC(true, nest_level);
}

/*
 * An ERROR where a column that is read has got another type since the call
 * began: between batches the table is anybody's.
 */
static void
check_types(const ElectraBackfillTable *table, TupleDesc descriptor)
{
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(descriptor, i);
		Oid			expected = i < table->num_keys ? table->key_types[i] :
			table->source_types[i - table->num_keys];

		if (column->atttypid != expected)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of table \"%s\" has been given another type",
							NameStr(column->attname), table->name),
					 errdetail("It was of type %s when the call began, and is now of type %s.",
							   format_type_be(expected), format_type_be(column->atttypid)),
					 errhint("Call electra_backfill again: it goes on where this call has stopped.")));
	}
}

/* Locks and reads the next rows; returns their number. */
static int
scan_rows(Backfill *backfill, SPITupleTable **rows)
{
	bool		after = backfill->position.values != NULL;
	bool		until = backfill->walk_end.values != NULL;
	SPIPlanPtr *plan = &backfill->scans[after][until];

	if (*plan == NULL)
		*plan = electra_backfill_scan_plan(backfill->table, after, until);
	run_walk_query(backfill, *plan, &backfill->position, &backfill->walk_end);
	*rows = SPI_tuptable;
	check_types(backfill->table, (*rows)->tupdesc);
	return (int) SPI_processed;
}

/* Rows to be filled between two places, locked or not. */
static int64
count_rows(Backfill *backfill, const ElectraBackfillPlace *from, const ElectraBackfillPlace *to)
{
	bool		after = from->values != NULL;
	bool		until = to->values != NULL;
	SPIPlanPtr *plan = &backfill->counts[after][until];
	bool		isnull;
	int64		count;

	if (*plan == NULL)
		*plan = electra_backfill_count_plan(backfill->table, after, until);
	run_walk_query(backfill, *plan, from, to);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* Notes that rows of this batch must be looked at again. */
static void
note_missed(Backfill *backfill, int64 missed)
{
	if (missed <= 0)
		return;
	if (backfill->missed == 0)
		electra_backfill_place_set(backfill->table, &backfill->missed_from, backfill->position.values);
	electra_backfill_place_set(backfill->table, &backfill->missed_until, backfill->batch_end.values);
	backfill->missed += missed;
}

/* "about 3 hours left" is what a person wants to read. */
static char *
show_seconds(double seconds)
{
	if (seconds < 0)
		return pstrdup("an unknown time");
	if (seconds < 120)
		return psprintf("%.0f seconds", seconds);
	if (seconds < 2 * 3600)
		return psprintf("%.0f minutes", seconds / 60);
	if (seconds < 2 * 86400)
		return psprintf("%.1f hours", seconds / 3600);
	return psprintf("%.1f days", seconds / 86400);
}

/* Says how far it is, now and then. */
static void
notice_progress(Backfill *backfill)
{
	const ElectraProgressCounts *counts = &backfill->progress;
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(backfill->last_notice, now, NOTICE_INTERVAL * 1000))
		return;
	backfill->last_notice = now;
	ereport(NOTICE,
			(errmsg("electra_backfill: " INT64_FORMAT " of %s" INT64_FORMAT " rows of \"%s\", %.1f rows/s, %s left",
					counts->done + counts->failed, backfill->total_estimated ? "about " : "",
					counts->total, backfill->table->name, electra_progress_rate(counts, now),
					show_seconds(electra_progress_seconds_left(counts, now)))));
}

/* One transaction; false when the walk has come to its end. */
static bool
fill_batch(Backfill *backfill)
{
	SPITupleTable *rows;
	int			num_rows;
	int			written = 0;
	bool		full;
	int64		missed;

	CHECK_FOR_INTERRUPTS();
	EnsurePortalSnapshotExists();
	electra_progress_set(ELECTRA_PROGRESS_READING, &backfill->progress);
	num_rows = scan_rows(backfill, &rows);
	full = num_rows == backfill->batch_size;
	if (full)
	{
		Datum		values[INDEX_MAX_KEYS];

		electra_backfill_key(backfill->table, rows, num_rows - 1, values);
		electra_backfill_place_set(backfill->table, &backfill->batch_end, values);
	}
	else
		electra_backfill_place_set(backfill->table, &backfill->batch_end, backfill->walk_end.values);
	missed = count_rows(backfill, &backfill->position, &backfill->batch_end) - num_rows;

	if (num_rows > 0)
	{
		written = electra_backfill_rows(&backfill->batch, rows, num_rows);
		missed += backfill->batch.missed;
	}
	SPI_freetuptable(rows);
	commit_batch();
	backfill->progress.done += written;
	note_missed(backfill, missed);
	electra_backfill_place_set(backfill->table, &backfill->position, backfill->batch_end.values);
	backfill->progress.total = Max(backfill->progress.total,
								   backfill->progress.done + backfill->progress.failed);
	return full;
}

/* Walks from backfill->position to backfill->walk_end. */
static void
walk(Backfill *backfill)
{
	backfill->missed = 0;
	while (fill_batch(backfill))
	{
		notice_progress(backfill);
		if (backfill->pause_ms > 0)
			sleep_ms(backfill, ELECTRA_PROGRESS_PAUSING, backfill->pause_ms);
	}
}

/*
 * Walks, and walks again where rows were locked by others.  A row that another
 * call of electra_backfill has locked is soon filled, or free again.
 */
static void
fill_table(Backfill *backfill)
{
	int			waits = 0;

	walk(backfill);
	while (backfill->missed > 0 && waits < MAX_WAITS)
	{
		int64		before = backfill->progress.done;

		electra_backfill_place_set(backfill->table, &backfill->position, backfill->missed_from.values);
		electra_backfill_place_set(backfill->table, &backfill->walk_end, backfill->missed_until.values);
		sleep_ms(backfill, ELECTRA_PROGRESS_WAITING, FIRST_WAIT_MS << waits);
		walk(backfill);
		waits = backfill->progress.done > before ? 0 : waits + 1;
	}
	if (backfill->missed > 0)
		ereport(WARNING,
				(errmsg("electra_backfill: " INT64_FORMAT " rows of \"%s\" were locked by other sessions, or may not be updated by this role",
						backfill->missed, backfill->table->name),
				 errhint("Call electra_backfill again when the other sessions have finished.")));
	backfill->progress.total = backfill->progress.done + backfill->progress.failed;
	ereport(NOTICE,
			(errmsg("electra_backfill: " INT64_FORMAT " rows embedded, " INT64_FORMAT " failed",
					backfill->progress.done, backfill->progress.failed)));
}

/* Sets the number of rows to fill: exact where it costs little. */
static void
find_total(Backfill *backfill)
{
	BlockNumber pages;
	double		estimate = electra_backfill_estimate(backfill->table, &pages);

	backfill->total_estimated = pages > MAX_COUNTED_PAGES;
	backfill->progress.total = backfill->total_estimated ? (int64) Min(estimate, 1e18) :
		count_rows(backfill, &backfill->position, &backfill->walk_end);
}

/*
 * Resolves the preset, once for the whole call: a name that is given to another
 * preset meanwhile is an error, and no mixture of vectors.
 */
static void
find_preset(Backfill *backfill, const char *name)
{
	ElectraPreset *preset = electra_preset_acquire(name[0] == '\0' ? NULL : name);
	char		digest[ELECTRA_DIGEST_HEX_SIZE];

	if (name[0] == '\0')
		electra_warn_untrained(preset);
	strlcpy(backfill->preset, name[0] == '\0' ? preset->id.name : name, sizeof(backfill->preset));
	electra_digest_to_hex(preset->id.digest, digest);
	backfill->pinned_preset = psprintf("%s@%s", preset->id.name, digest);
}

/* Gives back the slot of the view, after an error too. */
static void
end_progress(int code, Datum argument)
{
	electra_progress_end();
}

/* Everything behind the arguments. */
static void
run_backfill(Oid relation, List *sources, const char *target, const char *preset, int batch_size,
			 int pause_ms)
{
	Backfill	backfill = {.batch_size = batch_size, .pause_ms = pause_ms};

	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");

	/* all of it in the memory of this connection, which outlives transactions */
	backfill.table = electra_backfill_table(relation, sources, target, preset);
	find_preset(&backfill, preset);
	electra_backfill_batch_init(&backfill.batch, backfill.table, backfill.pinned_preset,
								&backfill.progress);
	electra_backfill_place_init(&backfill.position);
	electra_backfill_place_init(&backfill.batch_end);
	electra_backfill_place_init(&backfill.walk_end);
	electra_backfill_place_init(&backfill.missed_from);
	electra_backfill_place_init(&backfill.missed_until);
	backfill.progress.started = backfill.last_notice = GetCurrentTimestamp();
	backfill.progress.total = -1;

	electra_progress_begin(relation, backfill.preset);
	PG_ENSURE_ERROR_CLEANUP(end_progress, (Datum) 0);
	{
		commit_batch();
		EnsurePortalSnapshotExists();
		find_total(&backfill);
		commit_batch();
		fill_table(&backfill);
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_progress, (Datum) 0);
	electra_progress_end();
	SPI_finish();
}

/* An ERROR where the procedure cannot commit. */
static void
require_commit(FunctionCallInfo fcinfo)
{
	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic && !IsSubTransaction())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
			 errmsg("electra_backfill cannot commit here"),
			 errdetail("It commits after each batch of rows, so that nobody waits for it and nothing is done twice."),
			 errhint("CALL it as a statement of its own, outside BEGIN and COMMIT, and neither in a function nor in a procedure with SET, SECURITY DEFINER or an exception handler.")));
}

/* An integer argument within its limits. */
static int
limited_argument(FunctionCallInfo fcinfo, int arg, const char *name, int least, int most)
{
	int32		value;

	electra_require_argument(fcinfo, arg, name);
	value = PG_GETARG_INT32(arg);
	if (value < least || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is out of range", name),
				 errdetail("It is %d, and must be between %d and %d.", value, least, most)));
	return value;
}

/* The argument "source": a text, or an array of them. */
static List *
source_argument(FunctionCallInfo fcinfo)
{
	List	   *sources = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (get_fn_expr_argtype(fcinfo->flinfo, 1) != TEXTARRAYOID)
		return list_make1(electra_get_text_argument(fcinfo, 1, "source"));

	electra_require_argument(fcinfo, 1, "source");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("element %d of argument \"source\" must not be null", i + 1)));
		sources = lappend(sources, TextDatumGetCString(elements[i]));
	}
	return sources;
}

PG_FUNCTION_INFO_V1(electra_backfill);

/* (relation, source text or text[], target, preset, batch_size, pause_ms) */
Datum
electra_backfill(PG_FUNCTION_ARGS)
{
	Oid			relation;
	List	   *sources;
	char	   *target;
	char	   *preset;
	int			batch_size;
	int			pause_ms;

	electra_require_argument(fcinfo, 0, "relation");
	relation = PG_GETARG_OID(0);
	sources = source_argument(fcinfo);
	target = electra_get_text_argument(fcinfo, 2, "target");
	preset = electra_get_text_argument(fcinfo, 3, "preset");
	batch_size = limited_argument(fcinfo, 4, "batch_size", 1, MAX_BATCH_SIZE);
	pause_ms = limited_argument(fcinfo, 5, "pause_ms", 0, PG_INT32_MAX);

	require_commit(fcinfo);
	run_backfill(relation, sources, target, preset, batch_size, pause_ms);
	PG_RETURN_VOID();
}

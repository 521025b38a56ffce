/*
 * The progress of electra_backfill, shared by the whole server.
 *
 * One slot for each call, taken and given back by the backend that runs it; a
 * slot whose process has gone counts as free.  A spinlock guards each slot for
 * the time of a copy.  Where the shared memory cannot be had there is no
 * progress to be seen, and never an error (as in stats.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "pg/preset.h"
#include "pg/progress.h"
#include "pg/shared_struct.h"

/* Raised with every change of the structs below. */
#define PROGRESS_NAME "electra progress 1"

/* Calls that are seen at the same time. */
#define NUM_SLOTS 32

#define NUM_COLUMNS 11

typedef struct ProgressSlot
{
	slock_t		mutex;
	int			pid;			/* 0: free */
	Oid			database;
	Oid			role;
	Oid			relation;
	int			phase;
	ElectraProgressCounts counts;
	char		preset[ELECTRA_MAX_PRESET_NAME + 1];
} ProgressSlot;

typedef struct SharedProgress
{
	ProgressSlot slots[NUM_SLOTS];
} SharedProgress;

StaticAssertDecl(sizeof(SharedProgress) <= 16 * 1024, "electra progress takes more than 16 kB");

static const char *const phase_names[] = {
	[ELECTRA_PROGRESS_COUNTING] = "counting rows",
	[ELECTRA_PROGRESS_READING] = "reading",
	[ELECTRA_PROGRESS_EMBEDDING] = "embedding",
	[ELECTRA_PROGRESS_WRITING] = "writing",
	[ELECTRA_PROGRESS_PAUSING] = "pausing",
	[ELECTRA_PROGRESS_WAITING] = "waiting for locked rows"
};

static SharedProgress *shared_progress = NULL;

/* Set when this backend could not have the struct: it does not ask again. */
static bool progress_unavailable = false;

/* The slot of this backend; NULL: none. */
static ProgressSlot *own_slot = NULL;

static shmem_request_hook_type previous_shmem_request_hook = NULL;
static shmem_startup_hook_type previous_shmem_startup_hook = NULL;

static void
initialize_progress(void *shared)
{
	SharedProgress *progress = shared;

	for (int i = 0; i < NUM_SLOTS; i++)
		SpinLockInit(&progress->slots[i].mutex);
}

static void
progress_shmem_request(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	RequestAddinShmemSpace(sizeof(SharedProgress));
}

static void
progress_shmem_startup(void)
{
	if (previous_shmem_startup_hook)
		previous_shmem_startup_hook();

	/* after a crash the old memory is gone */
	shared_progress = electra_shared_struct(PROGRESS_NAME, sizeof(SharedProgress), initialize_progress);
}

void
electra_progress_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;

	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = progress_shmem_request;
	previous_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = progress_shmem_startup;
}

/* The struct, or NULL. */
static SharedProgress *
get_progress(void)
{
	if (shared_progress == NULL && !progress_unavailable)
	{
		shared_progress = electra_shared_struct(PROGRESS_NAME, sizeof(SharedProgress),
												initialize_progress);
		progress_unavailable = shared_progress == NULL;
	}
	return shared_progress;
}

/* Gives the slot back when the backend ends in the middle. */
static void
release_at_exit(int code, Datum argument)
{
	electra_progress_end();
}

/* Takes a slot if it is free, or belongs to a process that has gone. */
static bool
take_slot(ProgressSlot *slot)
{
	int			pid;
	bool		taken = false;

	SpinLockAcquire(&slot->mutex);
	pid = slot->pid;
	SpinLockRelease(&slot->mutex);
	if (pid != 0 && pid != MyProcPid && BackendPidGetProc(pid) != NULL)
		return false;

	SpinLockAcquire(&slot->mutex);
	if (slot->pid == pid)
	{
		slot->pid = MyProcPid;
		slot->database = MyDatabaseId;
		slot->role = GetUserId();
		slot->relation = InvalidOid;
		taken = true;
	}
	SpinLockRelease(&slot->mutex);
	return taken;
}

void
electra_progress_begin(Oid relation, const char *preset)
{
	static bool registered = false;
	SharedProgress *progress = get_progress();
	ElectraProgressCounts counts = {.total = -1, .started = GetCurrentTimestamp()};

	if (progress == NULL)
		return;
	if (!registered)
	{
		on_shmem_exit(release_at_exit, (Datum) 0);
		registered = true;
	}
	for (int i = 0; own_slot == NULL && i < NUM_SLOTS; i++)
	{
		if (take_slot(&progress->slots[i]))
			own_slot = &progress->slots[i];
	}
	if (own_slot == NULL)
		return;

	SpinLockAcquire(&own_slot->mutex);
	own_slot->relation = relation;
	own_slot->phase = ELECTRA_PROGRESS_COUNTING;
	own_slot->counts = counts;
	strlcpy(own_slot->preset, preset, sizeof(own_slot->preset));
	SpinLockRelease(&own_slot->mutex);
}

void
electra_progress_set(ElectraProgressPhase phase, const ElectraProgressCounts *counts)
{
	if (own_slot == NULL)
		return;
	SpinLockAcquire(&own_slot->mutex);
	own_slot->phase = phase;
	own_slot->counts = *counts;
	SpinLockRelease(&own_slot->mutex);
}

void
electra_progress_end(void)
{
	if (own_slot == NULL)
		return;
	SpinLockAcquire(&own_slot->mutex);
	own_slot->pid = 0;
	SpinLockRelease(&own_slot->mutex);
	own_slot = NULL;
}

double
electra_progress_rate(const ElectraProgressCounts *counts, TimestampTz now)
{
	double		seconds = (double) (now - counts->started) / USECS_PER_SEC;

	return seconds > 0 ? (double) (counts->done + counts->failed) / seconds : 0;
}

double
electra_progress_seconds_left(const ElectraProgressCounts *counts, TimestampTz now)
{
	double		rate = electra_progress_rate(counts, now);
	int64		left = counts->total - counts->done - counts->failed;

	if (counts->total < 0 || rate <= 0)
		return -1;
	return (double) Max(left, 0) / rate;
}

/* The columns that only members of the role, and those who read all statistics, see. */
static void
fill_row(const ProgressSlot *slot, Datum *values, bool *nulls)
{
	const ElectraProgressCounts *counts = &slot->counts;
	TimestampTz now = GetCurrentTimestamp();
	double		seconds_left = electra_progress_seconds_left(counts, now);

	/* an oid says nothing in another database */
	if (slot->database == MyDatabaseId && OidIsValid(slot->relation))
	{
		values[2] = ObjectIdGetDatum(slot->relation);
		nulls[2] = false;
	}
	values[3] = CStringGetTextDatum(slot->preset);
	values[4] = CStringGetTextDatum(phase_names[slot->phase]);
	values[5] = Int64GetDatum(counts->done);
	values[6] = Int64GetDatum(counts->failed);
	values[7] = Int64GetDatum(counts->total);
	values[8] = Float8GetDatum(electra_progress_rate(counts, now));
	values[9] = Float8GetDatum(seconds_left);
	values[10] = TimestampTzGetDatum(counts->started);
	for (int i = 3; i < NUM_COLUMNS; i++)
		nulls[i] = false;
	nulls[7] = counts->total < 0;
	nulls[9] = seconds_left < 0;
}

PG_FUNCTION_INFO_V1(electra_progress_sql);

/* () -> rows (pid, datname, relation, preset, phase, rows_done, …), one for each running call */
Datum
electra_progress_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SharedProgress *progress;

	InitMaterializedSRF(fcinfo, 0);
	progress = get_progress();
	for (int i = 0; progress != NULL && i < NUM_SLOTS; i++)
	{
		ProgressSlot slot;
		Datum		values[NUM_COLUMNS];
		bool		nulls[NUM_COLUMNS];
		NameData	database;
		char	   *name;

		SpinLockAcquire(&progress->slots[i].mutex);
		slot = progress->slots[i];
		SpinLockRelease(&progress->slots[i].mutex);
		if (slot.pid == 0 || BackendPidGetProc(slot.pid) == NULL)
			continue;
		name = get_database_name(slot.database);
		if (name == NULL)
			continue;			/* dropped meanwhile */

		memset(nulls, true, sizeof(nulls));
		namestrcpy(&database, name);
		values[0] = Int32GetDatum(slot.pid);
		values[1] = NameGetDatum(&database);
		nulls[0] = nulls[1] = false;
		if (has_privs_of_role(GetUserId(), slot.role) ||
			has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
			fill_row(&slot, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}

/*
 * Counters for each preset, shared by the whole server.
 *
 * One struct of fixed size in shared memory: reserved when the library is
 * preloaded, else taken from what the server keeps to spare, once, by the
 * first backend that counts.  Where it cannot be had there are no statistics,
 * and never an error.  Its layout number is in its name: a server that still
 * holds the struct of an older version keeps it, and the new version makes
 * its own.
 *
 * A slot belongs to a digest.  Its state is written last when it is taken, so
 * that readers need no lock; taking slots and resetting happen under the lock.
 * Counters are atomic.  A backend remembers its slot in ElectraPreset and
 * compares the digest before it counts, because a reset frees all slots.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/shared_struct.h"
#include "pg/stats.h"

/* Raised with every change of the structs below. */
#define STATS_NAME "electra statistics 1"

#define NUM_SLOTS 128
#define OVERFLOW_SLOT NUM_SLOTS /* for the presets that found no slot */

typedef enum StatsCounter
{
	COUNT_CALLS = 0,
	COUNT_TEXTS,
	COUNT_TOKENS,
	COUNT_TRUNCATED,
	COUNT_ERRORS,
	COUNT_TOKENIZER_US,
	COUNT_ENCODER_US,
	NUM_COUNTERS
} StatsCounter;

typedef struct StatsSlot
{
	pg_atomic_uint32 taken;
	uint8		digest[ELECTRA_DIGEST_SIZE];	/* valid if taken */
	pg_atomic_uint64 counters[NUM_COUNTERS];
} StatsSlot;

typedef struct SharedStats
{
	int			tranche;		/* of the lock; allocated once */
	LWLock		lock;			/* for taking slots and for reset */
	pg_atomic_uint64 reset_at;	/* TimestampTz */
	StatsSlot	slots[NUM_SLOTS + 1];	/* the last one is the overflow slot */
} SharedStats;

StaticAssertDecl(sizeof(SharedStats) <= 16 * 1024, "electra statistics take more than 16 kB");

static SharedStats *shared_stats = NULL;

/* Set when this backend could not have the struct: it does not ask again. */
static bool stats_unavailable = false;

static shmem_request_hook_type previous_shmem_request_hook = NULL;
static shmem_startup_hook_type previous_shmem_startup_hook = NULL;

/* Zero counters, no slot taken. */
static void
clear_slots(SharedStats *stats)
{
	for (int i = 0; i <= NUM_SLOTS; i++)
	{
		pg_atomic_write_u32(&stats->slots[i].taken, 0);
		for (int j = 0; j < NUM_COUNTERS; j++)
			pg_atomic_write_u64(&stats->slots[i].counters[j], 0);
	}
	pg_atomic_write_u64(&stats->reset_at, (uint64) GetCurrentTimestamp());
}

/* For electra_shared_struct: a struct that is new. */
static void
initialize_stats(void *shared)
{
	SharedStats *stats = shared;

	stats->tranche = LWLockNewTrancheId();
	LWLockInitialize(&stats->lock, stats->tranche);
	pg_atomic_init_u64(&stats->reset_at, 0);
	for (int i = 0; i <= NUM_SLOTS; i++)
	{
		pg_atomic_init_u32(&stats->slots[i].taken, 0);
		for (int j = 0; j < NUM_COUNTERS; j++)
			pg_atomic_init_u64(&stats->slots[i].counters[j], 0);
	}
	clear_slots(stats);
}

/* Finds or makes the struct. */
static void
attach_stats(void)
{
	shared_stats = electra_shared_struct(STATS_NAME, sizeof(SharedStats), initialize_stats);
	if (shared_stats != NULL)
		LWLockRegisterTranche(shared_stats->tranche, "electra_statistics");
}

static void
stats_shmem_request(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	RequestAddinShmemSpace(sizeof(SharedStats));
}

static void
stats_shmem_startup(void)
{
	if (previous_shmem_startup_hook)
		previous_shmem_startup_hook();

	/* after a crash the old memory is gone */
	attach_stats();
}

void
electra_stats_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;

	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = stats_shmem_request;
	previous_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = stats_shmem_startup;
}

/* The struct, or NULL. */
static SharedStats *
get_stats(void)
{
	if (shared_stats == NULL && !stats_unavailable)
	{
		attach_stats();
		stats_unavailable = shared_stats == NULL;
	}
	return shared_stats;
}

bool
electra_stats_available(void)
{
	return get_stats() != NULL;
}

/* Does this slot belong to this digest? */
static bool
slot_is(SharedStats *stats, int slot, const uint8 *digest)
{
	if (pg_atomic_read_u32(&stats->slots[slot].taken) == 0)
		return false;
	pg_read_barrier();
	return memcmp(stats->slots[slot].digest, digest, ELECTRA_DIGEST_SIZE) == 0;
}

/* The slot of a digest, or -1. */
static int
find_slot(SharedStats *stats, const uint8 *digest)
{
	for (int i = 0; i < NUM_SLOTS; i++)
	{
		if (slot_is(stats, i, digest))
			return i;
	}
	return -1;
}

/* The slot of a digest, taken now if it has none; the overflow slot if all are taken. */
static int
take_slot(SharedStats *stats, const uint8 *digest)
{
	int			slot;

	LWLockAcquire(&stats->lock, LW_EXCLUSIVE);
	slot = find_slot(stats, digest);
	for (int i = 0; slot < 0 && i < NUM_SLOTS; i++)
	{
		if (pg_atomic_read_u32(&stats->slots[i].taken) == 0)
		{
			memcpy(stats->slots[i].digest, digest, ELECTRA_DIGEST_SIZE);
			for (int j = 0; j < NUM_COUNTERS; j++)
				pg_atomic_write_u64(&stats->slots[i].counters[j], 0);
			pg_write_barrier();
			pg_atomic_write_u32(&stats->slots[i].taken, 1);
			slot = i;
		}
	}
	LWLockRelease(&stats->lock);

	return slot < 0 ? OVERFLOW_SLOT : slot;
}

void
electra_stats_add(ElectraPreset *preset, const ElectraCounts *counts)
{
	SharedStats *stats = get_stats();
	const uint64 values[NUM_COUNTERS] = {
		[COUNT_CALLS] = counts->calls,
		[COUNT_TEXTS] = counts->texts,
		[COUNT_TOKENS] = counts->tokens,
		[COUNT_TRUNCATED] = counts->truncated,
		[COUNT_ERRORS] = counts->errors,
		[COUNT_TOKENIZER_US] = counts->tokenizer_us,
		[COUNT_ENCODER_US] = counts->encoder_us
	};

	if (stats == NULL)
		return;

	/* the overflow slot is nobody's: look again each time, a slot may be free */
	if (preset->stats_slot < 0 || !slot_is(stats, preset->stats_slot, preset->id.digest))
	{
		preset->stats_slot = find_slot(stats, preset->id.digest);
		if (preset->stats_slot < 0)
			preset->stats_slot = take_slot(stats, preset->id.digest);
	}

	for (int i = 0; i < NUM_COUNTERS; i++)
	{
		if (values[i] > 0)
			pg_atomic_fetch_add_u64(&stats->slots[preset->stats_slot].counters[i],
									(int64) values[i]);
	}
}

PG_FUNCTION_INFO_V1(electra_stat_presets);
PG_FUNCTION_INFO_V1(electra_stat_reset);

/*
 * () -> rows (digest, calls, texts, tokens, truncated, errors, tokenizer_ms,
 * encoder_ms, stats_reset); the digest of the overflow slot is NULL.  No rows
 * where there is no shared memory.
 */
Datum
electra_stat_presets(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SharedStats *stats;

	InitMaterializedSRF(fcinfo, 0);
	stats = get_stats();

	for (int i = 0; stats != NULL && i <= NUM_SLOTS; i++)
	{
		StatsSlot  *slot = &stats->slots[i];
		Datum		values[9];
		bool		nulls[9] = {false};
		uint64		counters[NUM_COUNTERS];
		char		hex[ELECTRA_DIGEST_HEX_SIZE];

		for (int j = 0; j < NUM_COUNTERS; j++)
			counters[j] = pg_atomic_read_u64(&slot->counters[j]);

		if (i == OVERFLOW_SLOT)
		{
			if (counters[COUNT_CALLS] == 0)
				continue;
			nulls[0] = true;
		}
		else
		{
			if (pg_atomic_read_u32(&slot->taken) == 0)
				continue;
			pg_read_barrier();
			electra_digest_to_hex(slot->digest, hex);
			values[0] = CStringGetTextDatum(hex);
		}
		for (int j = COUNT_CALLS; j <= COUNT_ERRORS; j++)
			values[1 + j] = Int64GetDatum((int64) counters[j]);
		values[6] = Float8GetDatum(counters[COUNT_TOKENIZER_US] / 1000.0);
		values[7] = Float8GetDatum(counters[COUNT_ENCODER_US] / 1000.0);
		values[8] = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&stats->reset_at));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}

/* () -> void: frees all slots */
Datum
electra_stat_reset(PG_FUNCTION_ARGS)
{
	SharedStats *stats = get_stats();

	if (stats != NULL)
	{
		LWLockAcquire(&stats->lock, LW_EXCLUSIVE);
		clear_slots(stats);
		LWLockRelease(&stats->lock);
	}
	PG_RETURN_VOID();
}

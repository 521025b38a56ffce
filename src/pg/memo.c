/*
 * The last few embeddings of this backend; see memo.h.
 *
 * An entry's text and vector are one allocation.  At most MEMO_ENTRIES of them
 * exist, each at most 8 kB of text and MEMO_MAX_DIMENSIONS floats.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "core/sha256.h"
#include "pg/memo.h"

#define MEMO_ENTRIES 8
#define MEMO_MAX_DIMENSIONS 8192

typedef struct MemoEntry
{
	uint32		hash;			/* of the text */
	int			prompt;
	uint8		digest[ELECTRA_DIGEST_SIZE];
	Size		text_size;
	int			dimensions;
	uint64		used;			/* clock value of the last use */
	float	   *vector;			/* (dimensions), the text behind it; NULL: free */
} MemoEntry;

static MemoEntry memo[MEMO_ENTRIES];
static uint64 memo_clock = 0;
static MemoryContext memo_context = NULL;

/* The entry's copy of the text. */
static char *
entry_text(const MemoEntry *entry)
{
	return (char *) (entry->vector + entry->dimensions);
}

bool
electra_memo_find(const ElectraMemoKey *key, int dimensions, float *vector)
{
	uint32		hash = hash_bytes((const unsigned char *) key->text, (int) key->text_size);

	for (int i = 0; i < MEMO_ENTRIES; i++)
	{
		MemoEntry  *entry = &memo[i];

		if (entry->vector != NULL && entry->hash == hash && entry->prompt == key->prompt &&
			entry->text_size == key->text_size && entry->dimensions == dimensions &&
			memcmp(entry->digest, key->digest, ELECTRA_DIGEST_SIZE) == 0 &&
			memcmp(entry_text(entry), key->text, key->text_size) == 0)
		{
			entry->used = ++memo_clock;
			memcpy(vector, entry->vector, dimensions * sizeof(float));
			return true;
		}
	}
	return false;
}

void
electra_memo_store(const ElectraMemoKey *key, int dimensions, const float *vector)
{
	MemoEntry  *oldest = &memo[0];

	if (key->text_size > ELECTRA_MEMO_TEXT_SIZE || dimensions > MEMO_MAX_DIMENSIONS)
		return;

	for (int i = 1; i < MEMO_ENTRIES; i++)
	{
		if (memo[i].used < oldest->used)
			oldest = &memo[i];
	}

	/* the entry is free until the allocation below has succeeded */
	if (oldest->vector != NULL)
	{
		pfree(oldest->vector);
		oldest->vector = NULL;
		oldest->used = 0;
	}
	if (memo_context == NULL)
		memo_context = AllocSetContextCreate(TopMemoryContext, "electra memo",
											 ALLOCSET_DEFAULT_SIZES);

	oldest->vector = MemoryContextAlloc(memo_context,
										dimensions * sizeof(float) + key->text_size);
	oldest->hash = hash_bytes((const unsigned char *) key->text, (int) key->text_size);
	oldest->prompt = key->prompt;
	memcpy(oldest->digest, key->digest, ELECTRA_DIGEST_SIZE);
	oldest->text_size = key->text_size;
	oldest->dimensions = dimensions;
	oldest->used = ++memo_clock;
	memcpy(oldest->vector, vector, dimensions * sizeof(float));
	memcpy(entry_text(oldest), key->text, key->text_size);
}

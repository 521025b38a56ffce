/*
 * The pages of a heap table in a row; see heap_pages.h.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/predicate.h"
#include "utils/snapmgr.h"

#include "pg/heap_pages.h"

/*
 * Tables up to this size are kept in the buffers, so that the next search finds
 * them there; a sequential scan would pass those of more than a quarter of the
 * buffers through a small ring.  Larger ones are left to the access method,
 * which joins other sessions' scans and, from PostgreSQL 18 on, reads ahead.
 */
#define LARGEST_TABLE (NBuffers / 2)

bool
electra_heap_pages_suit(Relation table, Snapshot snapshot)
{
	return table->rd_tableam == GetHeapamTableAmRoutine() && IsMVCCSnapshot(snapshot) &&
		RelationGetNumberOfBlocks(table) <= (BlockNumber) LARGEST_TABLE;
}

/*
 * Pins a block.  Tables mostly lie in neighbouring buffers, descending where
 * those of a dropped table were free; a look shows whether the block is there.
 * That spares the search in the buffers' hash table, which no cache holds.
 */
static Buffer
pin_block(const ElectraHeapPages *pages, BlockNumber block, Buffer neighbour)
{
#if PG_VERSION_NUM >= 160000
	RelFileLocator file = pages->table->rd_locator;
#else
	RelFileNode file = pages->table->rd_node;
#endif

	if (BufferIsValid(neighbour) && !BufferIsLocal(neighbour))
		for (Buffer guess = neighbour + 1; guess >= neighbour - 1; guess -= 2)
			if (guess >= 1 && guess <= NBuffers &&
				ReadRecentBuffer(file, MAIN_FORKNUM, block, guess))
			{
				pgstat_count_buffer_read(pages->table);
				pgstat_count_buffer_hit(pages->table);
				return guess;
			}
	return ReadBuffer(pages->table, block);
}

void
electra_heap_pages_begin(ElectraHeapPages *pages, Relation table, Snapshot snapshot)
{
	pages->table = table;
	pages->snapshot = snapshot;
	pages->num_blocks = RelationGetNumberOfBlocks(table);
	pages->block = InvalidBlockNumber;	/* the one before 0 */
	pages->buffer = InvalidBuffer;
	pages->next = InvalidBuffer;
	pages->num_rows = 0;

	PredicateLockRelation(table, snapshot);
	pages->check_conflicts = CheckForSerializableConflictOutNeeded(table, snapshot);
	pgstat_count_heap_scan(table);
}

/*
 * Notes the rows of this page that the snapshot sees.  On a page that is marked
 * all-visible, it sees every row, except on a standby, where the mark may come
 * earlier than the snapshot allows.
 */
static void
find_rows(ElectraHeapPages *pages)
{
	Page		page = BufferGetPage(pages->buffer);
	bool		all_visible;
	OffsetNumber last;

	LockBuffer(pages->buffer, BUFFER_LOCK_SHARE);
#if PG_VERSION_NUM < 170000
	TestForOldSnapshot(pages->snapshot, pages->table, page);
#endif
	all_visible = PageIsAllVisible(page) && !pages->snapshot->takenDuringRecovery;
	last = PageGetMaxOffsetNumber(page);
	pages->num_rows = 0;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		bool		visible = true;

		if (!ItemIdIsNormal(PageGetItemId(page, offset)))
			continue;
		pages->rows[pages->num_rows] = offset;
		if (!all_visible || pages->check_conflicts)
		{
			HeapTupleData row;

			electra_heap_pages_row(pages, pages->num_rows, &row);
			visible = all_visible ||
				HeapTupleSatisfiesVisibility(&row, pages->snapshot, pages->buffer);
			if (pages->check_conflicts)
				HeapCheckForSerializableConflictOut(visible, pages->table, &row, pages->buffer,
													pages->snapshot);
		}
		if (visible)
		{
			pages->num_rows++;
			pgstat_count_heap_getnext(pages->table);
		}
	}
	LockBuffer(pages->buffer, BUFFER_LOCK_UNLOCK);
}

bool
electra_heap_pages_next(ElectraHeapPages *pages)
{
	Buffer		done = pages->buffer;

	pages->block++;
	if (pages->block >= pages->num_blocks)
	{
		if (BufferIsValid(done))
			ReleaseBuffer(done);
		return false;
	}
	pages->buffer = pages->block == 0 ? pin_block(pages, 0, InvalidBuffer) : pages->next;
	if (BufferIsValid(done))
		ReleaseBuffer(done);
	pages->next = InvalidBuffer;
	if (pages->block + 1 < pages->num_blocks)
		pages->next = pin_block(pages, pages->block + 1, pages->buffer);

	/* removes dead rows where that is due, as every scan does */
	heap_page_prune_opt(pages->table, pages->buffer);
	find_rows(pages);
	return true;
}

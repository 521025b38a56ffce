/*
 * The pages of a heap table in a row, each with the rows that a snapshot sees.
 *
 * As a sequential scan of the heap access method, but the next page is pinned
 * before the rows of this one are given out, so that whoever computes with
 * these can have memory fetch that.
 */
#ifndef ELECTRA_HEAP_PAGES_H
#define ELECTRA_HEAP_PAGES_H

#include "postgres.h"

#include "access/htup_details.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef struct ElectraHeapPages
{
	Relation	table;
	Snapshot	snapshot;
	bool		check_conflicts;	/* a serializable transaction must */

	BlockNumber block;			/* of this page */
	BlockNumber num_blocks;
	Buffer		buffer;			/* this page, pinned */
	Buffer		next;			/* the page after it, pinned */

	int			num_rows;		/* of this page, as the snapshot sees it */
	OffsetNumber rows[MaxHeapTuplesPerPage];	/* (num_rows) */
} ElectraHeapPages;

/* Can the table be read so: a heap that the buffers may hold? */
extern bool electra_heap_pages_suit(Relation table, Snapshot snapshot);

/* Before the first page.  The caller keeps the table locked until the end. */
extern void electra_heap_pages_begin(ElectraHeapPages *pages, Relation table, Snapshot snapshot);

/*
 * Goes on to the next page; false where there is none, and nothing is pinned
 * any more.  After an ERROR the transaction's end unpins.
 */
extern bool electra_heap_pages_next(ElectraHeapPages *pages);

/* Row i, 0 … num_rows - 1, of this page, which stays where it is until the next one. */
static inline void
electra_heap_pages_row(const ElectraHeapPages *pages, int i, HeapTuple row)
{
	Page		page = BufferGetPage(pages->buffer);
	ItemId		item = PageGetItemId(page, pages->rows[i]);

	row->t_data = (HeapTupleHeader) PageGetItem(page, item);
	row->t_len = ItemIdGetLength(item);
	row->t_tableOid = RelationGetRelid(pages->table);
	ItemPointerSet(&row->t_self, pages->block, pages->rows[i]);
}

/*
 * About where the rows of the next page begin, in ascending addresses; 0 if
 * there is no next page.  Only good for asking memory for it.
 */
static inline uintptr_t
electra_heap_pages_ahead(const ElectraHeapPages *pages)
{
	if (!BufferIsValid(pages->next))
		return 0;
	return (uintptr_t) BufferGetPage(pages->next) +
		((PageHeader) BufferGetPage(pages->buffer))->pd_upper;
}

#endif							/* ELECTRA_HEAP_PAGES_H */

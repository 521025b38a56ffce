/*
 * Texts in parts; see text_reader.h.
 *
 * What a longer part costs depends on how the text is stored.  Where it is not
 * compressed, what was fetched for the part before is kept, and only the rest
 * is fetched.  pglz begins again with each part, but fetches no more than that
 * needs.  lz4 cannot tell how much that is, so all of the compressed text is
 * fetched, once.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "access/detoast.h"
#include "access/toast_compression.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "pg/report.h"
#include "pg/text_reader.h"

#define FIRST_PART 8192
#define GROWTH 4

/* Bytes fetched between two looks for interrupts. */
#define FETCH_SIZE (1024 * 1024)

/* From this size on, malloc makes a mapping for it alone, whatever was freed before. */
#define LARGE_PAGES_SIZE (64 * 1024 * 1024)
#define LARGE_PAGE (2 * 1024 * 1024)

Size
electra_text_size(Datum text)
{
	return toast_raw_datum_size(text) - VARHDRSZ;
}

/*
 * Can a text be cut at any byte before it is converted?  In UTF-8 the
 * tokenizer takes care of characters cut in two; single-byte encodings have
 * none; the bytes of SQL_ASCII may be anything.
 */
static bool
can_cut(void)
{
	return GetDatabaseEncoding() == PG_UTF8 ||
		(pg_database_encoding_max_length() == 1 && GetDatabaseEncoding() != PG_SQL_ASCII);
}

void
electra_text_reader_begin(ElectraTextReader *reader, Datum text, const char *prompt,
						  Size prompt_size)
{
	reader->text = (struct varlena *) DatumGetPointer(text);
	reader->whole = electra_text_size(text);
	reader->prompt = prompt;
	reader->prompt_size = prompt_size;
	reader->limit = can_cut() ? Min(FIRST_PART, reader->whole) : reader->whole;
	reader->fetched = NULL;
	reader->capacity = reader->fetched_size = 0;
	reader->part = NULL;
}

void
electra_text_reader_want_all(ElectraTextReader *reader)
{
	reader->limit = reader->whole;
}

/*
 * Room for reader->limit bytes of fetched text; where that is much, for all of
 * it, which no page is taken for before it is written.
 */
static void
reserve(ElectraTextReader *reader)
{
	if (reader->limit <= reader->capacity)
		return;

	reader->capacity = reader->limit < FETCH_SIZE ? reader->limit : reader->whole;
	if (reader->fetched == NULL)
		reader->fetched = MemoryContextAllocHuge(CurrentMemoryContext, reader->capacity);
	else
		reader->fetched = repalloc_huge(reader->fetched, reader->capacity);
#ifdef MADV_HUGEPAGE
	/* so much is a mapping of its own; faults of small pages would take as long as fetching */
	if (reader->capacity >= LARGE_PAGES_SIZE)
		(void) madvise((char *) TYPEALIGN(LARGE_PAGE, reader->fetched),
					   reader->capacity - LARGE_PAGE, MADV_HUGEPAGE);	/* only faster */
#endif
}

/* The first reader->limit bytes of a text that is stored whole in a TOAST table. */
static const char *
fetch_more(ElectraTextReader *reader)
{
	reserve(reader);
	while (reader->fetched_size < reader->limit)
	{
		Size		size = Min(reader->limit - reader->fetched_size, FETCH_SIZE);
		struct varlena *slice;

		CHECK_FOR_INTERRUPTS();
		slice = detoast_attr_slice(reader->text, (int32) reader->fetched_size, (int32) size);
		if (VARSIZE_ANY_EXHDR(slice) != size)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("a text ends too early in its TOAST table"),
					 errdetail("It should have %zu bytes.", reader->whole)));
		memcpy(reader->fetched + reader->fetched_size, VARDATA_ANY(slice), size);
		reader->fetched_size += size;
		pfree(slice);
	}
	return reader->fetched;
}

/* The first reader->limit bytes of a text that is compressed, or a TOAST pointer of another kind. */
static const char *
detoast_more(ElectraTextReader *reader, Size *size)
{
	if (reader->part != NULL)
		pfree(reader->part);
	if (reader->limit == reader->whole)
		reader->part = detoast_attr(reader->text);
	else
		reader->part = detoast_attr_slice(reader->text, 0, (int32) reader->limit);

	/* less, where the compressed data are damaged */
	*size = Min(VARSIZE_ANY_EXHDR(reader->part), reader->limit);
	return VARDATA_ANY(reader->part);
}

/* The part of a text that is not in memory as it is. */
static const char *
read_toasted(ElectraTextReader *reader, Size *size)
{
	*size = reader->limit;

	if (VARATT_IS_EXTERNAL_ONDISK(reader->text))
	{
		struct varatt_external pointer;

		VARATT_EXTERNAL_GET_POINTER(pointer, reader->text);
		if (!VARATT_EXTERNAL_IS_COMPRESSED(pointer))
			return fetch_more(reader);
		if (VARATT_EXTERNAL_GET_COMPRESS_METHOD(pointer) == TOAST_LZ4_COMPRESSION_ID)
			reader->text = detoast_external_attr(reader->text);
	}
	return detoast_more(reader, size);
}

/* The part behind the prompt. */
static const char *
put_prompt_before(const ElectraTextReader *reader, const char *data, Size *size)
{
	char	   *joined = MemoryContextAllocHuge(CurrentMemoryContext,
												reader->prompt_size + *size + 1);

	memcpy(joined, reader->prompt, reader->prompt_size);
	memcpy(joined + reader->prompt_size, data, *size);
	*size += reader->prompt_size;
	return joined;
}

const char *
electra_text_reader_next(ElectraTextReader *reader, Size *size, bool *at_end)
{
	bool		toasted = VARATT_IS_EXTERNAL(reader->text) || VARATT_IS_COMPRESSED(reader->text);
	const char *data;

	if (!toasted && GetDatabaseEncoding() == PG_UTF8 && reader->prompt_size == 0)
		reader->limit = reader->whole;
	*size = reader->limit;
	data = toasted ? read_toasted(reader, size) : VARDATA_ANY(reader->text);
	*at_end = reader->limit == reader->whole;
	reader->limit = reader->limit < reader->whole / GROWTH ? reader->limit * GROWTH : reader->whole;

	if (GetDatabaseEncoding() != PG_UTF8)
		data = electra_text_to_utf8(data, *size, size);
	if (reader->prompt_size > 0)
		data = put_prompt_before(reader, data, size);
	return data;
}

/*
 * A text as UTF-8, read only as far as its reader wants.
 *
 * The tokenizer needs no more of a text than gives max_length tokens, and a
 * text may have a gigabyte in a TOAST table.  So it is read in parts that
 * begin where it begins: 8 kB, which is enough for 512 tokens of prose, and
 * four times as much each time that this was not enough.
 */
#ifndef ELECTRA_TEXT_READER_H
#define ELECTRA_TEXT_READER_H

#include "postgres.h"

typedef struct ElectraTextReader
{
	struct varlena *text;		/* as it is stored */
	Size		whole;			/* bytes of it, in memory, in the server's encoding */
	const char *prompt;			/* UTF-8, comes before the text */
	Size		prompt_size;
	Size		limit;			/* bytes of the next part */

	/* a text in a TOAST table that is not compressed: all parts so far */
	char	   *fetched;		/* (capacity) */
	Size		capacity;
	Size		fetched_size;

	struct varlena *part;		/* of any other in a TOAST table: the part before */
} ElectraTextReader;

/* Bytes of a text when whole, compressed or not, here or in a TOAST table. */
extern Size electra_text_size(Datum text);

/* prompt has prompt_size bytes; text and prompt stay where they are. */
extern void electra_text_reader_begin(ElectraTextReader *reader, Datum text, const char *prompt,
									  Size prompt_size);

/*
 * The next part, of *size bytes, behind the prompt: longer than the one before,
 * which may be gone then.  All of a text that cannot be cut, or lies in memory
 * as it is wanted.  *at_end: nothing of the text is missing.  Parts are in
 * CurrentMemoryContext, which stays the same for all of them.
 */
extern const char *electra_text_reader_next(ElectraTextReader *reader, Size *size, bool *at_end);

/* Makes the next part the whole text. */
extern void electra_text_reader_want_all(ElectraTextReader *reader);

#endif							/* ELECTRA_TEXT_READER_H */

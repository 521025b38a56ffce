/*
 * A text as a sequence of code points that can be read from any point again,
 * which is how the tokenizer looks ahead without keeping anything.
 */
#ifndef ELECTRA_TEXT_CURSOR_H
#define ELECTRA_TEXT_CURSOR_H

#include "status.h"

typedef enum electra_read
{
	ELECTRA_READ_OK = 0,
	ELECTRA_READ_END,			/* the text is over */
	ELECTRA_READ_CUT,			/* the slice is over, the text is not: what
								 * comes here cannot be known yet */
	ELECTRA_READ_FAILED			/* invalid or canceled: see status */
} electra_read;

typedef struct electra_text
{
	const uint8_t *bytes;		/* (size) UTF-8 */
	size_t		size;
	bool		at_end;			/* false: a longer text's first bytes */
	bool		lowercase;		/* read it as Python's str.lower() of it */
	const electra_poll *poll;
	int			until_poll;		/* reads until the next poll; 0: at once */
	electra_status status;		/* why a read failed */
	electra_error *error;
} electra_text;

/* A place in a text; a copy of it is a place of its own.  Starts as zeros. */
typedef struct electra_cursor
{
	size_t		position;		/* bytes */
	int64_t		index;			/* code points read */
	uint32_t	pending;		/* read before the byte at position; 0: none */
	bool		after_cased;	/* a cased character, then only case-ignorable
								 * ones, stand before position */
} electra_cursor;

/*
 * Reads the code point at the cursor and moves it on.  The cursor and
 * *code_point are not touched unless the answer is ELECTRA_READ_OK.
 */
extern electra_read electra_text_read(electra_text *text, electra_cursor *cursor,
									  uint32_t *code_point);

#endif							/* ELECTRA_TEXT_CURSOR_H */

/*
 * A text as a sequence of code points that can be read from any position
 * again, which is how the tokenizer looks ahead without keeping anything.
 */
#ifndef ELECTRA_TEXT_CURSOR_H
#define ELECTRA_TEXT_CURSOR_H

#include "status.h"

#define ELECTRA_NO_CODE_POINT UINT32_MAX

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
	const electra_poll *poll;
	int			until_poll;		/* reads until the next poll; 0: at once */
	electra_status status;		/* why a read failed */
	electra_error *error;
} electra_text;

/*
 * Reads the code point at a cursor, which is a position in bytes, and moves it
 * on.  *cursor and *code_point are not touched unless the answer is
 * ELECTRA_READ_OK.
 */
extern electra_read electra_text_read(electra_text *text, size_t *cursor, uint32_t *code_point);

/* For readers of their own: whether to go on.  false: canceled, see status. */
extern bool electra_text_poll(electra_text *text);

/* The code point in front of a place of text that is valid up to there, or ELECTRA_NO_CODE_POINT. */
extern uint32_t electra_text_before(const electra_text *text, size_t cursor);

#endif							/* ELECTRA_TEXT_CURSOR_H */

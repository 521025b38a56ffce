/*
 * Reading a text that may be cut anywhere, optionally in lower case by the
 * rules of Python's str.lower().
 */
#include "text_cursor.h"

#include "unicode.h"
#include "utf8.h"

/* A read is at most 4 bytes, so that the poll comes at least every 64 kB. */
#define READS_PER_POLL 16384

/* The character at a byte position, as it stands in the text. */
static electra_read
decode_at(electra_text *text, size_t position, uint32_t *code_point, int *length)
{
	if (text->status != ELECTRA_OK)
		return ELECTRA_READ_FAILED;
	if (text->until_poll-- <= 0)
	{
		text->until_poll = READS_PER_POLL;
		if (electra_stop(text->poll))
		{
			text->status = electra_fail(text->error, ELECTRA_CANCELED, "tokenization was canceled");
			return ELECTRA_READ_FAILED;
		}
	}

	if (position == text->size)
		return text->at_end ? ELECTRA_READ_END : ELECTRA_READ_CUT;
	*length = electra_utf8_decode(text->bytes + position, text->size - position, code_point);
	if (*length > 0)
		return ELECTRA_READ_OK;
	if (*length == 0 && !text->at_end)
		return ELECTRA_READ_CUT;
	text->status = electra_fail(text->error, ELECTRA_INVALID_TEXT, "text is not valid UTF-8");
	electra_fail_detail(text->error, "The %s at byte %zu.",
						*length == 0 ? "last character is incomplete; it begins" : "first invalid character is",
						position + 1);
	return ELECTRA_READ_FAILED;
}

/*
 * Python's rule for a capital sigma: final behind a cased character and not
 * before one, case-ignorable characters not counting.  The look-ahead passes
 * over a run of case-ignorable characters only, and a sigma is none of them,
 * so that no character is passed twice for two sigmas.
 */
static electra_read
lower_sigma(electra_text *text, const electra_cursor *cursor, size_t next, uint32_t *lower)
{
	uint32_t	code_point;
	int			length;

	*lower = ELECTRA_CAPITAL_SIGMA + (uint32_t) electra_unicode(ELECTRA_CAPITAL_SIGMA)->python_lower_delta;
	if (!cursor->after_cased)
		return ELECTRA_READ_OK;
	for (;; next += (size_t) length)
	{
		electra_read read = decode_at(text, next, &code_point, &length);

		if (read == ELECTRA_READ_END)
			break;
		if (read != ELECTRA_READ_OK)
			return read;

		uint16_t	flags = electra_unicode(code_point)->flags;

		if (flags & ELECTRA_CASED)
			return ELECTRA_READ_OK;
		if (!(flags & ELECTRA_CASE_IGNORABLE))
			break;
	}
	*lower = ELECTRA_FINAL_SIGMA;
	return ELECTRA_READ_OK;
}

electra_read
electra_text_read(electra_text *text, electra_cursor *cursor, uint32_t *code_point)
{
	const electra_unicode_record *record;
	electra_read read;
	uint32_t	original;
	uint32_t	lower;
	int			length;

	if (cursor->pending != 0)
	{
		*code_point = cursor->pending;
		cursor->pending = 0;
		cursor->index++;
		return ELECTRA_READ_OK;
	}

	read = decode_at(text, cursor->position, &original, &length);
	if (read != ELECTRA_READ_OK)
		return read;
	lower = original;
	if (text->lowercase)
	{
		record = electra_unicode(original);
		lower = (uint32_t) ((int32_t) original + record->python_lower_delta);
		if (original == ELECTRA_CAPITAL_SIGMA)
		{
			read = lower_sigma(text, cursor, cursor->position + (size_t) length, &lower);
			if (read != ELECTRA_READ_OK)
				return read;
		}
		else if (original == ELECTRA_CAPITAL_I_WITH_DOT)
			cursor->pending = ELECTRA_COMBINING_DOT_ABOVE;
		if (!(record->flags & ELECTRA_CASE_IGNORABLE))
			cursor->after_cased = (record->flags & ELECTRA_CASED) != 0;
	}
	cursor->position += (size_t) length;
	cursor->index++;
	*code_point = lower;
	return ELECTRA_READ_OK;
}

/*
 * Reading a text that may be cut anywhere.
 */
#include "text_cursor.h"

#include "utf8.h"

/* A read is at most 4 bytes, so that the poll comes at least every 64 kB. */
#define READS_PER_POLL 16384

bool
electra_text_poll(electra_text *text)
{
	text->until_poll = READS_PER_POLL;
	if (!electra_stop(text->poll))
		return true;
	text->status = electra_fail(text->error, ELECTRA_CANCELED, "tokenization was canceled");
	return false;
}

uint32_t
electra_text_before(const electra_text *text, size_t cursor)
{
	uint32_t	code_point = ELECTRA_NO_CODE_POINT;
	size_t		begin = cursor;

	while (begin > 0 && cursor - begin < ELECTRA_UTF8_MAX)
	{
		begin--;
		if ((text->bytes[begin] & 0xc0) != 0x80)
			break;
	}
	if (begin < cursor)
		(void) electra_utf8_decode(text->bytes + begin, cursor - begin, &code_point);
	return code_point;
}

electra_read
electra_text_read(electra_text *text, size_t *cursor, uint32_t *code_point)
{
	int			length;

	if (text->status != ELECTRA_OK)
		return ELECTRA_READ_FAILED;
	if (text->until_poll-- <= 0 && !electra_text_poll(text))
		return ELECTRA_READ_FAILED;

	if (*cursor == text->size)
		return text->at_end ? ELECTRA_READ_END : ELECTRA_READ_CUT;
	length = electra_utf8_decode(text->bytes + *cursor, text->size - *cursor, code_point);
	if (length > 0)
	{
		*cursor += (size_t) length;
		return ELECTRA_READ_OK;
	}
	if (length == 0 && !text->at_end)
		return ELECTRA_READ_CUT;
	text->status = electra_fail(text->error, ELECTRA_INVALID_TEXT, "text is not valid UTF-8");
	electra_fail_detail(text->error, "The %s at byte %zu.",
						length == 0 ? "last character is incomplete; it begins" : "first invalid character is",
						*cursor + 1);
	return ELECTRA_READ_FAILED;
}

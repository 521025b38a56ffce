/*
 * UTF-8, one character at a time, strict: no overlong forms, no surrogates,
 * nothing above U+10FFFF.
 *
 * Our own few lines instead of a library's, because a text may be cut inside a
 * character and "cut" must be told from "invalid".
 */
#ifndef ELECTRA_UTF8_H
#define ELECTRA_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELECTRA_UTF8_INVALID (-1)
#define ELECTRA_UTF8_MAX 4

/* Do these bytes (available >= 1) begin with a character?  See electra_utf8_decode. */
static inline int
electra_utf8_decode_multibyte(const uint8_t *bytes, size_t available, uint32_t *code_point)
{
	uint8_t		lead = bytes[0];
	uint8_t		second_low = 0x80;
	uint8_t		second_high = 0xbf;
	int			length;
	uint32_t	value;

	if (lead >= 0xc2 && lead <= 0xdf)
	{
		length = 2;
		value = lead & 0x1f;
	}
	else if (lead >= 0xe0 && lead <= 0xef)
	{
		length = 3;
		value = lead & 0x0f;
		if (lead == 0xe0)
			second_low = 0xa0;
		else if (lead == 0xed)
			second_high = 0x9f;
	}
	else if (lead >= 0xf0 && lead <= 0xf4)
	{
		length = 4;
		value = lead & 0x07;
		if (lead == 0xf0)
			second_low = 0x90;
		else if (lead == 0xf4)
			second_high = 0x8f;
	}
	else
		return ELECTRA_UTF8_INVALID;

	for (int i = 1; i < length; i++)
	{
		if ((size_t) i >= available)
			return 0;
		if (bytes[i] < (i == 1 ? second_low : 0x80) || bytes[i] > (i == 1 ? second_high : 0xbf))
			return ELECTRA_UTF8_INVALID;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	*code_point = value;
	return length;
}

/*
 * Decodes the first character of available (>= 1) bytes.  Returns its length
 * in bytes, 0 if the bytes end inside it, or ELECTRA_UTF8_INVALID.
 */
static inline int
electra_utf8_decode(const uint8_t *bytes, size_t available, uint32_t *code_point)
{
	if (bytes[0] < 0x80)
	{
		*code_point = bytes[0];
		return 1;
	}
	return electra_utf8_decode_multibyte(bytes, available, code_point);
}

/* Writes a code point; returns the number of bytes, 1 … ELECTRA_UTF8_MAX. */
static inline int
electra_utf8_encode(uint32_t code_point, uint8_t *bytes)
{
	if (code_point < 0x80)
	{
		bytes[0] = (uint8_t) code_point;
		return 1;
	}
	if (code_point < 0x800)
	{
		bytes[0] = (uint8_t) (0xc0 | code_point >> 6);
		bytes[1] = (uint8_t) (0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000)
	{
		bytes[0] = (uint8_t) (0xe0 | code_point >> 12);
		bytes[1] = (uint8_t) (0x80 | (code_point >> 6 & 0x3f));
		bytes[2] = (uint8_t) (0x80 | (code_point & 0x3f));
		return 3;
	}
	bytes[0] = (uint8_t) (0xf0 | code_point >> 18);
	bytes[1] = (uint8_t) (0x80 | (code_point >> 12 & 0x3f));
	bytes[2] = (uint8_t) (0x80 | (code_point >> 6 & 0x3f));
	bytes[3] = (uint8_t) (0x80 | (code_point & 0x3f));
	return 4;
}

#endif							/* ELECTRA_UTF8_H */

/*
 * Canonical decomposition from the frozen tables.
 */
#include "unicode.h"

#define HANGUL_FIRST 0xac00
#define HANGUL_LAST 0xd7a3
#define JAMO_LEADING 0x1100
#define JAMO_VOWEL 0x1161
#define JAMO_TRAILING 0x11a7	/* one before the first: 0 is "no trailing" */
#define JAMO_VOWELS 21
#define JAMO_TRAILINGS 28

/* Unicode chapter 3.12: the decomposition of a Hangul syllable is arithmetic. */
static int
decompose_hangul(uint32_t code_point, uint32_t *parts)
{
	uint32_t	syllable = code_point - HANGUL_FIRST;
	uint32_t	trailing = syllable % JAMO_TRAILINGS;

	parts[0] = JAMO_LEADING + syllable / (JAMO_VOWELS * JAMO_TRAILINGS);
	parts[1] = JAMO_VOWEL + syllable / JAMO_TRAILINGS % JAMO_VOWELS;
	if (trailing == 0)
		return 2;
	parts[2] = JAMO_TRAILING + trailing;
	return 3;
}

int
electra_unicode_decompose(uint32_t code_point, uint32_t parts[ELECTRA_MAX_DECOMPOSITION])
{
	size_t		low = 0;
	size_t		high = ELECTRA_NUM_DECOMPOSITIONS;

	parts[0] = code_point;
	if (!(electra_unicode(code_point)->flags & ELECTRA_DECOMPOSES))
		return 1;
	if (code_point >= HANGUL_FIRST && code_point <= HANGUL_LAST)
		return decompose_hangul(code_point, parts);

	while (low < high)
	{
		size_t		middle = (low + high) / 2;

		if (electra_decomposition_keys[middle] < code_point)
			low = middle + 1;
		else
			high = middle;
	}

	uint32_t	place = electra_decomposition_places[low];
	int			length = (int) (place % 4) + 1;

	for (int i = 0; i < length; i++)
		parts[i] = electra_decomposition_data[place / 4 + (uint32_t) i];
	return length;
}

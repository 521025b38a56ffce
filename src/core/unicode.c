/*
 * Canonical decomposition from the frozen tables.
 */
#include "unicode.h"

const electra_unicode_tables electra_bert_unicode = {
	electra_unicode_records, electra_unicode_index, electra_unicode_blocks, &electra_decompositions
};

static int
decompose_hangul(uint32_t code_point, uint32_t *parts)
{
	uint32_t	syllable = code_point - ELECTRA_HANGUL_FIRST;
	uint32_t	trailing = syllable % ELECTRA_JAMO_TRAILINGS;

	parts[0] = ELECTRA_JAMO_LEADING + syllable / (ELECTRA_JAMO_VOWELS * ELECTRA_JAMO_TRAILINGS);
	parts[1] = ELECTRA_JAMO_VOWEL + syllable / ELECTRA_JAMO_TRAILINGS % ELECTRA_JAMO_VOWELS;
	if (trailing == 0)
		return 2;
	parts[2] = ELECTRA_JAMO_TRAILING + trailing;
	return 3;
}

uint32_t
electra_expansion(const electra_expansions *expansions, uint32_t code_point, const uint32_t **parts)
{
	uint32_t	low = 0;
	uint32_t	high = expansions->count;

	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;

		if (expansions->keys[middle] < code_point)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == expansions->count || expansions->keys[low] != code_point)
		return 0;
	*parts = expansions->data + expansions->begins[low];
	return (uint32_t) (expansions->begins[low + 1] - expansions->begins[low]);
}

int
electra_unicode_decompose(const electra_unicode_tables *tables, uint32_t code_point,
						  uint32_t parts[ELECTRA_MAX_DECOMPOSITION])
{
	const electra_unicode_record *record =
		electra_unicode_lookup(tables->records, tables->index, tables->blocks, code_point);
	const uint32_t *found = NULL;
	uint32_t	length;

	parts[0] = code_point;
	if (!(record->flags & ELECTRA_DECOMPOSES))
		return 1;
	if (code_point >= ELECTRA_HANGUL_FIRST && code_point <= ELECTRA_HANGUL_LAST)
		return decompose_hangul(code_point, parts);
	length = electra_expansion(tables->decompositions, code_point, &found);
	for (uint32_t i = 0; i < length && i < ELECTRA_MAX_DECOMPOSITION; i++)
		parts[i] = found[i];
	return (int) length;
}

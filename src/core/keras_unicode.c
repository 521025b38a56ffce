/*
 * Canonical composition from the frozen tables.
 */
#include "keras_unicode.h"

const electra_unicode_tables electra_keras_unicode = {
	electra_keras_records, electra_keras_index, electra_keras_blocks, &electra_keras_decompositions
};

/* Unicode chapter 3.12: leading and vowel, or those two and trailing; 0 for anything else. */
static uint32_t
compose_hangul(uint32_t first, uint32_t second)
{
	uint32_t	leading = first - ELECTRA_JAMO_LEADING;
	uint32_t	vowel = second - ELECTRA_JAMO_VOWEL;
	uint32_t	syllable = first - ELECTRA_HANGUL_FIRST;
	uint32_t	trailing = second - ELECTRA_JAMO_TRAILING;

	if (leading < ELECTRA_JAMO_LEADINGS && vowel < ELECTRA_JAMO_VOWELS)
		return ELECTRA_HANGUL_FIRST +
			(leading * ELECTRA_JAMO_VOWELS + vowel) * ELECTRA_JAMO_TRAILINGS;
	if (first <= ELECTRA_HANGUL_LAST && first >= ELECTRA_HANGUL_FIRST &&
		syllable % ELECTRA_JAMO_TRAILINGS == 0 &&
		trailing > 0 && trailing < ELECTRA_JAMO_TRAILINGS)
		return first + trailing;
	return 0;
}

uint32_t
electra_keras_compose(uint32_t first, uint32_t second)
{
	uint32_t	low = 0;
	uint32_t	high = electra_num_keras_compositions;

	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;
		const electra_composition *pair = &electra_keras_compositions[middle];

		if (pair->first < first || (pair->first == first && pair->second < second))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < electra_num_keras_compositions && electra_keras_compositions[low].first == first &&
		electra_keras_compositions[low].second == second)
		return electra_keras_compositions[low].composite;
	return compose_hangul(first, second);
}

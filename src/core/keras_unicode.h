/*
 * What Keras-Hub's WordPieceTokenizer does with each code point, in TensorFlow:
 * RE2's classes, ICU's decompositions, NFKC_Casefold and compositions.
 */
#ifndef ELECTRA_KERAS_UNICODE_H
#define ELECTRA_KERAS_UNICODE_H

#include "unicode.h"

typedef struct electra_composition
{
	uint32_t	first;
	uint32_t	second;
	uint32_t	composite;
} electra_composition;

/* Generated. */
extern const electra_unicode_record electra_keras_records[];
extern const uint8_t electra_keras_index[];
extern const uint16_t electra_keras_blocks[];
extern const electra_expansions electra_keras_decompositions;

/* Generated: case foldings that are several code points, canonically decomposed but for Hangul. */
extern const electra_expansions electra_keras_folds;

/* Generated: pairs that are one code point in folded text but for Hangul, ascending. */
extern const electra_composition electra_keras_compositions[];
extern const uint32_t electra_num_keras_compositions;

extern const electra_unicode_tables electra_keras_unicode;

/* The record of a code point below 0x110000. */
static inline const electra_unicode_record *
electra_keras(uint32_t code_point)
{
	return electra_unicode_lookup(electra_keras_records, electra_keras_index, electra_keras_blocks,
								  code_point);
}

/* What two code points of folded text compose to, Hangul included, or 0. */
extern uint32_t electra_keras_compose(uint32_t first, uint32_t second);

#endif							/* ELECTRA_KERAS_UNICODE_H */

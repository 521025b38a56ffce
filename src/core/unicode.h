/*
 * What the reference tokenizer does with each code point: tables that are
 * frozen in our source (unicode_tables.c), so that no library of the operating
 * system decides a token id.
 */
#ifndef ELECTRA_UNICODE_H
#define ELECTRA_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of electra_unicode_record.flags. */
#define ELECTRA_CLEAN_DROP		(1 << 0)	/* clean_text removes it */
#define ELECTRA_CLEAN_SPACE		(1 << 1)	/* clean_text makes it a space */
#define ELECTRA_CHINESE			(1 << 2)	/* gets spaces around */
#define ELECTRA_WHITE_SPACE		(1 << 3)	/* the pre-tokenizer drops it */
#define ELECTRA_PUNCTUATION		(1 << 4)	/* a piece of its own */
#define ELECTRA_NONSPACING_MARK (1 << 5)	/* strip_accents drops it */
#define ELECTRA_WORD			(1 << 6)	/* \w for single_word */
#define ELECTRA_DECOMPOSES		(1 << 7)	/* NFD is something else */

typedef struct electra_unicode_record
{
	uint8_t		flags;
	uint8_t		combining_class;	/* as the reference's NFD has it */
	int32_t		lower_delta;	/* lower case - code point */
} electra_unicode_record;

#define ELECTRA_UNICODE_BLOCK 128
#define ELECTRA_NUM_DECOMPOSITIONS 2060
#define ELECTRA_MAX_DECOMPOSITION 4

/* The only code point whose lower case is longer: U+0130 gives i, U+0307. */
#define ELECTRA_CAPITAL_I_WITH_DOT 0x130
#define ELECTRA_COMBINING_DOT_ABOVE 0x307

/* Generated: a two-stage table of indexes into the records. */
extern const electra_unicode_record electra_unicode_records[];
extern const uint8_t electra_unicode_index[];
extern const uint16_t electra_unicode_blocks[];

/*
 * Generated: canonical decompositions but for Hangul, ascending by code point;
 * place = 4 * (first element of the data) + length - 1.
 */
extern const uint32_t electra_decomposition_keys[];
extern const uint16_t electra_decomposition_places[];
extern const uint32_t electra_decomposition_data[];

/* The record of a code point below 0x110000. */
static inline const electra_unicode_record *
electra_unicode(uint32_t code_point)
{
	uint32_t	block = electra_unicode_index[code_point / ELECTRA_UNICODE_BLOCK];

	return &electra_unicode_records[electra_unicode_blocks[block * ELECTRA_UNICODE_BLOCK +
														   code_point % ELECTRA_UNICODE_BLOCK]];
}

/*
 * The full canonical decomposition of a code point, itself where it has none.
 * Returns the length; the parts are in canonical order.
 */
extern int	electra_unicode_decompose(uint32_t code_point, uint32_t parts[ELECTRA_MAX_DECOMPOSITION]);

#endif							/* ELECTRA_UNICODE_H */

/*
 * What the reference tokenizers do with each code point: tables that are
 * frozen in our source (unicode_tables.c for Hugging Face, keras_unicode_tables.c
 * for Keras-Hub, whose Unicode versions are others), so that no library of the
 * operating system decides a token id.
 */
#ifndef ELECTRA_UNICODE_H
#define ELECTRA_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of electra_unicode_record.flags; Hugging Face's table has the first eight. */
#define ELECTRA_CLEAN_DROP		(1 << 0)	/* clean_text removes it */
#define ELECTRA_CLEAN_SPACE		(1 << 1)	/* clean_text makes it a space */
#define ELECTRA_CHINESE			(1 << 2)	/* gets spaces around */
#define ELECTRA_WHITE_SPACE		(1 << 3)	/* the pre-tokenizer drops it */
#define ELECTRA_PUNCTUATION		(1 << 4)	/* a piece of its own */
#define ELECTRA_NONSPACING_MARK (1 << 5)	/* strip_accents drops it */
#define ELECTRA_WORD			(1 << 6)	/* \w for single_word */
#define ELECTRA_DECOMPOSES		(1 << 7)	/* NFD is something else */
#define ELECTRA_FOLD_EXPANDS	(1 << 8)	/* case folding gives several code
											 * points */
#define ELECTRA_FOLD_DROPS		(1 << 9)	/* case folding gives nothing */
#define ELECTRA_COMPOSES_BACK	(1 << 10)	/* composes with some code point
											 * before it */

typedef struct electra_unicode_record
{
	uint16_t	flags;
	uint8_t		combining_class;	/* as the reference's NFD has it */
	int32_t		lower_delta;	/* lower case (Keras: case folding) - code
								 * point */
} electra_unicode_record;

/* Code points that become several: expansion i is data[begins[i]] … data[begins[i + 1] - 1]. */
typedef struct electra_expansions
{
	uint32_t	count;
	const uint32_t *keys;		/* (count) code points, ascending */
	const uint16_t *begins;		/* (count + 1) */
	const uint32_t *data;
} electra_expansions;

/* A two-stage table of indexes into records, and the decompositions that go with it. */
typedef struct electra_unicode_tables
{
	const electra_unicode_record *records;
	const uint8_t *index;
	const uint16_t *blocks;
	const electra_expansions *decompositions;	/* canonical ones but for Hangul */
} electra_unicode_tables;

#define ELECTRA_UNICODE_BLOCK 128
#define ELECTRA_MAX_DECOMPOSITION 4

/* Precomposed syllables of Hangul, whose decomposition is arithmetic (Unicode chapter 3.12). */
#define ELECTRA_HANGUL_FIRST 0xac00
#define ELECTRA_HANGUL_LAST 0xd7a3
#define ELECTRA_JAMO_LEADING 0x1100
#define ELECTRA_JAMO_VOWEL 0x1161
#define ELECTRA_JAMO_TRAILING 0x11a7	/* one before the first: 0 is "no trailing" */
#define ELECTRA_JAMO_LEADINGS 19
#define ELECTRA_JAMO_VOWELS 21
#define ELECTRA_JAMO_TRAILINGS 28

/* The only code point whose lower case is longer: U+0130 gives i, U+0307. */
#define ELECTRA_CAPITAL_I_WITH_DOT 0x130
#define ELECTRA_COMBINING_DOT_ABOVE 0x307

/* Generated: Hugging Face's. */
extern const electra_unicode_record electra_unicode_records[];
extern const uint8_t electra_unicode_index[];
extern const uint16_t electra_unicode_blocks[];
extern const electra_expansions electra_decompositions;

/* The same as one. */
extern const electra_unicode_tables electra_bert_unicode;

/* The record of a code point below 0x110000 in some table. */
static inline const electra_unicode_record *
electra_unicode_lookup(const electra_unicode_record *records, const uint8_t *index,
					   const uint16_t *blocks, uint32_t code_point)
{
	uint32_t	block = index[code_point / ELECTRA_UNICODE_BLOCK];

	return &records[blocks[block * ELECTRA_UNICODE_BLOCK + code_point % ELECTRA_UNICODE_BLOCK]];
}

/* The record in Hugging Face's table. */
static inline const electra_unicode_record *
electra_unicode(uint32_t code_point)
{
	return electra_unicode_lookup(electra_unicode_records, electra_unicode_index, electra_unicode_blocks,
								  code_point);
}

/* What a code point expands to, which is *parts; returns the length, 0 where it is no key. */
extern uint32_t electra_expansion(const electra_expansions *expansions, uint32_t code_point,
								  const uint32_t **parts);

/*
 * The full canonical decomposition of a code point, itself where it has none.
 * Returns the length; the parts are in canonical order.
 */
extern int	electra_unicode_decompose(const electra_unicode_tables *tables, uint32_t code_point,
									  uint32_t parts[ELECTRA_MAX_DECOMPOSITION]);

#endif							/* ELECTRA_UNICODE_H */

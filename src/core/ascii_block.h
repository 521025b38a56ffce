/*
 * Sixteen bytes at a time: which of them are letters and digits of ASCII.
 *
 * With SSE2, which every x86-64 has, or with 64-bit arithmetic anywhere; both
 * give the same bits.
 */
#ifndef ELECTRA_ASCII_BLOCK_H
#define ELECTRA_ASCII_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define ELECTRA_ASCII_BLOCK 16

#define ELECTRA_EVERY_BYTE(value) (0x0101010101010101u * (uint64_t) (value))

/*
 * High bits of the bytes of a word that are at least low and at most high; all
 * below 0x80, and so are low and high.
 */
static inline uint64_t
electra_bytes_between(uint64_t word, uint8_t low, uint8_t high)
{
	uint64_t	from_low = word + ELECTRA_EVERY_BYTE(0x80 - low);
	uint64_t	from_above = word + ELECTRA_EVERY_BYTE(0x7f - high);

	return from_low & ~from_above & ELECTRA_EVERY_BYTE(0x80);
}

/* As electra_alphanumeric for eight bytes. */
static inline uint32_t
electra_alphanumeric_word(const uint8_t *bytes)
{
	uint64_t	word;
	uint64_t	low_bits;
	uint64_t	found;

	memcpy(&word, bytes, sizeof(word));
	low_bits = word & ELECTRA_EVERY_BYTE(0x7f);
	found = electra_bytes_between(low_bits, '0', '9') |
		electra_bytes_between(low_bits | ELECTRA_EVERY_BYTE(0x20), 'a', 'z');
	found &= ~word & ELECTRA_EVERY_BYTE(0x80);
	/* gathers the high bits of the bytes, the first one's lowest */
	return (uint32_t) ((found >> 7) * 0x0102040810204080u >> 56);
}

/* The same without vectors: what electra_alphanumeric means. */
static inline uint32_t
electra_alphanumeric_portable(const uint8_t *bytes /* (16) */ )
{
	return electra_alphanumeric_word(bytes) | electra_alphanumeric_word(bytes + 8) << 8;
}

/* Bit i: is byte i a letter or a digit of ASCII? */
static inline uint32_t
electra_alphanumeric(const uint8_t *bytes /* (16) */ )
{
#if defined(__SSE2__)
	__m128i		block = _mm_loadu_si128((const __m128i *) bytes);
	__m128i		small = _mm_or_si128(block, _mm_set1_epi8(0x20));

	/* signed: bytes from 0x80 on are negative, and lower than everything asked for */
	__m128i		letters = _mm_and_si128(_mm_cmpgt_epi8(small, _mm_set1_epi8('a' - 1)),
										_mm_cmplt_epi8(small, _mm_set1_epi8('z' + 1)));
	__m128i		digits = _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8('0' - 1)),
									   _mm_cmplt_epi8(block, _mm_set1_epi8('9' + 1)));

	return (uint32_t) _mm_movemask_epi8(_mm_or_si128(letters, digits));
#else
	return electra_alphanumeric_portable(bytes);
#endif
}

/* As electra_is_blank for eight bytes. */
static inline bool
electra_is_blank_word(const uint8_t *bytes)
{
	uint64_t	word;

	memcpy(&word, bytes, sizeof(word));
	return (electra_bytes_between(word & ELECTRA_EVERY_BYTE(0x7f), 0x01, 0x20) & ~word) == ELECTRA_EVERY_BYTE(0x80);
}

/* The same without vectors: what electra_is_blank means. */
static inline bool
electra_is_blank_portable(const uint8_t *bytes /* (16) */ )
{
	return electra_is_blank_word(bytes) && electra_is_blank_word(bytes + 8);
}

/* Is each byte one of 0x01 … 0x20? */
static inline bool
electra_is_blank(const uint8_t *bytes /* (16) */ )
{
#if defined(__SSE2__)
	__m128i		block = _mm_loadu_si128((const __m128i *) bytes);

	return _mm_movemask_epi8(_mm_and_si128(_mm_cmpgt_epi8(block, _mm_setzero_si128()),
										   _mm_cmplt_epi8(block, _mm_set1_epi8(0x21)))) == 0xffff;
#else
	return electra_is_blank_portable(bytes);
#endif
}

#endif							/* ELECTRA_ASCII_BLOCK_H */

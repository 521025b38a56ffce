/*
 * Sixty-four bytes of a text at a time: where its characters begin and how long
 * they are.
 *
 * With SSE2, which every x86-64 has, or with 64-bit arithmetic anywhere; both
 * give the same bits.
 */
#ifndef ELECTRA_TEXT_BLOCK_H
#define ELECTRA_TEXT_BLOCK_H

#include "ascii_block.h"

#define ELECTRA_TEXT_BLOCK 64

/* Bit i of each: what byte i is. */
typedef struct electra_byte_classes
{
	uint64_t	above_ascii;	/* 0x80 … 0xff */
	uint64_t	continuing;		/* 0x80 … 0xbf */
	uint64_t	from_three;		/* 0xe0 … 0xff: begins three bytes or more */
	uint64_t	from_four;		/* 0xf0 … 0xff: begins four bytes */
} electra_byte_classes;

/*
 * A block that begins with the begin of a character, of a text of which nothing
 * is known.  Bit i of the sets: does a character of so many bytes, all of them
 * in the block, begin with byte i?  Which characters these are, and whether
 * there are such, is not looked at.
 */
typedef struct electra_text_block
{
	uint64_t	ascii;
	uint64_t	two_bytes;
	uint64_t	three_bytes;
	uint64_t	four_bytes;
	int			size;			/* where the last character that is complete
								 * ends; 0: bytes that make no UTF-8 */
} electra_text_block;

/* The high bit of each of eight bytes, the first one's lowest. */
static inline uint64_t
electra_gather_high_bits(uint64_t word)
{
	return ((word & ELECTRA_EVERY_BYTE(0x80)) >> 7) * 0x0102040810204080u >> 56;
}

/* The same without vectors: what electra_classify_bytes means. */
static inline electra_byte_classes
electra_classify_bytes_portable(const uint8_t *bytes /* (64) */ )
{
	electra_byte_classes classes = {0};

	for (int i = 0; i < ELECTRA_TEXT_BLOCK; i += 8)
	{
		uint64_t	word;
		uint64_t	from_two;
		uint64_t	from_three;

		memcpy(&word, bytes + i, sizeof(word));
		/* the bits below the highest, one after the other, move up into it */
		from_two = word & word << 1;
		from_three = from_two & word << 2;
		classes.above_ascii |= electra_gather_high_bits(word) << i;
		classes.continuing |= electra_gather_high_bits(word & ~from_two) << i;
		classes.from_three |= electra_gather_high_bits(from_three) << i;
		classes.from_four |= electra_gather_high_bits(from_three & word << 3) << i;
	}
	return classes;
}

static inline electra_byte_classes
electra_classify_bytes(const uint8_t *bytes /* (64) */ )
{
#if defined(__SSE2__)
	electra_byte_classes classes = {0};

	for (int i = 0; i < ELECTRA_TEXT_BLOCK; i += 16)
	{
		__m128i		block = _mm_loadu_si128((const __m128i *) (bytes + i));

		/* signed: ASCII is above everything else, which ascends from 0x80 on */
		uint64_t	above_ascii = (uint32_t) _mm_movemask_epi8(block);
		__m128i		continuing = _mm_cmplt_epi8(block, _mm_set1_epi8((char) 0xc0));
		__m128i		from_three = _mm_cmpgt_epi8(block, _mm_set1_epi8((char) 0xdf));
		__m128i		from_four = _mm_cmpgt_epi8(block, _mm_set1_epi8((char) 0xef));

		classes.above_ascii |= above_ascii << i;
		classes.continuing |= (uint64_t) (uint32_t) _mm_movemask_epi8(continuing) << i;
		classes.from_three |= (above_ascii & (uint32_t) _mm_movemask_epi8(from_three)) << i;
		classes.from_four |= (above_ascii & (uint32_t) _mm_movemask_epi8(from_four)) << i;
	}
	return classes;
#else
	return electra_classify_bytes_portable(bytes);
#endif
}

static inline electra_text_block
electra_read_text_block(const uint8_t *bytes /* (64) */ )
{
	electra_byte_classes classes = electra_classify_bytes(bytes);
	uint64_t	leads = classes.above_ascii & ~classes.continuing;
	uint64_t	inside;
	electra_text_block block = {.size = ELECTRA_TEXT_BLOCK};

	/* each byte behind the first of a character is there, and no other of that kind */
	if (classes.continuing != (leads << 1 | classes.from_three << 2 | classes.from_four << 3))
		return (electra_text_block) {0};
	if (leads >> 63 | classes.from_three >> 62 | classes.from_four >> 61)
		block.size = 63 - __builtin_clzll(leads);
	inside = UINT64_MAX >> (ELECTRA_TEXT_BLOCK - block.size);
	block.ascii = ~classes.above_ascii & inside;
	block.two_bytes = leads & ~classes.from_three & inside;
	block.three_bytes = classes.from_three & ~classes.from_four & inside;
	block.four_bytes = classes.from_four & inside;
	return block;
}

/* Bit i: is byte i a letter or a digit of ASCII? */
static inline uint64_t
electra_alphanumeric_block(const uint8_t *bytes /* (64) */ )
{
	uint64_t	found = 0;

	for (int i = 0; i < ELECTRA_TEXT_BLOCK; i += ELECTRA_ASCII_BLOCK)
		found |= (uint64_t) electra_alphanumeric(bytes + i) << i;
	return found;
}

#endif							/* ELECTRA_TEXT_BLOCK_H */

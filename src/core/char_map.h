/*
 * What a tokenizer of one configuration does with each code point that stands
 * where nothing is held back: found by running the pipeline's own steps over
 * every code point (char_map_build.c), kept in the image, so that words can be
 * read straight out of a text (word_scan.c).
 */
#ifndef ELECTRA_CHAR_MAP_H
#define ELECTRA_CHAR_MAP_H

#include "config.h"
#include "unicode.h"

/* Low bits of an entry; what the bits above hold. */
typedef enum electra_char_kind
{
	ELECTRA_CHAR_CAREFUL = 0,	/* depends on what is around it: not for here */
	ELECTRA_CHAR_SAME,			/* goes into the word as it is */
	ELECTRA_CHAR_OTHER,			/* goes into the word as one code point of at
								 * most three bytes: their number in bits 6-7,
								 * the bytes from bit 8 on */
	ELECTRA_CHAR_SEQUENCE,		/* goes into the word as the sequence at this
								 * place in the bytes, or not at all: number of
								 * code points, number of bytes, the bytes */
	ELECTRA_CHAR_HANGUL,		/* a syllable that goes in as its letters */
	ELECTRA_CHAR_HELD,			/* goes into the word, but as what, and in
								 * which place, depends on what is around it */
	ELECTRA_CHAR_SPACE,			/* ends a word */
	ELECTRA_CHAR_ISOLATED,		/* a word of its own, as it is */
	ELECTRA_CHAR_ISOLATED_SEQUENCE	/* a word of its own, as SEQUENCE */
} electra_char_kind;

#define ELECTRA_CHAR_KIND_MASK 0xfu
#define ELECTRA_CHAR_VALUE_SHIFT 4
#define ELECTRA_CHAR_SIZE_SHIFT 6
#define ELECTRA_CHAR_BYTES_SHIFT 8

#define ELECTRA_NUM_CHAR_BLOCKS (0x110000 / ELECTRA_UNICODE_BLOCK)

/* What a byte at the begin of a character is. */
typedef enum electra_byte_kind
{
	ELECTRA_BYTE_CAREFUL = 0,	/* not for here */
	ELECTRA_BYTE_WORD,			/* ASCII, goes into the word as bytes[] says */
	ELECTRA_BYTE_SPACE,			/* ASCII, ends a word */
	ELECTRA_BYTE_ISOLATED,		/* ASCII, a word of its own, as it is */
	ELECTRA_BYTE_MAYBE_ADDED,	/* the same, unless an added token begins here */
	ELECTRA_BYTE_NOTHING,		/* ASCII that is dropped */
	ELECTRA_BYTE_LEAD			/* of two or more: see the entry of the code
								 * point */
} electra_byte_kind;

/* What becomes of the letters and digits of ASCII. */
typedef enum electra_alphanumeric_kind
{
	ELECTRA_ALPHANUMERIC_OTHER = 0, /* some of them is special, or they are not
									 * all that goes into a word */
	ELECTRA_ALPHANUMERIC_SAME,	/* they, and no other bytes of ASCII, go into
								 * words as they are */
	ELECTRA_ALPHANUMERIC_SMALL	/* the same, as small letters */
} electra_alphanumeric_kind;

/* Code points that share all bytes of their UTF-8 but the last. */
#define ELECTRA_LAST_BYTE_SPAN 64

/* Spans of UTF-8 with two bytes, and with three, shorter ones counted. */
#define ELECTRA_TWO_BYTE_SPANS 32
#define ELECTRA_THREE_BYTE_SPANS 1024

/* The part of the map that every byte needs. */
typedef struct electra_byte_map
{
	uint32_t	alphanumeric;	/* electra_alphanumeric_kind */
	uint32_t	blank;			/* are the bytes 0x01 … 0x20 all nothing or
								 * spaces? */
	uint8_t		kinds[256];		/* electra_byte_kind */
	uint8_t		bytes[256];		/* of ELECTRA_BYTE_WORD: what goes into the
								 * word; 0 for all others */

	/*
	 * Bit i: code point i of the span is none that ends the word that it
	 * stands in, and no added token begins with it.  0 for what is no
	 * character of so many bytes.
	 */
	uint64_t	two_bytes_stay[ELECTRA_TWO_BYTE_SPANS];
	uint64_t	three_bytes_stay[ELECTRA_THREE_BYTE_SPANS];
} electra_byte_map;

/* A built map, or a view of one in an image. */
typedef struct electra_char_map
{
	const uint16_t *index;		/* (ELECTRA_NUM_CHAR_BLOCKS) blocks */
	const uint32_t *entries;	/* (num_blocks, ELECTRA_UNICODE_BLOCK) */
	const uint8_t *bytes;		/* (num_bytes) sequences */
	uint32_t	num_blocks;
	uint32_t	num_bytes;
} electra_char_map;

/* Bounds of what electra_char_map_build makes; with more there is no map. */
#define ELECTRA_MAX_CHAR_BLOCKS 1024
#define ELECTRA_MAX_CHAR_BYTES 65536

/*
 * Builds the map of a configuration.  first_bytes is the set (bit 1 << byte %
 * 32 of word byte / 32) of bytes that added tokens found in the text as it is
 * begin with.  All three arrays are allocated from memory and owned by the
 * caller (electra_char_map_free); over the bounds there is no map: no blocks.
 * false: no memory.
 */
extern bool electra_char_map_build(const electra_tokenizer_config *config, const uint32_t first_bytes[8],
								   const electra_allocator *memory, electra_char_map *map,
								   electra_byte_map *byte_map);

extern void electra_char_map_free(electra_char_map *map, const electra_allocator *memory);

/* The entry of a code point below 0x110000; CAREFUL where a damaged map leads outside. */
static inline uint32_t
electra_char_map_entry(const electra_char_map *map, uint32_t code_point)
{
	uint32_t	block = map->index[code_point / ELECTRA_UNICODE_BLOCK];

	if (block >= map->num_blocks)
		return ELECTRA_CHAR_CAREFUL;
	return map->entries[block * ELECTRA_UNICODE_BLOCK + code_point % ELECTRA_UNICODE_BLOCK];
}

/* Does a character stay in the word that it stands in? */
static inline bool
electra_char_stays(uint32_t entry)
{
	uint32_t	kind = entry & ELECTRA_CHAR_KIND_MASK;

	return kind > ELECTRA_CHAR_CAREFUL && kind < ELECTRA_CHAR_SPACE;
}

/*
 * The sequence of an entry of kind SEQUENCE or ISOLATED_SEQUENCE: its bytes,
 * their number and that of its code points.  false: damaged.
 */
static inline bool
electra_char_map_sequence(const electra_char_map *map, uint32_t entry, const uint8_t **bytes,
						  int *num_bytes, int *num_code_points)
{
	uint32_t	place = entry >> ELECTRA_CHAR_VALUE_SHIFT;

	if (map->num_bytes < 2 || place > map->num_bytes - 2 ||
		map->bytes[place + 1] > map->num_bytes - 2 - place)
		return false;
	*num_code_points = map->bytes[place];
	*num_bytes = map->bytes[place + 1];
	*bytes = map->bytes + place + 2;
	return true;
}

#endif							/* ELECTRA_CHAR_MAP_H */

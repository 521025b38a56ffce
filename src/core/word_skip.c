/*
 * The rest of a word that is too long, by blocks of 64 bytes.
 *
 * The places of the characters come from a few vector instructions, and whether
 * each of them stays in the word is one look into a bit map: no branch depends
 * on how scripts are mixed.
 */
#include "word_skip.h"

/* Where the characters of a block begin if all of them have as many bytes. */
#define ONLY_TWO_BYTES UINT64_C(0x5555555555555555)
#define ONLY_THREE_BYTES UINT64_C(0x1249249249249249)

/* The first of a set of places, which is taken out of it. */
static inline int
take_place(uint64_t *places)
{
	int			place = __builtin_ctzll(*places);

	*places &= *places - 1;
	return place;
}

/* Do these bytes of ASCII all stay in a word?  Letters and digits do wherever there is a kind of them. */
static inline bool
ascii_stays(const electra_byte_map *byte_map, const uint8_t *bytes, uint64_t places)
{
	if (places != 0 && byte_map->alphanumeric != ELECTRA_ALPHANUMERIC_OTHER)
		places &= ~electra_alphanumeric_block(bytes);
	while (places != 0)
	{
		uint8_t		kind = byte_map->kinds[bytes[take_place(&places)]];

		if (kind != ELECTRA_BYTE_WORD && kind != ELECTRA_BYTE_NOTHING)
			return false;
	}
	return true;
}

/* Does this character of two bytes stay in a word? */
static inline bool
two_bytes_stay(const electra_byte_map *byte_map, const uint8_t *character)
{
	return (byte_map->two_bytes_stay[character[0] & 0x1f] >> (character[1] & 0x3f) & 1) != 0;
}

/* And this one of three?  Reads a byte more. */
static inline bool
three_bytes_stay(const electra_byte_map *byte_map, const uint8_t *character)
{
	uint32_t	four;

	memcpy(&four, character, sizeof(four));
	return (byte_map->three_bytes_stay[(four & 0xf) << 6 | (four >> 8 & 0x3f)] >> (four >> 16 & 0x3f) & 1) != 0;
}

static inline bool
four_bytes_stay(const electra_byte_map *byte_map, const electra_char_map *map, const uint8_t *character)
{
	uint32_t	code_point = (character[0] & 0x7u) << 18 | (character[1] & 0x3fu) << 12 |
		(character[2] & 0x3fu) << 6 | (character[3] & 0x3fu);

	return character[0] < 0xf8 && code_point >= 0x10000 && code_point <= 0x10ffff &&
		byte_map->kinds[character[0]] == ELECTRA_BYTE_LEAD && electra_char_stays(electra_char_map_entry(map, code_point));
}

/* Do the characters of a block that are not ASCII all stay?  Most blocks are all of one length. */
static inline bool
characters_stay(const electra_byte_map *byte_map, const electra_char_map *map, const uint8_t *bytes,
				electra_text_block block)
{
	if (block.two_bytes == ONLY_TWO_BYTES)
	{
		for (int i = 0; i < ELECTRA_TEXT_BLOCK; i += 2)
			if (!two_bytes_stay(byte_map, bytes + i))
				return false;
		return true;
	}
	if (block.three_bytes == ONLY_THREE_BYTES)
	{
		for (int i = 0; i < ELECTRA_TEXT_BLOCK - 1; i += 3)
			if (!three_bytes_stay(byte_map, bytes + i))
				return false;
		return true;
	}
	while (block.two_bytes != 0)
		if (!two_bytes_stay(byte_map, bytes + take_place(&block.two_bytes)))
			return false;
	while (block.three_bytes != 0)
		if (!three_bytes_stay(byte_map, bytes + take_place(&block.three_bytes)))
			return false;
	while (block.four_bytes != 0)
		if (!four_bytes_stay(byte_map, map, bytes + take_place(&block.four_bytes)))
			return false;
	return true;
}

/* Behind the letters and digits of ASCII at a place that fill whole blocks. */
static inline size_t
skip_ascii(const electra_byte_map *byte_map, const uint8_t *bytes, size_t at, size_t end)
{
	if (byte_map->alphanumeric == ELECTRA_ALPHANUMERIC_OTHER)
		return at;
	while (end - at >= ELECTRA_ASCII_BLOCK && electra_alphanumeric(bytes + at) == 0xffff)
		at += ELECTRA_ASCII_BLOCK;
	return at;
}

size_t
electra_skip_word_blocks(const electra_byte_map *byte_map, const electra_char_map *map, const uint8_t *bytes,
						 size_t at, size_t end)
{
	/* three_bytes_stay reads a byte more */
	for (;;)
	{
		electra_text_block block;

		at = skip_ascii(byte_map, bytes, at, end);
		if (end - at <= ELECTRA_TEXT_BLOCK)
			break;
		block = electra_read_text_block(bytes + at);
		if (block.size == 0 || !ascii_stays(byte_map, bytes + at, block.ascii) ||
			!characters_stay(byte_map, map, bytes + at, block))
			break;
		at += (size_t) block.size;
	}
	return at;
}

/*
 * Reading over what gives no more tokens: the rest of a word that is too long,
 * and white space.  Many bytes at a time, for such a text may have a gigabyte
 * that is read only to find its end.
 */
#ifndef ELECTRA_WORD_SKIP_H
#define ELECTRA_WORD_SKIP_H

#include "char_map.h"
#include "text_block.h"
#include "utf8.h"

/* Where blocks cannot be skipped any more, a place that ends it is this near, unless the end is. */
#define ELECTRA_SKIP_REACH (ELECTRA_TEXT_BLOCK + ELECTRA_UTF8_MAX)

/*
 * Behind the blocks at a place whose characters all stay in the word that they
 * stand in, and are valid.  The place is the begin of a character, and so is
 * what comes back.  Reads nothing from end on.
 */
extern size_t electra_skip_word_blocks(const electra_byte_map *byte_map, const electra_char_map *map,
									   const uint8_t *bytes, size_t at, size_t end);

/* Behind the blocks of ASCII at a place that are nothing but white space and what is dropped. */
static inline size_t
electra_skip_blank_blocks(const electra_byte_map *byte_map, const uint8_t *bytes, size_t at, size_t end)
{
	while (byte_map->blank && end - at >= ELECTRA_ASCII_BLOCK && electra_is_blank(bytes + at))
		at += ELECTRA_ASCII_BLOCK;
	return at;
}

#endif							/* ELECTRA_WORD_SKIP_H */

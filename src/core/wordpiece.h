/*
 * From normalized text to token ids: split at white space and punctuation
 * (BertPreTokenizer), then WordPiece on each word.
 */
#ifndef ELECTRA_WORDPIECE_H
#define ELECTRA_WORDPIECE_H

#include "tokenizer.h"
#include "vocabulary_section.h"

typedef struct electra_words
{
	const electra_tokenizer_config *config;
	const electra_vocabulary_header *vocabulary;
	electra_trie trie;
	const electra_allocator *memory;
	electra_tokens *tokens;		/* where ids go */
	bool		full;			/* capacity + 1 tokens exist */

	/* the word so far, at most max_word_chars characters of it */
	uint8_t    *word;			/* (4 * capacity) UTF-8 */
	int32_t    *pieces;			/* (capacity), a piece has a character */
	int32_t		capacity;		/* characters */
	size_t		word_size;		/* bytes */
	int32_t		num_chars;
	bool		overlong;		/* had too many characters; counted as unknown */
} electra_words;

extern void electra_words_init(electra_words *words, const electra_tokenizer_config *config,
							   const electra_vocabulary_header *vocabulary, electra_tokens *tokens,
							   const electra_allocator *memory);

/* Takes the next code point of normalized text.  false: no memory. */
extern bool electra_words_push(electra_words *words, uint32_t code_point);

/* A word that is not complete yet ends here. */
extern void electra_words_end(electra_words *words);

/* Gives out one token. */
extern void electra_words_emit(electra_words *words, int32_t id);

extern void electra_words_free(electra_words *words);

#endif							/* ELECTRA_WORDPIECE_H */

/*
 * WordPiece: from words to token ids.
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
	electra_automaton automaton;
	const electra_allocator *memory;
	electra_tokens *tokens;		/* where ids go */
	bool		full;			/* capacity + 1 tokens exist */

	/* the word so far, at most max_word_chars of it */
	uint8_t    *word;			/* (4 * capacity) UTF-8 */
	int32_t    *pieces;			/* (capacity), a piece has a character */
	int32_t		capacity;
	size_t		word_size;		/* bytes */
	int32_t		length;			/* what max_word_chars limits: characters, for
								 * Keras bytes */
	bool		overlong;		/* had too many of them; counted as unknown */
} electra_words;

extern void electra_words_init(electra_words *words, const electra_tokenizer_config *config,
							   const electra_vocabulary_header *vocabulary, electra_tokens *tokens,
							   const electra_allocator *memory);

/* Appends to the word.  false: no memory. */
extern bool electra_words_append(electra_words *words, uint32_t code_point);

/* The word has become too long for certain: it is unknown, whatever follows. */
extern void electra_words_overlong(electra_words *words);

/* A word that is not complete yet ends here. */
extern void electra_words_end(electra_words *words);

/* Gives out one token. */
extern void electra_words_emit(electra_words *words, int32_t id);

extern void electra_words_free(electra_words *words);

#endif							/* ELECTRA_WORDPIECE_H */

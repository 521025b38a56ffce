/*
 * Finding added tokens in the text as it is, and in normalized text, as
 * tokenizers' AddedVocabulary and Keras-Hub's regular expressions do.
 */
#ifndef ELECTRA_ADDED_TOKENS_H
#define ELECTRA_ADDED_TOKENS_H

#include "text_cursor.h"
#include "vocabulary_section.h"

typedef struct electra_added_match
{
	const electra_added_token *token;	/* NULL: nothing matches here */
	bool		discarded;		/* single_word, but inside a word: it stays
								 * plain text and nothing is found within it */
	size_t		after;			/* the cursor behind the match */
	uint32_t	last;			/* its last code point */
} electra_added_match;

/*
 * The longest added token of the first kind at the cursor; before is the code
 * point in front of it, or ELECTRA_NO_CODE_POINT.  Never ELECTRA_READ_END;
 * ELECTRA_READ_CUT if the slice ends before the answer is certain.
 */
extern electra_read electra_added_match_raw(const electra_vocabulary_header *vocabulary, electra_text *text,
											size_t cursor, uint32_t before, electra_added_match *match);

/* Normalized text on its way to the words, held back as far as a match could reach. */
typedef struct electra_normalized_matcher
{
	const electra_vocabulary_header *vocabulary;
	electra_trie trie;
	uint32_t	root;			/* of the patterns */
	uint32_t	required_flags; /* tokens without these are not found */

	/* receive what is no token, and tokens; false: no memory */
	bool		(*plain_sink) (void *context, uint32_t code_point);
	bool		(*token_sink) (void *context, const electra_added_token *token);
	void	   *context;

	uint32_t   *window;			/* (window_size) a ring */
	uint32_t	window_size;	/* a power of two >= needed */
	uint32_t	begin;
	uint32_t	count;
	uint32_t	needed;			/* code points that decide what is at begin */
	uint32_t	plain;			/* so many from begin on are not looked at */
	uint32_t	before;			/* the code point in front of begin */
} electra_normalized_matcher;

/*
 * Gets the room for its window; the members up to context, and needed, are the
 * caller's.  false: no memory.
 */
extern bool electra_normalized_matcher_init(electra_normalized_matcher *matcher,
											const electra_allocator *memory);

/* Takes the next code point of a normalized section of the text.  false: no memory. */
extern bool electra_normalized_matcher_push(electra_normalized_matcher *matcher, uint32_t code_point);

/* The section is over. */
extern bool electra_normalized_matcher_end(electra_normalized_matcher *matcher);

extern void electra_normalized_matcher_free(electra_normalized_matcher *matcher,
											const electra_allocator *memory);

#endif							/* ELECTRA_ADDED_TOKENS_H */

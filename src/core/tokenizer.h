/*
 * From text to token ids: Hugging Face's fast BERT pipeline or Keras-Hub's
 * WordPieceTokenizer (config.tokenizer.pipeline), exactly.
 */
#ifndef ELECTRA_TOKENIZER_H
#define ELECTRA_TOKENIZER_H

#include "image.h"

typedef struct electra_tokens
{
	int32_t    *ids;			/* (capacity), without [CLS] and [SEP]; NULL: count
								 * only */
	int64_t		capacity;		/* stop after so many */
	int64_t		count;			/* out: tokens written or counted */
	bool		truncated;		/* out: the text has more than capacity */
	bool		need_input;		/* out: the slice ended before the tokens were
								 * certain; only when at_end is false */
} electra_tokens;

/*
 * Tokenizes UTF-8 text of any length, one pass, in time linear in what is
 * read; stops as soon as capacity + 1 tokens are known to exist.
 *
 * text may be the first part of a longer text (at_end = false, cut anywhere,
 * also inside a character).  Then tokens that later bytes could change are not
 * given out: if fewer than capacity + 1 are certain, need_input is set and the
 * caller comes again with a longer part.
 *
 * ELECTRA_UNSUPPORTED for a model without a vocabulary.
 * ELECTRA_INVALID_TEXT (detail: position in bytes), ELECTRA_CANCELED,
 * ELECTRA_OUT_OF_MEMORY.
 */
extern electra_status electra_tokenize(const electra_model *model, const char *text, size_t size,
									   bool at_end, electra_tokens *tokens,
									   const electra_allocator *memory,
									   const electra_poll *poll, electra_error *error);

/*
 * How many tokens of A and B stay under longest_first truncation with
 * max_length tokens in all; the first ones of each stay.  Single text: as if B
 * were absent (pair = false).
 */
extern void electra_truncate_longest_first(int64_t *a_count, int64_t *b_count, bool pair,
										   int64_t max_length);

/*
 * The same for Keras presets: MultiSegmentPacker's round-robin, where the odd
 * token goes to A.
 */
extern void electra_truncate_round_robin(int64_t *a_count, int64_t *b_count, bool pair,
										 int64_t max_length);

/* The one of the two that the tokenizer's pipeline has. */
extern void electra_truncate(const electra_tokenizer_config *config, int64_t *a_count, int64_t *b_count,
							 bool pair, int64_t max_length);

/*
 * [CLS] A [SEP], or [CLS] A [SEP] B [SEP] when b_ids is not NULL; segments 0
 * and 1.  ids and segments (may be NULL) have room for a_count + b_count + 3.
 * Returns the number of tokens.
 */
extern int64_t electra_join_tokens(const electra_tokenizer_config *config,
								   const int32_t *a_ids, int64_t a_count,
								   const int32_t *b_ids, int64_t b_count,
								   int32_t *ids, uint8_t *segments);

/*
 * ids back to text, as tokenizers' decode(skip_special_tokens = True) with the
 * WordPiece decoder and clean_up = true does; for Keras presets as
 * WordPieceTokenizer.detokenize does.  *text is NUL-terminated and
 * owned by the caller.  ELECTRA_INVALID_ARGUMENT for an id outside the vocabulary.
 */
extern electra_status electra_detokenize(const electra_model *model, const int32_t *ids, int64_t count,
										 char **text, size_t *size, const electra_allocator *memory,
										 electra_error *error);

#endif							/* ELECTRA_TOKENIZER_H */

/*
 * The normalizer of Hugging Face's fast BERT tokenizer (BertNormalizer): clean
 * text, spaces around Chinese characters, decompose and strip accents, lower
 * case; one code point in, any number out.
 */
#ifndef ELECTRA_BERT_NORMALIZER_H
#define ELECTRA_BERT_NORMALIZER_H

#include "accents.h"
#include "config.h"

typedef struct electra_normalizer
{
	const electra_tokenizer_config *config;

	/* receives each normalized code point; false (no memory) stops everything */
	bool		(*emit) (void *context, uint32_t code_point);
	void	   *context;
	electra_accents accents;
} electra_normalizer;

/* The normalizer must stay where it is from here on. */
extern void electra_normalizer_init(electra_normalizer *normalizer,
									const electra_tokenizer_config *config,
									const electra_allocator *memory,
									bool (*emit) (void *context, uint32_t code_point), void *context);

/* Takes the next code point of a text.  false: no memory, or emit said so. */
extern bool electra_normalizer_push(electra_normalizer *normalizer, uint32_t code_point);

/* The text is over; the next code point begins another one. */
extern bool electra_normalizer_end(electra_normalizer *normalizer);

extern void electra_normalizer_free(electra_normalizer *normalizer);

#endif							/* ELECTRA_BERT_NORMALIZER_H */

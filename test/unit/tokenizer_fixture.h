/*
 * A model that can tokenize and nothing else, made in memory out of the two
 * tensors that an archive has: for unit tests, fuzzing and parity.
 */
#ifndef ELECTRA_TOKENIZER_FIXTURE_H
#define ELECTRA_TOKENIZER_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tokenizer.h"
#include "core/vocabulary.h"

/* What transformers sets for an uncased model, with [UNK] 0, [CLS] 1, [SEP] 2, [PAD] 3, [MASK] 4. */
static inline electra_tokenizer_config
fixture_config(void)
{
	return (electra_tokenizer_config) {
		.clean_text = true,
		.tokenize_chinese_chars = true,
		.lowercase = true,
		.strip_accents = true,
		.max_word_chars = 100,
		.continuing_prefix = "##",
		.cls_token_id = 1,
		.sep_token_id = 2,
		.pad_token_id = 3,
		.mask_token_id = 4
	};
}

static inline int32_t
fixture_count_tokens(const char *vocabulary, size_t size)
{
	int32_t		count = 0;

	for (size_t i = 0; i < size; i++)
		count += vocabulary[i] == '\0';
	return count;
}

/*
 * Builds and checks a model; NULL with the error filled in where that fails.
 * Freed by free().
 */
static inline void *
fixture_open(electra_model *model, const electra_tokenizer_config *config,
			 const char *vocabulary, size_t vocabulary_size, const char *added, size_t added_size,
			 electra_error *error)
{
	int32_t		vocab_size = fixture_count_tokens(vocabulary, vocabulary_size);
	size_t		header_size = (sizeof(electra_image_header) + 63) / 64 * 64;
	electra_image_header *header;
	void	   *section;
	size_t		size;

	if (electra_vocabulary_build(config, vocab_size, vocabulary, vocabulary_size, added, added_size,
								 &electra_malloc_allocator, &section, &size, error) != ELECTRA_OK)
		return NULL;
	if (size > electra_vocabulary_max_size(vocabulary_size, added_size, vocab_size))
	{
		electra_fail(error, ELECTRA_CORRUPT, "electra_vocabulary_max_size is no upper bound");
		free(section);
		return NULL;
	}
	header = aligned_alloc(64, header_size + (size + 63) / 64 * 64);
	if (header == NULL)
		abort();
	memset(header, 0, header_size);
	memcpy((char *) header + header_size, section, size);
	free(section);
	header->config.vocab_size = vocab_size;
	header->config.tokenizer = *config;
	header->vocabulary = header_size;
	header->vocabulary_size = size;
	model->header = header;
	model->layers = NULL;
	if (electra_vocabulary_check((char *) header + header_size, size, vocab_size, error) != ELECTRA_OK)
	{
		free(header);
		return NULL;
	}
	return header;
}

#endif							/* ELECTRA_TOKENIZER_FIXTURE_H */

/*
 * libFuzzer: tokens of a text that comes in growing slices, as the server
 * reads it, against tokens of the whole text, and those against the tokens that
 * the pipeline's own steps give.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc -Isrc/core \
 *       test/fuzz/fuzz_tokenizer.c <the tokenizer's files of src/core> -o fuzz_tokenizer
 */
#include "../unit/tokenizer_fixture.h"
#include "core/vocabulary_section.h"
#include "../unit/tokenizer_golden.h"

#define NUM_OPTIONS 256

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without the added tokens that are looked for in normalized text, words can be read out of the text. */
static const char special_tokens[] = "0 s [UNK]\0" "1 s [CLS]\0" "2 s [SEP]\0" "3 s [PAD]\0" "4 s [MASK]";

static electra_model models[NUM_OPTIONS][2];

/* A model for each combination of the switches; careful ones have nothing that reads words out of a text. */
static const electra_model *
model_for(uint8_t options, bool careful)
{
	electra_model *model = &models[options][careful];

	if (model->header == NULL)
	{
		electra_tokenizer_config config = fixture_config();
		electra_error error;

		config.clean_text = (options & 1) == 0;
		config.tokenize_chinese_chars = (options & 2) == 0;
		config.lowercase = (options & 4) == 0;
		config.strip_accents = (options & 8) == 0;
		config.pipeline = options & 16 ? ELECTRA_TOKENIZER_KERAS : ELECTRA_TOKENIZER_BERT;
		config.special_tokens_in_strings = (options & 32) == 0;
		/* short words are too long soon, and what is behind that is read over by blocks */
		config.max_word_chars = options & 128 ? 12 : 100;
		if (fixture_open(model, &config, golden_vocabulary, sizeof(golden_vocabulary) - 1,
						 options & 64 ? golden_added : special_tokens,
						 options & 64 ? sizeof(golden_added) - 1 : sizeof(special_tokens), &error) == NULL)
			abort();
		if (careful)
		{
			electra_vocabulary_header *section =
				(electra_vocabulary_header *) ((char *) model->header + model->header->vocabulary);

			section->num_states = section->continuing_state = section->num_char_blocks = section->table_bits = 0;
		}
	}
	return model;
}

/* Tokenizes slices of first, 2 * first, … bytes until one is enough. */
static electra_status
tokenize_slices(const electra_model *model, const char *text, size_t size, size_t first,
				electra_tokens *tokens, electra_error *error)
{
	for (size_t slice = first;; slice *= 2)
	{
		bool		at_end = slice >= size;
		size_t		slice_size = at_end ? size : slice;
		char	   *copy = malloc(slice_size + 1);
		electra_status status;

		if (copy == NULL)
			abort();
		memcpy(copy, text, slice_size);
		status = electra_tokenize(model, copy, slice_size, at_end, tokens, &electra_malloc_allocator, NULL, error);
		free(copy);
		if (status != ELECTRA_OK || !tokens->need_input)
			return status;
		if (at_end)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	electra_error error;
	electra_tokens whole = {0};
	electra_tokens sliced = {0};
	electra_tokens careful = {0};
	const electra_model *model;
	electra_status status;
	electra_status sliced_status;
	electra_status careful_status;
	size_t		first;

	if (size < 3)
		return 0;
	model = model_for(data[0] % NUM_OPTIONS, false);
	first = (size_t) data[1] % 64 + 1;
	whole.capacity = sliced.capacity = careful.capacity = data[2] < 128 ? data[2] : (int64_t) size * 4;
	careful.ids = malloc(((size_t) whole.capacity + 1) * sizeof(int32_t));
	if (careful.ids == NULL)
		abort();
	careful_status = electra_tokenize(model_for(data[0] % NUM_OPTIONS, true), (const char *) data + 3, size - 3, true,
									  &careful, &electra_malloc_allocator, NULL, &error);
	data += 3;
	size -= 3;
	whole.ids = malloc(((size_t) whole.capacity + 1) * sizeof(int32_t));
	sliced.ids = malloc(((size_t) whole.capacity + 1) * sizeof(int32_t));
	if (whole.ids == NULL || sliced.ids == NULL)
		abort();

	status = electra_tokenize(model, (const char *) data, size, true, &whole, &electra_malloc_allocator, NULL, &error);
	sliced_status = tokenize_slices(model, (const char *) data, size, first, &sliced, &error);

	/* of an invalid text, a slice may have had enough tokens before the error */
	if (status == ELECTRA_OK &&
		(sliced_status != ELECTRA_OK || whole.count != sliced.count || whole.truncated != sliced.truncated ||
		 memcmp(whole.ids, sliced.ids, (size_t) whole.count * sizeof(int32_t)) != 0))
		abort();
	/* here too the one may have had enough where the other looked a little further */
	if (status != careful_status && !(status == ELECTRA_OK && whole.truncated))
		abort();
	if (status == ELECTRA_OK && careful_status == ELECTRA_OK &&
		(whole.count != careful.count || whole.truncated != careful.truncated ||
		 memcmp(whole.ids, careful.ids, (size_t) whole.count * sizeof(int32_t)) != 0))
		abort();
	if (status != ELECTRA_OK && status != ELECTRA_INVALID_TEXT)
		abort();
	if (status == ELECTRA_OK && whole.need_input)
		abort();
	free(whole.ids);
	free(sliced.ids);
	free(careful.ids);
	return 0;
}

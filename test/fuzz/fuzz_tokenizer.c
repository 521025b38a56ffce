/*
 * libFuzzer: tokens of a text that comes in growing slices, as the server
 * reads it, against tokens of the whole text.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc -Isrc/core \
 *       test/fuzz/fuzz_tokenizer.c <the tokenizer's files of src/core> -o fuzz_tokenizer
 */
#include "../unit/tokenizer_fixture.h"
#include "../unit/tokenizer_golden.h"

#define NUM_OPTIONS 64

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static electra_model models[NUM_OPTIONS];

/* A model for each combination of the switches. */
static const electra_model *
model_for(uint8_t options)
{
	electra_model *model = &models[options];

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
		if (fixture_open(model, &config, golden_vocabulary, sizeof(golden_vocabulary) - 1,
						 golden_added, sizeof(golden_added) - 1, &error) == NULL)
			abort();
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
	const electra_model *model;
	electra_status status;
	electra_status sliced_status;
	size_t		first;

	if (size < 3)
		return 0;
	model = model_for(data[0] % NUM_OPTIONS);
	first = (size_t) data[1] % 16 + 1;
	whole.capacity = sliced.capacity = data[2] < 128 ? data[2] : (int64_t) size * 4;
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
	if (status != ELECTRA_OK && status != ELECTRA_INVALID_TEXT)
		abort();
	if (status == ELECTRA_OK && whole.need_input)
		abort();
	free(whole.ids);
	free(sliced.ids);
	return 0;
}

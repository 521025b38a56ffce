/*
 * Random weights: those that Keras-Hub's ElectraBackbone has before training,
 * from a seed.
 *
 * Matrices and embedding tables are truncated normal with standard deviation
 * 0.02, biases 0, LayerNorm's scales 1, as electra_kernel_initializer and
 * Keras's defaults have it; the pooled_dense is "pooler.dense".  The Dense
 * modules of sentence-transformers are filled in the same way.
 *
 * Element i (row-major, torch's [out, in]) of a tensor is number i of the
 * stream that core/random.h documents for the seed and the tensor's canonical
 * name (core/archive.h), in double rounded to float, then to the dtype in
 * which it is stored: the same bits on any machine.
 */
#include "import/preset_source.h"

#include "core/random.h"
#include "import/vocabulary_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INITIALIZER_STDDEV 0.02

static bool
ends_with(const char *name, const char *suffix)
{
	size_t		name_length = strlen(name);
	size_t		length = strlen(suffix);

	return name_length >= length && strcmp(name + name_length - length, suffix) == 0;
}

/* source_tensor.read: any part of a tensor, for each element takes one number of its stream. */
static electra_status
read_random(const source_tensor *tensor, int64_t first, int64_t count, float *values,
			electra_error *error)
{
	const uint64_t *seed = tensor->context;
	const char *name = tensor->spec.name;
	electra_random random;

	(void) error;
	if (ends_with(name, ".bias") || ends_with(name, "LayerNorm.weight"))
	{
		for (int64_t i = 0; i < count; i++)
			values[i] = ends_with(name, ".bias") ? 0 : 1;
		return ELECTRA_OK;
	}
	electra_random_init(&random, *seed, name);
	electra_random_skip(&random, (uint64_t) first);
	electra_random_truncated_normal(&random, values, (size_t) count, INITIALIZER_STDDEV);
	return ELECTRA_OK;
}

static void
close_random(preset_source *source)
{
	free(source->reader);
	source->reader = NULL;
}

/* The lower-casing BERT tokenizer; no special tokens yet. */
static void
configure_tokenizer(electra_tokenizer_config *tokenizer)
{
	memset(tokenizer, 0, sizeof(*tokenizer));
	tokenizer->pipeline = ELECTRA_TOKENIZER_BERT;
	tokenizer->clean_text = true;
	tokenizer->tokenize_chinese_chars = true;
	tokenizer->lowercase = true;
	tokenizer->strip_accents = true;
	tokenizer->max_word_chars = 100;
	strcpy(tokenizer->continuing_prefix, "##");
	tokenizer->unk_token_id = -1;
	tokenizer->cls_token_id = -1;
	tokenizer->sep_token_id = -1;
	tokenizer->pad_token_id = -1;
	tokenizer->mask_token_id = -1;
}

/* The ids of the special tokens; file is NULL for a vocabulary that is an array. */
static electra_status
find_special_tokens(preset_source *source, const char *file, electra_error *error)
{
	electra_tokenizer_config *tokenizer = &source->config.tokenizer;
	const struct
	{
		const char *token;
		int32_t    *id;
	}			specials[] = {
		{"[PAD]", &tokenizer->pad_token_id},
		{"[UNK]", &tokenizer->unk_token_id},
		{"[CLS]", &tokenizer->cls_token_id},
		{"[SEP]", &tokenizer->sep_token_id},
		{"[MASK]", &tokenizer->mask_token_id},
	};

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
	{
		*specials[i].id = vocabulary_find(source->vocabulary, source->vocabulary_size, specials[i].token);
		if (*specials[i].id >= 0)
			continue;
		if (file != NULL)
			electra_fail(error, ELECTRA_INVALID_SOURCE, "vocabulary file \"%s\" lacks the token %s",
						 file, specials[i].token);
		else
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary lacks the token %s", specials[i].token);
		electra_fail_detail(error, "A vocabulary must hold [PAD], [UNK], [CLS], [SEP] and [MASK].");
		return error->status;
	}
	return ELECTRA_OK;
}

/* For qsort. */
static int
compare_int32(const void *a, const void *b)
{
	int32_t		left = *(const int32_t *) a;
	int32_t		right = *(const int32_t *) b;

	return left < right ? -1 : left > right;
}

/* The special tokens as Hugging Face's tokenizers add them: found in the raw text, never normalized. */
static electra_status
make_added_tokens(preset_source *source, electra_error *error)
{
	const electra_tokenizer_config *tokenizer = &source->config.tokenizer;
	int32_t		ids[] = {
		tokenizer->pad_token_id, tokenizer->unk_token_id, tokenizer->cls_token_id,
		tokenizer->sep_token_id, tokenizer->mask_token_id
	};
	const int	count = (int) (sizeof(ids) / sizeof(ids[0]));
	const char *token = source->vocabulary;
	int32_t		id = 0;
	size_t		capacity = (size_t) count * 32;	/* "ID s [MASK]" each */
	char	   *text = malloc(capacity);

	if (text == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	source->added_tokens = text;
	qsort(ids, (size_t) count, sizeof(ids[0]), compare_int32);
	for (int i = 0; i < count; i++)
	{
		for (; id < ids[i]; id++)
			token += strlen(token) + 1;
		source->added_tokens_size += (size_t) snprintf(text + source->added_tokens_size,
													   capacity - source->added_tokens_size,
													   "%" PRId32 " s %s", id, token) + 1;
	}
	return ELECTRA_OK;
}

/* Mean pooling without normalization, as for a plain ELECTRA directory. */
static void
configure_pipeline(electra_config *config)
{
	memset(config->modules, 0, sizeof(config->modules));
	config->num_modules = 1;
	config->modules[0].kind = ELECTRA_MODULE_POOLING;
	config->modules[0].in_dim = config->hidden_dim;
	config->modules[0].out_dim = config->hidden_dim;
	config->pooling_modes = ELECTRA_POOL_MEAN;
	config->include_prompt = true;
	config->trained_for_similarity = false;
	config->dimensions = 0;
	config->normalize = false;
	config->max_length = config->max_sequence_length;
	config->truncation = ELECTRA_TRUNCATE;
}

/* All tensors that a preset must have, but the tokenizer's, which the archive writer adds. */
static electra_status
list_tensors(preset_source *source, electra_error *error)
{
	electra_tensor_spec spec;
	int			num_required = 0;

	while (electra_tensor_spec_required(&source->config, num_required, &spec))
		num_required++;
	source->tensors = calloc((size_t) num_required, sizeof(source_tensor));
	if (source->tensors == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (int i = 0; electra_tensor_spec_required(&source->config, i, &spec); i++)
	{
		source_tensor *tensor = &source->tensors[source->num_tensors];

		if (spec.text)
			continue;
		tensor->spec = spec;
		tensor->read = read_random;
		tensor->context = source->reader;
		tensor->source_dtype = ELECTRA_F32;
		tensor->stored_dtype = ELECTRA_F32;
		source->num_tensors++;
	}
	return ELECTRA_OK;
}

electra_status
random_weights_open(preset_source *source, uint64_t seed, electra_error *error)
{
	char		text[32];
	uint64_t   *reader = malloc(sizeof(*reader));

	if (reader == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	*reader = seed;
	source->reader = reader;
	source->close = close_random;
	source->config.untrained = true;
	if (list_tensors(source, error) != ELECTRA_OK)
		return error->status;
	/* signed, as SQL knows it */
	snprintf(text, sizeof(text), "%" PRId64, (int64_t) seed);
	return preset_source_note(source, "source.seed", text, error);
}

/* The vocabulary, and what follows from it: *count is the number of its ids. */
static electra_status
read_vocabulary(const random_preset *request, preset_source *source, int32_t *count, electra_error *error)
{
	const char *file = request->origin == VOCABULARY_FILE ? request->vocabulary_file : NULL;
	electra_status status;

	configure_tokenizer(&source->config.tokenizer);
	if (request->origin == VOCABULARY_NONE)
	{
		source->config.tokenizer.pipeline = ELECTRA_TOKENIZER_NONE;
		*count = 0;
		return ELECTRA_OK;
	}
	if (file != NULL)
		status = vocabulary_file_read(file, &source->vocabulary, &source->vocabulary_size, count, error);
	else
		status = vocabulary_stream_read(STDIN_FILENO, &source->vocabulary, &source->vocabulary_size,
										count, error);
	if (status != ELECTRA_OK)
	{
		source->vocabulary = NULL;	/* it is not ours to release */
		return status;
	}
	return find_special_tokens(source, file, error);
}

/* Vocabulary and configuration. */
static electra_status
configure(const random_preset *request, preset_source *source, electra_error *error)
{
	electra_config *config = &source->config;
	int32_t		count;

	if (read_vocabulary(request, source, &count, error) != ELECTRA_OK)
		return error->status;
	config->numerics_version = ELECTRA_NUMERICS_VERSION;
	config->unicode_version = ELECTRA_UNICODE_VERSION;
	if (config->vocab_size == 0)
		config->vocab_size = count;
	if (config->vocab_size < count)
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary is larger than vocab_size");
		electra_fail_detail(error, "vocab_size is %d, the vocabulary has %d tokens.",
							(int) config->vocab_size, (int) count);
		return ELECTRA_INVALID_ARGUMENT;
	}
	config->has_pooler = true;	/* the constructor always makes a pooled_dense */
	configure_pipeline(config);
	if (electra_config_check(config, error) != ELECTRA_OK)
		return error->status;
	return request->origin == VOCABULARY_NONE ? ELECTRA_OK : make_added_tokens(source, error);
}

electra_status
random_preset_open(const random_preset *request, preset_source *source, electra_error *error)
{
	electra_status status;

	memset(source, 0, sizeof(*source));
	memcpy(&source->config, &request->shape, sizeof(source->config));
	status = configure(request, source, error);
	if (status == ELECTRA_OK)
		status = random_weights_open(source, request->seed, error);
	if (status != ELECTRA_OK)
		preset_source_free(source);
	return status;
}

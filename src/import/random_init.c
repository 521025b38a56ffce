/*
 * A random preset: the weights that Keras-Hub's ElectraBackbone has before
 * training, from a seed.
 *
 * Matrices and embedding tables are truncated normal with standard deviation
 * 0.02, biases 0, LayerNorm's scales 1, as electra_kernel_initializer and
 * Keras's defaults have it; the pooled_dense is "pooler.dense".
 */
#include "import/preset_source.h"

#include "core/random.h"
#include "import/vocabulary_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INITIALIZER_STDDEV 0.02

static const char *const pooler_tensors[] = {"pooler.dense.bias", "pooler.dense.weight"};

#define NUM_POOLER_TENSORS 2

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

/* The lower-casing BERT tokenizer with its special tokens. */
static electra_status
configure_tokenizer(preset_source *source, const char *file, electra_error *error)
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

	memset(tokenizer, 0, sizeof(*tokenizer));
	tokenizer->pipeline = ELECTRA_TOKENIZER_BERT;
	tokenizer->clean_text = true;
	tokenizer->tokenize_chinese_chars = true;
	tokenizer->lowercase = true;
	tokenizer->strip_accents = true;
	tokenizer->max_word_chars = 100;
	strcpy(tokenizer->continuing_prefix, "##");
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
	{
		*specials[i].id = vocabulary_find(source->vocabulary, source->vocabulary_size, specials[i].token);
		if (*specials[i].id < 0)
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "vocabulary file \"%s\" lacks the token %s",
						 file, specials[i].token);
			electra_fail_detail(error, "A vocabulary must hold [PAD], [UNK], [CLS], [SEP] and [MASK].");
			return ELECTRA_INVALID_SOURCE;
		}
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
	config->untrained = true;
	config->dimensions = 0;
	config->normalize = false;
	config->max_length = config->max_sequence_length;
	config->truncation = ELECTRA_TRUNCATE;
}

/* Appends a tensor, unless it is one of the tokenizer's, which the archive writer adds. */
static void
add_tensor(preset_source *source, const electra_tensor_spec *spec)
{
	source_tensor *tensor = &source->tensors[source->num_tensors];

	if (strncmp(spec->name, "tokenizer.", 10) == 0)
		return;
	memset(tensor, 0, sizeof(*tensor));
	tensor->spec = *spec;
	tensor->read = read_random;
	tensor->context = source->reader;
	tensor->source_dtype = ELECTRA_F32;
	source->num_tensors++;
}

static electra_status
list_tensors(preset_source *source, electra_error *error)
{
	electra_tensor_spec spec;
	int			num_required = 0;

	while (electra_tensor_spec_required(&source->config, num_required, &spec))
		num_required++;
	source->tensors = malloc((size_t) (num_required + NUM_POOLER_TENSORS) * sizeof(source_tensor));
	if (source->tensors == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (int i = 0; i < num_required; i++)
	{
		electra_tensor_spec_required(&source->config, i, &spec);
		add_tensor(source, &spec);
	}
	for (int i = 0; i < NUM_POOLER_TENSORS; i++)
	{
		electra_tensor_spec_find(&source->config, pooler_tensors[i], &spec);
		add_tensor(source, &spec);
	}
	return ELECTRA_OK;
}

/* Vocabulary and configuration. */
static electra_status
configure(preset_source *source, const char *vocabulary_file, electra_error *error)
{
	electra_config *config = &source->config;
	int32_t		count;
	electra_status status;

	status = vocabulary_file_read(vocabulary_file, &source->vocabulary, &source->vocabulary_size,
								  &count, error);
	if (status != ELECTRA_OK)
		return status;
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
	status = configure_tokenizer(source, vocabulary_file, error);
	if (status != ELECTRA_OK)
		return status;
	configure_pipeline(config);
	status = electra_config_check(config, error);
	if (status != ELECTRA_OK)
		return status;
	return make_added_tokens(source, error);
}

electra_status
random_preset_open(const electra_config *config, const char *vocabulary_file, uint64_t seed,
				   preset_source *source, electra_error *error)
{
	char		text[32];
	uint64_t   *reader = malloc(sizeof(*reader));
	electra_status status;

	memset(source, 0, sizeof(*source));
	memcpy(&source->config, config, sizeof(*config));
	source->reader = reader;
	source->close = close_random;
	if (reader == NULL)
	{
		preset_source_free(source);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	*reader = seed;
	snprintf(text, sizeof(text), "%" PRIu64, seed);
	status = configure(source, vocabulary_file, error);
	if (status == ELECTRA_OK)
		status = list_tensors(source, error);
	if (status == ELECTRA_OK)
		status = preset_source_note(source, "source.seed", text, error);
	if (status != ELECTRA_OK)
		preset_source_free(source);
	return status;
}

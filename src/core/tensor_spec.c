/*
 * The tensors of a preset: encoder, pooler, heads, modules, and texts, with
 * the names that Hugging Face's models give them (modeling_electra.py,
 * modeling_bert.py; sentence_transformers' Dense) and torch's shapes [out, in].
 */
#include "archive.h"
#include "weight_files.h"

#include <stdio.h>
#include <string.h>

/* A dimension as a function of the configuration. */
typedef enum dimension
{
	DIM_NONE = 0,				/* behind the last one of a shape */
	DIM_1,
	DIM_2,
	DIM_ANY,					/* number of labels */
	DIM_BYTES,					/* of a text that is not empty */
	DIM_TOKENS,					/* bytes of the vocabulary: 0 in pipeline NONE */
	DIM_VOCABULARY,
	DIM_POSITIONS,
	DIM_SEGMENTS,
	DIM_EMBEDDING,
	DIM_HIDDEN,
	DIM_INTERMEDIATE
} dimension;

typedef enum presence
{
	REQUIRED,
	PROJECTION,					/* required where embedding_dim and hidden_dim
								 * differ, else unknown */
	POOLER,						/* required where config.has_pooler, else unknown */
	ADDED,						/* optional where there is a vocabulary, else
								 * unknown */
	OPTIONAL
} presence;

typedef struct tensor_pattern
{
	const char *name;
	dimension	shape[ELECTRA_MAX_RANK];
	presence	presence;
	bool		exact;			/* in int8 some channels stay out of it */
} tensor_pattern;

/* What belongs to a quantized tensor (N, K); the first one to each. */
static const char *const companions[] = {
	ELECTRA_SCALE_SUFFIX, ELECTRA_CHANNELS_SUFFIX, ELECTRA_EXACT_SUFFIX
};

#define NUM_COMPANIONS ((int) (sizeof(companions) / sizeof(companions[0])))

static const tensor_pattern patterns[] = {
	{"embeddings.LayerNorm.bias", {DIM_EMBEDDING}, REQUIRED, false},
	{"embeddings.LayerNorm.weight", {DIM_EMBEDDING}, REQUIRED, false},
	{"embeddings.position_embeddings.weight", {DIM_POSITIONS, DIM_EMBEDDING}, REQUIRED, false},
	{"embeddings.token_type_embeddings.weight", {DIM_SEGMENTS, DIM_EMBEDDING}, REQUIRED, false},
	{"embeddings.word_embeddings.weight", {DIM_VOCABULARY, DIM_EMBEDDING}, REQUIRED, false},
	{"embeddings_project.bias", {DIM_HIDDEN}, PROJECTION, false},
	{"embeddings_project.weight", {DIM_HIDDEN, DIM_EMBEDDING}, PROJECTION, false},
	{"tokenizer.vocabulary", {DIM_TOKENS}, REQUIRED, false},
	{"tokenizer.added_tokens", {DIM_BYTES}, ADDED, false},
	{ELECTRA_WEIGHT_FILES, {DIM_BYTES}, OPTIONAL, false},

	/* BERT's pooler; Keras's pooled_dense */
	{"pooler.dense.bias", {DIM_HIDDEN}, POOLER, false},
	{"pooler.dense.weight", {DIM_HIDDEN, DIM_HIDDEN}, POOLER, false},

	/* ElectraForPreTraining */
	{"discriminator_predictions.dense.bias", {DIM_HIDDEN}, OPTIONAL, false},
	{"discriminator_predictions.dense.weight", {DIM_HIDDEN, DIM_HIDDEN}, OPTIONAL, false},
	{"discriminator_predictions.dense_prediction.bias", {DIM_1}, OPTIONAL, false},
	{"discriminator_predictions.dense_prediction.weight", {DIM_1, DIM_HIDDEN}, OPTIONAL, false},

	/* ElectraForMaskedLM */
	{"generator_lm_head.bias", {DIM_VOCABULARY}, OPTIONAL, false},
	{"generator_lm_head.weight", {DIM_VOCABULARY, DIM_EMBEDDING}, OPTIONAL, false},
	{"generator_predictions.LayerNorm.bias", {DIM_EMBEDDING}, OPTIONAL, false},
	{"generator_predictions.LayerNorm.weight", {DIM_EMBEDDING}, OPTIONAL, false},
	{"generator_predictions.dense.bias", {DIM_EMBEDDING}, OPTIONAL, false},
	{"generator_predictions.dense.weight", {DIM_EMBEDDING, DIM_HIDDEN}, OPTIONAL, false},

	/* classification of texts and tokens, question answering */
	{"classifier.bias", {DIM_ANY}, OPTIONAL, false},
	{"classifier.weight", {DIM_ANY, DIM_HIDDEN}, OPTIONAL, false},
	{"classifier.dense.bias", {DIM_HIDDEN}, OPTIONAL, false},
	{"classifier.dense.weight", {DIM_HIDDEN, DIM_HIDDEN}, OPTIONAL, false},
	{"classifier.out_proj.bias", {DIM_ANY}, OPTIONAL, false},
	{"classifier.out_proj.weight", {DIM_ANY, DIM_HIDDEN}, OPTIONAL, false},
	{"qa_outputs.bias", {DIM_2}, OPTIONAL, false},
	{"qa_outputs.weight", {DIM_2, DIM_HIDDEN}, OPTIONAL, false},

	/* BertForPreTraining */
	{"cls.predictions.bias", {DIM_VOCABULARY}, OPTIONAL, false},
	{"cls.predictions.decoder.bias", {DIM_VOCABULARY}, OPTIONAL, false},
	{"cls.predictions.decoder.weight", {DIM_VOCABULARY, DIM_HIDDEN}, OPTIONAL, false},
	{"cls.predictions.transform.LayerNorm.bias", {DIM_HIDDEN}, OPTIONAL, false},
	{"cls.predictions.transform.LayerNorm.weight", {DIM_HIDDEN}, OPTIONAL, false},
	{"cls.predictions.transform.dense.bias", {DIM_HIDDEN}, OPTIONAL, false},
	{"cls.predictions.transform.dense.weight", {DIM_HIDDEN, DIM_HIDDEN}, OPTIONAL, false},
	{"cls.seq_relationship.bias", {DIM_2}, OPTIONAL, false},
	{"cls.seq_relationship.weight", {DIM_2, DIM_HIDDEN}, OPTIONAL, false},
};

/* Behind "encoder.layer.N."; all required. */
static const tensor_pattern layer_patterns[] = {
	{"attention.output.LayerNorm.bias", {DIM_HIDDEN}, REQUIRED, false},
	{"attention.output.LayerNorm.weight", {DIM_HIDDEN}, REQUIRED, false},
	{"attention.output.dense.bias", {DIM_HIDDEN}, REQUIRED, false},
	{"attention.output.dense.weight", {DIM_HIDDEN, DIM_HIDDEN}, REQUIRED, false},
	{"attention.self.key.bias", {DIM_HIDDEN}, REQUIRED, false},
	{"attention.self.key.weight", {DIM_HIDDEN, DIM_HIDDEN}, REQUIRED, true},
	{"attention.self.query.bias", {DIM_HIDDEN}, REQUIRED, false},
	{"attention.self.query.weight", {DIM_HIDDEN, DIM_HIDDEN}, REQUIRED, true},
	{"attention.self.value.bias", {DIM_HIDDEN}, REQUIRED, false},
	{"attention.self.value.weight", {DIM_HIDDEN, DIM_HIDDEN}, REQUIRED, true},
	{"intermediate.dense.bias", {DIM_INTERMEDIATE}, REQUIRED, false},
	{"intermediate.dense.weight", {DIM_INTERMEDIATE, DIM_HIDDEN}, REQUIRED, true},
	{"output.LayerNorm.bias", {DIM_HIDDEN}, REQUIRED, false},
	{"output.LayerNorm.weight", {DIM_HIDDEN}, REQUIRED, false},
	{"output.dense.bias", {DIM_HIDDEN}, REQUIRED, false},
	{"output.dense.weight", {DIM_HIDDEN, DIM_INTERMEDIATE}, REQUIRED, true},
};

#define NUM_PATTERNS ((int) (sizeof(patterns) / sizeof(patterns[0])))
#define NUM_LAYER_PATTERNS ((int) (sizeof(layer_patterns) / sizeof(layer_patterns[0])))

static const char layer_prefix[] = "encoder.layer.";
static const char module_prefix[] = "modules.";

static int64_t
dimension_size(const electra_config *config, dimension dimension)
{
	switch (dimension)
	{
		case DIM_NONE:
			return 0;
		case DIM_1:
			return 1;
		case DIM_2:
			return 2;
		case DIM_ANY:
		case DIM_BYTES:
			return -1;
		case DIM_TOKENS:
			return config->tokenizer.pipeline == ELECTRA_TOKENIZER_NONE ? 0 : -1;
		case DIM_VOCABULARY:
			return config->vocab_size;
		case DIM_POSITIONS:
			return config->max_sequence_length;
		case DIM_SEGMENTS:
			return config->num_segments;
		case DIM_EMBEDDING:
			return config->embedding_dim;
		case DIM_HIDDEN:
			return config->hidden_dim;
		case DIM_INTERMEDIATE:
			return config->intermediate_dim;
	}
	return 0;
}

/* Whether a pattern's tensors must be there. */
static bool
pattern_required(const electra_config *config, const tensor_pattern *pattern)
{
	return pattern->presence == REQUIRED ||
		(pattern->presence == PROJECTION && config->embedding_dim != config->hidden_dim) ||
		(pattern->presence == POOLER && config->has_pooler);
}

/* Whether they may be there though nothing requires them. */
static bool
pattern_optional(const electra_config *config, const tensor_pattern *pattern)
{
	return pattern->presence == OPTIONAL ||
		(pattern->presence == ADDED && config->tokenizer.pipeline != ELECTRA_TOKENIZER_NONE);
}

/*
 * Whether an int8 preset quantizes them: matrices and tables, but for what is
 * small and where errors are not averaged: the labels of a head, and the types
 * of tokens, of which one row is part of every sum.
 */
static bool
pattern_quantized(const tensor_pattern *pattern)
{
	dimension	rows = pattern->shape[0];

	return pattern->shape[1] != DIM_NONE && rows != DIM_1 && rows != DIM_2 && rows != DIM_ANY &&
		rows != DIM_SEGMENTS;
}

static void
fill_spec(const electra_config *config, const tensor_pattern *pattern, electra_tensor_spec *spec)
{
	spec->rank = 0;
	while (spec->rank < ELECTRA_MAX_RANK && pattern->shape[spec->rank] != DIM_NONE)
	{
		spec->shape[spec->rank] = dimension_size(config, pattern->shape[spec->rank]);
		spec->rank++;
	}
	spec->required = pattern_required(config, pattern);
	spec->text = pattern->shape[0] == DIM_TOKENS || pattern->shape[0] == DIM_BYTES;
	spec->quantized = pattern_quantized(pattern);
	if (pattern->exact)
		spec->num_exact = spec->shape[1] < ELECTRA_EXACT_CHANNELS ? (int) spec->shape[1] :
			ELECTRA_EXACT_CHANNELS;
}

static void
layer_spec(const electra_config *config, int layer, const tensor_pattern *pattern,
		   electra_tensor_spec *spec)
{
	snprintf(spec->name, sizeof(spec->name), "%s%d.%s", layer_prefix, layer, pattern->name);
	fill_spec(config, pattern, spec);
}

/* Weight or bias of a Dense module; false where it has none. */
static bool
module_spec(const electra_config *config, int index, bool bias, electra_tensor_spec *spec)
{
	const electra_module *module = &config->modules[index];

	if (module->kind != ELECTRA_MODULE_DENSE || (bias && !module->has_bias))
		return false;
	snprintf(spec->name, sizeof(spec->name), "%s%d.linear.%s", module_prefix, index,
			 bias ? "bias" : "weight");
	spec->rank = bias ? 1 : 2;
	spec->shape[0] = module->out_dim;
	spec->shape[1] = bias ? 0 : module->in_dim;
	spec->required = true;
	/* Never in int8: it runs once a text, on means, of which a few components may outgrow all others. */
	spec->quantized = false;
	return true;
}

/*
 * Reads the number behind a prefix and the dot behind the number; NULL unless
 * it is a canonical decimal below count.  Returns what follows.
 */
static const char *
parse_index(const char *name, const char *prefix, int count, int *index)
{
	const char *digits = name + strlen(prefix);
	size_t		length;

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return NULL;
	length = strspn(digits, "0123456789");
	if (length == 0 || length > 6 || (digits[0] == '0' && length > 1) || digits[length] != '.')
		return NULL;
	*index = 0;
	for (size_t i = 0; i < length; i++)
		*index = *index * 10 + (digits[i] - '0');
	return *index < count ? digits + length + 1 : NULL;
}

/* A tensor that is no scale. */
static bool
find_spec(const electra_config *config, const char *name, electra_tensor_spec *spec)
{
	const char *rest;
	int			index;

	for (int i = 0; i < NUM_PATTERNS; i++)
	{
		if (strcmp(name, patterns[i].name) == 0)
		{
			snprintf(spec->name, sizeof(spec->name), "%s", name);
			fill_spec(config, &patterns[i], spec);
			return spec->required || pattern_optional(config, &patterns[i]);
		}
	}
	rest = parse_index(name, layer_prefix, config->num_layers, &index);
	for (int i = 0; rest != NULL && i < NUM_LAYER_PATTERNS; i++)
	{
		if (strcmp(rest, layer_patterns[i].name) == 0)
		{
			layer_spec(config, index, &layer_patterns[i], spec);
			return true;
		}
	}
	rest = parse_index(name, module_prefix, config->num_modules, &index);
	if (rest != NULL && strcmp(rest, "linear.weight") == 0)
		return module_spec(config, index, false, spec);
	if (rest != NULL && strcmp(rest, "linear.bias") == 0)
		return module_spec(config, index, true, spec);
	return false;
}

const char *
electra_tensor_spec_companion(const electra_tensor_spec *spec, int index)
{
	int			count = !spec->quantized ? 0 : spec->num_exact > 0 ? NUM_COMPANIONS : 1;

	return index < count ? companions[index] : NULL;
}

size_t
electra_tensor_companion_base(const char *name)
{
	size_t		length = strlen(name);

	for (int i = 0; i < NUM_COMPANIONS; i++)
	{
		size_t		suffix = strlen(companions[i]);

		if (length > suffix && strcmp(name + length - suffix, companions[i]) == 0)
			return length - suffix;
	}
	return 0;
}

/* What belongs to a quantized tensor, whose name has base_length bytes. */
static bool
find_companion(const electra_config *config, const char *name, size_t base_length,
			   electra_tensor_spec *spec)
{
	const char *suffix = name + base_length;
	char		base[sizeof(spec->name)];
	electra_tensor_spec owner = {.rank = 0};
	bool		known = false;

	snprintf(base, sizeof(base), "%.*s", (int) base_length, name);
	if (!find_spec(config, base, &owner))
		return false;
	for (int i = 0; electra_tensor_spec_companion(&owner, i) != NULL; i++)
		known = known || strcmp(suffix, electra_tensor_spec_companion(&owner, i)) == 0;
	if (!known)
		return false;
	snprintf(spec->name, sizeof(spec->name), "%s", name);
	spec->rank = 2;
	spec->shape[0] = owner.shape[0];
	if (strcmp(suffix, ELECTRA_SCALE_SUFFIX) == 0)
		spec->shape[1] = (owner.shape[1] + ELECTRA_INT8_GROUP - 1) / ELECTRA_INT8_GROUP;
	else if (strcmp(suffix, ELECTRA_EXACT_SUFFIX) == 0)
		spec->shape[1] = owner.num_exact;
	else
	{
		spec->rank = 1;
		spec->shape[0] = owner.num_exact;
	}
	return true;
}

bool
electra_tensor_spec_find(const electra_config *config, const char *name, electra_tensor_spec *spec)
{
	size_t		base = config->dtype == ELECTRA_I8 ? electra_tensor_companion_base(name) : 0;

	memset(spec, 0, sizeof(*spec));
	if (strlen(name) >= sizeof(spec->name))
		return false;
	return base > 0 ? find_companion(config, name, base, spec) : find_spec(config, name, spec);
}

bool
electra_tensor_spec_required(const electra_config *config, int index, electra_tensor_spec *spec)
{
	int			layer_tensors = config->num_layers * NUM_LAYER_PATTERNS;

	memset(spec, 0, sizeof(*spec));
	for (int i = 0; i < NUM_PATTERNS; i++)
	{
		if (pattern_required(config, &patterns[i]) && index-- == 0)
		{
			snprintf(spec->name, sizeof(spec->name), "%s", patterns[i].name);
			fill_spec(config, &patterns[i], spec);
			return true;
		}
	}
	if (index < layer_tensors)
	{
		layer_spec(config, index / NUM_LAYER_PATTERNS, &layer_patterns[index % NUM_LAYER_PATTERNS], spec);
		return true;
	}
	index -= layer_tensors;
	for (int i = 0; i < config->num_modules; i++)
	{
		if (module_spec(config, i, false, spec) && index-- == 0)
			return true;
		if (module_spec(config, i, true, spec) && index-- == 0)
			return true;
	}
	return false;
}

/*
 * What becomes of an archive's tensors in its image, and where they lie there.
 */
#include "image_layout.h"

#include "vocabulary.h"
#include "weight_files.h"

#include <string.h>

/* The parts of a linear layer. */
static electra_section
linear_section(electra_image_linear *linear, const char *part)
{
	electra_section section = {ELECTRA_SECTION_BIAS, &linear->bias, NULL, linear};

	if (strcmp(part, "weight") == 0)
		section = (electra_section) {ELECTRA_SECTION_PANELS, &linear->panels, &linear->dtype, linear};
	else if (strcmp(part, "weight" ELECTRA_SCALE_SUFFIX) == 0)
		section = (electra_section) {ELECTRA_SECTION_SCALES, NULL, NULL, linear};
	else if (strcmp(part, "weight" ELECTRA_CHANNELS_SUFFIX) == 0)
		section = (electra_section) {ELECTRA_SECTION_CHANNELS, NULL, NULL, linear};
	else if (strcmp(part, "weight" ELECTRA_EXACT_SUFFIX) == 0)
		section = (electra_section) {ELECTRA_SECTION_EXACT, &linear->exact, NULL, linear};
	else if (linear->shift > 0)
		section = (electra_section) {ELECTRA_SECTION_LATE_BIAS, NULL, NULL, linear};
	return section;
}

static electra_section
table_section(electra_image_table *table, const char *part)
{
	if (strcmp(part, "weight") == 0)
		return (electra_section) {ELECTRA_SECTION_TABLE, &table->rows, &table->dtype, NULL};
	return (electra_section) {ELECTRA_SECTION_TABLE_SCALES, &table->scales, NULL, NULL};
}

static electra_section
norm_section(electra_image_layer_norm *norm, const char *part)
{
	if (strcmp(part, "weight") == 0)
		return (electra_section) {ELECTRA_SECTION_FLOATS, &norm->weight, NULL, NULL};
	return (electra_section) {ELECTRA_SECTION_FLOATS, &norm->bias, NULL, NULL};
}

/* If name begins with prefix, sets *rest to what follows. */
static bool
after_prefix(const char *name, const char *prefix, const char **rest)
{
	size_t		length = strlen(prefix);

	if (strncmp(name, prefix, length) != 0)
		return false;
	*rest = name + length;
	return true;
}

/* A tensor behind "encoder.layer.N." */
static electra_section
layer_section(electra_image_layer *layer, const char *name)
{
	const char *part;

	if (after_prefix(name, "attention.self.query.", &part))
		return linear_section(&layer->query, part);
	if (after_prefix(name, "attention.self.key.", &part))
		return linear_section(&layer->key, part);
	if (after_prefix(name, "attention.self.value.", &part))
		return linear_section(&layer->value, part);
	if (after_prefix(name, "attention.output.dense.", &part))
		return linear_section(&layer->attention_output, part);
	if (after_prefix(name, "attention.output.LayerNorm.", &part))
		return norm_section(&layer->attention_norm, part);
	if (after_prefix(name, "intermediate.dense.", &part))
		return linear_section(&layer->intermediate, part);
	if (after_prefix(name, "output.dense.", &part))
		return linear_section(&layer->output, part);
	if (after_prefix(name, "output.LayerNorm.", &part))
		return norm_section(&layer->output_norm, part);
	return (electra_section) {ELECTRA_SECTION_NONE, NULL, NULL, NULL};
}

/* The number that a name goes on with, and what follows its dot; the reader has checked the form. */
static int
leading_number(const char *digits, const char **rest)
{
	int			number = 0;

	for (; *digits != '.'; digits++)
		number = number * 10 + (*digits - '0');
	*rest = digits + 1;
	return number;
}

electra_section
electra_section_find(electra_image_header *header, electra_image_layer *layers, const char *name)
{
	const char *part;

	if (after_prefix(name, "encoder.layer.", &part))
	{
		int			layer = leading_number(part, &part);

		return layer_section(&layers[layer], part);
	}
	if (after_prefix(name, "modules.", &part))
	{
		int			module = leading_number(part, &part);

		return linear_section(&header->modules[module], part + strlen("linear."));
	}
	if (after_prefix(name, "embeddings_project.", &part))
		return linear_section(&header->projection, part);
	if (after_prefix(name, "pooler.dense.", &part))
		return linear_section(&header->pooler, part);
	if (after_prefix(name, "embeddings.LayerNorm.", &part))
		return norm_section(&header->embedding_norm, part);
	if (after_prefix(name, "embeddings.word_embeddings.", &part))
		return table_section(&header->word_embeddings, part);
	if (after_prefix(name, "embeddings.position_embeddings.", &part))
		return table_section(&header->position_embeddings, part);
	if (after_prefix(name, "embeddings.token_type_embeddings.", &part))
		return table_section(&header->segment_embeddings, part);
	if (strcmp(name, "tokenizer.vocabulary") == 0)
		return (electra_section) {ELECTRA_SECTION_VOCABULARY, NULL, NULL, NULL};
	if (strcmp(name, "tokenizer.added_tokens") == 0)
		return (electra_section) {ELECTRA_SECTION_ADDED_TOKENS, NULL, NULL, NULL};
	if (strcmp(name, ELECTRA_WEIGHT_FILES) == 0)
		return (electra_section) {ELECTRA_SECTION_WEIGHT_FILES, NULL, NULL, NULL};
	return (electra_section) {ELECTRA_SECTION_NONE, NULL, NULL, NULL};
}

/* Bytes of a packed matrix (N, K). */
static uint64_t
packed_size(const electra_tensor *tensor)
{
	uint64_t	panels = electra_padded_columns(tensor->shape[0]) / ELECTRA_PANEL_COLUMNS;

	return panels * electra_panel_size(tensor->dtype, tensor->shape[1]);
}

/* Bytes of a tensor's section in the image. */
static uint64_t
section_size(electra_section_kind kind, const electra_tensor *tensor)
{
	switch (kind)
	{
		case ELECTRA_SECTION_FLOATS:
			return (uint64_t) tensor->shape[0] * sizeof(float);
		case ELECTRA_SECTION_BIAS:
			return electra_padded_columns(tensor->shape[0]) * sizeof(float);
		case ELECTRA_SECTION_TABLE:
		case ELECTRA_SECTION_TABLE_SCALES:
			return tensor->end - tensor->begin;
		case ELECTRA_SECTION_PANELS:
			return packed_size(tensor);
		case ELECTRA_SECTION_EXACT:
			return electra_padded_columns(tensor->shape[0]) * (uint64_t) tensor->shape[1] * sizeof(float);
		case ELECTRA_SECTION_NONE:
		case ELECTRA_SECTION_SCALES:
		case ELECTRA_SECTION_LATE_BIAS:
		case ELECTRA_SECTION_CHANNELS:
		case ELECTRA_SECTION_VOCABULARY:
		case ELECTRA_SECTION_ADDED_TOKENS:
		case ELECTRA_SECTION_WEIGHT_FILES:
			break;
	}
	return 0;
}

static void
set_linear(electra_image_linear *linear, int32_t in_dim, int32_t out_dim)
{
	linear->in_dim = in_dim;
	linear->out_dim = out_dim;
}

static void
set_table(electra_image_table *table, int32_t num_rows, int32_t dim)
{
	table->num_rows = num_rows;
	table->dim = dim;
}

/*
 * What makes every value of an activation positive, a little more than its
 * minimum is below 0; 0 where it is not worth it, or impossible.
 */
static float
activation_shift(electra_activation activation)
{
	switch (activation)
	{
		case ELECTRA_GELU:
		case ELECTRA_GELU_TANH:
		case ELECTRA_GELU_FAST:
		case ELECTRA_GELU_10:
		case ELECTRA_QUICK_GELU:
			return 0.1701f;		/* -0.16998, -0.17004, -0.16355 */
		case ELECTRA_SILU:
			return 0.2785f;		/* -0.27846 */
		case ELECTRA_MISH:
			return 0.309f;		/* -0.30884 */
		case ELECTRA_RELU:
		case ELECTRA_TANH:
		case ELECTRA_SIGMOID:
		case ELECTRA_IDENTITY:
			break;
	}
	return 0;
}

/* The dimensions of everything that the configuration says is there. */
static void
set_dimensions(const electra_config *config, electra_image_header *header, electra_image_layer *layers)
{
	int32_t		E = config->embedding_dim;
	int32_t		H = config->hidden_dim;
	int32_t		F = config->intermediate_dim;

	set_table(&header->word_embeddings, config->vocab_size, E);
	set_table(&header->position_embeddings, config->max_sequence_length, E);
	set_table(&header->segment_embeddings, config->num_segments, E);
	if (E != H)
		set_linear(&header->projection, E, H);
	if (config->has_pooler)
		set_linear(&header->pooler, H, H);
	for (int i = 0; i < config->num_layers; i++)
	{
		set_linear(&layers[i].query, H, H);
		set_linear(&layers[i].key, H, H);
		set_linear(&layers[i].value, H, H);
		set_linear(&layers[i].attention_output, H, H);
		set_linear(&layers[i].intermediate, H, F);
		set_linear(&layers[i].output, F, H);
		if (config->dtype == ELECTRA_I8)
			layers[i].output.shift = activation_shift(config->activation);
	}
	for (int i = 0; i < config->num_modules; i++)
	{
		if (config->modules[i].kind == ELECTRA_MODULE_DENSE)
			set_linear(&header->modules[i], config->modules[i].in_dim, config->modules[i].out_dim);
	}
}

void
electra_image_lay_out(const electra_archive *archive, electra_image_header *header,
					  electra_image_layer *layers)
{
	uint64_t	end = sizeof(*header);

	set_dimensions(&archive->config, header, layers);
	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];
		electra_section section = electra_section_find(header, layers, tensor->name);

		if (section.dtype != NULL)
			*section.dtype = (int32_t) tensor->dtype;
		if (section.offset != NULL)
		{
			*section.offset = electra_image_align(end);
			end = *section.offset + section_size(section.kind, tensor);
		}
		if (section.kind == ELECTRA_SECTION_PANELS && section.linear->shift > 0)
		{
			section.linear->bias = electra_image_align(end);
			end = section.linear->bias + electra_padded_columns(tensor->shape[0]) * sizeof(float);
		}
	}
	header->layers = electra_image_align(end);
}

uint64_t
electra_image_max_size(const electra_archive *archive)
{
	const electra_tensor *vocabulary = electra_archive_tensor(archive, "tokenizer.vocabulary");
	const electra_tensor *added = electra_archive_tensor(archive, "tokenizer.added_tokens");
	uint64_t	size = electra_image_align(sizeof(electra_image_header)) +
		(uint64_t) archive->config.num_layers * sizeof(electra_image_layer);

	/* as if every tensor were used */
	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];

		size = electra_image_align(size) +
			(tensor->rank == 2 ? packed_size(tensor) : section_size(ELECTRA_SECTION_BIAS, tensor));
	}
	return electra_image_align(size) +
		electra_vocabulary_max_size(vocabulary->end - vocabulary->begin,
									added != NULL ? added->end - added->begin : 0,
									archive->config.vocab_size);
}

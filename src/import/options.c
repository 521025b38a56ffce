/*
 * The load options applied to a configuration and to the tensors.
 */
#include "import/preset_source.h"

#include <string.h>

static const electra_module *
last_module(const electra_config *config)
{
	return &config->modules[config->num_modules - 1];
}

/* Other pooling modes: the vector's width may change, and a Dense module behind must take it. */
static electra_status
apply_pooling(int32_t modes, electra_config *config, electra_error *error)
{
	electra_module *pooling = &config->modules[0];
	int32_t		width = 0;

	if (modes == 0)
		return ELECTRA_OK;
	for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
		width += (modes >> i & 1) * config->hidden_dim;
	config->pooling_modes = modes;
	pooling->out_dim = width;
	for (int i = 1; i < config->num_modules; i++)
	{
		electra_module *module = &config->modules[i];

		if (module->kind == ELECTRA_MODULE_NORMALIZE)
		{
			module->in_dim = module->out_dim = width;
			continue;
		}
		if (module->in_dim != width)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "pooling does not fit the preset's Dense module %d", i);
			electra_fail_detail(error, "The pooling gives %d components, the module takes %d.",
								(int) width, (int) module->in_dim);
			electra_fail_hint(error, "Choose as many pooling modes as the preset has, or leave the option out.");
			return ELECTRA_INVALID_ARGUMENT;
		}
		return ELECTRA_OK;		/* behind it nothing changes */
	}
	return ELECTRA_OK;
}

/*
 * The final normalization, behind the cut.  A source that ends in a Normalize
 * module is normalized already, unless the vector is cut behind it.
 */
static void
apply_normalize(int normalize, electra_config *config)
{
	bool		has_module = last_module(config)->kind == ELECTRA_MODULE_NORMALIZE;
	bool		cut = config->dimensions > 0;

	if (normalize == 0)
	{
		while (last_module(config)->kind == ELECTRA_MODULE_NORMALIZE)
		{
			config->num_modules--;
			memset(&config->modules[config->num_modules], 0, sizeof(config->modules[0]));
		}
		config->normalize = false;
	}
	else if (has_module ? cut : normalize == 1)
		config->normalize = true;
}

static electra_status
apply_dimensions(int32_t dimensions, electra_config *config, electra_error *error)
{
	int32_t		width = last_module(config)->out_dim;

	if (dimensions == 0)
		return ELECTRA_OK;
	if (dimensions < 0 || dimensions > width)
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "invalid number of dimensions: %d", (int) dimensions);
		electra_fail_detail(error, "The preset's vectors have %d components.", (int) width);
		electra_fail_hint(error, "Choose a number between 1 and %d.", (int) width);
		return ELECTRA_INVALID_ARGUMENT;
	}
	config->dimensions = dimensions < width ? dimensions : 0;
	return ELECTRA_OK;
}

static electra_status
apply_max_length(int32_t max_length, electra_config *config, electra_error *error)
{
	if (max_length == 0)
		return ELECTRA_OK;
	if (max_length < 2 || max_length > config->max_sequence_length)
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "invalid maximum length: %d", (int) max_length);
		electra_fail_detail(error, "The preset has %d positions, and every text has at least two tokens.",
							(int) config->max_sequence_length);
		electra_fail_hint(error, "Choose a number between 2 and %d.", (int) config->max_sequence_length);
		return ELECTRA_INVALID_ARGUMENT;
	}
	config->max_length = max_length;
	return ELECTRA_OK;
}

/* NULL keeps the source's prompt, "" removes it. */
static electra_status
apply_prompt(const char *name, const char *prompt, bool *present, char *field /* (ELECTRA_MAX_PROMPT + 1) */ ,
			 electra_error *error)
{
	size_t		size;

	if (prompt == NULL)
		return ELECTRA_OK;
	size = strlen(prompt);
	if (size > ELECTRA_MAX_PROMPT)
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "%s is too long", name);
		electra_fail_detail(error, "It has %zu bytes, at most %d are allowed.", size, ELECTRA_MAX_PROMPT);
		return ELECTRA_INVALID_ARGUMENT;
	}
	memset(field, 0, ELECTRA_MAX_PROMPT + 1);
	memcpy(field, prompt, size);
	*present = size > 0;
	return ELECTRA_OK;
}

electra_status
import_options_apply(const import_options *options, electra_config *config, electra_error *error)
{
	electra_status status;

	config->truncation = options->truncation;
	status = apply_pooling(options->pooling_modes, config, error);
	if (status == ELECTRA_OK)
		status = apply_dimensions(options->dimensions, config, error);
	if (status == ELECTRA_OK)
		status = apply_max_length(options->max_length, config, error);
	if (status == ELECTRA_OK)
		status = apply_prompt("query prompt", options->query_prompt, &config->has_query_prompt,
							  config->query_prompt, error);
	if (status == ELECTRA_OK)
		status = apply_prompt("document prompt", options->document_prompt, &config->has_document_prompt,
							  config->document_prompt, error);
	if (status != ELECTRA_OK)
		return status;
	apply_normalize(options->normalize, config);
	return electra_config_check(config, error);
}

/* Matrices and embedding tables; biases and LayerNorm's vectors are small and stay exact. */
static bool
is_matrix(const source_tensor *tensor)
{
	return tensor->spec.rank == 2;
}

/* How a tensor is stored in a preset of a dtype. */
static electra_dtype
stored_dtype(const source_tensor *tensor, electra_dtype dtype)
{
	bool		in_dtype = dtype == ELECTRA_I8 ? tensor->spec.quantized : is_matrix(tensor);

	return in_dtype ? dtype : ELECTRA_F32;
}

/* "source": lossless or not at all. */
static electra_status
keep_dtype(source_tensor *tensor, electra_error *error)
{
	if (electra_dtype_is_weight(tensor->source_dtype))
	{
		tensor->stored_dtype = tensor->source_dtype;
		return ELECTRA_OK;
	}
	electra_fail(error, ELECTRA_UNSUPPORTED, "tensor \"%s\" cannot be kept as the source holds it",
				 tensor->spec.name);
	electra_fail_detail(error, "Its dtype is %s; F32, F16 and BF16 can be stored.",
						electra_dtype_name(tensor->source_dtype));
	electra_fail_hint(error, "Choose dtype float32, which rounds it to the nearest float.");
	return ELECTRA_UNSUPPORTED;
}

/* The dtype that all matrices have, F32 where they differ. */
static electra_dtype
common_dtype(const preset_source *source)
{
	const source_tensor *first = NULL;

	for (int i = 0; i < source->num_tensors; i++)
	{
		const source_tensor *tensor = &source->tensors[i];

		if (!is_matrix(tensor))
			continue;
		if (first == NULL)
			first = tensor;
		else if (tensor->stored_dtype != first->stored_dtype)
			return ELECTRA_F32;
	}
	return first != NULL ? first->stored_dtype : ELECTRA_F32;
}

electra_status
import_options_store(const import_options *options, preset_source *source, electra_error *error)
{
	for (int i = 0; i < source->num_tensors; i++)
	{
		source_tensor *tensor = &source->tensors[i];

		if (!options->keep_dtype)
			tensor->stored_dtype = stored_dtype(tensor, options->dtype);
		else if (keep_dtype(tensor, error) != ELECTRA_OK)
			return error->status;
	}
	source->config.dtype = options->keep_dtype ? common_dtype(source) : options->dtype;
	return ELECTRA_OK;
}

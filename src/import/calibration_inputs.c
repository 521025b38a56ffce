/*
 * Inputs of linear layers in shared memory, which takes nothing from the limit
 * of private memory.
 */
#include "import/calibration_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Which input a matrix of a layer is applied to. */
static const struct
{
	const char *name;
	electra_layer_input kind;
}			matrices[] = {
	{"attention.self.query.weight", ELECTRA_INPUT_ATTENTION},
	{"attention.self.key.weight", ELECTRA_INPUT_ATTENTION},
	{"attention.self.value.weight", ELECTRA_INPUT_ATTENTION},
	{"attention.output.dense.weight", ELECTRA_INPUT_CONTEXT},
	{"intermediate.dense.weight", ELECTRA_INPUT_FEED_FORWARD},
	{"output.dense.weight", ELECTRA_INPUT_INTERMEDIATE},
};

#define NUM_MATRICES (sizeof(matrices) / sizeof(matrices[0]))

/* Shared memory, zeroed; NULL if there is none. */
static void *
map(size_t size)
{
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static electra_status
out_of_memory(size_t size, electra_error *error)
{
	electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	electra_fail_detail(error, "Failed to get %zu bytes for the calibration of int8.", size);
	return ELECTRA_OUT_OF_MEMORY;
}

electra_status
calibration_inputs_open(calibration_inputs *all, const electra_config *config, int64_t tokens,
						electra_error *error)
{
	const size_t channels = (size_t) config->num_layers *
		(3 * (size_t) config->hidden_dim + (size_t) config->intermediate_dim);
	float	   *values;

	memset(all, 0, sizeof(*all));
	if (config->num_layers == 0)
		return ELECTRA_OK;
	all->count = config->num_layers * ELECTRA_NUM_LAYER_INPUTS;
	all->size = channels * (size_t) tokens * sizeof(float);
	all->inputs = calloc((size_t) all->count, sizeof(*all->inputs));
	all->seen = calloc((size_t) all->count, sizeof(*all->seen));
	all->memory = map(all->size);
	if (all->inputs == NULL || all->seen == NULL || all->memory == NULL)
		return out_of_memory(all->size, error);
	values = all->memory;
	for (int i = 0; i < all->count; i++)
	{
		bool		wide = i % ELECTRA_NUM_LAYER_INPUTS == ELECTRA_INPUT_INTERMEDIATE;
		layer_inputs *inputs = &all->inputs[i];

		inputs->dim = wide ? config->intermediate_dim : config->hidden_dim;
		inputs->tokens = tokens;
		inputs->values = values;
		values += inputs->dim * tokens;
	}
	return ELECTRA_OK;
}

void
calibration_inputs_see(void *context, int layer, electra_layer_input kind, const float *x, size_t stride,
					   size_t rows)
{
	const calibration_inputs *all = context;
	const int	index = layer * ELECTRA_NUM_LAYER_INPUTS + (int) kind;
	const layer_inputs *inputs = &all->inputs[index];
	float	   *values = inputs->values + all->seen[index];

	for (int64_t k = 0; k < inputs->dim; k++)
	{
		for (size_t row = 0; row < rows; row++)
			values[k * inputs->tokens + (int64_t) row] = x[row * stride + (size_t) k];
	}
	all->seen[index] += (int64_t) rows;
}

/* What a tensor is applied to; NULL unless it is a layer's matrix. */
static const layer_inputs *
find_inputs(const calibration_inputs *all, const source_tensor *tensor)
{
	int			layer;
	int			length = 0;

	if (sscanf(tensor->spec.name, "encoder.layer.%d.%n", &layer, &length) != 1 || length == 0)
		return NULL;
	for (size_t i = 0; i < NUM_MATRICES; i++)
	{
		if (strcmp(tensor->spec.name + length, matrices[i].name) == 0)
			return &all->inputs[layer * ELECTRA_NUM_LAYER_INPUTS + (int) matrices[i].kind];
	}
	return NULL;
}

static size_t
num_elements(const source_tensor *tensor)
{
	return (size_t) tensor->spec.shape[0] * (size_t) tensor->spec.shape[1];
}

electra_status
calibration_inputs_round(const calibration_inputs *all, preset_source *source, electra_error *error)
{
	electra_status status = ELECTRA_OK;
	int8_t	   *rounded;

	if (all->count == 0)
		return ELECTRA_OK;
	for (int i = 0; i < source->num_tensors; i++)
	{
		if (find_inputs(all, &source->tensors[i]) != NULL)
			source->rounded_size += num_elements(&source->tensors[i]);
	}
	source->rounded = map(source->rounded_size);
	if (source->rounded == NULL)
		return out_of_memory(source->rounded_size, error);
	rounded = source->rounded;
	for (int i = 0; i < source->num_tensors && status == ELECTRA_OK; i++)
	{
		source_tensor *tensor = &source->tensors[i];
		const layer_inputs *inputs = find_inputs(all, tensor);

		if (inputs == NULL)
			continue;
		choose_exact_channels(inputs, tensor);
		status = round_weights(inputs, tensor, rounded, error);
		tensor->rounded = rounded;
		rounded += num_elements(tensor);
	}
	return status;
}

void
calibration_inputs_close(calibration_inputs *all)
{
	if (all->memory != NULL)
		munmap(all->memory, all->size);
	free(all->inputs);
	free(all->seen);
	memset(all, 0, sizeof(*all));
}

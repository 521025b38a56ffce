/*
 * The linear layers of an image: which product computes them.
 */
#include "linear.h"

/* Groups of a vector that are quantized at a time. */
#define VECTOR_GROUPS 16

static const float *
linear_bias(const electra_model *model, const electra_image_linear *layer)
{
	return layer->bias == 0 ? NULL : electra_model_floats(model, layer->bias);
}

static const void *
linear_panels(const electra_model *model, const electra_image_linear *layer)
{
	return (const char *) model->header + layer->panels;
}

void
electra_linear_quantize(const electra_image_linear *layer, const electra_int8_rows *quantized,
						size_t row, size_t first, float *x, size_t count)
{
	electra_int8_rows columns = electra_int8_rows_from(quantized, 0, first);
	float	   *exact = quantized->exact + row * ELECTRA_EXACT_CHANNELS;

	for (int e = 0; e < layer->num_exact; e++)
	{
		size_t		k = (size_t) layer->exact_channels[e] - first;

		/* what is before first has wrapped around */
		if (k < count)
		{
			exact[e] = x[k];
			x[k] = -layer->shift;
		}
	}
	electra_int8_quantize(&columns, row, x, count, layer->shift);
	for (int e = 0; e < layer->num_exact; e++)
	{
		size_t		k = (size_t) layer->exact_channels[e] - first;

		if (k < count)
			x[k] = exact[e];
	}
}

bool
electra_linear(const electra_model *model, const electra_linear_call *call, electra_pacer *pacer)
{
	const electra_image_linear *layer = call->layer;
	const float *bias = linear_bias(model, layer);
	const electra_int8_group *panels = linear_panels(model, layer);
	electra_gemm_int8_call quantized = {
		.x = call->input.quantized,
		.rows = call->rows,
		.panels = panels + call->first_column / ELECTRA_PANEL_COLUMNS * electra_int8_groups(layer->in_dim),
		.bias = bias == NULL ? NULL : bias + call->first_column,
		.exact = electra_model_floats(model, layer->exact) + call->first_column * (size_t) layer->num_exact,
		.num_exact = (size_t) layer->num_exact,
		.in_dim = (size_t) layer->in_dim,
		.out_dim = call->columns,
		.activate = call->activation != ELECTRA_IDENTITY,
		.activation = call->activation,
		.y = call->y,
		.y_stride = call->y_stride
	};
	electra_gemm_call floats = {
		.x = call->input.x,
		.x_stride = call->input.stride,
		.rows = call->rows,
		.panels = panels,
		.dtype = (electra_dtype) layer->dtype,
		.bias = bias,
		.in_dim = (size_t) layer->in_dim,
		.activate = call->activation != ELECTRA_IDENTITY,
		.activation = call->activation,
		.y = call->y,
		.y_stride = call->y_stride
	};

	if (layer->dtype == ELECTRA_I8)
		return electra_gemm_int8(&quantized, pacer);
	electra_gemm_columns(&floats, call->first_column, call->columns);
	return electra_gemm(&floats, pacer);
}

/* y = x W + b of one vector in int8, a few groups after the other. */
static void
dense_int8(const electra_model *model, const electra_image_linear *layer, const float *x, float *y)
{
	const electra_int8_table *kernels = electra_kernels()->int8;
	const electra_int8_group *panels = linear_panels(model, layer);
	const float *bias = linear_bias(model, layer);
	size_t		in_dim = (size_t) layer->in_dim;
	size_t		out_dim = (size_t) layer->out_dim;
	size_t		groups = electra_int8_groups(layer->in_dim);
	char		values[VECTOR_GROUPS * ELECTRA_INT8_GROUP * ELECTRA_MAX_INT8_VALUE];
	float		scales[VECTOR_GROUPS];

	for (size_t first = 0; first < groups; first += VECTOR_GROUPS)
	{
		bool		last = groups - first <= VECTOR_GROUPS;
		size_t		count = last ? in_dim - first * ELECTRA_INT8_GROUP : VECTOR_GROUPS * ELECTRA_INT8_GROUP;
		electra_int8_tile tile = {
			.x = values,
			.x_scales = scales,
			.num_groups = electra_int8_groups((int64_t) count),
			.last_steps = electra_int8_last_steps(count),
			.resume = first > 0
		};

		kernels->quantize(x + first * ELECTRA_INT8_GROUP, count, values, scales);
		for (size_t column = 0; column < out_dim; column += ELECTRA_PANEL_COLUMNS)
		{
			size_t		left = out_dim - column;

			tile.groups = panels + column / ELECTRA_PANEL_COLUMNS * groups + first;
			tile.ahead = (const char *) (tile.groups + groups);
			tile.ahead_step = sizeof(electra_int8_group) /
				(ELECTRA_INT8_GROUP / 4 / ELECTRA_INT8_FETCH_STEPS);
			tile.columns = left < ELECTRA_PANEL_COLUMNS ? (int) left : ELECTRA_PANEL_COLUMNS;
			tile.bias = last && bias != NULL ? bias + column : NULL;
			tile.y = y + column;
			kernels->tiles[0] (&tile);
		}
	}
}

void
electra_dense(const electra_model *model, const electra_image_linear *layer,
			  electra_activation activation, const float *x, float *y)
{
	electra_pacer pacer = {.poll = NULL};
	electra_linear_call call = {
		.layer = layer,
		.columns = (size_t) layer->out_dim,
		.input = {.x = x, .stride = (size_t) layer->in_dim},
		.rows = 1,
		.activation = activation,
		.y = y,
		.y_stride = (size_t) layer->out_dim
	};

	if (layer->dtype != ELECTRA_I8)
	{
		electra_linear(model, &call, &pacer);
		return;
	}
	dense_int8(model, layer, x, y);
	electra_kernels()->activate(activation, y, (size_t) layer->out_dim);
}

/*
 * Rounding with feedback of errors, a group of 64 channels at a time: what the
 * groups before it have left is a product of matrices, and only within a group
 * is one channel done after the other.
 */
#include "import/int8_rounding.h"

#include "core/fpenv.h"
#include "core/gemm.h"
#include "core/image.h"
#include "core/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP ELECTRA_INT8_GROUP
#define GROUP_PANELS (GROUP / ELECTRA_PANEL_COLUMNS)

typedef struct rounding
{
	const layer_inputs *inputs;
	size_t		N;
	size_t		K;
	size_t		T;
	bool	   *exact;			/* (K) */
	float		damping;		/* d */
	float	   *weights;		/* (N, K) */
	float	   *errors;			/* (N, K): w - q scale, 0 for exact channels */
	float	   *panels;			/* (2, max(K, T), 32) */
	float	   *products;		/* (K, 64): x(j) x(k), k of the group */
	float	   *lacking;		/* (N, 64): r x(k) of what came before the group */
} rounding;

static float
largest_magnitude(const float *values, int64_t count)
{
	float		largest = 0;

	for (int64_t i = 0; i < count; i++)
		largest = fabsf(values[i]) > largest ? fabsf(values[i]) : largest;
	return largest;
}

static bool
is_exact(const source_tensor *tensor, int32_t channel)
{
	for (int e = 0; e < tensor->num_exact; e++)
	{
		if (tensor->exact_channels[e] == channel)
			return true;
	}
	return false;
}

void
choose_exact_channels(const layer_inputs *inputs, source_tensor *tensor)
{
	tensor->num_exact = 0;
	while (tensor->num_exact < tensor->spec.num_exact)
	{
		int32_t		best = -1;
		float		best_magnitude = -1;
		int			place;

		for (int32_t k = 0; k < inputs->dim; k++)
		{
			float		magnitude = largest_magnitude(inputs->values + k * inputs->tokens, inputs->tokens);

			if (magnitude > best_magnitude && !is_exact(tensor, k))
			{
				best = k;
				best_magnitude = magnitude;
			}
		}
		for (place = tensor->num_exact; place > 0 && tensor->exact_channels[place - 1] > best; place--)
			tensor->exact_channels[place] = tensor->exact_channels[place - 1];
		tensor->exact_channels[place] = best;
		tensor->num_exact++;
	}
}

/* The mean of x(k)² over the channels that are rounded. */
static float
mean_square(const rounding *rounding)
{
	double		sum = 0;
	size_t		count = 0;

	for (size_t k = 0; k < rounding->K; k++)
	{
		const float *x = rounding->inputs->values + k * rounding->T;

		for (size_t t = 0; t < rounding->T && !rounding->exact[k]; t++)
			sum += (double) x[t] * (double) x[t];
		count += rounding->exact[k] ? 0 : 1;
	}
	return count == 0 ? 0 : (float) (sum / (double) count);
}

static void
multiply(const float *x, size_t rows, size_t in_dim, size_t x_stride, const float *panels, size_t columns,
		 float *y)
{
	electra_pacer pacer = {.poll = NULL};
	electra_gemm_call call = {
		.x = x, .x_stride = x_stride, .rows = rows, .panels = panels, .dtype = ELECTRA_F32,
		.in_dim = in_dim, .out_dim = columns, .y = y, .y_stride = GROUP
	};

	electra_gemm(&call, &pacer);
}

/* products of the channels up to the end of the group with those of the group. */
static void
multiply_inputs(const rounding *rounding, size_t first, size_t count)
{
	const size_t T = rounding->T;

	memset(rounding->panels, 0, GROUP_PANELS * ELECTRA_PANEL_COLUMNS * T * sizeof(float));
	for (size_t k = 0; k < count; k++)
		electra_pack_row(rounding->panels + k / ELECTRA_PANEL_COLUMNS * ELECTRA_PANEL_COLUMNS * T,
						 (int) (k % ELECTRA_PANEL_COLUMNS), rounding->inputs->values + (first + k) * T,
						 (int64_t) T);
	multiply(rounding->inputs->values, first + count, T, T, rounding->panels, count, rounding->products);
}

/* lacking = errors of the channels before the group, times products. */
static void
multiply_errors(const rounding *rounding, size_t first, size_t count)
{
	if (first == 0)
	{
		memset(rounding->lacking, 0, rounding->N * GROUP * sizeof(float));
		return;
	}
	for (size_t j = 0; j < first; j++)
	{
		for (size_t p = 0; p < GROUP_PANELS; p++)
			memcpy(rounding->panels + (p * first + j) * ELECTRA_PANEL_COLUMNS,
				   rounding->products + j * GROUP + p * ELECTRA_PANEL_COLUMNS,
				   ELECTRA_PANEL_COLUMNS * sizeof(float));
	}
	multiply(rounding->errors, rounding->N, first, rounding->K, rounding->panels, count, rounding->lacking);
}

/* The whole number that a value becomes. */
static int8_t
nearest(float value, float scale)
{
	float		quotient = value / scale;

	/* adding and taking away 1.5 * 2^23 rounds to the nearest integer, ties to even */
	quotient = quotient > 127 ? 127 : quotient < -127 ? -127 : quotient;
	return (int8_t) ((quotient + 0x1.8p23f) - 0x1.8p23f);
}

/* One group of one row. */
static void
round_group(const rounding *rounding, size_t row, size_t first, size_t count, int8_t *rounded)
{
	const float *weights = rounding->weights + row * rounding->K + first;
	const float *products = rounding->products + first * GROUP;
	float	   *errors = rounding->errors + row * rounding->K + first;
	float		kept[GROUP];
	float		scale;

	for (size_t k = 0; k < count; k++)
		kept[k] = rounding->exact[first + k] ? 0 : weights[k];
	scale = electra_quantize_group(kept, count, rounded);
	for (size_t k = 0; k < count; k++)
	{
		float		sum = rounding->lacking[row * GROUP + k];
		float		wanted;

		errors[k] = kept[k];
		if (scale == 0 || rounding->exact[first + k])
			continue;
		for (size_t j = 0; j < k; j++)
			sum += errors[j] * products[j * GROUP + k];
		wanted = kept[k] + sum / (products[k * GROUP + k] + rounding->damping);
		/* neither infinity nor NaN, of inputs too large to square, is worth following */
		rounded[k] = nearest(isfinite(wanted) ? wanted : kept[k], scale);
		errors[k] = kept[k] - (float) rounded[k] * scale;
	}
}

static void
round_groups(const rounding *rounding, int8_t *rounded)
{
	for (size_t first = 0; first < rounding->K; first += GROUP)
	{
		size_t		count = rounding->K - first < GROUP ? rounding->K - first : GROUP;

		multiply_inputs(rounding, first, count);
		multiply_errors(rounding, first, count);
		for (size_t row = 0; row < rounding->N; row++)
			round_group(rounding, row, first, count, rounded + row * rounding->K + first);
	}
}

static bool
get_memory(rounding *rounding)
{
	size_t		depth = rounding->K > rounding->T ? rounding->K : rounding->T;

	rounding->exact = calloc(rounding->K, sizeof(bool));
	rounding->weights = malloc(rounding->N * rounding->K * sizeof(float));
	rounding->errors = malloc(rounding->N * rounding->K * sizeof(float));
	rounding->panels = malloc(GROUP * depth * sizeof(float));
	rounding->products = malloc(rounding->K * GROUP * sizeof(float));
	rounding->lacking = malloc(rounding->N * GROUP * sizeof(float));
	return rounding->exact != NULL && rounding->weights != NULL && rounding->errors != NULL &&
		rounding->panels != NULL && rounding->products != NULL && rounding->lacking != NULL;
}

electra_status
round_weights(const layer_inputs *inputs, const source_tensor *tensor, int8_t *rounded,
			  electra_error *error)
{
	rounding	rounding = {
		.inputs = inputs, .N = (size_t) tensor->spec.shape[0], .K = (size_t) tensor->spec.shape[1],
		.T = (size_t) inputs->tokens
	};
	electra_fpenv saved;
	electra_status status = ELECTRA_OK;

	if (!get_memory(&rounding))
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	if (status == ELECTRA_OK)
		status = tensor->read(tensor, 0, (int64_t) (rounding.N * rounding.K), rounding.weights, error);
	if (status == ELECTRA_OK)
	{
		for (int e = 0; e < tensor->num_exact; e++)
			rounding.exact[tensor->exact_channels[e]] = true;
		electra_fpenv_enter(&saved);
		rounding.damping = mean_square(&rounding);
		round_groups(&rounding, rounded);
		electra_fpenv_leave(&saved);
	}
	free(rounding.exact);
	free(rounding.weights);
	free(rounding.errors);
	free(rounding.panels);
	free(rounding.products);
	free(rounding.lacking);
	return status;
}

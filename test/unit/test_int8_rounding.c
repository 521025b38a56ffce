/*
 * The rounding of weights by what they are applied to, against its definition
 * in plain loops, with every set of kernels that the machine has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "core/kernels.h"
#include "core/quantize.h"
#include "import/calibration_inputs.h"
#include "random_image.h"

#define N 20
#define MAX_K 200
#define T 70

typedef struct problem
{
	float		x[MAX_K * T];	/* (K, T) */
	float		w[N * MAX_K];	/* (N, K) */
	layer_inputs inputs;
	source_tensor tensor;
	float		scales[N * MAX_K];	/* (N, ceil(K/64)) */
	int8_t		nearest[N * MAX_K]; /* what plain rounding gives */
	double		damping;
} problem;

/* source_tensor.read */
static electra_status
read_weights(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	(void) error;
	memcpy(values, (const float *) tensor->context + first, (size_t) count * sizeof(float));
	return ELECTRA_OK;
}

static bool
is_exact(const source_tensor *tensor, int64_t k)
{
	for (int e = 0; e < tensor->num_exact; e++)
		if (tensor->exact_channels[e] == k)
			return true;
	return false;
}

/* Channels that have much in common, as those of real models have, a few of them large. */
static problem *
make_problem(int K, uint64_t seed)
{
	problem    *p = calloc(1, sizeof(*p));
	uint64_t	random = seed;
	float		common[T];
	int			count = 0;

	for (int t = 0; t < T; t++)
		common[t] = random_float(&random);
	for (int k = 0; k < K; k++)
		for (int t = 0; t < T; t++)
			p->x[k * T + t] = (common[t] + 0.5f * random_float(&random) + 0.5f) * (k % 61 == 7 ? 9.0f : 1.0f);
	for (int i = 0; i < N * K; i++)
		p->w[i] = random_float(&random);
	p->inputs = (layer_inputs) {.dim = K, .tokens = T, .values = p->x};
	p->tensor = (source_tensor) {
		.spec = {.rank = 2, .shape = {N, K}, .quantized = true, .num_exact = K < 4 ? K : 4},
		.read = read_weights, .context = p->w
	};
	choose_exact_channels(&p->inputs, &p->tensor);
	for (int n = 0; n < N; n++)
		for (int g = 0; g < (K + 63) / 64; g++)
		{
			int			size = K - 64 * g < 64 ? K - 64 * g : 64;
			float		group[64];

			for (int i = 0; i < size; i++)
				group[i] = is_exact(&p->tensor, 64 * g + i) ? 0 : p->w[n * K + 64 * g + i];
			p->scales[n * ((K + 63) / 64) + g] = electra_quantize_group(group, (size_t) size, p->nearest + n * K + 64 * g);
		}
	for (int k = 0; k < K; k++)
		if (!is_exact(&p->tensor, k))
		{
			for (int t = 0; t < T; t++)
				p->damping += (double) p->x[k * T + t] * p->x[k * T + t];
			count++;
		}
	p->damping = count > 0 ? p->damping / count : 0;
	return p;
}

/* One row in double precision; how far from a tie each decision was. */
static void
round_plainly(const problem *p, int n, int8_t *q, double *margins)
{
	int			K = (int) p->inputs.dim;
	double		lacking[T] = {0};

	for (int k = 0; k < K; k++)
	{
		const float *x = p->x + k * T;
		double		scale = p->scales[n * ((K + 63) / 64) + k / 64];
		double		product = 0;
		double		square = 0;
		double		wanted;

		q[k] = 0;
		margins[k] = 1;
		if (is_exact(&p->tensor, k))
			continue;
		for (int t = 0; t < T; t++)
		{
			product += lacking[t] * x[t];
			square += (double) x[t] * x[t];
		}
		if (scale > 0)
		{
			wanted = fmin(127, fmax(-127, (p->w[n * K + k] + product / (square + p->damping)) / scale));
			q[k] = (int8_t) nearbyint(wanted);
			margins[k] = 0.5 - fabs(wanted - q[k]);
		}
		for (int t = 0; t < T; t++)
			lacking[t] += (p->w[n * K + k] - q[k] * scale) * x[t];
	}
}

/* Mean square of what a row's products lack. */
static double
row_error(const problem *p, int n, const int8_t *q)
{
	int			K = (int) p->inputs.dim;
	double		error = 0;

	for (int t = 0; t < T; t++)
	{
		double		lacking = 0;

		for (int k = 0; k < K; k++)
			if (!is_exact(&p->tensor, k))
				lacking += (p->w[n * K + k] - (double) q[k] * p->scales[n * ((K + 63) / 64) + k / 64]) * p->x[k * T + t];
		error += lacking * lacking / T;
	}
	return error;
}

/* The result, which must be the same with every set of kernels. */
static int8_t *
round_with_all_sets(const problem *p)
{
	size_t		size = (size_t) (N * p->inputs.dim);
	int8_t	   *first = NULL;
	electra_error error;

	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
	{
		int8_t	   *rounded = malloc(size);

		if (electra_kernels_choose((electra_kernel_set) set))
		{
			assert_int_equal(round_weights(&p->inputs, &p->tensor, rounded, &error), ELECTRA_OK);
			if (first == NULL)
			{
				first = rounded;
				continue;
			}
			assert_memory_equal(rounded, first, size);
		}
		free(rounded);
	}
	return first;
}

/*
 * A decision too close to call in floats makes another row of what follows, so
 * a row is compared up to there.
 */
static void
test_rounding(void **state)
{
	static const int dims[] = {1, 3, 40, 64, 65, 128, 200};

	(void) state;
	for (size_t i = 0; i < sizeof(dims) / sizeof(dims[0]); i++)
	{
		int			K = dims[i];
		problem    *p = make_problem(K, 11 + i);
		int8_t	   *rounded = round_with_all_sets(p);
		double		errors[2] = {0, 0};
		int			compared = 0;

		for (int n = 0; n < N; n++)
		{
			int8_t		expected[MAX_K];
			double		margins[MAX_K];

			round_plainly(p, n, expected, margins);
			for (int k = 0; k < K && margins[k] > 1e-3; k++)
			{
				if (rounded[n * K + k] != expected[k])
					fail_msg("K %d, row %d, channel %d: %d, not %d", K, n, k, rounded[n * K + k], expected[k]);
				compared++;
			}
			errors[0] += row_error(p, n, p->nearest + n * K);
			errors[1] += row_error(p, n, rounded + n * K);
		}
		assert_true(compared * 2 > N * K);
		/* it is worth it where there are enough channels to make up for others */
		if (K >= 40)
			assert_true(errors[1] < 0.5 * errors[0]);
		free(rounded);
		free(p);
	}
}

/* The largest magnitudes, ascending; of equal ones the first. */
static void
test_exact_channels(void **state)
{
	problem    *p = make_problem(200, 3);

	(void) state;
	memset(p->x, 0, sizeof(p->x));
	p->x[150 * T + 3] = -8;
	p->x[20 * T + 69] = 9;
	p->x[199 * T] = 7;
	p->x[77 * T + 1] = 7;
	p->x[30 * T + 1] = 7;
	choose_exact_channels(&p->inputs, &p->tensor);
	assert_int_equal(p->tensor.num_exact, ELECTRA_EXACT_CHANNELS);
	assert_int_equal(p->tensor.exact_channels[0], 20);
	assert_int_equal(p->tensor.exact_channels[1], 30);
	assert_int_equal(p->tensor.exact_channels[2], 77);
	assert_int_equal(p->tensor.exact_channels[3], 150);
	free(p);
}

/* Inputs of zeros, and weights of zeros: plain rounding, and no division by 0. */
static void
test_nothing(void **state)
{
	problem    *p = make_problem(200, 4);
	int8_t		rounded[N * 200];
	electra_error error;

	(void) state;
	memset(p->x, 0, sizeof(p->x));
	assert_int_equal(round_weights(&p->inputs, &p->tensor, rounded, &error), ELECTRA_OK);
	assert_memory_equal(rounded, p->nearest, sizeof(rounded));
	memset(p->w, 0, sizeof(p->w));
	assert_int_equal(round_weights(&p->inputs, &p->tensor, rounded, &error), ELECTRA_OK);
	for (int i = 0; i < N * 200; i++)
		assert_int_equal(rounded[i], 0);
	free(p);
}

/* What an observed encoder shows is what its layers take: in order, of every layer and kind. */
static void
test_observer(void **state)
{
	electra_config config = random_config(2, 2, 64, 64, 300, 40);
	random_image *image = random_image_create(&config, 6);
	int32_t		ids[50];
	const int32_t offsets[] = {0, 12, 50};
	calibration_inputs all;
	const electra_observer observer = {calibration_inputs_see, &all};
	electra_batch batch = {.num_sequences = 2, .offsets = offsets, .token_ids = ids, .observer = &observer};
	void	   *workspace;
	float	   *output = malloc(50 * 64 * sizeof(float));
	float	   *plain = malloc(50 * 64 * sizeof(float));
	electra_error error;

	(void) state;
	random_token_ids(&config, 1, ids, 50);
	workspace = allocate_aligned(electra_encoder_workspace(&image->model, &batch));
	assert_int_equal(calibration_inputs_open(&all, &config, 50, &error), ELECTRA_OK);
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error), ELECTRA_OK);
	for (int i = 0; i < all.count; i++)
	{
		const layer_inputs *inputs = &all.inputs[i];
		bool		wide = i % ELECTRA_NUM_LAYER_INPUTS == ELECTRA_INPUT_INTERMEDIATE;
		float		most = 0;

		assert_int_equal(all.seen[i], 50);
		assert_int_equal(inputs->dim, wide ? 300 : 64);
		for (int64_t j = 0; j < inputs->dim * 50; j++)
		{
			assert_true(isfinite(inputs->values[j]));
			assert_true(!wide || inputs->values[j] > -0.1701f);
			most = fmaxf(most, fabsf(inputs->values[j]));
		}
		assert_true(most > 0);
	}
	/* the first layer's outputs are the second one's inputs; looking changes nothing */
	batch.observer = NULL;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, plain, NULL, &error), ELECTRA_OK);
	assert_memory_equal(plain, output, 50 * 64 * sizeof(float));
	((electra_image_header *) image->memory)->config.num_layers = 1;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, plain, NULL, &error), ELECTRA_OK);
	for (int t = 0; t < 50; t++)
		for (int k = 0; k < 64; k++)
			assert_true(all.inputs[ELECTRA_NUM_LAYER_INPUTS + ELECTRA_INPUT_ATTENTION].values[k * 50 + t] ==
						plain[t * 64 + k]);
	calibration_inputs_close(&all);
	free(workspace);
	free(output);
	free(plain);
	random_image_free(image);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_exact_channels),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_observer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

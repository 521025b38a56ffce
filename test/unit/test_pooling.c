/*
 * Pooling and modules against the formulas of sentence-transformers in double,
 * and the same bits from every set of kernels.  test/parity/encoder_parity.py
 * compares with sentence-transformers itself.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/kernels.h"
#include "random_image.h"

enum
{
	DIM = 37,
	LENGTH = 50
};

/* Mean of the tokens with weights, in double. */
static double
weighted_sum(const float *hidden, int skipped, int length, int column, bool weighted)
{
	double		sum = 0;

	for (int t = skipped; t < length; t++)
		sum += (weighted ? t + 1 : 1) * (double) hidden[t * DIM + column];
	return sum;
}

static double
exact_pooling(int mode, const float *hidden, int skipped, int length, int column)
{
	int			count = length - skipped;
	double		best = -INFINITY;

	switch (mode)
	{
		case ELECTRA_POOL_CLS:
			return hidden[(count > 0 ? skipped : 0) * DIM + column];
		case ELECTRA_POOL_MAX:
			for (int t = skipped; t < length; t++)
				best = hidden[t * DIM + column] > best ? hidden[t * DIM + column] : best;
			return best;
		case ELECTRA_POOL_MEAN:
			return weighted_sum(hidden, skipped, length, column, false) / fmax(count, 1e-9);
		case ELECTRA_POOL_MEAN_SQRT_LEN:
			return weighted_sum(hidden, skipped, length, column, false) / sqrt(fmax(count, 1e-9));
		case ELECTRA_POOL_WEIGHTED_MEAN:
			return weighted_sum(hidden, skipped, length, column, true) /
				fmax((length * (length + 1.0) - skipped * (skipped + 1.0)) / 2, 1e-9);
		case ELECTRA_POOL_LAST_TOKEN:
			return count > 0 ? hidden[(length - 1) * DIM + column] : 0;
	}
	return NAN;
}

static float *
random_hidden(size_t count)
{
	float	   *hidden = malloc(count * sizeof(float));
	uint64_t	state = 77;

	for (size_t i = 0; i < count; i++)
		hidden[i] = 3 * random_float(&state);
	return hidden;
}

/* A model whose encoder does not matter. */
static electra_config
pooling_config(int modes)
{
	electra_config config = random_config(1, 1, DIM, DIM, 8, 64);
	int			count = 0;

	for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
		count += modes >> i & 1;
	config.pooling_modes = modes;
	config.include_prompt = true;
	config.modules[0].out_dim = DIM * count;
	return config;
}

static electra_status
pool(const electra_config *config, const electra_batch *batch, const float *hidden, float *embeddings,
	 electra_error *error)
{
	random_image *image = random_image_create(config, 5);
	void	   *workspace = allocate_aligned(electra_pool_workspace(&image->model));
	electra_status status = electra_pool(&image->model, batch, hidden, workspace, embeddings, error);

	free(workspace);
	random_image_free(image);
	return status;
}

static void
test_modes(void **state)
{
	static const int lengths[] = {1, 2, 15, 16, 17, LENGTH};
	float	   *hidden = random_hidden(LENGTH * DIM);
	electra_error error = {0};

	(void) state;
	for (int modes = 1; modes < 1 << ELECTRA_NUM_POOLING_MODES; modes++)
		for (int l = 0; l < 6; l++)
			for (int prompt = 0; prompt <= 3; prompt += 3)
			{
				electra_config config = pooling_config(modes);
				int32_t		offsets[] = {0, lengths[l]};
				electra_batch batch = {.num_sequences = 1, .offsets = offsets, .prompt_tokens = prompt};
				int			skipped = prompt < lengths[l] ? prompt : lengths[l];
				float		vector[ELECTRA_NUM_POOLING_MODES * DIM];
				const float *at = vector;

				config.include_prompt = prompt == 0;
				if ((modes & ELECTRA_POOL_MAX) != 0 && skipped == lengths[l])
				{
					assert_int_equal(pool(&config, &batch, hidden, vector, &error), ELECTRA_NOT_FINITE);
					continue;
				}
				assert_int_equal(pool(&config, &batch, hidden, vector, &error), ELECTRA_OK);
				for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
				{
					if ((modes >> i & 1) == 0)
						continue;
					for (int c = 0; c < DIM; c++)
						assert_true(fabs(at[c] - exact_pooling(1 << i, hidden, skipped, lengths[l], c)) < 2e-6);
					at += DIM;
				}
			}
	free(hidden);
}

/* include_prompt = true: the prompt's length does not matter. */
static void
test_prompt_included(void **state)
{
	electra_config config = pooling_config(ELECTRA_POOL_MEAN);
	float	   *hidden = random_hidden(LENGTH * DIM);
	int32_t		offsets[] = {0, LENGTH};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets};
	float		without[DIM];
	float		with[DIM];
	electra_error error = {0};

	(void) state;
	assert_int_equal(pool(&config, &batch, hidden, without, &error), ELECTRA_OK);
	batch.prompt_tokens = 7;
	assert_int_equal(pool(&config, &batch, hidden, with, &error), ELECTRA_OK);
	assert_memory_equal(with, without, sizeof(with));
	free(hidden);
}

/* Pooling, two Dense modules with a Normalize between them, a cut, a normalization. */
static electra_config
pipeline_config(void)
{
	electra_config config = pooling_config(ELECTRA_POOL_MEAN | ELECTRA_POOL_CLS);

	config.num_modules = 4;
	config.modules[1] = (electra_module) {ELECTRA_MODULE_DENSE, ELECTRA_TANH, 2 * DIM, 100, true};
	config.modules[2] = (electra_module) {ELECTRA_MODULE_NORMALIZE, ELECTRA_IDENTITY, 100, 100, false};
	config.modules[3] = (electra_module) {ELECTRA_MODULE_DENSE, ELECTRA_IDENTITY, 100, 41, false};
	config.dimensions = 30;
	config.normalize = true;
	return config;
}

/* y = x W + b out of a packed matrix, in double. */
static void
exact_dense(const electra_model *model, const electra_image_linear *linear, const double *x, double *y)
{
	const float *panels = electra_model_floats(model, linear->panels);

	for (int n = 0; n < linear->out_dim; n++)
	{
		y[n] = linear->bias == 0 ? 0 : electra_model_floats(model, linear->bias)[n];
		for (int k = 0; k < linear->in_dim; k++)
			y[n] += x[k] * (double) panels[(size_t) (n / 32) * linear->in_dim * 32 + k * 32 + n % 32];
	}
}

static void
exact_normalize(double *x, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i] * x[i];
	for (int i = 0; i < n; i++)
		x[i] /= fmax(sqrt(sum), 1e-12);
}

static void
test_pipeline(void **state)
{
	electra_config config = pipeline_config();
	random_image *image = random_image_create(&config, 5);
	float	   *hidden = random_hidden(LENGTH * DIM);
	int32_t		offsets[] = {0, 9, LENGTH};
	electra_batch batch = {.num_sequences = 2, .offsets = offsets};
	void	   *workspace = allocate_aligned(electra_pool_workspace(&image->model));
	float		first[2 * 30];
	bool		have_first = false;
	electra_error error = {0};

	(void) state;
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
	{
		float		vectors[2 * 30];

		if (!electra_kernels_choose((electra_kernel_set) set))
			continue;
		assert_int_equal(electra_pool(&image->model, &batch, hidden, workspace, vectors, &error), ELECTRA_OK);
		if (!have_first)
			memcpy(first, vectors, sizeof(first));
		have_first = true;
		assert_memory_equal(vectors, first, sizeof(first));
	}
	for (int b = 0; b < 2; b++)
	{
		const float *rows = hidden + offsets[b] * DIM;
		double		x[2 * DIM];
		double		y[100];
		double		z[41];

		for (int c = 0; c < DIM; c++)
		{
			x[c] = exact_pooling(ELECTRA_POOL_CLS, rows, 0, offsets[b + 1] - offsets[b], c);
			x[DIM + c] = exact_pooling(ELECTRA_POOL_MEAN, rows, 0, offsets[b + 1] - offsets[b], c);
		}
		exact_dense(&image->model, &image->model.header->modules[1], x, y);
		for (int i = 0; i < 100; i++)
			y[i] = tanh(y[i]);
		exact_normalize(y, 100);
		exact_dense(&image->model, &image->model.header->modules[3], y, z);
		exact_normalize(z, 30);
		for (int i = 0; i < 30; i++)
			assert_true(fabs(first[b * 30 + i] - z[i]) < 5e-7);
	}
	free(workspace);
	free(hidden);
	random_image_free(image);
}

/* A zero vector stays one; values that leave float's range are refused. */
static void
test_extremes(void **state)
{
	electra_config config = pooling_config(ELECTRA_POOL_MEAN);
	float		hidden[2 * DIM] = {0};
	float		vector[DIM];
	float		zero[DIM] = {0};
	int32_t		offsets[] = {0, 2};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets};
	electra_error error = {0};

	(void) state;
	config.normalize = true;
	assert_int_equal(pool(&config, &batch, hidden, vector, &error), ELECTRA_OK);
	assert_memory_equal(vector, zero, sizeof(zero));
	hidden[3] = 3e38f;
	hidden[DIM + 3] = 3e38f;
	config.normalize = false;
	assert_int_equal(pool(&config, &batch, hidden, vector, &error), ELECTRA_NOT_FINITE);
	assert_string_equal(error.message, "the embedding is not finite");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_prompt_included),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The encoder and its pooled output: values against transformers (recorded in
 * test/parity/golden/encoder.txt), the same bits from every set of kernels, in
 * every batch and with any padding, refusals, cancel.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/kernels.h"
#include "random_image.h"

#define GOLDEN "test/parity/golden/encoder.txt"

/* Issue's bar for the difference to transformers. */
#define PARITY_BAR 2e-5

/* Encodes with a workspace of exactly the size asked for. */
static float *
encode(const electra_model *model, const electra_batch *batch)
{
	size_t		count = (size_t) batch->offsets[batch->num_sequences] * electra_model_config(model)->hidden_dim;
	float	   *output = malloc(count * sizeof(float));
	void	   *workspace = allocate_aligned(electra_encoder_workspace(model, batch));
	electra_error error = {0};

	if (electra_encode(model, batch, workspace, output, NULL, &error) != ELECTRA_OK)
		fail_msg("%s", error.message);
	free(workspace);
	return output;
}

/* A model whose matrices and tables are stored in dtype. */
static random_image *
random_image_create_as(electra_dtype dtype, electra_config *config, uint64_t seed)
{
	config->dtype = dtype;
	return random_image_create(config, seed);
}

/* One sequence without segments. */
static float *
encode_ids(const electra_model *model, const int32_t *ids, int32_t count)
{
	int32_t		offsets[] = {0, count};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets, .token_ids = ids};

	return encode(model, &batch);
}

/* The pooled output of a batch. */
static float *
pool_first(const electra_model *model, const electra_batch *batch, const float *hidden)
{
	float	   *pooled = malloc((size_t) batch->num_sequences * electra_model_config(model)->hidden_dim *
								sizeof(float));
	electra_error error = {0};

	if (electra_pooled_output(model, batch, hidden, pooled, &error) != ELECTRA_OK)
		fail_msg("%s", error.message);
	return pooled;
}

/* The largest difference of the next 16 numbers to every (hidden_dim / 16)th component. */
static double
golden_difference(FILE *file, const float *vector, int hidden_dim)
{
	double		worst = 0;

	for (int i = 0; i < 16; i++)
	{
		double		expected;
		double		difference;

		assert_int_equal(fscanf(file, "%lf", &expected), 1);
		difference = fabs(vector[i * (hidden_dim / 16)] - expected);
		worst = isnan(difference) ? INFINITY : fmax(worst, difference);
	}
	return worst;
}

/*
 * A case of the golden file: "case NAME layers heads hidden embedding
 * intermediate ACTIVATION seed tokens segments mask pooled", then "row T v0 …
 * v15" with every (hidden / 16)th component, then "pooled v0 … v15" if so, then
 * "end".
 */
static double
check_golden_case(FILE *file, char *activation, const int *shape)
{
	electra_config config = random_config(shape[0], shape[1], shape[2], shape[3], shape[4], 512);
	int32_t		count = shape[6];
	int32_t		offsets[] = {0, count};
	int32_t    *ids = malloc(count * sizeof(int32_t));
	uint8_t    *segments = calloc(count, 1);
	uint8_t    *mask = malloc(count);
	electra_batch batch = {
		.num_sequences = 1, .offsets = offsets, .token_ids = ids, .segment_ids = segments,
		.padding_mask = shape[8] == 0 ? NULL : mask
	};
	random_image *image;
	float	   *output;
	int			row;
	double		worst = 0;

	config.has_pooler = shape[9];
	for (int32_t t = 0; t < count; t++)
		mask[t] = random_mask_bit(shape[8], t, count);
	assert_true(electra_activation_parse(activation, &config.activation));
	image = random_image_create(&config, (uint64_t) shape[5]);
	random_token_ids(&config, (uint64_t) shape[5], ids, count);
	if (shape[7])
		memset(segments + count / 2, 1, (size_t) (count - count / 2));
	output = encode(&image->model, &batch);
	while (fscanf(file, " row %d", &row) == 1)
		worst = fmax(worst, golden_difference(file, output + (size_t) row * shape[2], shape[2]));
	if (config.has_pooler)
	{
		float	   *pooled = pool_first(&image->model, &batch, output);

		assert_int_equal(fscanf(file, "pooled"), 0);
		worst = fmax(worst, golden_difference(file, pooled, shape[2]));
		free(pooled);
	}
	free(output);
	free(ids);
	free(segments);
	free(mask);
	random_image_free(image);
	return worst;
}

static void
test_golden(void **state)
{
	FILE	   *file = fopen(GOLDEN, "r");
	char		name[64];
	char		activation[32];
	int			shape[10];
	int			cases = 0;
	int			masked = 0;
	int			pooled = 0;
	char		line[512];

	(void) state;
	if (file == NULL)
		fail_msg("%s is not there; run from the project's folder", GOLDEN);
	while (fgets(line, sizeof(line), file) != NULL)
	{
		double		worst;

		if (sscanf(line, "case %63s %d %d %d %d %d %31s %d %d %d %d %d", name, &shape[0], &shape[1], &shape[2],
				   &shape[3], &shape[4], activation, &shape[5], &shape[6], &shape[7], &shape[8], &shape[9]) != 12)
			continue;
		worst = check_golden_case(file, activation, shape);
		print_message("%s, %s, %d tokens: %.2g from transformers in float64\n", name, activation, shape[6], worst);
		assert_true(worst <= PARITY_BAR);
		cases++;
		masked += shape[8] != 0;
		pooled += shape[9];
	}
	fclose(file);
	assert_true(cases >= 24 && masked >= 4 && pooled >= 4);
}

/* Shapes that are awkward for panels, tiles and lanes. */
static const int32_t shapes[][6] = {
	/* layers, heads, hidden, embedding, intermediate, tokens */
	{2, 4, 128, 64, 256, 1},
	{2, 4, 128, 64, 256, 33},
	{0, 4, 128, 64, 256, 33},
	{1, 12, 312, 312, 1200, 50},
	{2, 3, 90, 50, 123, 17},
	{1, 1, 7, 5, 3, 40},
	{1, 2, 256, 256, 512, 140},
	{1, 5, 15, 33, 31, 130},
	{1, 3, 144, 100, 65, 300},
};

#define NUM_SHAPES ((int) (sizeof(shapes) / sizeof(shapes[0])))

static void
test_same_bits_in(electra_dtype dtype)
{
	for (int s = 0; s < NUM_SHAPES; s++)
	{
		electra_config config = random_config(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3],
											  shapes[s][4], 512);
		random_image *image = random_image_create_as(dtype, &config, (uint64_t) s);
		int32_t		ids[300];
		float	   *first = NULL;

		random_token_ids(&config, (uint64_t) s, ids, shapes[s][5]);
		for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
		{
			float	   *output;

			if (!electra_kernels_choose((electra_kernel_set) set))
				continue;
			output = encode_ids(&image->model, ids, shapes[s][5]);
			if (first == NULL)
				first = output;
			else
			{
				assert_memory_equal(output, first, (size_t) shapes[s][5] * shapes[s][2] * sizeof(float));
				free(output);
			}
		}
		free(first);
		random_image_free(image);
	}
}

static void
test_same_bits(void **state)
{
	(void) state;
	test_same_bits_in(ELECTRA_F32);
	test_same_bits_in(ELECTRA_I8);
}

/*
 * int8 is near floats on random weights, with and without a projection: a
 * layer that took the wrong input would not be.
 */
static void
test_int8_near_floats(void **state)
{
	(void) state;
	for (size_t s = 1; s < 4; s++)
	{
		electra_config config = random_config(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3],
											  shapes[s][4], 512);
		random_image *floats = random_image_create_as(ELECTRA_F32, &config, s);
		random_image *quantized = random_image_create_as(ELECTRA_I8, &config, s);
		size_t		dim = (size_t) config.hidden_dim;
		int32_t		ids[40];
		float	   *expected;
		float	   *output;

		random_token_ids(&config, s, ids, 40);
		expected = encode_ids(&floats->model, ids, 40);
		output = encode_ids(&quantized->model, ids, 40);
		for (size_t t = 0; t < 40; t++)
		{
			float		cosine = electra_cosine_similarity(expected + t * dim, output + t * dim, dim);

			if (!(cosine > 0.995f && cosine < 1.0f))
				fail_msg("shape %zu, token %zu: cosine %.6f", s, t, (double) cosine);
		}
		free(expected);
		free(output);
		random_image_free(floats);
		random_image_free(quantized);
	}
}

/* Whatever stands before or behind it, a sequence gives what it gives alone. */
static void
test_batch_independence_in(electra_dtype dtype)
{
	static const int32_t lengths[] = {5, 1, 64, 17, 130, 2, 31};
	enum
	{
		COUNT = sizeof(lengths) / sizeof(lengths[0])
	};

	for (int s = 1; s < 4; s++)
	{
		electra_config config = random_config(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3],
											  shapes[s][4], 512);
		random_image *image = random_image_create_as(dtype, &config, (uint64_t) s);
		int32_t		ids[250];
		uint8_t		segments[250];
		int32_t		offsets[COUNT + 1] = {0};
		electra_batch batch = {.num_sequences = COUNT, .offsets = offsets, .token_ids = ids, .segment_ids = segments};
		float	   *together;

		random_token_ids(&config, 9, ids, 250);
		for (int t = 0; t < 250; t++)
			segments[t] = t % 3 == 0;
		for (int b = 0; b < COUNT; b++)
			offsets[b + 1] = offsets[b] + lengths[b];
		together = encode(&image->model, &batch);
		for (int b = 0; b < COUNT; b++)
		{
			int32_t		single_offsets[] = {0, lengths[b]};
			electra_batch single = {
				.num_sequences = 1, .offsets = single_offsets, .token_ids = ids + offsets[b],
				.segment_ids = segments + offsets[b]
			};
			float	   *alone = encode(&image->model, &single);

			assert_memory_equal(alone, together + (size_t) offsets[b] * config.hidden_dim,
								(size_t) lengths[b] * config.hidden_dim * sizeof(float));
			free(alone);
		}
		free(together);
		random_image_free(image);
	}
}

static void
test_batch_independence(void **state)
{
	(void) state;
	test_batch_independence_in(ELECTRA_F32);
	test_batch_independence_in(ELECTRA_I8);
}

/*
 * Sequences of one length, made so by padding: what is live has the bits that
 * it has without, and so has the pooled output, from every set of kernels.
 */
static void
test_padding_in(electra_dtype dtype)
{
	enum
	{
		COUNT = 5,
		LENGTH = 70
	};
	static const int32_t lengths[COUNT] = {1, LENGTH, 33, 2, 64};
	int32_t		ids[COUNT * LENGTH];
	int32_t		offsets[COUNT + 1] = {0};
	uint8_t		mask[COUNT * LENGTH];
	electra_batch batch = {.num_sequences = COUNT, .offsets = offsets, .token_ids = ids, .padding_mask = mask};

	for (int b = 0; b < COUNT; b++)
	{
		offsets[b + 1] = (b + 1) * LENGTH;
		for (int t = 0; t < LENGTH; t++)
			mask[b * LENGTH + t] = t < lengths[b];
	}
	for (int s = 1; s < NUM_SHAPES - 1; s++)
	{
		size_t		hidden_dim = (size_t) shapes[s][2];
		electra_config config = random_config(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3],
											  shapes[s][4], 512);
		random_image *image;
		float	   *first = NULL;
		float	   *first_pooled = NULL;

		config.has_pooler = true;
		image = random_image_create_as(dtype, &config, (uint64_t) s);
		for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
		{
			float	   *padded;
			float	   *pooled;

			if (!electra_kernels_choose((electra_kernel_set) set))
				continue;
			random_token_ids(&config, 3, ids, COUNT * LENGTH);
			padded = encode(&image->model, &batch);
			pooled = pool_first(&image->model, &batch, padded);
			for (int b = 0; b < COUNT; b++)
			{
				float	   *alone = encode_ids(&image->model, ids + offsets[b], lengths[b]);
				int32_t		alone_offsets[] = {0, lengths[b]};
				electra_batch single = {.num_sequences = 1, .offsets = alone_offsets};
				float	   *alone_pooled = pool_first(&image->model, &single, alone);

				assert_memory_equal(alone, padded + (size_t) b * LENGTH * hidden_dim,
									(size_t) lengths[b] * hidden_dim * sizeof(float));
				assert_memory_equal(alone_pooled, pooled + (size_t) b * hidden_dim, hidden_dim * sizeof(float));
				free(alone);
				free(alone_pooled);
			}
			if (first == NULL)
			{
				first = padded;
				first_pooled = pooled;
				continue;
			}
			assert_memory_equal(first, padded, COUNT * LENGTH * hidden_dim * sizeof(float));
			assert_memory_equal(first_pooled, pooled, COUNT * hidden_dim * sizeof(float));
			free(padded);
			free(pooled);
		}
		free(first);
		free(first_pooled);
		random_image_free(image);
	}
}

static void
test_padding(void **state)
{
	(void) state;
	test_padding_in(ELECTRA_F32);
	test_padding_in(ELECTRA_I8);
}

/*
 * Padding anywhere: other ids under the 0s change nothing that is live, a mask
 * of ones is no mask, and every set of kernels has the same bits.
 */
static void
test_masks(void **state)
{
	enum
	{
		LENGTH = 45
	};
	electra_config config = random_config(2, 3, 90, 50, 123, 64);
	random_image *image = random_image_create(&config, 8);
	int32_t		ids[LENGTH];
	int32_t		offsets[] = {0, LENGTH};
	uint8_t		mask[LENGTH];
	electra_batch batch = {.num_sequences = 1, .offsets = offsets, .token_ids = ids, .padding_mask = mask};
	size_t		row = 90 * sizeof(float);

	(void) state;
	for (int kind = 0; kind < RANDOM_NUM_MASKS; kind++)
	{
		float	   *first = NULL;

		for (int t = 0; t < LENGTH; t++)
			mask[t] = random_mask_bit(kind, t, LENGTH);
		for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
		{
			float	   *output;

			if (!electra_kernels_choose((electra_kernel_set) set))
				continue;
			random_token_ids(&config, 4, ids, LENGTH);
			output = encode(&image->model, &batch);
			if (first == NULL)
				first = output;
			else
			{
				assert_memory_equal(first, output, LENGTH * row);
				free(output);
			}
			for (int t = 0; t < LENGTH; t++)
				ids[t] = mask[t] ? ids[t] : 7;
			output = encode(&image->model, &batch);
			for (int t = 0; t < LENGTH; t++)
				if (mask[t])
					assert_memory_equal(first + t * 90, output + t * 90, row);
			free(output);
			if (kind == 0)
			{
				output = encode_ids(&image->model, ids, LENGTH);
				assert_memory_equal(first, output, LENGTH * row);
				free(output);
			}
		}
		free(first);
	}
	random_image_free(image);
}

/* No segment ids mean segment 0; another segment means other values. */
static void
test_segments(void **state)
{
	electra_config config = random_config(1, 2, 32, 32, 64, 16);
	random_image *image = random_image_create(&config, 1);
	int32_t		ids[] = {1, 2, 3};
	int32_t		offsets[] = {0, 3};
	uint8_t		segments[] = {0, 0, 0};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets, .token_ids = ids};
	float	   *without = encode(&image->model, &batch);
	float	   *with;

	(void) state;
	batch.segment_ids = segments;
	with = encode(&image->model, &batch);
	assert_memory_equal(with, without, 3 * 32 * sizeof(float));
	free(with);
	segments[2] = 1;
	with = encode(&image->model, &batch);
	assert_memory_not_equal(with, without, 3 * 32 * sizeof(float));
	free(with);
	free(without);
	random_image_free(image);
}

static void
test_refusals(void **state)
{
	electra_config config = random_config(1, 2, 32, 32, 64, 16);
	random_image *image = random_image_create(&config, 1);
	int32_t		ids[20] = {0};
	uint8_t		segments[20] = {0};
	uint8_t		mask[20] = {0};
	int32_t		offsets[] = {0, 4, 4 + 16};
	electra_batch batch = {.num_sequences = 2, .offsets = offsets, .token_ids = ids, .segment_ids = segments};
	void	   *workspace = allocate_aligned(electra_encoder_workspace(&image->model, &batch));
	float	   *output = malloc(20 * 32 * sizeof(float));
	electra_error error = {0};

	(void) state;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error), ELECTRA_OK);
	ids[5] = 500;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
					 ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "token id 500 is out of range");
	assert_string_equal(error.detail, "The token at position 5 must be from 0 to 499.");
	ids[5] = -1;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
					 ELECTRA_INVALID_ARGUMENT);
	ids[5] = 0;
	segments[7] = 2;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
					 ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "segment id 2 is out of range");
	segments[7] = 0;
	offsets[1] = 3;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
					 ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "sequence 1 has 17 tokens");
	offsets[1] = 0;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
					 ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "sequence 0 has 0 tokens");
	offsets[1] = 4;
	batch.padding_mask = mask;
	memset(mask, 1, 4);
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
					 ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "padding_mask of sequence 1 is all 0");
	assert_string_equal(error.detail, "At least one of its 16 tokens must take part.");
	assert_true(error.hint[0] != '\0');
	mask[19] = 2;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
					 ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "padding_mask value 2 is out of range");
	assert_string_equal(error.detail, "The value at position 19 must be 0 or 1.");
	mask[19] = 1;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error), ELECTRA_OK);
	batch.num_sequences = 0;
	assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error), ELECTRA_OK);
	free(workspace);
	free(output);
	random_image_free(image);
}

/* Weights whose products leave float's range. */
static void
test_not_finite(void **state)
{
	electra_config config = random_config(1, 2, 32, 32, 64, 16);
	random_image *image = random_image_create(&config, 1);
	int32_t		ids[] = {1, 2, 3};
	int32_t		offsets[] = {0, 3};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets, .token_ids = ids};
	void	   *workspace = allocate_aligned(electra_encoder_workspace(&image->model, &batch));
	float		output[3 * 32];
	electra_error error = {0};
	float	   *panels = (float *) (image->memory + image->model.layers[0].value.panels);

	(void) state;
	for (int i = 0; i < 32 * 32; i++)
		panels[i] = 3e38f;
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
		if (electra_kernels_choose((electra_kernel_set) set))
			assert_int_equal(electra_encode(&image->model, &batch, workspace, output, NULL, &error),
							 ELECTRA_NOT_FINITE);
	free(workspace);
	random_image_free(image);
}

/* No pooler, and one whose products are infinities of both signs. */
static void
test_pooled_refusals(void **state)
{
	electra_config config = random_config(1, 2, 32, 32, 64, 16);
	random_image *image = random_image_create(&config, 1);
	float		hidden[2 * 32];
	float		pooled[2 * 32];
	int32_t		offsets[] = {0, 1, 2};
	electra_batch batch = {.num_sequences = 2, .offsets = offsets};
	electra_error error = {0};
	float	   *panels;

	(void) state;
	assert_int_equal(electra_pooled_output(&image->model, &batch, hidden, pooled, &error), ELECTRA_UNSUPPORTED);
	assert_string_equal(error.message, "preset has no pooled output");
	random_image_free(image);

	config.has_pooler = true;
	image = random_image_create(&config, 1);
	panels = (float *) (image->memory + image->model.header->pooler.panels);
	for (int i = 0; i < 32 * 32; i++)
		panels[i] = i / 32 % 2 == 0 ? 3e38f : -3e38f;
	for (int i = 0; i < 2 * 32; i++)
		hidden[i] = i < 32 ? 0.0f : i < 48 ? INFINITY : 3.0f;
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
		if (electra_kernels_choose((electra_kernel_set) set))
		{
			assert_int_equal(electra_pooled_output(&image->model, &batch, hidden, pooled, &error),
							 ELECTRA_NOT_FINITE);
			assert_non_null(strstr(error.detail, "sequence 1."));
		}
	random_image_free(image);
}

/* A poll that stops after so many calls and remembers the longest time between two. */
typedef struct impatience
{
	long		calls_left;		/* -1: never stop */
	long		calls;
	double		last;			/* CPU seconds */
	double		longest;
} impatience;

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static bool
stop(void *context)
{
	impatience *impatience = context;
	double		time = cpu_seconds();

	if (time - impatience->last > impatience->longest)
		impatience->longest = time - impatience->last;
	impatience->last = time;
	impatience->calls++;
	return impatience->calls_left >= 0 && impatience->calls > impatience->calls_left;
}

#define LONGEST_WAIT 0.05		/* CPU seconds */

/*
 * How far apart the polls of an encoding are at most, in CPU seconds.  A virtual
 * machine that is halted counts that time as well: so there are three trials.
 */
static double
longest_wait(random_image *image, electra_batch *batch, void *workspace, float *output, long *calls)
{
	double		least = INFINITY;

	for (int trial = 0; trial < 3 && least >= LONGEST_WAIT; trial++)
	{
		impatience	patience = {.calls_left = -1, .last = cpu_seconds()};
		electra_poll poll = {stop, &patience};
		electra_error error = {0};

		assert_int_equal(electra_encode(&image->model, batch, workspace, output, &poll, &error), ELECTRA_OK);
		*calls = patience.calls;
		least = fmin(least, patience.longest);
	}
	return least;
}

/* The widest part of a large model: wherever it is stopped, it ends at once. */
static void
test_cancel(void **state)
{
	electra_config config = random_config(1, 16, 1024, 1024, 4096, 512);
	random_image *image = random_image_create(&config, 1);
	int32_t		ids[130];
	int32_t		offsets[] = {0, 130};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets, .token_ids = ids};
	void	   *workspace;
	float	   *output = malloc(130 * 1024 * sizeof(float));

	(void) state;
	random_token_ids(&config, 1, ids, 130);
	workspace = allocate_aligned(electra_encoder_workspace(&image->model, &batch));
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
	{
		impatience	patience;
		electra_poll poll = {stop, &patience};
		electra_error error = {0};
		double		longest;
		long		calls;

		if (!electra_kernels_choose((electra_kernel_set) set))
			continue;
		/* polls are as far apart with few tokens, and fmaf() takes its time */
		offsets[1] = set == ELECTRA_KERNELS_PORTABLE ? 10 : 130;
		longest = longest_wait(image, &batch, workspace, output, &calls);
		print_message("%s: %ld polls, at most %.2f ms apart\n", electra_kernel_set_name((electra_kernel_set) set),
					  calls, longest * 1e3);
		assert_true(longest < LONGEST_WAIT);
		assert_true(calls > 100);
		for (long left = 0; left < calls; left += calls / 3)
		{
			patience = (impatience) {.calls_left = left, .last = cpu_seconds()};
			assert_int_equal(electra_encode(&image->model, &batch, workspace, output, &poll, &error),
							 ELECTRA_CANCELED);
			assert_int_equal(patience.calls, left + 1);
		}
	}
	free(workspace);
	free(output);
	random_image_free(image);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_same_bits),
		cmocka_unit_test(test_int8_near_floats),
		cmocka_unit_test(test_batch_independence),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_pooled_refusals),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Computes everything that the core computes in floats, on random models of
 * awkward shapes with weights of every dtype, and writes the raw bits to standard output.
 * test/parity/same_bits.sh builds it in many ways and compares.
 *
 *   same_bits [KERNELS] [hostile]
 *
 * "hostile" sets rounding upwards and, on x86, FTZ and DAZ for the process.
 */
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "core/kernels.h"
#include "random_image.h"

#define MAX_TOKENS 60

static void
write_floats(const float *values, size_t count)
{
	if (fwrite(values, sizeof(float), count, stdout) != count)
		exit(1);
}

static void
set_environment(bool hostile)
{
	fesetround(hostile ? FE_UPWARD : FE_TONEAREST);
#if defined(__x86_64__)
	if (hostile)
		_mm_setcsr(_mm_getcsr() | 0x8040);
	else
		_mm_setcsr(0x1f80);
#endif
}

static void
fail(const electra_error *error)
{
	fprintf(stderr, "same_bits: %s\n", error->message);
	exit(1);
}

static void *
allocate(size_t size)
{
	void	   *memory = aligned_alloc(64, (size + 64) / 64 * 64);

	if (memory == NULL)
		exit(1);
	return memory;
}

/* Two sequences through encoder, pooler, pooling, modules, dot and cosine. */
static void
run(const electra_config *config, bool hostile)
{
	random_image *image = random_image_create(config, 42);
	int32_t		ids[MAX_TOKENS];
	int32_t		offsets[] = {0, 19, MAX_TOKENS};
	electra_batch batch = {.num_sequences = 2, .offsets = offsets, .token_ids = ids, .prompt_tokens = 2};
	uint8_t		mask[MAX_TOKENS];
	size_t		dimensions = (size_t) electra_config_dimensions(config);
	size_t		count = MAX_TOKENS * (size_t) config->hidden_dim;
	float	   *hidden = allocate(count * sizeof(float));
	float	   *masked = allocate(count * sizeof(float));
	float	   *pooled = allocate(2 * (size_t) config->hidden_dim * sizeof(float));
	float	   *embeddings = allocate(2 * dimensions * sizeof(float));
	void	   *workspace = allocate(electra_encoder_workspace(&image->model, &batch));
	void	   *pool_workspace = allocate(electra_pool_workspace(&image->model));
	electra_error error = {0};
	float		values[2];

	random_token_ids(config, 42, ids, MAX_TOKENS);
	for (int t = 0; t < MAX_TOKENS; t++)
		mask[t] = t % 5 != 3 && t < MAX_TOKENS - 7;
	set_environment(hostile);
	if (electra_encode(&image->model, &batch, workspace, hidden, NULL, &error) != ELECTRA_OK ||
		electra_pool(&image->model, &batch, hidden, pool_workspace, embeddings, &error) != ELECTRA_OK ||
		electra_pooled_output(&image->model, &batch, hidden, pooled, &error) != ELECTRA_OK)
		fail(&error);
	batch.padding_mask = mask;
	if (electra_encode(&image->model, &batch, workspace, masked, NULL, &error) != ELECTRA_OK)
		fail(&error);
	values[0] = electra_dot(embeddings, embeddings + dimensions, dimensions);
	values[1] = electra_cosine_similarity(embeddings, embeddings + dimensions, dimensions);
	set_environment(false);
	write_floats(hidden, count);
	write_floats(embeddings, 2 * dimensions);
	write_floats(values, 2);
	write_floats(masked, count);
	write_floats(pooled, 2 * (size_t) config->hidden_dim);
	free(hidden);
	free(masked);
	free(pooled);
	free(embeddings);
	free(workspace);
	free(pool_workspace);
	random_image_free(image);
}

/* Every pooling mode, two Dense modules, a Normalize, a cut. */
static void
add_pipeline(electra_config *config, electra_activation activation)
{
	int32_t		width = config->hidden_dim * ELECTRA_NUM_POOLING_MODES;

	config->pooling_modes = (1 << ELECTRA_NUM_POOLING_MODES) - 1;
	config->num_modules = 4;
	config->modules[0].out_dim = width;
	config->modules[1] = (electra_module) {ELECTRA_MODULE_DENSE, activation, width, 70, true};
	config->modules[2] = (electra_module) {ELECTRA_MODULE_NORMALIZE, ELECTRA_IDENTITY, 70, 70, false};
	config->modules[3] = (electra_module) {ELECTRA_MODULE_DENSE, ELECTRA_IDENTITY, 70, 41, false};
	config->dimensions = 33;
	config->normalize = true;
}

int
main(int argc, char **argv)
{
	bool		hostile = false;
	electra_config config;

	for (int i = 1; i < argc; i++)
	{
		hostile = hostile || strcmp(argv[i], "hostile") == 0;
		for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
			if (strcmp(argv[i], electra_kernel_set_name((electra_kernel_set) set)) == 0 &&
				!electra_kernels_choose((electra_kernel_set) set))
				return 3;
	}
	for (int activation = ELECTRA_GELU; activation <= ELECTRA_IDENTITY; activation++)
	{
		config = random_config(1, 2, 36, 20, 50, 64);
		config.activation = (electra_activation) activation;
		config.has_pooler = true;
		add_pipeline(&config, (electra_activation) activation);
		run(&config, hostile);
	}
	for (int dtype = ELECTRA_F32; dtype <= ELECTRA_I8; dtype++)
	{
		config = random_config(2, 3, 90, 90, 123, 64);
		config.dtype = (electra_dtype) dtype;
		config.has_pooler = true;
		run(&config, hostile);
		config = random_config(1, 4, 128, 64, 900, 64);
		config.dtype = (electra_dtype) dtype;
		config.has_pooler = true;
		run(&config, hostile);
	}
	return 0;
}

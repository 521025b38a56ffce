/*
 * A model with random weights in memory, for tests of encoder and pooling that
 * need no archive.
 *
 * Every weight is an integer of 24 bits times a power of two, out of a
 * generator that test/parity/make_encoder_golden.py has too, so that reference
 * implementations can compute with the very same weights.  config.dtype says
 * how matrices and tables are stored: F16 and BF16 cut values off, I8 quantizes
 * matrices and the words, with all that may belong to a matrix.
 */
#ifndef ELECTRA_RANDOM_IMAGE_H
#define ELECTRA_RANDOM_IMAGE_H

#include <stdlib.h>
#include <string.h>

#include "core/encoder.h"
#include "core/quantize.h"
#include "core/widen.h"

/* Numbers of tensors: each has a stream of its own. */
#define RANDOM_WORDS 0
#define RANDOM_POSITIONS 1
#define RANDOM_SEGMENTS 2
#define RANDOM_EMBEDDING_NORM 3
#define RANDOM_PROJECTION 5
#define RANDOM_POOLER 7
#define RANDOM_LAYER(l) (16 + 16 * (l))
#define RANDOM_MODULE(m) (100000 + 2 * (m))

typedef struct random_image
{
	electra_model model;
	char	   *memory;			/* the image */
	size_t		used;			/* bytes */
	size_t		capacity;
	uint64_t	seed;
	electra_dtype dtype;		/* of matrices and tables */
	electra_dtype cut;			/* what their values are cut off to before */
} random_image;

/* Exactly size bytes at a multiple of 64, so that a sanitizer sees what is beyond them. */
static inline void *
allocate_aligned(size_t size)
{
	void	   *memory;

	if (posix_memalign(&memory, 64, size) != 0)
		abort();
	return memory;
}

static inline uint64_t
random_u64(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform in [-1, 1), 24 bits. */
static inline float
random_float(uint64_t *state)
{
	return (float) ((int32_t) (random_u64(state) >> 40) - (1 << 23)) * 0x1p-23f;
}

static inline void
random_tensor(const random_image *image, int number, float *values, size_t count, float base,
			  float amplitude)
{
	uint64_t	state = image->seed + (uint64_t) number * UINT64_C(0x632be59bd9b4e019);

	for (size_t i = 0; i < count; i++)
		values[i] = base + amplitude * random_float(&state);
}

/* A zeroed section behind the ones before it; its offset. */
static inline uint64_t
random_section(random_image *image, size_t size)
{
	uint64_t	offset = (image->used + 63) / 64 * 64;

	if (offset + size > image->capacity)
		abort();
	memset(image->memory + offset, 0, size);
	image->used = offset + size;
	return offset;
}

static inline uint64_t
random_floats(random_image *image, int number, size_t count, size_t padded, float base,
			  float amplitude)
{
	uint64_t	offset = random_section(image, padded * sizeof(float));

	random_tensor(image, number, (float *) (image->memory + offset), count, base, amplitude);
	return offset;
}

/* The bits of a value in F16 (no subnormals) or BF16, further digits cut off. */
static inline uint16_t
random_cut(electra_dtype dtype, float value)
{
	uint32_t	bits;
	int			exponent;

	memcpy(&bits, &value, sizeof(bits));
	if (dtype == ELECTRA_BF16)
		return (uint16_t) (bits >> 16);
	exponent = (int) (bits >> 23 & 0xff) - 127;
	if (exponent < -14)
		return (uint16_t) (bits >> 31 << 15);
	return (uint16_t) (bits >> 31 << 15 | (uint32_t) (exponent + 15) << 10 | (bits >> 13 & 0x3ff));
}

/* The values of a matrix or table, cut off as the image wants them. */
static inline float *
random_weights(const random_image *image, int number, size_t count, float amplitude)
{
	float	   *weights = malloc(count * sizeof(float));

	random_tensor(image, number, weights, count, 0.0f, amplitude);
	for (size_t i = 0; i < count && image->cut != ELECTRA_F32; i++)
	{
		uint16_t	bits = random_cut(image->cut, weights[i]);

		electra_widen(image->cut, &bits, 1, &weights[i]);
	}
	return weights;
}

/* Quantizes rows of dim values: (rows, dim) and (rows, ceil(dim/64)). */
static inline void
random_quantize(const float *weights, size_t rows, size_t dim, int8_t *q, float *scales)
{
	size_t		groups = electra_int8_groups((int64_t) dim);

	for (size_t r = 0; r < rows; r++)
	{
		for (size_t g = 0; g < groups; g++)
		{
			size_t		first = g * ELECTRA_INT8_GROUP;
			size_t		count = dim - first < ELECTRA_INT8_GROUP ? dim - first : ELECTRA_INT8_GROUP;

			scales[r * groups + g] = electra_quantize_group(weights + r * dim + first, count,
															q + r * dim + first);
		}
	}
}

/* A table of vectors; in an I8 image those that are not to be quantized stay F32. */
static inline electra_image_table
random_table(random_image *image, int number, int32_t num_rows, int32_t dim, float amplitude,
			 bool quantized)
{
	size_t		count = (size_t) num_rows * dim;
	float	   *weights = random_weights(image, number, count, amplitude);
	electra_image_table table = {.num_rows = num_rows, .dim = dim, .dtype = image->dtype};

	if (image->dtype == ELECTRA_I8 && !quantized)
		table.dtype = ELECTRA_F32;
	table.rows = random_section(image, count * electra_dtype_size(table.dtype));
	if (table.dtype == ELECTRA_I8)
	{
		table.scales = random_section(image, num_rows * electra_int8_groups(dim) * sizeof(float));
		random_quantize(weights, num_rows, dim, (int8_t *) (image->memory + table.rows),
						(float *) (image->memory + table.scales));
	}
	else if (table.dtype == ELECTRA_F32)
		memcpy(image->memory + table.rows, weights, count * sizeof(float));
	else
	{
		for (size_t i = 0; i < count; i++)
			((uint16_t *) (image->memory + table.rows))[i] = random_cut(table.dtype, weights[i]);
	}
	free(weights);
	return table;
}

/* Packs weights (N, K) in the image's dtype at panels. */
static inline void
random_pack(random_image *image, char *panels, const float *weights, int32_t K, int32_t N)
{
	size_t		panel_size = electra_panel_size(image->dtype, K);
	size_t		groups = electra_int8_groups(K);
	int8_t	   *q = malloc((size_t) K);
	float	   *scales = malloc(groups * sizeof(float));
	uint16_t   *narrow = malloc((size_t) K * sizeof(uint16_t));

	for (int32_t n = 0; n < N; n++)
	{
		char	   *panel = panels + (size_t) (n / 32) * panel_size;
		const float *row = weights + (size_t) n * K;

		switch (image->dtype)
		{
			case ELECTRA_I8:
				random_quantize(row, 1, K, q, scales);
				electra_pack_int8_row((electra_int8_group *) panel, n % 32, q, scales, K);
				break;
			case ELECTRA_F32:
				electra_pack_row((float *) panel, n % 32, row, K);
				break;
			default:
				for (int32_t k = 0; k < K; k++)
					narrow[k] = random_cut(image->dtype, row[k]);
				electra_pack_row16((uint16_t *) panel, n % 32, narrow, K);
				break;
		}
	}
	free(narrow);
	free(scales);
	free(q);
}

/* What the weights of a matrix are below. */
static inline float
random_amplitude(int32_t in_dim)
{
	float		amplitude = 1.0f;

	for (int64_t k = 3; k < in_dim; k *= 4)
		amplitude *= 0.5f;
	return amplitude;
}

/* In I8 some channels of a layer that random_linear has made stay out of it. */
static inline void
random_exact(random_image *image, int number, electra_image_linear *linear)
{
	int32_t		K = linear->in_dim;
	int32_t		N = linear->out_dim;
	int32_t		E = K < ELECTRA_EXACT_CHANNELS ? K : ELECTRA_EXACT_CHANNELS;
	size_t		groups = electra_int8_groups(K);
	float	   *weights;
	float	   *exact;

	if (linear->dtype != ELECTRA_I8)
		return;
	weights = random_weights(image, number, (size_t) K * N, random_amplitude(K));
	linear->num_exact = E;
	linear->exact = random_section(image, ((size_t) N + 31) / 32 * 32 * E * sizeof(float));
	exact = (float *) (image->memory + linear->exact);
	for (int32_t e = 0; e < E; e++)
	{
		int32_t		k = linear->exact_channels[e] = e * K / E;

		for (int32_t n = 0; n < N; n++)
		{
			electra_int8_group *group = (electra_int8_group *) (image->memory + linear->panels) +
				(size_t) (n / 32) * groups + k / ELECTRA_INT8_GROUP;
			int8_t	   *packed = &group->weights[k % ELECTRA_INT8_GROUP / 4][n % 32][k % 4];

			exact[(n / 32 * E + e) * 32 + n % 32] = weights[(size_t) n * K + k];
			group->corrections[n % 32] += 128 * *packed;
			*packed = 0;
		}
	}
	free(weights);
}

/* In I8 a layer with a bias that random_linear has made takes inputs above -shift. */
static inline void
random_shift(random_image *image, electra_image_linear *linear, float shift)
{
	electra_int8_group *groups = (electra_int8_group *) (image->memory + linear->panels);
	float	   *bias = (float *) (image->memory + linear->bias);
	size_t		num_groups = electra_int8_groups(linear->in_dim);

	if (linear->dtype != ELECTRA_I8)
		return;
	linear->shift = shift;
	for (int32_t n = 0; n < linear->out_dim; n++)
	{
		double		sum = 0;

		for (size_t g = 0; g < num_groups; g++)
		{
			electra_int8_group *group = &groups[(size_t) (n / 32) * num_groups + g];

			sum += (double) group->scales[n % 32] * (group->corrections[n % 32] / -128);
			group->corrections[n % 32] = 0;
		}
		bias[n] = (float) (bias[n] - (double) shift * sum);
	}
}

/* Weight [out, in] from stream number, bias from number + 1. */
static inline electra_image_linear
random_linear(random_image *image, int number, int32_t in_dim, int32_t out_dim, bool bias)
{
	size_t		padded = ((size_t) out_dim + 31) / 32 * 32;
	electra_image_linear linear = {.in_dim = in_dim, .out_dim = out_dim, .dtype = image->dtype};
	float	   *weights;

	weights = random_weights(image, number, (size_t) in_dim * out_dim, random_amplitude(in_dim));
	linear.panels = random_section(image, padded / 32 * electra_panel_size(image->dtype, in_dim));
	random_pack(image, image->memory + linear.panels, weights, in_dim, out_dim);
	free(weights);
	if (bias)
		linear.bias = random_floats(image, number + 1, out_dim, padded, 0.0f, 0.125f);
	return linear;
}

static inline electra_image_layer_norm
random_norm(random_image *image, int number, int32_t dim)
{
	electra_image_layer_norm norm;

	norm.weight = random_floats(image, number, dim, dim, 1.0f, 0.5f);
	norm.bias = random_floats(image, number + 1, dim, dim, 0.0f, 0.25f);
	return norm;
}

static inline void
random_layer(random_image *image, electra_image_layer *layer, int number, const electra_config *config)
{
	int32_t		hidden_dim = config->hidden_dim;

	layer->query = random_linear(image, number, hidden_dim, hidden_dim, true);
	layer->key = random_linear(image, number + 2, hidden_dim, hidden_dim, true);
	layer->value = random_linear(image, number + 4, hidden_dim, hidden_dim, true);
	layer->attention_output = random_linear(image, number + 6, hidden_dim, hidden_dim, true);
	layer->attention_norm = random_norm(image, number + 8, hidden_dim);
	layer->intermediate = random_linear(image, number + 10, hidden_dim, config->intermediate_dim, true);
	layer->output = random_linear(image, number + 12, config->intermediate_dim, hidden_dim, true);
	layer->output_norm = random_norm(image, number + 14, hidden_dim);
	random_exact(image, number, &layer->query);
	random_exact(image, number + 2, &layer->key);
	random_exact(image, number + 4, &layer->value);
	random_exact(image, number + 10, &layer->intermediate);
	random_exact(image, number + 12, &layer->output);
	if (config->activation == ELECTRA_GELU)
		random_shift(image, &layer->output, 0.1701f);
}

/* More than enough bytes for everything. */
static inline size_t
random_capacity(const electra_config *config)
{
	size_t		hidden = (size_t) config->hidden_dim + 64;
	size_t		embedding = (size_t) config->embedding_dim + 64;
	size_t		floats = ((size_t) config->vocab_size + config->max_sequence_length +
						  config->num_segments + hidden) * embedding;

	floats += (size_t) config->num_layers * (hidden * (4 * hidden + 2 * ((size_t) config->intermediate_dim + 64)) +
											 24 * hidden + 4 * (size_t) config->intermediate_dim);
	if (config->has_pooler)
		floats += hidden * hidden;
	for (int m = 0; m < config->num_modules; m++)
		floats += ((size_t) config->modules[m].in_dim + 64) * ((size_t) config->modules[m].out_dim + 64);
	return floats * sizeof(float) + (size_t) config->num_layers * (sizeof(electra_image_layer) + 4096) +
		sizeof(electra_image_header) + 16384;
}

/* With values cut off to what another dtype holds before they are stored in config->dtype. */
static inline random_image *
random_image_create_cut(const electra_config *config, uint64_t seed, electra_dtype cut)
{
	random_image *image = calloc(1, sizeof(*image));
	electra_image_header *header;
	electra_image_layer *layers;

	image->seed = seed;
	image->dtype = config->dtype;
	image->cut = cut;
	image->capacity = random_capacity(config);
	image->memory = allocate_aligned(image->capacity);
	header = (electra_image_header *) (image->memory + random_section(image, sizeof(*header)));
	header->config = *config;
	header->layers = random_section(image, (size_t) config->num_layers * sizeof(*layers));
	layers = (electra_image_layer *) (image->memory + header->layers);
	header->word_embeddings = random_table(image, RANDOM_WORDS, config->vocab_size,
										   config->embedding_dim, 0.5f, true);
	header->position_embeddings = random_table(image, RANDOM_POSITIONS, config->max_sequence_length,
											   config->embedding_dim, 0.25f, false);
	header->segment_embeddings = random_table(image, RANDOM_SEGMENTS, config->num_segments,
											  config->embedding_dim, 0.25f, false);
	header->embedding_norm = random_norm(image, RANDOM_EMBEDDING_NORM, config->embedding_dim);
	if (config->embedding_dim != config->hidden_dim)
		header->projection = random_linear(image, RANDOM_PROJECTION, config->embedding_dim,
										   config->hidden_dim, true);
	if (config->has_pooler)
		header->pooler = random_linear(image, RANDOM_POOLER, config->hidden_dim, config->hidden_dim, true);
	for (int32_t l = 0; l < config->num_layers; l++)
		random_layer(image, &layers[l], RANDOM_LAYER(l), config);
	for (int32_t m = 0; m < config->num_modules; m++)
		if (config->modules[m].kind == ELECTRA_MODULE_DENSE)
			header->modules[m] = random_linear(image, RANDOM_MODULE(m), config->modules[m].in_dim,
											   config->modules[m].out_dim, config->modules[m].has_bias);
	header->size = image->used;
	image->model.header = header;
	image->model.layers = layers;
	return image;
}

/* In F16 and BF16 the values are cut off to that dtype. */
static inline random_image *
random_image_create(const electra_config *config, uint64_t seed)
{
	return random_image_create_cut(config, seed,
								   config->dtype == ELECTRA_I8 ? ELECTRA_F32 : config->dtype);
}

static inline void
random_image_free(random_image *image)
{
	free(image->memory);
	free(image);
}

/* A shape with mean pooling and nothing behind it. */
static inline electra_config
random_config(int32_t layers, int32_t heads, int32_t hidden_dim, int32_t embedding_dim,
			  int32_t intermediate_dim, int32_t positions)
{
	electra_config config = {
		.numerics_version = ELECTRA_NUMERICS_VERSION,
		.vocab_size = 500,
		.num_layers = layers,
		.num_heads = heads,
		.hidden_dim = hidden_dim,
		.embedding_dim = embedding_dim,
		.intermediate_dim = intermediate_dim,
		.max_sequence_length = positions,
		.num_segments = 2,
		.layer_norm_eps = 1e-12,
		.num_modules = 1,
		.modules = {{ELECTRA_MODULE_POOLING, ELECTRA_IDENTITY, hidden_dim, hidden_dim, false}},
		.pooling_modes = ELECTRA_POOL_MEAN,
		.max_length = positions
	};

	return config;
}

/* Token ids of the whole vocabulary in a fixed random order. */
static inline void
random_token_ids(const electra_config *config, uint64_t seed, int32_t *ids, int32_t count)
{
	uint64_t	state = seed;

	for (int32_t t = 0; t < count; t++)
		ids[t] = (int32_t) (random_u64(&state) % (uint64_t) config->vocab_size);
}

/*
 * Ways to mask a sequence, as make_encoder_golden.py numbers them: nothing,
 * the last third, the first two tokens, every third token.
 */
#define RANDOM_NUM_MASKS 4

static inline uint8_t
random_mask_bit(int kind, int32_t t, int32_t count)
{
	const bool	live[RANDOM_NUM_MASKS] = {true, t < count - count / 3, t >= 2, t % 3 != 1};

	return live[kind];
}

#endif							/* ELECTRA_RANDOM_IMAGE_H */

/*
 * The image: what backends map.  Derived from an archive, position-independent
 * and the same on every CPU: weights packed into panels for the kernels,
 * embedding tables, the vocabulary's automaton, the configuration.
 *
 * Weights stay in the dtype that the archive stores: F16 and BF16 are widened,
 * exactly, where a kernel loads them; I8 is multiplied as it is.
 *
 * An image is written front to back (sections in the order of the archive's
 * tensors, each aligned to 64 bytes), its header last.
 */
#ifndef ELECTRA_IMAGE_H
#define ELECTRA_IMAGE_H

#include "archive.h"

#define ELECTRA_IMAGE_VERSION 3
#define ELECTRA_IMAGE_ALIGNMENT 64

/* Output columns of one panel of a packed matrix. */
#define ELECTRA_PANEL_COLUMNS 32

/*
 * 64 k of 32 columns in int8.  The weight (k, n) is weights[k / 4][n][k % 4] *
 * scales[n]; what lies behind in_dim or out_dim is zero.
 */
typedef struct electra_int8_group
{
	int8_t		weights[ELECTRA_INT8_GROUP / 4][ELECTRA_PANEL_COLUMNS][4];	/* -127 … 127 */
	int32_t		corrections[ELECTRA_PANEL_COLUMNS]; /* -128 * the sum of a
													 * column's weights: for
													 * kernels that add 128 to
													 * activations; 0 for inputs
													 * without a sign */
	float		scales[ELECTRA_PANEL_COLUMNS];
} electra_int8_group;

/*
 * A packed matrix of in_dim rows (K) and out_dim columns (N): panel p holds
 * the columns 32p … 32p+31.  In F32, F16 and BF16 it is K groups of 32
 * elements, so element (k, n) is panels[(n / 32) * K * 32 + k * 32 + n % 32];
 * in I8, ceil(K/64) electra_int8_group.  Columns behind out_dim are zero.  All
 * offsets are relative to the image's first byte.
 */
typedef struct electra_image_linear
{
	uint64_t	panels;			/* offset of (ceil(N/32), K, 32) elements or
								 * (ceil(N/32), ceil(K/64)) groups */
	uint64_t	bias;			/* offset of (ceil(N/32) * 32) floats, zero
								 * behind out_dim; 0: no bias */
	int32_t		in_dim;
	int32_t		out_dim;
	int32_t		dtype;			/* electra_dtype of the panels */

	/*
	 * I8 only.  Channels of the input that stay out of int8: they count as
	 * -shift when it is quantized, their weights in the panels are 0, and a sum
	 * starts with fma(x[channel], weight, sum), ascending, from 0.
	 */
	int32_t		num_exact;		/* 0: none */
	int32_t		exact_channels[ELECTRA_EXACT_CHANNELS]; /* ascending */
	uint64_t	exact;			/* offset of (ceil(N/32), num_exact, 32) floats;
								 * 0: none */

	/*
	 * I8 only.  Above 0: no input is below -shift; x + shift is quantized
	 * without a sign (0 … 255), the corrections are 0, and bias has what that
	 * adds taken off.
	 */
	float		shift;
} electra_image_linear;

/* A table of vectors: words, positions, segments. */
typedef struct electra_image_table
{
	uint64_t	rows;			/* offset of (num_rows, dim) elements */
	uint64_t	scales;			/* I8: offset of (num_rows, ceil(dim/64)) floats;
								 * else 0 */
	int32_t		num_rows;
	int32_t		dim;
	int32_t		dtype;			/* electra_dtype of the rows */
} electra_image_table;

typedef struct electra_image_layer_norm
{
	uint64_t	weight;			/* offset of (dim) floats */
	uint64_t	bias;
} electra_image_layer_norm;

typedef struct electra_image_layer
{
	electra_image_linear query;
	electra_image_linear key;
	electra_image_linear value;
	electra_image_linear attention_output;
	electra_image_layer_norm attention_norm;
	electra_image_linear intermediate;
	electra_image_linear output;
	electra_image_layer_norm output_norm;
} electra_image_layer;

typedef struct electra_image_header
{
	char		magic[16];		/* "electra image\n" */
	uint32_t	version;
	uint32_t	header_size;	/* sizeof(electra_image_header): another
								 * compiler's layout is another image */
	uint64_t	size;			/* of the whole image */
	uint8_t		digest[ELECTRA_DIGEST_SIZE];	/* of the archive */
	uint8_t		content_digest[ELECTRA_DIGEST_SIZE];	/* of everything behind
														 * the header
														 * (content_digest.h) */
	uint8_t		header_digest[ELECTRA_DIGEST_SIZE]; /* SHA-256 of this header,
													 * these bytes being zero */
	electra_config config;
	electra_image_table word_embeddings;	/* (vocab_size, embedding_dim) */
	electra_image_table position_embeddings;	/* (max_sequence_length, embedding_dim) */
	electra_image_table segment_embeddings; /* (num_segments, embedding_dim) */
	electra_image_layer_norm embedding_norm;
	electra_image_linear projection;	/* panels 0: none */
	electra_image_linear pooler;	/* panels 0: none (!config.has_pooler) */
	uint64_t	layers;			/* offset of electra_image_layer[num_layers] */
	electra_image_linear modules[ELECTRA_MAX_MODULES];	/* of Dense modules */
	uint64_t	vocabulary;		/* offset; see vocabulary.h */
	uint64_t	vocabulary_size;	/* bytes */
} electra_image_header;

/* Where an image goes.  write delivers all bytes or fails; offsets ascend but for the header at 0. */
typedef struct electra_sink
{
	electra_status (*write) (void *context, uint64_t offset, const void *data, size_t size,
							 electra_error *error);
	void	   *context;
} electra_sink;

/*
 * An upper bound of the image's size in bytes, for allocating the file before
 * anything is written.
 */
extern uint64_t electra_image_max_size(const electra_archive *archive);

/*
 * Builds an image out of an opened archive, reading it to its end; size
 * receives the image's size.  Refuses weights that are not finite, a
 * vocabulary that breaks archive.h's rules, and (ELECTRA_CORRUPT) an archive
 * whose digest is not the expected one (NULL: any).  Peak memory: one panel of
 * the widest matrix, the vocabulary, and its automaton; in I8 also the scales
 * of the packed matrices (a sixteenth of their bytes), which an archive holds
 * before all of them.
 */
extern electra_status electra_image_build(electra_archive_reader *reader,
										  const uint8_t *expected_digest,
										  const electra_sink *sink, uint64_t *size,
										  const electra_allocator *memory,
										  const electra_poll *poll, electra_error *error);

/* A mapped image, as the encoder and the tokenizer use it. */
typedef struct electra_model
{
	const electra_image_header *header; /* at the image's first byte */
	const electra_image_layer *layers;	/* (num_layers) */
} electra_model;

/*
 * Checks magic, version, sizes, header_digest and that every offset lies
 * inside; makes the view.  Constant time: the content is not read.
 * ELECTRA_CORRUPT where any of it is wrong.
 */
extern electra_status electra_model_open(electra_model *model, const void *image, size_t size,
										 electra_error *error);

/* Compares the content with content_digest: reads the whole image. */
extern electra_status electra_model_verify(const electra_model *model, const electra_poll *poll,
										   electra_error *error);

static inline const electra_config *
electra_model_config(const electra_model *model)
{
	return &model->header->config;
}

static inline const float *
electra_model_floats(const electra_model *model, uint64_t offset)
{
	return (const float *) ((const char *) model->header + offset);
}

/* Groups of int8 in a row of K. */
static inline size_t
electra_int8_groups(int64_t K)
{
	return ((size_t) K + ELECTRA_INT8_GROUP - 1) / ELECTRA_INT8_GROUP;
}

/* Bytes of one panel of K inputs in F32, F16, BF16 or I8. */
static inline size_t
electra_panel_size(electra_dtype dtype, int64_t K)
{
	if (dtype == ELECTRA_I8)
		return electra_int8_groups(K) * sizeof(electra_int8_group);
	return (size_t) K * ELECTRA_PANEL_COLUMNS * electra_dtype_size(dtype);
}

/* Packs one row of weights (K inputs of output column) into a panel; see electra_image_linear. */
static inline void
electra_pack_row(float *panel /* (K, 32) */ , int column, const float *row /* (K) */ , int64_t K)
{
	for (int64_t k = 0; k < K; k++)
		panel[k * ELECTRA_PANEL_COLUMNS + column] = row[k];
}

/* The same in F16 and BF16. */
static inline void
electra_pack_row16(uint16_t *panel /* (K, 32) */ , int column, const uint16_t *row /* (K) */ ,
				   int64_t K)
{
	for (int64_t k = 0; k < K; k++)
		panel[k * ELECTRA_PANEL_COLUMNS + column] = row[k];
}

/*
 * The same in I8, with the column's corrections and scales.  What lies behind
 * K, and columns behind out_dim, must be zero before.
 */
static inline void
electra_pack_int8_row(electra_int8_group *groups /* (ceil(K/64)) */ , int column,
					  const int8_t *row /* (K) */ , const float *scales /* (ceil(K/64)) */ , int64_t K)
{
	for (int64_t first = 0; first < K; first += ELECTRA_INT8_GROUP)
	{
		electra_int8_group *group = &groups[first / ELECTRA_INT8_GROUP];
		int			count = K - first < ELECTRA_INT8_GROUP ? (int) (K - first) : ELECTRA_INT8_GROUP;
		int32_t		sum = 0;

		for (int k = 0; k < count; k++)
		{
			group->weights[k / 4][column][k % 4] = row[first + k];
			sum += row[first + k];
		}
		group->corrections[column] = -128 * sum;
		group->scales[column] = scales[first / ELECTRA_INT8_GROUP];
	}
}

#endif							/* ELECTRA_IMAGE_H */

/*
 * Attention, head by head: keys and values of a head are packed into panels
 * like weights, so that scores and weighted sums are the matrix product of
 * gemm.h and follow its rule of one accumulator an element.
 *
 * Queries come in blocks of one tile, whose scores over all keys fit the
 * first-level cache; so the softmax is the plain one.  Its division is done
 * on the weighted sum, which has head_dim elements instead of num_keys.
 *
 * Masked keys are not packed.  So what is live has the bits that it has without
 * padding; and it is what adding a large negative number to masked scores
 * (Keras, transformers) gives, whose exponential is 0.
 */
#include "attention.h"

#include <string.h>

#include "image.h"

/* Keys that are packed at a time: half a panel. */
#define PACKED_KEYS 16

/* k of a tile at most: between two of them the computation can be stopped. */
#define DEPTH_BLOCK 512

static size_t
round_up(size_t n)
{
	return (n + ELECTRA_PANEL_COLUMNS - 1) / ELECTRA_PANEL_COLUMNS * ELECTRA_PANEL_COLUMNS;
}

/* Of the scores; the padding keeps their rows from sharing one set of a cache. */
static size_t
score_stride(size_t length)
{
	return round_up(length) + 16;
}

static bool
is_key(const electra_attention_call *call, size_t s)
{
	return call->padding_mask == NULL || call->padding_mask[s] != 0;
}

static size_t
count_keys(const electra_attention_call *call)
{
	size_t		count = 0;

	for (size_t s = 0; s < call->length; s++)
		count += is_key(call, s);
	return count;
}

/* Keys as columns: (ceil(num_keys / 32), head_dim, 32), zero behind the last key. */
static void
pack_keys(const electra_attention_call *call, const float *key, float *panels)
{
	const electra_kernel_table *kernels = electra_kernels();
	const float *rows[PACKED_KEYS];
	size_t		count = 0;
	size_t		packed = 0;

	for (size_t s = 0; s < call->length; s++)
	{
		size_t		column = packed % ELECTRA_PANEL_COLUMNS;

		if (is_key(call, s))
			rows[count++] = key + s * call->stride;
		if (count == 0 || (count < PACKED_KEYS && s + 1 < call->length))
			continue;
		kernels->pack_columns(panels + (packed - column) * call->head_dim + column, rows, count,
							  call->head_dim);
		packed += count;
		count = 0;
	}
	/* the other half of the last panel */
	packed = (packed + PACKED_KEYS - 1) / PACKED_KEYS * PACKED_KEYS;
	if (packed % ELECTRA_PANEL_COLUMNS != 0)
		kernels->pack_columns(panels + packed / ELECTRA_PANEL_COLUMNS * ELECTRA_PANEL_COLUMNS *
							  call->head_dim + PACKED_KEYS, rows, 0, call->head_dim);
}

/* Components as columns: (ceil(head_dim / 32), num_keys, 32), zero behind the last one. */
static void
pack_values(const electra_attention_call *call, const float *value, float *panels)
{
	for (size_t column = 0; column < call->head_dim; column += ELECTRA_PANEL_COLUMNS)
	{
		size_t		left = call->head_dim - column;

		for (size_t s = 0; s < call->length; s++)
		{
			const float *row = value + s * call->stride + column;

			if (!is_key(call, s))
				continue;
			/* of a constant size it is a few instructions */
			if (left >= ELECTRA_PANEL_COLUMNS)
				memcpy(panels, row, ELECTRA_PANEL_COLUMNS * sizeof(float));
			else
			{
				memcpy(panels, row, left * sizeof(float));
				memset(panels + left, 0, (ELECTRA_PANEL_COLUMNS - left) * sizeof(float));
			}
			panels += ELECTRA_PANEL_COLUMNS;
		}
	}
}

/* What one head's queries meet. */
typedef struct packed_head
{
	size_t		num_keys;
	const float *keys;
	const float *values;
	float	   *scores;			/* (ELECTRA_MAX_TILE_ROWS, score_stride) */
} packed_head;

/*
 * y = x times packed columns, for the rows of one tile: electra_gemm without
 * what its caches and many rows need.
 */
static bool
multiply(electra_tile_function function, size_t rows, electra_tile *tile, const float *panels,
		 size_t depth, size_t out_dim, electra_pacer *pacer)
{
	const float *x = tile->x;
	float	   *y = tile->y;

	for (size_t column = 0; column < out_dim; column += ELECTRA_PANEL_COLUMNS)
	{
		size_t		left = out_dim - column;

		tile->panel = panels + column * depth;
		tile->columns = left < ELECTRA_PANEL_COLUMNS ? (int) left : ELECTRA_PANEL_COLUMNS;
		tile->y = y + column;
		for (size_t k = 0; k < depth; k += tile->depth)
		{
			tile->x = x + k;
			tile->depth = depth - k < DEPTH_BLOCK ? depth - k : DEPTH_BLOCK;
			if (electra_pacer_stop(pacer, rows * tile->depth * ELECTRA_PANEL_COLUMNS))
				return false;
			tile->resume = k > 0;
			function(tile);
			tile->panel += tile->depth * ELECTRA_PANEL_COLUMNS;
		}
	}
	return true;
}

/* One head of a block of queries: context = softmax(query keys) values. */
static bool
attend(const electra_attention_call *call, const packed_head *head, size_t first_row, size_t rows,
	   size_t first_column, electra_pacer *pacer)
{
	const electra_kernel_table *kernels = electra_kernels();
	size_t		stride = score_stride(head->num_keys);
	float	   *context = call->context + first_row * call->context_stride + first_column;
	float		inverse[ELECTRA_MAX_TILE_ROWS];
	electra_tile score_tile = {
		.x = call->query + first_row * call->stride + first_column,
		.x_stride = call->stride,
		.y = head->scores,
		.y_stride = stride
	};
	electra_tile value_tile = {
		.x = head->scores,
		.x_stride = stride,
		.y = context,
		.y_stride = call->context_stride
	};

	if (!multiply(kernels->tiles[rows - 1], rows, &score_tile, head->keys, call->head_dim,
				  head->num_keys, pacer) ||
		electra_pacer_stop(pacer, rows * head->num_keys * ELECTRA_SOFTMAX_WORK))
		return false;
	kernels->softmax(head->scores, rows, head->num_keys, stride, inverse);
	if (!multiply(kernels->tiles[rows - 1], rows, &value_tile, head->values, head->num_keys,
				  call->head_dim, pacer))
		return false;
	for (size_t r = 0; r < rows; r++)
		kernels->scale(context + r * call->context_stride, call->head_dim, inverse[r]);
	return true;
}

size_t
electra_attention_workspace(size_t length, size_t head_dim)
{
	return round_up(length) * head_dim + length * round_up(head_dim) +
		ELECTRA_MAX_TILE_ROWS * score_stride(length);
}

bool
electra_attention(const electra_attention_call *call, electra_pacer *pacer)
{
	size_t		num_keys = count_keys(call);
	float	   *keys = call->workspace;
	float	   *values = keys + round_up(num_keys) * call->head_dim;
	packed_head packed = {
		.num_keys = num_keys,
		.keys = keys,
		.values = values,
		.scores = values + num_keys * round_up(call->head_dim)
	};
	size_t		num_blocks = electra_num_pieces(call->length,
												(size_t) electra_kernels()->tile_rows);

	for (size_t head = 0; head < call->num_heads; head++)
	{
		size_t		column = head * call->head_dim;
		size_t		row = 0;

		pack_keys(call, call->key + column, keys);
		pack_values(call, call->value + column, values);
		for (size_t b = 0; b < num_blocks; b++)
		{
			size_t		rows = electra_piece(call->length, num_blocks, b);

			if (!attend(call, &packed, row, rows, column, pacer))
				return false;
			row += rows;
		}
	}
	return true;
}

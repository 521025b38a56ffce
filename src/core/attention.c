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
pack_keys(const electra_attention_call *call, size_t num_keys, const float *key, float *panels)
{
	size_t		next = 0;

	for (size_t s = 0; s < call->length; s++)
	{
		size_t		column = next % ELECTRA_PANEL_COLUMNS;

		if (!is_key(call, s))
			continue;
		electra_pack_row(panels + (next - column) * call->head_dim, (int) column,
						 key + s * call->stride, (int64_t) call->head_dim);
		next++;
	}
	for (; next < round_up(num_keys); next++)
	{
		size_t		column = next % ELECTRA_PANEL_COLUMNS;
		float	   *panel = panels + (next - column) * call->head_dim;

		for (size_t k = 0; k < call->head_dim; k++)
			panel[k * ELECTRA_PANEL_COLUMNS + column] = 0.0f;
	}
}

/* Components as columns: (ceil(head_dim / 32), num_keys, 32), zero behind the last one. */
static void
pack_values(const electra_attention_call *call, const float *value, float *panels)
{
	for (size_t column = 0; column < call->head_dim; column += ELECTRA_PANEL_COLUMNS)
	{
		size_t		left = call->head_dim - column;
		size_t		columns = left < ELECTRA_PANEL_COLUMNS ? left : ELECTRA_PANEL_COLUMNS;

		for (size_t s = 0; s < call->length; s++)
		{
			if (!is_key(call, s))
				continue;
			memcpy(panels, value + s * call->stride + column, columns * sizeof(float));
			memset(panels + columns, 0, (ELECTRA_PANEL_COLUMNS - columns) * sizeof(float));
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

/* One head of a block of queries: context = softmax(query keys) values. */
static bool
attend(const electra_attention_call *call, const packed_head *head, size_t first_row, size_t rows,
	   size_t first_column, electra_pacer *pacer)
{
	const electra_kernel_table *kernels = electra_kernels();
	size_t		stride = score_stride(head->num_keys);
	float	   *context = call->context + first_row * call->context_stride + first_column;
	float		inverse[ELECTRA_MAX_TILE_ROWS];
	electra_gemm_call score_call = {
		.x = call->query + first_row * call->stride + first_column,
		.x_stride = call->stride,
		.rows = rows,
		.panels = head->keys,
		.in_dim = call->head_dim,
		.out_dim = head->num_keys,
		.y = head->scores,
		.y_stride = stride
	};
	electra_gemm_call value_call = {
		.x = head->scores,
		.x_stride = stride,
		.rows = rows,
		.panels = head->values,
		.in_dim = head->num_keys,
		.out_dim = call->head_dim,
		.y = context,
		.y_stride = call->context_stride
	};

	if (!electra_gemm(&score_call, pacer) ||
		electra_pacer_stop(pacer, rows * head->num_keys * ELECTRA_SOFTMAX_WORK))
		return false;
	for (size_t r = 0; r < rows; r++)
		inverse[r] = kernels->softmax(head->scores + r * stride, head->num_keys);
	if (!electra_gemm(&value_call, pacer))
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

		pack_keys(call, num_keys, call->key + column, keys);
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

/*
 * Operations on rows: sums, LayerNorm, softmax, and what pooling needs.
 *
 * Reductions run in sixteen lanes: lane i takes the elements i, i + 16, … in
 * this order; the elements that the last step lacks count as 0 (-infinity for
 * a maximum); then lanes_sum's tree.
 *
 * Included after a lanes_….h and vector_math.h.
 */
#ifndef ELECTRA_ROW_KERNELS_H
#define ELECTRA_ROW_KERNELS_H

#include <math.h>

#include "kernel_table.h"

/* Up to sixteen elements, the rest 0; stores as many. */
LANES_INLINE lanes
row_load(const float *x, size_t left)
{
	return left >= 16 ? lanes_load(x) : lanes_load_tail(x, left, lanes_set(0.0f));
}

LANES_INLINE void
row_store(float *x, lanes values, size_t left)
{
	if (left >= 16)
		lanes_store(x, values);
	else
		lanes_store_tail(x, values, left);
}

static LANES_TARGET void
row_add3(float *sum, const float *a, const float *b, const float *c, size_t n)
{
	for (size_t i = 0; i < n; i += 16)
	{
		lanes		two = lanes_add(row_load(a + i, n - i), row_load(b + i, n - i));

		row_store(sum + i, lanes_add(two, row_load(c + i, n - i)), n - i);
	}
}

static LANES_TARGET void
row_scale(float *x, size_t n, float factor)
{
	for (size_t i = 0; i < n; i += 16)
		row_store(x + i, lanes_mul(row_load(x + i, n - i), lanes_set(factor)), n - i);
}

static LANES_TARGET float
row_dot(const float *a, const float *b, size_t n)
{
	lanes		sum = lanes_set(0.0f);

	for (size_t i = 0; i < n; i += 16)
		sum = lanes_fma(row_load(a + i, n - i), row_load(b + i, n - i), sum);
	return lanes_sum(sum);
}

#if defined(__GNUC__)
#define ROW_PREFETCH(address) __builtin_prefetch(address)
#else
#define ROW_PREFETCH(address) ((void) (address))
#endif

/*
 * Both sums at once: b comes from memory that is read only once.  A cache line
 * of ahead is asked for with each one that is used up, which keeps memory busy
 * without a burst.
 */
static LANES_TARGET void
row_products(double *ab, double *bb, const float *a, const float *b, const float *ahead, size_t n)
{
	wide_lanes	ab_sum = wide_zero();
	wide_lanes	bb_sum = wide_zero();
	size_t		whole = n / 16 * 16;

	for (size_t i = 0; i < whole; i += 16)
	{
		wide_lanes	b_values = wide_load(b + i);

		ROW_PREFETCH(ahead + i);
		ab_sum = wide_add_product(wide_load(a + i), b_values, ab_sum);
		bb_sum = wide_add_product(b_values, b_values, bb_sum);
	}
	if (whole < n)
	{
		wide_lanes	b_values = wide_load_tail(b + whole, n - whole);

		ab_sum = wide_add_product(wide_load_tail(a + whole, n - whole), b_values, ab_sum);
		bb_sum = wide_add_product(b_values, b_values, bb_sum);
	}
	*ab = wide_sum(ab_sum);
	*bb = wide_sum(bb_sum);
}

/*
 * Biased variance around the mean, in two passes, as torch and Keras define
 * it.  1 / sqrt is one square root and one division, both correctly rounded.
 */
static LANES_TARGET void
row_layer_norm(float *x, const float *residual, const float *weight, const float *bias,
			   size_t dim, float epsilon)
{
	lanes		sum = lanes_set(0.0f);
	lanes		squares = lanes_set(0.0f);
	size_t		whole = dim / 16 * 16;
	lanes		mean;
	lanes		inverse;

	for (size_t i = 0; i < dim; i += 16)
	{
		lanes		value = row_load(x + i, dim - i);

		if (residual != NULL)
		{
			value = lanes_add(value, row_load(residual + i, dim - i));
			row_store(x + i, value, dim - i);
		}
		sum = lanes_add(sum, value);
	}
	mean = lanes_set(lanes_sum(sum) / (float) dim);

	for (size_t i = 0; i < whole; i += 16)
	{
		lanes		centered = lanes_sub(lanes_load(x + i), mean);

		squares = lanes_fma(centered, centered, squares);
	}
	if (whole < dim)
	{
		/* what is missing is the mean, so that its distance is 0 */
		lanes		centered = lanes_sub(lanes_load_tail(x + whole, dim - whole, mean), mean);

		squares = lanes_fma(centered, centered, squares);
	}
	inverse = lanes_set(1.0f / sqrtf(lanes_sum(squares) / (float) dim + epsilon));

	for (size_t i = 0; i < dim; i += 16)
	{
		size_t		left = dim - i;
		lanes		normal = lanes_mul(lanes_sub(row_load(x + i, left), mean), inverse);

		row_store(x + i, lanes_fma(normal, row_load(weight + i, left), row_load(bias + i, left)),
				  left);
	}
}

/* The same vector of count rows, starting at x; elements behind the end are rest. */
LANES_INLINE void
row_load_each(lanes *values, const float *x, size_t stride, size_t left, lanes rest, const int count)
{
	LANES_EACH
		values[i] = left >= 16 ? lanes_load(x + i * stride) : lanes_load_tail(x + i * stride, left, rest);
}

/* Elements behind the end are -infinity: their exponential is 0. */
LANES_FUNCTION void
row_softmax_each(float *x, size_t stride, size_t n, float *inverse, const int count)
{
	lanes		lowest = lanes_set(-INFINITY);
	lanes		largest[LANES_CHAINS];
	lanes		sums[LANES_CHAINS];
	lanes		values[LANES_CHAINS];

	LANES_EACH
	{
		largest[i] = lowest;
		sums[i] = lanes_set(0.0f);
	}
	for (size_t k = 0; k < n; k += 16)
	{
		row_load_each(values, x + k, stride, n - k, lowest, count);
		LANES_EACH
			largest[i] = lanes_max(values[i], largest[i]);
	}
	LANES_EACH
		largest[i] = lanes_set(lanes_largest(largest[i]));

	for (size_t k = 0; k < n; k += 16)
	{
		row_load_each(values, x + k, stride, n - k, lowest, count);
		LANES_EACH
			values[i] = lanes_sub(values[i], largest[i]);
		lanes_exp(values, count);
		LANES_EACH
		{
			row_store(x + i * stride + k, values[i], n - k);
			sums[i] = lanes_add(sums[i], values[i]);
		}
	}
	LANES_EACH
		inverse[i] = 1.0f / lanes_sum(sums[i]);
}

static LANES_TARGET void
row_softmax(float *x, size_t rows, size_t n, size_t stride, float *inverse)
{
	size_t		r = 0;

	for (; r + LANES_CHAINS <= rows; r += LANES_CHAINS)
		row_softmax_each(x + r * stride, stride, n, inverse + r, LANES_CHAINS);
#if LANES_CHAINS > 2
	if (r + 2 <= rows)
	{
		row_softmax_each(x + r * stride, stride, n, inverse + r, 2);
		r += 2;
	}
#endif
	if (r < rows)
		row_softmax_each(x + r * stride, stride, n, inverse + r, 1);
}

/* Sixteen elements of sixteen rows at a time where the set can turn a square. */
static LANES_TARGET void
row_pack_columns(float *panel, const float *const *rows, size_t count, size_t n)
{
	size_t		whole = 0;

#ifdef LANES_TRANSPOSE
	for (; whole + 16 <= n; whole += 16)
	{
		lanes		square[16];

		TILE_UNROLL
			for (int r = 0; r < 16; r++)
			square[r] = (size_t) r < count ? lanes_load(rows[r] + whole) : lanes_set(0.0f);
		lanes_transpose(square);
		TILE_UNROLL
			for (int k = 0; k < 16; k++)
			lanes_store(panel + (whole + k) * ELECTRA_PANEL_COLUMNS, square[k]);
	}
#endif
	for (size_t k = whole; k < n; k++)
	{
		float	   *columns = panel + k * ELECTRA_PANEL_COLUMNS;

		for (size_t c = 0; c < 16; c++)
			columns[c] = c < count ? rows[c][k] : 0.0f;
	}
}

/*
 * Here the lanes are rows: row t belongs to accumulator t % 16, for sixteen
 * columns at a time.
 */
static LANES_TARGET void
row_sum_rows(float *sum, const float *x, size_t rows, size_t dim, float first_weight, float step)
{
	for (size_t i = 0; i < dim; i += 16)
	{
		size_t		left = dim - i;
		lanes		sums[16];

		for (int lane = 0; lane < 16; lane++)
			sums[lane] = lanes_set(0.0f);
		for (size_t t = 0; t < rows; t++)
			sums[t % 16] = lanes_fma(lanes_set(first_weight + (float) t * step),
									 row_load(x + t * dim + i, left), sums[t % 16]);
		for (int half = 8; half > 0; half /= 2)
			for (int lane = 0; lane < half; lane++)
				sums[lane] = lanes_add(sums[lane], sums[lane + half]);
		row_store(sum + i, sums[0], left);
	}
}

/* -infinity where there are no rows. */
static LANES_TARGET void
row_largest_rows(float *largest, const float *x, size_t rows, size_t dim)
{
	for (size_t i = 0; i < dim; i += 16)
	{
		size_t		left = dim - i;
		lanes		best = lanes_set(-INFINITY);

		for (size_t t = 0; t < rows; t++)
			best = lanes_max(row_load(x + t * dim + i, left), best);
		row_store(largest + i, best, left);
	}
}

/* 0 times a finite number is 0, times NaN or infinity it is NaN. */
static LANES_TARGET bool
row_all_finite(const float *x, size_t n)
{
	lanes		zero = lanes_set(0.0f);
	lanes		sum = zero;

	for (size_t i = 0; i < n; i += 16)
		sum = lanes_fma(row_load(x + i, n - i), zero, sum);
	return lanes_sum(sum) == 0.0f;
}

#endif							/* ELECTRA_ROW_KERNELS_H */

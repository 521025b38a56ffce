/*
 * The kernels of int8, over sixteen lanes: tiles of the product and what
 * quantizes their operands.
 *
 * In a tile every output element is one float accumulator; groups ascend, and
 * each adds its exact int32 sum times the product of the two scales with one
 * fused multiply-add.  How the int32 sums are made is the set's own affair.
 *
 * Included after a lanes_….h and an int8_lanes_….h by each int8_….c, with INT8_ROWS (the tallest tile), INT8_VECTORS (1 or 2: how many
 * vectors of 16 columns are done at once) and INT8_TABLE (the variable of
 * int8_table.h to define) defined.
 */
#ifndef ELECTRA_INT8_KERNELS_H
#define ELECTRA_INT8_KERNELS_H

#include "image.h"
#include "int8_table.h"
#include "quantize.h"
#include "tile_loops.h"

#define INT8_STEPS (ELECTRA_INT8_GROUP / 4)

/* 1.5 * 2^23: added to a float below 2^22 it leaves the nearest integer in the low bits. */
#define INT8_MAGIC 12582912.0f

/* Adds up a group: sums[r][v] of the columns first + 16v …, over steps times four k. */
LANES_INLINE void
int8_group_sums(const electra_int8_tile *tile, const electra_int8_group *group, const char *x,
				const char *ahead, const int rows, const int first, const int steps,
				int8_sums sums[INT8_ROWS][INT8_VECTORS])
{
	TILE_UNROLL
		for (int r = 0; r < rows; r++)
	{
		TILE_UNROLL
			for (int v = 0; v < INT8_VECTORS; v++)
			sums[r][v] = int8_start(group->corrections + first + 16 * v);
	}
	for (int step = 0; step < steps; step++)
	{
		int8_weights weights[INT8_VECTORS];

		TILE_PREFETCH(ahead);
		TILE_PREFETCH(ahead + 64);
		ahead += tile->ahead_step;
		TILE_UNROLL
			for (int v = 0; v < INT8_VECTORS; v++)
			weights[v] = int8_load_weights(group->weights[step][first + 16 * v]);
		TILE_UNROLL
			for (int r = 0; r < rows; r++)
		{
			int8_input	input = int8_load_input(x + r * tile->x_stride, step);

			TILE_UNROLL
				for (int v = 0; v < INT8_VECTORS; v++)
				sums[r][v] = int8_dot(sums[r][v], input, weights[v]);
		}
	}
}

/*
 * rows x INT8_VECTORS vectors of columns, from column first on.  rows is a
 * constant wherever this is expanded.
 */
LANES_INLINE void
int8_columns(const electra_int8_tile *tile, const int rows, const int first)
{
	lanes		totals[INT8_ROWS][INT8_VECTORS];
	const char *x = tile->x;
	const char *ahead = tile->ahead;

	TILE_UNROLL
		for (int r = 0; r < rows; r++)
	{
		TILE_UNROLL
			for (int v = 0; v < INT8_VECTORS; v++)
		{
			int			left = tile->columns - first - 16 * v;
			const float *y = tile->y + r * tile->y_stride + first + 16 * v;

			totals[r][v] = lanes_set(0.0f);
			if (tile->resume && left >= 16)
				totals[r][v] = lanes_load(y);
			else if (tile->resume && left > 0)
				totals[r][v] = lanes_load_tail(y, (size_t) left, totals[r][v]);
		}
	}
	for (int e = 0; e < tile->num_exact; e++)
	{
		lanes		weights[INT8_VECTORS];

		TILE_UNROLL
			for (int v = 0; v < INT8_VECTORS; v++)
			weights[v] = lanes_load(tile->exact + e * ELECTRA_PANEL_COLUMNS + first + 16 * v);
		TILE_UNROLL
			for (int r = 0; r < rows; r++)
		{
			lanes		input = lanes_set(tile->exact_x[r * tile->exact_stride + e]);

			TILE_UNROLL
				for (int v = 0; v < INT8_VECTORS; v++)
				totals[r][v] = lanes_fma(input, weights[v], totals[r][v]);
		}
	}

	for (size_t g = 0; g < tile->num_groups; g++)
	{
		const electra_int8_group *group = &tile->groups[g];
		int8_sums	sums[INT8_ROWS][INT8_VECTORS];
		lanes		scales[INT8_VECTORS];

		if (g + 1 < tile->num_groups || tile->last_steps == INT8_STEPS)
			int8_group_sums(tile, group, x, ahead, rows, first, INT8_STEPS, sums);
		else
			int8_group_sums(tile, group, x, ahead, rows, first, tile->last_steps, sums);
		TILE_UNROLL
			for (int v = 0; v < INT8_VECTORS; v++)
			scales[v] = lanes_load(group->scales + first + 16 * v);
		TILE_UNROLL
			for (int r = 0; r < rows; r++)
		{
			lanes		scale = lanes_set(tile->x_scales[r * tile->x_scale_stride + g]);

			TILE_UNROLL
				for (int v = 0; v < INT8_VECTORS; v++)
				totals[r][v] = lanes_fma(int8_to_floats(sums[r][v]),
										 lanes_mul(scale, scales[v]), totals[r][v]);
		}
		x += ELECTRA_INT8_GROUP * INT8_VALUE_SIZE;
		ahead += INT8_STEPS * tile->ahead_step;
	}

	TILE_UNROLL
		for (int r = 0; r < rows; r++)
	{
		TILE_UNROLL
			for (int v = 0; v < INT8_VECTORS; v++)
		{
			int			left = tile->columns - first - 16 * v;
			float	   *y = tile->y + r * tile->y_stride + first + 16 * v;

			if (tile->bias != NULL)
				totals[r][v] = lanes_add(totals[r][v], lanes_load(tile->bias + first + 16 * v));
			if (left >= 16)
				lanes_store(y, totals[r][v]);
			else if (left > 0)
				lanes_store_tail(y, totals[r][v], (size_t) left);
		}
	}
}

#define INT8_TILE_FUNCTION(rows) \
static LANES_TARGET void \
int8_tile_##rows(const electra_int8_tile *tile) \
{ \
	for (int first = 0; first < tile->columns; first += 16 * INT8_VECTORS) \
		int8_columns(tile, rows, first); \
}

INT8_TILE_FUNCTION(1)
INT8_TILE_FUNCTION(2)
INT8_TILE_FUNCTION(3)
#if INT8_ROWS > 3
INT8_TILE_FUNCTION(4)
INT8_TILE_FUNCTION(5)
INT8_TILE_FUNCTION(6)
#endif

#if INT8_ROWS == 3
#define INT8_TILE_FUNCTIONS {int8_tile_1, int8_tile_2, int8_tile_3}
#elif INT8_ROWS == 6
#define INT8_TILE_FUNCTIONS \
	{int8_tile_1, int8_tile_2, int8_tile_3, int8_tile_4, int8_tile_5, int8_tile_6}
#else
#error "no tiles of this height"
#endif

/* Sixteen elements from offset on; what is behind n is rest. */
LANES_INLINE lanes
int8_load_row(const float *x, size_t offset, size_t n, float rest)
{
	if (offset >= n)
		return lanes_set(rest);
	return n - offset >= 16 ? lanes_load(x + offset) :
		lanes_load_tail(x + offset, n - offset, lanes_set(rest));
}

/*
 * The scale of a group whose largest magnitude is absmax, to become most, and
 * what its values are multiplied by.
 */
LANES_INLINE float
int8_scale(float absmax, float most, float *inverse)
{
	*inverse = absmax < ELECTRA_INT8_SMALLEST ? 0.0f : most / absmax;
	return absmax < ELECTRA_INT8_SMALLEST ? 0.0f : absmax / most;
}

/*
 * Quantizes 64 values in four vectors, the largest magnitude to most: the
 * integers are in the low bits.  Returns the scale.
 */
LANES_INLINE float
int8_quantize_vectors(lanes values[4], const float most)
{
	lanes		absmax = lanes_abs(values[0]);
	lanes		magic = lanes_set(INT8_MAGIC);
	float		inverse;
	float		scale;

	TILE_UNROLL
		for (int i = 1; i < 4; i++)
		absmax = lanes_max_magnitude(absmax, values[i]);
	scale = int8_scale(lanes_largest_magnitude(absmax), most, &inverse);
	TILE_UNROLL
		for (int i = 0; i < 4; i++)
		values[i] = lanes_add(lanes_mul(values[i], lanes_set(inverse)), magic);
	return scale;
}

static LANES_TARGET void
int8_quantize(const float *x, size_t n, char *values, float *scales)
{
	for (size_t first = 0; first < n; first += ELECTRA_INT8_GROUP)
	{
		lanes		group[4];

		TILE_UNROLL
			for (int i = 0; i < 4; i++)
			group[i] = int8_load_row(x, first + 16 * (size_t) i, n, 0.0f);
		*scales++ = int8_quantize_vectors(group, 127.0f);
		int8_store_values(values, group, true);
		values += ELECTRA_INT8_GROUP * INT8_VALUE_SIZE;
	}
}

static LANES_TARGET void
int8_quantize_shifted(const float *x, size_t n, float shift, char *values, float *scales)
{
	for (size_t first = 0; first < n; first += ELECTRA_INT8_GROUP)
	{
		lanes		group[4];

		TILE_UNROLL
			for (int i = 0; i < 4; i++)
			group[i] = lanes_add(int8_load_row(x, first + 16 * (size_t) i, n, -shift), lanes_set(shift));
		*scales++ = int8_quantize_vectors(group, 255.0f);
		int8_store_values(values, group, false);
		values += ELECTRA_INT8_GROUP * INT8_VALUE_SIZE;
	}
}

const electra_int8_table INT8_TABLE = {
	.tile_rows = INT8_ROWS,
	.tiles = INT8_TILE_FUNCTIONS,
	.value_size = INT8_VALUE_SIZE,
	.quantize = int8_quantize,
	.quantize_shifted = int8_quantize_shifted,
};

#endif							/* ELECTRA_INT8_KERNELS_H */

/*
 * The tiles of the matrix product.  Every output element is one accumulator,
 * k ascending, one fused multiply-add a step; the bias is added at the end.
 * How many rows and columns are in flight decides about speed only.
 *
 * Included after a lanes_….h, with TILE_ROWS (the tallest tile) and
 * TILE_VECTORS (1 or 2: how many vectors of 16 columns are done at once)
 * defined: the accumulators must fit the registers of the instruction set.
 */
#ifndef ELECTRA_GEMM_KERNELS_H
#define ELECTRA_GEMM_KERNELS_H

#include "image.h"
#include "kernel_table.h"
#include "tile_loops.h"

/*
 * Loops over rows and over every third row, of constant length: clang unrolls
 * before it knows what rows is.
 */
#define TILE_EACH_ROW \
	TILE_UNROLL \
		for (int r = 0; r < TILE_ROWS; r++) \
		if (r < rows)

#define TILE_EACH_THIRD_ROW \
	TILE_UNROLL \
		for (int r = 0; r < TILE_ROWS; r += 3) \
		if (r < rows)

/* All products of one k, step behind the one that x and panel point to. */
#define TILE_MULTIPLY(step) \
	do \
	{ \
		lanes		weights[TILE_VECTORS]; \
\
		TILE_UNROLL \
			for (int v = 0; v < TILE_VECTORS; v++) \
			weights[v] = lanes_load(panel + (step) * ELECTRA_PANEL_COLUMNS + 16 * v); \
		TILE_EACH_ROW \
		{ \
			lanes		input = lanes_set(x[r / 3][r % 3 * x_stride + (step)]); \
\
			TILE_UNROLL \
				for (int v = 0; v < TILE_VECTORS; v++) \
				lanes_accumulate(&sums[r][v], input, weights[v]); \
		} \
	} while (0)

/* One vector of y: where the sums of a block of k come from and go to. */
LANES_INLINE lanes
tile_load(const float *y, int left)
{
	if (left >= 16)
		return lanes_load(y);
	return left > 0 ? lanes_load_tail(y, (size_t) left, lanes_set(0.0f)) : lanes_set(0.0f);
}

LANES_INLINE void
tile_store(float *y, lanes sums, int left)
{
	if (left >= 16)
		lanes_store(y, sums);
	else if (left > 0)
		lanes_store_tail(y, sums, (size_t) left);
}

/*
 * rows x TILE_VECTORS vectors of columns, from column first on.  rows is a
 * constant wherever this is expanded: the loops over it are unrolled, so that
 * the accumulators are registers.  So is columns, but for the last panel.
 */
LANES_INLINE void
tile_columns(const electra_tile *tile, const int rows, const int columns, const int first)
{
	lanes		sums[TILE_ROWS][TILE_VECTORS];
	const float *x[(TILE_ROWS + 2) / 3];	/* of every third row: one and two
											 * strides are part of an address */
	const float *panel = tile->panel + first;
	const char *ahead = tile->ahead;
	const size_t x_stride = tile->x_stride;
	const size_t y_stride = tile->y_stride;
	const size_t ahead_stride = tile->ahead_stride;
	const size_t ahead_span = tile->ahead_lines * ahead_stride;
	const size_t left = tile->depth % ELECTRA_TILE_STEP;
	const float *end = panel + (tile->depth - left) * ELECTRA_PANEL_COLUMNS;
	float	   *y = tile->y + first;

	TILE_EACH_ROW
		TILE_UNROLL
			for (int v = 0; v < TILE_VECTORS; v++)
			sums[r][v] = lanes_set(0.0f);
	if (tile->resume)
		TILE_EACH_ROW
			TILE_UNROLL
				for (int v = 0; v < TILE_VECTORS; v++)
				sums[r][v] = tile_load(y + r * y_stride + 16 * v, columns - first - 16 * v);

	TILE_EACH_THIRD_ROW
		x[r / 3] = tile->x + r * x_stride;
	while (panel < end)
	{
		for (size_t line = 0; line < ahead_span; line += ahead_stride)
			TILE_PREFETCH(ahead + line);
		ahead += 64;
		/* one step's products after the other, or their inputs would not fit the registers */
		TILE_UNROLL
			for (int step = 0; step < ELECTRA_TILE_STEP; step++)
		{
			TILE_EACH_THIRD_ROW
				TILE_KEEP(x[r / 3]);
			TILE_MULTIPLY(step);
		}
		TILE_EACH_THIRD_ROW
			x[r / 3] += ELECTRA_TILE_STEP;
		panel += ELECTRA_TILE_STEP * ELECTRA_PANEL_COLUMNS;
	}
	end += left * ELECTRA_PANEL_COLUMNS;
	while (panel < end)
	{
		TILE_MULTIPLY(0);
		TILE_EACH_THIRD_ROW
			x[r / 3]++;
		panel += ELECTRA_PANEL_COLUMNS;
	}

	if (tile->bias != NULL)
		TILE_UNROLL
			for (int v = 0; v < TILE_VECTORS; v++)
		{
			lanes		bias = lanes_load(tile->bias + first + 16 * v);

			TILE_EACH_ROW
				sums[r][v] = lanes_add(sums[r][v], bias);
		}
	TILE_EACH_ROW
		TILE_UNROLL
			for (int v = 0; v < TILE_VECTORS; v++)
			tile_store(y + r * y_stride + 16 * v, sums[r][v], columns - first - 16 * v);
}

#define TILE_FUNCTION(rows) \
static LANES_TARGET void \
tile_##rows(const electra_tile *tile) \
{ \
	if (tile->columns == ELECTRA_PANEL_COLUMNS) \
		for (int first = 0; first < ELECTRA_PANEL_COLUMNS; first += 16 * TILE_VECTORS) \
			tile_columns(tile, rows, ELECTRA_PANEL_COLUMNS, first); \
	else \
		for (int first = 0; first < tile->columns; first += 16 * TILE_VECTORS) \
			tile_columns(tile, rows, tile->columns, first); \
}

TILE_FUNCTION(1)
TILE_FUNCTION(2)
TILE_FUNCTION(3)
TILE_FUNCTION(4)
#if TILE_ROWS > 4
TILE_FUNCTION(5)
TILE_FUNCTION(6)
#endif
#if TILE_ROWS > 6
TILE_FUNCTION(7)
TILE_FUNCTION(8)
TILE_FUNCTION(9)
TILE_FUNCTION(10)
TILE_FUNCTION(11)
TILE_FUNCTION(12)
TILE_FUNCTION(13)
TILE_FUNCTION(14)
#endif

#if TILE_ROWS == 4
#define TILE_FUNCTIONS {tile_1, tile_2, tile_3, tile_4}
#elif TILE_ROWS == 6
#define TILE_FUNCTIONS {tile_1, tile_2, tile_3, tile_4, tile_5, tile_6}
#elif TILE_ROWS == 14
#define TILE_FUNCTIONS \
	{tile_1, tile_2, tile_3, tile_4, tile_5, tile_6, tile_7, tile_8, tile_9, tile_10, tile_11, \
	tile_12, tile_13, tile_14}
#else
#error "no tiles of this height"
#endif

#endif							/* ELECTRA_GEMM_KERNELS_H */

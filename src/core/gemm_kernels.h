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

/* Instrumented, the unrolled tiles would take a sanitizer's build many minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1	/* as gcc says it */
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TILE_UNROLL
#elif defined(__clang__)
#define TILE_UNROLL _Pragma("unroll")
#else
#define TILE_UNROLL _Pragma("GCC unroll 16")
#endif

/* Into the second-level cache: the first is full of what is in use. */
#if defined(__GNUC__)
#define TILE_PREFETCH(address) __builtin_prefetch(address, 0, 2)
#else
#define TILE_PREFETCH(address) ((void) (address))
#endif

/*
 * rows x TILE_VECTORS vectors of columns, from column first on.  rows is a
 * constant wherever this is expanded: the loops over it are unrolled, so that
 * the accumulators are registers.
 */
LANES_INLINE void
tile_columns(const electra_tile *tile, const int rows, const int first)
{
	lanes		sums[TILE_ROWS][TILE_VECTORS];
	const float *x = tile->x;
	const float *panel = tile->panel + first;
	const float *ahead = tile->ahead;
	const size_t x_stride = tile->x_stride;
	const size_t ahead_step = tile->ahead_step;
	const size_t depth = tile->depth;

	TILE_UNROLL
		for (int r = 0; r < rows; r++)
	{
		TILE_UNROLL
			for (int v = 0; v < TILE_VECTORS; v++)
		{
			int			left = tile->columns - first - 16 * v;
			const float *y = tile->y + r * tile->y_stride + first + 16 * v;

			sums[r][v] = lanes_set(0.0f);
			if (tile->resume && left >= 16)
				sums[r][v] = lanes_load(y);
			else if (tile->resume && left > 0)
				sums[r][v] = lanes_load_tail(y, (size_t) left, sums[r][v]);
		}
	}

	for (size_t k = 0; k < depth; k++)
	{
		lanes		weights[TILE_VECTORS];

		TILE_PREFETCH(ahead);
		TILE_PREFETCH(ahead + 16);
		ahead += ahead_step;
		TILE_UNROLL
			for (int v = 0; v < TILE_VECTORS; v++)
			weights[v] = lanes_load(panel + 16 * v);
		TILE_UNROLL
			for (int r = 0; r < rows; r++)
		{
			lanes		input = lanes_set(x[r * x_stride + k]);

			TILE_UNROLL
				for (int v = 0; v < TILE_VECTORS; v++)
				sums[r][v] = lanes_fma(input, weights[v], sums[r][v]);
		}
		panel += ELECTRA_PANEL_COLUMNS;
	}

	TILE_UNROLL
		for (int r = 0; r < rows; r++)
	{
		TILE_UNROLL
			for (int v = 0; v < TILE_VECTORS; v++)
		{
			int			left = tile->columns - first - 16 * v;
			float	   *y = tile->y + r * tile->y_stride + first + 16 * v;

			if (tile->bias != NULL)
				sums[r][v] = lanes_add(sums[r][v], lanes_load(tile->bias + first + 16 * v));
			if (left >= 16)
				lanes_store(y, sums[r][v]);
			else if (left > 0)
				lanes_store_tail(y, sums[r][v], (size_t) left);
		}
	}
}

#define TILE_FUNCTION(rows) \
static LANES_TARGET void \
tile_##rows(const electra_tile *tile) \
{ \
	for (int first = 0; first < tile->columns; first += 16 * TILE_VECTORS) \
		tile_columns(tile, rows, first); \
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

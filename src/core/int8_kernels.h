/*
 * The kernels of int8, over sixteen lanes: tiles of the product and what
 * quantizes their operands.
 *
 * In a tile every output element is one float accumulator; groups ascend, and
 * each adds its exact int32 sum times the product of the two scales with one
 * fused multiply-add.  How the int32 sums are made is the set's own affair.
 *
 * Included after a lanes_….h and an int8_lanes_….h by each int8_….c, with
 * INT8_TABLE (the variable of int8_table.h to define), INT8_VALUE_SIZE (bytes
 * of a stored activation) and the shape of its tiles defined: INT8_ROWS (of the
 * tallest), INT8_VECTORS (1 or 2: how many vectors of 16 columns are done at
 * once), INT8_PARTS (how many registers the sums of such a vector are),
 * INT8_ROWS_IN_REGISTERS (so many rows have their totals in registers, the
 * others in memory, because the sums need the registers).
 */
#ifndef ELECTRA_INT8_KERNELS_H
#define ELECTRA_INT8_KERNELS_H

#include "image.h"
#include "int8_table.h"
#include "quantize.h"
#include "tile_loops.h"

#define INT8_STEPS (ELECTRA_INT8_GROUP / 4)

/*
 * Loops over a tile.  They are unrolled, for which clang wants their length to
 * be a constant in the function that they are written in.
 */
#define INT8_ROWS_UP_TO(r, rows) \
	TILE_UNROLL \
	for (int r = 0; r < INT8_ROWS; r++) \
		if (r < (rows))
#define INT8_EACH_VECTOR(v) \
	TILE_UNROLL \
	for (int v = 0; v < INT8_VECTORS; v++)

/* Weights that come later, a few cache lines at a time. */
#define INT8_FETCH(ahead, ahead_step) \
	for (const char *end = (ahead) + (ahead_step); (ahead) < end; (ahead) += 64) \
		TILE_PREFETCH(ahead)

/* Adds four k to sums[r][v]: step behind those at offset of x and at weights. */
LANES_INLINE void
int8_step(const int8_t *weights, const char *const *x, const size_t offset, const int rows,
		  const int step, int8_sums sums[INT8_ROWS][INT8_VECTORS])
{
#if INT8_PARTS == 1
	int8_weights loaded[INT8_VECTORS];

	INT8_EACH_VECTOR(v)
		loaded[v] = int8_load_weights(weights + (step * ELECTRA_PANEL_COLUMNS + 16 * v) * 4, 0);
	INT8_ROWS_UP_TO(r, rows)
	{
		int8_input	input = int8_load_input(x[r] + offset, step);

		INT8_EACH_VECTOR(v)
			sums[r][v].part[0] = int8_dot(sums[r][v].part[0], input, loaded[v]);
	}
#else
	/* with few registers: no weights but those of one part are there at a time */
	TILE_UNROLL
		for (int part = 0; part < INT8_PARTS * INT8_VECTORS; part++)
	{
		int			v = part / INT8_PARTS;
		int8_weights loaded = int8_load_weights(weights + (step * ELECTRA_PANEL_COLUMNS + 16 * v) * 4,
												part % INT8_PARTS);

		INT8_ROWS_UP_TO(r, rows)
			sums[r][v].part[part % INT8_PARTS] = int8_dot(sums[r][v].part[part % INT8_PARTS],
														  int8_load_input(x[r] + offset, step), loaded);
	}
#endif
}

/* Where row r's totals are while sums are made, if they are not in registers. */
#define INT8_IN_MEMORY(memory, r, v) ((memory) + (((r) - INT8_ROWS_IN_REGISTERS) * INT8_VECTORS + (v)) * 16)

/* What totals begin with: 0 or what the groups before have left, and the channels that are not in int8. */
LANES_INLINE void
int8_begin(const electra_int8_tile *tile, const int rows, const int first,
		   lanes totals[INT8_ROWS][INT8_VECTORS])
{
	const float *y = tile->y + first;

	INT8_ROWS_UP_TO(r, rows)
		INT8_EACH_VECTOR(v)
			totals[r][v] = lanes_set(0.0f);
	if (tile->resume)
		INT8_ROWS_UP_TO(r, rows)
			INT8_EACH_VECTOR(v)
				totals[r][v] = lanes_load(y + r * tile->y_stride + 16 * v);
	for (int e = 0; e < tile->num_exact; e++)
	{
		lanes		weights[INT8_VECTORS];

		INT8_EACH_VECTOR(v)
			weights[v] = lanes_load(tile->exact + e * ELECTRA_PANEL_COLUMNS + first + 16 * v);
		INT8_ROWS_UP_TO(r, rows)
		{
			lanes		input = lanes_set(tile->exact_x[r * tile->exact_stride + e]);

			INT8_EACH_VECTOR(v)
				totals[r][v] = lanes_fma(input, weights[v], totals[r][v]);
		}
	}
}

/* Adds the bias and stores the totals. */
LANES_INLINE void
int8_end(const electra_int8_tile *tile, const int rows, const int first,
		 lanes totals[INT8_ROWS][INT8_VECTORS])
{
	float	   *y = tile->y + first;

	if (tile->bias != NULL)
		INT8_EACH_VECTOR(v)
		{
			lanes		bias = lanes_load(tile->bias + first + 16 * v);

			INT8_ROWS_UP_TO(r, rows)
				totals[r][v] = lanes_add(totals[r][v], bias);
		}
	INT8_ROWS_UP_TO(r, rows)
		INT8_EACH_VECTOR(v)
			lanes_store(y + r * tile->y_stride + 16 * v, totals[r][v]);
}

/* Where a tile is in what it reads. */
typedef struct int8_position
{
	const char *x[INT8_ROWS];	/* rows */
	size_t		offset;			/* bytes of them that are done with */
	const char *ahead;
	size_t		ahead_step;
} int8_position;

/* The sums of a group, over steps times four k, of the columns from first on. */
LANES_INLINE void
int8_group_sums(const electra_int8_group *group, int8_position *at, const int rows, const int first,
				int steps, int8_sums sums[INT8_ROWS][INT8_VECTORS])
{
	const int8_t *weights = group->weights[0][first];

	INT8_ROWS_UP_TO(r, rows)
		INT8_EACH_VECTOR(v)
			sums[r][v] = int8_start(group->corrections + first + 16 * v);
	for (; steps >= ELECTRA_INT8_FETCH_STEPS; steps -= ELECTRA_INT8_FETCH_STEPS)
	{
		TILE_KEEP(at->offset);
		INT8_FETCH(at->ahead, at->ahead_step);
		TILE_UNROLL
			for (int step = 0; step < ELECTRA_INT8_FETCH_STEPS; step++)
			int8_step(weights, at->x, at->offset, rows, step, sums);
		at->offset += 4 * INT8_VALUE_SIZE * ELECTRA_INT8_FETCH_STEPS;
		weights += 4 * ELECTRA_PANEL_COLUMNS * ELECTRA_INT8_FETCH_STEPS;
	}
	for (; steps > 0; steps--)
	{
		int8_step(weights, at->x, at->offset, rows, 0, sums);
		at->offset += 4 * INT8_VALUE_SIZE;
		weights += 4 * ELECTRA_PANEL_COLUMNS;
	}
}

/*
 * Adds the sums of a group to the totals.  Rows from INT8_ROWS_IN_REGISTERS on
 * have theirs in memory.
 */
LANES_INLINE void
int8_add_group(const electra_int8_group *group, const float *x_scales, const size_t x_scale_stride,
			   const int rows, const int first, int8_sums sums[INT8_ROWS][INT8_VECTORS],
			   lanes totals[INT8_ROWS][INT8_VECTORS], float *memory)
{
	lanes		scales[INT8_VECTORS];

	INT8_EACH_VECTOR(v)
		scales[v] = lanes_load(group->scales + first + 16 * v);
	INT8_ROWS_UP_TO(r, rows)
	{
		lanes		scale = lanes_set(x_scales[r * x_scale_stride]);

		INT8_EACH_VECTOR(v)
		{
			if (r >= INT8_ROWS_IN_REGISTERS)
				totals[r][v] = lanes_load(INT8_IN_MEMORY(memory, r, v));
			totals[r][v] = lanes_fma(int8_to_floats(sums[r][v]), lanes_mul(scale, scales[v]),
									 totals[r][v]);
			if (r >= INT8_ROWS_IN_REGISTERS)
				lanes_store(INT8_IN_MEMORY(memory, r, v), totals[r][v]);
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
	_Alignas(64) float kept[INT8_ROWS * INT8_VECTORS * 16];
	float	   *memory = kept;
	lanes		totals[INT8_ROWS][INT8_VECTORS];
	int8_position at = {.ahead = tile->ahead, .ahead_step = tile->ahead_step};
	const size_t x_scale_stride = tile->x_scale_stride;

	int8_begin(tile, rows, first, totals);
	INT8_ROWS_UP_TO(r, rows)
	{
		at.x[r] = tile->x + r * tile->x_stride;
		TILE_KEEP(at.x[r]);
		INT8_EACH_VECTOR(v)
			if (r >= INT8_ROWS_IN_REGISTERS)
				lanes_store(INT8_IN_MEMORY(memory, r, v), totals[r][v]);
	}
	for (size_t g = 0; g < tile->num_groups; g++)
	{
		const electra_int8_group *group = &tile->groups[g];
		int			steps = g + 1 < tile->num_groups ? INT8_STEPS : tile->last_steps;
		int8_sums	sums[INT8_ROWS][INT8_VECTORS];

		int8_group_sums(group, &at, rows, first, steps, sums);
		/* or it would keep them in registers all the same */
		TILE_KEEP(memory);
		int8_add_group(group, tile->x_scales + g, x_scale_stride, rows, first, sums, totals, memory);
	}
	INT8_ROWS_UP_TO(r, rows)
		INT8_EACH_VECTOR(v)
			if (r >= INT8_ROWS_IN_REGISTERS)
				totals[r][v] = lanes_load(INT8_IN_MEMORY(memory, r, v));
	int8_end(tile, rows, first, totals);
}

/* Of a panel that is not full: as if it were, next to y. */
static LANES_TARGET void
int8_narrow(const electra_int8_tile *tile, const int rows, electra_int8_tile_function full)
{
	_Alignas(64) float y[INT8_ROWS][ELECTRA_PANEL_COLUMNS] = {{0.0f}};
	size_t		size = (size_t) tile->columns * sizeof(float);
	electra_int8_tile wide = *tile;

	for (int r = 0; r < rows && tile->resume; r++)
		memcpy(y[r], tile->y + (size_t) r * tile->y_stride, size);
	wide.columns = ELECTRA_PANEL_COLUMNS;
	wide.y = y[0];
	wide.y_stride = ELECTRA_PANEL_COLUMNS;
	full(&wide);
	for (int r = 0; r < rows; r++)
		memcpy(tile->y + (size_t) r * tile->y_stride, y[r], size);
}

#define INT8_TILE_FUNCTION(rows) \
static LANES_TARGET void \
int8_tile_##rows(const electra_int8_tile *tile) \
{ \
	if (tile->columns < ELECTRA_PANEL_COLUMNS) \
	{ \
		int8_narrow(tile, rows, int8_tile_##rows); \
		return; \
	} \
	for (int first = 0; first < ELECTRA_PANEL_COLUMNS; first += 16 * INT8_VECTORS) \
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
#if INT8_ROWS > 6
INT8_TILE_FUNCTION(7)
INT8_TILE_FUNCTION(8)
#endif

#if INT8_ROWS == 3
#define INT8_TILE_FUNCTIONS {int8_tile_1, int8_tile_2, int8_tile_3}
#elif INT8_ROWS == 6
#define INT8_TILE_FUNCTIONS \
	{int8_tile_1, int8_tile_2, int8_tile_3, int8_tile_4, int8_tile_5, int8_tile_6}
#elif INT8_ROWS == 8
#define INT8_TILE_FUNCTIONS \
	{int8_tile_1, int8_tile_2, int8_tile_3, int8_tile_4, int8_tile_5, int8_tile_6, int8_tile_7, \
	int8_tile_8}
#else
#error "no tiles of this height"
#endif

/*
 * Sixteen elements of x + shift from offset on; what is behind n is 0.  whole:
 * nothing is.
 */
LANES_INLINE lanes
int8_load_row(const float *x, size_t offset, size_t n, const bool whole, const float shift,
			  const bool has_sign)
{
	lanes		values = lanes_set(has_sign ? 0.0f : -shift);

	if (whole || offset + 16 <= n)
		values = lanes_load(x + offset);
	else if (offset < n)
		values = lanes_load_tail(x + offset, n - offset, values);
	return has_sign ? values : lanes_add(values, lanes_set(shift));
}

/* Groups that are quantized side by side: none waits for the division of another. */
#define INT8_SIDE_BY_SIDE 4

#ifndef INT8_SCALES
/*
 * Scales of groups out of the largest magnitudes of sixteen lanes each, the
 * largest of them to become most, and what their values are multiplied by.
 */
LANES_INLINE void
int8_scales(const lanes magnitudes[INT8_SIDE_BY_SIDE], const float most,
			float scales[INT8_SIDE_BY_SIDE], float inverses[INT8_SIDE_BY_SIDE])
{
	for (int g = 0; g < INT8_SIDE_BY_SIDE; g++)
	{
		float		absmax = lanes_largest_magnitude(magnitudes[g]);

		inverses[g] = absmax < ELECTRA_INT8_SMALLEST ? 0.0f : most / absmax;
		scales[g] = absmax < ELECTRA_INT8_SMALLEST ? 0.0f : absmax / most;
	}
}
#endif

/* Quantizes the next groups of a row, n elements; whole: INT8_SIDE_BY_SIDE full ones. */
LANES_INLINE void
int8_quantize_groups(const float *x, size_t n, const bool whole, const float shift,
					 const bool has_sign, char *values, float *scales)
{
	lanes		magnitudes[INT8_SIDE_BY_SIDE];
	float		found[INT8_SIDE_BY_SIDE];
	float		inverses[INT8_SIDE_BY_SIDE];

	TILE_UNROLL
		for (size_t g = 0; g < INT8_SIDE_BY_SIDE; g++)
	{
		magnitudes[g] = lanes_set(0.0f);
		TILE_UNROLL
			for (size_t i = g * ELECTRA_INT8_GROUP; i < (g + 1) * ELECTRA_INT8_GROUP; i += 16)
			magnitudes[g] = lanes_max_magnitude(magnitudes[g],
												int8_load_row(x, i, n, whole, shift, has_sign));
	}
	int8_scales(magnitudes, has_sign ? 127.0f : 255.0f, found, inverses);
	TILE_UNROLL
		for (size_t g = 0; g < INT8_SIDE_BY_SIDE; g++)
	{
		lanes		group[4];

		if (!whole && g * ELECTRA_INT8_GROUP >= n)
			break;
		TILE_UNROLL
			for (size_t i = 0; i < 4; i++)
			group[i] = lanes_mul(int8_load_row(x, g * ELECTRA_INT8_GROUP + 16 * i, n, whole, shift, has_sign),
								 lanes_set(inverses[g]));
		scales[g] = found[g];
		int8_store_values(values + g * ELECTRA_INT8_GROUP * INT8_VALUE_SIZE, group, has_sign);
	}
}

/* A row of x + shift; shift is the constant 0 where values have a sign. */
LANES_INLINE void
int8_quantize_row(const float *x, size_t n, const float shift, const bool has_sign, char *values,
				  float *scales)
{
	const size_t step = INT8_SIDE_BY_SIDE * ELECTRA_INT8_GROUP;

	for (; n >= step; n -= step)
	{
		int8_quantize_groups(x, n, true, shift, has_sign, values, scales);
		x += step;
		values += step * INT8_VALUE_SIZE;
		scales += INT8_SIDE_BY_SIDE;
	}
	if (n > 0)
		int8_quantize_groups(x, n, false, shift, has_sign, values, scales);
}

static LANES_TARGET void
int8_quantize(const float *x, size_t n, char *values, float *scales)
{
	int8_quantize_row(x, n, 0.0f, true, values, scales);
}

static LANES_TARGET void
int8_quantize_shifted(const float *x, size_t n, float shift, char *values, float *scales)
{
	int8_quantize_row(x, n, shift, false, values, scales);
}

const electra_int8_table INT8_TABLE = {
	.tile_rows = INT8_ROWS,
	.tiles = INT8_TILE_FUNCTIONS,
	.value_size = INT8_VALUE_SIZE,
	.quantize = int8_quantize,
	.quantize_shifted = int8_quantize_shifted,
};

#endif							/* ELECTRA_INT8_KERNELS_H */

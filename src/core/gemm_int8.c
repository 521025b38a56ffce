/*
 * The blocked product in int8: which tile is computed when, as gemm.c does it.
 * A group of 64 k takes a quarter of the bytes that floats take, so blocks are
 * deeper and inputs stay in the second-level cache up to four times the size.
 */
#include "gemm_int8.h"

/* Rows that share one pass over the weights. */
#define ROW_BLOCK 168

/* Groups of a block: 8 of them are 18 kB of a panel. */
#define DEPTH_BLOCK 8

/*
 * Panels per column block where the rows' inputs are too large to stay in the
 * second-level cache (INPUT_CACHE bytes of them do).
 */
#define PANEL_BLOCK 8
#define INPUT_CACHE (448 * 1024)

/* Rows are this much longer, so that they do not all fall into one set of a cache. */
#define ROW_PADDING 64

static size_t
row_stride(size_t n)
{
	return electra_int8_groups((int64_t) n) * ELECTRA_INT8_GROUP *
		electra_kernels()->int8->value_size + ROW_PADDING;
}

/* Floats of the scales, whole cache lines. */
static size_t
num_scales(size_t rows, size_t n)
{
	return (rows * electra_int8_groups((int64_t) n) + 15) / 16 * 16;
}

/* Floats of exact channels, whole cache lines. */
static size_t
num_exact_values(size_t rows)
{
	return (rows * ELECTRA_EXACT_CHANNELS + 15) / 16 * 16;
}

size_t
electra_int8_rows_size(size_t rows, size_t n)
{
	return rows * row_stride(n) + num_scales(rows, n) * sizeof(float) +
		num_exact_values(rows) * sizeof(float);
}

electra_int8_rows
electra_int8_rows_at(void *workspace, size_t rows, size_t n)
{
	float	   *scales = (float *) ((char *) workspace + rows * row_stride(n));

	return (electra_int8_rows) {
		.values = workspace,
		.stride = row_stride(n),
		.scales = scales,
		.groups = electra_int8_groups((int64_t) n),
		.exact = scales + num_scales(rows, n)
	};
}

electra_int8_rows
electra_int8_rows_from(const electra_int8_rows *x, size_t first, size_t column)
{
	electra_int8_rows rows = *x;

	rows.values += first * x->stride + column * electra_kernels()->int8->value_size;
	rows.scales += first * x->groups + column / ELECTRA_INT8_GROUP;
	rows.exact += first * ELECTRA_EXACT_CHANNELS;
	return rows;
}

void
electra_int8_quantize(const electra_int8_rows *x, size_t row, const float *values, size_t count,
					  float shift)
{
	const electra_int8_table *kernels = electra_kernels()->int8;
	char	   *to = x->values + row * x->stride;
	float	   *scales = x->scales + row * x->groups;

	if (shift > 0)
		kernels->quantize_shifted(values, count, shift, to, scales);
	else
		kernels->quantize(values, count, to, scales);
}

/* What gemm_block works on. */
typedef struct gemm_run
{
	const electra_kernel_table *kernels;
	const electra_gemm_int8_call *call;
	electra_pacer *pacer;

	/* the block of rows */
	size_t		first_row;
	size_t		rows;
	size_t		num_tiles;
	size_t		height;			/* of a tile, … */
	size_t		num_taller;		/* … and so many are one row taller */

	/*
	 * While a block of a panel is in use, the next one is on its way from
	 * memory: each of the tiles that share the block fetches its part of the
	 * next.
	 */
	size_t		ahead_size;		/* bytes of a block of a panel */
	size_t		ahead_step;		/* of electra_int8_tile */
	size_t		ahead_part;		/* bytes that one tile fetches */
} gemm_run;

/* How the tiles that share a block of a panel share the fetching. */
static void
plan_ahead(gemm_run *run, size_t num_groups)
{
	size_t		fetches = ELECTRA_INT8_GROUP / 4 / ELECTRA_INT8_FETCH_STEPS;

	run->ahead_size = num_groups * sizeof(electra_int8_group);
	run->ahead_step = electra_num_pieces(sizeof(electra_int8_group) / 64, run->num_tiles * fetches) * 64;
	run->ahead_part = run->ahead_step * fetches * num_groups;
}

/* One panel's part of a block: the rows of the block, tile after tile. */
static bool
gemm_panel(const gemm_run *run, electra_int8_tile *tile, const char *next, size_t column,
		   size_t first_group)
{
	const electra_gemm_int8_call *call = run->call;
	bool		last = first_group + tile->num_groups == call->x.groups;
	float	   *y = call->y + run->first_row * call->y_stride + column;
	electra_int8_rows x = electra_int8_rows_from(&call->x, run->first_row,
												 first_group * ELECTRA_INT8_GROUP);

	tile->x = x.values;
	tile->x_scales = x.scales;
	tile->exact_x = x.exact;
	tile->exact = tile->num_exact > 0 ? call->exact + column * call->num_exact : NULL;
	tile->bias = last && call->bias != NULL ? call->bias + column : NULL;
	tile->y = y;
	for (size_t t = 0; t < run->num_tiles; t++)
	{
		size_t		height = run->height + (t < run->num_taller ? 1 : 0);

		/* a product in int8 takes about a quarter of the time */
		if (electra_pacer_stop(run->pacer, height * tile->num_groups * ELECTRA_INT8_GROUP *
							   ELECTRA_PANEL_COLUMNS / 4))
			return false;
		tile->ahead = next + t * run->ahead_part;
		tile->ahead_step = t * run->ahead_part < run->ahead_size ? run->ahead_step : 0;
		run->kernels->int8->tiles[height - 1] (tile);
		tile->x += height * tile->x_stride;
		tile->x_scales += height * tile->x_scale_stride;
		tile->exact_x += height * ELECTRA_EXACT_CHANNELS;
		tile->y += height * tile->y_stride;
	}
	if (last && call->activate)
	{
		if (electra_pacer_stop(run->pacer, run->rows * (size_t) tile->columns * ELECTRA_ACTIVATION_WORK))
			return false;
		run->kernels->activate_rows(call->activation, y, run->rows, (size_t) tile->columns,
									call->y_stride);
	}
	return true;
}

/* Some panels for the block of rows: all tiles of it, one depth block after the other. */
static bool
gemm_block(gemm_run *run, size_t first_panel, size_t panels)
{
	const electra_gemm_int8_call *call = run->call;
	size_t		num_groups = call->x.groups;
	size_t		num_depths = electra_num_pieces(num_groups, DEPTH_BLOCK);
	size_t		first_group = 0;

	for (size_t d = 0; d < num_depths; d++)
	{
		electra_int8_tile tile = {
			.x_stride = call->x.stride,
			.x_scale_stride = num_groups,
			.num_groups = electra_piece(num_groups, num_depths, d),
			.last_steps = ELECTRA_INT8_GROUP / 4,
			.y_stride = call->y_stride,
			.exact_stride = ELECTRA_EXACT_CHANNELS,
			.num_exact = d == 0 ? (int) call->num_exact : 0,
			.resume = d > 0
		};

		if (d == num_depths - 1)
			tile.last_steps = electra_int8_last_steps(call->in_dim);
		plan_ahead(run, tile.num_groups);
		for (size_t p = first_panel; p < first_panel + panels; p++)
		{
			size_t		column = p * ELECTRA_PANEL_COLUMNS;
			size_t		left = call->out_dim - column;
			const electra_int8_group *next;

			tile.groups = call->panels + p * num_groups + first_group;
			tile.columns = left < ELECTRA_PANEL_COLUMNS ? (int) left : ELECTRA_PANEL_COLUMNS;
			next = tile.groups + (panels > 1 ? num_groups : tile.num_groups);
			if (!gemm_panel(run, &tile, (const char *) next, column, first_group))
				return false;
		}
		first_group += tile.num_groups;
	}
	return true;
}

bool
electra_gemm_int8(const electra_gemm_int8_call *call, electra_pacer *pacer)
{
	gemm_run	run = {.kernels = electra_kernels(), .call = call, .pacer = pacer};
	size_t		num_panels = electra_num_pieces(call->out_dim, ELECTRA_PANEL_COLUMNS);
	size_t		num_blocks = electra_num_pieces(call->rows, ROW_BLOCK);

	for (size_t b = 0; b < num_blocks; b++)
	{
		size_t		step;

		run.rows = electra_piece(call->rows, num_blocks, b);
		run.num_tiles = electra_num_pieces(run.rows, (size_t) run.kernels->int8->tile_rows);
		run.num_taller = run.num_tiles == 1 ? 0 : run.rows % run.num_tiles;
		run.height = electra_piece(run.rows, run.num_tiles, run.num_tiles - 1);
		step = run.rows * call->x.stride <= INPUT_CACHE ? 1 : PANEL_BLOCK;
		for (size_t p = 0; p < num_panels; p += step)
		{
			size_t		panels = num_panels - p < step ? num_panels - p : step;

			if (!gemm_block(&run, p, panels))
				return false;
		}
		run.first_row += run.rows;
	}
	return true;
}

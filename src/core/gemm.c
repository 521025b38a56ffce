/*
 * The blocked matrix product: which tile is computed when, so that what the
 * tiles read comes out of the caches.  No order of tiles changes a bit: an
 * element's sum goes through k in ascending order in any case, and a block of
 * k continues from the sum that the block before has stored.
 */
#include "gemm.h"

#include "image.h"

/* Rows that share one pass over the weights. */
#define ROW_BLOCK 168

/*
 * k of a block: 384 x 32 floats of a panel are 48 kB, which tiles stream from
 * the second-level cache; shorter blocks would load and store sums more often.
 */
#define DEPTH_BLOCK 384

/*
 * Panels per column block where the rows' inputs are too large to stay in the
 * second-level cache (INPUT_CACHE floats of them do): their sums and one depth
 * block of inputs stay there instead.
 */
#define PANEL_BLOCK 8
#define INPUT_CACHE (112 * 1024)

/* What gemm_block works on. */
typedef struct gemm_run
{
	const electra_kernel_table *kernels;
	const electra_gemm_call *call;
	electra_pacer *pacer;
	size_t		element;		/* bytes of one weight */

	/* a depth block of a panel in floats, if the weights are no floats */
	float	   *widened;		/* (DEPTH_BLOCK, 32) */

	/* the block of rows */
	size_t		first_row;
	size_t		num_tiles;
	size_t		height;			/* of a tile, … */
	size_t		num_taller;		/* … and so many are one row taller */

	/*
	 * While a block of a panel is in use, the next one is on its way from
	 * memory: each of the tiles that share the block fetches its part of the
	 * next, so that memory is busy all the time and not only during the first
	 * of them.
	 */
	size_t		ahead_size;		/* bytes of a block of a panel */
	size_t		ahead_step;		/* of electra_tile */
	size_t		ahead_part;		/* bytes that one tile fetches */
} gemm_run;

/* How the tiles that share a block of a panel share the fetching. */
static void
plan_ahead(gemm_run *run, size_t depth)
{
	size_t		steps = depth / ELECTRA_TILE_STEP + 1;
	size_t		lines = ELECTRA_TILE_STEP * ELECTRA_PANEL_COLUMNS * run->element / 64;

	run->ahead_size = depth * ELECTRA_PANEL_COLUMNS * run->element;
	run->ahead_step = electra_num_pieces(lines, run->num_tiles) * 64;
	run->ahead_part = run->ahead_step * steps;
}

/* One panel's part of a block: the rows of the block, tile after tile. */
static bool
gemm_panel(const gemm_run *run, electra_tile *tile, const char *next, size_t column, size_t first_k)
{
	const electra_gemm_call *call = run->call;
	size_t		row = run->first_row;
	bool		last = first_k + tile->depth == call->in_dim;

	tile->bias = call->bias != NULL && last ? call->bias + column : NULL;
	for (size_t t = 0; t < run->num_tiles; t++)
	{
		size_t		height = run->height + (t < run->num_taller ? 1 : 0);

		if (electra_pacer_stop(run->pacer, height * tile->depth * ELECTRA_PANEL_COLUMNS))
			return false;
		tile->ahead = next + t * run->ahead_part;
		tile->ahead_step = t * run->ahead_part < run->ahead_size ? run->ahead_step : 0;
		tile->x = call->x + row * call->x_stride + first_k;
		tile->y = call->y + row * call->y_stride + column;
		run->kernels->tiles[height - 1] (tile);
		if (last && call->activate)
		{
			if (electra_pacer_stop(run->pacer, height * (size_t) tile->columns *
								   ELECTRA_ACTIVATION_WORK))
				return false;
			run->kernels->activate_rows(call->activation, tile->y, height,
										(size_t) tile->columns, call->y_stride);
		}
		row += height;
	}
	return true;
}

/* Some panels for the block of rows: all tiles of it, one depth block after the other. */
static bool
gemm_block(gemm_run *run, size_t first_panel, size_t panels)
{
	const electra_gemm_call *call = run->call;
	size_t		num_depths = electra_num_pieces(call->in_dim, DEPTH_BLOCK);
	size_t		first_k = 0;

	for (size_t d = 0; d < num_depths; d++)
	{
		electra_tile tile = {
			.x_stride = call->x_stride,
			.depth = electra_piece(call->in_dim, num_depths, d),
			.y_stride = call->y_stride,
			.resume = d > 0
		};

		plan_ahead(run, tile.depth);
		for (size_t p = first_panel; p < first_panel + panels; p++)
		{
			size_t		column = p * ELECTRA_PANEL_COLUMNS;
			size_t		left = call->out_dim - column;
			const char *panel = (const char *) call->panels +
				(column * call->in_dim + first_k * ELECTRA_PANEL_COLUMNS) * run->element;
			const char *next = panel +
				(panels > 1 ? ELECTRA_PANEL_COLUMNS * call->in_dim * run->element : run->ahead_size);

			tile.panel = (const float *) (const void *) panel;
			if (call->dtype != ELECTRA_F32)
			{
				run->kernels->widen(call->dtype, panel, tile.depth * ELECTRA_PANEL_COLUMNS,
									run->widened);
				tile.panel = run->widened;
			}
			tile.columns = left < ELECTRA_PANEL_COLUMNS ? (int) left : ELECTRA_PANEL_COLUMNS;
			if (!gemm_panel(run, &tile, next, column, first_k))
				return false;
		}
		first_k += tile.depth;
	}
	return true;
}

static electra_gemm_function substitute = NULL;

void
electra_gemm_substitute(electra_gemm_function function)
{
	substitute = function;
}

/* electra_gemm itself. */
static bool
exact_gemm(const electra_gemm_call *call, electra_pacer *pacer)
{
	_Alignas(64) float widened[DEPTH_BLOCK * ELECTRA_PANEL_COLUMNS];
	gemm_run	run = {
		.kernels = electra_kernels(),
		.call = call,
		.pacer = pacer,
		.element = electra_gemm_element(call->dtype),
		.widened = widened
	};
	size_t		num_panels = electra_num_pieces(call->out_dim, ELECTRA_PANEL_COLUMNS);
	size_t		num_blocks = electra_num_pieces(call->rows, ROW_BLOCK);

	for (size_t b = 0; b < num_blocks; b++)
	{
		size_t		rows = electra_piece(call->rows, num_blocks, b);
		size_t		step = rows * call->in_dim <= INPUT_CACHE ? 1 : PANEL_BLOCK;

		run.num_tiles = electra_num_pieces(rows, (size_t) run.kernels->tile_rows);
		run.num_taller = run.num_tiles == 1 ? 0 : rows % run.num_tiles;
		run.height = electra_piece(rows, run.num_tiles, run.num_tiles - 1);
		for (size_t p = 0; p < num_panels; p += step)
		{
			size_t		panels = num_panels - p < step ? num_panels - p : step;

			if (!gemm_block(&run, p, panels))
				return false;
		}
		run.first_row += rows;
	}
	return true;
}

bool
electra_gemm(const electra_gemm_call *call, electra_pacer *pacer)
{
	return substitute == NULL ? exact_gemm(call, pacer) : substitute(call, pacer);
}

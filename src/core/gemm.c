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
	 * of them.  The fewer tiles, the more streams a part is read in: two to
	 * four in different pages come a fifth faster than one.
	 */
	size_t		ahead_lines;	/* of electra_tile */
} gemm_run;

/* One panel's part of a block: the rows of the block, tile after tile; next is read after it. */
static bool
gemm_panel(const gemm_run *run, electra_tile *tile, const char *next, size_t column, size_t first_k)
{
	const electra_gemm_call *call = run->call;
	size_t		row = run->first_row;
	const char *next_end = next + tile->depth * ELECTRA_PANEL_COLUMNS * run->element;
	bool		last = first_k + tile->depth == call->in_dim;

	tile->resume = first_k > 0;
	tile->bias = call->bias != NULL && last ? call->bias + column : NULL;
	tile->ahead = next;
	tile->ahead_lines = run->ahead_lines;
	tile->ahead_stride = (tile->depth + ELECTRA_TILE_STEP - 1) / ELECTRA_TILE_STEP * 64;
	for (size_t t = 0; t < run->num_tiles; t++)
	{
		size_t		height = run->height + (t < run->num_taller ? 1 : 0);

		if (electra_pacer_stop(run->pacer, height * tile->depth * ELECTRA_PANEL_COLUMNS))
			return false;
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
		tile->ahead += tile->ahead_lines * tile->ahead_stride;
		if (tile->ahead >= next_end)
			tile->ahead_lines = 0;
		row += height;
	}
	return true;
}

/* Some panels for the block of rows: all tiles of it, one depth block after the other. */
static bool
gemm_block(const gemm_run *run, size_t first_panel, size_t panels)
{
	const electra_gemm_call *call = run->call;
	size_t		row_size = ELECTRA_PANEL_COLUMNS * run->element;
	size_t		panel_size = call->in_dim * row_size;
	const char *first = (const char *) call->panels + first_panel * panel_size;
	size_t		rest;

	for (size_t first_k = 0; first_k < call->in_dim; first_k = call->in_dim - rest)
	{
		electra_tile tile = {.x_stride = call->x_stride, .y_stride = call->y_stride};

		rest = call->in_dim - first_k;
		/* the last two are about the same */
		tile.depth = rest <= DEPTH_BLOCK ? rest : rest < 2 * DEPTH_BLOCK ? (rest + 1) / 2 : DEPTH_BLOCK;
		rest -= tile.depth;
		for (size_t p = 0; p < panels; p++)
		{
			size_t		column = (first_panel + p) * ELECTRA_PANEL_COLUMNS;
			size_t		left = call->out_dim - column;
			const char *panel = first + p * panel_size + first_k * row_size;
			const char *next = panel + panel_size;

			if (p + 1 == panels)
				next = rest > 0 ? first + (first_k + tile.depth) * row_size : first + panels * panel_size;
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
		run.ahead_lines = electra_num_pieces(ELECTRA_TILE_STEP * ELECTRA_PANEL_COLUMNS * run.element / 64,
											 run.num_tiles);
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

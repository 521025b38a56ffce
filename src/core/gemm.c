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

/* k of a block: 256 x 32 floats of a panel are 32 kB. */
#define DEPTH_BLOCK 256

/*
 * Panels per column block where the rows' inputs are too large to stay in the
 * second-level cache (INPUT_CACHE floats of them do): their sums and one depth
 * block of inputs stay there instead.
 */
#define PANEL_BLOCK 8
#define INPUT_CACHE (112 * 1024)

/*
 * While a block of a panel is in use, the next one is on its way from memory:
 * each of the tiles that share the block fetches its part of the next, so that
 * memory is busy all the time and not only during the first of them.
 */
static void
fetch_ahead(electra_tile *tile, const float *next, size_t num_tiles, size_t index)
{
	tile->ahead_step = electra_num_pieces(ELECTRA_PANEL_COLUMNS, num_tiles);
	tile->ahead = next + index * tile->ahead_step * tile->depth;
}

/* A block of rows and columns: all tiles of it, one depth block after the other. */
static bool
gemm_block(const electra_kernel_table *kernels, const electra_gemm_call *call,
		   size_t first_row, size_t rows, size_t first_panel, size_t panels, electra_pacer *pacer)
{
	size_t		num_tiles = electra_num_pieces(rows, (size_t) kernels->tile_rows);
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

		for (size_t p = first_panel; p < first_panel + panels; p++)
		{
			size_t		column = p * ELECTRA_PANEL_COLUMNS;
			size_t		left = call->out_dim - column;
			size_t		row = first_row;
			const float *next;

			tile.panel = call->panels + column * call->in_dim + first_k * ELECTRA_PANEL_COLUMNS;
			next = tile.panel + ELECTRA_PANEL_COLUMNS * (panels > 1 ? call->in_dim : tile.depth);
			tile.columns = left < ELECTRA_PANEL_COLUMNS ? (int) left : ELECTRA_PANEL_COLUMNS;
			if (call->bias != NULL && d == num_depths - 1)
				tile.bias = call->bias + column;
			for (size_t t = 0; t < num_tiles; t++)
			{
				size_t		height = electra_piece(rows, num_tiles, t);

				if (electra_pacer_stop(pacer, height * tile.depth * ELECTRA_PANEL_COLUMNS))
					return false;
				fetch_ahead(&tile, next, num_tiles, t);
				tile.x = call->x + row * call->x_stride + first_k;
				tile.y = call->y + row * call->y_stride + column;
				kernels->tiles[height - 1] (&tile);
				row += height;
			}
		}
		first_k += tile.depth;
	}
	return true;
}

bool
electra_gemm(const electra_gemm_call *call, electra_pacer *pacer)
{
	const electra_kernel_table *kernels = electra_kernels();
	size_t		num_panels = electra_num_pieces(call->out_dim, ELECTRA_PANEL_COLUMNS);
	size_t		num_blocks = electra_num_pieces(call->rows, ROW_BLOCK);
	size_t		row = 0;

	for (size_t b = 0; b < num_blocks; b++)
	{
		size_t		rows = electra_piece(call->rows, num_blocks, b);
		size_t		step = rows * call->in_dim <= INPUT_CACHE ? 1 : PANEL_BLOCK;

		for (size_t p = 0; p < num_panels; p += step)
		{
			size_t		panels = num_panels - p < step ? num_panels - p : step;

			if (!gemm_block(kernels, call, row, rows, p, panels, pacer))
				return false;
		}
		row += rows;
	}
	return true;
}

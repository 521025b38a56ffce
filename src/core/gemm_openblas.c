/*
 * The matrix product by OpenBLAS; see gemm_openblas.h.
 *
 * A panel is an ordinary row-major matrix of 32 columns, so floats go in as
 * they are, one call a panel; narrower weights are widened a piece at a time.
 */
#include "gemm_openblas.h"

#include "image.h"

/* As cblas.h has them. */
#define ROW_MAJOR 101
#define NO_TRANSPOSITION 111

/* k of the pieces that are widened. */
#define WIDENED_DEPTH 256

/* One panel: y = x W for its columns. */
static void
multiply_panel(const electra_gemm_call *call, electra_sgemm sgemm, const char *panel,
			   size_t columns, float *y)
{
	_Alignas(64) float widened[WIDENED_DEPTH * ELECTRA_PANEL_COLUMNS];
	size_t		limit = call->dtype == ELECTRA_F32 ? call->in_dim : WIDENED_DEPTH;

	for (size_t k = 0; k < call->in_dim; k += limit)
	{
		size_t		depth = call->in_dim - k < limit ? call->in_dim - k : limit;
		const float *weights = (const float *) (const void *) panel;

		if (call->dtype != ELECTRA_F32)
		{
			electra_kernels()->widen(call->dtype, panel, depth * ELECTRA_PANEL_COLUMNS, widened);
			weights = widened;
		}
		sgemm(ROW_MAJOR, NO_TRANSPOSITION, NO_TRANSPOSITION, (int) call->rows, (int) columns,
			  (int) depth, 1.0f, call->x + k, (int) call->x_stride, weights,
			  ELECTRA_PANEL_COLUMNS, k == 0 ? 0.0f : 1.0f, y, (int) call->y_stride);
		panel += depth * ELECTRA_PANEL_COLUMNS * electra_gemm_element(call->dtype);
	}
}

bool
electra_gemm_openblas(const electra_gemm_call *call, electra_sgemm sgemm, electra_pacer *pacer)
{
	const char *panels = call->panels;

	for (size_t column = 0; column < call->out_dim; column += ELECTRA_PANEL_COLUMNS)
	{
		size_t		left = call->out_dim - column;
		size_t		columns = left < ELECTRA_PANEL_COLUMNS ? left : ELECTRA_PANEL_COLUMNS;
		float	   *y = call->y + column;

		if (electra_pacer_stop(pacer, call->rows * call->in_dim * columns))
			return false;
		multiply_panel(call, sgemm,
					   panels + column * call->in_dim * electra_gemm_element(call->dtype), columns, y);
		for (size_t r = 0; call->bias != NULL && r < call->rows; r++)
			for (size_t c = 0; c < columns; c++)
				y[r * call->y_stride + c] += call->bias[column + c];
		if (call->activate)
			electra_kernels()->activate_rows(call->activation, y, call->rows, columns,
											 call->y_stride);
	}
	return true;
}

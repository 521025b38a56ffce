/*
 * The matrix product by OpenBLAS.  The only file that knows it.
 *
 * A panel is an ordinary row-major matrix of 32 columns, so it goes in as it
 * is, one call a panel.
 */
#include "gemm.h"

#include "image.h"

#include <cblas.h>

bool
electra_gemm_openblas(const electra_gemm_call *call, electra_pacer *pacer)
{
	for (size_t column = 0; column < call->out_dim; column += ELECTRA_PANEL_COLUMNS)
	{
		size_t		left = call->out_dim - column;
		size_t		columns = left < ELECTRA_PANEL_COLUMNS ? left : ELECTRA_PANEL_COLUMNS;

		if (electra_pacer_stop(pacer, call->rows * call->in_dim * columns))
			return false;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint) call->rows,
					(blasint) columns, (blasint) call->in_dim, 1.0f, call->x,
					(blasint) call->x_stride, call->panels + column * call->in_dim,
					ELECTRA_PANEL_COLUMNS, 0.0f, call->y + column, (blasint) call->y_stride);
		if (call->bias == NULL)
			continue;
		for (size_t r = 0; r < call->rows; r++)
			for (size_t c = column; c < column + columns; c++)
				call->y[r * call->y_stride + c] += call->bias[c];
	}
	return true;
}

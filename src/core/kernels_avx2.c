/*
 * The kernels for AVX2 with FMA.  6 x 16 accumulators take 12 of 16 registers.
 */
#include "kernel_table.h"

#if defined(__x86_64__)

#define TILE_ROWS 6
#define TILE_VECTORS 1

#include "lanes_avx2.h"
#include "vector_math.h"
#include "gemm_kernels.h"
#include "row_kernels.h"
#include "activation_kernels.h"

const electra_kernel_table electra_kernel_table_avx2 = {
	.set = ELECTRA_KERNELS_AVX2,
	.tile_rows = TILE_ROWS,
	.tiles = TILE_FUNCTIONS,
	.add3 = row_add3,
	.scale = row_scale,
	.layer_norm = row_layer_norm,
	.activate = activation_apply,
	.softmax = row_softmax,
	.dot = row_dot,
	.sum_rows = row_sum_rows,
	.largest_rows = row_largest_rows,
	.all_finite = row_all_finite,
};

#endif

/*
 * The kernels for AVX-512.  14 x 32 accumulators take 28 of 32 registers.
 */
#include "kernel_table.h"

#if defined(__x86_64__)

#define TILE_ROWS 14
#define TILE_VECTORS 2

#include "lanes_avx512.h"
#include "vector_math.h"
#include "gemm_kernels.h"
#include "row_kernels.h"
#include "activation_kernels.h"

const electra_kernel_table electra_kernel_table_avx512 = {
	.set = ELECTRA_KERNELS_AVX512,
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

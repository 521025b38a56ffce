/*
 * The kernels in plain C, for every CPU; fused multiply-add is fmaf().
 */
#include "kernel_table.h"

#define TILE_ROWS 4
#define TILE_VECTORS 1

#include "lanes_portable.h"
#include "vector_math.h"
#include "gemm_kernels.h"
#include "row_kernels.h"
#include "activation_kernels.h"

const electra_kernel_table electra_kernel_table_portable = {
	.set = ELECTRA_KERNELS_PORTABLE,
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

/*
 * All kernels of one instruction set: what a kernels_….c compiles, over its
 * own lanes_….h.
 *
 * Included once by each of them, with KERNEL_SET (its name in the enumeration),
 * KERNEL_TABLE (the variable of kernel_table.h to define) and what
 * gemm_kernels.h wants defined.
 */
#include "vector_math.h"
#include "gemm_kernels.h"
#include "row_kernels.h"
#include "activation_kernels.h"

const electra_kernel_table KERNEL_TABLE = {
	.set = KERNEL_SET,
	.tile_rows = TILE_ROWS,
	.tiles = TILE_FUNCTIONS,
	.add3 = row_add3,
	.scale = row_scale,
	.layer_norm = row_layer_norm,
	.activate = activation_apply,
	.softmax = row_softmax,
	.dot = row_dot,
	.products = row_products,
	.sum_rows = row_sum_rows,
	.largest_rows = row_largest_rows,
	.all_finite = row_all_finite,
};

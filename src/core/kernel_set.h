/*
 * All kernels of one instruction set: what a kernels_….c compiles, over its
 * own lanes_….h.
 *
 * Included once by each of them, with KERNEL_SET (its name in the enumeration),
 * KERNEL_TABLE (the variable of kernel_table.h to define), KERNEL_INT8 (of
 * int8_table.h, the one it points to) and what gemm_kernels.h wants defined.
 * KERNEL_VNNI_SET, KERNEL_VNNI_TABLE and KERNEL_VNNI_INT8, where they are
 * defined, make a second table that differs in int8 only.
 */
#include "vector_math.h"
#include "gemm_kernels.h"
#include "row_kernels.h"
#include "activation_kernels.h"
#include "widen_kernels.h"

/* What all tables of this instruction set share. */
#define KERNEL_FUNCTIONS \
	.tile_rows = TILE_ROWS, \
	.tiles = TILE_FUNCTIONS, \
	.widen = widen_weights, \
	.add3 = row_add3, \
	.scale = row_scale, \
	.layer_norm = row_layer_norm, \
	.activate = activation_apply, \
	.activate_rows = activation_apply_rows, \
	.softmax = row_softmax, \
	.pack_columns = row_pack_columns, \
	.dot = row_dot, \
	.products = row_products, \
	.sum_rows = row_sum_rows, \
	.largest_rows = row_largest_rows, \
	.all_finite = row_all_finite

const electra_kernel_table KERNEL_TABLE = {
	.set = KERNEL_SET,
	.int8 = &KERNEL_INT8,
	KERNEL_FUNCTIONS
};

#ifdef KERNEL_VNNI_SET
const electra_kernel_table KERNEL_VNNI_TABLE = {
	.set = KERNEL_VNNI_SET,
	.int8 = &KERNEL_VNNI_INT8,
	KERNEL_FUNCTIONS
};
#endif

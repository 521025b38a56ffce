/*
 * The kernels in plain C, for every CPU; fused multiply-add is fmaf().
 */
#include "kernel_table.h"

#define KERNEL_SET ELECTRA_KERNELS_PORTABLE
#define KERNEL_TABLE electra_kernel_table_portable
#define KERNEL_INT8 electra_int8_portable
#define TILE_ROWS 4
#define TILE_VECTORS 1

#include "lanes_portable.h"
#include "kernel_set.h"

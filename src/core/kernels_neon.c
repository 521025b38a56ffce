/*
 * The kernels for aarch64, where NEON and its fused multiply-add are always
 * there.  6 x 16 accumulators take 24 of 32 registers.
 */
#include "kernel_table.h"

#if defined(__aarch64__)

#define KERNEL_SET ELECTRA_KERNELS_NEON
#define KERNEL_TABLE electra_kernel_table_neon
#define KERNEL_INT8 electra_int8_portable
#define TILE_ROWS 6
#define TILE_VECTORS 1

#include "lanes_neon.h"
#include "kernel_set.h"

#endif

/*
 * The kernels for AVX2 with FMA.  6 x 16 accumulators take 12 of 16 registers.
 */
#include "kernel_table.h"

#if defined(__x86_64__)

#define KERNEL_SET ELECTRA_KERNELS_AVX2
#define KERNEL_TABLE electra_kernel_table_avx2
#define KERNEL_INT8 electra_int8_avx2
#define KERNEL_VNNI_SET ELECTRA_KERNELS_AVX_VNNI
#define KERNEL_VNNI_TABLE electra_kernel_table_avx_vnni
#define KERNEL_VNNI_INT8 electra_int8_avx_vnni
#define TILE_ROWS 6
#define TILE_VECTORS 1

#include "lanes_avx2.h"
#include "kernel_set.h"

#endif

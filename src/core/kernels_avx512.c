/*
 * The kernels for AVX-512.  14 x 32 accumulators take 28 of 32 registers.
 */
#include "kernel_table.h"

#if defined(__x86_64__)

#define KERNEL_SET ELECTRA_KERNELS_AVX512
#define KERNEL_TABLE electra_kernel_table_avx512
#define KERNEL_INT8 electra_int8_avx512
#define KERNEL_VNNI_SET ELECTRA_KERNELS_AVX512_VNNI
#define KERNEL_VNNI_TABLE electra_kernel_table_avx512_vnni
#define KERNEL_VNNI_INT8 electra_int8_avx512_vnni
#define TILE_ROWS 14
#define TILE_VECTORS 2

#include "lanes_avx512.h"
#include "kernel_set.h"

#endif

/*
 * The arithmetic of the encoder, once for each instruction set, all with the
 * same bits: every output element of a matrix product is one accumulator, k
 * ascending, one fused multiply-add a step; every reduction follows one fixed
 * tree of 16 lanes.
 */
#ifndef ELECTRA_KERNELS_H
#define ELECTRA_KERNELS_H

#include "config.h"

typedef enum electra_kernel_set
{
	ELECTRA_KERNELS_PORTABLE = 0,
	ELECTRA_KERNELS_AVX2,
	ELECTRA_KERNELS_AVX_VNNI,	/* the same, and int8 by AVX-VNNI */
	ELECTRA_KERNELS_AVX512,
	ELECTRA_KERNELS_AVX512_VNNI,	/* the same, and int8 by AVX-512 VNNI */
	ELECTRA_KERNELS_NEON		/* aarch64 */
} electra_kernel_set;

#define ELECTRA_NUM_KERNEL_SETS 6

/* "portable", "avx2", "avxvnni", "avx512", "avx512vnni", "neon" */
extern const char *electra_kernel_set_name(electra_kernel_set set);

/* What this CPU and operating system can run (CPUID and XGETBV). */
extern bool electra_kernel_set_available(electra_kernel_set set);

/* Has this CPU F16C, which AVX2 does not imply; false where it is no x86. */
extern bool electra_has_f16c(void);

/* Does this CPU have fused multiply-add in hardware; without it all is exact but slow. */
extern bool electra_has_hardware_fma(void);

/*
 * The set in use: the best available one, until electra_kernels_choose takes
 * another.  Every set gives the same bits, so this changes only speed.
 */
extern electra_kernel_set electra_kernels_chosen(void);
extern bool electra_kernels_choose(electra_kernel_set set); /* false: not available */

/* Inner product, sum in the 16-lane tree. */
extern float electra_dot(const float *a /* (n) */ , const float *b /* (n) */ , size_t n);

/* Sum of the squares, in double in the 16-lane tree: what electra_cosine_with wants. */
extern double electra_square(const float *a /* (n) */ , size_t n);

/*
 * Cosine of a with one of many others, with the bits of
 * electra_cosine_similarity: a_square is electra_square(a, n).  ahead, what is
 * read soon, is fetched into the caches meanwhile, and may lie anywhere; NULL:
 * not known.
 */
extern float electra_cosine_with(const float *a /* (n) */ , double a_square,
								 const float *b /* (n) */ ,
								 const float *ahead /* (n) */ , size_t n);

/* Cosine of two vectors; 0 where one of them is all zero; NaN where one holds NaN. */
extern float electra_cosine_similarity(const float *a /* (n) */ , const float *b /* (n) */ , size_t n);

#endif							/* ELECTRA_KERNELS_H */

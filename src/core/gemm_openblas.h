/*
 * The matrix product by OpenBLAS, which rounds in an order of its own: an
 * oracle for tests, a row of the benchmark, and a comparison from SQL
 * (pg/openblas.c).  Never for vectors that are stored.
 */
#ifndef ELECTRA_GEMM_OPENBLAS_H
#define ELECTRA_GEMM_OPENBLAS_H

#include "gemm.h"

/* cblas_sgemm with its enumerations as the integers that they are and a blasint of 32 bits. */
typedef void (*electra_sgemm) (int order, int trans_a, int trans_b, int m, int n, int k,
							   float alpha, const float *a, int lda, const float *b, int ldb,
							   float beta, float *c, int ldc);

/* As electra_gemm, but for the bits. */
extern bool electra_gemm_openblas(const electra_gemm_call *call, electra_sgemm sgemm,
								  electra_pacer *pacer);

#endif							/* ELECTRA_GEMM_OPENBLAS_H */

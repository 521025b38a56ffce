/*
 * OpenBLAS in place of our matrix product, for comparison: the setting
 * electra.gemm.
 */
#ifndef ELECTRA_OPENBLAS_H
#define ELECTRA_OPENBLAS_H

/* Defines electra.gemm; called by _PG_init. */
extern void electra_openblas_init(void);

/*
 * Does OpenBLAS compute at the moment?  Before that, an ERROR where a result
 * could be stored, and once a session a WARNING.  For everything that is about
 * to run the encoder, or to answer out of earlier runs of it.
 */
extern bool electra_openblas_used(void);

#endif							/* ELECTRA_OPENBLAS_H */

/*
 * Settings of the computing part, and the functions that show what is in use.
 */
#ifndef ELECTRA_SETTINGS_H
#define ELECTRA_SETTINGS_H

/* Defines electra.kernels and electra.gemm; called by _PG_init. */
extern void electra_settings_init(void);

#endif							/* ELECTRA_SETTINGS_H */

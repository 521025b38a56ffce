/*
 * Stored floating-point formats to float.
 */
#ifndef ELECTRA_WIDEN_H
#define ELECTRA_WIDEN_H

#include "config.h"

/*
 * Converts count little-endian elements of dtype (ELECTRA_F32, ELECTRA_F16,
 * ELECTRA_BF16 or ELECTRA_F64) at stored (any alignment) to floats.  F16 and
 * BF16 widen exactly, subnormals included; F64 rounds to the nearest float,
 * ties to even, beyond the range to infinity.  NaN stays NaN.
 */
extern void electra_widen(electra_dtype dtype, const void *stored, size_t count, float *values);

#endif							/* ELECTRA_WIDEN_H */

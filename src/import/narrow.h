/*
 * Floats to the smaller formats that an archive may hold; core/widen.h is the
 * way back.
 */
#ifndef ELECTRA_NARROW_H
#define ELECTRA_NARROW_H

#include "core/config.h"

/*
 * Converts finite floats to little-endian elements of dtype (ELECTRA_F32,
 * ELECTRA_F16 or ELECTRA_BF16), rounding to nearest, ties to even, whatever the
 * rounding mode; what the format can hold, subnormals and signed zeros
 * included, stays as it is.  stored may be values.
 *
 * Returns count, or the index of the first value whose magnitude is beyond the
 * format; those from there on are not converted.
 */
extern size_t narrow_floats(electra_dtype dtype, const float *values /* (count) */ , size_t count,
							void *stored);

#endif							/* ELECTRA_NARROW_H */

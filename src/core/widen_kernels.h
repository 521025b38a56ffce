/*
 * Stored weights to floats, a block of a panel at a time, with the bits of
 * electra_widen for all finite values.
 *
 * Included after a lanes_….h.  LANES_WIDEN says that it has lanes_widen_half
 * and lanes_widen_bfloat; LANES_HALF_TARGET is what the first is compiled for
 * and LANES_HAS_HALF whether this CPU runs that.
 */
#ifndef ELECTRA_WIDEN_KERNELS_H
#define ELECTRA_WIDEN_KERNELS_H

#include "widen.h"

#ifdef LANES_WIDEN

static LANES_HALF_TARGET void
widen_halves(const uint16_t *stored, size_t count, float *values)
{
	for (size_t i = 0; i < count; i += 16)
		lanes_store(values + i, lanes_widen_half(stored + i));
}

static LANES_TARGET void
widen_weights(electra_dtype dtype, const void *stored, size_t count, float *values)
{
	const uint16_t *elements = stored;

	if (dtype == ELECTRA_BF16)
		for (size_t i = 0; i < count; i += 16)
			lanes_store(values + i, lanes_widen_bfloat(elements + i));
	else if (LANES_HAS_HALF)
		widen_halves(elements, count, values);
	else
		electra_widen(dtype, stored, count, values);
}

#else
#define widen_weights electra_widen
#endif

#endif							/* ELECTRA_WIDEN_KERNELS_H */

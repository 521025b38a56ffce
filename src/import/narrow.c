/*
 * Floats to the smaller formats, by integer arithmetic: C has no type for them,
 * and the bits must not depend on the machine.
 */
#include "import/narrow.h"

#include <string.h>

#define INFINITY_F16 0x7C00u
#define INFINITY_BF16 0x7F80u

/* Drops the lowest bits of a number, rounding to nearest, ties to even; 0 < bits < 32. */
static uint32_t
round_off(uint32_t number, int bits)
{
	uint32_t	half = UINT32_C(1) << (bits - 1);
	uint32_t	dropped = number & (2 * half - 1);
	uint32_t	kept = number >> bits;

	return kept + (dropped > half || (dropped == half && (kept & 1) != 0) ? 1 : 0);
}

/* The magnitude of a binary32 as a binary16; a carry out of the fraction rightly raises the exponent. */
static uint32_t
to_half(uint32_t magnitude)
{
	int			exponent = (int) (magnitude >> 23) - 127;
	uint32_t	fraction = (magnitude & 0x7FFFFFu) | 0x800000u;

	if (exponent >= 16)
		return INFINITY_F16;
	if (exponent >= -14)		/* normal: the exponent's bias changes from 127 to 15 */
		return round_off(magnitude - (UINT32_C(112) << 23), 13);
	if (exponent < -25)			/* below half of the smallest subnormal, 2^-24 */
		return 0;
	return round_off(fraction, -1 - exponent);	/* fraction * 2^(exponent - 23) in units of 2^-24 */
}

size_t
narrow_floats(electra_dtype dtype, const float *values, size_t count, void *stored)
{
	const uint32_t infinity = dtype == ELECTRA_F16 ? INFINITY_F16 : INFINITY_BF16;
	unsigned char *bytes = stored;

	if (dtype == ELECTRA_F32)
	{
		memmove(stored, values, count * sizeof(float));
		return count;
	}
	for (size_t i = 0; i < count; i++)
	{
		uint32_t	bits;
		uint32_t	magnitude;
		uint16_t	element;

		memcpy(&bits, &values[i], sizeof(bits));
		magnitude = bits & 0x7FFFFFFFu;
		magnitude = dtype == ELECTRA_F16 ? to_half(magnitude) : round_off(magnitude, 16);
		if (magnitude >= infinity)
			return i;
		element = (uint16_t) ((bits >> 31) << 15 | magnitude);
		memcpy(bytes + 2 * i, &element, sizeof(element));
	}
	return count;
}

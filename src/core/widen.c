/*
 * Stored floating-point formats to float, by integer arithmetic where the
 * format has no C type.
 */
#include "widen.h"

#include <string.h>

/* IEEE 754 binary16 → bits of binary32. */
static uint32_t
half_to_bits(uint16_t half)
{
	uint32_t	sign = (uint32_t) (half & 0x8000u) << 16;
	uint32_t	exponent = (half >> 10) & 0x1Fu;
	uint32_t	fraction = half & 0x3FFu;

	if (exponent == 0x1F)		/* infinity or NaN */
		return sign | 0x7F800000u | fraction << 13;
	if (exponent == 0)
	{
		if (fraction == 0)
			return sign;
		/* subnormal: shift until the leading one is implicit */
		exponent = 1;
		while ((fraction & 0x400u) == 0)
		{
			fraction <<= 1;
			exponent--;
		}
		fraction &= 0x3FFu;
	}
	return sign | (exponent + (127 - 15)) << 23 | fraction << 13;
}

void
electra_widen(electra_dtype dtype, const void *stored, size_t count, float *values)
{
	const unsigned char *bytes = stored;

	switch (dtype)
	{
		case ELECTRA_F32:
			memcpy(values, stored, count * sizeof(float));
			break;
		case ELECTRA_F16:
		case ELECTRA_BF16:
			for (size_t i = 0; i < count; i++)
			{
				uint16_t	element;
				uint32_t	bits;

				memcpy(&element, bytes + 2 * i, sizeof(element));
				bits = dtype == ELECTRA_F16 ? half_to_bits(element) : (uint32_t) element << 16;
				memcpy(&values[i], &bits, sizeof(bits));
			}
			break;
		case ELECTRA_F64:
			for (size_t i = 0; i < count; i++)
			{
				double		element;

				memcpy(&element, bytes + 8 * i, sizeof(element));
				values[i] = (float) element;
			}
			break;
		case ELECTRA_I8:
		case ELECTRA_U8:
		case ELECTRA_I64:
			/* no floating-point formats: the readers refuse them before */
			memset(values, 0, count * sizeof(float));
			break;
	}
}

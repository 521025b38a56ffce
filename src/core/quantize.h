/*
 * The rules of int8, one group at a time: what the importer does with weights
 * and what every kernel does with activations (int8_kernels.h gives its bits).
 */
#ifndef ELECTRA_QUANTIZE_H
#define ELECTRA_QUANTIZE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Groups whose largest magnitude is below this are zero: 127 / 2^-100 is far from overflowing. */
#define ELECTRA_INT8_SMALLEST 0x1p-100f

/*
 * Quantizes count (1 … ELECTRA_INT8_GROUP) finite values: values[k] is about
 * q[k] * (the result), q in -127 … 127.  Needs round-to-nearest (fpenv.h).
 */
static inline float
electra_quantize_group(const float *values /* (count) */ , size_t count, int8_t *q /* (count) */ )
{
	float		absmax = 0.0f;
	float		inverse;

	for (size_t k = 0; k < count; k++)
	{
		float		magnitude = fabsf(values[k]);

		if (magnitude > absmax)
			absmax = magnitude;
	}
	if (absmax < ELECTRA_INT8_SMALLEST)
	{
		for (size_t k = 0; k < count; k++)
			q[k] = 0;
		return 0.0f;
	}
	inverse = 127.0f / absmax;
	for (size_t k = 0; k < count; k++)
	{
		/* adding and taking away 1.5 * 2^23 rounds to the nearest integer, ties to even */
		float		shifted = values[k] * inverse + 0x1.8p23f;

		q[k] = (int8_t) (shifted - 0x1.8p23f);
	}
	return absmax / 127.0f;
}

/*
 * The same without a sign, for finite values that are not below -shift:
 * values[k] is about q[k] * (the result) - shift, q in 0 … 255.
 */
static inline float
electra_quantize_shifted(const float *values /* (count) */ , size_t count, float shift,
						 uint8_t *q /* (count) */ )
{
	float		max = 0.0f;
	float		inverse;

	for (size_t k = 0; k < count; k++)
	{
		float		value = values[k] + shift;

		if (value > max)
			max = value;
	}
	if (max < ELECTRA_INT8_SMALLEST)
	{
		for (size_t k = 0; k < count; k++)
			q[k] = 0;
		return 0.0f;
	}
	inverse = 255.0f / max;
	for (size_t k = 0; k < count; k++)
	{
		float		shifted = (values[k] + shift) * inverse + 0x1.8p23f;

		q[k] = (uint8_t) (shifted - 0x1.8p23f);
	}
	return max / 255.0f;
}

#endif							/* ELECTRA_QUANTIZE_H */

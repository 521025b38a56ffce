/*
 * Sixteen float lanes in plain C: the meaning of the operations out of which
 * every kernel is made.  lanes_avx2.h and lanes_avx512.h give the same bits for
 * each of them, so the kernels (included once for each set) do too.
 *
 * Included by kernels_portable.c only.
 */
#ifndef ELECTRA_LANES_PORTABLE_H
#define ELECTRA_LANES_PORTABLE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES_TARGET
#if defined(__GNUC__)
#define LANES_INLINE static inline __attribute__((always_inline))
#else
#define LANES_INLINE static inline
#endif

/* Functions of many operations: inlined here, they would only swell the code. */
#define LANES_FUNCTION static inline

/*
 * Vectors that a function of many dependent steps (vector_math.h) takes at a
 * time: as many as there are registers for.
 */
#define LANES_CHAINS 1

typedef struct lanes
{
	float		value[16];
} lanes;

/* All lanes the same. */
LANES_INLINE lanes
lanes_set(float value)
{
	lanes		result;

	for (int i = 0; i < 16; i++)
		result.value[i] = value;
	return result;
}

LANES_INLINE lanes
lanes_load(const float *source /* (16) */ )
{
	lanes		result;

	memcpy(result.value, source, sizeof(result.value));
	return result;
}

LANES_INLINE void
lanes_store(float *target /* (16) */ , lanes a)
{
	memcpy(target, a.value, sizeof(a.value));
}

/* The first count (1 … 15) lanes from memory, the others from fill. */
LANES_INLINE lanes
lanes_load_tail(const float *source /* (count) */ , size_t count, lanes fill)
{
	memcpy(fill.value, source, count * sizeof(float));
	return fill;
}

/* Stores the first count (1 … 15) lanes only. */
LANES_INLINE void
lanes_store_tail(float *target /* (count) */ , lanes a, size_t count)
{
	memcpy(target, a.value, count * sizeof(float));
}

LANES_INLINE lanes
lanes_add(lanes a, lanes b)
{
	for (int i = 0; i < 16; i++)
		a.value[i] += b.value[i];
	return a;
}

LANES_INLINE lanes
lanes_sub(lanes a, lanes b)
{
	for (int i = 0; i < 16; i++)
		a.value[i] -= b.value[i];
	return a;
}

LANES_INLINE lanes
lanes_mul(lanes a, lanes b)
{
	for (int i = 0; i < 16; i++)
		a.value[i] *= b.value[i];
	return a;
}

LANES_INLINE lanes
lanes_div(lanes a, lanes b)
{
	for (int i = 0; i < 16; i++)
		a.value[i] /= b.value[i];
	return a;
}

/* a * b + c, rounded once. */
LANES_INLINE lanes
lanes_fma(lanes a, lanes b, lanes c)
{
	for (int i = 0; i < 16; i++)
		c.value[i] = fmaf(a.value[i], b.value[i], c.value[i]);
	return c;
}

/* sum := a b + sum. */
LANES_INLINE void
lanes_accumulate(lanes *sum, lanes a, lanes b)
{
	*sum = lanes_fma(a, b, *sum);
}

/* a > b ? a : b, so b where one of them is NaN or both are zero (as maxps). */
LANES_INLINE lanes
lanes_max(lanes a, lanes b)
{
	for (int i = 0; i < 16; i++)
		b.value[i] = a.value[i] > b.value[i] ? a.value[i] : b.value[i];
	return b;
}

/* a < b ? a : b, so b where one of them is NaN or both are zero (as minps). */
LANES_INLINE lanes
lanes_min(lanes a, lanes b)
{
	for (int i = 0; i < 16; i++)
		b.value[i] = a.value[i] < b.value[i] ? a.value[i] : b.value[i];
	return b;
}

LANES_INLINE lanes
lanes_abs(lanes a)
{
	for (int i = 0; i < 16; i++)
		a.value[i] = fabsf(a.value[i]);
	return a;
}

/* a < b ? yes : no; no where one of them is NaN. */
LANES_INLINE lanes
lanes_select_less(lanes a, lanes b, lanes yes, lanes no)
{
	for (int i = 0; i < 16; i++)
		no.value[i] = a.value[i] < b.value[i] ? yes.value[i] : no.value[i];
	return no;
}

/*
 * a * 2^n by adding to its exponent, where shifted is 1.5 * 2^23 + n: the low
 * bits of such a number are n.  Result and a must be normal.
 */
LANES_INLINE lanes
lanes_scale(lanes a, lanes shifted)
{
	for (int i = 0; i < 16; i++)
	{
		uint32_t	bits;
		uint32_t	exponent;

		memcpy(&bits, &a.value[i], sizeof(bits));
		memcpy(&exponent, &shifted.value[i], sizeof(exponent));
		bits += exponent << 23;
		memcpy(&a.value[i], &bits, sizeof(bits));
	}
	return a;
}

/* The fixed tree: lane i and lane i + 8, then + 4, + 2, + 1. */
LANES_INLINE float
lanes_sum(lanes a)
{
	for (int half = 8; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			a.value[i] = a.value[i] + a.value[i + half];
	return a.value[0];
}

/* The same tree with lanes_max. */
LANES_INLINE float
lanes_largest(lanes a)
{
	for (int half = 8; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			a.value[i] = a.value[i] > a.value[i + half] ? a.value[i] : a.value[i + half];
	return a.value[0];
}

/* Sixteen double lanes: for sums of products of floats, which are exact in double. */
typedef struct wide_lanes
{
	double		value[16];
} wide_lanes;

LANES_INLINE wide_lanes
wide_zero(void)
{
	wide_lanes	result = {{0}};

	return result;
}

LANES_INLINE wide_lanes
wide_load(const float *source /* (16) */ )
{
	wide_lanes	result;

	for (int i = 0; i < 16; i++)
		result.value[i] = source[i];
	return result;
}

/* The first count (1 … 15) lanes from memory, the others 0. */
LANES_INLINE wide_lanes
wide_load_tail(const float *source /* (count) */ , size_t count)
{
	wide_lanes	result = {{0}};

	for (size_t i = 0; i < count; i++)
		result.value[i] = source[i];
	return result;
}

/*
 * a * b + sum, where a and b were floats: their product needs no rounding, so
 * that it is all the same whether multiplication and addition are fused.
 */
LANES_INLINE wide_lanes
wide_add_product(wide_lanes a, wide_lanes b, wide_lanes sum)
{
	for (int i = 0; i < 16; i++)
		sum.value[i] += a.value[i] * b.value[i];
	return sum;
}

/* The tree of lanes_sum. */
LANES_INLINE double
wide_sum(wide_lanes a)
{
	for (int half = 8; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			a.value[i] = a.value[i] + a.value[i + half];
	return a.value[0];
}

#endif							/* ELECTRA_LANES_PORTABLE_H */

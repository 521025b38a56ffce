/*
 * Sixteen float lanes in four NEON registers.  lanes_portable.h says what each
 * function means; included by kernels_neon.c only.
 */
#ifndef ELECTRA_LANES_NEON_H
#define ELECTRA_LANES_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES_TARGET
#define LANES_INLINE static inline __attribute__((always_inline))
#define LANES_FUNCTION LANES_INLINE
#define LANES_WIDEN
#define LANES_HALF_TARGET LANES_TARGET
#define LANES_HAS_HALF true

#define LANES_CHAINS 2

typedef struct lanes
{
	float32x4_t quarter[4];		/* lanes 0 … 3, 4 … 7, 8 … 11, 12 … 15 */
} lanes;

LANES_INLINE lanes
lanes_set(float value)
{
	float32x4_t all = vdupq_n_f32(value);
	lanes		result = {{all, all, all, all}};

	return result;
}

LANES_INLINE lanes
lanes_load(const float *source)
{
	lanes		result = {{vld1q_f32(source), vld1q_f32(source + 4), vld1q_f32(source + 8),
	vld1q_f32(source + 12)}};

	return result;
}

/* From sixteen elements of float16 or bfloat16. */
LANES_INLINE lanes
lanes_widen_half(const uint16_t *source)
{
	lanes		result;

	for (int i = 0; i < 4; i++)
		result.quarter[i] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(source + 4 * i)));
	return result;
}

LANES_INLINE lanes
lanes_widen_bfloat(const uint16_t *source)
{
	lanes		result;

	for (int i = 0; i < 4; i++)
		result.quarter[i] = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(source + 4 * i), 16));
	return result;
}

LANES_INLINE void
lanes_store(float *target, lanes a)
{
	for (int i = 0; i < 4; i++)
		vst1q_f32(target + 4 * i, a.quarter[i]);
}

LANES_INLINE lanes
lanes_load_tail(const float *source, size_t count, lanes fill)
{
	float		padded[16];

	lanes_store(padded, fill);
	memcpy(padded, source, count * sizeof(float));
	return lanes_load(padded);
}

LANES_INLINE void
lanes_store_tail(float *target, lanes a, size_t count)
{
	float		padded[16];

	lanes_store(padded, a);
	memcpy(target, padded, count * sizeof(float));
}

LANES_INLINE lanes
lanes_add(lanes a, lanes b)
{
	for (int i = 0; i < 4; i++)
		a.quarter[i] = vaddq_f32(a.quarter[i], b.quarter[i]);
	return a;
}

LANES_INLINE lanes
lanes_sub(lanes a, lanes b)
{
	for (int i = 0; i < 4; i++)
		a.quarter[i] = vsubq_f32(a.quarter[i], b.quarter[i]);
	return a;
}

LANES_INLINE lanes
lanes_mul(lanes a, lanes b)
{
	for (int i = 0; i < 4; i++)
		a.quarter[i] = vmulq_f32(a.quarter[i], b.quarter[i]);
	return a;
}

LANES_INLINE lanes
lanes_div(lanes a, lanes b)
{
	for (int i = 0; i < 4; i++)
		a.quarter[i] = vdivq_f32(a.quarter[i], b.quarter[i]);
	return a;
}

LANES_INLINE lanes
lanes_fma(lanes a, lanes b, lanes c)
{
	for (int i = 0; i < 4; i++)
		c.quarter[i] = vfmaq_f32(c.quarter[i], a.quarter[i], b.quarter[i]);
	return c;
}

LANES_INLINE void
lanes_accumulate(lanes *sum, lanes a, lanes b)
{
	*sum = lanes_fma(a, b, *sum);
}

/* By comparison: vmaxq_f32 has other rules for NaN and zeros. */
LANES_INLINE lanes
lanes_max(lanes a, lanes b)
{
	for (int i = 0; i < 4; i++)
		b.quarter[i] = vbslq_f32(vcgtq_f32(a.quarter[i], b.quarter[i]), a.quarter[i], b.quarter[i]);
	return b;
}

LANES_INLINE lanes
lanes_min(lanes a, lanes b)
{
	for (int i = 0; i < 4; i++)
		b.quarter[i] = vbslq_f32(vcltq_f32(a.quarter[i], b.quarter[i]), a.quarter[i], b.quarter[i]);
	return b;
}

LANES_INLINE lanes
lanes_abs(lanes a)
{
	for (int i = 0; i < 4; i++)
		a.quarter[i] = vabsq_f32(a.quarter[i]);
	return a;
}

LANES_INLINE lanes
lanes_select_less(lanes a, lanes b, lanes yes, lanes no)
{
	for (int i = 0; i < 4; i++)
		no.quarter[i] = vbslq_f32(vcltq_f32(a.quarter[i], b.quarter[i]), yes.quarter[i],
								  no.quarter[i]);
	return no;
}

LANES_INLINE lanes
lanes_scale(lanes a, lanes shifted)
{
	for (int i = 0; i < 4; i++)
	{
		uint32x4_t	exponent = vshlq_n_u32(vreinterpretq_u32_f32(shifted.quarter[i]), 23);

		a.quarter[i] = vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(a.quarter[i]), exponent));
	}
	return a;
}

LANES_INLINE float
lanes_sum(lanes a)
{
	float32x4_t four = vaddq_f32(vaddq_f32(a.quarter[0], a.quarter[2]),
								 vaddq_f32(a.quarter[1], a.quarter[3]));
	float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));

	return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/* a > b ? a : b, as lanes_max. */
LANES_INLINE float
lanes_largest(lanes a)
{
	lanes		b = {{a.quarter[2], a.quarter[3], a.quarter[2], a.quarter[3]}};
	float		four[4];

	a = lanes_max(a, b);
	b.quarter[0] = a.quarter[1];
	a = lanes_max(a, b);
	vst1q_f32(four, a.quarter[0]);
	for (int half = 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			four[i] = four[i] > four[i + half] ? four[i] : four[i + half];
	return four[0];
}

typedef struct wide_lanes
{
	float64x2_t eighth[8];		/* two lanes each, in order */
} wide_lanes;

LANES_INLINE wide_lanes
wide_zero(void)
{
	wide_lanes	result;

	for (int i = 0; i < 8; i++)
		result.eighth[i] = vdupq_n_f64(0.0);
	return result;
}

LANES_INLINE wide_lanes
wide_load(const float *source)
{
	wide_lanes	result;

	for (int i = 0; i < 8; i++)
		result.eighth[i] = vcvt_f64_f32(vld1_f32(source + 2 * i));
	return result;
}

LANES_INLINE wide_lanes
wide_load_tail(const float *source, size_t count)
{
	float		padded[16];

	lanes_store(padded, lanes_load_tail(source, count, lanes_set(0.0f)));
	return wide_load(padded);
}

LANES_INLINE wide_lanes
wide_add_product(wide_lanes a, wide_lanes b, wide_lanes sum)
{
	for (int i = 0; i < 8; i++)
		sum.eighth[i] = vfmaq_f64(sum.eighth[i], a.eighth[i], b.eighth[i]);
	return sum;
}

LANES_INLINE double
wide_sum(wide_lanes a)
{
	for (int half = 4; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			a.eighth[i] = vaddq_f64(a.eighth[i], a.eighth[i + half]);
	return vgetq_lane_f64(a.eighth[0], 0) + vgetq_lane_f64(a.eighth[0], 1);
}

#endif							/* ELECTRA_LANES_NEON_H */

/*
 * Sixteen float lanes in two AVX registers.  lanes_portable.h says what each
 * function means; included by kernels_avx2.c only.
 */
#ifndef ELECTRA_LANES_AVX2_H
#define ELECTRA_LANES_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES_TARGET __attribute__((target("avx2,fma")))
#define LANES_INLINE static inline __attribute__((always_inline, target("avx2,fma")))
#define LANES_FUNCTION LANES_INLINE

/* F16C is an extension of its own, though every CPU with AVX2 has had it. */
#define LANES_WIDEN
#define LANES_HALF_TARGET __attribute__((target("avx2,fma,f16c")))
#define LANES_HAS_HALF electra_has_f16c()

#define LANES_CHAINS 2

typedef struct lanes
{
	__m256		low;			/* lanes 0 … 7 */
	__m256		high;			/* lanes 8 … 15 */
} lanes;

/* All bits set in the first count of eight lanes; count may be beyond 0 … 8. */
LANES_INLINE __m256i
lanes_mask(int count)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

LANES_INLINE lanes
lanes_set(float value)
{
	lanes		result = {_mm256_set1_ps(value), _mm256_set1_ps(value)};

	return result;
}

LANES_INLINE lanes
lanes_load(const float *source)
{
	lanes		result = {_mm256_loadu_ps(source), _mm256_loadu_ps(source + 8)};

	return result;
}

/* From sixteen elements of float16 or bfloat16. */
static inline __attribute__((always_inline, target("avx2,fma,f16c"))) lanes
lanes_widen_half(const uint16_t *source)
{
	const __m128i *halves = (const __m128i *) (const void *) source;
	lanes		result = {_mm256_cvtph_ps(_mm_loadu_si128(halves)),
	_mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};

	return result;
}

LANES_INLINE lanes
lanes_widen_bfloat(const uint16_t *source)
{
	const __m128i *narrow = (const __m128i *) (const void *) source;
	__m256i		low = _mm256_cvtepu16_epi32(_mm_loadu_si128(narrow));
	__m256i		high = _mm256_cvtepu16_epi32(_mm_loadu_si128(narrow + 1));
	lanes		result = {_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)),
	_mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};

	return result;
}

LANES_INLINE void
lanes_store(float *target, lanes a)
{
	_mm256_storeu_ps(target, a.low);
	_mm256_storeu_ps(target + 8, a.high);
}

LANES_INLINE lanes
lanes_load_tail(const float *source, size_t count, lanes fill)
{
	__m256i		low = lanes_mask((int) count);
	__m256i		high = lanes_mask((int) count - 8);
	lanes		result = fill;

	result.low = _mm256_blendv_ps(fill.low, _mm256_maskload_ps(source, low),
								  _mm256_castsi256_ps(low));
	if (count > 8)
		result.high = _mm256_blendv_ps(fill.high, _mm256_maskload_ps(source + 8, high),
									   _mm256_castsi256_ps(high));
	return result;
}

LANES_INLINE void
lanes_store_tail(float *target, lanes a, size_t count)
{
	_mm256_maskstore_ps(target, lanes_mask((int) count), a.low);
	if (count > 8)
		_mm256_maskstore_ps(target + 8, lanes_mask((int) count - 8), a.high);
}

LANES_INLINE lanes
lanes_add(lanes a, lanes b)
{
	lanes		result = {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};

	return result;
}

LANES_INLINE lanes
lanes_sub(lanes a, lanes b)
{
	lanes		result = {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};

	return result;
}

LANES_INLINE lanes
lanes_mul(lanes a, lanes b)
{
	lanes		result = {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};

	return result;
}

LANES_INLINE lanes
lanes_div(lanes a, lanes b)
{
	lanes		result = {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};

	return result;
}

LANES_INLINE lanes
lanes_fma(lanes a, lanes b, lanes c)
{
	lanes		result = {_mm256_fmadd_ps(a.low, b.low, c.low),
	_mm256_fmadd_ps(a.high, b.high, c.high)};

	return result;
}

LANES_INLINE void
lanes_accumulate(lanes *sum, lanes a, lanes b)
{
	*sum = lanes_fma(a, b, *sum);
}

LANES_INLINE lanes
lanes_max(lanes a, lanes b)
{
	lanes		result = {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};

	return result;
}

LANES_INLINE lanes
lanes_min(lanes a, lanes b)
{
	lanes		result = {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};

	return result;
}

LANES_INLINE lanes
lanes_abs(lanes a)
{
	__m256		sign = _mm256_set1_ps(-0.0f);
	lanes		result = {_mm256_andnot_ps(sign, a.low), _mm256_andnot_ps(sign, a.high)};

	return result;
}

LANES_INLINE lanes
lanes_select_less(lanes a, lanes b, lanes yes, lanes no)
{
	lanes		result = {
		_mm256_blendv_ps(no.low, yes.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
		_mm256_blendv_ps(no.high, yes.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))
	};

	return result;
}

/* lanes_scale for eight lanes. */
LANES_INLINE __m256
lanes_scale_half(__m256 a, __m256 shifted)
{
	return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a),
												_mm256_slli_epi32(_mm256_castps_si256(shifted), 23)));
}

LANES_INLINE lanes
lanes_scale(lanes a, lanes shifted)
{
	lanes		result = {lanes_scale_half(a.low, shifted.low),
	lanes_scale_half(a.high, shifted.high)};

	return result;
}

LANES_INLINE float
lanes_sum(lanes a)
{
	__m256		eight = _mm256_add_ps(a.low, a.high);
	__m128		four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
	__m128		two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

LANES_INLINE float
lanes_largest(lanes a)
{
	__m256		eight = _mm256_max_ps(a.low, a.high);
	__m128		four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
	__m128		two = _mm_max_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

typedef struct wide_lanes
{
	__m256d		quarter[4];		/* lanes 0 … 3, 4 … 7, 8 … 11, 12 … 15 */
} wide_lanes;

LANES_INLINE wide_lanes
wide_zero(void)
{
	__m256d		zero = _mm256_setzero_pd();
	wide_lanes	result = {{zero, zero, zero, zero}};

	return result;
}

LANES_INLINE wide_lanes
wide_load(const float *source)
{
	wide_lanes	result = {{
		_mm256_cvtps_pd(_mm_loadu_ps(source)), _mm256_cvtps_pd(_mm_loadu_ps(source + 4)),
		_mm256_cvtps_pd(_mm_loadu_ps(source + 8)), _mm256_cvtps_pd(_mm_loadu_ps(source + 12))
	}};

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
	for (int i = 0; i < 4; i++)
		sum.quarter[i] = _mm256_fmadd_pd(a.quarter[i], b.quarter[i], sum.quarter[i]);
	return sum;
}

LANES_INLINE double
wide_sum(wide_lanes a)
{
	__m256d		low = _mm256_add_pd(a.quarter[0], a.quarter[2]);
	__m256d		high = _mm256_add_pd(a.quarter[1], a.quarter[3]);
	__m256d		four = _mm256_add_pd(low, high);
	__m128d		two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));

	return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

#endif							/* ELECTRA_LANES_AVX2_H */

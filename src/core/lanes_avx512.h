/*
 * Sixteen float lanes in one AVX-512 register.  lanes_portable.h says what
 * each function means; included by kernels_avx512.c only.
 */
#ifndef ELECTRA_LANES_AVX512_H
#define ELECTRA_LANES_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANES_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))
#define LANES_INLINE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))
#define LANES_FUNCTION LANES_INLINE
#define LANES_WIDEN
#define LANES_HALF_TARGET LANES_TARGET
#define LANES_HAS_HALF true

#define LANES_CHAINS 4

typedef __m512 lanes;

LANES_INLINE lanes
lanes_set(float value)
{
	return _mm512_set1_ps(value);
}

LANES_INLINE lanes
lanes_load(const float *source)
{
	return _mm512_loadu_ps(source);
}

/* From sixteen elements of float16 or bfloat16. */
LANES_INLINE lanes
lanes_widen_half(const uint16_t *source)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) (const void *) source));
}

LANES_INLINE lanes
lanes_widen_bfloat(const uint16_t *source)
{
	__m256i		narrow = _mm256_loadu_si256((const __m256i *) (const void *) source);

	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
}

LANES_INLINE void
lanes_store(float *target, lanes a)
{
	_mm512_storeu_ps(target, a);
}

LANES_INLINE lanes
lanes_load_tail(const float *source, size_t count, lanes fill)
{
	return _mm512_mask_loadu_ps(fill, (__mmask16) ((1u << count) - 1), source);
}

LANES_INLINE void
lanes_store_tail(float *target, lanes a, size_t count)
{
	_mm512_mask_storeu_ps(target, (__mmask16) ((1u << count) - 1), a);
}

LANES_INLINE lanes
lanes_add(lanes a, lanes b)
{
	return _mm512_add_ps(a, b);
}

LANES_INLINE lanes
lanes_sub(lanes a, lanes b)
{
	return _mm512_sub_ps(a, b);
}

LANES_INLINE lanes
lanes_mul(lanes a, lanes b)
{
	return _mm512_mul_ps(a, b);
}

LANES_INLINE lanes
lanes_div(lanes a, lanes b)
{
	return _mm512_div_ps(a, b);
}

LANES_INLINE lanes
lanes_fma(lanes a, lanes b, lanes c)
{
	return _mm512_fmadd_ps(a, b, c);
}

/* sum := a b + sum, in its register: where nearly all of them hold sums, gcc would move them about. */
LANES_INLINE void
lanes_accumulate(lanes *sum, lanes a, lanes b)
{
	__asm__("vfmadd231ps %2, %1, %0" : "+v" (*sum) : "v" (a), "v" (b));
}

LANES_INLINE lanes
lanes_max(lanes a, lanes b)
{
	return _mm512_max_ps(a, b);
}

LANES_INLINE lanes
lanes_min(lanes a, lanes b)
{
	return _mm512_min_ps(a, b);
}

LANES_INLINE lanes
lanes_abs(lanes a)
{
	return _mm512_abs_ps(a);
}

LANES_INLINE lanes
lanes_select_less(lanes a, lanes b, lanes yes, lanes no)
{
	return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}

LANES_INLINE lanes
lanes_scale(lanes a, lanes shifted)
{
	return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a),
												_mm512_slli_epi32(_mm512_castps_si512(shifted), 23)));
}

LANES_INLINE float
lanes_sum(lanes a)
{
	__m256		eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
	__m128		four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
	__m128		two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

LANES_INLINE float
lanes_largest(lanes a)
{
	__m256		eight = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
	__m128		four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
	__m128		two = _mm_max_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/* Rows become columns: pairs of rows, fours, then quarters of registers change places. */
#define LANES_TRANSPOSE
LANES_INLINE void
lanes_transpose(lanes *rows /* (16) */ )
{
	__m512d		pairs[16];
	lanes		fours[16];

#pragma GCC unroll 4
	for (int r = 0; r < 16; r += 4)
	{
		pairs[r] = _mm512_castps_pd(_mm512_unpacklo_ps(rows[r], rows[r + 1]));
		pairs[r + 1] = _mm512_castps_pd(_mm512_unpackhi_ps(rows[r], rows[r + 1]));
		pairs[r + 2] = _mm512_castps_pd(_mm512_unpacklo_ps(rows[r + 2], rows[r + 3]));
		pairs[r + 3] = _mm512_castps_pd(_mm512_unpackhi_ps(rows[r + 2], rows[r + 3]));
		fours[r] = _mm512_castpd_ps(_mm512_unpacklo_pd(pairs[r], pairs[r + 2]));
		fours[r + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(pairs[r], pairs[r + 2]));
		fours[r + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(pairs[r + 1], pairs[r + 3]));
		fours[r + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(pairs[r + 1], pairs[r + 3]));
	}
	/* now quarter q of fours[4 a + c] is rows 4 a … 4 a + 3 of column 4 q + c */
#pragma GCC unroll 4
	for (int c = 0; c < 4; c++)
	{
		lanes		even_low = _mm512_shuffle_f32x4(fours[c], fours[c + 4], 0x88);
		lanes		odd_low = _mm512_shuffle_f32x4(fours[c], fours[c + 4], 0xdd);
		lanes		even_high = _mm512_shuffle_f32x4(fours[c + 8], fours[c + 12], 0x88);
		lanes		odd_high = _mm512_shuffle_f32x4(fours[c + 8], fours[c + 12], 0xdd);

		rows[c] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
		rows[c + 8] = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
		rows[c + 4] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
		rows[c + 12] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
	}
}

typedef struct wide_lanes
{
	__m512d		low;			/* lanes 0 … 7 */
	__m512d		high;			/* lanes 8 … 15 */
} wide_lanes;

LANES_INLINE wide_lanes
wide_zero(void)
{
	wide_lanes	result = {_mm512_setzero_pd(), _mm512_setzero_pd()};

	return result;
}

LANES_INLINE wide_lanes
wide_load(const float *source)
{
	wide_lanes	result = {_mm512_cvtps_pd(_mm256_loadu_ps(source)),
	_mm512_cvtps_pd(_mm256_loadu_ps(source + 8))};

	return result;
}

LANES_INLINE wide_lanes
wide_load_tail(const float *source, size_t count)
{
	lanes		narrow = lanes_load_tail(source, count, lanes_set(0.0f));
	wide_lanes	result = {_mm512_cvtps_pd(_mm512_castps512_ps256(narrow)),
	_mm512_cvtps_pd(_mm512_extractf32x8_ps(narrow, 1))};

	return result;
}

LANES_INLINE wide_lanes
wide_add_product(wide_lanes a, wide_lanes b, wide_lanes sum)
{
	wide_lanes	result = {_mm512_fmadd_pd(a.low, b.low, sum.low),
	_mm512_fmadd_pd(a.high, b.high, sum.high)};

	return result;
}

LANES_INLINE double
wide_sum(wide_lanes a)
{
	__m512d		eight = _mm512_add_pd(a.low, a.high);
	__m256d		four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
	__m128d		two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));

	return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

#endif							/* ELECTRA_LANES_AVX512_H */

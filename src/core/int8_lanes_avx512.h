/*
 * What int8 needs of sixteen lanes beyond lanes_avx512.h, in AVX-512;
 * int8_portable.c says what each function means.
 */
#ifndef ELECTRA_INT8_LANES_AVX512_H
#define ELECTRA_INT8_LANES_AVX512_H

#include <string.h>

#include "quantize.h"

LANES_INLINE lanes
lanes_max_magnitude(lanes a, lanes b)
{
	return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a),
												_mm512_castps_si512(lanes_abs(b))));
}

/* int8_kernels.h's, of four groups in one vector. */
#define INT8_SCALES

LANES_INLINE void
int8_scales(const lanes magnitudes[4], const float most, float scales[4], float inverses[4])
{
	__m512i		a = _mm512_castps_si512(magnitudes[0]);
	__m512i		b = _mm512_castps_si512(magnitudes[1]);
	__m512i		c = _mm512_castps_si512(magnitudes[2]);
	__m512i		d = _mm512_castps_si512(magnitudes[3]);
	__m512i		ab = _mm512_max_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
	__m512i		cd = _mm512_max_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
	__m512i		all = _mm512_max_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
	__m256i		eight = _mm256_max_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
	__m128		absmax = _mm_castsi128_ps(_mm_max_epi32(_mm256_castsi256_si128(eight),
														_mm256_extracti128_si256(eight, 1)));
	__mmask8	large = _mm_cmp_ps_mask(absmax, _mm_set1_ps(ELECTRA_INT8_SMALLEST), _CMP_NLT_UQ);

	_mm_storeu_ps(inverses, _mm_maskz_div_ps(large, _mm_set1_ps(most), absmax));
	_mm_storeu_ps(scales, _mm_maskz_div_ps(large, absmax, _mm_set1_ps(most)));
}

#endif							/* ELECTRA_INT8_LANES_AVX512_H */

/*
 * What int8 needs of sixteen lanes beyond lanes_avx512.h, in AVX-512;
 * int8_portable.c says what each function means.
 */
#ifndef ELECTRA_INT8_LANES_AVX512_H
#define ELECTRA_INT8_LANES_AVX512_H

#include <string.h>

LANES_INLINE lanes
lanes_max_magnitude(lanes a, lanes b)
{
	return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a),
												_mm512_castps_si512(lanes_abs(b))));
}

LANES_INLINE float
lanes_largest_magnitude(lanes a)
{
	__m512i		bits = _mm512_castps_si512(a);
	__m256i		eight = _mm256_max_epi32(_mm512_castsi512_si256(bits), _mm512_extracti64x4_epi64(bits, 1));
	__m128i		four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
	__m128i		two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));

	return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1))));
}

#endif							/* ELECTRA_INT8_LANES_AVX512_H */

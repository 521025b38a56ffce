/*
 * What int8 needs of sixteen lanes beyond lanes_avx2.h, in AVX2;
 * int8_portable.c says what each function means.
 */
#ifndef ELECTRA_INT8_LANES_AVX2_H
#define ELECTRA_INT8_LANES_AVX2_H

#include <string.h>

LANES_INLINE __m256
lanes_max_magnitude_half(__m256 a, __m256 b)
{
	__m256i		magnitude = _mm256_and_si256(_mm256_castps_si256(b), _mm256_set1_epi32(0x7fffffff));

	return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a), magnitude));
}

LANES_INLINE lanes
lanes_max_magnitude(lanes a, lanes b)
{
	lanes		result = {lanes_max_magnitude_half(a.low, b.low),
	lanes_max_magnitude_half(a.high, b.high)};

	return result;
}

LANES_INLINE float
lanes_largest_magnitude(lanes a)
{
	__m256i		eight = _mm256_max_epi32(_mm256_castps_si256(a.low), _mm256_castps_si256(a.high));
	__m128i		four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
	__m128i		two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));

	return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1))));
}

/* The nearest integers, ties to even, as sixteen 16-bit numbers. */
LANES_INLINE __m256i
lanes_to_words(lanes a)
{
	return _mm256_permute4x64_epi64(_mm256_packs_epi32(_mm256_cvtps_epi32(a.low),
													   _mm256_cvtps_epi32(a.high)), 0xd8);
}

/* The same as bytes. */
LANES_INLINE __m128i
lanes_to_bytes(lanes a)
{
	__m256i		words = _mm256_and_si256(lanes_to_words(a), _mm256_set1_epi16(0xff));

	return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

#endif							/* ELECTRA_INT8_LANES_AVX2_H */

/*
 * int8 by AVX-512 without VNNI: activations are stored, and weights widened, to
 * 16 bits; pairs of products are exact in 32 bits and never saturate.
 */
#include "int8_table.h"

#if defined(__x86_64__)

#define INT8_TABLE electra_int8_avx512
#define INT8_ROWS 6
#define INT8_VECTORS 1
#define INT8_PARTS 2
#define INT8_ROWS_IN_REGISTERS 6
#define INT8_VALUE_SIZE 2

#include "lanes_avx512.h"
#include "int8_lanes_avx512.h"

/* Two numbers for each of sixteen columns, which belong together. */
typedef struct int8_sums
{
	__m512i		part[2];		/* columns 0 … 7, 8 … 15 */
} int8_sums;

typedef __m512i int8_weights;
typedef __m512i int8_input;

LANES_INLINE int8_sums
int8_start(const int32_t *corrections)
{
	int8_sums	sums = {{_mm512_setzero_si512(), _mm512_setzero_si512()}};

	(void) corrections;
	return sums;
}

LANES_INLINE int8_weights
int8_load_weights(const int8_t *weights, int part)
{
	return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *) (weights + 32 * part)));
}

LANES_INLINE int8_input
int8_load_input(const char *x, int step)
{
	int64_t		four;

	memcpy(&four, x + 8 * step, sizeof(four));
	return _mm512_set1_epi64(four);
}

/* One product after the other: the compiler would add products first, and run out of registers. */
LANES_INLINE __m512i
int8_dot(__m512i sums, int8_input input, int8_weights weights)
{
	sums = _mm512_add_epi32(sums, _mm512_madd_epi16(input, weights));
	__asm__("":"+v"(sums));
	return sums;
}

LANES_INLINE lanes
int8_to_floats(int8_sums sums)
{
	const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
	const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);

	return _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_permutex2var_epi32(sums.part[0], even, sums.part[1]),
											   _mm512_permutex2var_epi32(sums.part[0], odd, sums.part[1])));
}

LANES_INLINE void
int8_store_values(char *values, const lanes group[4], const bool has_sign)
{
	(void) has_sign;
	for (int i = 0; i < 4; i++)
		_mm256_storeu_si256((__m256i *) (values + 32 * i),
							_mm512_cvtepi32_epi16(_mm512_cvtps_epi32(group[i])));
}

#include "int8_kernels.h"

#endif

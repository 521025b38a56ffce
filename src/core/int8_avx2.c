/*
 * int8 by AVX2: activations are stored, and weights widened, to 16 bits; pairs
 * of products are exact in 32 bits and never saturate.
 */
#include "int8_table.h"

#if defined(__x86_64__)

#define INT8_TABLE electra_int8_avx2
#define INT8_ROWS 3
#define INT8_VECTORS 1
#define INT8_PARTS 4
#define INT8_ROWS_IN_REGISTERS 0
#define INT8_VALUE_SIZE 2

#include "lanes_avx2.h"
#include "int8_lanes_avx2.h"

/* Two numbers for each of sixteen columns, which belong together. */
typedef struct int8_sums
{
	__m256i		part[4];		/* columns 0 … 3, 4 … 7, 8 … 11, 12 … 15 */
} int8_sums;

typedef __m256i int8_weights;
typedef __m256i int8_input;

LANES_INLINE int8_sums
int8_start(const int32_t *corrections)
{
	__m256i		zero = _mm256_setzero_si256();
	int8_sums	sums = {{zero, zero, zero, zero}};

	(void) corrections;
	return sums;
}

LANES_INLINE int8_weights
int8_load_weights(const int8_t *weights, int part)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *) (weights + 16 * part)));
}

LANES_INLINE int8_input
int8_load_input(const char *x, int step)
{
	int64_t		four;

	memcpy(&four, x + 8 * step, sizeof(four));
	return _mm256_set1_epi64x(four);
}

/* One product after the other: the compiler would add products first, and run out of registers. */
LANES_INLINE __m256i
int8_dot(__m256i sums, int8_input input, int8_weights weights)
{
	sums = _mm256_add_epi32(sums, _mm256_madd_epi16(input, weights));
	__asm__("":"+x"(sums));
	return sums;
}

/* Eight columns out of two quarters. */
LANES_INLINE __m256
int8_half_to_floats(__m256i low, __m256i high)
{
	return _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xd8));
}

LANES_INLINE lanes
int8_to_floats(int8_sums sums)
{
	lanes		result = {int8_half_to_floats(sums.part[0], sums.part[1]),
	int8_half_to_floats(sums.part[2], sums.part[3])};

	return result;
}

LANES_INLINE void
int8_store_values(char *values, const lanes group[4], const bool has_sign)
{
	(void) has_sign;
	for (int i = 0; i < 4; i++)
		_mm256_storeu_si256((__m256i *) (values + 32 * i), lanes_to_words(group[i]));
}

#include "int8_kernels.h"

#endif

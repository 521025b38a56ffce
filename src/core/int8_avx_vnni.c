/*
 * int8 by AVX-VNNI, as int8_avx512_vnni.c in registers of half the size.
 */
#include "int8_table.h"

#if defined(__x86_64__)

#define INT8_TABLE electra_int8_avx_vnni
#define INT8_ROWS 6
#define INT8_VECTORS 1
#define INT8_PARTS 2
#define INT8_ROWS_IN_REGISTERS 0
#define INT8_VALUE_SIZE 1

#include "lanes_avx2.h"
#include "int8_lanes_avx2.h"

typedef struct int8_sums
{
	__m256i		part[2];		/* columns 0 … 7, 8 … 15 */
} int8_sums;

typedef __m256i int8_weights;
typedef __m256i int8_input;

LANES_INLINE int8_sums
int8_start(const int32_t *corrections)
{
	int8_sums	sums = {{_mm256_loadu_si256((const __m256i *) corrections),
	_mm256_loadu_si256((const __m256i *) (corrections + 8))}};

	return sums;
}

LANES_INLINE int8_weights
int8_load_weights(const int8_t *weights, int part)
{
	return _mm256_loadu_si256((const __m256i *) (weights + 32 * part));
}

LANES_INLINE int8_input
int8_load_input(const char *x, int step)
{
	int32_t		four;

	memcpy(&four, x + 4 * step, sizeof(four));
	return _mm256_set1_epi32(four);
}

/* As assembly: not every compiler that we support knows AVX-VNNI. */
LANES_INLINE __m256i
int8_dot(__m256i sums, int8_input input, int8_weights weights)
{
	__asm__("%{vex%} vpdpbusd %2, %1, %0":"+x"(sums):"x"(input), "x"(weights));
	return sums;
}

LANES_INLINE lanes
int8_to_floats(int8_sums sums)
{
	lanes		result = {_mm256_cvtepi32_ps(sums.part[0]), _mm256_cvtepi32_ps(sums.part[1])};

	return result;
}

LANES_INLINE void
int8_store_values(char *values, const lanes group[4], const bool has_sign)
{
	const __m128i add = _mm_set1_epi8(has_sign ? (char) 0x80 : 0);

	for (int i = 0; i < 4; i++)
		_mm_storeu_si128((__m128i *) (values + 16 * i),
						 _mm_xor_si128(lanes_to_bytes(group[i]), add));
}

#include "int8_kernels.h"

#endif

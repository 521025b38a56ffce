/*
 * int8 by AVX-512 VNNI: one instruction adds four products to each of sixteen
 * sums.  Its first factor is unsigned, so activations that have a sign are
 * stored with 128 added, and a sum begins with the correction for that.
 */
#include "int8_table.h"

#if defined(__x86_64__)

#define INT8_TABLE electra_int8_avx512_vnni
#define INT8_ROWS 6
#define INT8_VECTORS 2
#define INT8_VALUE_SIZE 1

#include "lanes_avx512.h"
#include "int8_lanes_avx512.h"

typedef __m512i int8_sums;
typedef __m512i int8_weights;
typedef __m512i int8_input;

LANES_INLINE int8_sums
int8_start(const int32_t *corrections)
{
	return _mm512_loadu_si512(corrections);
}

LANES_INLINE int8_weights
int8_load_weights(const int8_t *weights)
{
	return _mm512_loadu_si512(weights);
}

LANES_INLINE int8_input
int8_load_input(const char *x, int step)
{
	int32_t		four;

	memcpy(&four, x + 4 * step, sizeof(four));
	return _mm512_set1_epi32(four);
}

/* As assembly: of the intrinsic, GCC 12 keeps the sums in memory. */
LANES_INLINE int8_sums
int8_dot(int8_sums sums, int8_input input, int8_weights weights)
{
	__asm__("vpdpbusd %2, %1, %0":"+v"(sums):"v"(input), "v"(weights));
	return sums;
}

LANES_INLINE lanes
int8_to_floats(int8_sums sums)
{
	return _mm512_cvtepi32_ps(sums);
}

LANES_INLINE void
int8_store_values(char *values, const lanes group[4], const bool has_sign)
{
	const __m128i add = _mm_set1_epi8(has_sign ? (char) 0x80 : 0);

	for (int i = 0; i < 4; i++)
	{
		__m128i		bytes = _mm512_cvtepi32_epi8(_mm512_castps_si512(group[i]));

		_mm_storeu_si128((__m128i *) (values + 16 * i), _mm_xor_si128(bytes, add));
	}
}

#include "int8_kernels.h"

#endif

/*
 * int8 by AVX-512 VNNI: one instruction adds four products to each of sixteen
 * sums.  Its first factor is unsigned, so activations that have a sign are
 * stored with 128 added, and a sum begins with the correction for that.
 */
#include "int8_table.h"

#if defined(__x86_64__)

#define INT8_TABLE electra_int8_avx512_vnni
#define INT8_ROWS 8
#define INT8_VECTORS 2
#define INT8_PARTS 1
#define INT8_ROWS_IN_REGISTERS 6
#define INT8_VALUE_SIZE 1

#include "lanes_avx512.h"
#include "int8_lanes_avx512.h"

typedef struct int8_sums
{
	__m512i		part[1];
} int8_sums;

typedef __m512i int8_weights;
typedef __m512i int8_input;

LANES_INLINE int8_sums
int8_start(const int32_t *corrections)
{
	int8_sums	sums = {{_mm512_loadu_si512(corrections)}};

	return sums;
}

LANES_INLINE int8_weights
int8_load_weights(const int8_t *weights, int part)
{
	(void) part;
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
LANES_INLINE __m512i
int8_dot(__m512i sums, int8_input input, int8_weights weights)
{
	__asm__("vpdpbusd %2, %1, %0":"+v"(sums):"v"(input), "v"(weights));
	return sums;
}

LANES_INLINE lanes
int8_to_floats(int8_sums sums)
{
	return _mm512_cvtepi32_ps(sums.part[0]);
}

LANES_INLINE void
int8_store_values(char *values, const lanes group[4], const bool has_sign)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	__m512i		low = _mm512_packs_epi32(_mm512_cvtps_epi32(group[0]), _mm512_cvtps_epi32(group[1]));
	__m512i		high = _mm512_packs_epi32(_mm512_cvtps_epi32(group[2]), _mm512_cvtps_epi32(group[3]));
	__m512i		bytes = has_sign ? _mm512_xor_si512(_mm512_packs_epi16(low, high), _mm512_set1_epi8((char) 0x80)) :
		_mm512_packus_epi16(low, high);

	_mm512_storeu_si512(values, _mm512_permutexvar_epi32(order, bytes));
}

#include "int8_kernels.h"

#endif

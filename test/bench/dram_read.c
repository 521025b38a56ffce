/*
 * Prints what one core can read from memory at most: GB/s of a buffer that no
 * cache holds, with the widest loads that this machine has.  Results of other
 * programs are best read as a share of it.
 *
 *	cc -O2 -o dram_read dram_read.c && ./dram_read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <immintrin.h>
#include <sys/mman.h>

/* Larger than any last-level cache. */
#define SIZE ((size_t) 1 << 30)
#define ROUNDS 15

/* Keeps the compiler from leaving the work out. */
static volatile long long sink;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

__attribute__((target("avx512f")))
static long long
read_avx512(const char *buffer)
{
	__m512i		sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(),
	_mm512_setzero_si512(), _mm512_setzero_si512()};

	for (size_t i = 0; i < SIZE; i += 256)
		for (int k = 0; k < 4; k++)
			sums[k] = _mm512_or_si512(sums[k], _mm512_load_si512(buffer + i + 64 * k));
	return _mm512_reduce_or_epi64(_mm512_or_si512(_mm512_or_si512(sums[0], sums[1]),
												  _mm512_or_si512(sums[2], sums[3])));
}

__attribute__((target("avx2")))
static long long
read_avx2(const char *buffer)
{
	__m256i		sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(),
	_mm256_setzero_si256(), _mm256_setzero_si256()};
	__m256i		all;

	for (size_t i = 0; i < SIZE; i += 128)
		for (int k = 0; k < 4; k++)
			sums[k] = _mm256_or_si256(sums[k], _mm256_load_si256((const __m256i *) (buffer + i + 32 * k)));
	all = _mm256_or_si256(_mm256_or_si256(sums[0], sums[1]), _mm256_or_si256(sums[2], sums[3]));
	return _mm256_extract_epi64(all, 0) | _mm256_extract_epi64(all, 1) |
		_mm256_extract_epi64(all, 2) | _mm256_extract_epi64(all, 3);
}

int
main(void)
{
	int			wide = __builtin_cpu_supports("avx512f");
	char	   *buffer = aligned_alloc((size_t) 1 << 21, SIZE);
	double		best = 1e9;

	if (!wide && !__builtin_cpu_supports("avx2"))
	{
		fprintf(stderr, "this machine has neither AVX-512 nor AVX2\n");
		return 1;
	}
	if (buffer == NULL)
	{
		fprintf(stderr, "no memory for a buffer of %zu bytes\n", SIZE);
		return 1;
	}
	/* huge pages where the kernel has them: the most that memory can give */
	madvise(buffer, SIZE, MADV_HUGEPAGE);
	memset(buffer, 1, SIZE);
	for (int round = 0; round < ROUNDS; round++)
	{
		double		start = now();

		sink = wide ? read_avx512(buffer) : read_avx2(buffer);
		if (now() - start < best)
			best = now() - start;
	}
	printf("%.2f\n", (double) SIZE / best * 1e-9);
	free(buffer);
	return 0;
}

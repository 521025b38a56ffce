/*
 * Prints what one core can read from memory at most: GB/s of a buffer that no
 * cache holds, with the widest loads that this machine has.  Results of other
 * programs are best read as a share of it.  Two numbers: of plain pages, in
 * which PostgreSQL's buffers lie unless huge_pages finds some, and of huge ones.
 *
 *	cc -O2 -o dram_read dram_read.c && ./dram_read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <immintrin.h>
#include <sys/mman.h>

/*
 * The buffer is larger than any last-level cache.  The best of its pieces
 * counts, each read in the time of one search, so that others on the machine
 * disturb both alike.
 */
#define SIZE ((size_t) 1 << 29)
#define PIECE (SIZE / 4)
#define ROUNDS 5

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

	for (size_t i = 0; i < PIECE; i += 256)
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

	for (size_t i = 0; i < PIECE; i += 128)
		for (int k = 0; k < 4; k++)
			sums[k] = _mm256_or_si256(sums[k], _mm256_load_si256((const __m256i *) (buffer + i + 32 * k)));
	all = _mm256_or_si256(_mm256_or_si256(sums[0], sums[1]), _mm256_or_si256(sums[2], sums[3]));
	return _mm256_extract_epi64(all, 0) | _mm256_extract_epi64(all, 1) |
		_mm256_extract_epi64(all, 2) | _mm256_extract_epi64(all, 3);
}

/* GB/s of a buffer with MADV_HUGEPAGE or MADV_NOHUGEPAGE; 0 without memory. */
static double
measure(int wide, int advice)
{
	char	   *buffer = aligned_alloc((size_t) 1 << 21, SIZE);
	double		best = 1e9;

	if (buffer == NULL)
		return 0.0;
	madvise(buffer, SIZE, advice);
	memset(buffer, 1, SIZE);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t piece = 0; piece < SIZE; piece += PIECE)
		{
			double		start = now();

			sink = wide ? read_avx512(buffer + piece) : read_avx2(buffer + piece);
			if (now() - start < best)
				best = now() - start;
		}
	free(buffer);
	return (double) PIECE / best * 1e-9;
}

int
main(void)
{
	int			wide = __builtin_cpu_supports("avx512f");
	double		plain;
	double		huge;

	if (!wide && !__builtin_cpu_supports("avx2"))
	{
		fprintf(stderr, "this machine has neither AVX-512 nor AVX2\n");
		return 1;
	}
	plain = measure(wide, MADV_NOHUGEPAGE);
	huge = measure(wide, MADV_HUGEPAGE);
	if (plain == 0.0 || huge == 0.0)
	{
		fprintf(stderr, "no memory for a buffer of %zu bytes\n", SIZE);
		return 1;
	}
	printf("%.2f %.2f\n", plain, huge);
	return 0;
}

/*
 * Prints what one core can do at most: fp32 fused multiply-adds in GFLOP/s,
 * by the widest vectors that this machine has.  Results of other programs are
 * best read as a share of it.
 *
 *	cc -O2 -o fma_peak fma_peak.c && ./fma_peak
 */
#include <stdio.h>
#include <time.h>

#include <immintrin.h>

/* Enough independent sums to hide an FMA's latency on any core. */
#define NUM_SUMS 12
#define STEPS 4000000
#define ROUNDS 9

/* Keeps the compiler from leaving the work out. */
static volatile float sink;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

__attribute__((target("avx512f")))
static float
run_avx512(void)
{
	__m512		sums[NUM_SUMS];
	__m512		factor = _mm512_set1_ps(0.999f);
	__m512		addend = _mm512_set1_ps(0.001f);
	float		result = 0;

	for (int i = 0; i < NUM_SUMS; i++)
		sums[i] = _mm512_set1_ps((float) i);
	for (int step = 0; step < STEPS; step++)
	{
#pragma GCC unroll 12
		for (int i = 0; i < NUM_SUMS; i++)
			sums[i] = _mm512_fmadd_ps(sums[i], factor, addend);
	}
	for (int i = 0; i < NUM_SUMS; i++)
		result += _mm512_reduce_add_ps(sums[i]);
	return result;
}

__attribute__((target("avx2,fma")))
static float
run_avx2(void)
{
	__m256		sums[NUM_SUMS];
	__m256		factor = _mm256_set1_ps(0.999f);
	__m256		addend = _mm256_set1_ps(0.001f);
	float		result = 0;

	for (int i = 0; i < NUM_SUMS; i++)
		sums[i] = _mm256_set1_ps((float) i);
	for (int step = 0; step < STEPS; step++)
	{
#pragma GCC unroll 12
		for (int i = 0; i < NUM_SUMS; i++)
			sums[i] = _mm256_fmadd_ps(sums[i], factor, addend);
	}
	for (int i = 0; i < NUM_SUMS; i++)
		result += _mm256_cvtss_f32(sums[i]);
	return result;
}

int
main(void)
{
	int			wide = __builtin_cpu_supports("avx512f");
	double		best = 1e9;

	if (!wide && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")))
	{
		fprintf(stderr, "this machine has neither AVX-512 nor AVX2 with FMA\n");
		return 1;
	}
	for (int round = 0; round < ROUNDS; round++)
	{
		double		start = now();

		sink = wide ? run_avx512() : run_avx2();
		if (now() - start < best)
			best = now() - start;
	}
	printf("%.1f\n", 2.0 * NUM_SUMS * STEPS * (wide ? 16 : 8) / best * 1e-9);
	return 0;
}

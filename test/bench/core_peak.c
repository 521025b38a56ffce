/*
 * Prints what one core can do at most: fp32 fused multiply-adds in GFLOP/s and
 * int8 multiply-adds into int32 in Gop/s, by the widest vectors that this
 * machine has.  Results of other programs are best read as a share of it.
 *
 *	cc -O2 -o core_peak core_peak.c && ./core_peak
 */
#include <stdio.h>
#include <time.h>

#include <cpuid.h>
#include <immintrin.h>

/* Enough independent sums to hide an instruction's latency on any core. */
#define NUM_SUMS 12
#define STEPS 2000000
#define ROUNDS 9

/* Keeps the compiler from leaving the work out. */
static volatile float sink;

typedef struct
{
	const char *name;
	void		(*run) (void);
	int			multiplications;	/* of one instruction */
} Method;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

__attribute__((target("avx512f")))
static void
fma_avx512(void)
{
	__m512		sums[NUM_SUMS];
	__m512		factor = _mm512_set1_ps(0.999f);
	__m512		addend = _mm512_set1_ps(0.001f);

	for (int i = 0; i < NUM_SUMS; i++)
		sums[i] = _mm512_set1_ps((float) i);
	for (int step = 0; step < STEPS; step++)
	{
#pragma GCC unroll 12
		for (int i = 0; i < NUM_SUMS; i++)
			sums[i] = _mm512_fmadd_ps(sums[i], factor, addend);
	}
	for (int i = 0; i < NUM_SUMS; i++)
		sink = _mm512_reduce_add_ps(sums[i]);
}

__attribute__((target("avx2,fma")))
static void
fma_avx2(void)
{
	__m256		sums[NUM_SUMS];
	__m256		factor = _mm256_set1_ps(0.999f);
	__m256		addend = _mm256_set1_ps(0.001f);

	for (int i = 0; i < NUM_SUMS; i++)
		sums[i] = _mm256_set1_ps((float) i);
	for (int step = 0; step < STEPS; step++)
	{
#pragma GCC unroll 12
		for (int i = 0; i < NUM_SUMS; i++)
			sums[i] = _mm256_fmadd_ps(sums[i], factor, addend);
	}
	for (int i = 0; i < NUM_SUMS; i++)
		sink = _mm256_cvtss_f32(sums[i]);
}

/*
 * The int8 sums are registers by name: of an array GCC 12 makes memory.  What
 * they hold does not matter.
 */
#define TWELVE(INSTRUCTION) \
	INSTRUCTION(0) INSTRUCTION(1) INSTRUCTION(2) INSTRUCTION(3) INSTRUCTION(4) INSTRUCTION(5) \
	INSTRUCTION(6) INSTRUCTION(7) INSTRUCTION(8) INSTRUCTION(9) INSTRUCTION(10) INSTRUCTION(11)
#define CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", \
	"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14"

#define DOT_512(n) "vpdpbusd %%zmm13, %%zmm12, %%zmm" #n "\n\t"
#define DOT_256(n) "%{vex%} vpdpbusd %%ymm13, %%ymm12, %%ymm" #n "\n\t"
#define DOT_AVX2(n) "vpmaddwd %%ymm13, %%ymm12, %%ymm14\n\tvpaddd %%ymm14, %%ymm" #n ", %%ymm" #n "\n\t"

static void
dot_avx512_vnni(void)
{
	for (int step = 0; step < STEPS; step++)
		__asm__ volatile (TWELVE(DOT_512) : : : CLOBBERS);
	__asm__ volatile ("vzeroupper" : : : CLOBBERS);
}

static void
dot_avx_vnni(void)
{
	for (int step = 0; step < STEPS; step++)
		__asm__ volatile (TWELVE(DOT_256) : : : CLOBBERS);
	__asm__ volatile ("vzeroupper" : : : CLOBBERS);
}

/* Without VNNI: int8 widened to int16, the only way that cannot saturate. */
static void
dot_avx2(void)
{
	for (int step = 0; step < STEPS; step++)
		__asm__ volatile (TWELVE(DOT_AVX2) : : : CLOBBERS);
	__asm__ volatile ("vzeroupper" : : : CLOBBERS);
}

/* VNNI on 256 bits without AVX-512; compilers' lists of names lack it. */
static int
has_avx_vnni(void)
{
	unsigned	a = 0;
	unsigned	b = 0;
	unsigned	c = 0;
	unsigned	d = 0;

	return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 4)) != 0;
}

/* Billions of operations a second, multiplications and additions counted each. */
static double
measure(Method method)
{
	double		best = 1e9;

	for (int round = 0; round < ROUNDS; round++)
	{
		double		start = now();

		method.run();
		if (now() - start < best)
			best = now() - start;
	}
	return 2.0 * NUM_SUMS * STEPS * method.multiplications / best * 1e-9;
}

int
main(void)
{
	Method		fp32 = {"AVX2", fma_avx2, 8};
	Method		int8 = {"AVX2", dot_avx2, 16};

	if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")))
	{
		fprintf(stderr, "this machine has no AVX2 with FMA\n");
		return 1;
	}
	if (__builtin_cpu_supports("avx512f"))
		fp32 = (Method) {"AVX-512", fma_avx512, 16};
	if (__builtin_cpu_supports("avx512vnni"))
		int8 = (Method) {"AVX-512 VNNI", dot_avx512_vnni, 64};
	else if (has_avx_vnni())
		int8 = (Method) {"AVX-VNNI", dot_avx_vnni, 32};
	printf("float32 %.1f %s\n", measure(fp32), fp32.name);
	printf("int8 %.1f %s\n", measure(int8), int8.name);
	return 0;
}

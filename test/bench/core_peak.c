/*
 * Prints what one core can do at most: fp32 fused multiply-adds in GFLOP/s and
 * int8 multiply-adds into int32 in Gop/s, by the widest vectors that this
 * machine has.  Results of other programs are best read as a share of it.
 * With numbers of cores it prints what as many processes at once reach together,
 * one on each: two cores of a virtual machine are often one core's threads.
 *
 *	cc -O2 -o core_peak core_peak.c && ./core_peak && ./core_peak 0 1
 */
#define _GNU_SOURCE

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cpuid.h>
#include <immintrin.h>

/* Enough independent sums to hide an instruction's latency on any core. */
#define NUM_SUMS 12
#define STEPS 2000000
#define ROUNDS 9
/* Of processes at once. */
#define MAX_CORES 64
#define SECONDS_AT_ONCE 0.2

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

/* Seconds for a number of runs. */
static double
time_runs(Method method, int runs)
{
	double		start = now();

	for (int i = 0; i < runs; i++)
		method.run();
	return now() - start;
}

/* Billions of operations a second, multiplications and additions counted each. */
static double
rate_of(Method method, double runs, double seconds)
{
	return 2.0 * NUM_SUMS * STEPS * method.multiplications * runs / seconds * 1e-9;
}

static double
measure(Method method)
{
	double		best = 1e9;

	for (int round = 0; round < ROUNDS; round++)
	{
		double		seconds = time_runs(method, 1);

		if (seconds < best)
			best = seconds;
	}
	return rate_of(method, 1, best);
}

/* One of several processes, on its core: begins when all are there, and runs for a fixed time. */
static double
run_beside_others(Method method, int core, int num_cores, atomic_int *ready)
{
	cpu_set_t	cores;
	double		end;
	double		start;
	int			runs = 0;

	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) != 0)
	{
		atomic_fetch_add(ready, 1);
		return 0;
	}
	(void) time_runs(method, 1);	/* the clock follows the load */
	atomic_fetch_add(ready, 1);
	while (atomic_load(ready) < num_cores)
		sched_yield();
	start = now();
	do
	{
		method.run();
		runs++;
		end = now();
	} while (end - start < SECONDS_AT_ONCE);
	return rate_of(method, runs, end - start);
}

/* What processes at once reach together, one on each of these cores; negative: they could not be run. */
static double
measure_at_once(Method method, int num_cores, char **cores)
{
	typedef struct
	{
		atomic_int	ready;
		double		rates[MAX_CORES];
	} Shared;
	Shared	   *shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double		sum = 0;

	if (shared == MAP_FAILED)
		return -1;
	for (int i = 0; i < num_cores; i++)
	{
		pid_t		child = fork();

		if (child < 0)
		{
			/* those that wait for it shall not wait for ever */
			atomic_fetch_add(&shared->ready, num_cores);
			break;
		}
		if (child == 0)
		{
			shared->rates[i] = run_beside_others(method, atoi(cores[i]), num_cores, &shared->ready);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		continue;
	for (int i = 0; i < num_cores; i++)
		sum = shared->rates[i] > 0 && sum >= 0 ? sum + shared->rates[i] : -1;
	munmap(shared, sizeof(Shared));
	return sum;
}

int
main(int argc, char **argv)
{
	Method		fp32 = {"AVX2", fma_avx2, 8};
	Method		int8 = {"AVX2", dot_avx2, 16};
	int			num_cores = argc - 1;
	double		rates[2];

	if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")))
	{
		fprintf(stderr, "this machine has no AVX2 with FMA\n");
		return 1;
	}
	if (num_cores > MAX_CORES)
	{
		fprintf(stderr, "at most %d cores\n", MAX_CORES);
		return 1;
	}
	if (__builtin_cpu_supports("avx512f"))
		fp32 = (Method) {"AVX-512", fma_avx512, 16};
	if (__builtin_cpu_supports("avx512vnni"))
		int8 = (Method) {"AVX-512 VNNI", dot_avx512_vnni, 64};
	else if (has_avx_vnni())
		int8 = (Method) {"AVX-VNNI", dot_avx_vnni, 32};
	rates[0] = num_cores == 0 ? measure(fp32) : measure_at_once(fp32, num_cores, argv + 1);
	rates[1] = num_cores == 0 ? measure(int8) : measure_at_once(int8, num_cores, argv + 1);
	if (rates[0] <= 0 || rates[1] <= 0)
	{
		fprintf(stderr, "processes could not be run on these cores\n");
		return 1;
	}
	printf("float32 %.1f %s\n", rates[0], fp32.name);
	printf("int8 %.1f %s\n", rates[1], int8.name);
	return 0;
}

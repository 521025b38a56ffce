/*
 * Which set of kernels runs, and the vector operations that have no place in
 * the encoder.
 */
#include "kernels.h"

#include <math.h>

#include "fpenv.h"
#include "kernel_table.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* CPUID leaf 1, ECX */
#define CPU_FMA (1u << 12)
#define CPU_OSXSAVE (1u << 27)
#define CPU_AVX (1u << 28)
#define CPU_F16C (1u << 29)

/* CPUID leaf 7, EBX */
#define CPU_AVX2 (1u << 5)
#define CPU_AVX512F (1u << 16)
#define CPU_AVX512DQ (1u << 17)
#define CPU_AVX512BW (1u << 30)
#define CPU_AVX512VL (1u << 31)
#define CPU_AVX512 (CPU_AVX512F | CPU_AVX512DQ | CPU_AVX512BW | CPU_AVX512VL)

/* CPUID leaf 7, ECX, and leaf 7.1, EAX */
#define CPU_AVX512_VNNI (1u << 11)
#define CPU_AVX_VNNI (1u << 4)

/* XCR0: registers that the operating system saves */
#define STATE_AVX 0x06u			/* xmm, ymm */
#define STATE_AVX512 0xe6u		/* and opmask, zmm */

/* Bits of XCR0; 0 where the operating system has not enabled XGETBV. */
static unsigned int
saved_states(unsigned int leaf1_ecx)
{
	unsigned int low;
	unsigned int high;

	if ((leaf1_ecx & CPU_OSXSAVE) == 0)
		return 0;
	__asm__ volatile ("xgetbv":"=a"(low), "=d"(high):"c"(0));
	return low;
}

/* Has it AVX-VNNI, which a subleaf of leaf 7 tells. */
static bool
has_avx_vnni(void)
{
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && eax >= 1 &&
		__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & CPU_AVX_VNNI) != 0;
}

bool
electra_kernel_set_available(electra_kernel_set set)
{
	unsigned int eax;
	unsigned int ebx = 0;
	unsigned int ecx = 0;
	unsigned int edx;
	unsigned int leaf1;
	unsigned int states;
	bool		avx2;
	bool		avx512;

	if (set == ELECTRA_KERNELS_PORTABLE)
		return true;
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return false;
	leaf1 = ecx;
	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		return false;
	states = saved_states(leaf1);
	avx2 = (leaf1 & CPU_AVX) != 0 && (leaf1 & CPU_FMA) != 0 && (ebx & CPU_AVX2) != 0 &&
		(states & STATE_AVX) == STATE_AVX;
	avx512 = avx2 && (ebx & CPU_AVX512) == CPU_AVX512 &&
		(states & STATE_AVX512) == STATE_AVX512;
	switch (set)
	{
		case ELECTRA_KERNELS_AVX2:
			return avx2;
		case ELECTRA_KERNELS_AVX_VNNI:
			return avx2 && has_avx_vnni();
		case ELECTRA_KERNELS_AVX512:
			return avx512;
		case ELECTRA_KERNELS_AVX512_VNNI:
			return avx512 && (ecx & CPU_AVX512_VNNI) != 0;
		default:
			return false;
	}
}

bool
electra_has_hardware_fma(void)
{
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & CPU_FMA) != 0 &&
		(saved_states(ecx) & STATE_AVX) == STATE_AVX;
}

/* Asked once: in a virtual machine CPUID takes microseconds. */
bool
electra_has_f16c(void)
{
	static int	answer = -1;
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	if (answer < 0)
		answer = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & CPU_F16C) != 0 &&
			(saved_states(ecx) & STATE_AVX) == STATE_AVX;
	return answer == 1;
}

static const electra_kernel_table *const tables[ELECTRA_NUM_KERNEL_SETS] = {
	&electra_kernel_table_portable, &electra_kernel_table_avx2, &electra_kernel_table_avx_vnni,
	&electra_kernel_table_avx512, &electra_kernel_table_avx512_vnni, NULL
};

#else

/* NEON with fused multiply-add is part of every aarch64. */
bool
electra_kernel_set_available(electra_kernel_set set)
{
#ifdef __aarch64__
	return set == ELECTRA_KERNELS_PORTABLE || set == ELECTRA_KERNELS_NEON;
#else
	return set == ELECTRA_KERNELS_PORTABLE;
#endif
}

bool
electra_has_f16c(void)
{
	return false;
}

bool
electra_has_hardware_fma(void)
{
#ifdef FP_FAST_FMAF
	return true;
#else
	return false;
#endif
}

static const electra_kernel_table *const tables[ELECTRA_NUM_KERNEL_SETS] = {
	&electra_kernel_table_portable, NULL, NULL, NULL, NULL,
#ifdef __aarch64__
	&electra_kernel_table_neon
#endif
};

#endif

static const electra_kernel_table *chosen;

const char *
electra_kernel_set_name(electra_kernel_set set)
{
	static const char *const names[ELECTRA_NUM_KERNEL_SETS] = {
		"portable", "avx2", "avxvnni", "avx512", "avx512vnni", "neon"
	};

	return names[set];
}

const electra_kernel_table *
electra_kernels(void)
{
	if (chosen == NULL)
	{
		int			set = ELECTRA_NUM_KERNEL_SETS - 1;

		while (!electra_kernel_set_available((electra_kernel_set) set))
			set--;
		chosen = tables[set];
	}
	return chosen;
}

electra_kernel_set
electra_kernels_chosen(void)
{
	return electra_kernels()->set;
}

bool
electra_kernels_choose(electra_kernel_set set)
{
	if (!electra_kernel_set_available(set))
		return false;
	chosen = tables[set];
	return true;
}

float
electra_dot(const float *a, const float *b, size_t n)
{
	electra_fpenv saved;
	float		result;

	electra_fpenv_enter(&saved);
	result = electra_kernels()->dot(a, b, n);
	electra_fpenv_leave(&saved);
	return result;
}

double
electra_square(const float *a, size_t n)
{
	electra_fpenv saved;
	double		square;
	double		same;

	electra_fpenv_enter(&saved);
	electra_kernels()->products(&square, &same, a, a, a, n);
	electra_fpenv_leave(&saved);
	return square;
}

/*
 * In double, where the products of floats are exact and no square overflows or
 * vanishes.
 */
float
electra_cosine_with(const float *a, double a_square, const float *b, const float *ahead, size_t n)
{
	electra_fpenv saved;
	double		product;
	double		b_square;
	float		result = 0.0f;

	electra_fpenv_enter(&saved);
	electra_kernels()->products(&product, &b_square, a, b, ahead == NULL ? b : ahead, n);
	if (product != product)
		result = (float) product;
	else if (a_square != 0.0 && b_square != 0.0)
		result = (float) (product / (sqrt(a_square) * sqrt(b_square)));
	electra_fpenv_leave(&saved);
	return result;
}

float
electra_cosine_similarity(const float *a, const float *b, size_t n)
{
	return electra_cosine_with(a, electra_square(a, n), b, NULL, n);
}

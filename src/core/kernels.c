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

/* CPUID leaf 7, EBX */
#define CPU_AVX2 (1u << 5)
#define CPU_AVX512F (1u << 16)
#define CPU_AVX512DQ (1u << 17)
#define CPU_AVX512BW (1u << 30)
#define CPU_AVX512VL (1u << 31)
#define CPU_AVX512 (CPU_AVX512F | CPU_AVX512DQ | CPU_AVX512BW | CPU_AVX512VL)

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
	if (set == ELECTRA_KERNELS_AVX2)
		return avx2;
	return set == ELECTRA_KERNELS_AVX512 && avx2 && (ebx & CPU_AVX512) == CPU_AVX512 &&
		(states & STATE_AVX512) == STATE_AVX512;
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

static const electra_kernel_table *const tables[ELECTRA_NUM_KERNEL_SETS] = {
	&electra_kernel_table_portable, &electra_kernel_table_avx2, &electra_kernel_table_avx512
};

#else

bool
electra_kernel_set_available(electra_kernel_set set)
{
	return set == ELECTRA_KERNELS_PORTABLE;
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
	&electra_kernel_table_portable, NULL, NULL
};

#endif

static const electra_kernel_table *chosen;

const char *
electra_kernel_set_name(electra_kernel_set set)
{
	static const char *const names[ELECTRA_NUM_KERNEL_SETS] = {"portable", "avx2", "avx512"};

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

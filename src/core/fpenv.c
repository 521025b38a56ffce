/*
 * The floating-point environment of the core.
 */
#include "fpenv.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* Round to nearest even, all exceptions masked, FTZ and DAZ off: MXCSR at reset. */
#define ELECTRA_MXCSR 0x1f80

void
electra_fpenv_enter(electra_fpenv *saved)
{
	saved->control = _mm_getcsr();
	saved->rounding = 0;
	_mm_setcsr(ELECTRA_MXCSR);
}

/* The flags of exceptions raised meanwhile are dropped with the rest. */
void
electra_fpenv_leave(const electra_fpenv *saved)
{
	_mm_setcsr((unsigned int) saved->control);
}

#elif defined(__aarch64__)

/* FPCR = 0: round to nearest even, FZ, FZ16, AH and traps off. */
void
electra_fpenv_enter(electra_fpenv *saved)
{
	__asm__ volatile ("mrs %0, fpcr":"=r"(saved->control)::"memory");
	saved->rounding = 0;
	__asm__ volatile ("msr fpcr, %0"::"r"((uint64_t) 0):"memory");
}

void
electra_fpenv_leave(const electra_fpenv *saved)
{
	__asm__ volatile ("msr fpcr, %0"::"r"(saved->control):"memory");
}

#else

#include <fenv.h>

/* Elsewhere the C library reaches the rounding direction only. */
void
electra_fpenv_enter(electra_fpenv *saved)
{
	saved->control = 0;
	saved->rounding = fegetround();
	fesetround(FE_TONEAREST);
}

void
electra_fpenv_leave(const electra_fpenv *saved)
{
	fesetround(saved->rounding);
}

#endif

/*
 * The floating-point environment of the core: round to nearest even, no
 * flushing of denormals, exceptions masked.  Every public function that
 * computes floats enters it first and leaves it on every exit, so that nothing
 * a process has set can change a bit.
 */
#ifndef ELECTRA_FPENV_H
#define ELECTRA_FPENV_H

#include <float.h>
#include <stdint.h>

#if FLT_EVAL_METHOD != 0
#error "electra needs float arithmetic in float precision (FLT_EVAL_METHOD 0)"
#endif

typedef struct electra_fpenv
{
	uint64_t	control;		/* MXCSR or FPCR, as it was */
	int			rounding;		/* fegetround(), elsewhere */
} electra_fpenv;

extern void electra_fpenv_enter(electra_fpenv *saved);
extern void electra_fpenv_leave(const electra_fpenv *saved);

#endif							/* ELECTRA_FPENV_H */

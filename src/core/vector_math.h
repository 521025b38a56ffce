/*
 * exp, tanh and the normal tail on vectors of sixteen lanes: polynomials of our
 * own, in Horner's scheme, one fused multiply-add a step.  The coefficients and
 * the errors come from tools/derive_polynomials.py.
 *
 * Each function takes count vectors, a constant of at most LANES_CHAINS wherever
 * it is expanded, and puts its results in their places: the steps of one
 * polynomial wait for each other, those of different vectors do not.
 *
 * Included after a lanes_….h by each set of kernels.
 */
#ifndef ELECTRA_VECTOR_MATH_H
#define ELECTRA_VECTOR_MATH_H

#include "tile_loops.h"

/* Once for each of the vectors: of constant length, for clang unrolls before it knows what count is. */
#define LANES_EACH \
	TILE_UNROLL \
		for (int i = 0; i < LANES_CHAINS; i++) \
		if (i < count)

/* A step of Horner's scheme for each of them. */
#define LANES_HORNER(polynomial, argument, coefficient) \
	LANES_EACH \
		(polynomial)[i] = lanes_fma((polynomial)[i], (argument)[i], lanes_set(coefficient))

/* exp(x) is 0 below this, where the result would leave the normal numbers. */
#define EXP_LOWEST -87.3f

/* exp(x) is exp(88) above this; no caller tells that from more. */
#define EXP_HIGHEST 88.0f

/*
 * exp, relative error at most 7.5e-8 between the two bounds; NaN for NaN.
 *
 * x = n ln 2 + r with |r| <= ln(2)/2; adding 1.5 * 2^23 rounds to the integer n
 * and leaves it in the low bits, from where lanes_scale takes it.
 */
LANES_FUNCTION void
lanes_exp(lanes *x, const int count)
{
	lanes		lowest = lanes_set(EXP_LOWEST);
	lanes		magic = lanes_set(12582912.0f);
	lanes		shifted[LANES_CHAINS];
	lanes		r[LANES_CHAINS];
	lanes		p[LANES_CHAINS];

	LANES_EACH
		r[i] = lanes_min(lanes_set(EXP_HIGHEST), lanes_max(lowest, x[i]));
	LANES_EACH
		shifted[i] = lanes_fma(r[i], lanes_set(0x1.715476p+0f), magic);
	LANES_EACH
	{
		lanes		n = lanes_sub(shifted[i], magic);

		r[i] = lanes_fma(n, lanes_set(-0x1.62e4p-1f), r[i]);
		r[i] = lanes_fma(n, lanes_set(-0x1.7f7d1cp-20f), r[i]);
	}
	LANES_EACH
		p[i] = lanes_fma(lanes_set(0x1.6a2436p-10f), r[i], lanes_set(0x1.1239e2p-7f));
	LANES_HORNER(p, r, 0x1.5558f2p-5f);
	LANES_HORNER(p, r, 0x1.555492p-3f);
	LANES_HORNER(p, r, 0x1.fffffcp-2f);
	LANES_HORNER(p, r, 1.0f);
	LANES_HORNER(p, r, 1.0f);
	LANES_EACH
		x[i] = lanes_select_less(x[i], lowest, lanes_set(0.0f), lanes_scale(p[i], shifted[i]));
}

/*
 * a times the upper tail of the normal distribution, a * erfc(a / sqrt(2)) / 2,
 * for a >= 0; absolute error at most 3.8e-8.
 *
 * The tail is the exponential of a polynomial of degree 10 that was fitted on
 * [0, 5.75] and only falls behind it, where the true value is below 3e-8.
 */
LANES_FUNCTION void
lanes_normal_tail(lanes *a, const int count)
{
	lanes		q[LANES_CHAINS];

	LANES_EACH
		q[i] = lanes_fma(lanes_set(-0x1.d31ce2p-26f), a[i], lanes_set(0x1.8f491ep-21f));
	LANES_HORNER(q, a, -0x1.284316p-17f);
	LANES_HORNER(q, a, 0x1.e82834p-15f);
	LANES_HORNER(q, a, -0x1.af5256p-13f);
	LANES_HORNER(q, a, 0x1.c12adep-17f);
	LANES_HORNER(q, a, 0x1.3b46c8p-8f);
	LANES_HORNER(q, a, -0x1.29cf1ap-5f);
	LANES_HORNER(q, a, -0x1.45f178p-2f);
	LANES_HORNER(q, a, -0x1.988472p-1f);
	LANES_HORNER(q, a, -0x1.62e42ep-1f);
	lanes_exp(q, count);
	LANES_EACH
		a[i] = lanes_mul(a[i], q[i]);
}

/* 1 / (1 + exp(-x)), relative error at most 2.5e-7 above -87. */
LANES_FUNCTION void
lanes_sigmoid(lanes *x, const int count)
{
	lanes		one = lanes_set(1.0f);

	LANES_EACH
		x[i] = lanes_sub(lanes_set(0.0f), x[i]);
	lanes_exp(x, count);
	LANES_EACH
		x[i] = lanes_div(one, lanes_add(one, x[i]));
}

/*
 * tanh, relative error at most 2.5e-7: an odd polynomial below 0.625,
 * 1 - 2 / (exp(2|x|) + 1) with the sign of x from there on.
 */
LANES_FUNCTION void
lanes_tanh(lanes *x, const int count)
{
	lanes		zero = lanes_set(0.0f);
	lanes		one = lanes_set(1.0f);
	lanes		e[LANES_CHAINS];
	lanes		z[LANES_CHAINS];
	lanes		p[LANES_CHAINS];

	LANES_EACH
	{
		lanes		a = lanes_abs(x[i]);

		e[i] = lanes_add(a, a);
		z[i] = lanes_mul(x[i], x[i]);
		p[i] = lanes_fma(lanes_set(-0x1.76ebdcp-8f), z[i], lanes_set(0x1.52646ep-6f));
	}
	LANES_HORNER(p, z, -0x1.b84642p-5f);
	LANES_HORNER(p, z, 0x1.110778p-3f);
	LANES_HORNER(p, z, -0x1.555534p-2f);
	LANES_HORNER(p, z, 1.0f);
	lanes_exp(e, count);
	LANES_EACH
	{
		lanes		large = lanes_sub(one, lanes_div(lanes_set(2.0f), lanes_add(e[i], one)));

		large = lanes_select_less(x[i], zero, lanes_sub(zero, large), large);
		x[i] = lanes_select_less(lanes_abs(x[i]), lanes_set(0.625f), lanes_mul(x[i], p[i]), large);
	}
}

#endif							/* ELECTRA_VECTOR_MATH_H */

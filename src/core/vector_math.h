/*
 * exp, tanh and the normal tail on sixteen lanes: polynomials of our own, in
 * Horner's scheme, one fused multiply-add a step.  The coefficients and the
 * errors come from tools/derive_polynomials.py.
 *
 * Included after a lanes_….h by each set of kernels.
 */
#ifndef ELECTRA_VECTOR_MATH_H
#define ELECTRA_VECTOR_MATH_H

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
LANES_FUNCTION lanes
lanes_exp(lanes x)
{
	lanes		lowest = lanes_set(EXP_LOWEST);
	lanes		magic = lanes_set(12582912.0f);
	lanes		bounded = lanes_min(lanes_set(EXP_HIGHEST), lanes_max(lowest, x));
	lanes		shifted = lanes_fma(bounded, lanes_set(0x1.715476p+0f), magic);
	lanes		n = lanes_sub(shifted, magic);
	lanes		r = lanes_fma(n, lanes_set(-0x1.62e4p-1f), bounded);
	lanes		p;

	r = lanes_fma(n, lanes_set(-0x1.7f7d1cp-20f), r);
	p = lanes_fma(lanes_set(0x1.6a2436p-10f), r, lanes_set(0x1.1239e2p-7f));
	p = lanes_fma(p, r, lanes_set(0x1.5558f2p-5f));
	p = lanes_fma(p, r, lanes_set(0x1.555492p-3f));
	p = lanes_fma(p, r, lanes_set(0x1.fffffcp-2f));
	p = lanes_fma(p, r, lanes_set(1.0f));
	p = lanes_fma(p, r, lanes_set(1.0f));
	return lanes_select_less(x, lowest, lanes_set(0.0f), lanes_scale(p, shifted));
}

/*
 * a times the upper tail of the normal distribution, a * erfc(a / sqrt(2)) / 2,
 * for a >= 0; absolute error at most 3.8e-8.
 *
 * The tail is the exponential of a polynomial of degree 10 that was fitted on
 * [0, 5.75] and only falls behind it, where the true value is below 3e-8.
 */
LANES_FUNCTION lanes
lanes_normal_tail(lanes a)
{
	lanes		q = lanes_fma(lanes_set(-0x1.d31ce2p-26f), a, lanes_set(0x1.8f491ep-21f));

	q = lanes_fma(q, a, lanes_set(-0x1.284316p-17f));
	q = lanes_fma(q, a, lanes_set(0x1.e82834p-15f));
	q = lanes_fma(q, a, lanes_set(-0x1.af5256p-13f));
	q = lanes_fma(q, a, lanes_set(0x1.c12adep-17f));
	q = lanes_fma(q, a, lanes_set(0x1.3b46c8p-8f));
	q = lanes_fma(q, a, lanes_set(-0x1.29cf1ap-5f));
	q = lanes_fma(q, a, lanes_set(-0x1.45f178p-2f));
	q = lanes_fma(q, a, lanes_set(-0x1.988472p-1f));
	q = lanes_fma(q, a, lanes_set(-0x1.62e42ep-1f));
	return lanes_mul(a, lanes_exp(q));
}

/* 1 / (1 + exp(-x)), relative error at most 2.5e-7 above -87. */
LANES_FUNCTION lanes
lanes_sigmoid(lanes x)
{
	lanes		one = lanes_set(1.0f);

	return lanes_div(one, lanes_add(one, lanes_exp(lanes_sub(lanes_set(0.0f), x))));
}

/*
 * tanh, relative error at most 2.5e-7: an odd polynomial below 0.625,
 * 1 - 2 / (exp(2|x|) + 1) with the sign of x from there on.
 */
LANES_FUNCTION lanes
lanes_tanh(lanes x)
{
	lanes		zero = lanes_set(0.0f);
	lanes		one = lanes_set(1.0f);
	lanes		a = lanes_abs(x);
	lanes		z = lanes_mul(x, x);
	lanes		p = lanes_fma(lanes_set(-0x1.76ebdcp-8f), z, lanes_set(0x1.52646ep-6f));
	lanes		e = lanes_exp(lanes_add(a, a));
	lanes		large = lanes_sub(one, lanes_div(lanes_set(2.0f), lanes_add(e, one)));

	p = lanes_fma(p, z, lanes_set(-0x1.b84642p-5f));
	p = lanes_fma(p, z, lanes_set(0x1.110778p-3f));
	p = lanes_fma(p, z, lanes_set(-0x1.555534p-2f));
	p = lanes_fma(p, z, one);
	large = lanes_select_less(x, zero, lanes_sub(zero, large), large);
	return lanes_select_less(a, lanes_set(0.625f), lanes_mul(x, p), large);
}

#endif							/* ELECTRA_VECTOR_MATH_H */

/*
 * The activations of config.h's enumeration, formulas as in transformers'
 * activations.py.
 *
 * Included after a lanes_….h, vector_math.h and row_kernels.h.
 */
#ifndef ELECTRA_ACTIVATION_KERNELS_H
#define ELECTRA_ACTIVATION_KERNELS_H

#include "kernel_table.h"

/* x * Phi(x), as max(x, 0) less the tail: no cancellation for negative x. */
LANES_FUNCTION lanes
activation_gelu(lanes x)
{
	return lanes_sub(lanes_max(lanes_set(0.0f), x), lanes_normal_tail(lanes_abs(x)));
}

/*
 * x (1 + tanh(root (x + 0.044715 x^3))) / 2; (1 + tanh u) / 2 is the sigmoid
 * of 2u.  The two forms of it differ in the digits of root = sqrt(2 / pi).
 */
LANES_FUNCTION lanes
activation_gelu_tanh(lanes x, float root)
{
	lanes		cubic = lanes_fma(lanes_mul(x, x), lanes_set(0.044715f), lanes_set(1.0f));
	lanes		u = lanes_mul(lanes_mul(x, lanes_set(2.0f * root)), cubic);

	return lanes_mul(x, lanes_sigmoid(u));
}

/* Clipped to [-10, 10]; NaN stays NaN. */
LANES_FUNCTION lanes
activation_gelu_10(lanes x)
{
	return lanes_min(lanes_set(10.0f), lanes_max(lanes_set(-10.0f), activation_gelu(x)));
}

LANES_FUNCTION lanes
activation_quick_gelu(lanes x)
{
	return lanes_mul(x, lanes_sigmoid(lanes_mul(x, lanes_set(1.702f))));
}

LANES_FUNCTION lanes
activation_silu(lanes x)
{
	return lanes_mul(x, lanes_sigmoid(x));
}

/*
 * x tanh(log(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2); above 20 the
 * quotient is 1.
 */
LANES_FUNCTION lanes
activation_mish(lanes x)
{
	lanes		two = lanes_set(2.0f);
	lanes		e = lanes_exp(lanes_min(lanes_set(20.0f), x));
	lanes		n = lanes_mul(e, lanes_add(e, two));

	return lanes_mul(x, lanes_div(n, lanes_add(n, two)));
}

LANES_FUNCTION lanes
activation_relu(lanes x)
{
	return lanes_max(lanes_set(0.0f), x);
}

#define ACTIVATE(expression) \
	for (size_t r = 0; r < rows; r++) \
		for (size_t i = 0; i < columns; i += 16) \
		{ \
			float	   *target = x + r * stride + i; \
			lanes		value = row_load(target, columns - i); \
\
			row_store(target, expression, columns - i); \
		} \
	break

static LANES_TARGET void
activation_apply_rows(electra_activation activation, float *x, size_t rows, size_t columns,
					  size_t stride)
{
	switch (activation)
	{
		case ELECTRA_GELU:
			ACTIVATE(activation_gelu(value));
		case ELECTRA_GELU_TANH:
			ACTIVATE(activation_gelu_tanh(value, 0x1.988454p-1f));
		case ELECTRA_GELU_FAST:
			ACTIVATE(activation_gelu_tanh(value, 0.7978845608f));
		case ELECTRA_GELU_10:
			ACTIVATE(activation_gelu_10(value));
		case ELECTRA_QUICK_GELU:
			ACTIVATE(activation_quick_gelu(value));
		case ELECTRA_RELU:
			ACTIVATE(activation_relu(value));
		case ELECTRA_SILU:
			ACTIVATE(activation_silu(value));
		case ELECTRA_MISH:
			ACTIVATE(activation_mish(value));
		case ELECTRA_TANH:
			ACTIVATE(lanes_tanh(value));
		case ELECTRA_SIGMOID:
			ACTIVATE(lanes_sigmoid(value));
		case ELECTRA_IDENTITY:
			break;
	}
}

static LANES_TARGET void
activation_apply(electra_activation activation, float *x, size_t n)
{
	activation_apply_rows(activation, x, 1, n, n);
}

#endif							/* ELECTRA_ACTIVATION_KERNELS_H */

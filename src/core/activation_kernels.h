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
LANES_FUNCTION void
activation_gelu(lanes *x, const int count)
{
	lanes		tail[LANES_CHAINS];

	LANES_EACH
		tail[i] = lanes_abs(x[i]);
	lanes_normal_tail(tail, count);
	LANES_EACH
		x[i] = lanes_sub(lanes_max(lanes_set(0.0f), x[i]), tail[i]);
}

/*
 * x (1 + tanh(root (x + 0.044715 x^3))) / 2; (1 + tanh u) / 2 is the sigmoid
 * of 2u.  The two forms of it differ in the digits of root = sqrt(2 / pi).
 */
LANES_FUNCTION void
activation_gelu_tanh(lanes *x, float root, const int count)
{
	lanes		u[LANES_CHAINS];

	LANES_EACH
	{
		lanes		cubic = lanes_fma(lanes_mul(x[i], x[i]), lanes_set(0.044715f), lanes_set(1.0f));

		u[i] = lanes_mul(lanes_mul(x[i], lanes_set(2.0f * root)), cubic);
	}
	lanes_sigmoid(u, count);
	LANES_EACH
		x[i] = lanes_mul(x[i], u[i]);
}

/* Clipped to [-10, 10]; NaN stays NaN. */
LANES_FUNCTION void
activation_gelu_10(lanes *x, const int count)
{
	activation_gelu(x, count);
	LANES_EACH
		x[i] = lanes_min(lanes_set(10.0f), lanes_max(lanes_set(-10.0f), x[i]));
}

/* x * sigmoid(factor * x); with the factor 1 it is SiLU, to the bit. */
LANES_FUNCTION void
activation_quick_gelu(lanes *x, float factor, const int count)
{
	lanes		gate[LANES_CHAINS];

	LANES_EACH
		gate[i] = lanes_mul(x[i], lanes_set(factor));
	lanes_sigmoid(gate, count);
	LANES_EACH
		x[i] = lanes_mul(x[i], gate[i]);
}

/*
 * x tanh(log(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2); above 20 the
 * quotient is 1.
 */
LANES_FUNCTION void
activation_mish(lanes *x, const int count)
{
	lanes		two = lanes_set(2.0f);
	lanes		e[LANES_CHAINS];

	LANES_EACH
		e[i] = lanes_min(lanes_set(20.0f), x[i]);
	lanes_exp(e, count);
	LANES_EACH
	{
		lanes		n = lanes_mul(e[i], lanes_add(e[i], two));

		x[i] = lanes_mul(x[i], lanes_div(n, lanes_add(n, two)));
	}
}

LANES_FUNCTION void
activation_relu(lanes *x, const int count)
{
	LANES_EACH
		x[i] = lanes_max(lanes_set(0.0f), x[i]);
}

/*
 * All vectors of some rows, LANES_CHAINS at a time; the last is repeated where
 * fewer are left, which changes nothing, for all are loaded before they are
 * stored.  function(values, …) is a statement on that many.
 */
#define ACTIVATE(statement) \
	for (size_t done = 0; done < vectors; done += LANES_CHAINS) \
	{ \
		float	   *targets[LANES_CHAINS]; \
		size_t		lefts[LANES_CHAINS]; \
		lanes		values[LANES_CHAINS]; \
\
		LANES_EACH \
		{ \
			targets[i] = x + column; \
			lefts[i] = columns - column; \
			values[i] = row_load(targets[i], lefts[i]); \
			if (lefts[i] > 16) \
				column += 16; \
			else if (--rows > 0) \
			{ \
				x += stride; \
				column = 0; \
			} \
			else \
				rows = 1; \
		} \
		statement; \
		LANES_EACH \
			row_store(targets[i], values[i], lefts[i]); \
	} \
	break

static LANES_TARGET void
activation_apply_rows(electra_activation activation, float *x, size_t rows, size_t columns,
					  size_t stride)
{
	const int	count = LANES_CHAINS;
	size_t		vectors = rows * ((columns + 15) / 16);
	size_t		column = 0;

	switch (activation)
	{
		case ELECTRA_GELU:
			ACTIVATE(activation_gelu(values, count));
		case ELECTRA_GELU_TANH:
			ACTIVATE(activation_gelu_tanh(values, 0x1.988454p-1f, count));
		case ELECTRA_GELU_FAST:
			ACTIVATE(activation_gelu_tanh(values, 0.7978845608f, count));
		case ELECTRA_GELU_10:
			ACTIVATE(activation_gelu_10(values, count));
		case ELECTRA_QUICK_GELU:
			ACTIVATE(activation_quick_gelu(values, 1.702f, count));
		case ELECTRA_RELU:
			ACTIVATE(activation_relu(values, count));
		case ELECTRA_SILU:
			ACTIVATE(activation_quick_gelu(values, 1.0f, count));
		case ELECTRA_MISH:
			ACTIVATE(activation_mish(values, count));
		case ELECTRA_TANH:
			ACTIVATE(lanes_tanh(values, count));
		case ELECTRA_SIGMOID:
			ACTIVATE(lanes_sigmoid(values, count));
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

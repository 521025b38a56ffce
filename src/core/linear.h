/*
 * The linear layers of an image, as calls of the matrix products.
 */
#ifndef ELECTRA_LINEAR_H
#define ELECTRA_LINEAR_H

#include "gemm_int8.h"
#include "image.h"

/* What a linear layer is applied to: floats, and the same quantized for layers in int8. */
typedef struct electra_linear_input
{
	const float *x;				/* (rows, in_dim), rows stride apart; NULL where
								 * only the other is at hand */
	size_t		stride;
	electra_int8_rows quantized;	/* values NULL: not at hand */
} electra_linear_input;

/* One use of a linear layer: some of its columns for some rows. */
typedef struct electra_linear_call
{
	const electra_image_linear *layer;
	size_t		first_column;	/* a multiple of 32 */
	size_t		columns;
	electra_linear_input input;
	size_t		rows;
	electra_activation activation;	/* ELECTRA_IDENTITY: none */
	float	   *y;				/* (rows, columns), rows y_stride apart */
	size_t		y_stride;
} electra_linear_call;

/*
 * Quantizes the columns first (a multiple of 64) … first + count - 1 of an
 * input row of a layer, which must be in int8, by the layer's own rule.  Exact
 * channels are noted in quantized->exact.
 */
extern void electra_linear_quantize(const electra_image_linear *layer,
									const electra_int8_rows *quantized, size_t row, size_t first,
									float *x /* (count), the same afterwards */ , size_t count);

/* y = activation(x W + b) by the product that the layer's dtype wants.  False if pacer stopped it. */
extern bool electra_linear(const electra_model *model, const electra_linear_call *call,
						   electra_pacer *pacer);

/*
 * y = activation(x W + b) of one vector: so little work that there is nothing
 * to poll for.  The caller has entered fpenv.h's environment.
 */
extern void electra_dense(const electra_model *model, const electra_image_linear *layer,
						  electra_activation activation, const float *x /* (in_dim) */ ,
						  float *y /* (out_dim), not x */ );

#endif							/* ELECTRA_LINEAR_H */

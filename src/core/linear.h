/*
 * The linear layers of an image, as calls of the matrix product.
 */
#ifndef ELECTRA_LINEAR_H
#define ELECTRA_LINEAR_H

#include "gemm.h"
#include "image.h"

/* y = x W + b with all columns of a layer; the caller sets x, y, rows and strides. */
static inline electra_gemm_call
electra_linear_call(const electra_model *model, const electra_image_linear *layer)
{
	return (electra_gemm_call) {
		.panels = electra_model_floats(model, layer->panels),
		.bias = layer->bias == 0 ? NULL : electra_model_floats(model, layer->bias),
		.in_dim = (size_t) layer->in_dim,
		.out_dim = (size_t) layer->out_dim
	};
}

/*
 * y = activation(x W + b) of one vector: so little work that there is nothing
 * to poll for.  The caller has entered fpenv.h's environment.
 */
static inline void
electra_dense(const electra_model *model, const electra_image_linear *layer,
			  electra_activation activation, const float *x /* (in_dim) */ ,
			  float *y /* (out_dim), not x */ )
{
	electra_pacer pacer = {.poll = NULL};
	electra_gemm_call call = electra_linear_call(model, layer);

	call.x = x;
	call.x_stride = call.in_dim;
	call.rows = 1;
	call.y = y;
	call.y_stride = call.out_dim;
	electra_gemm(&call, &pacer);
	electra_kernels()->activate(activation, y, call.out_dim);
}

#endif							/* ELECTRA_LINEAR_H */

/*
 * Scaled dot-product attention within one sequence, over its live keys.
 */
#ifndef ELECTRA_ATTENTION_H
#define ELECTRA_ATTENTION_H

#include "gemm.h"

typedef struct electra_attention_call
{
	const float *query;			/* (length, num_heads * head_dim), rows stride
								 * apart, already divided by sqrt(head_dim) */
	const float *key;			/* the same shape and stride */
	const float *value;
	size_t		stride;
	size_t		length;
	const uint8_t *padding_mask;	/* (length), 0: no key, but still a query; at
									 * least one is not 0; NULL: all are keys */
	size_t		num_heads;
	size_t		head_dim;
	float	   *context;		/* (length, num_heads * head_dim) */
	size_t		context_stride;
	float	   *workspace;		/* aligned to 64 bytes */
} electra_attention_call;

/* Floats of workspace for sequences up to this length. */
extern size_t electra_attention_workspace(size_t length, size_t head_dim);

/* False if pacer stopped it. */
extern bool electra_attention(const electra_attention_call *call, electra_pacer *pacer);

#endif							/* ELECTRA_ATTENTION_H */

/*
 * The matrix product y = x W + b over weights in int8 (image.h), with x
 * quantized by rows.  quantize.h has the rule of quantization; an element is
 *
 *   sum := fma((float) (sum of q_x q_w), scale_x * scale_w, sum)
 *
 * over the groups in ascending order, the inner sum being exact, then + bias.
 * Where there are channels of x that stay out of int8 it begins with
 *
 *   sum := fma(x, w, sum)
 *
 * over these from 0.
 */
#ifndef ELECTRA_GEMM_INT8_H
#define ELECTRA_GEMM_INT8_H

#include "gemm.h"
#include "image.h"

/* Rows as electra_int8_table.quantize leaves them. */
typedef struct electra_int8_rows
{
	char	   *values;			/* (rows, groups * 64) values, rows stride apart */
	size_t		stride;			/* in bytes */
	float	   *scales;			/* (rows, groups) */
	size_t		groups;
	float	   *exact;			/* (rows, ELECTRA_EXACT_CHANNELS): of channels
								 * that stay out of int8 */
} electra_int8_rows;

typedef struct electra_gemm_int8_call
{
	electra_int8_rows x;		/* groups: those of in_dim */
	size_t		rows;
	const electra_int8_group *panels;	/* (ceil(out_dim / 32), groups) */
	const float *exact;			/* (ceil(out_dim / 32), num_exact, 32) weights of
								 * x.exact, if num_exact > 0 */
	size_t		num_exact;
	const float *bias;			/* (ceil(out_dim / 32) * 32), or NULL */
	size_t		in_dim;
	size_t		out_dim;
	bool		activate;		/* y := activation(y), element by element */
	electra_activation activation;
	float	   *y;				/* (rows, out_dim), rows y_stride apart */
	size_t		y_stride;
} electra_gemm_int8_call;

/* So many times four k are in use of the last group of n. */
static inline int
electra_int8_last_steps(size_t n)
{
	return (int) (((n - 1) % ELECTRA_INT8_GROUP + 4) / 4);
}

/* Bytes of a workspace for rows of n values; a multiple of 64. */
extern size_t electra_int8_rows_size(size_t rows, size_t n);

/* Lays rows out in a workspace that is aligned to 64 bytes. */
extern electra_int8_rows electra_int8_rows_at(void *workspace, size_t rows, size_t n);

/* Rows first, first + 1, … of x, without its leading columns, a multiple of 64. */
extern electra_int8_rows electra_int8_rows_from(const electra_int8_rows *x, size_t first,
												size_t column);

/*
 * Quantizes count floats as columns of row number row, shifted without a sign
 * where shift is above 0.
 */
extern void electra_int8_quantize(const electra_int8_rows *x, size_t row, const float *values,
								  size_t count, float shift);


/* False if pacer stopped it: then y is unfinished.  The caller has entered fpenv.h's environment. */
extern bool electra_gemm_int8(const electra_gemm_int8_call *call, electra_pacer *pacer);

#endif							/* ELECTRA_GEMM_INT8_H */

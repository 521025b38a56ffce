/*
 * What a set of kernels offers: the operations out of which encoder and
 * pooling are made.  Each set (kernels_portable.c, kernels_avx2.c,
 * kernels_avx512.c) compiles the same sources over its own lanes.
 */
#ifndef ELECTRA_KERNEL_TABLE_H
#define ELECTRA_KERNEL_TABLE_H

#include "int8_table.h"
#include "kernels.h"

/* No set has taller tiles. */
#define ELECTRA_MAX_TILE_ROWS 16

/*
 * One tile of a matrix product: a few rows of x times a panel (image.h), over
 * depth consecutive k.
 */
typedef struct electra_tile
{
	const float *x;				/* (rows, depth), rows x_stride apart */
	size_t		x_stride;
	const float *panel;			/* (depth, 32) */
	size_t		depth;			/* 1 … */
	const float *bias;			/* (32), added behind the last k; or NULL */
	float	   *y;				/* (rows, columns), rows y_stride apart */
	size_t		y_stride;
	int			columns;		/* 1 … 32 */
	bool		resume;			/* go on from the sums in y instead of 0 */
	const char *ahead;			/* weights that later tiles need: with every
								 * ELECTRA_TILE_STEP k, … */
	size_t		ahead_lines;	/* … so many lines are fetched into the caches,
								 * ahead_stride bytes apart: the next ones of as
								 * many streams */
	size_t		ahead_stride;
} electra_tile;

#define ELECTRA_TILE_STEP 4

typedef void (*electra_tile_function) (const electra_tile *tile);

typedef struct electra_kernel_table
{
	electra_kernel_set set;

	/* tiles[r - 1] does r rows, 1 … tile_rows */
	int			tile_rows;
	electra_tile_function tiles[ELECTRA_MAX_TILE_ROWS];

	/* weights in F16 or BF16 to floats, exactly; count is a multiple of 16 */
	void		(*widen) (electra_dtype dtype, const void *stored /* (count) */ , size_t count,
						  float *values /* (count) */ );

	/* sum = (a + b) + c */
	void		(*add3) (float *sum /* (n) */ , const float *a, const float *b, const float *c,
						 size_t n);
	void		(*scale) (float *x /* (n) */ , size_t n, float factor);

	/* x := LayerNorm(x + residual) of one row; residual may be NULL */
	void		(*layer_norm) (float *x /* (dim) */ , const float *residual, const float *weight,
							   const float *bias, size_t dim, float epsilon);

	void		(*activate) (electra_activation activation, float *x /* (n) */ , size_t n);

	/* the same for a few columns of several rows */
	void		(*activate_rows) (electra_activation activation, float *x, size_t rows,
								  size_t columns, size_t stride);

	/* of each row x := exp(x - max x), and 1 / the sum of them */
	void		(*softmax) (float *x /* (rows, n) */ , size_t rows, size_t n, size_t stride,
							float *inverse /* (rows) */ );

	/* the first count (0 … 16) of 16 columns of a panel are these rows, the others 0 */
	void		(*pack_columns) (float *panel /* (n, 32) */ , const float *const *rows /* (count) */ ,
								 size_t count, size_t n);

	float		(*dot) (const float *a /* (n) */ , const float *b, size_t n);

	/*
	 * sums of a * b and of b * b in double, where no product is rounded;
	 * meanwhile ahead, what a later call needs, is fetched into the caches
	 */
	void		(*products) (double *ab, double *bb, const float *a /* (n) */ , const float *b,
							 const float *ahead, size_t n);

	/*
	 * sum := for each column the sum over t of (first_weight + t * step) *
	 * x[t], t in 16 lanes; the largest of a column
	 */
	void		(*sum_rows) (float *sum /* (dim) */ , const float *x /* (rows, dim) */ , size_t rows,
							 size_t dim, float first_weight, float step);
	void		(*largest_rows) (float *largest /* (dim) */ , const float *x /* (rows, dim) */ ,
								 size_t rows, size_t dim);

	bool		(*all_finite) (const float *x /* (n) */ , size_t n);

	const electra_int8_table *int8;
} electra_kernel_table;

extern const electra_kernel_table electra_kernel_table_portable;
#if defined(__x86_64__)
extern const electra_kernel_table electra_kernel_table_avx2;
extern const electra_kernel_table electra_kernel_table_avx_vnni;
extern const electra_kernel_table electra_kernel_table_avx512;
extern const electra_kernel_table electra_kernel_table_avx512_vnni;
#elif defined(__aarch64__)
extern const electra_kernel_table electra_kernel_table_neon;
#endif

/* The table of electra_kernels_chosen(). */
extern const electra_kernel_table *electra_kernels(void);

#endif							/* ELECTRA_KERNEL_TABLE_H */

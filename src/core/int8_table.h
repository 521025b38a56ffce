/*
 * What a set of kernels offers for int8: tiles of the product, and the row
 * operations that make their operands.  quantize.h has the rule; every set
 * gives its bits.
 *
 * A quantized row is ceil(n / 64) groups of 64 values and as many scales.  How
 * a value is stored is the set's own affair: two bytes, or one without a sign,
 * which values that have a sign are stored in with 128 added.  What lies behind
 * n is zero.
 */
#ifndef ELECTRA_INT8_TABLE_H
#define ELECTRA_INT8_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No set has taller tiles. */
#define ELECTRA_MAX_INT8_ROWS 8

/* A group is a multiple of so many times four k. */
#define ELECTRA_INT8_FETCH_STEPS 4

/* Bytes of a stored value at most. */
#define ELECTRA_MAX_INT8_VALUE 2

struct electra_int8_group;

/*
 * One tile of a product: a few quantized rows times one panel (image.h), over
 * num_groups consecutive groups.
 */
typedef struct electra_int8_tile
{
	const char *x;				/* (rows, num_groups * 64) values */
	size_t		x_stride;		/* in bytes */
	const float *x_scales;		/* (rows, num_groups) */
	size_t		x_scale_stride;
	const struct electra_int8_group *groups;	/* (num_groups) */
	size_t		num_groups;		/* 1 … */
	int			last_steps;		/* 1 … 16: so many times four k does the last
								 * group have */
	const float *bias;			/* (32), added behind the last group; or NULL */
	float	   *y;				/* (rows, columns), rows y_stride apart */
	size_t		y_stride;
	int			columns;		/* 1 … 32 */
	bool		resume;			/* go on from the sums in y instead of 0; without
								 * exact channels */
	const float *exact_x;		/* (rows, num_exact): of channels that stay out
								 * of int8, whose products sums begin with */
	size_t		exact_stride;
	const float *exact;			/* (num_exact, 32): their weights */
	int			num_exact;		/* 0: none */
	const char *ahead;			/* weights that later tiles need: with every
								 * ELECTRA_INT8_FETCH_STEPS times four k, … */
	size_t		ahead_step;		/* … so many bytes more are fetched into the
								 * caches: a multiple of 64 */
} electra_int8_tile;

typedef void (*electra_int8_tile_function) (const electra_int8_tile *tile);

typedef struct electra_int8_table
{
	/* tiles[r - 1] does r rows, 1 … tile_rows */
	int			tile_rows;
	electra_int8_tile_function tiles[ELECTRA_MAX_INT8_ROWS];

	size_t		value_size;		/* bytes of a value of a quantized row */

	/*
	 * Quantizes a row.  A group that holds infinity or NaN gets a scale that is
	 * not finite, and with it every product is not finite.
	 */
	void		(*quantize) (const float *x /* (n) */ , size_t n,
							 char *values /* (ceil(n/64) * 64) */ ,
							 float *scales /* (ceil(n/64)) */ );

	/* The same of x + shift, none of which is below 0, without a sign. */
	void		(*quantize_shifted) (const float *x /* (n) */ , size_t n, float shift,
									 char *values /* (ceil(n/64) * 64) */ ,
									 float *scales /* (ceil(n/64)) */ );
} electra_int8_table;

extern const electra_int8_table electra_int8_portable;
#if defined(__x86_64__)
extern const electra_int8_table electra_int8_avx2;
extern const electra_int8_table electra_int8_avx_vnni;
extern const electra_int8_table electra_int8_avx512;
extern const electra_int8_table electra_int8_avx512_vnni;
#endif

#endif							/* ELECTRA_INT8_TABLE_H */

/*
 * The matrix product y = x W + b over packed weights (image.h), and the pace
 * at which long computations ask whether to stop.
 */
#ifndef ELECTRA_GEMM_H
#define ELECTRA_GEMM_H

#include "kernel_table.h"
#include "status.h"

/*
 * Work is counted in fused multiply-adds.  So many between two polls take
 * about 3 µs with AVX-512 and 12 ms where each one is a call of a software
 * fmaf (47 ns).
 */
#define ELECTRA_POLL_WORK (256 * 1024)

/* What an element of these operations counts. */
#define ELECTRA_ACTIVATION_WORK 32
#define ELECTRA_SOFTMAX_WORK 16
#define ELECTRA_NORM_WORK 8

typedef struct electra_pacer
{
	const electra_poll *poll;	/* NULL: never stop */
	uint64_t	work;			/* since the last poll */
	bool		stopped;		/* poll said so */
} electra_pacer;

/* Counts work that is about to be done; true as soon as the computation should stop. */
static inline bool
electra_pacer_stop(electra_pacer *pacer, uint64_t work)
{
	pacer->work += work;
	if (pacer->work >= ELECTRA_POLL_WORK)
	{
		pacer->work = 0;
		pacer->stopped = pacer->stopped || electra_stop(pacer->poll);
	}
	return pacer->stopped;
}

typedef struct electra_gemm_call
{
	const float *x;				/* (rows, in_dim), rows x_stride apart */
	size_t		x_stride;
	size_t		rows;
	const void *panels;			/* (ceil(out_dim / 32), in_dim, 32) of dtype */
	electra_dtype dtype;		/* ELECTRA_F32, F16 or BF16: same bits as the
								 * weights widened to float */
	const float *bias;			/* (ceil(out_dim / 32) * 32), or NULL */
	size_t		in_dim;
	size_t		out_dim;
	bool		activate;		/* y := activation(y), element by element */
	electra_activation activation;
	float	   *y;				/* (rows, out_dim), rows y_stride apart; not x */
	size_t		y_stride;
} electra_gemm_call;

/* Bytes of an element of panels. */
static inline size_t
electra_gemm_element(electra_dtype dtype)
{
	return dtype == ELECTRA_F32 ? sizeof(float) : sizeof(uint16_t);
}

/* Leaves of a call the columns first (a multiple of 32) … first + columns - 1. */
static inline void
electra_gemm_columns(electra_gemm_call *call, size_t first, size_t columns)
{
	call->panels = (const char *) call->panels +
		first * call->in_dim * electra_gemm_element(call->dtype);
	if (call->bias != NULL)
		call->bias += first;
	call->out_dim = columns;
}

/* False if pacer stopped it: then y is unfinished.  The caller has entered fpenv.h's environment. */
extern bool electra_gemm(const electra_gemm_call *call, electra_pacer *pacer);

/*
 * From now on electra_gemm is this function, which may give other bits; NULL:
 * itself again.
 */
typedef bool (*electra_gemm_function) (const electra_gemm_call *call, electra_pacer *pacer);

extern void electra_gemm_substitute(electra_gemm_function function);

/*
 * The size of piece number index when total things are dealt into pieces of
 * at most limit, as evenly as possible, larger ones first.  One piece is
 * common, and a division takes as long as a hundred multiply-adds.
 */
static inline size_t
electra_num_pieces(size_t total, size_t limit)
{
	return total <= limit ? total > 0 : (total + limit - 1) / limit;
}

static inline size_t
electra_piece(size_t total, size_t pieces, size_t index)
{
	return pieces == 1 ? total : total / pieces + (index < total % pieces ? 1 : 0);
}

#endif							/* ELECTRA_GEMM_H */

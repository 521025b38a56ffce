/*
 * Speed of the kernels on one core: matrix products of the usual shapes with
 * weights in each dtype, attention's parts and element-wise operations, next
 * to the core's measured peak of fused multiply-adds.
 *
 *   kernel_bench [KERNELS] [ROUNDS]
 *
 * CPU time, minima over the rounds.  Who shares the core (another hardware
 * thread, another guest) slows it down without taking CPU time, so a round
 * counts only if the peak was there before and after it ("~": no round did).  Weights are walked
 * through so that each product finds its own where a real layer would find
 * them: in memory when all of them do not fit the caches ("cold"), in the
 * cache ("warm").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/attention.h"
#include "core/fpenv.h"
#include "core/gemm.h"

/* Bytes of weights that no cache holds. */
#define COLD_BYTES ((size_t) 96 * 1024 * 1024)

/* A round counts if the peak around it was so much of the best, */
#define QUIET 0.95

/* and so many are tried for one that counts. */
#define MAX_TRIES 20

static const char *const dtype_names[] = {"f32", "f16", "bf16"};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static float *
floats(size_t count)
{
	float	   *memory = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);

	if (memory == NULL)
		exit(1);
	for (size_t i = 0; i < count; i++)
		memory[i] = (float) (i % 1021) * 0x1p-10f - 0.5f;
	return memory;
}

/*
 * GFLOP/s of a tile of one panel that stays in the first-level cache: what the
 * core can do at most.
 */
static double
probe(int repeats)
{
	static float x[ELECTRA_MAX_TILE_ROWS * 64];
	static float panel[64 * 32 + 1024];
	static float y[ELECTRA_MAX_TILE_ROWS * 32];
	const electra_kernel_table *kernels = electra_kernels();
	int			rows = kernels->tile_rows;
	double		start = now();
	electra_tile tile = {
		.x = x, .x_stride = 64, .panel = panel, .depth = 64, .y = y, .y_stride = 32,
		.columns = 32, .ahead = (const char *) panel
	};

	for (int i = 0; i < repeats; i++)
		kernels->tiles[rows - 1] (&tile);
	return 2.0 * rows * 64 * 32 * repeats / (now() - start) / 1e9;
}

static double limit;			/* the best probe so far */

/* Is the core ours alone at the moment? */
static bool
quiet(void)
{
	double		rate = probe(60);

	limit = rate > limit ? rate : limit;
	return rate >= QUIET * limit;
}

static const char *mark;		/* "~" if the last result is of no quiet run */

/* Seconds of the fastest of rounds quiet runs of body; of all runs if no one was quiet. */
static double
fastest(int rounds, void (*body) (void *), void *argument)
{
	double		best = 0;
	double		best_of_all = 0;
	int			counted = 0;

	for (int tries = 0; counted < rounds && tries < MAX_TRIES * rounds; tries++)
	{
		bool		before = quiet();
		double		start = now();

		body(argument);
		start = now() - start;
		best_of_all = best_of_all == 0 || start < best_of_all ? start : best_of_all;
		if (!quiet() || !before)
			continue;
		counted++;
		best = best == 0 || start < best ? start : best;
	}
	mark = best == 0 ? "~" : " ";
	return best == 0 ? best_of_all : best;
}

typedef struct product
{
	electra_gemm_call call;
	const char *weights;
	size_t		matrix;			/* bytes */
	size_t		copies;
	size_t		copy;
	size_t		step;			/* copies to go on by: 0 for warm */
} product;

static void
multiply(void *argument)
{
	product    *p = argument;
	electra_pacer pacer = {.poll = NULL};

	p->copy = (p->copy + p->step) % p->copies;
	p->call.panels = p->weights + p->copy * p->matrix;
	electra_gemm(&p->call, &pacer);
}

static void
bench_gemm(electra_dtype dtype, size_t rows, size_t out_dim, size_t in_dim, int rounds)
{
	size_t		matrix = electra_num_pieces(out_dim, 32) * 32 * in_dim * electra_gemm_element(dtype);
	size_t		copies = COLD_BYTES / matrix + 1;
	float	   *weights = floats((copies + 1) * matrix / sizeof(float));
	float	   *bias = floats(out_dim + 32);
	float	   *x = floats(rows * (in_dim + 16));
	float	   *y = floats(rows * (out_dim + 16));
	double		work = 2.0 * (double) rows * (double) in_dim * (double) out_dim / 1e9;
	double		cold;
	const char *cold_mark;
	double		warm;
	product		p = {
		.call = {
			.x = x, .x_stride = in_dim + 16, .rows = rows, .dtype = dtype, .bias = bias,
			.in_dim = in_dim, .out_dim = out_dim, .y = y, .y_stride = out_dim + 16
		},
		.weights = (const char *) weights, .matrix = matrix, .copies = copies, .step = 1
	};

	cold = work / fastest(rounds, multiply, &p);
	cold_mark = mark;
	p.step = 0;
	multiply(&p);
	warm = work / fastest(rounds, multiply, &p);
	printf("gemm %-4s M=%-4zu N=%-5zu K=%-5zu cold %s%6.1f GFLOP/s (%3.0f%%), warm %s%6.1f (%3.0f%%)\n",
		   dtype_names[dtype], rows, out_dim, in_dim, cold_mark, cold, 100 * cold / limit, mark, warm,
		   100 * warm / limit);
	free(weights);
	free(bias);
	free(x);
	free(y);
}

static void
attend(void *argument)
{
	electra_pacer pacer = {.poll = NULL};

	electra_attention(argument, &pacer);
}

static void
bench_attention(size_t length, size_t num_heads, size_t head_dim, int rounds)
{
	size_t		hidden = num_heads * head_dim;
	float	   *qkv = floats(3 * length * hidden);
	float	   *context = floats(length * hidden);
	float	   *workspace = floats(electra_attention_workspace(length, head_dim) + 1024);
	double		best;
	electra_attention_call call = {
		.query = qkv, .key = qkv + length * hidden, .value = qkv + 2 * length * hidden,
		.stride = hidden, .length = length, .num_heads = num_heads, .head_dim = head_dim,
		.context = context, .context_stride = hidden, .workspace = workspace
	};

	best = fastest(rounds, attend, &call);
	printf("attention %zu tokens, %zu heads of %zu: %s%.3f ms, %.1f GFLOP/s\n", length, num_heads,
		   head_dim, mark, best * 1e3,
		   4.0 * (double) length * (double) length * (double) hidden / best / 1e9);
	free(qkv);
	free(context);
	free(workspace);
}

#define ROW_DIM 384
#define NUM_ROWS 16

typedef struct rows
{
	float	   *x;				/* (NUM_ROWS, ROW_DIM) */
	float	   *y;
} rows;

static void
normalize_rows(void *argument)
{
	rows	   *r = argument;

	for (int i = 0; i < NUM_ROWS; i++)
		electra_kernels()->layer_norm(r->x + i * ROW_DIM, r->y + i * ROW_DIM, r->y, r->y, ROW_DIM,
									  1e-12f);
}

static void
activate_rows(void *argument)
{
	rows	   *r = argument;

	electra_kernels()->activate(ELECTRA_GELU, r->x, NUM_ROWS * ROW_DIM);
}

static void
softmax_rows(void *argument)
{
	rows	   *r = argument;
	float		inverse[NUM_ROWS];

	electra_kernels()->softmax(r->x, NUM_ROWS, ROW_DIM, ROW_DIM, inverse);
}

static void
bench_rows(int rounds)
{
	size_t		n = NUM_ROWS * ROW_DIM;
	rows		r = {.x = floats(n), .y = floats(n)};
	double		scale = 1e9 / (double) n;

	printf("ns an element: residual and LayerNorm %.2f", scale * fastest(rounds, normalize_rows, &r));
	memcpy(r.x, r.y, n * sizeof(float));
	printf(", gelu %.2f", scale * fastest(rounds, activate_rows, &r));
	memcpy(r.x, r.y, n * sizeof(float));
	printf(", softmax %.2f\n", scale * fastest(rounds, softmax_rows, &r));
	free(r.x);
	free(r.y);
}

int
main(int argc, char **argv)
{
	/* N, K */
	static const size_t shapes[][2] = {
		{384, 384}, {1536, 384}, {384, 1536}, {1024, 256}, {256, 1024}, {768, 768}, {3072, 768},
		{768, 3072}
	};
	static const size_t heights[] = {1, 16, 32, 64, 128};
	int			rounds = argc > 2 ? atoi(argv[2]) : 20;
	electra_fpenv saved;

	for (int set = 0; argc > 1 && set < ELECTRA_NUM_KERNEL_SETS; set++)
		if (strcmp(argv[1], electra_kernel_set_name((electra_kernel_set) set)) == 0 &&
			!electra_kernels_choose((electra_kernel_set) set))
			return 3;
	electra_fpenv_enter(&saved);
	for (int r = 0; r < 1000; r++)
		quiet();
	printf("kernels %s, peak of one tile %.1f GFLOP/s\n",
		   electra_kernel_set_name(electra_kernels_chosen()), limit);
	for (int dtype = ELECTRA_F32; dtype <= ELECTRA_BF16; dtype++)
		for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
			for (size_t h = 0; h < sizeof(heights) / sizeof(heights[0]); h++)
				bench_gemm((electra_dtype) dtype, heights[h], shapes[s][0], shapes[s][1], rounds);
	bench_attention(16, 12, 32, rounds);
	bench_attention(128, 12, 32, rounds);
	bench_attention(128, 12, 64, rounds);
	bench_attention(512, 12, 32, rounds);
	bench_rows(rounds);
	printf("peak of one tile, best of all times: %.1f GFLOP/s\n", limit);
	electra_fpenv_leave(&saved);
	return 0;
}

/*
 * Speed of the kernels on one core: matrix products of the usual shapes,
 * attention's parts and element-wise operations, next to the core's measured
 * peak of fused multiply-adds.
 *
 *   kernel_bench [KERNELS] [ROUNDS]
 *
 * CPU time, minima over the rounds; weights are walked through so that each product finds
 * its own where a real layer would find them: in memory when all of them do not
 * fit the caches ("cold"), in the cache ("warm").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/attention.h"
#include "core/fpenv.h"
#include "core/gemm.h"

/* Bytes of weights that no cache holds. */
#define COLD_BYTES ((size_t) 192 * 1024 * 1024)

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

/* A tile of one panel that stays in the first-level cache: what the core can do at most. */
static double
peak(int rounds)
{
	const electra_kernel_table *kernels = electra_kernels();
	int			rows = kernels->tile_rows < 12 ? kernels->tile_rows : 12;
	float	   *x = floats(12 * 64);
	float	   *panel = floats(64 * 32 + 1024);
	float	   *y = floats(12 * 32);
	double		best = 0;
	electra_tile tile = {
		.x = x, .x_stride = 64, .panel = panel, .depth = 64, .y = y, .y_stride = 32,
		.columns = 32, .ahead = panel
	};

	for (int r = 0; r < rounds; r++)
	{
		double		start = now();
		double		rate;

		for (int i = 0; i < 2000; i++)
			kernels->tiles[rows - 1] (&tile);
		rate = 2.0 * rows * 64 * 32 * 2000 / (now() - start) / 1e9;
		best = rate > best ? rate : best;
	}
	free(x);
	free(panel);
	free(y);
	return best;
}

static void
bench_gemm(size_t rows, size_t out_dim, size_t in_dim, int rounds, double limit)
{
	size_t		matrix = electra_num_pieces(out_dim, 32) * 32 * in_dim;
	size_t		copies = COLD_BYTES / (matrix * sizeof(float)) + 1;
	float	   *weights = floats(copies * matrix + 1024);
	float	   *bias = floats(out_dim + 32);
	float	   *x = floats(rows * (in_dim + 16));
	float	   *y = floats(rows * (out_dim + 16));
	double		best[2] = {1e9, 1e9};
	size_t		copy = 0;
	electra_gemm_call call = {
		.x = x, .x_stride = in_dim + 16, .rows = rows, .bias = bias, .in_dim = in_dim,
		.out_dim = out_dim, .y = y, .y_stride = out_dim + 16
	};
	electra_pacer pacer = {.poll = NULL};
	double		work = 2.0 * (double) rows * (double) in_dim * (double) out_dim / 1e9;

	for (int r = 0; r < rounds; r++)
		for (int warm = 0; warm < 2; warm++)
		{
			double		start;

			if (!warm)
				copy = (copy + 1) % copies;
			call.panels = weights + copy * matrix;
			start = now();
			electra_gemm(&call, &pacer);
			start = now() - start;
			best[warm] = start < best[warm] ? start : best[warm];
		}
	printf("gemm M=%-4zu N=%-5zu K=%-5zu cold %6.1f GFLOP/s (%3.0f%%), warm %6.1f (%3.0f%%)\n",
		   rows, out_dim, in_dim, work / best[0], 100 * work / best[0] / limit,
		   work / best[1], 100 * work / best[1] / limit);
	free(weights);
	free(bias);
	free(x);
	free(y);
}

static void
bench_attention(size_t length, size_t num_heads, size_t head_dim, int rounds)
{
	size_t		hidden = num_heads * head_dim;
	float	   *qkv = floats(3 * length * hidden);
	float	   *context = floats(length * hidden);
	float	   *workspace = floats(electra_attention_workspace(length, head_dim) + 1024);
	double		best = 1e9;
	electra_attention_call call = {
		.query = qkv, .key = qkv + length * hidden, .value = qkv + 2 * length * hidden,
		.stride = hidden, .length = length, .num_heads = num_heads, .head_dim = head_dim,
		.context = context, .context_stride = hidden, .workspace = workspace
	};
	electra_pacer pacer = {.poll = NULL};

	for (int r = 0; r < rounds; r++)
	{
		double		start = now();

		electra_attention(&call, &pacer);
		start = now() - start;
		best = start < best ? start : best;
	}
	printf("attention %zu tokens, %zu heads of %zu: %.3f ms, %.1f GFLOP/s\n", length, num_heads,
		   head_dim, best * 1e3,
		   4.0 * (double) length * (double) length * (double) hidden / best / 1e9);
	free(qkv);
	free(context);
	free(workspace);
}

static void
bench_rows(int rounds)
{
	const electra_kernel_table *kernels = electra_kernels();
	size_t		n = 384 * 16;
	float	   *x = floats(n);
	float	   *y = floats(n);
	double		best[3] = {1e9, 1e9, 1e9};

	for (int r = 0; r < rounds; r++)
	{
		double		start = now();

		for (int i = 0; i < 16; i++)
			kernels->layer_norm(x + i * 384, y + i * 384, y, y, 384, 1e-12f);
		best[0] = now() - start < best[0] ? now() - start : best[0];
		memcpy(x, y, n * sizeof(float));
		start = now();
		kernels->activate(ELECTRA_GELU, x, n);
		best[1] = now() - start < best[1] ? now() - start : best[1];
		memcpy(x, y, n * sizeof(float));
		start = now();
		for (int i = 0; i < 16; i++)
			kernels->softmax(x + i * 384, 384);
		best[2] = now() - start < best[2] ? now() - start : best[2];
	}
	printf("ns an element: residual and LayerNorm %.2f, gelu %.2f, softmax %.2f\n",
		   best[0] / (double) n * 1e9, best[1] / (double) n * 1e9, best[2] / (double) n * 1e9);
	free(x);
	free(y);
}

int
main(int argc, char **argv)
{
	/* N, K */
	static const size_t shapes[][2] = {
		{384, 384}, {1536, 384}, {384, 1536}, {1024, 256}, {256, 1024}, {3072, 768}, {768, 3072},
		{1024, 1024}
	};
	static const size_t heights[] = {1, 16, 32, 128};
	int			rounds = argc > 2 ? atoi(argv[2]) : 50;
	electra_fpenv saved;
	double		limit;

	for (int set = 0; argc > 1 && set < ELECTRA_NUM_KERNEL_SETS; set++)
		if (strcmp(argv[1], electra_kernel_set_name((electra_kernel_set) set)) == 0 &&
			!electra_kernels_choose((electra_kernel_set) set))
			return 3;
	electra_fpenv_enter(&saved);
	limit = peak(rounds);
	printf("kernels %s, peak of one tile %.1f GFLOP/s\n",
		   electra_kernel_set_name(electra_kernels_chosen()), limit);
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
		for (size_t h = 0; h < sizeof(heights) / sizeof(heights[0]); h++)
		{
			double		again = peak(rounds);

			limit = again > limit ? again : limit;
			bench_gemm(heights[h], shapes[s][0], shapes[s][1], rounds, limit);
		}
	printf("peak of one tile, best of all times: %.1f GFLOP/s\n", limit);
	bench_attention(16, 12, 32, rounds);
	bench_attention(128, 12, 32, rounds);
	bench_attention(512, 12, 32, rounds);
	bench_rows(rounds);
	electra_fpenv_leave(&saved);
	return 0;
}

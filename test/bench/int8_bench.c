/*
 * Speed of the int8 product and of quantization on one core, next to a tile
 * that stays in the first-level cache and, where there is AVX-512 VNNI, to the
 * core's peak of vpdpbusd.
 *
 *   int8_bench [KERNELS] [ROUNDS]
 *
 * CPU time, minima over the rounds; a product is an addition and a
 * multiplication.  "cold" finds its weights in memory, "warm" in the cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/fpenv.h"
#include "core/gemm_int8.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Bytes of weights that no cache holds. */
#define COLD_BYTES ((size_t) 96 * 1024 * 1024)

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void *
allocate(size_t size)
{
	unsigned char *memory = aligned_alloc(64, (size + 63) / 64 * 64);

	if (memory == NULL)
		exit(1);
	for (size_t i = 0; i < size; i++)
		memory[i] = (unsigned char) (i * 31 % 97);
	return memory;
}

static float *
floats(size_t count)
{
	float	   *memory = allocate(count * sizeof(float));

	for (size_t i = 0; i < count; i++)
		memory[i] = (float) (i % 1021) * 0x1p-10f - 0.5f;
	return memory;
}

#if defined(__x86_64__)
/* Gop/s of vpdpbusd between registers. */
__attribute__((target("avx512f,avx512bw")))
static double
vnni_peak(void)
{
	__m512i		sums[12];
	__m512i		factor = _mm512_set1_epi32(0x01020304);
	double		start;

	for (int i = 0; i < 12; i++)
		sums[i] = factor;
	start = now();
	for (int step = 0; step < 20000; step++)
	{
#if defined(__clang__)
#pragma unroll
#else
#pragma GCC unroll 12
#endif
		for (int i = 0; i < 12; i++)
			__asm__ volatile ("vpdpbusd %1, %1, %0":"+v"(sums[i]):"v"(factor));
	}
	return 2.0 * 64 * 12 * 20000 / (now() - start) / 1e9;
}
#endif

/* Gop/s of the tallest tile over four groups of one panel. */
static double
tile_peak(void)
{
	const electra_int8_table *kernels = electra_kernels()->int8;
	size_t		rows = (size_t) kernels->tile_rows;
	char	   *x = allocate(rows * 256 * kernels->value_size);
	float	   *scales = floats(rows * 4);
	float	   *y = floats(rows * 32);
	electra_int8_group *groups = allocate(5 * sizeof(electra_int8_group));
	double		start;
	double		rate;
	electra_int8_tile tile = {
		.x = x, .x_stride = 256 * kernels->value_size, .x_scales = scales, .x_scale_stride = 4,
		.groups = groups, .num_groups = 4, .last_steps = 16, .y = y, .y_stride = 32, .columns = 32,
		.ahead = (const char *) groups
	};

	for (int i = 0; i < 5 * ELECTRA_PANEL_COLUMNS; i++)
		groups[i / ELECTRA_PANEL_COLUMNS].scales[i % ELECTRA_PANEL_COLUMNS] = 0.01f;
	start = now();
	for (int i = 0; i < 1000; i++)
		kernels->tiles[rows - 1] (&tile);
	rate = 2.0 * (double) rows * 256 * 32 * 1000 / (now() - start) / 1e9;
	free(x);
	free(scales);
	free(y);
	free(groups);
	return rate;
}

static void
bench_gemm(size_t rows, size_t out_dim, size_t in_dim, int rounds, double limit)
{
	size_t		matrix = electra_num_pieces(out_dim, 32) * electra_int8_groups((int64_t) in_dim);
	size_t		copies = COLD_BYTES / (matrix * sizeof(electra_int8_group)) + 1;
	electra_int8_group *weights = allocate(copies * matrix * sizeof(electra_int8_group) + 4096);
	void	   *memory = allocate(electra_int8_rows_size(rows, in_dim));
	float	   *bias = floats(out_dim + 32);
	float	   *x = floats(in_dim);
	float	   *y = floats(rows * (out_dim + 16));
	double		best[2] = {1e9, 1e9};
	size_t		copy = 0;
	electra_gemm_int8_call call = {
		.x = electra_int8_rows_at(memory, rows, in_dim), .rows = rows, .bias = bias,
		.in_dim = in_dim, .out_dim = out_dim, .y = y, .y_stride = out_dim + 16
	};
	electra_pacer pacer = {.poll = NULL};
	double		work = 2.0 * (double) rows * (double) in_dim * (double) out_dim / 1e9;

	for (size_t r = 0; r < rows; r++)
		electra_int8_quantize(&call.x, r, x, in_dim, 0.0f);
	for (size_t i = 0; i < copies * matrix; i++)
		for (int n = 0; n < ELECTRA_PANEL_COLUMNS; n++)
			weights[i].scales[n] = 0.01f;
	for (int r = 0; r < rounds; r++)
		for (int warm = 0; warm < 2; warm++)
		{
			double		start;

			if (!warm)
				copy = (copy + 1) % copies;
			call.panels = weights + copy * matrix;
			start = now();
			electra_gemm_int8(&call, &pacer);
			start = now() - start;
			best[warm] = start < best[warm] ? start : best[warm];
		}
	printf("gemm M=%-4zu N=%-5zu K=%-5zu cold %6.1f Gop/s (%3.0f%%), warm %6.1f (%3.0f%%)\n",
		   rows, out_dim, in_dim, work / best[0], 100 * work / best[0] / limit,
		   work / best[1], 100 * work / best[1] / limit);
	free(weights);
	free(memory);
	free(bias);
	free(x);
	free(y);
}

static void
bench_rows(int rounds)
{
	const electra_int8_table *kernels = electra_kernels()->int8;
	size_t		n = 512;
	float	   *x = floats(n);
	char	   *values = allocate(n * kernels->value_size);
	float		scales[8];
	double		best[2] = {1e9, 1e9};

	for (int r = 0; r < rounds; r++)
	{
		double		start = now();

		for (int i = 0; i < 64; i++)
			kernels->quantize(x, n, values, scales);
		best[0] = now() - start < best[0] ? now() - start : best[0];
		start = now();
		for (int i = 0; i < 64; i++)
			kernels->quantize_shifted(x, n, 0.5f, values, scales);
		best[1] = now() - start < best[1] ? now() - start : best[1];
	}
	printf("ns an element: quantize %.3f, shifted %.3f\n",
		   best[0] / (double) (64 * n) * 1e9, best[1] / (double) (64 * n) * 1e9);
	free(x);
	free(values);
}

int
main(int argc, char **argv)
{
	/* N, K */
	static const size_t shapes[][2] = {
		{384, 384}, {1536, 384}, {384, 1536}, {1024, 256}, {256, 1024}, {3072, 768}, {768, 3072}
	};
	static const size_t heights[] = {1, 16, 32, 128};
	int			rounds = argc > 2 ? atoi(argv[2]) : 50;
	electra_fpenv saved;
	double		limit = 0;
	double		tile = 0;

	for (int set = 0; argc > 1 && set < ELECTRA_NUM_KERNEL_SETS; set++)
		if (strcmp(argv[1], electra_kernel_set_name((electra_kernel_set) set)) == 0 &&
			!electra_kernels_choose((electra_kernel_set) set))
			return 3;
	electra_fpenv_enter(&saved);
	for (int r = 0; r < rounds; r++)
	{
		double		rate = tile_peak();

		tile = rate > tile ? rate : tile;
#if defined(__x86_64__)
		if (electra_kernel_set_available(ELECTRA_KERNELS_AVX512_VNNI))
		{
			rate = vnni_peak();
			limit = rate > limit ? rate : limit;
		}
#endif
	}
	limit = limit > 0 ? limit : tile;
	printf("kernels %s, peak %.1f Gop/s, of one tile %.1f\n",
		   electra_kernel_set_name(electra_kernels_chosen()), limit, tile);
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
		for (size_t h = 0; h < sizeof(heights) / sizeof(heights[0]); h++)
			bench_gemm(heights[h], shapes[s][0], shapes[s][1], rounds, limit);
	bench_rows(rounds);
	electra_fpenv_leave(&saved);
	return 0;
}

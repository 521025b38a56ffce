/*
 * int8: quantization and the matrix product against plain loops, exactly, with
 * every set of kernels that the machine has.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fpenv.h"
#include "core/linear.h"
#include "core/quantize.h"
#include "random_image.h"

#define FOR_EACH_SET(set) \
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++) \
		if (electra_kernels_choose((electra_kernel_set) set))

/* A matrix in int8, its panels and its plain form. */
typedef struct matrix
{
	size_t		in_dim;
	size_t		out_dim;
	size_t		groups;
	int8_t	   *weights;		/* (out_dim, in_dim) */
	float	   *scales;			/* (out_dim, groups) */
	electra_int8_group *panels;
	float	   *bias;			/* (ceil(out_dim / 32) * 32) */
	float		shift;			/* above 0: inputs are quantized without a sign */
	int			num_exact;
	int32_t		channels[ELECTRA_EXACT_CHANNELS];
	float	   *exact;			/* (ceil(out_dim / 32), num_exact, 32) */
} matrix;

/* Panels end where their memory does, so that a sanitizer sees what is read beyond them. */
static matrix
make_matrix(size_t in_dim, size_t out_dim, uint64_t *state)
{
	matrix		m = {.in_dim = in_dim, .out_dim = out_dim, .groups = electra_int8_groups((int64_t) in_dim)};
	size_t		panels = (out_dim + 31) / 32;
	float	   *row = malloc(in_dim * sizeof(float));

	m.weights = malloc(out_dim * in_dim);
	m.scales = malloc(out_dim * m.groups * sizeof(float));
	m.panels = allocate_aligned(panels * m.groups * sizeof(electra_int8_group));
	memset(m.panels, 0, panels * m.groups * sizeof(electra_int8_group));
	m.bias = calloc(panels * 32, sizeof(float));
	for (size_t n = 0; n < out_dim; n++)
	{
		for (size_t k = 0; k < in_dim; k++)
			row[k] = random_float(state) * (random_u64(state) % 7 == 0 ? 4.0f : 0.25f);
		for (size_t g = 0; g < m.groups; g++)
		{
			size_t		left = in_dim - 64 * g;

			m.scales[n * m.groups + g] = electra_quantize_group(row + 64 * g, left < 64 ? left : 64,
																m.weights + n * in_dim + 64 * g);
		}
		electra_pack_int8_row(m.panels + n / 32 * m.groups, (int) (n % 32), m.weights + n * in_dim,
							  m.scales + n * m.groups, (int64_t) in_dim);
		m.bias[n] = random_float(state);
	}
	free(row);
	return m;
}

/* Takes some channels of a new matrix out of int8. */
static void
set_exact_channels(matrix *m, int num_exact, uint64_t *state)
{
	size_t		panels = (m->out_dim + 31) / 32;

	m->num_exact = num_exact;
	m->exact = allocate_aligned(panels * (size_t) num_exact * 32 * sizeof(float));
	for (int e = 0; e < num_exact; e++)
		m->channels[e] = (int32_t) ((size_t) e * m->in_dim / (size_t) num_exact);
	for (size_t n = 0; n < panels * 32; n++)
		for (int e = 0; e < num_exact; e++)
			m->exact[(n / 32 * (size_t) num_exact + (size_t) e) * 32 + n % 32] =
				n < m->out_dim ? random_float(state) : 0;
}

/* Makes inputs shifted: the corrections are for those that have a sign. */
static void
set_shift(matrix *m, float shift)
{
	m->shift = shift;
	for (size_t g = 0; g < (m->out_dim + 31) / 32 * m->groups; g++)
		memset(m->panels[g].corrections, 0, sizeof(m->panels[g].corrections));
}

static void
free_matrix(matrix *m)
{
	free(m->weights);
	free(m->scales);
	free(m->panels);
	free(m->bias);
	free(m->exact);
}

/* Quantizes a group by the matrix's rule. */
static float
quantize_group(const matrix *m, const float *x, size_t count, int *q)
{
	int8_t		with_sign[64];
	uint8_t		without[64];
	float		scale;

	if (m->shift > 0)
		scale = electra_quantize_shifted(x, count, m->shift, without);
	else
		scale = electra_quantize_group(x, count, with_sign);
	for (size_t k = 0; k < count; k++)
		q[k] = m->shift > 0 ? without[k] : with_sign[k];
	return scale;
}

/* What the product of one row must be, to the bit. */
static float
expected_element(const matrix *m, const float *x, size_t n, bool bias)
{
	float	   *rest = malloc(m->in_dim * sizeof(float));
	float		sum = 0.0f;

	memcpy(rest, x, m->in_dim * sizeof(float));
	for (int e = 0; e < m->num_exact; e++)
	{
		sum = fmaf(x[m->channels[e]],
				   m->exact[(n / 32 * (size_t) m->num_exact + (size_t) e) * 32 + n % 32], sum);
		rest[m->channels[e]] = -m->shift;
	}
	for (size_t g = 0; g < m->groups; g++)
	{
		size_t		count = m->in_dim - 64 * g < 64 ? m->in_dim - 64 * g : 64;
		int			q[64];
		float		scale = quantize_group(m, rest + 64 * g, count, q);
		int32_t		total = 0;

		for (size_t k = 0; k < count; k++)
			total += q[k] * m->weights[n * m->in_dim + 64 * g + k];
		sum = fmaf((float) total, scale * m->scales[n * m->groups + g], sum);
	}
	free(rest);
	return bias ? sum + m->bias[n] : sum;
}

/* Quantizes a row by the matrix's rule, and finds it unchanged. */
static void
quantize_row(const matrix *m, const electra_int8_rows *rows, size_t r, const float *x)
{
	electra_image_linear layer = {.shift = m->shift, .num_exact = m->num_exact};
	float	   *row = malloc(m->in_dim * sizeof(float));
	size_t		piece = m->in_dim > 256 ? 256 : m->in_dim;

	memcpy(row, x, m->in_dim * sizeof(float));
	memcpy(layer.exact_channels, m->channels, sizeof(m->channels));
	/* in two pieces, as the encoder does with what is wide */
	electra_linear_quantize(&layer, rows, r, 0, row, piece);
	if (piece < m->in_dim)
		electra_linear_quantize(&layer, rows, r, piece, row + piece, m->in_dim - piece);
	assert_memory_equal(row, x, m->in_dim * sizeof(float));
	free(row);
}

static void
check_product(const matrix *m, const float *x, size_t rows, bool bias, electra_kernel_set set)
{
	void	   *memory = allocate_aligned(electra_int8_rows_size(rows, m->in_dim));
	electra_int8_rows quantized = electra_int8_rows_at(memory, rows, m->in_dim);
	size_t		stride = m->out_dim + 3;
	float	   *y = malloc(rows * stride * sizeof(float));
	electra_pacer pacer = {.poll = NULL};
	electra_gemm_int8_call call = {
		.x = quantized, .rows = rows, .panels = m->panels, .bias = bias ? m->bias : NULL,
		.exact = m->exact, .num_exact = (size_t) m->num_exact,
		.in_dim = m->in_dim, .out_dim = m->out_dim, .y = y, .y_stride = stride
	};

	for (size_t i = 0; i < rows * stride; i++)
		y[i] = 12345.0f;
	for (size_t r = 0; r < rows; r++)
		quantize_row(m, &quantized, r, x + r * m->in_dim);
	assert_true(electra_gemm_int8(&call, &pacer));
	for (size_t r = 0; r < rows; r++)
	{
		for (size_t n = 0; n < m->out_dim; n++)
		{
			float		expected = expected_element(m, x + r * m->in_dim, n, bias);

			if (memcmp(&y[r * stride + n], &expected, sizeof(float)) != 0)
				fail_msg("%s, %zu x %zu x %zu: row %zu, column %zu is %a, not %a",
						 electra_kernel_set_name(set), rows, m->in_dim, m->out_dim, r, n,
						 (double) y[r * stride + n], (double) expected);
		}
		for (size_t n = m->out_dim; n < stride; n++)
			assert_true(y[r * stride + n] == 12345.0f);
	}
	free(y);
	free(memory);
}

/* Sizes around every boundary: groups, quads, panels, vectors, tiles, blocks. */
static void
test_product(void **state)
{
	static const size_t in_dims[] = {1, 3, 4, 26, 32, 63, 64, 65, 127, 128, 312, 600, 1100};
	static const size_t out_dims[] = {1, 15, 16, 17, 31, 32, 33, 64, 90, 312};
	static const size_t heights[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 15, 40, 170};
	uint64_t	random = 1;

	(void) state;
	for (size_t i = 0; i < sizeof(in_dims) / sizeof(in_dims[0]); i++)
		for (size_t o = 0; o < sizeof(out_dims) / sizeof(out_dims[0]); o++)
		{
			matrix		m = make_matrix(in_dims[i], out_dims[o], &random);
			size_t		rows = heights[(i + 3 * o) % (sizeof(heights) / sizeof(heights[0]))];
			float	   *x = malloc(rows * m.in_dim * sizeof(float));

			for (size_t k = 0; k < rows * m.in_dim; k++)
				x[k] = random_float(&random) * (random_u64(&random) % 50 == 0 ? 100.0f : 1.0f);
			if ((i + o) % 4 == 1 || (i + o) % 4 == 3)
				set_exact_channels(&m, m.in_dim < ELECTRA_EXACT_CHANNELS ? (int) m.in_dim :
								   1 + (int) (i + o) % ELECTRA_EXACT_CHANNELS, &random);
			if ((i + o) % 4 >= 2)
				set_shift(&m, 100.0f);
			FOR_EACH_SET(set)
				check_product(&m, x, rows, (i + o) % 2 == 0, (electra_kernel_set) set);
			free(x);
			free_matrix(&m);
		}
}

/*
 * All 127 against all 127 or -127 is what sums most, but for 255 where inputs
 * are shifted: no instruction may saturate.
 */
static void
test_extremes(void **state)
{
	uint64_t	random = 2;
	matrix		m = make_matrix(128, 33, &random);
	float		x[4 * 128];

	(void) state;
	for (size_t n = 0; n < m.out_dim; n++)
	{
		for (size_t k = 0; k < m.in_dim; k++)
			m.weights[n * m.in_dim + k] = n % 2 == 0 ? 127 : -127;
		electra_pack_int8_row(m.panels + n / 32 * m.groups, (int) (n % 32), m.weights + n * m.in_dim,
							  m.scales + n * m.groups, (int64_t) m.in_dim);
	}
	for (size_t i = 0; i < 4 * 128; i++)
		x[i] = i / 128 == 0 ? 3.0f : i / 128 == 1 ? -3.0f : i % 2 == 0 ? 5.0f : -5.0f;
	FOR_EACH_SET(set)
		check_product(&m, x, 4, true, (electra_kernel_set) set);
	set_shift(&m, 5.0f);
	FOR_EACH_SET(set)
		check_product(&m, x, 4, true, (electra_kernel_set) set);
	free_matrix(&m);
}

/* A value of a quantized row, whatever form the set stores it in. */
static int
stored_value(const electra_int8_table *kernels, const char *values, size_t k, bool has_sign)
{
	int16_t		wide;

	if (kernels->value_size == 1)
		return (uint8_t) values[k] - (has_sign ? 128 : 0);
	memcpy(&wide, values + 2 * k, sizeof(wide));
	return wide;
}

/* A quantized row, by either rule, against quantize.h. */
static void
check_values(const float *x, size_t n, float shift, const electra_int8_table *kernels,
			 const char *values, const float *scales)
{
	const matrix rule = {.shift = shift};

	for (size_t g = 0; g < electra_int8_groups((int64_t) n); g++)
	{
		int			q[64] = {0};
		float		scale = quantize_group(&rule, x + 64 * g, n - 64 * g < 64 ? n - 64 * g : 64, q);

		assert_memory_equal(&scales[g], &scale, sizeof(scale));
		for (size_t k = 0; k < 64; k++)
			if (stored_value(kernels, values, 64 * g + k, shift == 0) != q[k])
				fail_msg("%s: value %zu of %zu is %d, not %d", electra_kernel_set_name(electra_kernels_chosen()),
						 64 * g + k, n, stored_value(kernels, values, 64 * g + k, shift == 0), q[k]);
	}
}

/* A row against quantize.h, by both rules; behind its end everything is zero. */
static void
check_row(const float *x, size_t n)
{
	size_t		groups = electra_int8_groups((int64_t) n);
	char	   *exact = malloc(n * sizeof(float));
	float		least = -0x1p-110f;

	for (size_t k = 0; k < n; k++)
		least = x[k] < least ? x[k] : least;
	memcpy(exact, x, n * sizeof(float));
	FOR_EACH_SET(set)
	{
		const electra_int8_table *kernels = electra_kernels()->int8;
		char	   *values = malloc(groups * 64 * kernels->value_size);
		float	   *scales = malloc(groups * sizeof(float));

		kernels->quantize((const float *) exact, n, values, scales);
		check_values(x, n, 0, kernels, values, scales);
		if (least > -0x1p100f)	/* the sum with shift must be finite */
		{
			kernels->quantize_shifted((const float *) exact, n, -least, values, scales);
			check_values(x, n, -least, kernels, values, scales);
		}
		free(values);
		free(scales);
	}
	free(exact);
}

static void
test_quantize(void **state)
{
	uint64_t	random = 3;
	float		x[400];

	(void) state;
	for (size_t n = 1; n < 400; n += n < 70 ? 1 : 37)
	{
		for (size_t i = 0; i < n; i++)
			x[i] = random_float(&random) * ldexpf(1.0f, (int) (random_u64(&random) % 9));
		check_row(x, n);
	}
	/* ties: with a scale of 1, halves go to the even neighbour */
	for (int i = 0; i < 64; i++)
		x[i] = (float) (i - 32) + 0.5f;
	x[0] = 127.0f;
	check_row(x, 64);
	/* zeros of both signs, subnormals, what is around the smallest scale, the largest floats */
	for (int i = 0; i < 64; i++)
		x[i] = i % 2 == 0 ? 0.0f : -0.0f;
	check_row(x, 64);
	for (int i = 0; i < 64; i++)
		x[i] = (float) (i - 20) * 0x1p-149f;
	check_row(x, 64);
	x[7] = 0x1p-100f;
	check_row(x, 64);
	x[7] = nextafterf(0x1p-100f, 0.0f);
	check_row(x, 64);
	for (int i = 0; i < 64; i++)
		x[i] = i % 3 == 0 ? -0x1.fffffep127f : ldexpf(1.0f, 2 * i);
	check_row(x, 64);
}

/* Infinity or NaN anywhere in a row makes all of its products not finite, and no other's. */
static void
check_not_finite(const matrix *m, uint64_t *random)
{
	static const float bad[] = {INFINITY, -INFINITY, NAN};

	for (size_t kind = 0; kind < 3; kind++)
		for (size_t place = 0; place < m->in_dim; place += 43)
		{
			void	   *memory = allocate_aligned(electra_int8_rows_size(2, m->in_dim));
			electra_int8_rows quantized = electra_int8_rows_at(memory, 2, m->in_dim);
			float		x[2 * 300];
			float		y[2 * 40];
			electra_pacer pacer = {.poll = NULL};
			electra_gemm_int8_call call = {
				.x = quantized, .rows = 2, .panels = m->panels, .bias = m->bias,
				.exact = m->exact, .num_exact = (size_t) m->num_exact,
				.in_dim = m->in_dim, .out_dim = m->out_dim, .y = y, .y_stride = 40
			};

			for (size_t i = 0; i < 2 * m->in_dim; i++)
				x[i] = random_float(random);
			x[place] = bad[kind];
			for (size_t r = 0; r < 2; r++)
				quantize_row(m, &quantized, r, x + r * m->in_dim);
			assert_true(electra_gemm_int8(&call, &pacer));
			for (size_t n = 0; n < 40; n++)
			{
				assert_false(isfinite(y[n]));
				assert_true(isfinite(y[40 + n]));
			}
			free(memory);
		}
}

static void
test_not_finite(void **state)
{
	uint64_t	random = 4;

	(void) state;
	for (int kind = 0; kind < 3; kind++)
	{
		matrix		m = make_matrix(300, 40, &random);

		for (size_t k = 0; k < 64; k++)
			m.weights[k] = 0;	/* zero weights do not hide it */
		electra_pack_int8_row(m.panels, 0, m.weights, m.scales, (int64_t) m.in_dim);
		if (kind == 1)
			set_exact_channels(&m, ELECTRA_EXACT_CHANNELS, &random);
		if (kind == 2)
			set_shift(&m, 1.0f);
		FOR_EACH_SET(set)
			check_not_finite(&m, &random);
		free_matrix(&m);
	}
}

/* Every poll may stop it. */
static bool
stop_now(void *context)
{
	(*(int *) context)++;
	return true;
}

static void
test_stop(void **state)
{
	uint64_t	random = 7;
	matrix		m = make_matrix(640, 640, &random);
	size_t		rows = 64;
	int			polls = 0;
	electra_poll poll = {.stop = stop_now, .context = &polls};
	electra_pacer pacer = {.poll = &poll};
	void	   *memory = allocate_aligned(electra_int8_rows_size(rows, m.in_dim));
	float	   *y = malloc(rows * m.out_dim * sizeof(float));
	electra_gemm_int8_call call = {
		.x = electra_int8_rows_at(memory, rows, m.in_dim), .rows = rows, .panels = m.panels,
		.in_dim = m.in_dim, .out_dim = m.out_dim, .y = y, .y_stride = m.out_dim
	};

	(void) state;
	memset(memory, 0, electra_int8_rows_size(rows, m.in_dim));
	assert_false(electra_gemm_int8(&call, &pacer));
	assert_int_equal(polls, 1);
	free(y);
	free(memory);
	free_matrix(&m);
}

static int
enter(void **state)
{
	static electra_fpenv saved;

	(void) state;
	electra_fpenv_enter(&saved);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_product),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_quantize),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}

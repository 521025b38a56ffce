/*
 * The kernels: every set against plain loops that spell out the order of the
 * operations, bit by bit; and against double precision and OpenBLAS.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cblas.h>
#include <cmocka.h>

#include "core/attention.h"
#include "core/fpenv.h"
#include "core/gemm.h"
#include "core/gemm_openblas.h"
#include "core/widen.h"
#include "random_image.h"

static electra_pacer never = {.poll = NULL};

/* Exactly count floats, so that a sanitizer sees every access behind them. */
static float *
random_array(size_t count, uint64_t seed, float scale)
{
	float	   *values = malloc(count * sizeof(float) + (count == 0));
	uint64_t	state = seed;

	for (size_t i = 0; i < count; i++)
		values[i] = scale * random_float(&state);
	return values;
}

/* Runs body with each set that the machine has. */
#define FOR_EACH_SET(set) \
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++) \
		if (electra_kernels_choose((electra_kernel_set) set))

static void
assert_same_bits(const float *a, const float *b, size_t count, const char *what, int set)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&a[i], &b[i], sizeof(float)) != 0)
			fail_msg("%s, %s: element %zu is %a, expected %a", what,
					 electra_kernel_set_name((electra_kernel_set) set), i, (double) a[i], (double) b[i]);
}

/* Sixteen lanes and their tree, as kernels.h describes them. */
static float
tree(float lanes[16])
{
	for (int half = 8; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			lanes[i] += lanes[i + half];
	return lanes[0];
}

static void
test_choice(void **state)
{
	(void) state;
	assert_true(electra_kernel_set_available(ELECTRA_KERNELS_PORTABLE));
	assert_string_equal(electra_kernel_set_name(ELECTRA_KERNELS_AVX512), "avx512");
	if (electra_kernel_set_available(ELECTRA_KERNELS_AVX512))
		assert_true(electra_kernel_set_available(ELECTRA_KERNELS_AVX2));
	if (electra_kernel_set_available(ELECTRA_KERNELS_AVX2))
		assert_true(electra_has_hardware_fma());
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
	{
		bool		chosen = electra_kernels_choose((electra_kernel_set) set);

		assert_int_equal(chosen, electra_kernel_set_available((electra_kernel_set) set));
		if (chosen)
			assert_int_equal(electra_kernels_chosen(), set);
	}
}

/*
 * Random weights of a dtype, finite and below 1 in size, subnormal ones among
 * them; and what they are as floats.
 */
static void
weights_of(electra_dtype dtype, size_t count, void *stored, float *values)
{
	uint64_t	state = 2;
	float	   *floats = stored;
	uint16_t   *elements = stored;

	for (size_t i = 0; i < count; i++)
	{
		float		value = random_float(&state);
		uint32_t	bits;

		memcpy(&bits, &value, sizeof(bits));
		if (dtype == ELECTRA_F32)
			floats[i] = value;
		else if (dtype == ELECTRA_BF16)
			elements[i] = (uint16_t) (bits >> 16);
		else
			elements[i] = (uint16_t) (bits >> 16 & 0x8000) | (uint16_t) (bits & 0x3bff) >> (i % 7 == 0 ? 4 : 0);
	}
	electra_widen(dtype, stored, count, values);
}

/* Packs them as image.h says. */
static void
pack_weights(size_t element, const char *stored, size_t out_dim, size_t in_dim, char *panels)
{
	for (size_t n = 0; n < out_dim; n++)
		for (size_t k = 0; k < in_dim; k++)
			memcpy(panels + ((n / 32 * in_dim + k) * 32 + n % 32) * element,
				   stored + (n * in_dim + k) * element, element);
}

/* cblas_sgemm without its enumerations. */
static void
sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
	  const float *b, int ldb, float beta, float *c, int ldc)
{
	cblas_sgemm((CBLAS_ORDER) order, (CBLAS_TRANSPOSE) trans_a, (CBLAS_TRANSPOSE) trans_b, m, n, k,
				alpha, a, lda, b, ldb, beta, c, ldc);
}

static bool
openblas_gemm(const electra_gemm_call *call, electra_pacer *pacer)
{
	return electra_gemm_openblas(call, sgemm, pacer);
}

/* One product with every set against chains of fmaf, and against OpenBLAS. */
static void
check_gemm_of(electra_dtype dtype, size_t rows, size_t out_dim, size_t in_dim, bool with_bias)
{
	size_t		element = electra_gemm_element(dtype);
	size_t		x_stride = in_dim + 3;
	size_t		y_stride = out_dim + 5;
	size_t		padded = (out_dim + 31) / 32 * 32;
	float	   *x = random_array(rows * x_stride, 1, 1.0f);
	float	   *weights = malloc(out_dim * in_dim * sizeof(float));
	char	   *stored = malloc(out_dim * in_dim * element);
	char	   *panels = calloc(padded * in_dim, element);
	float	   *bias = calloc(padded, sizeof(float));
	float	   *expected = calloc(rows * y_stride, sizeof(float));
	float	   *y = calloc(rows * y_stride, sizeof(float));
	uint64_t	state = 3;
	electra_gemm_call call = {
		.x = x, .x_stride = x_stride, .rows = rows, .panels = panels, .dtype = dtype,
		.bias = with_bias ? bias : NULL, .in_dim = in_dim, .out_dim = out_dim,
		.y = y, .y_stride = y_stride
	};

	weights_of(dtype, out_dim * in_dim, stored, weights);
	pack_weights(element, stored, out_dim, in_dim, panels);
	for (size_t n = 0; n < out_dim; n++)
		bias[n] = random_float(&state);
	for (size_t r = 0; r < rows; r++)
		for (size_t n = 0; n < out_dim; n++)
		{
			float		sum = 0.0f;

			for (size_t k = 0; k < in_dim; k++)
				sum = fmaf(x[r * x_stride + k], weights[n * in_dim + k], sum);
			expected[r * y_stride + n] = with_bias ? sum + bias[n] : sum;
		}
	FOR_EACH_SET(set)
	{
		memset(y, 0, rows * y_stride * sizeof(float));
		assert_true(electra_gemm(&call, &never));
		assert_same_bits(y, expected, rows * y_stride, "gemm", set);
	}
	memset(y, 0, rows * y_stride * sizeof(float));
	electra_gemm_substitute(openblas_gemm);
	assert_true(electra_gemm(&call, &never));
	for (size_t i = 0; i < rows * y_stride; i++)
		assert_true(fabsf(y[i] - expected[i]) <= 1e-5f * sqrtf((float) in_dim) + 1e-6f);
	electra_gemm_substitute(NULL);
	call.activate = true;
	call.activation = ELECTRA_GELU_TANH;
	electra_kernels_choose(ELECTRA_KERNELS_PORTABLE);
	for (size_t r = 0; r < rows; r++)
		electra_kernels()->activate(call.activation, expected + r * y_stride, out_dim);
	FOR_EACH_SET(set)
	{
		memset(y, 0, rows * y_stride * sizeof(float));
		assert_true(electra_gemm(&call, &never));
		assert_same_bits(y, expected, rows * y_stride, "gemm and activation", set);
	}
	free(x);
	free(weights);
	free(stored);
	free(panels);
	free(bias);
	free(expected);
	free(y);
}

static void
check_gemm(size_t rows, size_t out_dim, size_t in_dim, bool with_bias)
{
	for (int dtype = ELECTRA_F32; dtype <= ELECTRA_BF16; dtype++)
		check_gemm_of((electra_dtype) dtype, rows, out_dim, in_dim, with_bias);
}

static void
test_gemm(void **state)
{
	static const size_t dims[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 65};
	static const size_t depths[] = {1, 2, 26, 31, 64, 255, 256, 257, 300};

	(void) state;
	for (size_t rows = 1; rows <= 40; rows++)
		check_gemm(rows, 33 + rows % 32, 7 + rows, rows % 2 == 0);
	for (size_t d = 0; d < sizeof(dims) / sizeof(dims[0]); d++)
		for (size_t k = 0; k < sizeof(depths) / sizeof(depths[0]); k++)
			check_gemm(1 + (d + k) % 17, dims[d], depths[k], true);
}

/* Sizes at which every kind of block appears: rows, depths, and columns. */
static void
test_gemm_blocks(void **state)
{
	(void) state;
	check_gemm(170, 40, 80, true);
	check_gemm(300, 33, 20, false);
	check_gemm(168, 300, 700, true);
	check_gemm(13, 70, 1000, true);
}

static void
test_gemm_stops(void **state)
{
	float	   *x = random_array(64 * 512, 1, 1.0f);
	float	   *panels = random_array(512 * 512, 2, 1.0f);
	float	   *y = calloc(64 * 512, sizeof(float));
	electra_pacer stopped = {.poll = NULL, .stopped = true};
	electra_gemm_call call = {
		.x = x, .x_stride = 512, .rows = 64, .panels = panels, .in_dim = 512, .out_dim = 512,
		.y = y, .y_stride = 512
	};

	(void) state;
	assert_false(electra_gemm(&call, &stopped));
	call.activate = true;
	assert_false(electra_gemm(&call, &stopped));
	call.activate = false;
	assert_false(electra_gemm_openblas(&call, sgemm, &stopped));
	free(x);
	free(panels);
	free(y);
}

/*
 * Every element of float16 and bfloat16 but infinity and NaN, with every set
 * as electra_widen has it.
 */
static void
test_widen(void **state)
{
	static uint16_t stored[65536];
	static float expected[65536];
	static float values[65536];

	(void) state;
	for (int dtype = ELECTRA_F16; dtype <= ELECTRA_BF16; dtype++)
	{
		uint16_t	infinite = dtype == ELECTRA_F16 ? 0x7c00 : 0x7f80;

		for (size_t i = 0; i < 65536; i++)
			stored[i] = (i & infinite) == infinite ? 0 : (uint16_t) i;
		electra_widen((electra_dtype) dtype, stored, 65536, expected);
		FOR_EACH_SET(set)
		{
			electra_kernels()->widen((electra_dtype) dtype, stored, 65536, values);
			assert_same_bits(values, expected, 65536, "widen", set);
		}
	}
}

/* Row operations with n elements: LayerNorm, softmax, dot, scale, add3. */
static void
check_rows(size_t n)
{
	float	   *a = random_array(n, 10 + n, 4.0f);
	float	   *b = random_array(n, 20 + n, 1.0f);
	float	   *c = random_array(n, 30 + n, 1.0f);
	float	   *expected = malloc(n * sizeof(float));
	float	   *x = malloc(n * sizeof(float));
	float		lanes[16] = {0};
	float		dot;
	float		mean;
	float		inverse;

	for (size_t i = 0; i < n; i++)
		lanes[i % 16] = fmaf(a[i], b[i], lanes[i % 16]);
	dot = tree(lanes);
	FOR_EACH_SET(set)
	{
		float		result = electra_dot(a, b, n);

		assert_same_bits(&result, &dot, 1, "dot", set);
	}

	for (size_t i = 0; i < n; i++)
		expected[i] = (a[i] + b[i]) + c[i];
	FOR_EACH_SET(set)
	{
		electra_kernels()->add3(x, a, b, c, n);
		assert_same_bits(x, expected, n, "add3", set);
	}

	for (size_t i = 0; i < n; i++)
		expected[i] = a[i] * 0.3f;
	FOR_EACH_SET(set)
	{
		memcpy(x, a, n * sizeof(float));
		electra_kernels()->scale(x, n, 0.3f);
		assert_same_bits(x, expected, n, "scale", set);
	}

	memset(lanes, 0, sizeof(lanes));
	for (size_t i = 0; i < n; i++)
		lanes[i % 16] += expected[i] = a[i] + b[i];
	mean = tree(lanes) / (float) n;
	memset(lanes, 0, sizeof(lanes));
	for (size_t i = 0; i < n; i++)
		lanes[i % 16] = fmaf(expected[i] - mean, expected[i] - mean, lanes[i % 16]);
	inverse = 1.0f / sqrtf(tree(lanes) / (float) n + 1e-5f);
	for (size_t i = 0; i < n; i++)
		expected[i] = fmaf((expected[i] - mean) * inverse, c[i], b[i]);
	FOR_EACH_SET(set)
	{
		memcpy(x, a, n * sizeof(float));
		electra_kernels()->layer_norm(x, b, c, b, n, 1e-5f);
		assert_same_bits(x, expected, n, "LayerNorm", set);
		electra_kernels()->add3(x, a, b, c, n);
		for (size_t i = 0; i < n; i++)
			x[i] = a[i] + b[i];
		electra_kernels()->layer_norm(x, NULL, c, b, n, 1e-5f);
		assert_same_bits(x, expected, n, "LayerNorm without residual", set);
	}
	free(a);
	free(b);
	free(c);
	free(expected);
	free(x);
}

static void
test_rows(void **state)
{
	(void) state;
	for (size_t n = 1; n <= 70; n++)
		check_rows(n);
	check_rows(384);
	check_rows(1001);
}

/* A row of softmax in double precision, up to a few ulp. */
static void
assert_softmax(const float *y, float inverse, const float *x, size_t n)
{
	double		largest = -INFINITY;
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		largest = x[i] > largest ? (double) x[i] : largest;
	for (size_t i = 0; i < n; i++)
		sum += exp(x[i] - largest);
	assert_true(fabs(inverse * sum - 1) < 5e-7);
	for (size_t i = 0; i < n; i++)
		assert_true(fabs(y[i] - exp(x[i] - largest)) < 5e-7);
}

/* Every set like the portable one, however many rows there are; nothing between rows changes. */
static void
test_softmax(void **state)
{
	enum
	{
		ROWS = 7
	};

	(void) state;
	for (size_t n = 1; n <= 600; n += n < 70 ? 1 : 53)
	{
		size_t		stride = n + 3;
		float	   *x = random_array(ROWS * stride, n, n % 3 == 0 ? 100.0f : 5.0f);
		float	   *first = malloc(ROWS * stride * sizeof(float));
		float	   *y = malloc(ROWS * stride * sizeof(float));
		float		first_inverse[ROWS] = {0.0f};
		float		inverse[ROWS];

		FOR_EACH_SET(set)
			for (size_t rows = 1; rows <= ROWS; rows++)
		{
			memcpy(y, x, ROWS * stride * sizeof(float));
			electra_kernels()->softmax(y, rows, n, stride, inverse);
			if (set == 0)
			{
				memcpy(first, y, ROWS * stride * sizeof(float));
				memcpy(first_inverse, inverse, rows * sizeof(float));
			}
			assert_same_bits(y, first, rows * stride, "softmax", set);
			assert_same_bits(y + rows * stride, x + rows * stride, (ROWS - rows) * stride,
							 "rows behind softmax", set);
			assert_same_bits(inverse, first_inverse, rows, "sum of softmax", set);
			for (size_t r = 0; r < rows; r++)
				assert_same_bits(y + r * stride + n, x + r * stride + n, stride - n,
								 "between rows of softmax", set);
		}
		for (size_t r = 0; r < ROWS; r++)
			assert_softmax(first + r * stride, first_inverse[r], x + r * stride, n);
		free(x);
		free(first);
		free(y);
	}
}

/* Rows as columns of a panel: half of it is written, the other half stays. */
static void
test_pack_columns(void **state)
{
	enum
	{
		LONGEST = 70,
		PANEL = LONGEST * ELECTRA_PANEL_COLUMNS
	};
	float	   *x = random_array(16 * LONGEST, 5, 1.0f);
	const float *rows[16];
	float		expected[PANEL];
	float		panel[PANEL];

	(void) state;
	for (size_t r = 0; r < 16; r++)
		rows[r] = x + r * LONGEST;
	for (size_t n = 1; n <= LONGEST; n += n % 16 == 1 ? 13 : 1)
		for (size_t count = 0; count <= 16; count++)
		{
			for (size_t i = 0; i < PANEL; i++)
				expected[i] = 7.0f;
			for (size_t k = 0; k < n; k++)
				for (size_t c = 0; c < 16; c++)
					expected[k * ELECTRA_PANEL_COLUMNS + c] = c < count ? rows[c][k] : 0.0f;
			FOR_EACH_SET(set)
			{
				for (size_t i = 0; i < PANEL; i++)
					panel[i] = 7.0f;
				electra_kernels()->pack_columns(panel, rows, count, n);
				assert_same_bits(panel, expected, PANEL, "packed columns", set);
			}
		}
	free(x);
}

/* The definitions of transformers' activations.py in double. */
static double
exact_activation(electra_activation activation, double x)
{
	double		gelu = x * erfc(-x / sqrt(2.0)) / 2;

	switch (activation)
	{
		case ELECTRA_GELU:
			return gelu;
		case ELECTRA_GELU_TANH:
			return 0.5 * x * (1 + tanh(sqrt(2.0 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
		case ELECTRA_GELU_FAST:
			return 0.5 * x * (1 + tanh(x * 0.7978845608 * (1 + 0.044715 * x * x)));
		case ELECTRA_GELU_10:
			return fmin(10, fmax(-10, gelu));
		case ELECTRA_QUICK_GELU:
			return x / (1 + exp(-1.702 * x));
		case ELECTRA_RELU:
			return fmax(x, 0);
		case ELECTRA_SILU:
			return x / (1 + exp(-x));
		case ELECTRA_MISH:
			return x * tanh(log1p(exp(x)));
		case ELECTRA_TANH:
			return tanh(x);
		case ELECTRA_SIGMOID:
			return 1 / (1 + exp(-x));
		case ELECTRA_IDENTITY:
			break;
	}
	return x;
}

static void
test_activations(void **state)
{
	enum
	{
		COUNT = 40003
	};
	float	   *x = malloc(COUNT * sizeof(float));
	float	   *first = malloc(COUNT * sizeof(float));
	float	   *y = malloc(COUNT * sizeof(float));

	(void) state;
	for (int i = 0; i < COUNT; i++)
		x[i] = (float) (i - COUNT / 2) * 0.0007f * (i % 5 == 0 ? 3.0f : 1.0f);
	x[0] = -0.0f;
	x[1] = 1e-30f;
	x[2] = -200.0f;
	x[3] = 200.0f;
	x[4] = 1e30f;
	for (int activation = ELECTRA_GELU; activation <= ELECTRA_IDENTITY; activation++)
	{
		double		worst = 0;

		FOR_EACH_SET(set)
		{
			memcpy(y, x, COUNT * sizeof(float));
			electra_kernels()->activate((electra_activation) activation, y, COUNT);
			if (set == 0)
				memcpy(first, y, COUNT * sizeof(float));
			assert_same_bits(y, first, COUNT, electra_activation_name((electra_activation) activation), set);

			/* a part of a vector gives what the whole gives */
			for (size_t n = 1; n < 40; n++)
			{
				memcpy(y, x + n * 31, n * sizeof(float));
				electra_kernels()->activate((electra_activation) activation, y, n);
				assert_same_bits(y, first + n * 31, n, "a short activation", set);
			}
		}
		for (int i = 0; i < COUNT; i++)
		{
			double		exact = exact_activation((electra_activation) activation, x[i]);
			double		error = fabs(first[i] - exact) / fmax(1, fabs(exact));

			worst = error > worst ? error : worst;
		}
		print_message("%s: largest error %.2g of max(1, |value|)\n",
					  electra_activation_name((electra_activation) activation), worst);
		assert_true(worst < 4e-7);
	}
	free(x);
	free(first);
	free(y);
}

/* NaN and infinity are not lost on the way: the encoder's last check must see them. */
static void
test_not_finite(void **state)
{
	(void) state;
	FOR_EACH_SET(set)
	{
		const electra_kernel_table *kernels = electra_kernels();

		for (int activation = ELECTRA_GELU; activation <= ELECTRA_IDENTITY; activation++)
		{
			float		x[20] = {0};

			x[3] = NAN;
			x[18] = NAN;
			kernels->activate((electra_activation) activation, x, 20);
			assert_true(isnan(x[3]));
			assert_true(isnan(x[18]));
			assert_false(kernels->all_finite(x, 20));
			assert_true(kernels->all_finite(x + 4, 14));
		}
		for (size_t n = 1; n < 40; n++)
		{
			float		x[40] = {0};
			float		inverse;

			assert_true(kernels->all_finite(x, n));
			x[n - 1] = INFINITY;
			assert_false(kernels->all_finite(x, n));
			x[n - 1] = NAN;
			kernels->softmax(x, 1, n, n, &inverse);
			assert_true(isnan(inverse));
		}
	}
}

/* Sums and maxima of columns, the lanes being rows. */
static void
test_columns(void **state)
{
	(void) state;
	for (size_t rows = 0; rows < 40; rows++)
	{
		size_t		dim = 1 + rows * 7 % 50;
		float	   *x = random_array(rows * dim, rows, 1.0f);
		float	   *sums = malloc(dim * sizeof(float));
		float	   *maxima = malloc(dim * sizeof(float));
		float	   *y = malloc(dim * sizeof(float));

		for (size_t i = 0; i < dim; i++)
		{
			float		lanes[16] = {0};

			maxima[i] = -INFINITY;
			for (size_t t = 0; t < rows; t++)
			{
				lanes[t % 16] = fmaf(2.0f + (float) t, x[t * dim + i], lanes[t % 16]);
				maxima[i] = x[t * dim + i] > maxima[i] ? x[t * dim + i] : maxima[i];
			}
			sums[i] = tree(lanes);
		}
		FOR_EACH_SET(set)
		{
			electra_kernels()->sum_rows(y, x, rows, dim, 2.0f, 1.0f);
			assert_same_bits(y, sums, dim, "sum of rows", set);
			electra_kernels()->largest_rows(y, x, rows, dim);
			assert_same_bits(y, maxima, dim, "largest of rows", set);
		}
		free(x);
		free(sums);
		free(maxima);
		free(y);
	}
}

static void
test_cosine(void **state)
{
	float		a[37];
	float		b[37];
	float		zero[37] = {0};
	double		ab = 0;
	double		aa = 0;
	double		bb = 0;
	uint64_t	random = 5;

	(void) state;
	for (int i = 0; i < 37; i++)
	{
		a[i] = random_float(&random);
		b[i] = random_float(&random);
		ab += (double) a[i] * b[i];
		aa += (double) a[i] * a[i];
		bb += (double) b[i] * b[i];
	}
	assert_true(fabs(electra_cosine_similarity(a, b, 37) - ab / sqrt(aa * bb)) < 1e-7);
	assert_true(electra_cosine_similarity(a, a, 37) == 1.0f);
	assert_true(electra_cosine_similarity(a, zero, 37) == 0.0f);
	assert_true(electra_cosine_similarity(zero, zero, 37) == 0.0f);
	assert_true(electra_cosine_similarity(a, b, 0) == 0.0f);
	for (int i = 0; i < 37; i++)
	{
		a[i] *= 1e25f;			/* whose square is no float */
		b[i] *= 1e-30f;
	}
	assert_true(fabs(electra_cosine_similarity(a, b, 37) - ab / sqrt(aa * bb)) < 1e-6);
	b[36] = NAN;
	assert_true(isnan(electra_cosine_similarity(a, b, 37)));
	assert_true(isnan(electra_cosine_similarity(zero, b, 37)));
}

/*
 * Every set like plain double arithmetic in the tree, also with what is no
 * float squared, and where nothing lies behind the ends.
 */
static void
check_products(size_t n, float scale)
{
	float	   *a = random_array(n, 40 + n, 1.0f);
	float	   *b = random_array(n, 50 + n, scale);
	double		ab[16] = {0};
	double		bb[16] = {0};
	float		cosine;

	for (size_t i = 0; i < n; i++)
	{
		ab[i % 16] += (double) a[i] * b[i];
		bb[i % 16] += (double) b[i] * b[i];
	}
	for (int half = 8; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
		{
			ab[i] += ab[i + half];
			bb[i] += bb[i + half];
		}
	FOR_EACH_SET(set)
	{
		double		product;
		double		square;

		electra_kernels()->products(&product, &square, a, b, a, n);
		assert_memory_equal(&product, &ab[0], sizeof(double));
		assert_memory_equal(&square, &bb[0], sizeof(double));
		assert_true(electra_square(b, n) == bb[0]);
		cosine = electra_cosine_similarity(a, b, n);
		assert_true(electra_cosine_with(a, electra_square(a, n), b, NULL, n) == cosine);
		assert_true(electra_cosine_with(a, electra_square(a, n), b, a, n) == cosine);
	}
	free(a);
	free(b);
}

static void
test_products(void **state)
{
	(void) state;
	for (size_t n = 1; n <= 70; n++)
		check_products(n, n % 2 == 0 ? 1.0f : 1e30f);
	check_products(384, 1e-30f);
	check_products(1001, 3.0f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_gemm),
		cmocka_unit_test(test_gemm_blocks),
		cmocka_unit_test(test_gemm_stops),
		cmocka_unit_test(test_widen),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_softmax),
		cmocka_unit_test(test_pack_columns),
		cmocka_unit_test(test_activations),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_cosine),
		cmocka_unit_test(test_products),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Stored floating-point formats to float: every element of the two 16-bit
 * formats against their definition, F64 at the borders of rounding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/widen.h"

#include <float.h>
#include <math.h>
#include <string.h>

static uint32_t
bits_of(float value)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* One element of a 16-bit format. */
static float
widen_16(electra_dtype dtype, uint16_t element)
{
	float		value;

	electra_widen(dtype, &element, 1, &value);
	return value;
}

static float
widen_64(double element)
{
	float		value;

	electra_widen(ELECTRA_F64, &element, 1, &value);
	return value;
}

/* IEEE 754: (-1)^sign * 2^(exponent - bias) * 1.fraction, subnormals without the 1. */
static void
test_half(void **state)
{
	(void) state;
	for (uint32_t element = 0; element < 0x10000; element++)
	{
		float		value = widen_16(ELECTRA_F16, (uint16_t) element);
		int			exponent = (int) (element >> 10 & 0x1f);
		int			fraction = (int) (element & 0x3ff);
		float		expected = exponent == 0 ? ldexpf((float) fraction, -24) :
			ldexpf((float) (fraction + 1024), exponent - 25);

		assert_int_equal(signbit(value) != 0, element >> 15);
		if (exponent == 31 && fraction != 0)
			assert_true(isnan(value));
		else
			assert_true(fabsf(value) == (exponent == 31 ? INFINITY : expected));
	}
}

static void
test_half_by_name(void **state)
{
	(void) state;
	assert_int_equal(bits_of(widen_16(ELECTRA_F16, 0x0000)), 0);
	assert_int_equal(bits_of(widen_16(ELECTRA_F16, 0x8000)), 0x80000000);
	assert_true(widen_16(ELECTRA_F16, 0x0001) == 0x1p-24f); /* smallest subnormal */
	assert_true(widen_16(ELECTRA_F16, 0x83ff) == -0x1.ff8p-15f);	/* largest subnormal */
	assert_true(widen_16(ELECTRA_F16, 0x0400) == 0x1p-14f); /* smallest normal */
	assert_true(widen_16(ELECTRA_F16, 0x3c00) == 1);
	assert_true(widen_16(ELECTRA_F16, 0x7bff) == 65504);
	assert_true(widen_16(ELECTRA_F16, 0x7c00) == INFINITY);
	assert_true(widen_16(ELECTRA_F16, 0xfc00) == -INFINITY);
	assert_true(isnan(widen_16(ELECTRA_F16, 0x7c01)));
	assert_true(isnan(widen_16(ELECTRA_F16, 0xfe00)));
}

/* The upper half of a float. */
static void
test_bfloat(void **state)
{
	(void) state;
	for (uint32_t element = 0; element < 0x10000; element++)
		assert_int_equal(bits_of(widen_16(ELECTRA_BF16, (uint16_t) element)), element << 16);
	assert_true(widen_16(ELECTRA_BF16, 0x0001) == 0x1p-133f);	/* subnormal */
	assert_true(widen_16(ELECTRA_BF16, 0xbf80) == -1);
	assert_true(widen_16(ELECTRA_BF16, 0x7f80) == INFINITY);
	assert_true(isnan(widen_16(ELECTRA_BF16, 0x7fc0)));
}

/* To the nearest float; halfway to the one whose last bit is 0. */
static void
test_double(void **state)
{
	(void) state;
	assert_true(widen_64(0.1) == 0.1f);
	assert_true(widen_64(1 + 0x1p-24) == 1);	/* tie, down to even */
	assert_true(widen_64(1 + 0x3p-24) == 1 + 0x1p-22f); /* tie, up to even */
	assert_true(widen_64(-1 - 0x1p-24) == -1);
	assert_true(widen_64(1 + 0x1p-24 + 0x1p-52) == 1 + 0x1p-23f);	/* just above a tie */
	assert_true(widen_64(1 + 0x3p-24 - 0x1p-52) == 1 + 0x1p-23f);	/* just below one */
	assert_true(widen_64(0x1p-150) == 0);	/* tie between 0 and the smallest subnormal */
	assert_true(widen_64(0x3p-150) == 0x1p-148f);	/* tie between two subnormals */
	assert_true(widen_64(0x1.000001p-150) == 0x1p-149f);
	assert_true(signbit(widen_64(-0x1p-1074)) && widen_64(-0x1p-1074) == 0);
	assert_true(widen_64(0x1.fffffefffffffp127) == FLT_MAX);	/* just below the tie to infinity */
	assert_true(widen_64(0x1.ffffffp127) == INFINITY);
	assert_true(widen_64(-1e300) == -INFINITY);
	assert_true(widen_64(INFINITY) == INFINITY);
	assert_true(isnan(widen_64(NAN)));
}

/* Many elements, from an odd address, none touched behind the last. */
static void
test_unaligned(void **state)
{
	static const float floats[] = {1.5f, -0x1p-149f, 3e38f, -0.0f};
	static const uint16_t halves[] = {0x3e00, 0x8001, 0x7bff, 0x8000};
	static const double doubles[] = {1.5, -0x1p-149, 3e38, -0.0};
	static const float expected_halves[] = {1.5f, -0x1p-24f, 65504, -0.0f};
	unsigned char stored[1 + sizeof(doubles)];
	float		values[5];

	(void) state;
	values[4] = 7;
	memcpy(stored + 1, floats, sizeof(floats));
	electra_widen(ELECTRA_F32, stored + 1, 4, values);
	assert_memory_equal(values, floats, sizeof(floats));
	memcpy(stored + 1, halves, sizeof(halves));
	electra_widen(ELECTRA_F16, stored + 1, 4, values);
	assert_memory_equal(values, expected_halves, sizeof(expected_halves));
	memcpy(stored + 1, doubles, sizeof(doubles));
	electra_widen(ELECTRA_F64, stored + 1, 4, values);
	assert_memory_equal(values, floats, sizeof(floats));
	assert_true(values[4] == 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_half_by_name),
		cmocka_unit_test(test_bfloat),
		cmocka_unit_test(test_double),
		cmocka_unit_test(test_unaligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

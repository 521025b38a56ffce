/*
 * Floats rounded to binary16 and bfloat16: over all their values, the floats
 * half way between two of them, and those next to these.  core/widen.h, which
 * test_widen.c tests, is the way back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/widen.h"
#include "import/narrow.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

static const electra_dtype dtypes[] = {ELECTRA_F16, ELECTRA_BF16};

/* Bits of infinity: all values below are finite, in ascending order. */
static const uint16_t infinities[] = {0x7C00, 0x7F80};

static float
widen(electra_dtype dtype, uint16_t element)
{
	float		value;

	electra_widen(dtype, &element, 1, &value);
	return value;
}

/* The element of a value that must be within the range. */
static uint16_t
narrow(electra_dtype dtype, float value)
{
	uint16_t	element = 0xFFFF;

	assert_int_equal(narrow_floats(dtype, &value, 1, &element), 1);
	return element;
}

/* What the format holds stays as it is, signs and subnormals included. */
static void
test_exact(void **state)
{
	(void) state;
	for (int i = 0; i < 2; i++)
	{
		for (uint32_t bits = 0; bits < infinities[i]; bits++)
		{
			assert_int_equal(narrow(dtypes[i], widen(dtypes[i], (uint16_t) bits)), bits);
			assert_int_equal(narrow(dtypes[i], widen(dtypes[i], (uint16_t) (bits | 0x8000))), bits | 0x8000);
		}
	}
}

/* Between two neighbours: to the nearer one, from the middle to the even one. */
static void
check_between(electra_dtype dtype, uint16_t below)
{
	double		low = (double) widen(dtype, below);
	double		high = (double) widen(dtype, (uint16_t) (below + 1));
	float		middle = (float) ((low + high) / 2);

	assert_true((double) middle == (low + high) / 2);
	assert_int_equal(narrow(dtype, middle), (below & 1) == 0 ? below : below + 1);
	assert_int_equal(narrow(dtype, nextafterf(middle, 0)), below);
	assert_int_equal(narrow(dtype, nextafterf(middle, INFINITY)), below + 1);
	assert_int_equal(narrow(dtype, -middle), ((below & 1) == 0 ? below : below + 1) | 0x8000);
}

static void
test_nearest(void **state)
{
	static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		for (uint32_t bits = 0; bits + 1 < infinities[i]; bits++)
			check_between(dtypes[i], (uint16_t) bits);
	}
	/* 1 + 3 * 2^-12 is three quarters of the way from 1 to the next half */
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
	{
		uint16_t	element;

		fesetround(modes[i]);
		element = narrow(ELECTRA_F16, 0x1.003p+0f);
		fesetround(FE_TONEAREST);
		assert_int_equal(element, 0x3C01);
	}
}

/* Numbers that IEEE 754 and the definition of bfloat16 give. */
static void
test_known(void **state)
{
	(void) state;
	assert_int_equal(narrow(ELECTRA_F16, 1), 0x3C00);
	assert_int_equal(narrow(ELECTRA_F16, -2), 0xC000);
	assert_int_equal(narrow(ELECTRA_F16, 0.1f), 0x2E66);
	assert_int_equal(narrow(ELECTRA_F16, 65504), 0x7BFF);
	assert_int_equal(narrow(ELECTRA_F16, 0x1p-24f), 0x0001);
	assert_int_equal(narrow(ELECTRA_F16, 0x1p-25f), 0x0000);	/* a tie, to even */
	assert_int_equal(narrow(ELECTRA_F16, 0x1.8p-25f), 0x0001);
	assert_int_equal(narrow(ELECTRA_F16, 0x1p-149f), 0x0000);
	assert_int_equal(narrow(ELECTRA_F16, -0.0f), 0x8000);
	assert_int_equal(narrow(ELECTRA_BF16, 1), 0x3F80);
	assert_int_equal(narrow(ELECTRA_BF16, 0.1f), 0x3DCD);
	assert_int_equal(narrow(ELECTRA_BF16, 0x1p-149f), 0x0000);
	assert_int_equal(narrow(ELECTRA_BF16, 0x1.fep+127f), 0x7F7F);
}

/* What would become infinite is told by its index, and what was before it is converted. */
static void
test_overflow(void **state)
{
	static const struct
	{
		electra_dtype dtype;
		float		largest;
		float		too_large;
	}			cases[] = {
		{ELECTRA_F16, 0x1.ffdffep+15f, 0x1.ffep+15f},	/* 65520 rounds to 65536 */
		{ELECTRA_BF16, 0x1.fefffep+127f, 0x1.ffp+127f},
		{ELECTRA_BF16, 0x1.fefffep+127f, INFINITY},
		{ELECTRA_F16, 65504, 1e30f},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		float		values[4] = {cases[i].largest, -cases[i].largest, -cases[i].too_large, 0};
		uint16_t	elements[4] = {0, 0, 0x1234, 0x1234};

		assert_int_equal(narrow_floats(cases[i].dtype, values, 4, elements), 2);
		assert_int_equal(elements[0], cases[i].dtype == ELECTRA_F16 ? 0x7BFF : 0x7F7F);
		assert_int_equal(elements[1], elements[0] | 0x8000);
		assert_int_equal(elements[2], 0x1234);
	}
}

/* In place, as the archive writer does it; F32 is a copy. */
static void
test_in_place(void **state)
{
	float		values[5] = {1, -2, 0.5f, 65504, 0};
	float		copy[5];
	uint16_t	elements[5];

	(void) state;
	assert_int_equal(narrow_floats(ELECTRA_F32, values, 5, copy), 5);
	assert_memory_equal(copy, values, sizeof(copy));
	assert_int_equal(narrow_floats(ELECTRA_F16, values, 5, elements), 5);
	assert_int_equal(narrow_floats(ELECTRA_F16, copy, 5, copy), 5);
	assert_memory_equal(copy, elements, sizeof(elements));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The seeded generator: published values, the normal distribution, the same
 * bits under any floating-point environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/random.h"
#include "core/sha256.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 100000

/* The first numbers of SplitMix64 from state 0, as its authors' program prints them. */
static void
test_splitmix(void **state)
{
	electra_random random = {0};

	(void) state;
	assert_int_equal(electra_random_u64(&random), UINT64_C(0xe220a8397b1dcdaf));
	assert_int_equal(electra_random_u64(&random), UINT64_C(0x6e789e6aa1b965f4));
	assert_int_equal(electra_random_u64(&random), UINT64_C(0x06c45d188009454f));
}

/* Another seed or another name is another stream. */
static void
test_streams_differ(void **state)
{
	electra_random a;
	electra_random b;
	electra_random c;

	(void) state;
	electra_random_init(&a, 0, "embeddings.word_embeddings.weight");
	electra_random_init(&b, 1, "embeddings.word_embeddings.weight");
	electra_random_init(&c, 0, "embeddings.position_embeddings.weight");
	assert_true(a.state != b.state && a.state != c.state && b.state != c.state);
}

static void
test_skip(void **state)
{
	float		whole[1000];
	float		part[300];
	electra_random random;

	(void) state;
	electra_random_init(&random, 7, "x");
	electra_random_truncated_normal(&random, whole, 1000, 0.02);
	electra_random_init(&random, 7, "x");
	electra_random_skip(&random, 700);
	electra_random_truncated_normal(&random, part, 300, 0.02);
	assert_memory_equal(part, whole + 700, sizeof(part));
}

/*
 * Moments of a normal truncated to [-2, 2]: variance 1 - 4 phi(2) / (1 - 2 Phi(-2))
 * = 0.7737413, fourth moment 3 variance - 16 phi(2) / (1 - 2 Phi(-2)) = 1.4161891,
 * lower quartile -0.6391119.
 */
static void
test_distribution(void **state)
{
	float	   *values = malloc(COUNT * sizeof(float));
	electra_random random;
	double		sum = 0;
	double		square = 0;
	double		fourth = 0;
	int			below_quartile = 0;

	(void) state;
	assert_non_null(values);
	electra_random_init(&random, 42, "distribution");
	electra_random_truncated_normal(&random, values, COUNT, 1);
	for (int i = 0; i < COUNT; i++)
	{
		double		x = values[i];

		assert_true(x >= -2 && x <= 2);
		sum += x;
		square += x * x;
		fourth += x * x * x * x;
		below_quartile += x < -0.6391119;
	}
	/* five standard deviations of each estimate */
	assert_true(fabs(sum / COUNT) < 0.014);
	assert_true(fabs(square / COUNT - 0.7737413) < 0.015);
	assert_true(fabs(fourth / COUNT - 1.4161891) < 0.045);
	assert_true(fabs(below_quartile / (double) COUNT - 0.25) < 0.007);
	free(values);
}

static void
digest_of_normals(char hex[ELECTRA_DIGEST_HEX_SIZE])
{
	static float values[COUNT];
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_random random;
	electra_sha256 sha;

	electra_random_init(&random, 0, "golden");
	electra_random_truncated_normal(&random, values, COUNT, 0.02);
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, values, sizeof(values));
	electra_sha256_final(&sha, digest);
	electra_digest_to_hex(digest, hex);
}

/*
 * The bits of test/parity/random_golden.py, an independent implementation in
 * Python; whatever rounding mode the process has set.
 */
static void
test_same_bits(void **state)
{
	static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
	{
		fesetround(modes[i]);
		digest_of_normals(hex);
		assert_int_equal(fegetround(), modes[i]);
		fesetround(FE_TONEAREST);
		assert_string_equal(hex, "7985dd3a83ed4ab49066acdd090f8e1935b2cc33d073d0826306d06897e60d16");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splitmix),
		cmocka_unit_test(test_streams_differ),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_distribution),
		cmocka_unit_test(test_same_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

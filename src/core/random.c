/*
 * The seeded generator behind random initialisation.
 *
 * SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators" (OOPSLA 2014): a counter with a fixed increment, its value
 * mixed.  The inverse of the normal distribution: M. J. Wichura, "Algorithm
 * AS 241: the percentage points of the normal distribution", Applied
 * Statistics 37 (1988), PPND16, accurate to about 1 part in 10^16.
 */
#include "random.h"

#include "fpenv.h"
#include "sha256.h"

#include <math.h>
#include <string.h>

#define SPLITMIX_INCREMENT UINT64_C(0x9e3779b97f4a7c15)

/* The normal distribution function at -2: what truncation to two standard deviations cuts off at each end. */
#define CUT_OFF 0.022750131948179207

/* AS 241: |p - 1/2| up to here is the central range. */
#define CENTRAL_RANGE 0.425

void
electra_random_init(electra_random *random, uint64_t seed, const char *name)
{
	electra_sha256 sha;
	uint8_t		seed_bytes[8];
	uint8_t		digest[ELECTRA_DIGEST_SIZE];

	for (int i = 0; i < 8; i++)
		seed_bytes[i] = (uint8_t) (seed >> 8 * i);
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, seed_bytes, sizeof(seed_bytes));
	electra_sha256_update(&sha, name, strlen(name));
	electra_sha256_final(&sha, digest);
	random->state = 0;
	for (int i = 7; i >= 0; i--)
		random->state = random->state << 8 | digest[i];
}

void
electra_random_skip(electra_random *random, uint64_t count)
{
	random->state += SPLITMIX_INCREMENT * count;
}

uint64_t
electra_random_u64(electra_random *random)
{
	uint64_t	z = random->state += SPLITMIX_INCREMENT;

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/*
 * Natural logarithm of a normal positive number: with x = m * 2^e and m
 * between sqrt(1/2) and sqrt(2), 2 artanh((m - 1) / (m + 1)) + e ln 2.  The
 * series' argument is at most 0.172, so that its 12th term is below 2^-58.
 */
static double
logarithm(double x)
{
	uint64_t	bits;
	int			exponent;
	double		m;
	double		s;
	double		square;
	double		sum = 0;

	memcpy(&bits, &x, sizeof(bits));
	exponent = (int) (bits >> 52) - 1022;
	bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3fe0000000000000);
	memcpy(&m, &bits, sizeof(m));	/* 1/2 <= m < 1 */
	if (m < 0.70710678118654752)
	{
		m = m * 2;
		exponent--;
	}
	s = (m - 1) / (m + 1);
	square = s * s;
	for (int n = 23; n >= 1; n -= 2)
		sum = sum * square + 1.0 / n;
	return 2 * s * sum + exponent * 0.69314718055994531;
}

/* Horner's rule, highest coefficient first. */
static double
polynomial(const double coefficients[8], double x)
{
	double		sum = coefficients[0];

	for (int i = 1; i < 8; i++)
		sum = sum * x + coefficients[i];
	return sum;
}

/* The number below which a standard normal variable falls with probability p, CUT_OFF <= p <= 1 - CUT_OFF. */
static double
inverse_normal(double p)
{
	static const double a[8] = {
		2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4,
		4.5921953931549871457e+4, 1.3731693765509461125e+4, 1.9715909503065514427e+3,
		1.3314166789178437745e+2, 3.3871328727963666080e+0
	};
	static const double b[8] = {
		5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4,
		2.1213794301586595867e+4, 5.3941960214247511077e+3, 6.8718700749205790830e+2,
		4.2313330701600911252e+1, 1
	};
	static const double c[8] = {
		7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
		1.27045825245236838258e+0, 3.64784832476320460504e+0, 5.76949722146069140550e+0,
		4.63033784615654529590e+0, 1.42343711074968357734e+0
	};
	static const double d[8] = {
		1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
		1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e+0,
		2.05319162663775882187e+0, 1
	};
	double		q = p - 0.5;
	double		r;

	if (q >= -CENTRAL_RANGE && q <= CENTRAL_RANGE)
	{
		r = CENTRAL_RANGE * CENTRAL_RANGE - q * q;
		return q * polynomial(a, r) / polynomial(b, r);
	}
	/* p is far from 0 and 1, so that the algorithm's third range is never reached */
	r = sqrt(-logarithm(q < 0 ? p : 1 - p)) - 1.6;
	r = polynomial(c, r) / polynomial(d, r);
	return q < 0 ? -r : r;
}

void
electra_random_truncated_normal(electra_random *random, float *values /* (count) */ , size_t count,
								double stddev)
{
	electra_fpenv fpenv;

	electra_fpenv_enter(&fpenv);
	for (size_t i = 0; i < count; i++)
	{
		/* the middle of one of 2^53 equal parts of (0, 1) */
		double		uniform = ((double) (electra_random_u64(random) >> 11) + 0.5) * 0x1p-53;
		double		normal = inverse_normal(CUT_OFF + uniform * (1 - 2 * CUT_OFF));

		values[i] = (float) (normal * stddev);
	}
	electra_fpenv_leave(&fpenv);
}

/*
 * fmaf in integer arithmetic, correctly rounded to nearest even whatever the
 * floating-point environment is.  Linked before the C library's by
 * test/parity/same_bits.sh, it shows that nothing in the core depends on how
 * fmaf is done.
 */
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 wide;

float		fmaf(float a, float b, float c);

static uint32_t
bits_of(float x)
{
	uint32_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static float
float_of(uint32_t bits)
{
	float		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* |x| = mantissa * 2^exponent */
static uint32_t
unpack(uint32_t bits, int *exponent)
{
	uint32_t	field = bits >> 23 & 0xff;

	*exponent = (field == 0 ? 1 : (int) field) - 150;
	return (bits & 0x7fffff) | (field == 0 ? 0 : 0x800000);
}

/* sign * mantissa * 2^exponent, rounded to nearest even. */
static float
pack(uint32_t sign, wide mantissa, int exponent)
{
	int			length = 0;
	int			shift;
	uint32_t	kept;

	while (length < 128 && mantissa >> length != 0)
		length++;
	shift = length - 24;
	if (exponent + shift < -149)
		shift = -149 - exponent;
	if (shift > 0)
	{
		wide		low = shift > 127 ? mantissa : mantissa & (((wide) 1 << shift) - 1);
		wide		half = shift > 127 ? ~(wide) 0 : (wide) 1 << (shift - 1);

		kept = shift > 127 ? 0 : (uint32_t) (mantissa >> shift);
		if (low > half || (low == half && (kept & 1) != 0))
			kept++;
	}
	else
		kept = (uint32_t) (mantissa << -shift);
	exponent += shift;
	if (kept >> 24 != 0)
	{
		kept >>= 1;
		exponent++;
	}
	if (kept >> 23 == 0)
		return float_of(sign | kept);
	if (exponent + 150 >= 255)
		return float_of(sign | 0x7f800000);
	return float_of(sign | (uint32_t) (exponent + 150) << 23 | (kept & 0x7fffff));
}

float
fmaf(float a, float b, float c)
{
	uint32_t	a_bits = bits_of(a);
	uint32_t	b_bits = bits_of(b);
	uint32_t	c_bits = bits_of(c);
	uint32_t	sign = (a_bits ^ b_bits) & 0x80000000;
	uint32_t	c_sign = c_bits & 0x80000000;
	int			a_exponent;
	int			b_exponent;
	int			exponent;
	int			c_exponent;
	wide		product;
	wide		addend;

	/* not finite: no rounding takes place, so ordinary arithmetic does it */
	if ((a_bits >> 23 & 0xff) == 255 || (b_bits >> 23 & 0xff) == 255 || (c_bits >> 23 & 0xff) == 255)
		return (c_bits >> 23 & 0xff) == 255 && (a_bits >> 23 & 0xff) != 255 && (b_bits >> 23 & 0xff) != 255 ?
			c : a * b + c;
	product = (wide) unpack(a_bits, &a_exponent) * unpack(b_bits, &b_exponent);
	exponent = a_exponent + b_exponent;
	addend = unpack(c_bits, &c_exponent);
	if (product == 0 && addend == 0)
		return float_of(sign & c_sign);
	if (product == 0)
		return c;
	if (addend == 0)
		return pack(sign, product, exponent);

	/*
	 * To one exponent.  Where the two are so far apart that they cannot share
	 * 128 bits, the smaller one only decides about rounding: one bit far below
	 * the other does the same.
	 */
	if (exponent - c_exponent > 70)
	{
		product <<= 70;
		exponent -= 70;
		addend = 1;
	}
	else if (c_exponent - exponent > 100)
	{
		addend <<= 100;
		exponent = c_exponent - 100;
		product = 1;
	}
	else if (exponent > c_exponent)
	{
		product <<= exponent - c_exponent;
		exponent = c_exponent;
	}
	else
		addend <<= c_exponent - exponent;

	if (sign == c_sign)
		return pack(sign, product + addend, exponent);
	if (product == addend)
		return 0.0f;
	return product > addend ? pack(sign, product - addend, exponent) : pack(c_sign, addend - product, exponent);
}

/*
 * int8 in plain C: the meaning of the operations out of which its kernels are
 * made.  Activations are stored as int8_avx512_vnni.c does.
 */
#include "image.h"
#include "int8_table.h"

#define INT8_TABLE electra_int8_portable
#define INT8_ROWS 3
#define INT8_VECTORS 1
#define INT8_PARTS 1
#define INT8_ROWS_IN_REGISTERS 3
#define INT8_VALUE_SIZE 1		/* bytes of a stored activation */

#include "lanes_portable.h"

/* Some of the int32 sums, of sixteen columns here. */
typedef struct int8_part
{
	int32_t		value[16];
} int8_part;

/* The sums of sixteen columns. */
typedef struct int8_sums
{
	int8_part	part[INT8_PARTS];
} int8_sums;

/* Four k of a part's columns. */
typedef struct int8_weights
{
	int8_t		value[16][4];
} int8_weights;

/* Four k of a row. */
typedef struct int8_input
{
	uint8_t		value[4];
} int8_input;

/* What a sum begins with: the corrections, where stored activations have 128 added, else 0. */
LANES_INLINE int8_sums
int8_start(const int32_t *corrections /* (16) */ )
{
	int8_sums	sums;

	memcpy(sums.part[0].value, corrections, sizeof(sums.part[0].value));
	return sums;
}

/* Of part number part. */
LANES_INLINE int8_weights
int8_load_weights(const int8_t *weights /* (16, 4) */ , int part)
{
	int8_weights result;

	(void) part;
	memcpy(result.value, weights, sizeof(result.value));
	return result;
}

/* The values 4 step … 4 step + 3 of a row. */
LANES_INLINE int8_input
int8_load_input(const char *x, int step)
{
	int8_input	result;

	memcpy(result.value, x + 4 * step, sizeof(result.value));
	return result;
}

LANES_INLINE int8_part
int8_dot(int8_part sums, int8_input input, int8_weights weights)
{
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 4; k++)
			sums.value[i] += input.value[k] * weights.value[i][k];
	return sums;
}

/* Exact: a group's sum is below 2^24. */
LANES_INLINE lanes
int8_to_floats(int8_sums sums)
{
	lanes		result;

	for (int i = 0; i < 16; i++)
		result.value[i] = (float) sums.part[0].value[i];
	return result;
}

LANES_INLINE uint32_t
lane_bits(lanes a, int i)
{
	uint32_t	bits;

	memcpy(&bits, &a.value[i], sizeof(bits));
	return bits;
}

/*
 * The larger of a and |b| by their bits, which order numbers, infinity and NaN:
 * a NaN is never lost.  a has no sign.
 */
LANES_INLINE lanes
lanes_max_magnitude(lanes a, lanes b)
{
	lanes		magnitude = lanes_abs(b);

	for (int i = 0; i < 16; i++)
		if (lane_bits(magnitude, i) > lane_bits(a, i))
			a.value[i] = magnitude.value[i];
	return a;
}

/* The largest lane in the same order. */
LANES_INLINE float
lanes_largest_magnitude(lanes a)
{
	int			best = 0;

	for (int i = 1; i < 16; i++)
		if (lane_bits(a, i) > lane_bits(a, best))
			best = i;
	return a.value[best];
}

/*
 * Stores a quantized group, the integers nearest to its values, which have a
 * sign or none.  1.5 * 2^23 added to a float below 2^22 leaves the nearest
 * integer, ties to even, in the low bits.
 */
LANES_INLINE void
int8_store_values(char *values /* (64) */ , const lanes group[4], const bool has_sign)
{
	for (int i = 0; i < ELECTRA_INT8_GROUP; i++)
	{
		lanes		rounded = lanes_add(group[i / 16], lanes_set(12582912.0f));

		values[i] = (char) (lane_bits(rounded, i % 16) ^ (has_sign ? 0x80u : 0u));
	}
}

#include "int8_kernels.h"

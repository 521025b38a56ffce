/*
 * The seeded generator behind random initialisation: the same seed and name
 * give the same bits on any machine, whatever the order of the tensors.
 *
 * A tensor's stream is SplitMix64 whose first state is the first 8 bytes,
 * little-endian, of the SHA-256 of the seed (8 bytes, little-endian) followed
 * by the tensor's name.  Number z becomes the uniform u = ((z >> 11) + 1/2) *
 * 2^-53 and the normal q(c + u (1 - 2 c)), where q is the inverse of the
 * standard normal distribution function (AS 241) and c its value at -2: a
 * normal truncated to two standard deviations, one number each.  Computed in
 * double with + - * / and sqrt and our own logarithm only, no libm, and rounded
 * to float once, after the multiplication by the standard deviation.
 *
 * test/parity/random_golden.py is the same in Python.
 */
#ifndef ELECTRA_RANDOM_H
#define ELECTRA_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct electra_random
{
	uint64_t	state;
} electra_random;

extern void electra_random_init(electra_random *random, uint64_t seed, const char *name);
extern uint64_t electra_random_u64(electra_random *random);

/* As if count numbers (or normals, which take one number each) had been drawn. */
extern void electra_random_skip(electra_random *random, uint64_t count);

/* Normal with the given standard deviation, truncated to two of them; mean 0. */
extern void electra_random_truncated_normal(electra_random *random, float *values, size_t count,
											double stddev);

#endif							/* ELECTRA_RANDOM_H */

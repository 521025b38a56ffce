/*
 * SHA-256 (FIPS 180-4), streaming.  The digest of an archive is a preset's identity.
 */
#ifndef ELECTRA_SHA256_H
#define ELECTRA_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define ELECTRA_DIGEST_SIZE 32
#define ELECTRA_DIGEST_HEX_SIZE (2 * ELECTRA_DIGEST_SIZE + 1)	/* with the final NUL */

typedef struct electra_sha256
{
	uint32_t	state[8];
	uint64_t	size;			/* bytes so far */
	uint8_t		block[64];		/* the last size % 64 of them */
} electra_sha256;

/* Section 4.2.2: the first 32 bits of the fractional parts of cube roots of primes. */
extern const uint32_t electra_sha256_constants[64];

extern void electra_sha256_init(electra_sha256 *sha);
extern void electra_sha256_update(electra_sha256 *sha, const void *data, size_t size);
extern void electra_sha256_final(electra_sha256 *sha, uint8_t digest[ELECTRA_DIGEST_SIZE]);

/* Lower-case hexadecimal, NUL-terminated. */
extern void electra_digest_to_hex(const uint8_t digest[ELECTRA_DIGEST_SIZE],
								  char hex[ELECTRA_DIGEST_HEX_SIZE]);

#endif							/* ELECTRA_SHA256_H */

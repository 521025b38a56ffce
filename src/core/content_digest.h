/*
 * The digest of an image's content: sixteen SHA-256 compressions side by side,
 * which vector registers compute at several times the speed of one.
 *
 * Nobody but us computes it.  The content is cut into groups of 1,024 bytes,
 * which are 256 little-endian words; word 16 t + j is word t of the block that
 * stream j compresses (FIPS 180-4, section 6.2.2).  The digest is the SHA-256
 * of the sixteen states behind the last whole group, stream by stream in
 * little-endian words, of the bytes that are left, and of the number of all
 * bytes as u64.
 */
#ifndef ELECTRA_CONTENT_DIGEST_H
#define ELECTRA_CONTENT_DIGEST_H

#include "sha256.h"

#define ELECTRA_DIGEST_STREAMS 16
#define ELECTRA_DIGEST_GROUP (64 * ELECTRA_DIGEST_STREAMS)	/* bytes */

typedef struct electra_content_digest
{
	uint32_t	states[8][ELECTRA_DIGEST_STREAMS];
	uint64_t	size;			/* bytes so far */
	uint8_t		group[ELECTRA_DIGEST_GROUP];	/* the last size % 1024 of them */
} electra_content_digest;

extern void electra_content_digest_init(electra_content_digest *content);
extern void electra_content_digest_update(electra_content_digest *content, const void *data, size_t size);
extern void electra_content_digest_final(electra_content_digest *content,
										 uint8_t digest[ELECTRA_DIGEST_SIZE]);

#endif							/* ELECTRA_CONTENT_DIGEST_H */

/*
 * The last few embeddings of this backend.
 *
 * In a generic plan "ORDER BY embedding <=> electra_embed($1)" calls the
 * function once a row with the same text.  The key is exact: the preset's
 * digest, the prompt's kind, every byte of the text; a digest's bits never
 * change, so entries never go stale.
 */
#ifndef ELECTRA_MEMO_H
#define ELECTRA_MEMO_H

#include "postgres.h"

/* Longer texts (bytes in the database encoding) are not remembered. */
#define ELECTRA_MEMO_TEXT_SIZE 8192

typedef struct ElectraMemoKey
{
	const uint8 *digest;		/* (ELECTRA_DIGEST_SIZE) */
	int			prompt;
	const char *text;
	Size		text_size;
} ElectraMemoKey;

/* Copies the vector of this key; false where it is not remembered. */
extern bool electra_memo_find(const ElectraMemoKey *key, int dimensions,
							  float *vector /* (dimensions) */ );

/* Remembers a vector in place of the one unused for longest. */
extern void electra_memo_store(const ElectraMemoKey *key, int dimensions,
							   const float *vector /* (dimensions) */ );

#endif							/* ELECTRA_MEMO_H */

/*
 * One or two texts as one sequence of tokens.
 */
#ifndef ELECTRA_TOKEN_PAIR_H
#define ELECTRA_TOKEN_PAIR_H

#include "pg/embedder.h"

/* A sequence as the encoder sees it; arrays in the embedder's context. */
typedef struct ElectraSequence
{
	int32		length;			/* T, at most config->max_length */
	int32	   *token_ids;		/* (T) */
	uint8	   *segment_ids;	/* (T): 0 up to the first [SEP], 1 behind it */
} ElectraSequence;

/*
 * [CLS] text [SEP], or with a pair (not NULL) [CLS] text [SEP] pair [SEP], cut
 * to max_length as the preset's tokenizer cuts pairs (an ERROR where the preset
 * wants one).  The embedder's prompt, which would stand before both, must be
 * ELECTRA_PROMPT_NONE.
 */
extern void electra_embedder_sequence(ElectraEmbedder *embedder, Datum text, const Datum *pair,
									  ElectraSequence *sequence);

#endif							/* ELECTRA_TOKEN_PAIR_H */

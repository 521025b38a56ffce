/*
 * Many texts to vectors, in batches that keep the kernels busy.
 */
#ifndef ELECTRA_EMBED_TEXTS_H
#define ELECTRA_EMBED_TEXTS_H

#include "postgres.h"

#include "pg/embedder.h"

/*
 * The vectors of texts, none of them NULL, bit for bit those of
 * electra_embedder_embed(); what is remembered for single texts is neither used
 * nor changed.
 */
extern void electra_embed_texts(ElectraEmbedder *embedder, int num_texts,
								const Datum *texts /* (num_texts) */ ,
								float *vectors /* (num_texts, dimensions) */ );

#endif							/* ELECTRA_EMBED_TEXTS_H */

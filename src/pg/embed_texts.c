/*
 * Many texts to vectors; see embed_texts.h.
 *
 * A batch is the tokens of its texts one after the other, without padding, so
 * that texts need no sorting by length.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/embed_texts.h"

/*
 * Tokens of a batch.  Matrix products reach full speed below this; larger
 * batches only push activations out of the caches.
 */
#define BATCH_TOKENS 128

/* Texts of a batch: each has [CLS] and [SEP] at least. */
#define BATCH_TEXTS (BATCH_TOKENS / 2)

void
electra_embed_texts(ElectraEmbedder *embedder, int num_texts, const Datum *texts, float *vectors)
{
	int32		offsets[BATCH_TEXTS + 1] = {0};
	int32	   *ids = MemoryContextAlloc(embedder->context,
										 (Max(BATCH_TOKENS, embedder->config->max_length) + embedder->config->max_length) * sizeof(int32));
	int			waiting = 0;

	for (int i = 0; i < num_texts; i++)
	{
		int32		begin = offsets[waiting];
		int32		count;

		CHECK_FOR_INTERRUPTS();
		count = (int32) electra_embedder_tokenize(embedder, texts[i], ids + begin);
		if (waiting == BATCH_TEXTS || (waiting > 0 && begin + count > BATCH_TOKENS))
		{
			electra_embedder_encode(embedder, waiting, offsets, ids, vectors);
			vectors += (Size) waiting * embedder->dimensions;
			memmove(ids, ids + begin, count * sizeof(int32));
			waiting = 0;
			begin = 0;
		}
		offsets[++waiting] = begin + count;
	}
	if (waiting > 0)
		electra_embedder_encode(embedder, waiting, offsets, ids, vectors);
	pfree(ids);
}

/*
 * SQL function electra_embed_batch: many texts in one call.
 *
 * Texts are encoded together until a batch has enough tokens to keep the
 * kernels busy.  A batch is its tokens one after the other, without padding,
 * so texts need no sorting by length: they are taken, and their rows given
 * out, in order, and memory does not grow with their number.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "pg/embedder.h"

/*
 * Tokens of a batch.  Matrix products reach full speed far below this; larger
 * batches would only push activations out of the caches.
 */
#define BATCH_TOKENS 512

typedef struct BatchWriter
{
	ElectraEmbedder embedder;
	ReturnSetInfo *result;
	const bool *nulls;			/* (number of texts) */
	int64		next_row;		/* first row not yet given out, from 0 */
	int			num_texts;		/* waiting */
	int			max_texts;
	int32	   *offsets;		/* (max_texts + 1) */
	int32	   *ids;			/* (max(BATCH_TOKENS, max_length) + max_length):
								 * one long text may wait when the next comes */
	float	   *vectors;		/* (max_texts, dimensions) */
	ArrayType  *array;			/* one vector on its way into the tuplestore */
} BatchWriter;

/* Encodes what waits, and gives out the rows next_row … end_row - 1. */
static void
flush_batch(BatchWriter *writer, int64 end_row)
{
	int			dimensions = writer->embedder.dimensions;
	const float *vector = writer->vectors;

	if (writer->num_texts > 0)
		electra_embedder_encode(&writer->embedder, writer->num_texts, writer->offsets,
								writer->ids, writer->vectors);

	for (; writer->next_row < end_row; writer->next_row++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, writer->nulls[writer->next_row]};

		values[0] = Int64GetDatum(writer->next_row + 1);
		values[1] = PointerGetDatum(writer->array);
		if (!nulls[1])
		{
			memcpy(ARR_DATA_PTR(writer->array), vector, dimensions * sizeof(float));
			vector += dimensions;
		}
		tuplestore_putvalues(writer->result->setResult, writer->result->setDesc, values, nulls);
	}
	writer->num_texts = 0;
}

/* Tokenizes a text and puts it into the batch, which is encoded first if it is full. */
static void
add_text(BatchWriter *writer, Datum text, int64 row)
{
	int32		begin = writer->offsets[writer->num_texts];
	int32		count = (int32) electra_embedder_tokenize(&writer->embedder, text,
														  writer->ids + begin);

	if (writer->num_texts == writer->max_texts ||
		(writer->num_texts > 0 && begin + count > BATCH_TOKENS))
	{
		flush_batch(writer, row);
		memmove(writer->ids, writer->ids + begin, count * sizeof(int32));
		begin = 0;
	}
	writer->offsets[++writer->num_texts] = begin + count;
}

PG_FUNCTION_INFO_V1(electra_embed_batch);

/*
 * (texts text[] [, preset]) -> rows (n, embedding), in the order of the array
 * (as unnest gives it), n from 1; a NULL array has no elements and so no rows.
 */
Datum
electra_embed_batch(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	BatchWriter writer = {0};
	ElectraEmbedder *embedder = &writer.embedder;
	MemoryContext caller;
	Datum	   *texts;
	bool	   *nulls;
	int			num_texts;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT,
					  &texts, &nulls, &num_texts);

	electra_embedder_begin(embedder, name, ELECTRA_PROMPT_NONE);
	writer.result = (ReturnSetInfo *) fcinfo->resultinfo;
	writer.nulls = nulls;
	writer.max_texts = Min(Max(num_texts, 1), BATCH_TOKENS / 2);
	caller = MemoryContextSwitchTo(embedder->context);
	writer.offsets = palloc0((writer.max_texts + 1) * sizeof(int32));
	writer.ids = palloc((Max(BATCH_TOKENS, embedder->config->max_length) + embedder->config->max_length) * sizeof(int32));
	writer.vectors = palloc((Size) writer.max_texts * embedder->dimensions * sizeof(float));
	writer.array = electra_real_array(embedder->dimensions);

	for (int i = 0; i < num_texts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			add_text(&writer, texts[i], i);
	}
	flush_batch(&writer, num_texts);

	MemoryContextSwitchTo(caller);
	electra_embedder_end(embedder);
	PG_RETURN_NULL();
}

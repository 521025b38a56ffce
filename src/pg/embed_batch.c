/*
 * SQL function electra_embed_batch: many texts in one call.
 *
 * Texts are embedded, and their rows given out, some at a time and in order, so
 * that memory does not grow with their number.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"

#include "pg/embed_texts.h"

/*
 * Texts whose vectors are in memory at the same time: many batches of the
 * encoder, so that the last of them, which may be small, does not matter.
 */
#define MAX_TEXTS 1024

/* Gives out the rows from + 1 … to; vectors: of those texts that are not NULL. */
static void
put_rows(ReturnSetInfo *result, const bool *nulls, int from, int to, const float *vectors,
		 ArrayType *array /* (dimensions) */ )
{
	int			dimensions = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	for (int row = from; row < to; row++)
	{
		Datum		values[2] = {Int64GetDatum(row + 1), PointerGetDatum(array)};
		bool		row_nulls[2] = {false, nulls[row]};

		if (!nulls[row])
		{
			memcpy(ARR_DATA_PTR(array), vectors, dimensions * sizeof(float));
			vectors += dimensions;
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, row_nulls);
	}
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
	ElectraEmbedder embedder;
	MemoryContext caller;
	Datum	   *texts;			/* (num_texts) */
	bool	   *nulls;			/* (num_texts) */
	int			num_texts;
	Datum	   *waiting;		/* (MAX_TEXTS): texts that are not NULL */
	float	   *vectors;		/* (MAX_TEXTS, dimensions) */
	ArrayType  *array;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT,
					  &texts, &nulls, &num_texts);

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	caller = MemoryContextSwitchTo(embedder.context);
	waiting = palloc(MAX_TEXTS * sizeof(Datum));
	vectors = palloc((Size) Min(Max(num_texts, 1), MAX_TEXTS) * embedder.dimensions * sizeof(float));
	array = electra_real_array(embedder.dimensions);

	for (int from = 0, to; from < num_texts; from = to)
	{
		int			count = 0;

		to = Min(from + MAX_TEXTS, num_texts);
		for (int i = from; i < to; i++)
		{
			if (!nulls[i])
				waiting[count++] = texts[i];
		}
		electra_embed_texts(&embedder, count, waiting, vectors);
		put_rows((ReturnSetInfo *) fcinfo->resultinfo, nulls, from, to, vectors, array);
	}

	MemoryContextSwitchTo(caller);
	electra_embedder_end(&embedder);
	PG_RETURN_NULL();
}

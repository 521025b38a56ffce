/*
 * SQL functions around the tokenizer.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/embedder.h"
#include "pg/report.h"

PG_FUNCTION_INFO_V1(electra_tokenize_sql);
PG_FUNCTION_INFO_V1(electra_token_ids);
PG_FUNCTION_INFO_V1(electra_token_count);
PG_FUNCTION_INFO_V1(electra_detokenize_sql);

/* (text [, preset]) -> text[]: the tokens that the encoder sees */
Datum
electra_tokenize_sql(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	ElectraEmbedder embedder;
	MemoryContext caller;
	int32	   *ids;
	Datum	   *tokens;
	int64		count;
	ArrayType  *array;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	caller = MemoryContextSwitchTo(embedder.context);
	ids = palloc(embedder.config->max_length * sizeof(int32));
	count = electra_embedder_tokenize(&embedder, PG_GETARG_DATUM(0), ids);
	tokens = palloc(count * sizeof(Datum));
	for (int64 i = 0; i < count; i++)
		tokens[i] = electra_embedder_token(&embedder, ids[i]);
	MemoryContextSwitchTo(caller);

	array = construct_array(tokens, (int) count, TEXTOID, -1, false, TYPALIGN_INT);
	electra_embedder_end(&embedder);
	PG_RETURN_ARRAYTYPE_P(array);
}

/* (text [, preset]) -> integer[]: the token ids that the encoder sees */
Datum
electra_token_ids(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	ElectraEmbedder embedder;
	int32	   *ids;
	Datum	   *datums;
	int64		count;
	ArrayType  *array;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	ids = MemoryContextAlloc(embedder.context, embedder.config->max_length * sizeof(int32));
	count = electra_embedder_tokenize(&embedder, PG_GETARG_DATUM(0), ids);
	datums = MemoryContextAlloc(embedder.context, count * sizeof(Datum));
	for (int64 i = 0; i < count; i++)
		datums[i] = Int32GetDatum(ids[i]);

	array = construct_array(datums, (int) count, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	electra_embedder_end(&embedder);
	PG_RETURN_ARRAYTYPE_P(array);
}

/* (text [, preset]) -> integer: tokens of the whole text, special ones included */
Datum
electra_token_count(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	ElectraEmbedder embedder;
	int64		count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	count = electra_embedder_count(&embedder, PG_GETARG_DATUM(0));
	electra_embedder_end(&embedder);

	/* a text has less than 2^30 bytes, and a token at least one */
	PG_RETURN_INT32((int32) count);
}

/* (token_ids integer[] [, preset]) -> text, special tokens left out */
Datum
electra_detokenize_sql(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	ElectraEmbedder embedder;
	MemoryContext caller;
	ArrayType  *array;
	electra_status status;
	electra_error error;
	char	   *utf8;
	size_t		size;
	char	   *converted;
	text	   *result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	array = PG_GETARG_ARRAYTYPE_P(0);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"token_ids\" must be a one-dimensional array"),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"token_ids\" must not contain nulls")));

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	electra_embedder_require_vocabulary(&embedder);
	caller = MemoryContextSwitchTo(embedder.context);
	status = electra_detokenize(&embedder.preset->model, (const int32 *) ARR_DATA_PTR(array),
								ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)),
								&utf8, &size, &electra_palloc_allocator, &error);
	if (status != ELECTRA_OK)
		electra_embedder_fail(&embedder, status, &error);
	converted = electra_utf8_to_server(utf8, size);
	MemoryContextSwitchTo(caller);

	result = cstring_to_text(converted);
	electra_embedder_end(&embedder);
	PG_RETURN_TEXT_P(result);
}

/*
 * SQL functions: one text to one vector.
 *
 * Each C function serves both overloads, told apart by the number of
 * arguments; the one without a preset is STRICT.
 */
#include "postgres.h"

#include "pg/embedder.h"
#include "pg/warnings.h"

PG_FUNCTION_INFO_V1(electra_embed);
PG_FUNCTION_INFO_V1(electra_embed_query);
PG_FUNCTION_INFO_V1(electra_embed_document);

/* (text [, preset]) -> real[] */
static Datum
embed_with_prompt(FunctionCallInfo fcinfo, ElectraPrompt prompt)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	ElectraEmbedder embedder;
	ArrayType  *array;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	electra_embedder_begin(&embedder, name, prompt);
	if (prompt == ELECTRA_PROMPT_QUERY)
		electra_note_missing_query_prompt(embedder.preset);
	array = electra_real_array(embedder.dimensions);
	electra_embedder_embed(&embedder, PG_GETARG_DATUM(0), (float *) ARR_DATA_PTR(array));
	electra_embedder_end(&embedder);

	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
electra_embed(PG_FUNCTION_ARGS)
{
	return embed_with_prompt(fcinfo, ELECTRA_PROMPT_NONE);
}

Datum
electra_embed_query(PG_FUNCTION_ARGS)
{
	return embed_with_prompt(fcinfo, ELECTRA_PROMPT_QUERY);
}

Datum
electra_embed_document(PG_FUNCTION_ARGS)
{
	return embed_with_prompt(fcinfo, ELECTRA_PROMPT_DOCUMENT);
}

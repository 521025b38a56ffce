/*
 * SQL functions: the encoder's outputs of a text or a pair of texts, and its
 * table of token embeddings.
 *
 * Each C function serves all overloads, told apart by the number of arguments.
 * No prompt is put in front: these are the model's own values.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/array.h"

#include "core/fpenv.h"
#include "core/table.h"
#include "pg/token_pair.h"

/* The encoder's input and output of one call; arrays in the embedder's context. */
typedef struct Outputs
{
	ElectraEmbedder embedder;
	ElectraSequence sequence;
	int32		offsets[2];
	electra_batch batch;		/* of the one sequence */
	const float *sequence_output;	/* (T, hidden_dim) */
} Outputs;

/* Encodes arguments text and, where there is a third one that is not NULL, pair. */
static void
begin_outputs(FunctionCallInfo fcinfo, Outputs *outputs)
{
	bool		has_pair = PG_NARGS() > 2 && !PG_ARGISNULL(2);
	Datum		pair = has_pair ? PG_GETARG_DATUM(2) : (Datum) 0;

	electra_embedder_sequence(&outputs->embedder, PG_GETARG_DATUM(0), has_pair ? &pair : NULL,
							  &outputs->sequence);
	outputs->offsets[0] = 0;
	outputs->offsets[1] = outputs->sequence.length;
	outputs->batch = (electra_batch) {
		.num_sequences = 1,
		.offsets = outputs->offsets,
		.token_ids = outputs->sequence.token_ids,
		.segment_ids = has_pair ? outputs->sequence.segment_ids : NULL
	};
	outputs->sequence_output = electra_embedder_run(&outputs->embedder, &outputs->batch, NULL);
}

/* An ERROR for a preset that ends with its sequence output. */
static void
require_pooler(ElectraEmbedder *embedder)
{
	if (embedder->config->has_pooler)
		return;
	electra_embedder_count_error(embedder);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("preset \"%s\" has no pooled output", embedder->preset->id.name),
			 errdetail("Its model has no pooler: Hugging Face's ELECTRA has none, Keras-Hub's adds a dense layer of its own."),
			 errhint("electra_embed() gives one vector for a text, electra_sequence_output() one for each token.")));
}

PG_FUNCTION_INFO_V1(electra_pooled);

/* (text [, preset [, pair]]) -> real[]: pooled_output */
Datum
electra_pooled(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	Outputs		outputs;
	ArrayType  *array;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	electra_embedder_begin(&outputs.embedder, name, ELECTRA_PROMPT_NONE);
	require_pooler(&outputs.embedder);
	begin_outputs(fcinfo, &outputs);
	array = electra_real_array(outputs.embedder.config->hidden_dim);
	electra_embedder_pooled(&outputs.embedder, &outputs.batch, outputs.sequence_output,
							(float *) ARR_DATA_PTR(array));
	electra_embedder_end(&outputs.embedder);
	PG_RETURN_ARRAYTYPE_P(array);
}

PG_FUNCTION_INFO_V1(electra_sequence_output);

/*
 * (text [, preset [, pair]]) -> rows (position, token_id, token, embedding),
 * position from 1, embedding (hidden_dim); none where the text is NULL
 */
Datum
electra_sequence_output(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Outputs		outputs;
	ElectraEmbedder *embedder = &outputs.embedder;
	MemoryContext caller;
	ArrayType  *array;
	int			hidden_dim;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	electra_embedder_begin(embedder, name, ELECTRA_PROMPT_NONE);
	begin_outputs(fcinfo, &outputs);
	hidden_dim = embedder->config->hidden_dim;
	caller = MemoryContextSwitchTo(embedder->context);
	array = electra_real_array(hidden_dim);
	for (int i = 0; i < outputs.sequence.length; i++)
	{
		int32		id = outputs.sequence.token_ids[i];
		Datum		values[4] = {
			Int32GetDatum(i + 1), Int32GetDatum(id),
			electra_embedder_token(embedder, id), PointerGetDatum(array)
		};
		bool		nulls[4] = {false};

		memcpy(ARR_DATA_PTR(array), outputs.sequence_output + (Size) i * hidden_dim,
			   hidden_dim * sizeof(float));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(caller);
	electra_embedder_end(embedder);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(electra_token_embedding);

/* (token_id [, preset]) -> real[]: a row (embedding_dim) of the table of token embeddings */
Datum
electra_token_embedding(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 1);
	ElectraEmbedder embedder;
	const electra_model *model;
	electra_fpenv saved;
	int32		id;
	int			embedding_dim;
	ArrayType  *array;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	id = PG_GETARG_INT32(0);
	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	model = &embedder.preset->model;
	if (id < 0 || id >= embedder.config->vocab_size)
	{
		electra_embedder_count_error(&embedder);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument \"token_id\": %d", id),
				 errdetail("Preset \"%s\" has token ids 0 to %d.", embedder.preset->id.name,
						   embedder.config->vocab_size - 1)));
	}
	embedding_dim = embedder.config->embedding_dim;
	array = electra_real_array(embedding_dim);
	electra_fpenv_enter(&saved);
	electra_table_row(model, &model->header->word_embeddings, (size_t) id,
					  (float *) ARR_DATA_PTR(array));
	electra_fpenv_leave(&saved);
	electra_embedder_end(&embedder);
	PG_RETURN_ARRAYTYPE_P(array);
}

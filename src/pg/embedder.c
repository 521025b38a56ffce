/*
 * From SQL texts to vectors; see embedder.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "core/vocabulary.h"
#include "pg/embedder.h"
#include "pg/memo.h"
#include "pg/openblas.h"
#include "pg/report.h"
#include "pg/text_reader.h"
#include "pg/warnings.h"

/* What the kernels' loads want. */
#define BUFFER_ALIGNMENT 64

/* Microseconds since start, rounded: short texts take few of them. */
static uint64
microseconds_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return (uint64) (INSTR_TIME_GET_DOUBLE(now) * 1e6 + 0.5);
}

char *
electra_preset_argument(FunctionCallInfo fcinfo, int arg)
{
	if (PG_NARGS() <= arg)
		return NULL;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"preset\" must not be null"),
				 errhint("Name a preset of the view electra_presets, or leave the argument out for the default preset.")));

	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

ArrayType *
electra_real_array(int num_elements)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + (Size) num_elements * sizeof(float4);
	ArrayType  *array = (ArrayType *) palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = FLOAT4OID;
	ARR_DIMS(array)[0] = num_elements;
	ARR_LBOUND(array)[0] = 1;
	return array;
}

void
electra_embedder_count_error(ElectraEmbedder *embedder)
{
	embedder->counts.errors++;
	electra_stats_add(embedder->preset, &embedder->counts);
}

void
electra_embedder_fail(ElectraEmbedder *embedder, electra_status status, const electra_error *error)
{
	electra_embedder_count_error(embedder);
	electra_raise(status, error);
	pg_unreachable();
}

/*
 * Tokenizes size bytes of UTF-8; a cancel that turns out harmless starts again.
 */
static void
tokenize_utf8(ElectraEmbedder *embedder, const char *text, Size size, bool at_end,
			  electra_tokens *tokens)
{
	instr_time	start;
	electra_status status;
	electra_error error;

	INSTR_TIME_SET_CURRENT(start);
	for (;;)
	{
		status = electra_tokenize(&embedder->preset->model, text, size, at_end, tokens,
								  &electra_palloc_allocator, &electra_interrupt_poll, &error);
		if (status != ELECTRA_CANCELED)
			break;
		electra_raise(status, &error);
	}
	embedder->counts.tokenizer_us += microseconds_since(start);

	if (status != ELECTRA_OK)
		electra_embedder_fail(embedder, status, &error);
}

/*
 * How many tokens pooling leaves out: those of the prompt with [CLS], cut as
 * any text is (sentence-transformers, include_prompt = false).
 */
static int32
count_prompt_tokens(ElectraEmbedder *embedder)
{
	electra_tokens tokens = {NULL, embedder->config->max_length - 2, 0, false, false};

	if (embedder->config->include_prompt || embedder->prompt_size == 0)
		return 0;

	tokenize_utf8(embedder, embedder->prompt, embedder->prompt_size, true, &tokens);
	return 1 + (int32) Min(tokens.count, tokens.capacity);
}

void
electra_embedder_begin(ElectraEmbedder *embedder, const char *name, ElectraPrompt prompt)
{
	const electra_config *config;

	memset(embedder, 0, sizeof(ElectraEmbedder));
	embedder->preset = electra_preset_acquire(name);
	embedder->config = config = electra_model_config(&embedder->preset->model);
	embedder->dimensions = electra_config_dimensions(config);
	embedder->counts.calls = 1;
	embedder->context = AllocSetContextCreate(CurrentMemoryContext, "electra call",
											  ALLOCSET_DEFAULT_SIZES);
	embedder->scratch = AllocSetContextCreate(embedder->context, "electra text",
											  ALLOCSET_DEFAULT_SIZES);

	embedder->prompt = "";
	if (prompt == ELECTRA_PROMPT_QUERY && config->has_query_prompt)
		embedder->prompt = config->query_prompt;
	else if (prompt == ELECTRA_PROMPT_DOCUMENT && config->has_document_prompt)
		embedder->prompt = config->document_prompt;
	embedder->prompt_size = strlen(embedder->prompt);
	embedder->prompt_kind = embedder->prompt_size > 0 ? prompt : ELECTRA_PROMPT_NONE;
	embedder->prompt_tokens = count_prompt_tokens(embedder);

	if (name == NULL)
		electra_warn_untrained(embedder->preset);
}

void
electra_embedder_end(ElectraEmbedder *embedder)
{
	electra_stats_add(embedder->preset, &embedder->counts);
	MemoryContextDelete(embedder->context);
}

void
electra_embedder_require_vocabulary(ElectraEmbedder *embedder)
{
	if (embedder->config->tokenizer.pipeline != ELECTRA_TOKENIZER_NONE)
		return;
	electra_embedder_count_error(embedder);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("preset \"%s\" has no vocabulary", embedder->preset->id.name),
			 errdetail("It was made without one, so that it knows token ids, but no texts."),
			 errhint("electra_encode() takes token ids.")));
}

Datum
electra_embedder_token(const ElectraEmbedder *embedder, int32 id)
{
	const electra_image_header *header = embedder->preset->model.header;
	const char *token;
	size_t		size;

	if (!electra_vocabulary_token((const char *) header + header->vocabulary, id, &token, &size))
		size = 0, token = "";
	return CStringGetTextDatum(electra_utf8_to_server(token, size));
}

void
electra_embedder_read(ElectraEmbedder *embedder, Datum text, electra_tokens *tokens)
{
	MemoryContext caller = MemoryContextSwitchTo(embedder->scratch);
	ElectraTextReader reader;

	electra_embedder_require_vocabulary(embedder);
	electra_text_reader_begin(&reader, text, embedder->prompt, embedder->prompt_size);
	do
	{
		Size		size;
		bool		at_end;
		const char *utf8 = electra_text_reader_next(&reader, &size, &at_end);

		tokenize_utf8(embedder, utf8, size, at_end, tokens);
	} while (tokens->need_input);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(embedder->scratch);
}

void
electra_embedder_cut(ElectraEmbedder *embedder)
{
	electra_error error;

	embedder->counts.truncated++;
	if (embedder->config->truncation != ELECTRA_TRUNCATION_ERROR)
		return;

	electra_fail(&error, ELECTRA_TEXT_TOO_LONG, "text is too long for preset \"%s\"",
				 embedder->preset->id.name);
	electra_fail_detail(&error,
						"It has more than %d tokens, special ones included, and the preset does not truncate.",
						embedder->config->max_length);
	electra_fail_hint(&error,
					  "electra_token_count() counts tokens; a preset loaded with truncation => 'truncate' cuts such texts.");
	electra_embedder_fail(embedder, ELECTRA_TEXT_TOO_LONG, &error);
}

int64
electra_embedder_tokenize(ElectraEmbedder *embedder, Datum text, int32 *ids)
{
	const electra_config *config = embedder->config;
	electra_tokens tokens = {NULL, config->max_length - 2, 0, false, false};
	int64		count;

	tokens.ids = MemoryContextAlloc(embedder->context, Max(tokens.capacity, 1) * sizeof(int32));
	electra_embedder_read(embedder, text, &tokens);
	if (tokens.truncated)
		electra_embedder_cut(embedder);
	count = electra_join_tokens(&config->tokenizer, tokens.ids, tokens.count, NULL, 0, ids, NULL);
	pfree(tokens.ids);
	return count;
}

int64
electra_embedder_count(ElectraEmbedder *embedder, Datum text)
{
	electra_tokens tokens = {NULL, PG_INT64_MAX, 0, false, false};
	MemoryContext caller = MemoryContextSwitchTo(embedder->scratch);
	ElectraTextReader reader;
	const char *utf8;
	Size		size;
	bool		at_end;

	electra_embedder_require_vocabulary(embedder);
	electra_text_reader_begin(&reader, text, embedder->prompt, embedder->prompt_size);
	electra_text_reader_want_all(&reader);
	utf8 = electra_text_reader_next(&reader, &size, &at_end);
	tokenize_utf8(embedder, utf8, size, true, &tokens);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(embedder->scratch);
	return tokens.count + 2;	/* [CLS] and [SEP] */
}

/* Makes embedder->buffer at least this large; its content is lost. */
static void
reserve_buffer(ElectraEmbedder *embedder, Size size)
{
	if (size <= embedder->buffer_size)
		return;

	if (embedder->allocation != NULL)
		pfree(embedder->allocation);
	embedder->allocation = NULL;
	embedder->buffer_size = 0;
	embedder->allocation = MemoryContextAllocHuge(embedder->context, size + BUFFER_ALIGNMENT);
	embedder->buffer = (char *) TYPEALIGN(BUFFER_ALIGNMENT, embedder->allocation);
	embedder->buffer_size = size;
}

const float *
electra_embedder_run(ElectraEmbedder *embedder, const electra_batch *batch, void **workspace)
{
	const electra_model *model = &embedder->preset->model;
	int32		num_tokens = batch->offsets[batch->num_sequences];
	Size		output_size = TYPEALIGN(BUFFER_ALIGNMENT, (Size) num_tokens *
										embedder->config->hidden_dim * sizeof(float));
	instr_time	start;
	electra_status status;
	electra_error error;

	electra_warn_slow_cpu();
	(void) electra_openblas_used();
	electra_preset_populate(embedder->preset);
	reserve_buffer(embedder, output_size + Max(electra_encoder_workspace(model, batch),
											   electra_pool_workspace(model)));

	INSTR_TIME_SET_CURRENT(start);
	for (;;)
	{
		status = electra_encode(model, batch, embedder->buffer + output_size,
								(float *) embedder->buffer, &electra_interrupt_poll, &error);
		if (status != ELECTRA_CANCELED)
			break;
		electra_raise(status, &error);
	}
	embedder->counts.encoder_us += microseconds_since(start);

	if (status != ELECTRA_OK)
		electra_embedder_fail(embedder, status, &error);
	embedder->counts.texts += batch->num_sequences;
	embedder->counts.tokens += num_tokens;
	if (workspace != NULL)
		*workspace = embedder->buffer + output_size;
	return (const float *) embedder->buffer;
}

void
electra_embedder_pooled(ElectraEmbedder *embedder, const electra_batch *batch,
						const float *sequence_output, float *pooled_output)
{
	instr_time	start;
	electra_status status;
	electra_error error;

	INSTR_TIME_SET_CURRENT(start);
	status = electra_pooled_output(&embedder->preset->model, batch, sequence_output, pooled_output,
								   &error);
	embedder->counts.encoder_us += microseconds_since(start);
	if (status != ELECTRA_OK)
		electra_embedder_fail(embedder, status, &error);
}

void
electra_embedder_encode(ElectraEmbedder *embedder, int num_texts, const int32 *offsets,
						const int32 *ids, float *vectors)
{
	electra_batch batch = {
		.num_sequences = num_texts,
		.offsets = offsets,
		.token_ids = ids,
		.prompt_tokens = embedder->prompt_tokens
	};
	void	   *workspace;
	const float *output = electra_embedder_run(embedder, &batch, &workspace);
	instr_time	start;
	electra_status status;
	electra_error error;

	INSTR_TIME_SET_CURRENT(start);
	status = electra_pool(&embedder->preset->model, &batch, output, workspace, vectors, &error);
	embedder->counts.encoder_us += microseconds_since(start);
	if (status != ELECTRA_OK)
		electra_embedder_fail(embedder, status, &error);
}

void
electra_embedder_embed(ElectraEmbedder *embedder, Datum text, float *vector)
{
	MemoryContext caller = MemoryContextSwitchTo(embedder->context);
	bool		memorable = !electra_openblas_used() && electra_text_size(text) <= ELECTRA_MEMO_TEXT_SIZE;
	ElectraMemoKey key = {0};
	int32		offsets[2] = {0, 0};
	int32	   *ids;

	if (memorable)
	{
		struct varlena *whole = PG_DETOAST_DATUM_PACKED(text);

		text = PointerGetDatum(whole);
		key.digest = embedder->preset->id.digest;
		key.prompt = embedder->prompt_kind;
		key.text = VARDATA_ANY(whole);
		key.text_size = VARSIZE_ANY_EXHDR(whole);
		if (electra_memo_find(&key, embedder->dimensions, vector))
		{
			MemoryContextSwitchTo(caller);
			return;
		}
	}

	ids = palloc(embedder->config->max_length * sizeof(int32));
	offsets[1] = (int32) electra_embedder_tokenize(embedder, text, ids);
	electra_embedder_encode(embedder, 1, offsets, ids, vector);
	pfree(ids);

	if (memorable)
		electra_memo_store(&key, embedder->dimensions, vector);
	MemoryContextSwitchTo(caller);
}

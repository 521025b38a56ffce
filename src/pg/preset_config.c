/*
 * electra_preset_config: a preset's configuration as jsonb.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "core/weight_files.h"
#include "pg/chunk_stream.h"
#include "pg/preset_name.h"
#include "pg/preset_text.h"
#include "pg/report.h"

const char *
electra_dtype_text(electra_dtype dtype)
{
	switch (dtype)
	{
		case ELECTRA_F32:
			return "float32";
		case ELECTRA_F16:
			return "float16";
		case ELECTRA_BF16:
			return "bfloat16";
		case ELECTRA_I8:
			return "int8";
		default:
			return electra_dtype_name(dtype);
	}
}

/* "bert", "keras", "none", as in the archive's metadata. */
static const char *
pipeline_text(electra_tokenizer_pipeline pipeline)
{
	switch (pipeline)
	{
		case ELECTRA_TOKENIZER_BERT:
			return "bert";
		case ELECTRA_TOKENIZER_KERAS:
			return "keras";
		case ELECTRA_TOKENIZER_NONE:
			return "none";
	}
	return "";
}

char *
electra_pooling_text(const electra_config *config)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
	{
		if ((config->pooling_modes & (1 << i)) == 0)
			continue;
		if (text.len > 0)
			appendStringInfoChar(&text, ',');
		appendStringInfoString(&text, electra_pooling_name(i));
	}
	return text.data;
}

/* Appends "key": with a comma where one is needed. */
static void
put_key(StringInfo json, const char *key)
{
	if (json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	escape_json(json, key);
	appendStringInfoChar(json, ':');
}

static void
put_int(StringInfo json, const char *key, int64 value)
{
	put_key(json, key);
	appendStringInfo(json, "%lld", (long long) value);
}

/* A token id, null for none. */
static void
put_token(StringInfo json, const char *key, int32 id)
{
	put_key(json, key);
	if (id < 0)
		appendStringInfoString(json, "null");
	else
		appendStringInfo(json, "%d", id);
}

static void
put_bool(StringInfo json, const char *key, bool value)
{
	put_key(json, key);
	appendStringInfoString(json, value ? "true" : "false");
}

/* A UTF-8 string. */
static void
put_string(StringInfo json, const char *key, const char *value)
{
	put_key(json, key);
	escape_json(json, electra_utf8_to_server(value, strlen(value)));
}

/* A prompt, null where there is none. */
static void
put_prompt(StringInfo json, const char *key, bool present, const char *value)
{
	if (present)
		put_string(json, key, value);
	else
	{
		put_key(json, key);
		appendStringInfoString(json, "null");
	}
}

/* How near int8 is to float32, where a preset is in int8. */
static void
put_calibration(StringInfo json, const electra_config *config)
{
	if (config->dtype != ELECTRA_I8)
		return;
	put_int(json, "calibration_texts", config->calibration_texts);
	put_key(json, "lowest_cosine");
	appendStringInfoString(json, float8out_internal(config->lowest_cosine));
	put_key(json, "mean_cosine");
	appendStringInfoString(json, float8out_internal(config->mean_cosine));
}

/* The encoder's shape, with the names of Keras-Hub's ElectraBackbone. */
static void
put_encoder(StringInfo json, const electra_config *config)
{
	put_int(json, "vocab_size", config->vocab_size);
	put_int(json, "num_layers", config->num_layers);
	put_int(json, "num_heads", config->num_heads);
	put_int(json, "hidden_dim", config->hidden_dim);
	put_int(json, "embedding_dim", config->embedding_dim);
	put_int(json, "intermediate_dim", config->intermediate_dim);
	put_int(json, "max_sequence_length", config->max_sequence_length);
	put_int(json, "num_segments", config->num_segments);
	put_string(json, "activation", electra_activation_name(config->activation));
	put_key(json, "layer_norm_eps");
	appendStringInfoString(json, float8out_internal(config->layer_norm_eps));
	put_string(json, "dtype", electra_dtype_text(config->dtype));
	put_calibration(json, config);
	put_key(json, "dropout");
	appendStringInfoString(json, float8out_internal(config->dropout));
	put_bool(json, "pooled_output", config->has_pooler);
	put_int(json, "parameters", electra_config_parameters(config));
}

/*
 * The tokenizer's settings: its pipeline, and what that one asks for.  Without
 * a vocabulary there is nothing to set.
 */
static void
put_tokenizer(StringInfo json, const electra_tokenizer_config *config)
{
	put_key(json, "tokenizer");
	appendStringInfoChar(json, '{');
	put_string(json, "pipeline", pipeline_text(config->pipeline));
	if (config->pipeline == ELECTRA_TOKENIZER_NONE)
	{
		appendStringInfoChar(json, '}');
		return;
	}
	if (config->pipeline == ELECTRA_TOKENIZER_KERAS)
		put_bool(json, "special_tokens_in_strings", config->special_tokens_in_strings);
	else
	{
		put_bool(json, "clean_text", config->clean_text);
		put_bool(json, "tokenize_chinese_chars", config->tokenize_chinese_chars);
	}
	put_bool(json, "lowercase", config->lowercase);
	put_bool(json, "strip_accents", config->strip_accents);
	put_int(json, "max_word_chars", config->max_word_chars);
	put_string(json, "continuing_prefix", config->continuing_prefix);
	put_token(json, "unk_token_id", config->unk_token_id);
	put_token(json, "cls_token_id", config->cls_token_id);
	put_token(json, "sep_token_id", config->sep_token_id);
	put_token(json, "pad_token_id", config->pad_token_id);
	put_token(json, "mask_token_id", config->mask_token_id);
	appendStringInfoChar(json, '}');
}

/* The modules from the encoder's output to the vector. */
static void
put_modules(StringInfo json, const electra_config *config)
{
	put_key(json, "modules");
	appendStringInfoChar(json, '[');
	for (int i = 0; i < config->num_modules; i++)
	{
		const electra_module *module = &config->modules[i];

		appendStringInfoString(json, i > 0 ? ",{" : "{");
		switch (module->kind)
		{
			case ELECTRA_MODULE_POOLING:
				put_string(json, "type", "pooling");
				put_key(json, "modes");
				escape_json(json, electra_pooling_text(config));
				put_bool(json, "include_prompt", config->include_prompt);
				break;
			case ELECTRA_MODULE_DENSE:
				put_string(json, "type", "dense");
				put_string(json, "activation", electra_activation_name(module->activation));
				put_bool(json, "bias", module->has_bias);
				break;
			case ELECTRA_MODULE_NORMALIZE:
				put_string(json, "type", "normalize");
				break;
		}
		put_int(json, "in_dim", module->in_dim);
		put_int(json, "out_dim", module->out_dim);
		appendStringInfoChar(json, '}');
	}
	appendStringInfoChar(json, ']');
}

/* A member of the provenance; its key may name a file. */
static void
put_source(StringInfo json, const char *key, const char *value)
{
	put_string(json, electra_utf8_to_server(key, strlen(key)), value);
}

/* The files of weights, which stand behind the weights. */
static void
put_weight_files(StringInfo json, const electra_archive *archive, ElectraArchiveStream *stream)
{
	const electra_tensor *tensor = electra_archive_tensor(archive, ELECTRA_WEIGHT_FILES);
	electra_weight_file file;
	electra_error error;
	char	   *text;
	const char *next;
	Size		size;

	if (tensor == NULL)
		return;
	electra_archive_stream_skip(stream, tensor->begin);
	text = palloc(tensor->end - tensor->begin);
	size = electra_archive_stream_read(stream, text, tensor->end - tensor->begin);
	electra_raise(electra_weight_files_check(text, size, &error), &error);
	next = text;
	while (electra_weight_files_next(&next, text + size, &file))
		put_source(json, psprintf("source.sha256.%s", file.name), file.digest);
	pfree(text);
}

/*
 * What the archive notes beside the configuration: where it came from.  Its
 * header has just been read from the stream.
 */
static void
put_provenance(StringInfo json, const electra_archive *archive, ElectraArchiveStream *stream)
{
	put_key(json, "provenance");
	appendStringInfoChar(json, '{');
	for (int i = 0; i < archive->num_metadata; i++)
	{
		const electra_metadata *pair = &archive->metadata[i];

		if (strncmp(pair->key, "source.", strlen("source.")) == 0)
			put_source(json, pair->key, pair->value);
	}
	put_weight_files(json, archive, stream);
	appendStringInfoChar(json, '}');
}

/* The whole object. */
static void
put_preset(StringInfo json, const ElectraPresetId *id, const electra_archive *archive,
		   ElectraArchiveStream *stream)
{
	const electra_config *config = &archive->config;
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	electra_digest_to_hex(id->digest, hex);
	appendStringInfoChar(json, '{');
	put_string(json, "name", id->name);
	put_string(json, "digest", hex);
	put_encoder(json, config);
	put_tokenizer(json, &config->tokenizer);
	put_modules(json, config);
	put_bool(json, "normalize", config->normalize);
	put_int(json, "dimensions", electra_config_dimensions(config));
	put_int(json, "max_length", config->max_length);
	put_string(json, "truncation", config->truncation == ELECTRA_TRUNCATE ? "truncate" : "error");
	put_prompt(json, "query_prompt", config->has_query_prompt, config->query_prompt);
	put_prompt(json, "document_prompt", config->has_document_prompt, config->document_prompt);
	put_bool(json, "trained_for_similarity", config->trained_for_similarity);
	put_bool(json, "untrained", config->untrained);
	put_int(json, "numerics_version", config->numerics_version);
	put_int(json, "unicode_version", config->unicode_version);
	put_provenance(json, archive, stream);
	appendStringInfoChar(json, '}');
}

PG_FUNCTION_INFO_V1(electra_preset_config);

/* Configuration, tokenizer settings, pipeline and provenance of a preset. */
Datum
electra_preset_config(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "preset");
	ElectraPresetId id;
	ElectraArchiveStream *stream;
	electra_archive_reader reader;
	electra_error error;
	electra_status status;
	StringInfoData json;

	electra_preset_resolve(name, &id);
	stream = electra_archive_stream_require(&id);
	status = electra_archive_open(&reader, electra_archive_stream_core(stream),
								  electra_archive_stream_max_size(stream),
								  &electra_palloc_allocator, &error);
	electra_archive_stream_raise(stream, status, &error);
	initStringInfo(&json);
	put_preset(&json, &id, reader.archive, stream);
	electra_archive_close(&reader);
	electra_archive_stream_end(stream);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

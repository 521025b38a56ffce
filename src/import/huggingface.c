/*
 * Reads a Hugging Face or sentence-transformers directory into a
 * preset_source.
 */
#include "import/huggingface.h"

#include <string.h>

#include "import/hf_config.h"
#include "import/hf_judge.h"
#include "import/hf_tokenizer.h"
#include "import/hf_weights.h"
#include "import/sentence_transformers.h"

/* Loads a JSON object that lies beside config.json. */
static electra_status
load_object(const hf_directory *hf, const char *name, size_t max_size, bool required, json_t **json,
			electra_error *error)
{
	char		file[SOURCE_MAX_NAME];

	return json_file_load(&hf->files, hf_file_name(hf, name, file), max_size, JSON_OBJECT, false,
						  required, json, error);
}

/* config.json is what makes a directory one of Hugging Face's. */
static electra_status
load_files(hf_directory *hf, electra_error *error)
{
	if (load_object(hf, "config.json", HF_MAX_JSON_SIZE, true, &hf->config, error) != ELECTRA_OK)
	{
		if (error->status == ELECTRA_NOT_FOUND && error->hint[0] == '\0')
			electra_fail_hint(error, "A Hugging Face directory holds config.json, the tokenizer's files "
							  "and model.safetensors or pytorch_model.bin.");
		return error->status;
	}
	if (load_object(hf, "tokenizer_config.json", HF_MAX_JSON_SIZE, false, &hf->tokenizer_config,
					error) != ELECTRA_OK)
		return error->status;
	return load_object(hf, "tokenizer.json", HF_MAX_TOKENIZER_SIZE, false, &hf->tokenizer, error);
}

/* architectures and model_type, for electra_preset_config. */
static electra_status
note_model(const hf_directory *hf, electra_error *error)
{
	const json_t *architectures = json_member(hf->config, "architectures");
	const char *name = json_string_value(json_array_get(architectures, 0));

	if (name != NULL &&
		preset_source_note(hf->source, "source.architecture", name, error) != ELECTRA_OK)
		return error->status;
	return preset_source_note(hf->source, "source.model_type",
							  json_string_value(json_member(hf->config, "model_type")), error);
}

/*
 * sentence-transformers cuts to truncate_dim after all modules and does not
 * normalize again; the option dimensions takes its place.
 */
static electra_status
apply_truncate_dim(const hf_directory *hf, const import_options *options, electra_error *error)
{
	electra_config *config = &hf->source->config;

	if (hf->truncate_dim == 0 || options->dimensions != 0)
		return ELECTRA_OK;
	config->dimensions = hf->truncate_dim;
	config->normalize = options->normalize == 1;
	return electra_config_check(config, error);
}

/*
 * The weights, or random ones in their place; those have the pooler that
 * transformers' models of this type have.
 */
static electra_status
open_weights(hf_directory *hf, const import_options *options, electra_error *error)
{
	if (options->load_weights)
		return hf_weights_open(hf, error);
	hf->source->config.has_pooler =
		strcmp(json_string_value(json_member(hf->config, "model_type")), "bert") == 0;
	return random_weights_open(hf->source, options->seed, error);
}

/* Everything in the order in which one part needs the other. */
static electra_status
read_directory(hf_directory *hf, const import_options *options, electra_error *error)
{
	electra_config *config = &hf->source->config;

	if (source_directory_check(&hf->files, error) != ELECTRA_OK ||
		st_modules_read(hf, error) != ELECTRA_OK ||
		load_files(hf, error) != ELECTRA_OK ||
		hf_judge(hf, error) != ELECTRA_OK ||
		note_model(hf, error) != ELECTRA_OK)
		return error->status;

	config->numerics_version = ELECTRA_NUMERICS_VERSION;
	config->unicode_version = ELECTRA_UNICODE_VERSION;
	config->dtype = ELECTRA_F32;
	config->truncation = ELECTRA_TRUNCATE;
	if (hf_config_read(hf, error) != ELECTRA_OK ||
		hf_tokenizer_read(hf, error) != ELECTRA_OK ||
		st_pipeline_read(hf, error) != ELECTRA_OK ||
		import_options_apply(options, config, error) != ELECTRA_OK ||
		apply_truncate_dim(hf, options, error) != ELECTRA_OK ||
		open_weights(hf, options, error) != ELECTRA_OK)
		return error->status;
	if (!config->trained_for_similarity)
		hf_notice(hf, "the source has no modules.json: its vectors are plain means over tokens, not trained "
				  "for similarity");
	return ELECTRA_OK;
}

electra_status
huggingface_open(const char *directory, const import_options *options,
				 void (*notice) (const char *message), preset_source *source, electra_error *error)
{
	hf_directory hf;
	electra_status status;

	memset(source, 0, sizeof(*source));
	memset(&hf, 0, sizeof(hf));
	hf.files.path = directory;
	hf.files.source = source;
	hf.source = source;
	hf.notice = notice;
	hf.model_max_length = 1e30;

	status = read_directory(&hf, options, error);
	json_decref(hf.modules);
	json_decref(hf.config);
	json_decref(hf.tokenizer_config);
	json_decref(hf.tokenizer);
	if (status != ELECTRA_OK)
	{
		preset_source_free(source);
		memset(source, 0, sizeof(*source));
	}
	return status;
}

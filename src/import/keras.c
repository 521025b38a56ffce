/*
 * Reads a Keras-Hub preset directory into a preset_source.
 */
#include "import/keras.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "import/keras_preset.h"

bool
keras_directory(const char *directory)
{
	preset_source scratch;
	source_directory files = {.path = directory, .source = &scratch};
	electra_error ignored;
	json_t	   *config = NULL;
	bool		found;

	memset(&scratch, 0, sizeof(scratch));
	found = json_file_load(&files, "config.json", KERAS_MAX_JSON_SIZE, JSON_OBJECT, false, false, &config,
						   &ignored) == ELECTRA_OK &&
		json_object_get(config, "registered_name") != NULL;
	json_decref(config);
	preset_source_free(&scratch);
	return found;
}

/* A version out of metadata.json as provenance, where it stands there. */
static electra_status
note_version(const keras_preset *keras, const json_t *metadata, const char *key, electra_error *error)
{
	char		name[64];
	const char *version = NULL;

	if (json_member(metadata, key) == NULL)
		return ELECTRA_OK;
	if (json_get_string(metadata, "metadata.json", key, &version, error) != ELECTRA_OK)
		return error->status;
	snprintf(name, sizeof(name), "source.%s", key);
	return preset_source_note(keras->source, name, version, error);
}

/*
 * metadata.json: which versions wrote the preset.  Its number of parameters
 * decides nothing, since every tensor is checked; a wrong one is told.
 */
static electra_status
read_metadata(const keras_preset *keras, electra_error *error)
{
	static const char *const versions[] = {"keras_version", "keras_hub_version", "keras_nlp_version"};
	int64_t		parameters = electra_config_parameters(&keras->source->config);
	double		counted = (double) parameters;
	electra_status status;
	json_t	   *metadata;

	status = json_file_load(&keras->files, "metadata.json", KERAS_MAX_JSON_SIZE, JSON_OBJECT, false, false,
							&metadata, error);
	for (size_t i = 0; status == ELECTRA_OK && i < sizeof(versions) / sizeof(versions[0]); i++)
		status = note_version(keras, metadata, versions[i], error);
	if (status == ELECTRA_OK && json_member(metadata, "parameter_count") != NULL)
		status = json_get_double(metadata, "metadata.json", "parameter_count", &counted, error);
	json_decref(metadata);
	if (status == ELECTRA_OK && counted != (double) parameters)
		keras_notice(keras, "file \"metadata.json\" counts %.0f parameters, but the preset has %" PRId64, counted,
					 parameters);
	return status;
}

/* What Keras-Hub's directories do not say: plain means over tokens. */
static void
set_pipeline(electra_config *config)
{
	electra_module *pooling = &config->modules[0];

	config->num_modules = 1;
	config->pooling_modes = ELECTRA_POOL_MEAN;
	config->include_prompt = true;
	pooling->kind = ELECTRA_MODULE_POOLING;
	pooling->activation = ELECTRA_IDENTITY;
	pooling->in_dim = pooling->out_dim = config->hidden_dim;
}

/* Everything in the order in which one part needs the other. */
static electra_status
read_directory(keras_preset *keras, const import_options *options, electra_error *error)
{
	electra_config *config = &keras->source->config;

	config->numerics_version = ELECTRA_NUMERICS_VERSION;
	config->unicode_version = ELECTRA_UNICODE_VERSION;
	config->dtype = ELECTRA_F32;
	config->truncation = ELECTRA_TRUNCATE;
	if (source_directory_check(&keras->files, error) != ELECTRA_OK ||
		json_file_load(&keras->files, "config.json", KERAS_MAX_JSON_SIZE, JSON_OBJECT, false, true,
					   &keras->config, error) != ELECTRA_OK ||
		keras_config_read(keras, error) != ELECTRA_OK ||
		json_file_load(&keras->files, "tokenizer.json", KERAS_MAX_TOKENIZER_SIZE, JSON_OBJECT, false, false,
					   &keras->tokenizer, error) != ELECTRA_OK ||
		keras_tokenizer_read(keras, error) != ELECTRA_OK ||
		read_metadata(keras, error) != ELECTRA_OK)
		return error->status;
	set_pipeline(config);
	if (import_options_apply(options, config, error) != ELECTRA_OK)
		return error->status;
	if (!options->load_weights)
		return random_weights_open(keras->source, options->seed, error);
	if (keras_weights_open(keras, error) != ELECTRA_OK)
		return error->status;
	keras_notice(keras, "the source has no modules.json: its vectors are plain means over tokens, not trained "
				 "for similarity");
	return ELECTRA_OK;
}

electra_status
keras_open(const char *directory, const import_options *options, void (*notice) (const char *message),
		   preset_source *source, electra_error *error)
{
	keras_preset keras;
	electra_status status;

	memset(source, 0, sizeof(*source));
	memset(&keras, 0, sizeof(keras));
	keras.files.path = directory;
	keras.files.source = source;
	keras.source = source;
	keras.notice = notice;

	status = read_directory(&keras, options, error);
	json_decref(keras.config);
	json_decref(keras.tokenizer);
	if (status != ELECTRA_OK)
	{
		preset_source_free(source);
		memset(source, 0, sizeof(*source));
	}
	return status;
}

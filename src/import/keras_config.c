/*
 * config.json of a Keras-Hub preset: the arguments of its backbone's
 * constructor.
 */
#include "import/keras_preset.h"

#include <string.h>

static const char file[] = "config.json";

/* The arguments of the constructors, and what Backbone.get_config adds. */
static const char *const electra_arguments[] = {
	"name", "trainable", "dtype", "vocab_size", "num_layers", "num_heads", "hidden_dim", "embedding_dim",
	"intermediate_dim", "dropout", "max_sequence_length", "num_segments", NULL
};
static const char *const bert_arguments[] = {
	"name", "trainable", "dtype", "vocabulary_size", "num_layers", "num_heads", "hidden_dim",
	"intermediate_dim", "dropout", "max_sequence_length", "num_segments", NULL
};

/*
 * Policies whose variables are plain floats; what a mixed one computes in does
 * not matter, for we compute in float32.
 */
static const char *const policies[] = {
	"float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"
};

/* Refuses a policy by its name. */
static electra_status
check_policy_name(const char *name, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (strcmp(policies[i], name) == 0)
			return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "dtype policy \"%s\" in file \"%s\" is not supported",
				 source_quote(name, quoted), file);
	electra_fail_detail(error, "Expected float32, float16, bfloat16, float64, mixed_float16 or mixed_bfloat16.");
	electra_fail_hint(error, "Load the preset as it was before quantization.");
	return error->status;
}

/* "dtype": absent, a name, or a serialized DTypePolicy. */
static electra_status
check_dtype(const json_t *arguments, electra_error *error)
{
	const json_t *policy = json_member(arguments, "dtype");
	const char *class_name = NULL;
	const char *name = NULL;
	json_t	   *config = NULL;
	char		quoted[SOURCE_QUOTE_SIZE];

	if (policy == NULL)
		return ELECTRA_OK;
	if (json_is_string(policy))
		return check_policy_name(json_string_value(policy), error);
	if (!json_is_object(policy))
		return json_fail_value(file, "config.dtype", "a string or an object", policy, error);
	if (json_get_string(policy, file, "config.dtype.class_name", &class_name, error) != ELECTRA_OK)
		return error->status;
	if (class_name != NULL && strcmp(class_name, "DTypePolicy") != 0 &&
		strcmp(class_name, "FloatDTypePolicy") != 0)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "dtype policy \"%s\" in file \"%s\" is not supported",
					 source_quote(class_name, quoted), file);
		electra_fail_detail(error, "Expected a DTypePolicy of float32, float16, bfloat16, float64, mixed_float16 "
							"or mixed_bfloat16.");
		electra_fail_hint(error, "Load the preset as it was before quantization.");
		return error->status;
	}
	if (json_get_container(policy, file, "config.dtype.config", JSON_OBJECT, &config, error) != ELECTRA_OK ||
		json_get_string(config, file, "config.dtype.config.name", &name, error) != ELECTRA_OK)
		return error->status;
	if (class_name == NULL || name == NULL)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"config.dtype.%s\" is missing in file \"%s\"",
							class_name == NULL ? "class_name" : "config.name", file);
	return check_policy_name(name, error);
}

/* Which backbone?  *bert tells the two that we know. */
static electra_status
read_class(const keras_preset *keras, bool *bert, electra_error *error)
{
	const char *registered = NULL;
	const char *class_name;
	char		quoted[SOURCE_QUOTE_SIZE];

	if (json_get_string(keras->config, file, "registered_name", &registered, error) != ELECTRA_OK)
		return error->status;
	if (registered == NULL)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"registered_name\" is missing in file \"%s\"", file);
	class_name = keras_class_name(registered);
	if (class_name == NULL || (strcmp(class_name, "ElectraBackbone") != 0 && strcmp(class_name, "BertBackbone") != 0))
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "model class \"%s\" in file \"%s\" is not supported",
					 source_quote(registered, quoted), file);
		electra_fail_detail(error, "Expected keras_hub>ElectraBackbone or keras_hub>BertBackbone (or keras_nlp> "
							"in the place of keras_hub>).");
		electra_fail_hint(error, "Presets that work: %s.", KERAS_WORKING_PRESETS);
		return error->status;
	}
	*bert = strcmp(class_name, "BertBackbone") == 0;
	if (preset_source_note(keras->source, "source.architecture", class_name, error) != ELECTRA_OK)
		return error->status;
	return preset_source_note(keras->source, "source.registered_name", registered, error);
}

/* A size that the constructor demands. */
static electra_status
read_size(const json_t *arguments, const char *key, int32_t max, int32_t *value, electra_error *error)
{
	if (json_object_get(arguments, strchr(key, '.') + 1) == NULL)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"%s\" is missing in file \"%s\"", key, file);
	return json_get_int32(arguments, file, key, 1, max, value, error);
}

/* The limits of electra_config_check, but with the names of this file. */
static electra_status
read_shape(const json_t *arguments, bool bert, electra_config *config, electra_error *error)
{
	const char *vocabulary = bert ? "config.vocabulary_size" : "config.vocab_size";

	config->max_sequence_length = 512;
	config->num_segments = 2;
	config->dropout = 0.1;
	if (read_size(arguments, vocabulary, 1 << 24, &config->vocab_size, error) != ELECTRA_OK ||
		read_size(arguments, "config.num_layers", 1024, &config->num_layers, error) != ELECTRA_OK ||
		read_size(arguments, "config.num_heads", 4096, &config->num_heads, error) != ELECTRA_OK ||
		read_size(arguments, "config.hidden_dim", 1 << 18, &config->hidden_dim, error) != ELECTRA_OK ||
		read_size(arguments, "config.intermediate_dim", 1 << 18, &config->intermediate_dim, error) != ELECTRA_OK ||
		json_get_int32(arguments, file, "config.max_sequence_length", 2, 1 << 20, &config->max_sequence_length,
					   error) != ELECTRA_OK ||
		json_get_int32(arguments, file, "config.num_segments", 1, 256, &config->num_segments, error) != ELECTRA_OK ||
		json_get_double(arguments, file, "config.dropout", &config->dropout, error) != ELECTRA_OK)
		return error->status;
	config->embedding_dim = config->hidden_dim;
	if (!bert && read_size(arguments, "config.embedding_dim", 1 << 18, &config->embedding_dim, error) != ELECTRA_OK)
		return error->status;

	if (!(config->dropout >= 0 && config->dropout < 1))
		return json_fail_value(file, "config.dropout", "at least 0 and less than 1",
							   json_object_get(arguments, "dropout"), error);
	if (config->hidden_dim % config->num_heads != 0)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE,
					 "\"config.num_heads\" does not divide \"config.hidden_dim\" in file \"%s\"", file);
		electra_fail_detail(error, "hidden_dim is %d, num_heads is %d.", (int) config->hidden_dim,
							(int) config->num_heads);
		return error->status;
	}
	return ELECTRA_OK;
}

electra_status
keras_config_read(keras_preset *keras, electra_error *error)
{
	electra_config *config = &keras->source->config;
	json_t	   *arguments = NULL;
	bool		bert = false;

	if (read_class(keras, &bert, error) != ELECTRA_OK ||
		json_get_container(keras->config, file, "config", JSON_OBJECT, &arguments, error) != ELECTRA_OK)
		return error->status;
	if (arguments == NULL)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"config\" is missing in file \"%s\"", file);
	if (check_dtype(arguments, error) != ELECTRA_OK ||
		keras_check_keys(arguments, file, "config.", bert ? bert_arguments : electra_arguments,
						 bert ? "Keras-Hub's BertBackbone" : "Keras-Hub's ElectraBackbone", error) != ELECTRA_OK ||
		read_shape(arguments, bert, config, error) != ELECTRA_OK)
		return error->status;
	config->activation = ELECTRA_GELU_TANH;
	config->layer_norm_eps = 1e-12;
	config->has_pooler = true;
	return ELECTRA_OK;
}

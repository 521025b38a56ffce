/*
 * The pipeline of a sentence-transformers directory: modules.json and the
 * files of its modules.
 *
 * Follows sentence-transformers 6.2: base/model.py (_load_modules),
 * base/modules/{transformer,dense,normalize}.py and
 * sentence_transformer/modules/pooling.py.
 */
#include "import/sentence_transformers.h"

#include <stdio.h>
#include <string.h>

#include "import/hf_config.h"

#define MAX_MODULE_PATH 200

/* Poolings in the order of ELECTRA_POOL_…: key of old saves, value of new ones. */
static const struct
{
	const char *old_key;
	const char *new_name;
}			pooling_names[ELECTRA_NUM_POOLING_MODES] = {
	{"pooling_mode_cls_token", "cls"},
	{"pooling_mode_max_tokens", "max"},
	{"pooling_mode_mean_tokens", "mean"},
	{"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
	{"pooling_mode_weightedmean_tokens", "weightedmean"},
	{"pooling_mode_lasttoken", "lasttoken"},
};

/* Activation functions of Dense modules: names of torch.nn's classes. */
static const struct
{
	const char *name;
	electra_activation activation;
}			dense_activations[] = {
	{"Tanh", ELECTRA_TANH},
	{"Identity", ELECTRA_IDENTITY},
	{"GELU", ELECTRA_GELU},
	{"ReLU", ELECTRA_RELU},
	{"Sigmoid", ELECTRA_SIGMOID},
	{"SiLU", ELECTRA_SILU},
	{"Mish", ELECTRA_MISH},
};

const char *
st_pooling_key(int index)
{
	return pooling_names[index].old_key;
}

const char *
st_dense_activation(electra_activation activation)
{
	for (size_t i = 0; i < sizeof(dense_activations) / sizeof(dense_activations[0]); i++)
		if (dense_activations[i].activation == activation)
			return dense_activations[i].name;
	return NULL;
}

/* What follows the last dot of a class. */
static const char *
class_suffix(const char *type)
{
	const char *dot = strrchr(type, '.');

	return dot == NULL ? type : dot + 1;
}

static const char *
module_type(const hf_directory *hf, size_t index)
{
	return class_suffix(json_string_value(json_object_get(json_array_get(hf->modules, index), "type")));
}

/* "1_Pooling" → "1_Pooling/", "" → "". */
static void
module_folder(const hf_directory *hf, size_t index, char folder[SOURCE_MAX_NAME])
{
	const char *path = json_string_value(json_object_get(json_array_get(hf->modules, index), "path"));

	snprintf(folder, SOURCE_MAX_NAME, "%s%s", path,
			 path[0] == '\0' || path[strlen(path) - 1] == '/' ? "" : "/");
}

/* A path inside the directory: relative, without "..". */
static bool
is_inside(const char *path)
{
	const char *part = path;

	if (path[0] == '/' || strlen(path) > MAX_MODULE_PATH)
		return false;
	while (part != NULL)
	{
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return false;
		part = strchr(part, '/');
		if (part != NULL)
			part++;
	}
	return true;
}

/* Type and path of one entry of modules.json. */
static electra_status
check_module(const json_t *module, electra_error *error)
{
	static const char *const known[] = {"Transformer", "Pooling", "Dense", "Normalize"};
	const char *file = "modules.json";
	const char *type = json_string_value(json_object_get(module, "type"));
	const char *path = json_string_value(json_object_get(module, "path"));
	char		quoted[SOURCE_QUOTE_SIZE];
	bool		found = false;

	if (type == NULL || path == NULL)
		return electra_fail(error, ELECTRA_INVALID_SOURCE,
							"an entry of file \"%s\" lacks \"type\" or \"path\"", file);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		found = found || strcmp(class_suffix(type), known[i]) == 0;
	if (!found || strncmp(type, "sentence_transformers.", 22) != 0)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "module type \"%s\" in file \"%s\" is not supported",
					 source_quote(type, quoted), file);
		electra_fail_detail(error, "Expected sentence-transformers' Transformer, Pooling, Dense or Normalize.");
		electra_fail_hint(error, "Models made of these modules work, for example " HF_WORKING_MODELS ".");
		return error->status;
	}
	if (!is_inside(path))
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "path \"%s\" in file \"%s\" leaves the directory",
					 source_quote(path, quoted), file);
		electra_fail_detail(error, "Expected a relative path without \"..\" of at most %d bytes.",
							MAX_MODULE_PATH);
		return error->status;
	}
	return ELECTRA_OK;
}

electra_status
st_modules_read(hf_directory *hf, electra_error *error)
{
	size_t		index;
	json_t	   *module;

	if (json_file_load(&hf->files, "modules.json", HF_MAX_JSON_SIZE, JSON_ARRAY, false, false, &hf->modules,
					   error) != ELECTRA_OK)
		return error->status;
	if (hf->modules == NULL)
		return ELECTRA_OK;
	if (json_array_size(hf->modules) > ELECTRA_MAX_MODULES)
		return electra_fail(error, ELECTRA_UNSUPPORTED, "file \"modules.json\" has more than %d modules",
							ELECTRA_MAX_MODULES);
	json_array_foreach(hf->modules, index, module)
	{
		bool		first = index == 0;
		bool		second = index == 1;

		if (check_module(module, error) != ELECTRA_OK)
			return error->status;
		if ((strcmp(module_type(hf, index), "Transformer") == 0) != first ||
			(strcmp(module_type(hf, index), "Pooling") == 0) != second)
		{
			electra_fail(error, ELECTRA_UNSUPPORTED,
						 "the order of modules in file \"modules.json\" is not supported");
			electra_fail_detail(error, "Module %zu is \"%s\"; expected one Transformer, then one Pooling, then any "
								"Dense and Normalize modules.", index, module_type(hf, index));
			return error->status;
		}
	}
	if (json_array_size(hf->modules) < 2)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "file \"modules.json\" has no Pooling module");
		electra_fail_detail(error, "Expected one Transformer, then one Pooling, then any Dense and Normalize "
							"modules.");
		return error->status;
	}
	module_folder(hf, 0, hf->transformer);
	return ELECTRA_OK;
}

/* Fails for a key of sentence_bert_config.json that is there with a value of weight. */
static electra_status
refuse_key(const json_t *json, const char *file, const char *key, const char *harmless, electra_error *error)
{
	const json_t *value = json_member(json, key);
	char		words[SOURCE_QUOTE_SIZE + 2];

	if (value == NULL || (json_is_object(value) && json_object_size(value) == 0) ||
		(json_is_string(value) && harmless != NULL && strcmp(json_string_value(value), harmless) == 0))
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "\"%s\" in file \"%s\" is not supported", key, file);
	if (harmless != NULL)
		electra_fail_detail(error, "Expected \"%s\", found %s.", harmless, json_describe(value, words));
	else
		electra_fail_detail(error, "It is %s.", json_describe(value, words));
	return error->status;
}

/* Only plain text through the plain forward pass: what every model of ours does. */
static electra_status
check_modality(const json_t *json, const char *file, electra_error *error)
{
	const json_t *modality = json_member(json, "modality_config");
	const char *method = json_string_value(json_object_get(json_object_get(modality, "text"), "method"));

	if (modality == NULL || (method != NULL && strcmp(method, "forward") == 0))
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "\"modality_config\" in file \"%s\" is not supported", file);
	electra_fail_detail(error, "Expected \"text\" with the method \"forward\".");
	return error->status;
}

/* The transformer module's settings, from sentence_bert_config.json or its older names. */
static electra_status
read_transformer_settings(const hf_directory *hf, const json_t *json, const char *file, electra_error *error)
{
	static const char *const refused[] = {
		"processing_kwargs", "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs",
		"query_length", "document_length", "query_expansion", "tokenizer_name_or_path"
	};
	electra_config *config = &hf->source->config;
	int32_t		max_length = 0;
	bool		lowercase = false;

	if (refuse_key(json, file, "transformer_task", "feature-extraction", error) != ELECTRA_OK ||
		refuse_key(json, file, "module_output_name", "token_embeddings", error) != ELECTRA_OK ||
		check_modality(json, file, error) != ELECTRA_OK)
		return error->status;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refuse_key(json, file, refused[i], NULL, error) != ELECTRA_OK)
			return error->status;

	if (json_member(json, "max_seq_length") != NULL &&
		json_get_int32(json, file, "max_seq_length", 2, INT32_MAX, &max_length, error) != ELECTRA_OK)
		return error->status;
	if (json_get_bool(json, file, "do_lower_case", &lowercase, error) != ELECTRA_OK)
		return error->status;

	/*
	 * It puts tokenizers' Lowercase before BERT's normalizer; over all code
	 * points that is the same as the normalizer's own lowercase with
	 * strip_accents unchanged.
	 */
	if (lowercase)
		config->tokenizer.lowercase = true;
	if (max_length > config->max_sequence_length)
	{
		hf_notice(hf, "max_seq_length %d is more than the encoder's %d positions, which bound it",
				  (int) max_length, (int) config->max_sequence_length);
		max_length = config->max_sequence_length;
	}
	if (max_length > 0)
		config->max_length = max_length;
	return ELECTRA_OK;
}

static electra_status
read_transformer(const hf_directory *hf, electra_error *error)
{
	static const char *const names[] = {
		"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
		"sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json",
		"sentence_xlnet_config.json"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		char		file[SOURCE_MAX_NAME];
		json_t	   *json;
		size_t		size;
		electra_status status;

		if (json_file_load(&hf->files, hf_file_name(hf, names[i], file), HF_MAX_JSON_SIZE, JSON_OBJECT, false,
						   false, &json, error) != ELECTRA_OK)
			return error->status;
		if (json == NULL)
			continue;
		size = json_object_size(json);
		status = read_transformer_settings(hf, json, file, error);
		json_decref(json);
		if (status != ELECTRA_OK || size > 0)
			return status;
	}
	return ELECTRA_OK;
}

/* One mode of a new save: bits must come in ascending order, as they concatenate. */
static electra_status
add_pooling_mode(const json_t *value, const char *file, int32_t *modes, electra_error *error)
{
	const char *name = json_string_value(value);

	for (int i = 0; name != NULL && i < ELECTRA_NUM_POOLING_MODES; i++)
	{
		if (strcmp(name, pooling_names[i].new_name) != 0)
			continue;
		if (*modes >= 1 << i)
		{
			electra_fail(error, ELECTRA_UNSUPPORTED, "the order of \"pooling_mode\" in file \"%s\" is not supported",
						 file);
			electra_fail_detail(error, "Expected any of cls, max, mean, mean_sqrt_len_tokens, weightedmean and "
								"lasttoken, once each and in this order.");
			return error->status;
		}
		*modes |= 1 << i;
		return ELECTRA_OK;
	}
	return json_fail_value(file, "pooling_mode", "cls, max, mean, mean_sqrt_len_tokens, weightedmean or lasttoken",
						   value, error);
}

/* pooling_mode beats the old keys; where none is true it is the mean. */
static electra_status
read_pooling_modes(const json_t *json, const char *file, int32_t *modes, electra_error *error)
{
	const json_t *new_value = json_object_get(json, "pooling_mode");
	size_t		index;
	json_t	   *element;

	*modes = 0;
	if (json_is_array(new_value))
	{
		json_array_foreach((json_t *) new_value, index, element)
			if (add_pooling_mode(element, file, modes, error) != ELECTRA_OK)
			return error->status;
		if (*modes == 0)
			return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"pooling_mode\" in file \"%s\" is an empty list",
								file);
		return ELECTRA_OK;
	}
	if (new_value != NULL)
		return add_pooling_mode(new_value, file, modes, error);
	for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
	{
		bool		set = false;

		if (json_get_bool(json, file, pooling_names[i].old_key, &set, error) != ELECTRA_OK)
			return error->status;
		*modes |= set ? 1 << i : 0;
	}
	if (*modes == 0)
		*modes = ELECTRA_POOL_MEAN;
	return ELECTRA_OK;
}

/* Sets modules[0] for the modes. */
static void
set_pooling(electra_config *config, int32_t modes)
{
	electra_module *module = &config->modules[0];

	module->kind = ELECTRA_MODULE_POOLING;
	module->activation = ELECTRA_IDENTITY;
	module->in_dim = config->hidden_dim;
	module->out_dim = 0;
	for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
		module->out_dim += (modes >> i & 1) * config->hidden_dim;
	config->pooling_modes = modes;
	config->num_modules = 1;
}

static electra_status
read_pooling(electra_config *config, const json_t *json, const char *file, electra_error *error)
{
	const char *key = json_object_get(json, "embedding_dimension") != NULL ? "embedding_dimension" :
		"word_embedding_dimension";
	int32_t		width = config->hidden_dim;
	int32_t		modes;

	if (json_get_int32(json, file, key, 1, INT32_MAX, &width, error) != ELECTRA_OK ||
		read_pooling_modes(json, file, &modes, error) != ELECTRA_OK ||
		json_get_bool(json, file, "include_prompt", &config->include_prompt, error) != ELECTRA_OK)
		return error->status;
	if (width != config->hidden_dim)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "\"%s\" in file \"%s\" does not fit the encoder", key, file);
		electra_fail_detail(error, "Expected %d, found %d.", (int) config->hidden_dim, (int) width);
		return error->status;
	}
	set_pooling(config, modes);
	return ELECTRA_OK;
}

/* The activation of a Dense module: a class of torch.nn, Tanh where none is given. */
static electra_status
read_dense_activation(const json_t *json, const char *file, electra_activation *activation,
					  electra_error *error)
{
	const char *name = "torch.nn.modules.activation.Tanh";
	char		quoted[SOURCE_QUOTE_SIZE];

	if (json_get_string(json, file, "activation_function", &name, error) != ELECTRA_OK)
		return error->status;
	for (size_t i = 0; i < sizeof(dense_activations) / sizeof(dense_activations[0]); i++)
	{
		if (strncmp(name, "torch.nn.", 9) == 0 && strcmp(class_suffix(name), dense_activations[i].name) == 0)
		{
			*activation = dense_activations[i].activation;
			return ELECTRA_OK;
		}
	}
	electra_fail(error, ELECTRA_UNSUPPORTED, "\"activation_function\" in file \"%s\" is not supported", file);
	electra_fail_detail(error, "It is \"%s\"; expected torch.nn's Tanh, Identity, GELU, ReLU, Sigmoid, SiLU or "
						"Mish.", source_quote(name, quoted));
	return error->status;
}

/* A module that works on anything but the sentence's vector is none of ours. */
static electra_status
check_vector_names(const json_t *json, const char *file, electra_error *error)
{
	if (refuse_key(json, file, "module_input_name", "sentence_embedding", error) != ELECTRA_OK)
		return error->status;
	return refuse_key(json, file, "module_output_name", "sentence_embedding", error);
}

static electra_status
read_dense(electra_config *config, const json_t *json, const char *file, electra_error *error)
{
	electra_module *module = &config->modules[config->num_modules];
	int32_t		width = module[-1].out_dim;
	bool		residual = false;

	module->kind = ELECTRA_MODULE_DENSE;
	module->in_dim = 0;
	module->out_dim = 0;
	module->has_bias = true;
	if (json_get_int32(json, file, "in_features", 1, 1 << 18, &module->in_dim, error) != ELECTRA_OK ||
		json_get_int32(json, file, "out_features", 1, 1 << 18, &module->out_dim, error) != ELECTRA_OK ||
		json_get_bool(json, file, "bias", &module->has_bias, error) != ELECTRA_OK ||
		json_get_bool(json, file, "use_residual", &residual, error) != ELECTRA_OK ||
		read_dense_activation(json, file, &module->activation, error) != ELECTRA_OK ||
		check_vector_names(json, file, error) != ELECTRA_OK)
		return error->status;
	if (module->in_dim == 0 || module->out_dim == 0)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"%s\" is missing in file \"%s\"",
							module->in_dim == 0 ? "in_features" : "out_features", file);
	if (residual)
		return electra_fail(error, ELECTRA_UNSUPPORTED, "\"use_residual\" in file \"%s\" is not supported", file);
	if (module->in_dim != width)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "\"in_features\" in file \"%s\" does not fit the module before it",
					 file);
		electra_fail_detail(error, "Expected %d, found %d.", (int) width, (int) module->in_dim);
		return error->status;
	}
	config->num_modules++;
	return ELECTRA_OK;
}

static electra_status
read_normalize(electra_config *config, const json_t *json, const char *file, electra_error *error)
{
	electra_module *module = &config->modules[config->num_modules];

	if (check_vector_names(json, file, error) != ELECTRA_OK)
		return error->status;
	module->kind = ELECTRA_MODULE_NORMALIZE;
	module->activation = ELECTRA_IDENTITY;
	module->in_dim = module->out_dim = module[-1].out_dim;
	config->num_modules++;
	return ELECTRA_OK;
}

/* One module behind the transformer, with its config.json. */
static electra_status
read_module(hf_directory *hf, size_t index, electra_error *error)
{
	electra_config *config = &hf->source->config;
	const char *type = module_type(hf, index);
	bool		is_normalize = strcmp(type, "Normalize") == 0;
	char		folder[SOURCE_MAX_NAME];
	char		file[SOURCE_MAX_NAME + 16];
	json_t	   *json;
	electra_status status;

	module_folder(hf, index, folder);
	snprintf(file, sizeof(file), "%sconfig.json", folder);

	/* old Normalize modules have no file, but then also no folder of their own */
	json = NULL;
	if (!(is_normalize && folder[0] == '\0') &&
		json_file_load(&hf->files, file, HF_MAX_JSON_SIZE, JSON_OBJECT, false, !is_normalize, &json,
					   error) != ELECTRA_OK)
		return error->status;
	if (is_normalize)
		status = read_normalize(config, json, file, error);
	else if (strcmp(type, "Dense") == 0)
	{
		strcpy(hf->dense_paths[hf->num_dense++], folder);
		status = read_dense(config, json, file, error);
	}
	else
		status = read_pooling(config, json, file, error);
	json_decref(json);
	return status;
}

/* A prompt of the preset itself; an empty one is none. */
static electra_status
set_prompt(const char *file, const char *name, const char *text, bool *present,
		   char field[ELECTRA_MAX_PROMPT + 1], electra_error *error)
{
	if (strlen(text) > ELECTRA_MAX_PROMPT)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "prompt \"%s\" in file \"%s\" is too long", name, file);
		electra_fail_detail(error, "It has %zu bytes; at most %d are allowed.", strlen(text), ELECTRA_MAX_PROMPT);
		return error->status;
	}
	strcpy(field, text);
	*present = text[0] != '\0';
	return ELECTRA_OK;
}

/* All prompts are kept; "query" and "document" are used. */
static electra_status
read_prompts(const hf_directory *hf, const json_t *prompts, const char *file, electra_error *error)
{
	electra_config *config = &hf->source->config;
	const char *name;
	json_t	   *value;

	json_object_foreach((json_t *) prompts, name, value)
	{
		const char *text = json_is_null(value) ? "" : json_string_value(value);
		char		key[128];

		if (text == NULL)
			return json_fail_value(file, name, "a string", value, error);
		if ((strcmp(name, "query") == 0 &&
			 set_prompt(file, name, text, &config->has_query_prompt, config->query_prompt, error) != ELECTRA_OK) ||
			(strcmp(name, "document") == 0 &&
			 set_prompt(file, name, text, &config->has_document_prompt, config->document_prompt,
						error) != ELECTRA_OK))
			return error->status;
		if (snprintf(key, sizeof(key), "source.prompts.%s", name) >= (int) sizeof(key))
			return electra_fail(error, ELECTRA_UNSUPPORTED, "the name of a prompt in file \"%s\" is too long", file);
		if (preset_source_note(hf->source, key, text, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* Keeps a string of config_sentence_transformers.json as provenance. */
static electra_status
keep_string(const hf_directory *hf, const json_t *json, const char *file, const char *key, const char **value,
			electra_error *error)
{
	char		note[64];

	*value = NULL;
	if (json_member(json, key) == NULL)
		return ELECTRA_OK;
	if (json_get_string(json, file, key, value, error) != ELECTRA_OK)
		return error->status;
	snprintf(note, sizeof(note), "source.%s", key);
	return preset_source_note(hf->source, note, *value, error);
}

/* The contents of config_sentence_transformers.json. */
static electra_status
read_model_settings(hf_directory *hf, const json_t *json, const char *file, electra_error *error)
{
	int32_t		width = electra_config_dimensions(&hf->source->config);
	const char *prompt_name;
	const char *similarity;
	const char *default_prompt;
	char		quoted[SOURCE_QUOTE_SIZE];
	json_t	   *prompts;

	if (json_get_container(json, file, "prompts", JSON_OBJECT, &prompts, error) != ELECTRA_OK ||
		read_prompts(hf, prompts, file, error) != ELECTRA_OK ||
		keep_string(hf, json, file, "default_prompt_name", &prompt_name, error) != ELECTRA_OK ||
		keep_string(hf, json, file, "similarity_fn_name", &similarity, error) != ELECTRA_OK)
		return error->status;
	if (json_member(json, "truncate_dim") != NULL &&
		json_get_int32(json, file, "truncate_dim", 1, INT32_MAX, &hf->truncate_dim, error) != ELECTRA_OK)
		return error->status;
	if (hf->truncate_dim >= width)
		hf->truncate_dim = 0;
	default_prompt = prompt_name == NULL ? NULL : json_string_value(json_member(prompts, prompt_name));
	if (default_prompt != NULL && default_prompt[0] != '\0')
		hf_notice(hf, "the source's default prompt \"%s\" is not used by electra_embed",
				  source_quote(prompt_name, quoted));
	return ELECTRA_OK;
}

/* max_length where no file of sentence-transformers says it. */
static void
set_default_length(const hf_directory *hf)
{
	electra_config *config = &hf->source->config;

	config->max_length = config->max_sequence_length;
	if (hf->model_max_length < config->max_length)
		config->max_length = (int32_t) hf->model_max_length;
}

electra_status
st_pipeline_read(hf_directory *hf, electra_error *error)
{
	const char *file = "config_sentence_transformers.json";
	electra_config *config = &hf->source->config;
	electra_status status;
	json_t	   *json;

	set_default_length(hf);
	config->include_prompt = true;
	config->trained_for_similarity = hf->modules != NULL;
	if (hf->modules == NULL)
	{
		set_pooling(config, ELECTRA_POOL_MEAN);
		return ELECTRA_OK;
	}
	if (read_transformer(hf, error) != ELECTRA_OK)
		return error->status;
	for (size_t i = 1; i < json_array_size(hf->modules); i++)
		if (read_module(hf, i, error) != ELECTRA_OK)
			return error->status;
	if (json_file_load(&hf->files, file, HF_MAX_JSON_SIZE, JSON_OBJECT, false, false, &json, error) != ELECTRA_OK)
		return error->status;
	status = read_model_settings(hf, json, file, error);
	json_decref(json);
	return status;
}

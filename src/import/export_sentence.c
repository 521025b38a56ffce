/*
 * The files of sentence-transformers, as sentence_transformers.c reads them:
 * the older names, which every version understands.
 */
#include "import/export_parts.h"

#include <stdio.h>
#include <string.h>

#include "import/sentence_transformers.h"

#define PROMPTS_PREFIX "source.prompts."

/* Name of a module's class, and of its folder. */
static const char *const kinds[] = {
	[ELECTRA_MODULE_POOLING] = "Pooling",
	[ELECTRA_MODULE_DENSE] = "Dense",
	[ELECTRA_MODULE_NORMALIZE] = "Normalize",
};

bool
export_needs_sentence(const electra_config *config)
{
	return config->trained_for_similarity || config->num_modules > 1 ||
		config->pooling_modes != ELECTRA_POOL_MEAN || config->normalize || config->dimensions > 0 ||
		config->has_query_prompt || config->has_document_prompt;
}

/* The transformer, which lies in the directory itself, is module 0. */
void
export_module_folder(const electra_config *config, int index, char folder[EXPORT_FOLDER_SIZE])
{
	snprintf(folder, EXPORT_FOLDER_SIZE, "%d_%s", index + 1, kinds[config->modules[index].kind]);
}

/* Appends one entry of modules.json. */
static int
append_module(json_t *modules, const char *path, const char *kind)
{
	char		type[64];
	char		name[16];
	int			index = (int) json_array_size(modules);

	snprintf(type, sizeof(type), "sentence_transformers.models.%s", kind);
	snprintf(name, sizeof(name), "%d", index);
	return json_array_append_new(modules, json_pack("{s:i, s:s, s:s, s:s}", "idx", index, "name", name,
													"path", path, "type", type));
}

/*
 * modules.json.  A normalization behind the modules is one more of them, but
 * not behind a cut: that comes after all modules.
 */
static electra_status
write_modules(exporter *exporter, electra_error *error)
{
	const electra_config *config = &exporter->archive->config;
	json_t	   *modules = json_array();
	int			failed = append_module(modules, "", "Transformer");
	char		folder[EXPORT_FOLDER_SIZE];

	for (int i = 0; i < config->num_modules; i++)
	{
		export_module_folder(config, i, folder);
		failed |= append_module(modules, folder, kinds[config->modules[i].kind]);
	}
	if (config->normalize && config->dimensions == 0)
	{
		snprintf(folder, sizeof(folder), "%d_Normalize", (int) config->num_modules + 1);
		failed |= append_module(modules, folder, "Normalize");
	}
	if (failed)
	{
		json_decref(modules);
		modules = NULL;
	}
	return export_output_json(&exporter->output, "modules.json", modules, JSON_INDENT(2), error);
}

static electra_status
write_pooling(exporter *exporter, const char *file, electra_error *error)
{
	const electra_config *config = &exporter->archive->config;
	json_t	   *json = json_pack("{s:i}", "word_embedding_dimension", (int) config->hidden_dim);
	int			failed = 0;

	for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
		failed |= json_object_set_new(json, st_pooling_key(i), json_boolean(config->pooling_modes >> i & 1));
	failed |= json_object_set_new(json, "include_prompt", json_boolean(config->include_prompt));
	if (failed)
	{
		json_decref(json);
		json = NULL;
	}
	return export_output_json(&exporter->output, file, json, JSON_INDENT(2), error);
}

static electra_status
write_dense(exporter *exporter, const char *file, const electra_module *module, electra_error *error)
{
	const char *activation = st_dense_activation(module->activation);
	char		class_name[64];

	if (activation == NULL)
		return electra_fail(error, ELECTRA_UNSUPPORTED,
							"a Dense module with the activation %s cannot be exported",
							electra_activation_name(module->activation));
	snprintf(class_name, sizeof(class_name), "torch.nn.modules.%s.%s",
			 module->activation == ELECTRA_IDENTITY ? "linear" : "activation", activation);
	return export_output_json(&exporter->output, file,
							  json_pack("{s:i, s:i, s:b, s:s}", "in_features", (int) module->in_dim,
										"out_features", (int) module->out_dim, "bias", (int) module->has_bias,
										"activation_function", class_name),
							  JSON_INDENT(2), error);
}

/* Folder and config.json of each module; a Normalize has neither. */
static electra_status
write_module_settings(exporter *exporter, electra_error *error)
{
	const electra_config *config = &exporter->archive->config;

	for (int i = 0; i < config->num_modules; i++)
	{
		const electra_module *module = &config->modules[i];
		char		folder[EXPORT_FOLDER_SIZE];
		char		file[EXPORT_FOLDER_SIZE + 16];
		electra_status status;

		if (module->kind == ELECTRA_MODULE_NORMALIZE)
			continue;
		export_module_folder(config, i, folder);
		snprintf(file, sizeof(file), "%s/config.json", folder);
		if (export_output_folder(&exporter->output, folder, error) != ELECTRA_OK)
			return error->status;
		status = module->kind == ELECTRA_MODULE_DENSE ? write_dense(exporter, file, module, error) :
			write_pooling(exporter, file, error);
		if (status != ELECTRA_OK)
			return status;
	}
	return ELECTRA_OK;
}

/* The two prompts that the preset has, and those of the source that it only kept. */
static json_t *
pack_prompts(const electra_archive *archive)
{
	const size_t prefix_length = strlen(PROMPTS_PREFIX);
	json_t	   *prompts = json_pack("{s:s, s:s}", "query", archive->config.query_prompt,
									"document", archive->config.document_prompt);

	for (int i = 0; i < archive->num_metadata && prompts != NULL; i++)
	{
		const electra_metadata *pair = &archive->metadata[i];
		const char *name = pair->key + prefix_length;

		if (strncmp(pair->key, PROMPTS_PREFIX, prefix_length) == 0 &&
			json_object_get(prompts, name) == NULL &&
			json_object_set_new(prompts, name, json_string(pair->value)) != 0)
		{
			json_decref(prompts);
			prompts = NULL;
		}
	}
	return prompts;
}

/* A string that the source's file had and the archive kept, or null. */
static json_t *
kept_string(const electra_archive *archive, const char *key)
{
	const char *value = electra_archive_metadata(archive, key);

	return value == NULL ? json_null() : json_string(value);
}

static electra_status
write_settings(exporter *exporter, electra_error *error)
{
	const electra_archive *archive = exporter->archive;
	const electra_config *config = &archive->config;
	json_t	   *json = json_pack("{s:o, s:o, s:o}", "prompts", pack_prompts(archive),
								 "default_prompt_name", kept_string(archive, "source.default_prompt_name"),
								 "similarity_fn_name", kept_string(archive, "source.similarity_fn_name"));

	if (json != NULL && config->dimensions > 0 &&
		json_object_set_new(json, "truncate_dim", json_integer(config->dimensions)) != 0)
	{
		json_decref(json);
		json = NULL;
	}
	if (export_output_json(&exporter->output, "config_sentence_transformers.json", json, JSON_INDENT(2),
						   error) != ELECTRA_OK)
		return error->status;
	return export_output_json(&exporter->output, "sentence_bert_config.json",
							  json_pack("{s:i, s:b}", "max_seq_length", (int) config->max_length,
										"do_lower_case", 0),
							  JSON_INDENT(2), error);
}

electra_status
export_write_sentence(exporter *exporter, electra_error *error)
{
	const electra_config *config = &exporter->archive->config;

	if (write_modules(exporter, error) != ELECTRA_OK ||
		write_module_settings(exporter, error) != ELECTRA_OK ||
		write_settings(exporter, error) != ELECTRA_OK)
		return error->status;
	if (config->dimensions > 0 && config->normalize)
		export_remark(exporter, "sentence-transformers does not normalize vectors again that it cuts to %d "
					  "components: ask for it, encode(..., normalize_embeddings=True); electra-import does with "
					  "--normalize yes", (int) config->dimensions);
	if (!config->trained_for_similarity)
		export_remark(exporter, "the preset was not trained for similarity, although it has modules.json now");
	return ELECTRA_OK;
}

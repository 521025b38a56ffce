/*
 * The weights of a Hugging Face directory: maps the names, checks that exactly
 * the tensors of the preset are there in the right shapes.
 */
#include "import/hf_weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/hf_weight_files.h"
#include "import/tensor_names.h"

/* The tensors of encoder and heads as they are being collected. */
typedef struct collection
{
	tensor_collection all;
	char		prefixed[SOURCE_QUOTE_SIZE];	/* an encoder tensor with the
												 * prefix */
	char		bare[SOURCE_QUOTE_SIZE];	/* and one without */
} collection;

/* preset_source.close */
static void
close_weights(preset_source *source)
{
	hf_weight_files_close(source->reader);
	free(source->reader);
	source->reader = NULL;
}

/* Does a file hold a tensor of the pooler?  Then the preset has one. */
static bool
has_pooler(const hf_directory *hf, const hf_weight_file *file)
{
	for (int i = 0; i < file->num_tensors; i++)
	{
		tensor_name name;

		tensor_name_map(hf_weight_file_tensor_name(file, i), hf->prefix, &name);
		if (name.kind == TENSOR_NAME_CANONICAL && strncmp(name.canonical, "pooler.dense.", 13) == 0)
			return true;
	}
	return false;
}

/* The tensors of one file of the transformer. */
static electra_status
collect_file(const hf_directory *hf, collection *collected, const hf_weight_file *file, electra_error *error)
{
	for (int i = 0; i < file->num_tensors; i++)
	{
		const foreign_tensor tensor = hf_weight_file_tensor(file, i);
		electra_tensor_spec spec;
		tensor_name name;

		tensor_name_map(tensor.name, hf->prefix, &name);
		if (name.kind == TENSOR_NAME_IGNORED)
			continue;
		/* modules and texts are names of archives only */
		if (name.kind == TENSOR_NAME_TOO_LONG || strncmp(name.canonical, "modules.", 8) == 0 ||
			!electra_tensor_spec_find(&hf->source->config, name.canonical, &spec) || spec.text)
		{
			name_list_add(&collected->all.unknown, tensor.name);
			continue;
		}
		if (name.encoder)
			source_quote(tensor.name, name.prefixed ? collected->prefixed : collected->bare);
		if (tensor_collection_add(&collected->all, &tensor, &spec, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* linear.weight and linear.bias of a Dense module: modules[index] of config. */
static electra_status
collect_dense(const hf_directory *hf, tensor_collection *all, const hf_weight_file *file, int index,
			  electra_error *error)
{
	for (int i = 0; i < file->num_tensors; i++)
	{
		const foreign_tensor tensor = hf_weight_file_tensor(file, i);
		electra_tensor_spec spec;
		char		canonical[sizeof(spec.name)];

		if ((strcmp(tensor.name, "linear.weight") != 0 && strcmp(tensor.name, "linear.bias") != 0) ||
			snprintf(canonical, sizeof(canonical), "modules.%d.%s", index, tensor.name) < 0 ||
			!electra_tensor_spec_find(&hf->source->config, canonical, &spec))
			name_list_add(&all->unknown, tensor.name);
		else if (tensor_collection_add(all, &tensor, &spec, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* All encoder tensors have the prefix, or none; which one is told where all names are known. */
static electra_status
check_prefix(const hf_directory *hf, const collection *collected, electra_error *error)
{
	if (collected->all.unknown.count > 0 || collected->prefixed[0] == '\0' || collected->bare[0] == '\0')
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_INVALID_SOURCE, "some encoder tensors have the prefix \"%s\", others none",
				 hf->prefix);
	electra_fail_detail(error, "For example \"%s\" and \"%s\".", collected->prefixed, collected->bare);
	return error->status;
}

/* Weight and bias of a head with a free number of labels agree, also with config.json. */
static electra_status
check_labels(const hf_directory *hf, const char *head, electra_error *error)
{
	char		name[64];
	const source_tensor *weight;
	const source_tensor *bias;
	const json_t *labels = json_member(hf->config, "id2label");
	int32_t		expected = 0;

	snprintf(name, sizeof(name), "%s.weight", head);
	weight = tensor_collection_find(hf->source, name);
	snprintf(name, sizeof(name), "%s.bias", head);
	bias = tensor_collection_find(hf->source, name);
	if (weight == NULL && bias == NULL)
		return ELECTRA_OK;
	if (weight == NULL || bias == NULL)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s.%s\" is missing beside \"%s.%s\"",
							head, weight == NULL ? "weight" : "bias", head, weight == NULL ? "bias" : "weight");
	if (weight->spec.shape[0] != bias->spec.shape[0])
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "tensors \"%s.weight\" and \"%s.bias\" do not fit together",
					 head, head);
		electra_fail_detail(error, "They are for %lld and %lld labels.", (long long) weight->spec.shape[0],
							(long long) bias->spec.shape[0]);
		return error->status;
	}
	if (labels != NULL)
	{
		if (!json_is_object(labels))
			return json_fail_value("config.json", "id2label", "an object", labels, error);
		expected = (int32_t) json_object_size(labels);
	}
	else if (json_member(hf->config, "num_labels") != NULL &&
			 json_get_int32(hf->config, "config.json", "num_labels", 1, INT32_MAX, &expected, error) != ELECTRA_OK)
		return error->status;
	if (expected != 0 && expected != weight->spec.shape[0])
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s.weight\" has the wrong number of labels", head);
		electra_fail_detail(error, "Expected %d as in file \"config.json\", found %lld.", (int) expected,
							(long long) weight->spec.shape[0]);
		return error->status;
	}
	return ELECTRA_OK;
}

/* Opens and collects what the Dense modules have. */
static electra_status
collect_modules(const hf_directory *hf, hf_weight_files *weights, tensor_collection *all, electra_error *error)
{
	const electra_config *config = &hf->source->config;
	int			dense = 0;

	for (int i = 0; i < config->num_modules && dense < hf->num_dense; i++)
	{
		if (config->modules[i].kind != ELECTRA_MODULE_DENSE)
			continue;
		if (hf_weight_files_open_module(hf, hf->dense_paths[dense++], weights, error) != ELECTRA_OK ||
			collect_dense(hf, all, &weights->files[weights->num_files - 1], i, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* Maps and checks the tensors of all files. */
static electra_status
collect(hf_directory *hf, hf_weight_files *weights, electra_error *error)
{
	collection	collected;
	int			num_transformer_files;

	memset(&collected, 0, sizeof(collected));
	collected.all.source = hf->source;
	if (hf_weight_files_open(hf, weights, error) != ELECTRA_OK)
		return error->status;
	num_transformer_files = weights->num_files;
	/* known before the first name is looked up */
	for (int i = 0; i < num_transformer_files; i++)
		hf->source->config.has_pooler |= has_pooler(hf, &weights->files[i]);
	for (int i = 0; i < num_transformer_files; i++)
		if (collect_file(hf, &collected, &weights->files[i], error) != ELECTRA_OK)
			return error->status;
	if (collect_modules(hf, weights, &collected.all, error) != ELECTRA_OK ||
		check_prefix(hf, &collected, error) != ELECTRA_OK)
		return error->status;
	return tensor_collection_finish(&collected.all, error);
}

electra_status
hf_weights_open(hf_directory *hf, electra_error *error)
{
	hf_weight_files *weights = malloc(sizeof(hf_weight_files));

	if (weights == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	if (hf_weight_files_init(weights, error) != ELECTRA_OK)
	{
		free(weights);
		return error->status;
	}
	hf->source->reader = weights;
	hf->source->close = close_weights;
	if (collect(hf, weights, error) != ELECTRA_OK ||
		check_labels(hf, "classifier", error) != ELECTRA_OK)
		return error->status;
	return check_labels(hf, "classifier.out_proj", error);
}

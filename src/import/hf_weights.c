/*
 * The weights of a Hugging Face directory: finds the files, maps the names,
 * checks that exactly the tensors of the preset are there in the right shapes.
 */
#include "import/hf_weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/safetensors.h"
#include "import/tensor_names.h"

#define MAX_SHARDS 256
#define MAX_LISTED 8			/* names in one message */

/* The open weight files: preset_source.reader. */
typedef struct hf_weights
{
	int			num_files;
	safetensors_file *files;
} hf_weights;

/* Names for a message: the first few, and how many there are. */
typedef struct name_list
{
	int			count;
	char		text[900];
} name_list;

/* The tensors of encoder and heads as they are being collected. */
typedef struct collection
{
	preset_source *source;
	int			capacity;
	name_list	unknown;
	char		prefixed[SOURCE_QUOTE_SIZE];	/* an encoder tensor with the
												 * prefix */
	char		bare[SOURCE_QUOTE_SIZE];	/* and one without */
} collection;

static void
list_name(name_list *list, const char *name)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	size_t		used = strlen(list->text);

	if (list->count < MAX_LISTED)
		snprintf(list->text + used, sizeof(list->text) - used, "%s\"%s\"", list->count > 0 ? ", " : "",
				 source_quote(name, quoted));
	else if (list->count == MAX_LISTED)
		snprintf(list->text + used, sizeof(list->text) - used, " and others");
	list->count++;
}

/* source_tensor.read of tensors out of safetensors files. */
static electra_status
read_tensor(const source_tensor *tensor, int64_t first, int64_t count, float *values,
			electra_error *error)
{
	return safetensors_read(tensor->context, tensor->source_dtype, tensor->file_offset, first, count,
							values, error);
}

/* preset_source.close */
static void
close_weights(preset_source *source)
{
	hf_weights *weights = source->reader;

	for (int i = 0; i < weights->num_files; i++)
		safetensors_close(&weights->files[i]);
	free(weights->files);
	free(weights);
	source->reader = NULL;
}

/* Checks one tensor against its specification. */
static electra_status
check_tensor(const safetensors_file *file, const safetensors_tensor *tensor,
			 const electra_tensor_spec *spec, electra_error *error)
{
	bool		fits = tensor->rank == spec->rank;
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_file[SOURCE_QUOTE_SIZE];
	char		expected[SAFETENSORS_SHAPE_SIZE];
	char		found[SAFETENSORS_SHAPE_SIZE];

	source_quote(tensor->name, quoted);
	source_quote(file->name, quoted_file);
	for (int i = 0; fits && i < spec->rank; i++)
		fits = spec->shape[i] == -1 ? tensor->shape[i] > 0 : tensor->shape[i] == spec->shape[i];
	if (!fits)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s\" in file \"%s\" has the wrong shape",
					 quoted, quoted_file);
		electra_fail_detail(error, "Expected %s, found %s.",
							safetensors_shape(spec->shape, spec->rank, expected),
							safetensors_shape(tensor->shape, tensor->rank, found));
		electra_fail_hint(error, "The sizes in \"config.json\" and the weights do not belong together.");
		return error->status;
	}
	if (!tensor->readable)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "tensor \"%s\" in file \"%s\" has an unsupported dtype",
					 quoted, quoted_file);
		electra_fail_detail(error, "Expected F32, F16, BF16 or F64, found %s.", tensor->dtype_name);
		return error->status;
	}
	return ELECTRA_OK;
}

/* Appends a checked tensor; spec has its canonical name. */
static electra_status
append_tensor(collection *all, const safetensors_file *file, const safetensors_tensor *tensor,
			  const electra_tensor_spec *spec, electra_error *error)
{
	preset_source *source = all->source;
	source_tensor *added;

	if (check_tensor(file, tensor, spec, error) != ELECTRA_OK)
		return error->status;
	if (source->num_tensors == all->capacity)
	{
		int			capacity = all->capacity == 0 ? 256 : 2 * all->capacity;
		source_tensor *grown = realloc(source->tensors, (size_t) capacity * sizeof(source_tensor));

		if (grown == NULL)
			return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
		source->tensors = grown;
		all->capacity = capacity;
	}
	added = &source->tensors[source->num_tensors++];
	memset(added, 0, sizeof(*added));
	added->spec = *spec;
	for (int i = 0; i < spec->rank; i++)
		added->spec.shape[i] = tensor->shape[i];
	added->read = read_tensor;
	added->context = (void *) file;
	added->file_offset = tensor->begin;
	added->source_dtype = tensor->dtype;
	return ELECTRA_OK;
}

/* The tensors of one file of the transformer. */
static electra_status
collect_file(const hf_directory *hf, collection *all, const safetensors_file *file, electra_error *error)
{
	for (int i = 0; i < file->num_tensors; i++)
	{
		const safetensors_tensor *tensor = &file->tensors[i];
		electra_tensor_spec spec;
		tensor_name name;

		tensor_name_map(tensor->name, hf->prefix, &name);
		if (name.kind == TENSOR_NAME_IGNORED)
			continue;
		/* module and tokenizer tensors are names of archives only */
		if (name.kind == TENSOR_NAME_TOO_LONG ||
			strncmp(name.canonical, "modules.", 8) == 0 || strncmp(name.canonical, "tokenizer.", 10) == 0 ||
			!electra_tensor_spec_find(&hf->source->config, name.canonical, &spec))
		{
			list_name(&all->unknown, tensor->name);
			continue;
		}
		if (name.encoder)
			source_quote(tensor->name, name.prefixed ? all->prefixed : all->bare);
		if (append_tensor(all, file, tensor, &spec, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* linear.weight and linear.bias of a Dense module: modules[index] of config. */
static electra_status
collect_dense(const hf_directory *hf, collection *all, const safetensors_file *file, int index,
			  electra_error *error)
{
	for (int i = 0; i < file->num_tensors; i++)
	{
		const safetensors_tensor *tensor = &file->tensors[i];
		electra_tensor_spec spec;
		char		canonical[sizeof(spec.name)];

		if ((strcmp(tensor->name, "linear.weight") != 0 && strcmp(tensor->name, "linear.bias") != 0) ||
			snprintf(canonical, sizeof(canonical), "modules.%d.%s", index, tensor->name) < 0 ||
			!electra_tensor_spec_find(&hf->source->config, canonical, &spec))
			list_name(&all->unknown, tensor->name);
		else if (append_tensor(all, file, tensor, &spec, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

static int
compare_source_tensors(const void *a, const void *b)
{
	return strcmp(((const source_tensor *) a)->spec.name, ((const source_tensor *) b)->spec.name);
}

static const source_tensor *
find_tensor(const preset_source *source, const char *name)
{
	source_tensor key;

	snprintf(key.spec.name, sizeof(key.spec.name), "%s", name);
	return bsearch(&key, source->tensors, (size_t) source->num_tensors, sizeof(source_tensor),
				   compare_source_tensors);
}

/* Unknown, twice given, missing tensors, mixed prefixes; sorts the tensors. */
static electra_status
check_names(const hf_directory *hf, const collection *all, electra_error *error)
{
	preset_source *source = hf->source;
	name_list	missing = {0, ""};
	electra_tensor_spec spec;

	if (all->unknown.count > 0)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "the weights hold %d tensor%s with unknown names",
					 all->unknown.count, all->unknown.count == 1 ? "" : "s");
		electra_fail_detail(error, "They are %s.", all->unknown.text);
		electra_fail_hint(error, "Only BERT and ELECTRA encoders with the heads of transformers are supported.");
		return error->status;
	}
	if (all->prefixed[0] != '\0' && all->bare[0] != '\0')
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "some encoder tensors have the prefix \"%s\", others none",
					 hf->prefix);
		electra_fail_detail(error, "For example \"%s\" and \"%s\".", all->prefixed, all->bare);
		return error->status;
	}
	if (source->num_tensors > 0)
		qsort(source->tensors, (size_t) source->num_tensors, sizeof(source_tensor), compare_source_tensors);
	for (int i = 1; i < source->num_tensors; i++)
		if (compare_source_tensors(&source->tensors[i - 1], &source->tensors[i]) == 0)
			return electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s\" is given twice",
								source->tensors[i].spec.name);

	for (int i = 0; electra_tensor_spec_required(&source->config, i, &spec); i++)
		if (strncmp(spec.name, "tokenizer.", 10) != 0 &&
			(source->num_tensors == 0 || find_tensor(source, spec.name) == NULL))
			list_name(&missing, spec.name);
	if (missing.count > 0)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "the weights lack %d tensor%s", missing.count,
					 missing.count == 1 ? "" : "s");
		electra_fail_detail(error, "Missing: %s.", missing.text);
		electra_fail_hint(error, "Either the file is incomplete, or \"config.json\" belongs to another preset.");
		return error->status;
	}
	return ELECTRA_OK;
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
	weight = find_tensor(hf->source, name);
	snprintf(name, sizeof(name), "%s.bias", head);
	bias = find_tensor(hf->source, name);
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

/* A folder without safetensors: says which other weights are there. */
static electra_status
fail_no_weights(const hf_directory *hf, const char *folder, electra_error *error)
{
	static const char *const other_formats[] = {
		"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack",
		"onnx/model.onnx", "model.onnx"
	};

	for (size_t i = 0; i < sizeof(other_formats) / sizeof(other_formats[0]); i++)
	{
		char		name[SOURCE_MAX_NAME + 64];

		snprintf(name, sizeof(name), "%s%s", folder, other_formats[i]);
		if (!source_file_exists(&hf->files, name))
			continue;
		electra_fail(error, ELECTRA_UNSUPPORTED, "weights in file \"%s\" are not supported", name);
		electra_fail_detail(error, "Expected file \"%smodel.safetensors\", or its shards with "
							"\"%smodel.safetensors.index.json\".", folder, folder);
		electra_fail_hint(error, "Convert the preset to safetensors, for example with transformers' or "
						  "sentence-transformers' save_pretrained(); a later version will read "
						  "pytorch_model.bin.");
		return error->status;
	}
	electra_fail(error, ELECTRA_NOT_FOUND, "file \"%smodel.safetensors\" does not exist", folder);
	electra_fail_hint(error, "Download all files of the preset, also its weights.");
	return error->status;
}

/* Opens one more file. */
static electra_status
open_file(const hf_directory *hf, hf_weights *weights, const char *name, electra_error *error)
{
	/* counted first: it must be closed also when it fails */
	return safetensors_open(&hf->files, name, &weights->files[weights->num_files++], error);
}

/* The shard names of an index, in the order of first mention. */
static electra_status
list_shards(const json_t *map, const char *index, const char *shards[MAX_SHARDS], int *count,
			electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	const char *tensor;
	json_t	   *value;

	*count = 0;
	json_object_foreach((json_t *) map, tensor, value)
	{
		const char *shard = json_string_value(value);
		int			i = 0;

		if (shard == NULL)
			return json_fail_value(index, tensor, "the name of a file", value, error);
		if (strchr(shard, '/') != NULL || shard[0] == '.' || strlen(shard) < 12 || strlen(shard) > 99 ||
			strcmp(shard + strlen(shard) - 12, ".safetensors") != 0)
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "shard \"%s\" in file \"%s\" is not a plain file name",
						 source_quote(shard, quoted), index);
			electra_fail_detail(error, "Expected a name like \"model-00001-of-00002.safetensors\".");
			return error->status;
		}
		while (i < *count && strcmp(shards[i], shard) != 0)
			i++;
		if (i < *count)
			continue;
		if (*count == MAX_SHARDS)
			return electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" names more than %d shards", index,
								MAX_SHARDS);
		shards[(*count)++] = shard;
	}
	if (*count == 0)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" names no shards", index);
	return ELECTRA_OK;
}

/* Every tensor of a shard is mapped to it. */
static electra_status
check_shard(const json_t *map, const safetensors_file *file, const char *shard, const char *index,
			electra_error *error)
{
	for (int i = 0; i < file->num_tensors; i++)
	{
		const char *expected = json_string_value(json_object_get(map, file->tensors[i].name));
		char		quoted[SOURCE_QUOTE_SIZE];
		char		quoted_shard[SOURCE_QUOTE_SIZE];

		if (expected != NULL && strcmp(expected, shard) == 0)
			continue;
		electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s\" of shard \"%s\" is not where file \"%s\" says",
					 source_quote(file->tensors[i].name, quoted), shard, index);
		if (expected == NULL)
			electra_fail_detail(error, "It is not in the index.");
		else
			electra_fail_detail(error, "Expected it in \"%s\".", source_quote(expected, quoted_shard));
		return error->status;
	}
	return ELECTRA_OK;
}

/* Opens the shards of an index that has been read. */
static electra_status
open_mapped_shards(const hf_directory *hf, hf_weights *weights, const json_t *map, const char *index,
				   electra_error *error)
{
	const char *shards[MAX_SHARDS];
	int			num_shards;
	size_t		num_tensors = 0;

	if (list_shards(map, index, shards, &num_shards, error) != ELECTRA_OK)
		return error->status;
	for (int i = 0; i < num_shards; i++)
	{
		const safetensors_file *file = &weights->files[weights->num_files];
		char		name[SOURCE_MAX_NAME];

		if (open_file(hf, weights, hf_file_name(hf, shards[i], name), error) != ELECTRA_OK ||
			check_shard(map, file, shards[i], index, error) != ELECTRA_OK)
			return error->status;
		num_tensors += (size_t) file->num_tensors;
	}
	/* no duplicates in map and shards, all of the shards mapped: counts decide */
	if (num_tensors != json_object_size(map))
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" does not fit its shards", index);
		electra_fail_detail(error, "It names %zu tensors, the shards hold %zu.", json_object_size(map),
							num_tensors);
		return error->status;
	}
	return ELECTRA_OK;
}

/* The transformer's files: one, or shards. */
static electra_status
open_transformer(const hf_directory *hf, hf_weights *weights, electra_error *error)
{
	char		name[SOURCE_MAX_NAME];
	electra_status status;
	json_t	   *index;
	json_t	   *map;

	if (source_file_exists(&hf->files, hf_file_name(hf, "model.safetensors", name)))
		return open_file(hf, weights, name, error);
	if (json_file_load(&hf->files, hf_file_name(hf, "model.safetensors.index.json", name), HF_MAX_JSON_SIZE,
					   JSON_OBJECT, true, false, &index, error) != ELECTRA_OK)
		return error->status;
	if (index == NULL)
		return fail_no_weights(hf, hf->transformer, error);
	status = json_get_container(index, name, "weight_map", JSON_OBJECT, &map, error);
	if (status == ELECTRA_OK)
		status = open_mapped_shards(hf, weights, map, name, error);
	json_decref(index);
	return status;
}

/* Opens and collects what the Dense modules have. */
static electra_status
collect_modules(const hf_directory *hf, hf_weights *weights, collection *all, electra_error *error)
{
	const electra_config *config = &hf->source->config;
	int			dense = 0;

	for (int i = 0; i < config->num_modules && dense < hf->num_dense; i++)
	{
		char		name[SOURCE_MAX_NAME + 32];
		const char *folder;

		if (config->modules[i].kind != ELECTRA_MODULE_DENSE)
			continue;
		folder = hf->dense_paths[dense++];
		snprintf(name, sizeof(name), "%smodel.safetensors", folder);
		if (!source_file_exists(&hf->files, name))
			return fail_no_weights(hf, folder, error);
		if (open_file(hf, weights, name, error) != ELECTRA_OK ||
			collect_dense(hf, all, &weights->files[weights->num_files - 1], i, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

electra_status
hf_weights_open(hf_directory *hf, electra_error *error)
{
	hf_weights *weights = calloc(1, sizeof(hf_weights));
	collection	all;
	int			num_transformer_files;

	memset(&all, 0, sizeof(all));
	all.source = hf->source;
	if (weights != NULL)
		weights->files = calloc(MAX_SHARDS + ELECTRA_MAX_MODULES, sizeof(safetensors_file));
	if (weights == NULL || weights->files == NULL)
	{
		free(weights);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	hf->source->reader = weights;
	hf->source->close = close_weights;

	if (open_transformer(hf, weights, error) != ELECTRA_OK)
		return error->status;
	num_transformer_files = weights->num_files;
	for (int i = 0; i < num_transformer_files; i++)
		if (collect_file(hf, &all, &weights->files[i], error) != ELECTRA_OK)
			return error->status;
	if (collect_modules(hf, weights, &all, error) != ELECTRA_OK ||
		check_names(hf, &all, error) != ELECTRA_OK ||
		check_labels(hf, "classifier", error) != ELECTRA_OK)
		return error->status;
	return check_labels(hf, "classifier.out_proj", error);
}

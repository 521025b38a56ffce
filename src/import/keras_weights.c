/*
 * The weights of a Keras-Hub preset: which dataset is which tensor.
 *
 * References: keras saving_lib.py (H5IOStore, ShardedH5IOStore; a layer of a
 * functional model is called after its class and its number among those),
 * keras_hub ElectraBackbone, BertBackbone, TransformerEncoder.
 */
#include "import/keras_preset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/hdf5_file.h"

#define MAX_SHARDS 256
#define LAYER_DATASETS 16		/* of one transformer_encoder */
#define OTHER_DATASETS 9		/* at most, of everything else */
#define TILE_ROWS 16			/* 16 floats are a cache line */

/* How a dataset's shape comes from its tensor's. */
typedef enum layout
{
	AS_IT_IS,
	KERNEL,						/* [in, out] */
	KERNEL_TO_HEADS,			/* [hidden_dim, num_heads, head size] */
	BIAS_OF_HEADS,				/* [num_heads, head size] */
	KERNEL_FROM_HEADS			/* [num_heads, head size, hidden_dim] */
} layout;

typedef struct known_dataset
{
	const char *path;
	const char *name;			/* of the tensor */
	layout		layout;
} known_dataset;

static const known_dataset embeddings[] = {
	{"layers/reversible_embedding/vars/0", "embeddings.word_embeddings.weight", AS_IT_IS},
	{"layers/position_embedding/vars/0", "embeddings.position_embeddings.weight", AS_IT_IS},
	{"layers/embedding/vars/0", "embeddings.token_type_embeddings.weight", AS_IT_IS},
	{"layers/layer_normalization/vars/0", "embeddings.LayerNorm.weight", AS_IT_IS},
	{"layers/layer_normalization/vars/1", "embeddings.LayerNorm.bias", AS_IT_IS},
};

/* The first Dense of the model, and the second where the first is the projection. */
static const known_dataset projection[] = {
	{"layers/dense/vars/0", "embeddings_project.weight", KERNEL},
	{"layers/dense/vars/1", "embeddings_project.bias", AS_IT_IS},
	{"layers/dense_1/vars/0", "pooler.dense.weight", KERNEL},
	{"layers/dense_1/vars/1", "pooler.dense.bias", AS_IT_IS},
};
static const known_dataset no_projection[] = {
	{"layers/dense/vars/0", "pooler.dense.weight", KERNEL},
	{"layers/dense/vars/1", "pooler.dense.bias", AS_IT_IS},
};

/* Below layers/transformer_encoder_N and encoder.layer.N. */
static const known_dataset layer[LAYER_DATASETS] = {
	{"_self_attention_layer/query_dense/vars/0", "attention.self.query.weight", KERNEL_TO_HEADS},
	{"_self_attention_layer/query_dense/vars/1", "attention.self.query.bias", BIAS_OF_HEADS},
	{"_self_attention_layer/key_dense/vars/0", "attention.self.key.weight", KERNEL_TO_HEADS},
	{"_self_attention_layer/key_dense/vars/1", "attention.self.key.bias", BIAS_OF_HEADS},
	{"_self_attention_layer/value_dense/vars/0", "attention.self.value.weight", KERNEL_TO_HEADS},
	{"_self_attention_layer/value_dense/vars/1", "attention.self.value.bias", BIAS_OF_HEADS},
	{"_self_attention_layer/output_dense/vars/0", "attention.output.dense.weight", KERNEL_FROM_HEADS},
	{"_self_attention_layer/output_dense/vars/1", "attention.output.dense.bias", AS_IT_IS},
	{"_self_attention_layer_norm/vars/0", "attention.output.LayerNorm.weight", AS_IT_IS},
	{"_self_attention_layer_norm/vars/1", "attention.output.LayerNorm.bias", AS_IT_IS},
	{"_feedforward_intermediate_dense/vars/0", "intermediate.dense.weight", KERNEL},
	{"_feedforward_intermediate_dense/vars/1", "intermediate.dense.bias", AS_IT_IS},
	{"_feedforward_output_dense/vars/0", "output.dense.weight", KERNEL},
	{"_feedforward_output_dense/vars/1", "output.dense.bias", AS_IT_IS},
	{"_feedforward_layer_norm/vars/0", "output.LayerNorm.weight", AS_IT_IS},
	{"_feedforward_layer_norm/vars/1", "output.LayerNorm.bias", AS_IT_IS},
};

/* A dataset that the preset must have, and where it was found. */
typedef struct expected_dataset
{
	char		path[96];
	electra_tensor_spec spec;
	layout		layout;
	const hdf5_file *file;		/* NULL until found */
	const hdf5_dataset *dataset;
	struct keras_weights *weights;
} expected_dataset;

/* preset_source.reader */
typedef struct keras_weights
{
	int			num_files;
	hdf5_file  *files;			/* (MAX_SHARDS) */
	int			num_expected;
	expected_dataset *expected; /* ascending by path */

	/* the kernel that is being read, as [out, in] */
	const expected_dataset *transposed;
	float	   *values;
	size_t		capacity;		/* of values, in floats */
} keras_weights;

/* ---- reading -------------------------------------------------------------- */

/* source_tensor.read of everything that keeps its order. */
static electra_status
read_plain(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	const expected_dataset *from = tensor->context;

	return hdf5_file_read(from->file, from->dataset, first, count, values, error);
}

/* Reads a kernel [in, out] into weights->values as [out, in], a tile of rows at a time. */
static electra_status
transpose_kernel(keras_weights *weights, const expected_dataset *from, float *tile /* (TILE_ROWS, out) */ ,
				 electra_error *error)
{
	const int64_t out = from->spec.shape[0];
	const int64_t in = from->spec.shape[1];

	for (int64_t row = 0; row < in; row += TILE_ROWS)
	{
		int64_t		rows = in - row < TILE_ROWS ? in - row : TILE_ROWS;

		if (hdf5_file_read(from->file, from->dataset, row * out, rows * out, tile, error) != ELECTRA_OK)
			return error->status;
		for (int64_t column = 0; column < out; column++)
			for (int64_t i = 0; i < rows; i++)
				weights->values[column * in + row + i] = tile[i * out + column];
	}
	return ELECTRA_OK;
}

/* Makes from the kernel in weights->values. */
static electra_status
load_kernel(keras_weights *weights, const expected_dataset *from, electra_error *error)
{
	size_t		out = (size_t) from->spec.shape[0];
	size_t		elements = out * (size_t) from->spec.shape[1];
	float	   *tile;
	electra_status status;

	weights->transposed = NULL;
	if (elements > weights->capacity)
	{
		free(weights->values);
		weights->values = malloc(elements * sizeof(float));
		weights->capacity = weights->values != NULL ? elements : 0;
	}
	tile = malloc(TILE_ROWS * out * sizeof(float));
	if (weights->values == NULL || tile == NULL)
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	else
		status = transpose_kernel(weights, from, tile, error);
	free(tile);
	if (status == ELECTRA_OK)
		weights->transposed = from;
	return status;
}

/* source_tensor.read of kernels: the archive writer reads one from end to end. */
static electra_status
read_kernel(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	const expected_dataset *from = tensor->context;
	keras_weights *weights = from->weights;

	if (weights->transposed != from && load_kernel(weights, from, error) != ELECTRA_OK)
		return error->status;
	memcpy(values, weights->values + first, (size_t) count * sizeof(float));
	return ELECTRA_OK;
}

/* preset_source.close */
static void
close_weights(preset_source *source)
{
	keras_weights *weights = source->reader;

	for (int i = 0; i < weights->num_files; i++)
		hdf5_file_close(&weights->files[i]);
	free(weights->files);
	free(weights->expected);
	free(weights->values);
	free(weights);
	source->reader = NULL;
}

/* ---- what must be there --------------------------------------------------- */

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(((const expected_dataset *) a)->path, ((const expected_dataset *) b)->path);
}

/* Appends known datasets; path and name get these prefixes. */
static void
expect(keras_weights *weights, const electra_config *config, const char *path_prefix, const char *name_prefix,
	   const known_dataset *known, int count)
{
	for (int i = 0; i < count; i++)
	{
		expected_dataset *added = &weights->expected[weights->num_expected++];
		char		name[sizeof(added->spec.name)];

		snprintf(added->path, sizeof(added->path), "%s%s", path_prefix, known[i].path);
		snprintf(name, sizeof(name), "%s%s", name_prefix, known[i].name);
		electra_tensor_spec_find(config, name, &added->spec);
		added->layout = known[i].layout;
		added->weights = weights;
	}
}

/* Fills weights->expected. */
static electra_status
expect_all(keras_weights *weights, const electra_config *config, electra_error *error)
{
	weights->expected = calloc((size_t) config->num_layers * LAYER_DATASETS + OTHER_DATASETS,
							   sizeof(expected_dataset));
	if (weights->expected == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	expect(weights, config, "", "", embeddings, (int) (sizeof(embeddings) / sizeof(embeddings[0])));
	if (config->embedding_dim != config->hidden_dim)
		expect(weights, config, "", "", projection, (int) (sizeof(projection) / sizeof(projection[0])));
	else
		expect(weights, config, "", "", no_projection, (int) (sizeof(no_projection) / sizeof(no_projection[0])));
	for (int32_t n = 0; n < config->num_layers; n++)
	{
		char		path[64] = "layers/transformer_encoder/";
		char		name[64];

		if (n > 0)
			snprintf(path, sizeof(path), "layers/transformer_encoder_%d/", (int) n);
		snprintf(name, sizeof(name), "encoder.layer.%d.", (int) n);
		expect(weights, config, path, name, layer, LAYER_DATASETS);
	}
	qsort(weights->expected, (size_t) weights->num_expected, sizeof(expected_dataset), compare_paths);
	return ELECTRA_OK;
}

/*
 * The expected dataset of a path, or NULL.  Older Keras versions (all that is
 * published) call the layers of the attention "_query_dense" and so on.
 */
static expected_dataset *
find_expected(const keras_weights *weights, const char *path)
{
	static const char attention[] = "/_self_attention_layer/";
	const char *found = strstr(path, attention);
	expected_dataset key;
	size_t		begin;

	if (strlen(path) >= sizeof(key.path))
		return NULL;
	strcpy(key.path, path);
	if (found != NULL)
	{
		begin = (size_t) (found - path) + sizeof(attention) - 1;
		if (path[begin] == '_')
			strcpy(key.path + begin, path + begin + 1);
	}
	return bsearch(&key, weights->expected, (size_t) weights->num_expected, sizeof(key), compare_paths);
}

/* ---- collecting ----------------------------------------------------------- */

/* The shape that a dataset must have; returns its rank. */
static int
dataset_shape(const expected_dataset *expected, const electra_config *config, int64_t shape[FOREIGN_MAX_RANK])
{
	const int64_t *canonical = expected->spec.shape;
	const int64_t head_size = config->hidden_dim / config->num_heads;

	switch (expected->layout)
	{
		case AS_IT_IS:
			break;
		case KERNEL:
			shape[0] = canonical[1];
			shape[1] = canonical[0];
			return 2;
		case KERNEL_TO_HEADS:
			shape[0] = config->hidden_dim;
			shape[1] = config->num_heads;
			shape[2] = head_size;
			return 3;
		case BIAS_OF_HEADS:
			shape[0] = config->num_heads;
			shape[1] = head_size;
			return 2;
		case KERNEL_FROM_HEADS:
			shape[0] = config->num_heads;
			shape[1] = head_size;
			shape[2] = config->hidden_dim;
			return 3;
	}
	for (int i = 0; i < expected->spec.rank; i++)
		shape[i] = canonical[i];
	return expected->spec.rank;
}

/* The shape as the file has it: with the heads apart. */
static electra_status
check_shape(const electra_config *config, const hdf5_file *file, const hdf5_dataset *dataset,
			const expected_dataset *expected, electra_error *error)
{
	int64_t		shape[FOREIGN_MAX_RANK];
	int			rank = dataset_shape(expected, config, shape);
	char		quoted[SOURCE_QUOTE_SIZE];
	char		wanted[FOREIGN_SHAPE_SIZE];
	char		found[FOREIGN_SHAPE_SIZE];

	if (dataset->rank == rank && memcmp(dataset->shape, shape, (size_t) rank * sizeof(shape[0])) == 0)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s\" in file \"%s\" has the wrong shape",
				 source_quote(dataset->path, quoted), file->name);
	electra_fail_detail(error, "Expected %s, found %s.", foreign_shape(shape, rank, wanted),
						foreign_shape(dataset->shape, dataset->rank, found));
	electra_fail_hint(error, "The sizes in \"config.json\" and the weights do not belong together.");
	return error->status;
}

/* One dataset becomes the tensor that it is. */
static electra_status
collect_dataset(tensor_collection *all, const hdf5_file *file, const hdf5_dataset *dataset,
				expected_dataset *expected, electra_error *error)
{
	foreign_tensor tensor;

	if (check_shape(&all->source->config, file, dataset, expected, error) != ELECTRA_OK)
		return error->status;
	memset(&tensor, 0, sizeof(tensor));
	tensor.name = dataset->path;
	tensor.file = file->name;
	tensor.dtype_name = dataset->dtype_name;
	tensor.readable = dataset->readable;
	tensor.dtype = dataset->dtype;
	tensor.rank = expected->spec.rank;
	memcpy(tensor.shape, expected->spec.shape, (size_t) expected->spec.rank * sizeof(tensor.shape[0]));
	tensor.read = expected->layout == AS_IT_IS || expected->layout == BIAS_OF_HEADS ? read_plain : read_kernel;
	tensor.context = expected;
	expected->file = file;
	expected->dataset = dataset;
	return tensor_collection_add(all, &tensor, &expected->spec, error);
}

/* TF-Keras wrote its own names; nothing of such a file fits. */
static electra_status
refuse_tf_keras(const hdf5_file *file, const char *path, electra_error *error)
{
	static const char group[] = "_layer_checkpoint_dependencies/";

	if (strncmp(path, group, sizeof(group) - 1) != 0)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "file \"%s\" was written by TF-Keras, which is not supported", file->name);
	electra_fail_detail(error, "It has a group \"_layer_checkpoint_dependencies\" in the place of \"layers\".");
	electra_fail_hint(error, "Load it with Keras-Hub and Keras 3, and save it with save_to_preset().");
	return error->status;
}

/* The state of a random generator is no weight. */
static bool
is_seed(const hdf5_dataset *dataset)
{
	return strstr(dataset->path, "/seed_generator/vars/") != NULL && !dataset->readable;
}

static electra_status
collect_file(tensor_collection *all, keras_weights *weights, const hdf5_file *file, electra_error *error)
{
	for (int i = 0; i < file->num_datasets; i++)
	{
		const hdf5_dataset *dataset = &file->datasets[i];
		expected_dataset *expected = find_expected(weights, dataset->path);

		if (refuse_tf_keras(file, dataset->path, error) != ELECTRA_OK)
			return error->status;
		if (expected == NULL && !is_seed(dataset))
			name_list_add(&all->unknown, dataset->path);
		else if (expected != NULL && collect_dataset(all, file, dataset, expected, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* The datasets that no file has, under the names that Keras gives them. */
static electra_status
check_missing(const keras_weights *weights, electra_error *error)
{
	name_list	missing = {0, ""};

	for (int i = 0; i < weights->num_expected; i++)
		if (weights->expected[i].dataset == NULL)
			name_list_add(&missing, weights->expected[i].path);
	return name_list_missing(&missing, error);
}

/* ---- files ---------------------------------------------------------------- */

static electra_status
open_file(const keras_preset *keras, keras_weights *weights, const char *name, electra_error *error)
{
	/* counted first: it must be closed also when it fails */
	return hdf5_file_open(&keras->files, name, &weights->files[weights->num_files++], error);
}

/* A shard that the index names, opened once. */
static electra_status
open_shard(const keras_preset *keras, keras_weights *weights, const char *index, const json_t *value,
		   electra_error *error)
{
	const char *shard = json_string_value(value);
	char		quoted[SOURCE_QUOTE_SIZE];
	size_t		length;

	if (shard == NULL)
		return json_fail_value(index, "weight_map", "an object of file names or lists of them", value, error);
	length = strlen(shard);
	if (strchr(shard, '/') != NULL || shard[0] == '.' || length < 4 || length > 99 ||
		strcmp(shard + length - 3, ".h5") != 0)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "shard \"%s\" in file \"%s\" is not a plain file name",
					 source_quote(shard, quoted), index);
		electra_fail_detail(error, "Expected a name like \"model_00000.weights.h5\".");
		return error->status;
	}
	for (int i = 0; i < weights->num_files; i++)
		if (strcmp(weights->files[i].name, shard) == 0)
			return ELECTRA_OK;
	if (weights->num_files == MAX_SHARDS)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" names more than %d shards", index, MAX_SHARDS);
	return open_file(keras, weights, shard, error);
}

/* Does the index say that the datasets of this group may lie in this file? */
static bool
is_mapped(const json_t *map, const char *group, const char *file)
{
	const json_t *value = json_object_get(map, group);
	const json_t *entry;
	size_t		i;

	if (json_is_string(value))
		return strcmp(json_string_value(value), file) == 0;
	json_array_foreach(value, i, entry)
		if (json_is_string(entry) && strcmp(json_string_value(entry), file) == 0)
			return true;
	return false;
}

/* Keras would not find a dataset whose group the index does not lead to. */
static electra_status
check_mapped(const json_t *map, const char *index, const hdf5_file *file, electra_error *error)
{
	for (int i = 0; i < file->num_datasets; i++)
	{
		const char *path = file->datasets[i].path;
		const char *slash = strrchr(path, '/');
		char		group[600];
		char		quoted[SOURCE_QUOTE_SIZE];

		snprintf(group, sizeof(group), "/%.*s", (int) (slash != NULL ? slash - path : 0), path);
		if (is_mapped(map, group, file->name))
			continue;
		electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s\" of shard \"%s\" is not where file \"%s\" says",
					 source_quote(path, quoted), file->name, index);
		electra_fail_detail(error, "Expected its group among the groups of that shard.");
		return error->status;
	}
	return ELECTRA_OK;
}

/* All shards of model.weights.json. */
static electra_status
open_shards(const keras_preset *keras, keras_weights *weights, const char *index, const json_t *json,
			electra_error *error)
{
	const char *group;
	const json_t *entry;
	json_t	   *map = NULL;
	json_t	   *value;
	size_t		i;

	if (json_get_container(json, index, "weight_map", JSON_OBJECT, &map, error) != ELECTRA_OK)
		return error->status;
	json_object_foreach(map, group, value)
	{
		if (!json_is_array(value) && open_shard(keras, weights, index, value, error) != ELECTRA_OK)
			return error->status;
		json_array_foreach(value, i, entry)
			if (open_shard(keras, weights, index, entry, error) != ELECTRA_OK)
				return error->status;
	}
	if (weights->num_files == 0)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" names no shards", index);
	for (int n = 0; n < weights->num_files; n++)
		if (check_mapped(map, index, &weights->files[n], error) != ELECTRA_OK)
			return error->status;
	return ELECTRA_OK;
}

/* One file, or shards; where both lie Keras-Hub takes the file. */
static electra_status
open_files(const keras_preset *keras, keras_weights *weights, electra_error *error)
{
	static const char file[] = "model.weights.h5";
	static const char index[] = "model.weights.json";
	json_t	   *json;
	electra_status status;

	if (source_file_exists(&keras->files, file))
		return open_file(keras, weights, file, error);
	if (json_file_load(&keras->files, index, KERAS_MAX_JSON_SIZE, JSON_OBJECT, true, false, &json,
					   error) != ELECTRA_OK)
		return error->status;
	if (json == NULL)
	{
		electra_fail(error, ELECTRA_NOT_FOUND, "file \"%s\" does not exist", file);
		electra_fail_hint(error, "Download all files of the preset, also its weights.");
		return error->status;
	}
	status = open_shards(keras, weights, index, json, error);
	json_decref(json);
	return status;
}

electra_status
keras_weights_open(keras_preset *keras, electra_error *error)
{
	keras_weights *weights = calloc(1, sizeof(keras_weights));
	tensor_collection all;

	memset(&all, 0, sizeof(all));
	all.source = keras->source;
	if (weights != NULL)
		weights->files = calloc(MAX_SHARDS, sizeof(hdf5_file));
	if (weights == NULL || weights->files == NULL)
	{
		free(weights);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	keras->source->reader = weights;
	keras->source->close = close_weights;

	if (expect_all(weights, &keras->source->config, error) != ELECTRA_OK ||
		open_files(keras, weights, error) != ELECTRA_OK)
		return error->status;
	for (int i = 0; i < weights->num_files; i++)
		if (collect_file(&all, weights, &weights->files[i], error) != ELECTRA_OK)
			return error->status;
	/* unknown names explain missing ones: they come first */
	if (all.unknown.count == 0 && check_missing(weights, error) != ELECTRA_OK)
		return error->status;
	return tensor_collection_finish(&all, error);
}

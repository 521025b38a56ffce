/*
 * The weight files of a Hugging Face directory.
 */
#include "import/hf_weight_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SHARDS 256
#define MAX_SHARD_NAME 99

/* How the files of a format are called. */
static const struct
{
	const char *whole;
	const char *index;
	const char *ending;			/* of shards */
	const char *example;
}			formats[HF_NUM_WEIGHT_FORMATS] = {
	[HF_SAFETENSORS] = {"model.safetensors", "model.safetensors.index.json", ".safetensors",
	"model-00001-of-00002.safetensors"},
	[HF_TORCH] = {"pytorch_model.bin", "pytorch_model.bin.index.json", ".bin",
	"pytorch_model-00001-of-00002.bin"},
};

/* ---- the tensors of either format ----------------------------------------- */

/* source_tensor.read of tensors out of safetensors files. */
static electra_status
read_safetensors(const source_tensor *tensor, int64_t first, int64_t count, float *values,
				 electra_error *error)
{
	return safetensors_read(tensor->context, tensor->source_dtype, tensor->file_offset, first, count,
							values, error);
}

/* source_tensor.read of tensors out of checkpoints. */
static electra_status
read_torch(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	return torch_read(tensor->context, first, count, values, error);
}

const char *
hf_weight_file_tensor_name(const hf_weight_file *file, int index)
{
	return file->format == HF_TORCH ? file->torch.tensors[index].name : file->safetensors.tensors[index].name;
}

/* Takes over a shape; neither reader has more dimensions than FOREIGN_MAX_RANK. */
static void
set_shape(foreign_tensor *tensor, const int64_t *shape, int rank)
{
	tensor->rank = rank;
	for (int i = 0; i < rank; i++)
		tensor->shape[i] = shape[i];
}

static foreign_tensor
torch_foreign(const torch_file *file, int index)
{
	torch_tensor *tensor = &file->tensors[index];
	foreign_tensor result = {
		.name = tensor->name, .file = file->name, .dtype_name = tensor->dtype_name,
		.readable = tensor->readable, .dtype = tensor->dtype, .read = read_torch,
		.context = tensor, .file_offset = tensor->begin
	};

	set_shape(&result, tensor->shape, tensor->rank);
	return result;
}

static foreign_tensor
safetensors_foreign(const safetensors_file *file, int index)
{
	const safetensors_tensor *tensor = &file->tensors[index];
	foreign_tensor result = {
		.name = tensor->name, .file = file->name, .dtype_name = tensor->dtype_name,
		.readable = tensor->readable, .dtype = tensor->dtype, .read = read_safetensors,
		.context = (void *) file, .file_offset = tensor->begin
	};

	set_shape(&result, tensor->shape, tensor->rank);
	return result;
}

foreign_tensor
hf_weight_file_tensor(const hf_weight_file *file, int index)
{
	return file->format == HF_TORCH ? torch_foreign(&file->torch, index) :
		safetensors_foreign(&file->safetensors, index);
}

/* ---- opening and closing -------------------------------------------------- */

electra_status
hf_weight_files_init(hf_weight_files *weights, electra_error *error)
{
	weights->num_files = 0;
	weights->files = calloc(MAX_SHARDS + ELECTRA_MAX_MODULES, sizeof(hf_weight_file));
	if (weights->files == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	return ELECTRA_OK;
}

void
hf_weight_files_close(hf_weight_files *weights)
{
	for (int i = 0; i < weights->num_files; i++)
	{
		if (weights->files[i].format == HF_TORCH)
			torch_close(&weights->files[i].torch);
		else
			safetensors_close(&weights->files[i].safetensors);
	}
	free(weights->files);
	memset(weights, 0, sizeof(*weights));
}

/* Opens one more file. */
static electra_status
open_file(const hf_directory *hf, hf_weight_files *weights, hf_weight_format format, const char *name,
		  electra_error *error)
{
	/* counted first: it must be closed also when it fails */
	hf_weight_file *file = &weights->files[weights->num_files++];
	electra_status status;

	file->format = format;
	if (format == HF_TORCH)
	{
		status = torch_open(&hf->files, name, &file->torch, error);
		file->num_tensors = file->torch.num_tensors;
	}
	else
	{
		status = safetensors_open(&hf->files, name, &file->safetensors, error);
		file->num_tensors = file->safetensors.num_tensors;
	}
	return status;
}

/* A folder without weights that we read: says which others are there. */
static electra_status
fail_no_weights(const hf_directory *hf, const char *folder, electra_error *error)
{
	static const char *const other_formats[] = {
		"tf_model.h5", "flax_model.msgpack", "model.ckpt.index", "onnx/model.onnx", "model.onnx"
	};

	for (size_t i = 0; i < sizeof(other_formats) / sizeof(other_formats[0]); i++)
	{
		char		name[SOURCE_MAX_NAME + 64];

		snprintf(name, sizeof(name), "%s%s", folder, other_formats[i]);
		if (!source_file_exists(&hf->files, name))
			continue;
		electra_fail(error, ELECTRA_UNSUPPORTED, "weights in file \"%s\" are not supported", name);
		electra_fail_detail(error, "Expected file \"%smodel.safetensors\" or \"%spytorch_model.bin\", or the "
							"shards of either with their index.", folder, folder);
		electra_fail_hint(error, "Download the preset's model.safetensors or pytorch_model.bin, or convert it to "
						  "safetensors with transformers' or sentence-transformers' save_pretrained().");
		return error->status;
	}
	electra_fail(error, ELECTRA_NOT_FOUND, "file \"%smodel.safetensors\" does not exist", folder);
	electra_fail_detail(error, "Nor does \"%spytorch_model.bin\".", folder);
	electra_fail_hint(error, "Download all files of the preset, also its weights.");
	return error->status;
}

/* ---- shards --------------------------------------------------------------- */

/* A file beside the index, with the format's ending. */
static bool
is_shard_name(const char *shard, const char *ending)
{
	size_t		size = strlen(shard);
	size_t		ending_size = strlen(ending);

	return strchr(shard, '/') == NULL && shard[0] != '.' && size >= ending_size && size <= MAX_SHARD_NAME &&
		strcmp(shard + size - ending_size, ending) == 0;
}

/* The shard names of an index, in the order of first mention. */
static electra_status
list_shards(const json_t *map, const char *index, hf_weight_format format, const char *shards[MAX_SHARDS],
			int *count, electra_error *error)
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
		if (!is_shard_name(shard, formats[format].ending))
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "shard \"%s\" in file \"%s\" is not a plain file name",
						 source_quote(shard, quoted), index);
			electra_fail_detail(error, "Expected a name like \"%s\".", formats[format].example);
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
check_shard(const json_t *map, const hf_weight_file *file, const char *shard, const char *index,
			electra_error *error)
{
	for (int i = 0; i < file->num_tensors; i++)
	{
		const char *name = hf_weight_file_tensor_name(file, i);
		const char *expected = json_string_value(json_object_get(map, name));
		char		quoted[SOURCE_QUOTE_SIZE];
		char		quoted_shard[SOURCE_QUOTE_SIZE];

		if (expected != NULL && strcmp(expected, shard) == 0)
			continue;
		electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s\" of shard \"%s\" is not where file \"%s\" says",
					 source_quote(name, quoted), shard, index);
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
open_mapped_shards(const hf_directory *hf, hf_weight_files *weights, hf_weight_format format,
				   const json_t *map, const char *index, electra_error *error)
{
	const char *shards[MAX_SHARDS];
	int			num_shards;
	size_t		num_tensors = 0;

	if (list_shards(map, index, format, shards, &num_shards, error) != ELECTRA_OK)
		return error->status;
	for (int i = 0; i < num_shards; i++)
	{
		const hf_weight_file *file = &weights->files[weights->num_files];
		char		name[SOURCE_MAX_NAME];

		if (open_file(hf, weights, format, hf_file_name(hf, shards[i], name), error) != ELECTRA_OK ||
			check_shard(map, file, shards[i], index, error) != ELECTRA_OK)
			return error->status;
		num_tensors += (size_t) file->num_tensors;
	}
	/* all of the shards mapped; what is twice in them is told later: counts decide */
	if (num_tensors != json_object_size(map))
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" does not fit its shards", index);
		electra_fail_detail(error, "It names %zu tensors, the shards hold %zu.", json_object_size(map),
							num_tensors);
		return error->status;
	}
	return ELECTRA_OK;
}

/* Opens the shards of a format; *found tells whether its index exists. */
static electra_status
open_shards(const hf_directory *hf, hf_weight_files *weights, hf_weight_format format, bool *found,
			electra_error *error)
{
	char		name[SOURCE_MAX_NAME];
	electra_status status;
	json_t	   *index;
	json_t	   *map = NULL;

	*found = false;
	if (json_file_load(&hf->files, hf_file_name(hf, formats[format].index, name), HF_MAX_JSON_SIZE,
					   JSON_OBJECT, true, false, &index, error) != ELECTRA_OK)
		return error->status;
	*found = index != NULL;
	if (index == NULL)
		return ELECTRA_OK;
	status = json_get_container(index, name, "weight_map", JSON_OBJECT, &map, error);
	if (status == ELECTRA_OK)
		status = open_mapped_shards(hf, weights, format, map, name, error);
	json_decref(index);
	return status;
}

electra_status
hf_weight_files_open(const hf_directory *hf, hf_weight_files *weights, electra_error *error)
{
	for (int format = 0; format < HF_NUM_WEIGHT_FORMATS; format++)
	{
		char		name[SOURCE_MAX_NAME];
		bool		found;

		if (source_file_exists(&hf->files, hf_file_name(hf, formats[format].whole, name)))
			return open_file(hf, weights, (hf_weight_format) format, name, error);
		if (open_shards(hf, weights, (hf_weight_format) format, &found, error) != ELECTRA_OK)
			return error->status;
		if (found)
			return ELECTRA_OK;
	}
	return fail_no_weights(hf, hf->transformer, error);
}

electra_status
hf_weight_files_open_module(const hf_directory *hf, const char *folder, hf_weight_files *weights,
							electra_error *error)
{
	for (int format = 0; format < HF_NUM_WEIGHT_FORMATS; format++)
	{
		char		name[SOURCE_MAX_NAME + 32];

		snprintf(name, sizeof(name), "%s%s", folder, formats[format].whole);
		if (source_file_exists(&hf->files, name))
			return open_file(hf, weights, (hf_weight_format) format, name, error);
	}
	return fail_no_weights(hf, folder, error);
}

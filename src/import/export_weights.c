/*
 * The weights of an export: safetensors files in the order of the archive's
 * data, so that it is read once, front to back.  Quantized ones become F32.
 */
#include "core/image.h"
#include "core/weight_files.h"
#include "import/export_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BLOCK (256 * 1024)
#define FILE_NAME_SIZE (EXPORT_FOLDER_SIZE + 24)

/* A file of weights: the model's, or that of a Dense module. */
typedef struct weight_file
{
	FILE	   *file;			/* NULL: not there */
	char		name[FILE_NAME_SIZE];
	json_t	   *header;
	uint64_t	size;			/* of the data so far */
} weight_file;

/* [0]: the model; [1 + n]: modules[n]. */
typedef struct weight_files
{
	weight_file files[1 + ELECTRA_MAX_MODULES];
	bool		prefixed;		/* the encoder's tensors have the model's prefix */
	float	  **kept;			/* (num_tensors): what belongs to I8 tensors still
								 * to come */
} weight_files;

/* A module's number and what follows it, if it is a module's tensor. */
static int
parse_module(const char *name, const char **rest)
{
	int			index = 0;

	*rest = name;
	if (strncmp(name, "modules.", 8) != 0)
		return -1;
	for (name += 8; *name != '.'; name++)
		index = index * 10 + (*name - '0');
	*rest = name + 1;
	return index;
}

static bool
is_text(const electra_tensor *tensor)
{
	return tensor->dtype == ELECTRA_U8;
}

/* Scales and the like go into the values that they belong to. */
static bool
is_companion(const exporter *exporter, const electra_tensor *tensor)
{
	return exporter->archive->config.dtype == ELECTRA_I8 && electra_tensor_companion_base(tensor->name) > 0;
}

/* The file of a tensor, and in name what it is called there. */
static weight_file *
place(weight_files *all, const exporter *exporter, const electra_tensor *tensor, char *name, size_t name_size)
{
	const char *rest;
	int			module = parse_module(tensor->name, &rest);
	const char *prefix = exporter->bert ? "bert." : "electra.";

	snprintf(name, name_size, "%s%s", all->prefixed && export_is_encoder(tensor->name) ? prefix : "", rest);
	return &all->files[1 + module];
}

/* Enters a tensor into the header of its file. */
static electra_status
describe(weight_file *file, const electra_tensor *tensor, const char *name, electra_error *error)
{
	bool		quantized = tensor->dtype == ELECTRA_I8;
	uint64_t	end = file->size + (tensor->end - tensor->begin) * (quantized ? sizeof(float) : 1);
	json_t	   *shape = json_array();
	json_t	   *entry;

	for (int i = 0; i < tensor->rank; i++)
		json_array_append_new(shape, json_integer(tensor->shape[i]));
	entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype",
					  electra_dtype_name(quantized ? ELECTRA_F32 : tensor->dtype), "shape", shape,
					  "data_offsets", (json_int_t) file->size, (json_int_t) end);
	file->size = end;
	if (entry == NULL || json_array_size(shape) != (size_t) tensor->rank ||
		json_object_set_new(file->header, name, entry) != 0)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	return ELECTRA_OK;
}

/* Makes a file with an empty header. */
static electra_status
create(exporter *exporter, weight_file *file, const char *folder, electra_error *error)
{
	snprintf(file->name, sizeof(file->name), "%s%smodel.safetensors", folder, folder[0] != '\0' ? "/" : "");
	file->header = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
	if (file->header == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	return export_output_create(&exporter->output, file->name, &file->file, error);
}

/* Writes the header, once it is complete: its size, the JSON, spaces up to a multiple of 8. */
static electra_status
write_header(weight_file *file, electra_error *error)
{
	char	   *text = json_dumps(file->header, JSON_COMPACT);
	size_t		length = text == NULL ? 0 : strlen(text);
	uint64_t	size = (length + 7) / 8 * 8;

	if (text == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (int i = 0; i < 8; i++)
		fputc((int) (size >> 8 * i & 0xff), file->file);
	fwrite(text, 1, length, file->file);
	for (size_t i = length; i < size; i++)
		fputc(' ', file->file);
	free(text);
	return ELECTRA_OK;
}

/* All files with their headers. */
static electra_status
begin(exporter *exporter, weight_files *all, electra_error *error)
{
	const electra_archive *archive = exporter->archive;
	char		name[sizeof(((electra_tensor_spec *) 0)->name) + 16];
	char		folder[EXPORT_FOLDER_SIZE];

	/* a bare encoder has no prefix: that is how transformers tells it from a model with a head */
	all->prefixed = export_has_head(archive);
	if (create(exporter, &all->files[0], "", error) != ELECTRA_OK)
		return error->status;
	for (int i = 0; i < archive->config.num_modules; i++)
	{
		export_module_folder(&archive->config, i, folder);
		if (archive->config.modules[i].kind == ELECTRA_MODULE_DENSE &&
			create(exporter, &all->files[1 + i], folder, error) != ELECTRA_OK)
			return error->status;
	}
	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];

		if (!is_text(tensor) && !is_companion(exporter, tensor) &&
			describe(place(all, exporter, tensor, name, sizeof(name)), tensor, name, error) != ELECTRA_OK)
			return error->status;
	}
	for (int i = 0; i <= ELECTRA_MAX_MODULES; i++)
		if (all->files[i].file != NULL && write_header(&all->files[i], error) != ELECTRA_OK)
			return error->status;
	return ELECTRA_OK;
}

/* The next tensor of the archive, block by block. */
static electra_status
copy(electra_archive_reader *reader, const electra_tensor *tensor, weight_file *file, electra_error *error)
{
	static char block[COPY_BLOCK];
	uint64_t	left = tensor->end - tensor->begin;

	while (left > 0)
	{
		size_t		part = left < sizeof(block) ? (size_t) left : sizeof(block);

		if (electra_archive_read(reader, block, part, error) != ELECTRA_OK)
			return error->status;
		if (fwrite(block, 1, part, file->file) != part)
			return electra_fail(error, ELECTRA_IO_ERROR, "could not write file \"%s\": %s", file->name,
								strerror(errno));
		left -= part;
	}
	return ELECTRA_OK;
}

/* What belongs to a tensor that comes later, into memory. */
static electra_status
keep_companion(exporter *exporter, electra_archive_reader *reader, weight_files *all,
			   const electra_tensor *tensor, electra_error *error)
{
	size_t		size = (size_t) (tensor->end - tensor->begin);
	float	   *values = malloc(size);

	if (values == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	all->kept[tensor - exporter->archive->tensors] = values;
	return electra_archive_read(reader, values, size, error);
}

/* What belongs to an I8 tensor and came before it; NULL if there is no such thing. */
static const float *
kept(const exporter *exporter, const weight_files *all, const electra_tensor *tensor, const char *suffix)
{
	char		name[sizeof(((electra_tensor_spec *) 0)->name) + sizeof(ELECTRA_CHANNELS_SUFFIX)];
	const electra_tensor *found;

	snprintf(name, sizeof(name), "%s%s", tensor->name, suffix);
	found = electra_archive_tensor(exporter->archive, name);
	return found != NULL ? all->kept[found - exporter->archive->tensors] : NULL;
}

/* An I8 tensor's values, row by row. */
typedef struct quantized_tensor
{
	int64_t		K;
	const float *scales;		/* (N, ceil(K/64)) */
	int			num_exact;
	const float *channels;		/* (num_exact) */
	const float *exact;			/* (N, num_exact) */
} quantized_tensor;

static void
dequantize_row(const quantized_tensor *from, size_t row, const int8_t *q /* (K) */ ,
			   float *values /* (K) */ )
{
	const float *scales = from->scales + row * electra_int8_groups(from->K);

	for (int64_t k = 0; k < from->K; k++)
		values[k] = (float) q[k] * scales[k / ELECTRA_INT8_GROUP];
	for (int e = 0; e < from->num_exact; e++)
	{
		float		channel = from->channels[e];

		/* no image was built of this archive, which would have refused others */
		if (channel >= 0 && channel < (float) from->K)
			values[(int64_t) channel] = from->exact[row * (size_t) from->num_exact + (size_t) e];
	}
}

/* The next tensor of the archive, an I8 one, as floats. */
static electra_status
dequantize(exporter *exporter, electra_archive_reader *reader, const weight_files *all,
		   const electra_tensor *tensor, weight_file *file, electra_error *error)
{
	quantized_tensor from = {
		.K = tensor->shape[1],
		.scales = kept(exporter, all, tensor, ELECTRA_SCALE_SUFFIX),
		.channels = kept(exporter, all, tensor, ELECTRA_CHANNELS_SUFFIX),
		.exact = kept(exporter, all, tensor, ELECTRA_EXACT_SUFFIX)
	};
	const size_t K = (size_t) from.K;
	int8_t	   *q = malloc(K);
	float	   *values = malloc(K * sizeof(float));
	electra_status status = ELECTRA_OK;

	if (from.exact != NULL)
		from.num_exact = from.K < ELECTRA_EXACT_CHANNELS ? (int) from.K : ELECTRA_EXACT_CHANNELS;
	if (q == NULL || values == NULL)
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (size_t row = 0; row < (size_t) tensor->shape[0] && status == ELECTRA_OK; row++)
	{
		status = electra_archive_read(reader, q, K, error);
		if (status != ELECTRA_OK)
			break;
		dequantize_row(&from, row, q, values);
		if (fwrite(values, sizeof(float), K, file->file) != K)
			status = electra_fail(error, ELECTRA_IO_ERROR, "could not write file \"%s\": %s", file->name,
								  strerror(errno));
	}
	free(values);
	free(q);
	return status;
}

/* A text of the tokenizer, into memory; the directory has no place for another. */
static electra_status
keep(exporter *exporter, electra_archive_reader *reader, const electra_tensor *tensor, electra_error *error)
{
	size_t		size = (size_t) (tensor->end - tensor->begin);
	char	   *text = malloc(size + 1);
	electra_status status;

	if (text == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	status = electra_archive_read(reader, text, size, error);
	if (strcmp(tensor->name, ELECTRA_WEIGHT_FILES) == 0)
	{
		if (status == ELECTRA_OK)
			status = electra_weight_files_check(text, size, error);
		free(text);
	}
	else if (strcmp(tensor->name, "tokenizer.vocabulary") == 0)
	{
		exporter->vocabulary = text;
		exporter->vocabulary_size = size;
	}
	else
	{
		exporter->added_tokens = text;
		exporter->added_tokens_size = size;
	}
	return status;
}

/* The next tensor of the archive, to where it belongs. */
static electra_status
move(exporter *exporter, electra_archive_reader *reader, weight_files *all, const electra_tensor *tensor,
	 electra_error *error)
{
	char		name[sizeof(((electra_tensor_spec *) 0)->name) + 16];
	weight_file *file;

	if (is_text(tensor))
		return keep(exporter, reader, tensor, error);
	if (is_companion(exporter, tensor))
		return keep_companion(exporter, reader, all, tensor, error);
	file = place(all, exporter, tensor, name, sizeof(name));
	return tensor->dtype == ELECTRA_I8 ? dequantize(exporter, reader, all, tensor, file, error) :
		copy(reader, tensor, file, error);
}

/* Everything in the archive's order. */
static electra_status
stream(exporter *exporter, electra_archive_reader *reader, weight_files *all, electra_error *error)
{
	for (int i = 0; i < exporter->archive->num_tensors; i++)
	{
		electra_status status = move(exporter, reader, all, &exporter->archive->tensors[i], error);

		if (status != ELECTRA_OK)
			return status;
	}
	for (int i = 0; i <= ELECTRA_MAX_MODULES; i++)
		if (export_output_finish(all->files[i].name, &all->files[i].file, error) != ELECTRA_OK)
			return error->status;
	return ELECTRA_OK;
}

electra_status
export_write_weights(exporter *exporter, electra_archive_reader *reader, electra_error *error)
{
	static weight_files all;
	electra_status status;

	memset(&all, 0, sizeof(all));
	all.kept = calloc((size_t) exporter->archive->num_tensors, sizeof(float *));
	if (all.kept == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	status = begin(exporter, &all, error);
	if (status == ELECTRA_OK)
		status = stream(exporter, reader, &all, error);
	for (int i = 0; i <= ELECTRA_MAX_MODULES; i++)
	{
		json_decref(all.files[i].header);
		if (all.files[i].file != NULL)
			fclose(all.files[i].file);
	}
	for (int i = 0; i < exporter->archive->num_tensors; i++)
		free(all.kept[i]);
	free(all.kept);
	return status;
}

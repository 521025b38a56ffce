/*
 * Reader of foreign safetensors files.
 */
#include "import/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/element_reader.h"
#include "import/json_file.h"
#include "import/tensor_collection.h"

/* Every dtype of the format whose elements are whole bytes. */
static const struct dtype_row
{
	const char *name;
	int			width;			/* bytes */
	bool		readable;
	electra_dtype dtype;		/* if readable */
}			dtypes[] = {
	{"F32", 4, true, ELECTRA_F32},
	{"F16", 2, true, ELECTRA_F16},
	{"BF16", 2, true, ELECTRA_BF16},
	{"F64", 8, true, ELECTRA_F64},
	{"I64", 8, false, ELECTRA_I64},
	{"BOOL", 1, false, ELECTRA_U8},
	{"U8", 1, false, ELECTRA_U8},
	{"I8", 1, false, ELECTRA_I8},
	{"F8_E5M2", 1, false, ELECTRA_U8},
	{"F8_E4M3", 1, false, ELECTRA_U8},
	{"F8_E8M0", 1, false, ELECTRA_U8},
	{"I16", 2, false, ELECTRA_U8},
	{"U16", 2, false, ELECTRA_U8},
	{"I32", 4, false, ELECTRA_U8},
	{"U32", 4, false, ELECTRA_U8},
	{"U64", 8, false, ELECTRA_U8},
	{"C64", 8, false, ELECTRA_U8},
};

/* An error about one tensor of a file. */
static electra_status
fail_tensor(const safetensors_file *file, const safetensors_tensor *tensor, const char *what,
			electra_error *error)
{
	return foreign_tensor_fail(error, ELECTRA_INVALID_SOURCE, tensor->name, file->name, what);
}

/* An integer of the header that is not negative. */
static bool
get_unsigned(const json_t *value, uint64_t *result)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*result = (uint64_t) json_integer_value(value);
	return true;
}

/* Reads dtype, shape and offsets of one entry and checks that they agree. */
static electra_status
parse_tensor(const safetensors_file *file, const json_t *entry, safetensors_tensor *tensor,
			 electra_error *error)
{
	const char *dtype_name = json_string_value(json_object_get(entry, "dtype"));
	const json_t *shape = json_object_get(entry, "shape");
	const json_t *offsets = json_object_get(entry, "data_offsets");
	const struct dtype_row *dtype = NULL;
	char		quoted[SOURCE_QUOTE_SIZE];
	uint64_t	size;

	if (dtype_name == NULL || !json_is_array(shape) || !json_is_array(offsets) ||
		json_array_size(offsets) != 2 ||
		!get_unsigned(json_array_get(offsets, 0), &tensor->begin) ||
		!get_unsigned(json_array_get(offsets, 1), &tensor->end))
	{
		fail_tensor(file, tensor, "has a malformed entry", error);
		electra_fail_detail(error, "An entry needs \"dtype\" (a string), \"shape\" (a list) and "
							"\"data_offsets\" (two whole numbers).");
		return error->status;
	}
	for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
		if (strcmp(dtypes[i].name, dtype_name) == 0)
			dtype = &dtypes[i];
	if (dtype == NULL)
	{
		fail_tensor(file, tensor, "has an unknown dtype", error);
		electra_fail_detail(error, "It is \"%s\".", source_quote(dtype_name, quoted));
		return error->status;
	}
	tensor->dtype_name = dtype->name;
	tensor->readable = dtype->readable;
	tensor->dtype = dtype->dtype;
	if (json_array_size(shape) > SAFETENSORS_MAX_RANK)
	{
		fail_tensor(file, tensor, "has too many dimensions", error);
		electra_fail_detail(error, "It has %zu; at most %d are read.", json_array_size(shape),
							SAFETENSORS_MAX_RANK);
		return error->status;
	}
	tensor->rank = (int) json_array_size(shape);

	size = (uint64_t) dtype->width;
	for (int i = 0; i < tensor->rank; i++)
	{
		uint64_t	extent;

		if (!get_unsigned(json_array_get(shape, (size_t) i), &extent))
			return fail_tensor(file, tensor, "has a shape that is not a list of whole numbers", error);
		tensor->shape[i] = (int64_t) extent;
		if (__builtin_mul_overflow(size, extent, &size))
			return fail_tensor(file, tensor, "has a shape whose size overflows", error);
	}
	if (tensor->begin > tensor->end || tensor->end - tensor->begin != size)
	{
		fail_tensor(file, tensor, "has offsets that do not fit its shape", error);
		electra_fail_detail(error, "Shape and dtype %s need %llu bytes, its offsets are %llu and %llu.",
							dtype->name, (unsigned long long) size,
							(unsigned long long) tensor->begin, (unsigned long long) tensor->end);
		return error->status;
	}
	return ELECTRA_OK;
}

/* Order of the data; empty tensors first where offsets are equal. */
static int
compare_tensors(const void *a, const void *b)
{
	const safetensors_tensor *x = a;
	const safetensors_tensor *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Sorts the tensors and checks that they cover the data without hole or overlap. */
static electra_status
check_layout(safetensors_file *file, uint64_t data_size, electra_error *error)
{
	uint64_t	position = 0;
	char		quoted[SOURCE_QUOTE_SIZE];

	if (file->num_tensors > 0)
		qsort(file->tensors, (size_t) file->num_tensors, sizeof(safetensors_tensor), compare_tensors);
	for (int i = 0; i < file->num_tensors; i++)
	{
		const safetensors_tensor *tensor = &file->tensors[i];

		if (tensor->begin != position)
		{
			fail_tensor(file, tensor, tensor->begin > position ? "leaves a hole before it" :
						"overlaps the one before it", error);
			electra_fail_detail(error, "Its data begin at offset %llu, expected %llu.",
								(unsigned long long) tensor->begin, (unsigned long long) position);
			return error->status;
		}
		position = tensor->end;
	}
	if (position == data_size)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_INVALID_SOURCE,
				 position > data_size ? "file \"%s\" is truncated" :
				 "file \"%s\" has data behind its last tensor",
				 source_quote(file->name, quoted));
	electra_fail_detail(error, "Its header describes %llu bytes of data, the file holds %llu.",
						(unsigned long long) position, (unsigned long long) data_size);
	if (position > data_size)
		electra_fail_hint(error, "Download the file again.");
	return error->status;
}

electra_status
safetensors_parse_header(const char *header, size_t header_size, uint64_t data_size,
						 const char *name, safetensors_file *file, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	json_t	   *json;
	const char *key;
	json_t	   *entry;

	memset(file, 0, sizeof(*file));
	file->fd = -1;
	file->name = strdup(name);
	if (file->name == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	if (header_size == 0 || header[0] != '{')
		return electra_fail(error, ELECTRA_INVALID_SOURCE,
							"the header of file \"%s\" is not a JSON object", source_quote(name, quoted));
	if (json_parse_strict(header, header_size, name, &json, error) != ELECTRA_OK)
		return error->status;

	file->tensors = calloc(json_object_size(json) + 1, sizeof(safetensors_tensor));
	if (file->tensors == NULL)
	{
		json_decref(json);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	json_object_foreach(json, key, entry)
	{
		safetensors_tensor *tensor = &file->tensors[file->num_tensors];

		if (strcmp(key, "__metadata__") == 0)
			continue;
		tensor->name = strdup(key);
		if (tensor->name == NULL)
		{
			json_decref(json);
			return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
		}
		file->num_tensors++;
		if (parse_tensor(file, entry, tensor, error) != ELECTRA_OK)
		{
			json_decref(json);
			return error->status;
		}
	}
	json_decref(json);
	return check_layout(file, data_size, error);
}

/* The u64 at the start of an open file, checked against its size. */
static electra_status
read_header_size(int fd, const char *name, uint64_t file_size, uint64_t *header_size,
				 electra_error *error)
{
	unsigned char start[32];
	size_t		available = file_size < sizeof(start) ? (size_t) file_size : sizeof(start);
	char		quoted[SOURCE_QUOTE_SIZE];

	source_quote(name, quoted);
	if (source_pread(fd, name, start, available, 0, error) != ELECTRA_OK ||
		source_refuse_lfs_pointer(name, start, available, error) != ELECTRA_OK)
		return error->status;
	if (file_size < 8)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is truncated", quoted);
		electra_fail_detail(error, "It has %llu bytes, a safetensors file has at least 8.",
							(unsigned long long) file_size);
		electra_fail_hint(error, "Download the file again.");
		return error->status;
	}
	memcpy(header_size, start, sizeof(*header_size));
	if (*header_size > SAFETENSORS_MAX_HEADER)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is not a safetensors file", quoted);
		electra_fail_detail(error, "It begins with a header size of %llu; at most %d is allowed.",
							(unsigned long long) *header_size, SAFETENSORS_MAX_HEADER);
		return error->status;
	}
	if (*header_size > file_size - 8)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is truncated", quoted);
		electra_fail_detail(error, "Its header has %llu bytes, the file only %llu.",
							(unsigned long long) *header_size, (unsigned long long) file_size);
		electra_fail_hint(error, "Download the file again.");
		return error->status;
	}
	return ELECTRA_OK;
}

electra_status
safetensors_open(const source_directory *directory, const char *name, safetensors_file *file,
				 electra_error *error)
{
	uint64_t	file_size;
	uint64_t	header_size = 0;
	electra_status status;
	char	   *header;
	int			fd;

	memset(file, 0, sizeof(*file));
	file->fd = -1;
	if (source_file_open(directory, name, &fd, &file_size, error) != ELECTRA_OK)
		return error->status;
	if (read_header_size(fd, name, file_size, &header_size, error) != ELECTRA_OK)
	{
		close(fd);
		return error->status;
	}
	header = malloc((size_t) header_size + 1);
	if (header == NULL)
	{
		close(fd);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	status = source_pread(fd, name, header, (size_t) header_size, 8, error);
	if (status == ELECTRA_OK)
		status = safetensors_parse_header(header, (size_t) header_size,
										  file_size - 8 - header_size, name, file, error);
	free(header);
	file->fd = fd;
	file->data_begin = 8 + header_size;
	if (status != ELECTRA_OK)
		return status;
	return preset_source_note_weights(directory->source, name, fd, file_size, error);
}

electra_status
safetensors_read(const safetensors_file *file, electra_dtype dtype, uint64_t offset,
				 int64_t first, int64_t count, float *values, electra_error *error)
{
	uint64_t	position = file->data_begin + offset + (uint64_t) first * electra_dtype_size(dtype);

	return element_read(file->fd, file->name, dtype, position, count, values, error);
}

void
safetensors_close(safetensors_file *file)
{
	for (int i = 0; i < file->num_tensors; i++)
		free(file->tensors[i].name);
	free(file->tensors);
	free(file->name);
	if (file->fd >= 0)
		close(file->fd);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}

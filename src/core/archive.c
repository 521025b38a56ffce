/*
 * The strict reader of preset archives.
 *
 * Nothing that an archive says is believed before it is checked: sizes are
 * computed from shapes with overflow checks and compared with the offsets, and
 * memory is bounded by the size of the header, which has a limit.
 */
#include "archive.h"

#include "canonical_json.h"

#include <stdio.h>
#include <string.h>

/* Texts are held in memory; far above any vocabulary. */
#define MAX_TEXT_TENSOR (256 * 1024 * 1024)

/* An array that grows: elements of one size, allocated from the reader's memory. */
typedef struct growing_array
{
	char	   *elements;
	size_t		element_size;
	size_t		count;
	size_t		capacity;
} growing_array;

static electra_status
corrupt(electra_error *error, const char *what)
{
	electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: %s", what);
	return ELECTRA_CORRUPT;
}

static electra_status
out_of_memory(electra_error *error, size_t size)
{
	electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	electra_fail_detail(error, "Failed to get %zu bytes for the header of a preset archive.", size);
	return ELECTRA_OUT_OF_MEMORY;
}

/* Room for one more element at the end; NULL when there is no memory. */
static void *
array_append(growing_array *array, const electra_allocator *memory, electra_error *error)
{
	if (array->count == array->capacity)
	{
		size_t		capacity = array->capacity == 0 ? 64 : array->capacity * 2;
		char	   *elements = memory->alloc(memory->context, capacity * array->element_size);

		if (elements == NULL)
		{
			out_of_memory(error, capacity * array->element_size);
			return NULL;
		}
		if (array->count > 0)
			memcpy(elements, array->elements, array->count * array->element_size);
		memory->release(memory->context, array->elements);
		array->elements = elements;
		array->capacity = capacity;
	}
	return array->elements + array->element_size * array->count++;
}

/* Reads and hashes; the position tells where a stream broke off. */
static electra_status
read_bytes(electra_archive_reader *reader, void *destination, size_t size, electra_error *error)
{
	electra_status status = reader->stream.read(reader->stream.context, destination, size, error);

	if (status != ELECTRA_OK)
		return status;
	if (reader->known_digest == NULL)
		electra_sha256_update(&reader->sha, destination, size);
	reader->position += size;
	return ELECTRA_OK;
}

/* "__metadata__":{…}, keys strictly ascending */
static electra_status
parse_metadata(electra_json *json, growing_array *metadata, const electra_allocator *memory,
			   electra_error *error)
{
	const char *last = NULL;

	if (!electra_json_literal(json, "{\"__metadata__\":{"))
		return corrupt(error, "its header does not begin with the metadata in canonical form");
	do
	{
		electra_metadata *pair = array_append(metadata, memory, error);

		if (pair == NULL)
			return ELECTRA_OUT_OF_MEMORY;
		if (!electra_json_string(json, &pair->key) || !electra_json_literal(json, ":") ||
			!electra_json_string(json, &pair->value))
			return corrupt(error, "its metadata is not in canonical form");
		if (last != NULL && strcmp(last, pair->key) >= 0)
		{
			corrupt(error, "its metadata is not in order");
			electra_fail_detail(error, "Key \"%s\" follows \"%s\".", pair->key, last);
			return ELECTRA_CORRUPT;
		}
		last = pair->key;
	} while (electra_json_literal(json, ","));
	if (!electra_json_literal(json, "}"))
		return corrupt(error, "its metadata is not in canonical form");
	return ELECTRA_OK;
}

/* Number of bytes that a tensor must have; false if that overflows. */
static bool
tensor_bytes(const electra_tensor *tensor, uint64_t *bytes)
{
	*bytes = electra_dtype_size(tensor->dtype);
	for (int i = 0; i < tensor->rank; i++)
	{
		uint64_t	dimension = (uint64_t) tensor->shape[i];

		if (dimension != 0 && *bytes > UINT64_MAX / dimension)
			return false;
		*bytes *= dimension;
	}
	return true;
}

static bool
parse_dtype(electra_json *json, electra_dtype *dtype)
{
	const char *name;

	if (!electra_json_string(json, &name))
		return false;
	for (int i = 0; i <= ELECTRA_U8; i++)
	{
		if (strcmp(name, electra_dtype_name((electra_dtype) i)) == 0)
		{
			*dtype = (electra_dtype) i;
			return true;
		}
	}
	return false;
}

static bool
parse_shape(electra_json *json, electra_tensor *tensor)
{
	tensor->rank = 0;
	if (!electra_json_literal(json, "["))
		return false;
	if (electra_json_literal(json, "]"))
		return true;
	do
	{
		uint64_t	dimension;

		if (tensor->rank == ELECTRA_MAX_RANK || !electra_json_number(json, INT64_MAX, &dimension))
			return false;
		tensor->shape[tensor->rank++] = (int64_t) dimension;
	} while (electra_json_literal(json, ","));
	return electra_json_literal(json, "]");
}

/* {"dtype":…,"shape":[…],"data_offsets":[begin,end]} behind the name */
static bool
parse_tensor(electra_json *json, electra_tensor *tensor)
{
	return electra_json_literal(json, ":{\"dtype\":") &&
		parse_dtype(json, &tensor->dtype) &&
		electra_json_literal(json, ",\"shape\":") &&
		parse_shape(json, tensor) &&
		electra_json_literal(json, ",\"data_offsets\":[") &&
		electra_json_number(json, UINT64_MAX, &tensor->begin) &&
		electra_json_literal(json, ",") &&
		electra_json_number(json, UINT64_MAX, &tensor->end) &&
		electra_json_literal(json, "]}");
}

/* Order of tensors: descending element size, then ascending name. */
static int
compare_place(size_t a_size, const char *a_name, size_t b_size, const char *b_name)
{
	if (a_size != b_size)
		return a_size > b_size ? -1 : 1;
	return strcmp(a_name, b_name);
}

/* The place of a tensor behind the one before it. */
static electra_status
check_place(const electra_tensor *tensor, const electra_tensor *before, electra_error *error)
{
	uint64_t	expected_begin = before != NULL ? before->end : 0;
	uint64_t	bytes;

	if (before != NULL &&
		compare_place(electra_dtype_size(before->dtype), before->name,
					  electra_dtype_size(tensor->dtype), tensor->name) >= 0)
	{
		corrupt(error, "its tensors are not in order");
		electra_fail_detail(error, "Tensor \"%s\" follows \"%s\".", tensor->name, before->name);
		return ELECTRA_CORRUPT;
	}
	if (!tensor_bytes(tensor, &bytes) || tensor->begin != expected_begin ||
		tensor->end < tensor->begin || tensor->end - tensor->begin != bytes)
	{
		electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: tensor \"%s\" is misplaced",
					 tensor->name);
		electra_fail_detail(error, "Its data goes from %llu to %llu, but the data before it ends at %llu, and its shape needs %llu bytes.",
							(unsigned long long) tensor->begin, (unsigned long long) tensor->end,
							(unsigned long long) expected_begin, (unsigned long long) bytes);
		return ELECTRA_CORRUPT;
	}
	return ELECTRA_OK;
}

static electra_status
parse_tensors(electra_json *json, growing_array *tensors, const electra_allocator *memory,
			  electra_error *error)
{
	while (electra_json_literal(json, ","))
	{
		electra_tensor *tensor = array_append(tensors, memory, error);
		electra_status status;

		if (tensor == NULL)
			return ELECTRA_OUT_OF_MEMORY;
		memset(tensor, 0, sizeof(*tensor));
		if (!electra_json_string(json, &tensor->name) || !parse_tensor(json, tensor))
		{
			corrupt(error, "its list of tensors is not in canonical form");
			electra_fail_detail(error, "The fault is in entry number %zu.", tensors->count);
			return ELECTRA_CORRUPT;
		}
		status = check_place(tensor, tensors->count > 1 ? tensor - 1 : NULL, error);
		if (status != ELECTRA_OK)
			return status;
	}
	if (!electra_json_literal(json, "}"))
		return corrupt(error, "its list of tensors is not in canonical form");
	return ELECTRA_OK;
}

/* "[2,3]" */
static void
format_shape(const int64_t *shape, int rank, char text[64])
{
	size_t		length = 0;

	text[length++] = '[';
	for (int i = 0; i < rank; i++)
	{
		char		digits[24];
		int			n = 0;
		int64_t		rest = shape[i];

		if (i > 0)
			text[length++] = ',';
		if (rest < 0)
		{
			text[length++] = 'N';
			continue;
		}
		do
			digits[n++] = (char) ('0' + rest % 10);
		while ((rest /= 10) > 0);
		while (n > 0)
			text[length++] = digits[--n];
	}
	text[length++] = ']';
	text[length] = '\0';
}

static bool
shape_fits(const electra_tensor *tensor, const electra_tensor_spec *spec)
{
	if (tensor->rank != spec->rank)
		return false;
	for (int i = 0; i < spec->rank; i++)
	{
		if (spec->shape[i] < 0 ? tensor->shape[i] <= 0 : tensor->shape[i] != spec->shape[i])
			return false;
	}
	return true;
}

/* Whether a tensor's dtype is one that it may have; *expected names them. */
static bool
dtype_fits(const electra_config *config, const electra_tensor *tensor,
		   const electra_tensor_spec *spec, const char **expected)
{
	electra_dtype only;

	if (spec->text)
		only = ELECTRA_U8;
	else if (config->dtype == ELECTRA_I8)
		only = spec->quantized ? ELECTRA_I8 : ELECTRA_F32;
	else
	{
		*expected = "F32, F16 or BF16";
		return electra_dtype_is_weight(tensor->dtype);
	}
	*expected = electra_dtype_name(only);
	return tensor->dtype == only;
}

static electra_status
require(const electra_archive *archive, const char *name, const electra_tensor *tensor,
		electra_error *error)
{
	if (electra_archive_tensor(archive, name) != NULL)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_CORRUPT, "preset archive lacks tensor \"%s\"", name);
	electra_fail_detail(error, "It belongs to tensor \"%s\".", tensor->name);
	return ELECTRA_CORRUPT;
}

/* What must be there with a tensor in an int8 preset: its companions, or whose companion it is. */
static electra_status
check_companions(const electra_archive *archive, const electra_tensor *tensor,
				 const electra_tensor_spec *spec, electra_error *error)
{
	size_t		base = electra_tensor_companion_base(tensor->name);
	const char *suffix;
	char		other[sizeof(spec->name) + sizeof(ELECTRA_CHANNELS_SUFFIX)];
	electra_status status = ELECTRA_OK;

	if (archive->config.dtype != ELECTRA_I8)
		return ELECTRA_OK;
	if (base > 0)
	{
		snprintf(other, sizeof(other), "%.*s", (int) base, tensor->name);
		return require(archive, other, tensor, error);
	}
	for (int i = 0; (suffix = electra_tensor_spec_companion(spec, i)) != NULL && status == ELECTRA_OK; i++)
	{
		snprintf(other, sizeof(other), "%s%s", tensor->name, suffix);
		status = require(archive, other, tensor, error);
	}
	return status;
}

/* Name, shape and kind of data of one tensor against the configuration. */
static electra_status
check_tensor(const electra_archive *archive, const electra_tensor *tensor, electra_error *error)
{
	electra_tensor_spec spec;
	const char *expected_dtype;

	if (!electra_tensor_spec_find(&archive->config, tensor->name, &spec))
		return electra_fail(error, ELECTRA_CORRUPT, "preset archive has unknown tensor \"%s\"", tensor->name);
	if (!shape_fits(tensor, &spec))
	{
		char		expected[64];
		char		found[64];

		format_shape(spec.shape, spec.rank, expected);
		format_shape(tensor->shape, tensor->rank, found);
		electra_fail(error, ELECTRA_CORRUPT, "preset archive has tensor \"%s\" with a wrong shape", tensor->name);
		electra_fail_detail(error, "Expected %s, found %s.", expected, found);
		return ELECTRA_CORRUPT;
	}
	if (!dtype_fits(&archive->config, tensor, &spec, &expected_dtype))
	{
		electra_fail(error, ELECTRA_CORRUPT, "preset archive has tensor \"%s\" with a wrong type", tensor->name);
		electra_fail_detail(error, "Expected %s, found %s.", expected_dtype, electra_dtype_name(tensor->dtype));
		return ELECTRA_CORRUPT;
	}
	if (spec.text && tensor->end - tensor->begin > MAX_TEXT_TENSOR)
	{
		electra_fail(error, ELECTRA_CORRUPT, "preset archive has tensor \"%s\" of %llu bytes", tensor->name,
					 (unsigned long long) (tensor->end - tensor->begin));
		electra_fail_detail(error, "At most %d bytes are allowed.", MAX_TEXT_TENSOR);
		return ELECTRA_CORRUPT;
	}
	/* the same name may stand among the tensors of another element size */
	if (electra_archive_tensor(archive, tensor->name) != tensor)
		return electra_fail(error, ELECTRA_CORRUPT, "preset archive has tensor \"%s\" twice", tensor->name);
	return check_companions(archive, tensor, &spec, error);
}

/* The number of labels is any, but a head's weight and bias must agree on it. */
static electra_status
check_labels(const electra_archive *archive, const char *weight_name, const char *bias_name,
			 electra_error *error)
{
	const electra_tensor *weight = electra_archive_tensor(archive, weight_name);
	const electra_tensor *bias = electra_archive_tensor(archive, bias_name);

	if (weight == NULL || bias == NULL || weight->shape[0] == bias->shape[0])
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_CORRUPT, "preset archive has tensor \"%s\" with a wrong shape", bias_name);
	electra_fail_detail(error, "It is for %lld labels, \"%s\" for %lld.", (long long) bias->shape[0],
						weight_name, (long long) weight->shape[0]);
	return ELECTRA_CORRUPT;
}

/*
 * config.dtype says what the matrices have; there are always some.  Those of
 * an int8 preset have been checked one by one.
 */
static electra_status
check_dtype(const electra_archive *archive, electra_error *error)
{
	electra_dtype found = ELECTRA_F32;
	bool		first = true;

	if (archive->config.dtype == ELECTRA_I8)
		return ELECTRA_OK;
	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];

		if (tensor->rank != 2)
			continue;
		if (!first && tensor->dtype != found)
		{
			found = ELECTRA_F32;
			break;
		}
		found = tensor->dtype;
		first = false;
	}
	if (found == archive->config.dtype)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_CORRUPT, "preset archive has a wrong \"config.dtype\"");
	electra_fail_detail(error, "Its matrices make it %s, found %s.", electra_dtype_name(found),
						electra_dtype_name(archive->config.dtype));
	return ELECTRA_CORRUPT;
}

static electra_status
check_tensors(const electra_archive *archive, electra_error *error)
{
	electra_tensor_spec spec;
	electra_status status;

	for (int i = 0; i < archive->num_tensors; i++)
	{
		status = check_tensor(archive, &archive->tensors[i], error);
		if (status != ELECTRA_OK)
			return status;
	}
	for (int i = 0; electra_tensor_spec_required(&archive->config, i, &spec); i++)
	{
		if (electra_archive_tensor(archive, spec.name) == NULL)
			return electra_fail(error, ELECTRA_CORRUPT, "preset archive lacks tensor \"%s\"", spec.name);
	}
	status = check_dtype(archive, error);
	if (status != ELECTRA_OK)
		return status;
	status = check_labels(archive, "classifier.weight", "classifier.bias", error);
	if (status != ELECTRA_OK)
		return status;
	return check_labels(archive, "classifier.out_proj.weight", "classifier.out_proj.bias", error);
}

/* The header's text: its size, then canonical JSON, then as few spaces as align the data. */
static electra_status
parse_header(electra_archive_reader *reader, size_t size, growing_array *metadata,
			 growing_array *tensors, electra_error *error)
{
	electra_json json = {reader->header, (char *) reader->header + size};
	electra_status status;

	status = parse_metadata(&json, metadata, reader->memory, error);
	if (status != ELECTRA_OK)
		return status;
	status = parse_tensors(&json, tensors, reader->memory, error);
	if (status != ELECTRA_OK)
		return status;
	if (json.end - json.next >= ELECTRA_ARCHIVE_ALIGNMENT)
		return corrupt(error, "its header is not in canonical form");
	while (json.next < json.end)
	{
		if (!electra_json_literal(&json, " "))
			return corrupt(error, "its header is not in canonical form");
	}
	return ELECTRA_OK;
}

/* What the header says, once its form is known to be right. */
static electra_status
check_header(electra_archive *archive, uint64_t max_size, electra_error *error)
{
	uint64_t	data_size = archive->num_tensors > 0 ? archive->tensors[archive->num_tensors - 1].end : 0;
	electra_status status;

	if (archive->data_begin > max_size || data_size > max_size - archive->data_begin)
	{
		corrupt(error, "its header claims more data than there is");
		electra_fail_detail(error, "The header claims %llu bytes of data behind %llu bytes of header, the limit is %llu.",
							(unsigned long long) data_size, (unsigned long long) archive->data_begin,
							(unsigned long long) max_size);
		return ELECTRA_CORRUPT;
	}
	archive->size = archive->data_begin + data_size;
	status = electra_config_from_metadata(archive->metadata, archive->num_metadata, &archive->config, error);
	if (status != ELECTRA_OK)
		return status;
	if (electra_archive_metadata(archive, "config.has_pooler") == NULL)
		archive->config.has_pooler = electra_archive_tensor(archive, "pooler.dense.weight") != NULL;
	status = electra_config_check(&archive->config, error);
	if (status == ELECTRA_INVALID_ARGUMENT)
		status = error->status = ELECTRA_CORRUPT;	/* nobody chose it */
	if (status != ELECTRA_OK)
		return status;
	return check_tensors(archive, error);
}

/* The first eight bytes. */
static electra_status
read_header_size(electra_archive_reader *reader, size_t *size, electra_error *error)
{
	uint8_t		bytes[8];
	uint64_t	value = 0;
	electra_status status = read_bytes(reader, bytes, sizeof(bytes), error);

	if (status != ELECTRA_OK)
		return status;
	for (int i = 7; i >= 0; i--)
		value = value << 8 | bytes[i];
	if (value > ELECTRA_MAX_HEADER_SIZE || (value + sizeof(bytes)) % ELECTRA_ARCHIVE_ALIGNMENT != 0)
	{
		corrupt(error, "its header has a wrong size");
		electra_fail_detail(error, "The size is %llu; at most %d are allowed, and the data must begin at a multiple of %d.",
							(unsigned long long) value, ELECTRA_MAX_HEADER_SIZE, ELECTRA_ARCHIVE_ALIGNMENT);
		return ELECTRA_CORRUPT;
	}
	*size = (size_t) value;
	return ELECTRA_OK;
}

electra_status
electra_archive_open(electra_archive_reader *reader, electra_stream stream, uint64_t max_size,
					 const electra_allocator *memory, electra_error *error)
{
	growing_array metadata = {.element_size = sizeof(electra_metadata)};
	growing_array tensors = {.element_size = sizeof(electra_tensor)};
	electra_archive *archive;
	size_t		header_size;
	electra_status status;

	memset(reader, 0, sizeof(*reader));
	reader->stream = stream;
	reader->memory = memory;
	electra_sha256_init(&reader->sha);

	status = read_header_size(reader, &header_size, error);
	if (status != ELECTRA_OK)
		return status;
	reader->archive = archive = memory->alloc(memory->context, sizeof(*archive));
	if (archive == NULL)
		return out_of_memory(error, sizeof(*archive));
	memset(archive, 0, sizeof(*archive));
	reader->header = memory->alloc(memory->context, header_size);
	if (reader->header == NULL)
		return out_of_memory(error, header_size);
	status = read_bytes(reader, reader->header, header_size, error);
	if (status != ELECTRA_OK)
		return status;

	status = parse_header(reader, header_size, &metadata, &tensors, error);
	archive->metadata = (electra_metadata *) metadata.elements;
	archive->tensors = (electra_tensor *) tensors.elements;
	if (status != ELECTRA_OK)
		return status;
	archive->num_metadata = (int) metadata.count;
	archive->num_tensors = (int) tensors.count;
	archive->data_begin = reader->position;
	return check_header(archive, max_size, error);
}

void
electra_archive_trust(electra_archive_reader *reader, const uint8_t digest[ELECTRA_DIGEST_SIZE])
{
	reader->known_digest = digest;
}

electra_status
electra_archive_read(electra_archive_reader *reader, void *destination, size_t size,
					 electra_error *error)
{
	if (size > reader->archive->size - reader->position)
		return corrupt(error, "it ends before its last tensor");
	return read_bytes(reader, destination, size, error);
}

electra_status
electra_archive_digest(electra_archive_reader *reader, uint8_t digest[ELECTRA_DIGEST_SIZE],
					   electra_error *error)
{
	if (reader->position != reader->archive->size)
	{
		corrupt(error, "it has not been read to its end");
		electra_fail_detail(error, "%llu of %llu bytes have been read.",
							(unsigned long long) reader->position,
							(unsigned long long) reader->archive->size);
		return ELECTRA_CORRUPT;
	}
	if (reader->known_digest != NULL)
		memcpy(digest, reader->known_digest, ELECTRA_DIGEST_SIZE);
	else
		electra_sha256_final(&reader->sha, digest);
	return ELECTRA_OK;
}

void
electra_archive_close(electra_archive_reader *reader)
{
	const electra_allocator *memory = reader->memory;

	if (reader->archive != NULL)
	{
		memory->release(memory->context, (void *) reader->archive->metadata);
		memory->release(memory->context, (void *) reader->archive->tensors);
		memory->release(memory->context, reader->archive);
	}
	memory->release(memory->context, reader->header);
	reader->archive = NULL;
	reader->header = NULL;
}

const char *
electra_archive_metadata(const electra_archive *archive, const char *key)
{
	int			low = 0;
	int			high = archive->num_metadata;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = strcmp(archive->metadata[middle].key, key);

		if (order == 0)
			return archive->metadata[middle].value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Binary search among the tensors of one element size. */
static const electra_tensor *
find_tensor(const electra_archive *archive, size_t element_size, const char *name)
{
	int			low = 0;
	int			high = archive->num_tensors;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const electra_tensor *tensor = &archive->tensors[middle];
		int			order = compare_place(electra_dtype_size(tensor->dtype), tensor->name,
										  element_size, name);

		if (order == 0)
			return tensor;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const electra_tensor *
electra_archive_tensor(const electra_archive *archive, const char *name)
{
	for (size_t element_size = 4; element_size > 0; element_size /= 2)
	{
		const electra_tensor *tensor = find_tensor(archive, element_size, name);

		if (tensor != NULL)
			return tensor;
	}
	return NULL;
}

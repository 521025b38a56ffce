/*
 * Writes a preset as an archive, each tensor in its stored_dtype.
 *
 * The header is made first, in memory, and read once with the core's strict
 * reader: nothing is written that a server would refuse.
 */
#include "import/archive_writer.h"

#include "core/canonical_json.h"
#include "core/weight_files.h"
#include "import/narrow.h"
#include "import/weight_hashes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE (256 * 1024)
#define HEADER_SIZE_BYTES 8

/* A tensor of the archive: one of the source's, or a text. */
typedef struct entry
{
	const char *name;
	electra_dtype dtype;
	int			rank;
	int64_t		shape[ELECTRA_MAX_RANK];
	uint64_t	size;			/* bytes */
	const source_tensor *tensor;	/* NULL for a text */
	const char *text;
} entry;

/* A text that grows; failed once memory has run out. */
typedef struct text_buffer
{
	char	   *text;
	size_t		size;
	size_t		capacity;
	bool		failed;
} text_buffer;

/* The metadata pairs, to be put in order. */
typedef struct pair_list
{
	source_provenance *pairs;
	int			count;
	int			capacity;
	bool		failed;
} pair_list;

/* Where the bytes go: the output, and the digest on the way. */
typedef struct writer
{
	const archive_output *output;
	electra_sha256 sha;
	bool		hashing;		/* does the caller want the digest? */
	weight_hashes hashes;		/* of what the source's weights are read from */
	uint64_t	done;
	uint64_t	total;
	electra_error *error;
} writer;

static electra_status
out_of_memory(electra_error *error)
{
	return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
}

static void
append(text_buffer *buffer, const char *text, size_t size)
{
	if (buffer->size + size > buffer->capacity)
	{
		size_t		capacity = (buffer->size + size) * 2;
		char	   *grown = buffer->failed ? NULL : realloc(buffer->text, capacity);

		if (grown == NULL)
		{
			buffer->failed = true;
			return;
		}
		buffer->text = grown;
		buffer->capacity = capacity;
	}
	memcpy(buffer->text + buffer->size, text, size);
	buffer->size += size;
}

static void append_format(text_buffer *buffer, const char *format,...) ELECTRA_PRINTF(2, 3);

/* For short texts only. */
static void
append_format(text_buffer *buffer, const char *format,...)
{
	char		text[256];
	va_list		args;
	int			size;

	va_start(args, format);
	size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	append(buffer, text, (size_t) size);
}

static void
append_string(text_buffer *buffer, const char *string)
{
	append(buffer, "\"", 1);
	for (; *string != '\0'; string++)
	{
		char		escape[7];

		append(buffer, escape, electra_json_escape(*string, escape));
	}
	append(buffer, "\"", 1);
}

/* emit of electra_config_to_metadata */
static void
collect_pair(void *context, const char *key, const char *value)
{
	pair_list  *list = context;
	source_provenance *pair = &list->pairs[list->count];

	if (list->count == list->capacity)
	{
		list->failed = true;
		return;
	}
	pair->key = strdup(key);
	pair->value = strdup(value);
	if (pair->key == NULL || pair->value == NULL)
		list->failed = true;
	list->count++;
}

static int
compare_pairs(const void *a, const void *b)
{
	return strcmp(((const source_provenance *) a)->key, ((const source_provenance *) b)->key);
}

/* emit of electra_config_to_metadata, to know how many pairs there will be */
static void
count_pair(void *context, const char *key, const char *value)
{
	(void) key;
	(void) value;
	++*(int *) context;
}

static electra_status
append_metadata(text_buffer *buffer, const preset_source *source, electra_error *error)
{
	pair_list	list = {.capacity = source->num_provenance};

	electra_config_to_metadata(&source->config, count_pair, &list.capacity);
	list.pairs = calloc((size_t) list.capacity, sizeof(*list.pairs));
	if (list.pairs == NULL)
		return out_of_memory(error);
	electra_config_to_metadata(&source->config, collect_pair, &list);
	for (int i = 0; i < source->num_provenance; i++)
		collect_pair(&list, source->provenance[i].key, source->provenance[i].value);
	if (!list.failed)
		qsort(list.pairs, (size_t) list.count, sizeof(*list.pairs), compare_pairs);
	append_format(buffer, "{\"__metadata__\":{");
	for (int i = 0; i < list.count; i++)
	{
		if (!list.failed)
		{
			append(buffer, ",", i > 0 ? 1 : 0);
			append_string(buffer, list.pairs[i].key);
			append(buffer, ":", 1);
			append_string(buffer, list.pairs[i].value);
		}
		free(list.pairs[i].key);
		free(list.pairs[i].value);
	}
	append(buffer, "}", 1);
	free(list.pairs);
	return list.failed ? out_of_memory(error) : ELECTRA_OK;
}

/* Descending element size, then ascending name. */
static int
compare_entries(const void *a, const void *b)
{
	const entry *left = a;
	const entry *right = b;
	size_t		left_size = electra_dtype_size(left->dtype);
	size_t		right_size = electra_dtype_size(right->dtype);

	if (left_size != right_size)
		return left_size > right_size ? -1 : 1;
	return strcmp(left->name, right->name);
}

static entry
text_entry(const char *name, const char *text, size_t size)
{
	return (entry) {
		.name = name, .dtype = ELECTRA_U8, .rank = 1, .shape = {(int64_t) size},
		.size = size, .text = text
	};
}

static entry
tensor_entry(const source_tensor *tensor)
{
	entry		entry = {
		.name = tensor->spec.name, .dtype = tensor->stored_dtype, .rank = tensor->spec.rank,
		.size = electra_dtype_size(tensor->stored_dtype), .tensor = tensor
	};

	for (int i = 0; i < entry.rank; i++)
	{
		entry.shape[i] = tensor->spec.shape[i];
		entry.size *= (uint64_t) entry.shape[i];
	}
	return entry;
}

/* All tensors of the archive in their order; *count of them, in malloc'd memory. */
static entry *
list_entries(const preset_source *source, const weight_hashes *hashes, int *count)
{
	entry	   *entries = malloc((size_t) (source->num_tensors + 3) * sizeof(*entries));

	if (entries == NULL)
		return NULL;
	*count = 0;
	for (int i = 0; i < source->num_tensors; i++)
		entries[(*count)++] = tensor_entry(&source->tensors[i]);
	entries[(*count)++] = text_entry("tokenizer.vocabulary", source->vocabulary, source->vocabulary_size);
	if (source->added_tokens != NULL)
		entries[(*count)++] = text_entry("tokenizer.added_tokens", source->added_tokens,
										 source->added_tokens_size);
	if (hashes->size > 0)
		entries[(*count)++] = text_entry(ELECTRA_WEIGHT_FILES, hashes->text, hashes->size);
	qsort(entries, (size_t) *count, sizeof(*entries), compare_entries);
	return entries;
}

static void
append_entries(text_buffer *buffer, const entry *entries, int count)
{
	uint64_t	offset = 0;

	for (int i = 0; i < count; i++)
	{
		const entry *entry = &entries[i];

		append(buffer, ",", 1);
		append_string(buffer, entry->name);
		append_format(buffer, ":{\"dtype\":\"%s\",\"shape\":[", electra_dtype_name(entry->dtype));
		for (int dimension = 0; dimension < entry->rank; dimension++)
			append_format(buffer, "%s%" PRId64, dimension > 0 ? "," : "", entry->shape[dimension]);
		append_format(buffer, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", offset, offset + entry->size);
		offset += entry->size;
	}
	append(buffer, "}", 1);
}

/* The whole header with its size in front. */
static electra_status
make_header(text_buffer *buffer, const preset_source *source, const entry *entries, int count,
			electra_error *error)
{
	electra_status status;
	uint64_t	size;

	append(buffer, "\0\0\0\0\0\0\0\0", HEADER_SIZE_BYTES);
	status = append_metadata(buffer, source, error);
	if (status != ELECTRA_OK)
		return status;
	append_entries(buffer, entries, count);
	while (!buffer->failed && buffer->size % ELECTRA_ARCHIVE_ALIGNMENT != 0)
		append(buffer, " ", 1);
	if (buffer->failed)
		return out_of_memory(error);
	size = buffer->size - HEADER_SIZE_BYTES;
	for (int i = 0; i < HEADER_SIZE_BYTES; i++)
		buffer->text[i] = (char) (size >> 8 * i & 0xff);
	return ELECTRA_OK;
}

/* electra_stream.read over a text_buffer, whose size is the position */
static electra_status
read_text(void *context, void *destination, size_t size, electra_error *error)
{
	text_buffer *text = context;

	if (size > text->capacity - text->size)
		return electra_fail(error, ELECTRA_CORRUPT, "the header of the archive is incomplete");
	memcpy(destination, text->text + text->size, size);
	text->size += size;
	return ELECTRA_OK;
}

/* Would a server take it?  *size receives that of the whole archive. */
static electra_status
check_header(const text_buffer *header, uint64_t *size, electra_error *error)
{
	text_buffer view = {.text = header->text, .capacity = header->size};
	electra_stream stream = {read_text, &view};
	electra_archive_reader reader;
	electra_status status;

	status = electra_archive_open(&reader, stream, UINT64_MAX, &electra_malloc_allocator, error);
	if (status == ELECTRA_OK)
		*size = reader.archive->size;
	else if (status == ELECTRA_CORRUPT)
		status = error->status = ELECTRA_INVALID_SOURCE;	/* it is the source that does not add up */
	electra_archive_close(&reader);
	return status;
}

/* Hands bytes on to digest and output; what has to be waited for is time to hash the source's files. */
static electra_status
put(writer *writer, const void *data, size_t size)
{
	const archive_output *output = writer->output;
	electra_status status = ELECTRA_OK;

	while (status == ELECTRA_OK && output->ready != NULL && !weight_hashes_done(&writer->hashes) &&
		   !output->ready(output->context))
		status = weight_hashes_step(&writer->hashes, writer->error);
	if (status == ELECTRA_OK)
		status = output->write(output->context, data, size, writer->error);
	if (status != ELECTRA_OK)
		return status;
	if (writer->hashing)
		electra_sha256_update(&writer->sha, data, size);
	writer->done += size;
	if (output->progress != NULL)
		output->progress(output->context, writer->done, writer->total);
	return ELECTRA_OK;
}

/* Weights that are not finite would make every vector useless. */
static electra_status
check_finite(const entry *entry, int64_t first, const float *values, int64_t count, electra_error *error)
{
	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &values[i], sizeof(bits));
		if ((bits & 0x7f800000) == 0x7f800000)
		{
			electra_fail(error, ELECTRA_NOT_FINITE, "tensor \"%s\" holds a value that is not finite", entry->name);
			electra_fail_detail(error, "It is element %lld, counted from 0.", (long long) (first + i));
			return ELECTRA_NOT_FINITE;
		}
	}
	return ELECTRA_OK;
}

/* A value that the stored dtype cannot hold; only the user can choose another. */
static electra_status
fail_range(const entry *entry, int64_t index, float value, electra_error *error)
{
	bool		half = entry->dtype == ELECTRA_F16;

	electra_fail(error, ELECTRA_NOT_FINITE, "tensor \"%s\" holds a value out of the range of %s",
				 entry->name, half ? "float16" : "bfloat16");
	electra_fail_detail(error, "It is element %lld, counted from 0: %g; the largest that can be stored is %s.",
						(long long) index, (double) value, half ? "65504" : "3.38953e+38");
	electra_fail_hint(error, half ? "Choose dtype bfloat16 or float32." : "Choose dtype float32.");
	return ELECTRA_NOT_FINITE;
}

/* Brings values to the dtype in which they are stored, in place. */
static electra_status
narrow(const entry *entry, int64_t first, float *values, int64_t count, electra_error *error)
{
	size_t		done = narrow_floats(entry->dtype, values, (size_t) count, values);

	return done == (size_t) count ? ELECTRA_OK :
		fail_range(entry, first + (int64_t) done, values[done], error);
}

/* A tensor of the source, a buffer at a time. */
static electra_status
put_tensor(writer *writer, const entry *entry, float *buffer /* (BUFFER_SIZE bytes) */ )
{
	const size_t element_size = electra_dtype_size(entry->dtype);
	const int64_t total = (int64_t) (entry->size / element_size);
	const int64_t most = BUFFER_SIZE / (int64_t) sizeof(float);

	for (int64_t first = 0; first < total; first += most)
	{
		int64_t		count = total - first < most ? total - first : most;
		electra_status status = entry->tensor->read(entry->tensor, first, count, buffer, writer->error);

		if (status == ELECTRA_OK)
			status = check_finite(entry, first, buffer, count, writer->error);
		if (status == ELECTRA_OK)
			status = narrow(entry, first, buffer, count, writer->error);
		if (status == ELECTRA_OK)
			status = put(writer, buffer, (size_t) count * element_size);
		if (status != ELECTRA_OK)
			return status;
	}
	return ELECTRA_OK;
}

static electra_status
put_text(writer *writer, const entry *entry)
{
	/* the last tensor needs what is not hashed yet */
	while (entry->text == writer->hashes.text && !weight_hashes_done(&writer->hashes))
	{
		electra_status status = weight_hashes_step(&writer->hashes, writer->error);

		if (status != ELECTRA_OK)
			return status;
	}
	for (uint64_t first = 0; first < entry->size; first += BUFFER_SIZE)
	{
		uint64_t	rest = entry->size - first;
		electra_status status = put(writer, entry->text + first,
									rest < BUFFER_SIZE ? (size_t) rest : BUFFER_SIZE);

		if (status != ELECTRA_OK)
			return status;
	}
	return ELECTRA_OK;
}

/* Header and tensors, once everything is known. */
static electra_status
put_archive(writer *writer, const text_buffer *header, const entry *entries, int count)
{
	float	   *buffer = malloc(BUFFER_SIZE);
	electra_status status;

	if (buffer == NULL)
		return out_of_memory(writer->error);
	status = put(writer, header->text, header->size);
	for (int i = 0; i < count && status == ELECTRA_OK; i++)
		status = entries[i].tensor != NULL ? put_tensor(writer, &entries[i], buffer) :
			put_text(writer, &entries[i]);
	free(buffer);
	return status;
}

electra_status
archive_write(const preset_source *source, const archive_output *output,
			  uint8_t digest[ELECTRA_DIGEST_SIZE], uint64_t *size, electra_error *error)
{
	writer		writer = {.output = output, .hashing = digest != NULL, .error = error};
	text_buffer header = {0};
	entry	   *entries = NULL;
	int			count = 0;
	electra_status status = weight_hashes_begin(&writer.hashes, source, error);

	if (status == ELECTRA_OK)
		entries = list_entries(source, &writer.hashes, &count);
	if (status == ELECTRA_OK && entries == NULL)
		status = out_of_memory(error);
	electra_sha256_init(&writer.sha);
	if (status == ELECTRA_OK)
		status = make_header(&header, source, entries, count, error);
	if (status == ELECTRA_OK)
		status = check_header(&header, &writer.total, error);
	if (status == ELECTRA_OK)
		status = put_archive(&writer, &header, entries, count);
	free(header.text);
	free(entries);
	weight_hashes_end(&writer.hashes);
	if (status != ELECTRA_OK)
		return status;
	if (digest != NULL)
		electra_sha256_final(&writer.sha, digest);
	if (size != NULL)
		*size = writer.total;
	return ELECTRA_OK;
}

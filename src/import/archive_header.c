/*
 * The header of an archive: canonical JSON, made in memory.
 */
#include "import/archive_header.h"

#include "core/canonical_json.h"
#include "core/image.h"
#include "core/weight_files.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE_BYTES 8

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
	const archive_entry *left = a;
	const archive_entry *right = b;
	size_t		left_size = electra_dtype_size(left->dtype);
	size_t		right_size = electra_dtype_size(right->dtype);

	if (left_size != right_size)
		return left_size > right_size ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* The next entry, named and with its size, which follows from its dtype and shape. */
static archive_entry *
add_entry(archive_header *header, archive_part part, const char *name, const char *suffix,
		  electra_dtype dtype, int rank, const int64_t *shape)
{
	archive_entry *entry = &header->entries[header->num_entries++];

	memset(entry, 0, sizeof(*entry));
	snprintf(entry->name, sizeof(entry->name), "%s%s", name, suffix);
	entry->part = part;
	entry->dtype = dtype;
	entry->rank = rank;
	entry->size = electra_dtype_size(dtype);
	for (int i = 0; i < rank; i++)
	{
		entry->shape[i] = shape[i];
		entry->size *= (uint64_t) shape[i];
	}
	return entry;
}

static void
add_text(archive_header *header, const char *name, const char *text, size_t size)
{
	const int64_t shape[] = {(int64_t) size};

	add_entry(header, PART_TEXT, name, "", ELECTRA_U8, 1, shape)->text = text;
}

/* A tensor of the source, in I8 with what belongs to it. */
static void
add_tensor(archive_header *header, const source_tensor *tensor)
{
	const electra_tensor_spec *spec = &tensor->spec;
	bool		quantized = tensor->stored_dtype == ELECTRA_I8;
	const int64_t scales[] = {spec->shape[0], (int64_t) electra_int8_groups(spec->shape[1])};
	const int64_t exact[] = {spec->shape[0], tensor->num_exact};

	add_entry(header, quantized ? PART_QUANTIZED : PART_NARROWED, spec->name, "",
			  tensor->stored_dtype, spec->rank, spec->shape)->tensor = tensor;
	if (quantized)
		add_entry(header, PART_SCALES, spec->name, ELECTRA_SCALE_SUFFIX, ELECTRA_F32, 2,
				  scales)->tensor = tensor;
	if (quantized && tensor->num_exact > 0)
	{
		add_entry(header, PART_CHANNELS, spec->name, ELECTRA_CHANNELS_SUFFIX, ELECTRA_F32, 1,
				  exact + 1)->tensor = tensor;
		add_entry(header, PART_EXACT, spec->name, ELECTRA_EXACT_SUFFIX, ELECTRA_F32, 2,
				  exact)->tensor = tensor;
	}
}

/* All tensors of the archive in their order. */
static electra_status
list_entries(archive_header *header, const preset_source *source, const weight_hashes *hashes,
			 electra_error *error)
{
	/* each tensor may become four, and there are three texts */
	header->entries = malloc((4 * (size_t) source->num_tensors + 3) * sizeof(*header->entries));
	if (header->entries == NULL)
		return out_of_memory(error);
	for (int i = 0; i < source->num_tensors; i++)
		add_tensor(header, &source->tensors[i]);
	add_text(header, "tokenizer.vocabulary", source->vocabulary, source->vocabulary_size);
	if (source->added_tokens != NULL)
		add_text(header, "tokenizer.added_tokens", source->added_tokens, source->added_tokens_size);
	if (hashes != NULL && hashes->size > 0)
		add_text(header, ELECTRA_WEIGHT_FILES, hashes->text, hashes->size);
	qsort(header->entries, (size_t) header->num_entries, sizeof(*header->entries), compare_entries);
	return ELECTRA_OK;
}

static void
append_entries(text_buffer *buffer, const archive_entry *entries, int count)
{
	uint64_t	offset = 0;

	for (int i = 0; i < count; i++)
	{
		const archive_entry *entry = &entries[i];

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
make_header(text_buffer *buffer, const preset_source *source, const archive_entry *entries, int count,
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

electra_status
archive_header_make(archive_header *header, const preset_source *source, const weight_hashes *hashes,
					electra_error *error)
{
	text_buffer buffer = {0};
	electra_status status;

	memset(header, 0, sizeof(*header));
	status = list_entries(header, source, hashes, error);
	if (status == ELECTRA_OK)
		status = make_header(&buffer, source, header->entries, header->num_entries, error);
	header->text = buffer.text;
	header->size = buffer.size;
	if (status == ELECTRA_OK)
		status = check_header(&buffer, &header->archive_size, error);
	return status;
}

void
archive_header_free(archive_header *header)
{
	free(header->text);
	free(header->entries);
	memset(header, 0, sizeof(*header));
}

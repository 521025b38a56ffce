/*
 * libFuzzer: arbitrary bytes as an archive, as an image, and as weights.sha256.
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc … fuzz_archive.c and the sources of src/core
 *
 * Whatever opens must be canonical: its configuration's metadata is the one
 * that was read.  Whatever builds must open as an image and encode.
 */
#include "core/encoder.h"
#include "core/weight_files.h"

#include <stdlib.h>
#include <string.h>

/* Larger images are not worth the time. */
#define MAX_IMAGE_SIZE (16 * 1024 * 1024)
#define MAX_ENCODED_SIZE (256 * 1024)

typedef struct input
{
	const uint8_t *data;
	size_t		left;
} input;

static electra_status
read_input(void *context, void *destination, size_t size, electra_error *error)
{
	input	   *input = context;

	if (size > input->left)
		return electra_fail(error, ELECTRA_IO_ERROR, "end of input");
	memcpy(destination, input->data, size);
	input->data += size;
	input->left -= size;
	return ELECTRA_OK;
}

static electra_status
write_image(void *context, uint64_t offset, const void *data, size_t size, electra_error *error)
{
	(void) error;
	memcpy((char *) context + offset, data, size);
	return ELECTRA_OK;
}

static void
check_metadata(void *context, const char *key, const char *value)
{
	const char *found = electra_archive_metadata(context, key);

	if (found == NULL || strcmp(found, value) != 0)
		abort();
}

/* Two tokens, one of them padding, through encoder and pooler: finite, or refused for not being so. */
static void
encode(const electra_model *model)
{
	const electra_config *config = electra_model_config(model);
	const int32_t ids[] = {0, config->vocab_size - 1};
	const int32_t offsets[] = {0, 2};
	const uint8_t mask[] = {0, 1};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets, .token_ids = ids, .padding_mask = mask};
	size_t		row = (size_t) config->hidden_dim * sizeof(float);
	void	   *workspace = aligned_alloc(64, (electra_encoder_workspace(model, &batch) + 63) / 64 * 64);
	float	   *output = malloc(3 * row);
	electra_error error;
	electra_status status;

	if (workspace == NULL || output == NULL)
		abort();
	status = electra_encode(model, &batch, workspace, output, NULL, &error);
	if (status == ELECTRA_OK)
	{
		status = electra_pooled_output(model, &batch, output, output + 2 * (size_t) config->hidden_dim, &error);
		if (status == ELECTRA_UNSUPPORTED && !config->has_pooler)
			status = ELECTRA_OK;
	}
	if (status != ELECTRA_OK && status != ELECTRA_NOT_FINITE)
		abort();
	free(workspace);
	free(output);
}

static void
build_image(electra_archive_reader *reader)
{
	uint64_t	capacity = electra_image_max_size(reader->archive);
	electra_error error;
	electra_model model;
	uint64_t	size;
	char	   *image;
	electra_sink sink = {write_image, NULL};

	if (capacity > MAX_IMAGE_SIZE)
		return;
	image = aligned_alloc(64, (size_t) (capacity + 63) / 64 * 64);
	if (image == NULL)
		abort();
	sink.context = image;
	if (electra_image_build(reader, NULL, &sink, &size, &electra_malloc_allocator, NULL, &error) == ELECTRA_OK)
	{
		if (size > capacity || electra_model_open(&model, image, (size_t) size, &error) != ELECTRA_OK ||
			electra_model_verify(&model, NULL, &error) != ELECTRA_OK)
			abort();
		if (size < MAX_ENCODED_SIZE)
			encode(&model);
	}
	free(image);
}

/* The same bytes as an image, whose header's digest is made right. */
static void
open_image(const uint8_t *data, size_t size)
{
	size_t		padded = (size + 63) / 64 * 64;
	char	   *image = size < sizeof(electra_image_header) ? NULL : aligned_alloc(64, padded);
	electra_image_header *header = (electra_image_header *) image;
	electra_sha256 sha;
	electra_model model;
	electra_error error;

	if (image == NULL)
		return;
	memcpy(image, data, size);
	memcpy(header->magic, "electra image\n\0", sizeof(header->magic));
	header->version = ELECTRA_IMAGE_VERSION;
	header->header_size = sizeof(*header);
	header->size = size;
	memset(header->header_digest, 0, sizeof(header->header_digest));
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, header, sizeof(*header));
	electra_sha256_final(&sha, header->header_digest);
	electra_model_open(&model, image, size, &error);
	free(image);
}

/* What is accepted can be gone through to its end. */
static void
read_weight_files(const char *text, size_t size)
{
	const char *end = text + size;
	electra_weight_file file;
	electra_error error;
	size_t		length = 0;

	if (electra_weight_files_check(text, size, &error) != ELECTRA_OK)
		return;
	while (electra_weight_files_next(&text, end, &file))
		length += strlen(file.digest) + 1 + strlen(file.name) + 1;
	if (length != size)
		abort();
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input		input = {data, size};
	electra_stream stream = {read_input, &input};
	electra_archive_reader reader;
	electra_error error;

	if (electra_archive_open(&reader, stream, size, &electra_malloc_allocator, &error) == ELECTRA_OK)
	{
		electra_config_to_metadata(&reader.archive->config, check_metadata, reader.archive);
		build_image(&reader);
	}
	electra_archive_close(&reader);
	open_image(data, size);
	read_weight_files((const char *) data, size);
	return 0;
}

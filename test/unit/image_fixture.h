/*
 * Images in memory, for tests: of the fixture's archives, with whatever can go
 * wrong on the way.
 */
#ifndef ELECTRA_IMAGE_FIXTURE_H
#define ELECTRA_IMAGE_FIXTURE_H

#include "core/image.h"
#include "archive_fixture.h"

/* An image in memory: electra_sink.write */
typedef struct memory_image
{
	char	   *bytes;			/* aligned */
	uint64_t	capacity;
	uint64_t	end;			/* of what has been written */
	uint64_t	fail_behind;	/* writes beyond are refused */
	bool		header_written;
} memory_image;

static inline electra_status
image_write(void *context, uint64_t offset, const void *data, size_t size, electra_error *error)
{
	memory_image *image = context;

	if (offset + size > image->fail_behind)
		return electra_fail(error, ELECTRA_IO_ERROR, "disk full");
	assert_true(offset + size <= image->capacity);
	assert_false(image->header_written);
	if (offset == 0)
		image->header_written = true;
	else
	{
		assert_int_equal(offset, image->end);
		image->end = offset + size;
	}
	memcpy(image->bytes + offset, data, size);
	return ELECTRA_OK;
}

/* Builds with everything that can be varied. */
static inline electra_status
build(byte_buffer *archive, memory_image *image, const uint8_t *digest, uint64_t fail_behind,
	  const electra_allocator *memory, const electra_poll *poll, uint64_t *size, electra_error *error)
{
	const electra_sink sink = {image_write, image};
	electra_archive_reader reader;
	electra_status status;

	memset(image, 0, sizeof(*image));
	image->fail_behind = fail_behind;
	image->end = sizeof(electra_image_header);
	status = electra_archive_open(&reader, buffer_stream(archive), archive->size, memory, error);
	if (status == ELECTRA_OK)
	{
		image->capacity = electra_image_max_size(reader.archive);
		image->bytes = aligned_alloc(64, (image->capacity + 63) / 64 * 64);
		assert_non_null(image->bytes);
		status = electra_image_build(&reader, digest, &sink, size, memory, poll, error);
	}
	electra_archive_close(&reader);
	return status;
}

static inline electra_status
build_plainly(byte_buffer *archive, memory_image *image, uint64_t *size, electra_error *error)
{
	return build(archive, image, NULL, UINT64_MAX, &electra_malloc_allocator, NULL, size, error);
}

/*
 * Biases and norms that are not all zeros and ones, so that mixing tensors up
 * shows; each value has at most 8 significant bits, which every dtype holds.
 */
static inline electra_status
read_numbered(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	unsigned	hash = 0;

	(void) error;
	for (const char *p = tensor->spec.name; *p != '\0'; p++)
		hash = hash * 31 + (unsigned char) *p;
	for (int64_t i = 0; i < count; i++)
		values[i] = (float) ((int) ((hash + 37 * (uint64_t) (first + i)) % 509) - 254) / 64;
	return ELECTRA_OK;
}

static inline void
make_source(preset_source *source, int32_t embedding_dim, bool dense, bool dense_bias)
{
	fixture_source(source, embedding_dim, 5);
	if (dense)
		fixture_add_dense(source, 33, dense_bias);
	for (int i = 0; i < source->num_tensors; i++)
		source->tensors[i].read = read_numbered;
}

#endif							/* ELECTRA_IMAGE_FIXTURE_H */

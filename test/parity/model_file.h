/*
 * A preset archive, opened for the programs that the scripts drive: they end
 * where anything is wrong.
 */
#ifndef ELECTRA_MODEL_FILE_H
#define ELECTRA_MODEL_FILE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image.h"
#include "core/kernels.h"

/* An archive file as a stream. */
static inline electra_status
read_file(void *context, void *destination, size_t size, electra_error *error)
{
	if (fread(destination, 1, size, context) != size)
		return electra_fail(error, ELECTRA_IO_ERROR, "the archive ends too early");
	return ELECTRA_OK;
}

/* An image in memory as a sink. */
static inline electra_status
write_memory(void *context, uint64_t offset, const void *data, size_t size, electra_error *error)
{
	(void) error;
	memcpy((char *) context + offset, data, size);
	return ELECTRA_OK;
}

static inline void
check(electra_status status, const electra_error *error)
{
	if (status == ELECTRA_OK)
		return;
	fprintf(stderr, "%s\n%s\n", error->message, error->detail);
	exit(1);
}

/* Aligned to 64 bytes. */
static inline void *
allocate(size_t size)
{
	void	   *memory = aligned_alloc(64, (size + 64) / 64 * 64);

	if (memory == NULL)
		exit(1);
	return memory;
}

/* The model's image lies at model->header, freed by free(). */
static inline void
load(const char *path, electra_model *model)
{
	electra_error error = {0};
	FILE	   *file = fopen(path, "rb");
	electra_archive_reader reader;
	electra_stream stream = {read_file, file};
	electra_sink sink = {write_memory, NULL};
	uint64_t	size;

	if (file == NULL)
	{
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	check(electra_archive_open(&reader, stream, UINT64_C(1) << 40, &electra_malloc_allocator, &error),
		  &error);
	sink.context = allocate((size_t) electra_image_max_size(reader.archive));
	check(electra_image_build(&reader, NULL, &sink, &size, &electra_malloc_allocator, NULL, &error),
		  &error);
	electra_archive_close(&reader);
	fclose(file);
	check(electra_model_open(model, sink.context, (size_t) size, &error), &error);
}

/* Takes a set of kernels by name; exits with 3 where this machine has none of that name. */
static inline void
choose_kernels(const char *name)
{
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
		if (strcmp(name, electra_kernel_set_name((electra_kernel_set) set)) == 0 &&
			electra_kernels_choose((electra_kernel_set) set))
			return;
	exit(3);
}

#endif							/* ELECTRA_MODEL_FILE_H */

/*
 * Writes a preset as an archive, each tensor in its stored_dtype.
 */
#include "import/archive_writer.h"

#include "import/archive_content.h"

#include <stdlib.h>

#define BUFFER_SIZE (256 * 1024)

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

/* All bytes of an archive, a buffer at a time. */
static electra_status
put_content(writer *writer, archive_content *content, char *buffer /* (BUFFER_SIZE) */ )
{
	electra_status status = ELECTRA_OK;

	writer->total = content->header.archive_size;
	while (writer->done < writer->total && status == ELECTRA_OK)
	{
		uint64_t	rest = writer->total - writer->done;
		size_t		size = rest < BUFFER_SIZE ? (size_t) rest : BUFFER_SIZE;

		status = archive_content_read(content, buffer, size, writer->error);
		if (status == ELECTRA_OK)
			status = put(writer, buffer, size);
	}
	return status;
}

electra_status
archive_write(const preset_source *source, const archive_output *output,
			  uint8_t digest[ELECTRA_DIGEST_SIZE], uint64_t *size, electra_error *error)
{
	writer		writer = {.output = output, .hashing = digest != NULL, .error = error};
	archive_content content = {0};
	char	   *buffer = malloc(BUFFER_SIZE);
	electra_status status = weight_hashes_begin(&writer.hashes, source, error);

	if (status == ELECTRA_OK)
		status = archive_content_open(&content, source, &writer.hashes, error);
	electra_sha256_init(&writer.sha);
	if (status == ELECTRA_OK && buffer == NULL)
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	if (status == ELECTRA_OK)
		status = put_content(&writer, &content, buffer);
	archive_content_close(&content);
	weight_hashes_end(&writer.hashes);
	free(buffer);
	if (status != ELECTRA_OK)
		return status;
	if (digest != NULL)
		electra_sha256_final(&writer.sha, digest);
	if (size != NULL)
		*size = writer.total;
	return ELECTRA_OK;
}

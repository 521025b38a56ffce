/*
 * Writes a preset as an archive, each tensor in its stored_dtype.
 */
#include "import/archive_writer.h"

#include "import/archive_content.h"

#include <stdlib.h>

#define BUFFER_SIZE (1024 * 1024)

/* Where the bytes go: the output, and the digest on the way. */
typedef struct writer
{
	const archive_output *output;
	electra_sha256 sha;
	bool		hashing;		/* does the caller want the digest? */
	uint64_t	done;
	uint64_t	total;
	electra_error *error;
} writer;

/* Hands bytes on to digest and output. */
static electra_status
put(writer *writer, const void *data, size_t size)
{
	electra_status status = writer->output->write(writer->output->context, data, size, writer->error);

	if (status != ELECTRA_OK)
		return status;
	if (writer->hashing)
		electra_sha256_update(&writer->sha, data, size);
	writer->done += size;
	if (writer->output->progress != NULL)
		writer->output->progress(writer->output->context, writer->done, writer->total);
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
	archive_content content;
	char	   *buffer = malloc(BUFFER_SIZE);
	electra_status status = archive_content_open(&content, source, error);

	electra_sha256_init(&writer.sha);
	if (status == ELECTRA_OK && buffer == NULL)
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	if (status == ELECTRA_OK)
		status = put_content(&writer, &content, buffer);
	archive_content_close(&content);
	free(buffer);
	if (status != ELECTRA_OK)
		return status;
	if (digest != NULL)
		electra_sha256_final(&writer.sha, digest);
	if (size != NULL)
		*size = writer.total;
	return ELECTRA_OK;
}

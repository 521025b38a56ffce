/*
 * From an archive to a directory, front to back.
 */
#include "import/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/export_input.h"
#include "import/export_parts.h"

/* Everything, in the order in which the archive has it. */
static electra_status
write_directory(exporter *exporter, electra_archive_reader *reader, export_input *input,
				uint8_t digest[ELECTRA_DIGEST_SIZE], electra_error *error)
{
	exporter->bert = export_is_bert(exporter->archive);
	exporter->sentence = export_needs_sentence(&exporter->archive->config);
	if ((exporter->sentence && export_write_sentence(exporter, error) != ELECTRA_OK) ||
		export_write_config(exporter, error) != ELECTRA_OK ||
		export_write_weights(exporter, reader, error) != ELECTRA_OK ||
		export_write_tokenizer(exporter, error) != ELECTRA_OK ||
		electra_archive_digest(reader, digest, error) != ELECTRA_OK ||
		export_input_end(input, error) != ELECTRA_OK)
		return error->status;
	return export_write_readme(exporter, digest, error);
}

/* The archive is open. */
static electra_status
export_archive(electra_archive_reader *reader, export_input *input, const char *directory,
			   void (*notice) (const char *message), uint8_t digest[ELECTRA_DIGEST_SIZE],
			   electra_error *error)
{
	static exporter exporter;
	electra_status status;

	memset(&exporter, 0, sizeof(exporter));
	exporter.archive = reader->archive;
	exporter.notice = notice;
	exporter.remarks = json_array();
	status = export_output_open(&exporter.output, directory, error);
	if (status == ELECTRA_OK)
	{
		status = write_directory(&exporter, reader, input, digest, error);
		if (status == ELECTRA_OK)
			status = export_output_commit(&exporter.output, error);
		else
			export_output_abort(&exporter.output);
	}
	json_decref(exporter.remarks);
	free(exporter.vocabulary);
	free(exporter.added_tokens);
	return status;
}

electra_status
export_directory(const char *archive, const char *directory, void (*notice) (const char *message),
				 uint8_t digest[32], electra_error *error)
{
	static export_input input;
	electra_archive_reader reader;
	electra_status status = export_input_open(&input, archive, error);

	if (status == ELECTRA_OK)
	{
		const electra_stream stream = {export_input_read, &input};

		status = electra_archive_open(&reader, stream, input.max_size, &electra_malloc_allocator, error);
		if (status == ELECTRA_OK)
			status = export_archive(&reader, &input, directory, notice, digest, error);
		electra_archive_close(&reader);
	}
	export_input_close(&input);
	return status;
}

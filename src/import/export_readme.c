/*
 * What an exported directory cannot say, told when it is written and again in
 * its README.md.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/export_parts.h"

#define REMARK_SIZE 512
#define README_SIZE 16384

void
export_remark(exporter *exporter, const char *format,...)
{
	char		text[REMARK_SIZE];
	va_list		args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (exporter->notice != NULL)
		exporter->notice(text);
	json_array_append_new(exporter->remarks, json_string(text));
}

/* What the files of Hugging Face have no words for, beside what their writers tell. */
static void
remark_settings(exporter *exporter)
{
	const electra_config *config = &exporter->archive->config;

	if (config->truncation == ELECTRA_TRUNCATION_ERROR)
		export_remark(exporter, "the preset refuses texts of more than %d tokens; the exported model cuts them",
					  (int) config->max_length);
	if (config->dtype == ELECTRA_I8)
		export_remark(exporter, "the preset's matrices are int8; here they are float32 with the same values, and what is computed with them is not rounded to int8");
	if (config->untrained)
		export_remark(exporter, "the weights are random");
}

static void append(char text[README_SIZE], const char *format,...) ELECTRA_PRINTF(2, 3);

/* What does not fit is cut. */
static void
append(char text[README_SIZE], const char *format,...)
{
	size_t		size = strlen(text);
	va_list		args;

	va_start(args, format);
	vsnprintf(text + size, README_SIZE - size, format, args);
	va_end(args);
}

electra_status
export_write_readme(exporter *exporter, const uint8_t digest[ELECTRA_DIGEST_SIZE], electra_error *error)
{
	char		text[README_SIZE] = "";
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	size_t		index;
	json_t	   *remark;

	remark_settings(exporter);
	electra_digest_to_hex(digest, hex);
	append(text, "Written by electra-import --export from the electra preset with the digest\n`%s`.\n", hex);
	if (json_array_size(exporter->remarks) > 0)
		append(text, "\nPlease note:\n\n");
	json_array_foreach(exporter->remarks, index, remark)
		append(text, "- %s\n", json_string_value(remark));
	return export_output_text(&exporter->output, "README.md", text, strlen(text), error);
}

/*
 * An archive as a script for psql.
 *
 * Nothing in the script depends on the settings of client or server: the data
 * is hexadecimal, and no string holds a backslash or a quote.
 */
#include "import/sql_output.h"

#include "import/file_output.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE (1024 * 1024)

/* Rows of COPY are written whole, so that the data can be ended at any time. */
typedef struct sql_output
{
	FILE	   *file;
	int			chunk_no;		/* of the next piece */
	size_t		filled;
	unsigned char piece[PIECE_SIZE];
} sql_output;

static electra_status
check_name(const char *name, const char *source, electra_error *error)
{
	size_t		size = strlen(name);

	if (size >= 1 && size < SQL_OUTPUT_NAME_SIZE &&
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-") == size)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_INVALID_ARGUMENT, "%s cannot be a preset name", source);
	electra_fail_detail(error, "Names have 1 to %d letters, digits, dots, underscores, slashes and hyphens.",
						SQL_OUTPUT_NAME_SIZE - 1);
	electra_fail_hint(error, "Choose one with --name.");
	return ELECTRA_INVALID_ARGUMENT;
}

electra_status
sql_output_name(const char *given, const char *directory, char name[SQL_OUTPUT_NAME_SIZE],
				electra_error *error)
{
	char		resolved[PATH_MAX];
	const char *chosen = given;

	if (chosen == NULL)
	{
		if (realpath(directory, resolved) == NULL)
			return electra_fail(error, file_output_status(errno),
								"could not resolve the path of directory \"%s\": %s", directory,
								strerror(errno));
		chosen = strrchr(resolved, '/') + 1;
	}
	if (check_name(chosen, given != NULL ? "the value of --name" : "the name of the directory",
				   error) != ELECTRA_OK)
		return error->status;
	strcpy(name, chosen);
	return ELECTRA_OK;
}

static electra_status
fail_write(electra_error *error)
{
	return electra_fail(error, ELECTRA_IO_ERROR, "could not write the script: %s", strerror(errno));
}

/* The piece as a row: number, tab, "\x" with the backslash doubled for COPY, digits. */
static electra_status
put_piece(sql_output *output, electra_error *error)
{
	static const char digits[] = "0123456789abcdef";
	char		text[8192];
	size_t		used = 0;

	if (output->filled == 0)
		return ELECTRA_OK;
	if (fprintf(output->file, "%d\t\\\\x", output->chunk_no) < 0)
		return fail_write(error);
	for (size_t i = 0; i < output->filled; i++)
	{
		text[used++] = digits[output->piece[i] >> 4];
		text[used++] = digits[output->piece[i] & 15];
		if (used == sizeof(text) || i + 1 == output->filled)
		{
			if (fwrite(text, 1, used, output->file) != used)
				return fail_write(error);
			used = 0;
		}
	}
	if (fputc('\n', output->file) == EOF)
		return fail_write(error);
	output->chunk_no++;
	output->filled = 0;
	return ELECTRA_OK;
}

/* write of an archive_output */
static electra_status
put_bytes(void *context, const void *data, size_t size, electra_error *error)
{
	sql_output *output = context;
	const char *bytes = data;

	while (size > 0)
	{
		size_t		room = sizeof(output->piece) - output->filled;
		size_t		part = size < room ? size : room;

		memcpy(output->piece + output->filled, bytes, part);
		output->filled += part;
		bytes += part;
		size -= part;
		if (output->filled == sizeof(output->piece) && put_piece(output, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* The data, between the lines that begin and end it, whatever becomes of it. */
static electra_status
put_copy(const preset_source *source, sql_output *output, uint8_t digest[ELECTRA_DIGEST_SIZE],
		 electra_error *error)
{
	const archive_output target = {put_bytes, NULL, NULL, output};
	electra_status status;

	if (fputs("\\set ON_ERROR_STOP on\n"
			  "BEGIN;\n"
			  "CREATE TEMPORARY TABLE electra_upload (chunk_no integer, chunk bytea) ON COMMIT DROP;\n"
			  "COPY pg_temp.electra_upload FROM stdin;\n", output->file) == EOF)
		return fail_write(error);
	status = archive_write(source, &target, digest, NULL, error);
	if (status == ELECTRA_OK)
		status = put_piece(output, error);
	if (fputs("\\.\n", output->file) == EOF && status == ELECTRA_OK)
		status = fail_write(error);
	return status;
}

electra_status
sql_output_write(const preset_source *source, const char *name, FILE *file,
				 uint8_t digest[ELECTRA_DIGEST_SIZE], electra_error *error)
{
	sql_output *output = malloc(sizeof(*output));
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	electra_status status;

	if (output == NULL)
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	else
	{
		output->file = file;
		output->chunk_no = 0;
		output->filled = 0;
		status = put_copy(source, output, digest, error);
		free(output);
	}
	if (status == ELECTRA_OK)
	{
		electra_digest_to_hex(digest, hex);
		if (fprintf(file, "SELECT electra_load_archive('pg_temp.electra_upload', '%s', '%s');\nCOMMIT;\n",
					name, hex) < 0 || fflush(file) != 0)
			status = fail_write(error);
	}
	if (status != ELECTRA_OK)
		sql_output_abort(file);
	return status;
}

void
sql_output_abort(FILE *file)
{
	/* psql has no command that fails; a cast that does carries the message */
	fputs("\\set ON_ERROR_STOP on\n"
		  "SELECT CAST('electra-import failed, nothing has been loaded' AS integer);\n", file);
	fflush(file);
}

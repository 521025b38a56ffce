/*
 * Archives out of files and pipes.
 */
#include "import/export_input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "import/file_output.h"

static const char psql_hint[] =
"With psql: psql -XAtqc \"SELECT electra_preset_archive('name')\" | electra-import --export DIRECTORY -";

/* Reads the next block; a filled of 0 is the end. */
static electra_status
fill(export_input *input, electra_error *error)
{
	input->used = 0;
	input->filled = fread(input->block, 1, sizeof(input->block), input->file);
	if (input->filled == 0 && ferror(input->file))
		return electra_fail(error, ELECTRA_IO_ERROR, "could not read %s: %s", input->name, strerror(errno));
	return ELECTRA_OK;
}

/* The archive ends before it is complete. */
static electra_status
fail_short(const export_input *input, electra_error *error)
{
	electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: %s ends too early", input->name);
	if (input->file == stdin)
		electra_fail_detail(error, "The program that writes it may have failed.");
	return error->status;
}

static electra_status
fail_line(const export_input *input, electra_error *error)
{
	electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: line %llu of %s is not a bytea in hexadecimal",
				 (unsigned long long) input->line, input->name);
	electra_fail_detail(error, "Expected \\x and pairs of hexadecimal digits.");
	electra_fail_hint(error, "%s", psql_hint);
	return error->status;
}

/* A piece of the archive as it is; *done bytes of size are there already. */
static electra_status
take_bytes(export_input *input, char *destination, size_t size, size_t *done)
{
	size_t		part = input->filled - input->used;

	if (part > size - *done)
		part = size - *done;
	memcpy(destination + *done, input->block + input->used, part);
	input->used += part;
	*done += part;
	return ELECTRA_OK;
}

/* The value of a hexadecimal digit, -1 for another character. */
static int
digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

/* The next character, of which the caller has need. */
static electra_status
next_character(export_input *input, char *character, electra_error *error)
{
	if (input->used == input->filled && fill(input, error) != ELECTRA_OK)
		return error->status;
	if (input->filled == 0)
		return fail_short(input, error);
	*character = input->block[input->used++];
	return ELECTRA_OK;
}

/*
 * At least one character is in the block: takes what begins a line, what ends
 * one, or bytes of one.
 */
static electra_status
take_digits(export_input *input, char *destination, size_t size, size_t *done, electra_error *error)
{
	char		high = input->block[input->used];
	char		low;

	if (!input->in_line)
	{
		input->line++;
		input->used++;
		if (next_character(input, &low, error) != ELECTRA_OK)
			return error->status;
		if (high != '\\' || low != 'x')
			return fail_line(input, error);
		input->in_line = true;
		return ELECTRA_OK;
	}
	if (high == '\n')
	{
		input->used++;
		input->in_line = false;
		return ELECTRA_OK;
	}
	while (*done < size && input->used < input->filled && input->block[input->used] != '\n')
	{
		int			value = digit_value(input->block[input->used++]);

		if (next_character(input, &low, error) != ELECTRA_OK)
			return error->status;
		if (value < 0 || digit_value(low) < 0)
			return fail_line(input, error);
		destination[(*done)++] = (char) (value << 4 | digit_value(low));
	}
	return ELECTRA_OK;
}

electra_status
export_input_open(export_input *input, const char *path, electra_error *error)
{
	struct stat status;

	memset(input, 0, sizeof(*input));
	input->max_size = UINT64_MAX;
	if (strcmp(path, "-") == 0)
	{
		input->file = stdin;
		input->name = "standard input";
	}
	else
	{
		input->name = "the file";
		input->file = fopen(path, "rb");
		if (input->file == NULL || fstat(fileno(input->file), &status) != 0)
			return electra_fail(error, file_output_status(errno), "could not open file \"%s\": %s", path,
								strerror(errno));
		if (S_ISREG(status.st_mode))
			input->max_size = (uint64_t) status.st_size;
	}
	if (fill(input, error) != ELECTRA_OK)
		return error->status;
	if (input->filled == 0)
	{
		electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: %s is empty", input->name);
		if (input->file == stdin)
			electra_fail_hint(error, "%s", psql_hint);
		return error->status;
	}
	input->lines = input->filled >= 2 && memcmp(input->block, "\\x", 2) == 0;
	return ELECTRA_OK;
}

electra_status
export_input_read(void *context, void *destination, size_t size, electra_error *error)
{
	export_input *input = context;
	size_t		done = 0;

	while (done < size)
	{
		electra_status status;

		if (input->used == input->filled && fill(input, error) != ELECTRA_OK)
			return error->status;
		if (input->filled == 0)
			return fail_short(input, error);
		status = input->lines ? take_digits(input, destination, size, &done, error) :
			take_bytes(input, destination, size, &done);
		if (status != ELECTRA_OK)
			return status;
	}
	return ELECTRA_OK;
}

electra_status
export_input_end(export_input *input, electra_error *error)
{
	for (;;)
	{
		if (input->used == input->filled && fill(input, error) != ELECTRA_OK)
			return error->status;
		if (input->filled == 0)
			return ELECTRA_OK;
		if (!input->lines || input->block[input->used++] != '\n')
			return electra_fail(error, ELECTRA_CORRUPT,
								"preset archive is invalid: %s goes on behind its end", input->name);
	}
}

void
export_input_close(export_input *input)
{
	if (input->file != NULL && input->file != stdin)
		fclose(input->file);
	input->file = NULL;
}

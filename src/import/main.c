/*
 * electra-import: model directories into preset archives.
 *
 * By hand it writes files and prints errors as message, DETAIL and HINT.
 * With --framed it is the server's: everything, errors too, goes in frames
 * (core/frame.h) to standard output.
 */
#include "import/arguments.h"
#include "import/archive_writer.h"
#include "import/file_output.h"
#include "import/framed_output.h"
#include "import/huggingface.h"
#include "import/inspect.h"
#include "import/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* Where notices go and archives are gathered when --framed is given. */
static framed_output framed;

static void
print_notice(const char *message)
{
	fprintf(stderr, "electra-import: %s\n", message);
}

static void
send_notice(const char *message)
{
	framed_output_notice(&framed, message);
}

static void
print_error(const electra_error *error)
{
	fprintf(stderr, "electra-import: %s\n", error->message);
	if (error->detail[0] != '\0')
		fprintf(stderr, "DETAIL:  %s\n", error->detail);
	if (error->hint[0] != '\0')
		fprintf(stderr, "HINT:  %s\n", error->hint);
}

/* A source into a file, and its digest on standard output. */
static electra_status
write_to_file(const preset_source *source, const char *path, electra_error *error)
{
	static file_output file;
	const archive_output output = {file_output_write, NULL, &file};
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	electra_status status = file_output_open(&file, path, error);

	if (status != ELECTRA_OK)
		return status;
	status = archive_write(source, &output, digest, NULL, error);
	if (status != ELECTRA_OK)
	{
		file_output_abort(&file);
		return status;
	}
	status = file_output_commit(&file, error);
	if (status != ELECTRA_OK)
		return status;
	electra_digest_to_hex(digest, hex);
	printf("%s  %s\n", hex, path);
	return ELECTRA_OK;
}

static electra_status
write_frames(const preset_source *source, electra_error *error)
{
	const archive_output output = {framed_output_write, framed_output_progress, &framed};
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	uint64_t	size;
	electra_status status = archive_write(source, &output, digest, &size, error);

	if (status != ELECTRA_OK)
		return status;
	return framed_output_ok(&framed, size, digest, error);
}

/* Opens the source that the arguments name, writes it, releases it. */
static electra_status
import(const arguments *arguments, electra_error *error)
{
	static preset_source source;
	electra_status status;

	if (arguments->mode == MODE_CREATE)
		status = random_preset_open(&arguments->shape, arguments->vocabulary, arguments->seed,
									&source, error);
	else
		status = huggingface_open(arguments->input, &arguments->options,
								  arguments->mode == MODE_FRAMED ? send_notice : print_notice,
								  &source, error);
	if (status != ELECTRA_OK)
		return status;
	status = arguments->mode == MODE_FRAMED ? write_frames(&source, error) :
		write_to_file(&source, arguments->output, error);
	preset_source_free(&source);
	return status;
}

static electra_status
run(const arguments *arguments, electra_error *error)
{
	switch (arguments->mode)
	{
		case MODE_HELP:
			fputs(arguments_help, stdout);
			return ELECTRA_OK;
		case MODE_VERSION:
			printf("electra-import %s\n", ELECTRA_VERSION);
			return ELECTRA_OK;
		case MODE_INSPECT:
			return inspect(arguments->input, stdout, error);
		case MODE_FRAMED:
			sandbox_restrict(arguments->input);
			return import(arguments, error);
		case MODE_IMPORT:
		case MODE_CREATE:
			return import(arguments, error);
	}
	return ELECTRA_OK;
}

int
main(int argc, char **argv)
{
	static arguments arguments;
	bool		for_server = arguments_framed(argc, argv);
	electra_error error;
	electra_status status;
	bool		parsed;

	if (for_server)
		sandbox_limit();
	signal(SIGPIPE, SIG_IGN);
	framed_output_init(&framed, STDOUT_FILENO);

	status = arguments_parse(argc, argv, &arguments, &error);
	parsed = status == ELECTRA_OK;
	if (parsed)
		status = run(&arguments, &error);
	if (status == ELECTRA_OK && !for_server && (fflush(stdout) != 0 || ferror(stdout)))
		status = electra_fail(&error, ELECTRA_IO_ERROR, "could not write to standard output");
	if (status == ELECTRA_OK)
		return 0;
	if (for_server)
		framed_output_error(&framed, &error);
	else
		print_error(&error);
	return !parsed && status == ELECTRA_INVALID_ARGUMENT ? EXIT_USAGE : 1;
}

/*
 * electra-import: model directories into preset archives.
 *
 * By hand it writes files or scripts for psql and prints errors as message,
 * DETAIL and HINT.  With --framed it is the server's: everything, errors too,
 * goes in frames (core/frame.h) to standard output.
 */
#include "import/arguments.h"
#include "import/archive_writer.h"
#include "import/calibration.h"
#include "import/export.h"
#include "import/file_output.h"
#include "import/framed_output.h"
#include "import/huggingface.h"
#include "import/inspect.h"
#include "import/keras.h"
#include "import/sandbox.h"
#include "import/source_directory.h"
#include "import/sql_output.h"

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

/* As sha256sum does. */
static void
print_digest(const uint8_t digest[ELECTRA_DIGEST_SIZE], const char *path)
{
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	electra_digest_to_hex(digest, hex);
	printf("%s  %s\n", hex, path);
}

/* A source into a file, and its digest on standard output. */
static electra_status
write_to_file(const preset_source *source, const char *path, electra_error *error)
{
	static file_output file;
	const archive_output output = {file_output_write, NULL, NULL, &file};
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
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
	if (status == ELECTRA_OK)
		print_digest(digest, path);
	return status;
}

static electra_status
write_frames(const preset_source *source, electra_error *error)
{
	const archive_output output = {framed_output_write, framed_output_progress, framed_output_ready, &framed};
	uint64_t	size;
	electra_status status = archive_write(source, &output, NULL, &size, error);

	if (status != ELECTRA_OK)
		return status;
	return framed_output_ok(&framed, size, error);
}

/* Once a byte of the script is out, only the script itself can tell of a failure. */
static electra_status
write_script(const preset_source *source, const char *name, electra_error *error)
{
	uint8_t		digest[ELECTRA_DIGEST_SIZE];

	return sql_output_write(source, name, stdout, digest, error);
}

/* Opens the source that the arguments name, with the load options applied; int8 is judged here. */
static electra_status
open_source(const arguments *arguments, preset_source *source, electra_error *error)
{
	void		(*notice) (const char *message) = arguments->target == TARGET_FRAMES ? send_notice : print_notice;
	electra_status status;

	if (arguments->mode == MODE_CREATE)
		status = random_preset_open(&arguments->create, source, error);
	else if (keras_directory(arguments->input))
		status = keras_open(arguments->input, &arguments->options, notice, source, error);
	else
		status = huggingface_open(arguments->input, &arguments->options, notice, source, error);
	if (status != ELECTRA_OK)
		return status;
	status = import_options_store(&arguments->options, source, error);
	if (status == ELECTRA_OK)
		status = calibrate(source, arguments->mode == MODE_CREATE ? "random weights" : arguments->input,
						   arguments->options.min_cosine, error);
	if (status != ELECTRA_OK)
		preset_source_free(source);
	return status;
}

/* From now on nothing but the directory, if there is one, can be read. */
static void
enter_sandbox(const arguments *arguments)
{
	source_files_confine();
	sandbox_restrict(arguments->input);
}

/* A directory, or the shape of a random preset, into an archive. */
static electra_status
make_archive(const arguments *arguments, electra_error *error)
{
	static preset_source source;
	char		name[SQL_OUTPUT_NAME_SIZE];
	electra_status status = ELECTRA_OK;

	if (arguments->target == TARGET_FRAMES)
		enter_sandbox(arguments);
	if (arguments->target == TARGET_SQL)
		status = sql_output_name(arguments->name, arguments->input, name, error);
	if (status == ELECTRA_OK)
		status = open_source(arguments, &source, error);
	if (status != ELECTRA_OK)
	{
		if (arguments->target == TARGET_SQL)
			sql_output_abort(stdout);
		return status;
	}
	switch (arguments->target)
	{
		case TARGET_FILE:
			status = write_to_file(&source, arguments->output, error);
			break;
		case TARGET_FRAMES:
			status = write_frames(&source, error);
			break;
		case TARGET_SQL:
			status = write_script(&source, name, error);
			break;
	}
	preset_source_free(&source);
	return status;
}

static electra_status
export(const arguments *arguments, electra_error *error)
{
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_status status = export_directory(arguments->input, arguments->output, print_notice, digest, error);

	if (status == ELECTRA_OK)
		print_digest(digest, arguments->output);
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
		case MODE_EXPORT:
			return export(arguments, error);
		case MODE_IMPORT:
		case MODE_CREATE:
			return make_archive(arguments, error);
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

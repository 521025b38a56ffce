/*
 * The command line of electra-import.
 */
#ifndef ELECTRA_ARGUMENTS_H
#define ELECTRA_ARGUMENTS_H

#include "import/preset_source.h"

typedef enum import_mode
{
	MODE_IMPORT = 0,			/* a directory becomes an archive */
	MODE_CREATE,				/* a random preset becomes an archive */
	MODE_INSPECT,				/* an archive in words */
	MODE_EXPORT,				/* an archive becomes a Hugging Face directory */
	MODE_HELP,
	MODE_VERSION
} import_mode;

/* Where the archive of MODE_IMPORT and MODE_CREATE goes. */
typedef enum import_target
{
	TARGET_FILE = 0,
	TARGET_FRAMES,				/* --framed: the server (core/frame.h) */
	TARGET_SQL					/* --sql: a script for psql on standard output */
} import_target;

typedef struct arguments
{
	import_mode mode;
	import_target target;
	const char *input;			/* directory or archive; "-": standard input
								 * (MODE_EXPORT) */
	const char *output;			/* file, or directory of MODE_EXPORT */
	const char *name;			/* of the preset, TARGET_SQL; NULL: the
								 * directory's last component */
	random_preset create;		/* of MODE_CREATE */
	import_options options;
} arguments;

/*
 * Parses the command line; all strings point into argv.
 * ELECTRA_INVALID_ARGUMENT for what is wrong with it.
 */
extern electra_status arguments_parse(int argc, char **argv, arguments *arguments, electra_error *error);

/*
 * Is this the server's call?  Known before everything else, for errors in the
 * command line go into a frame too: --framed must be the first argument.
 */
extern bool arguments_framed(int argc, char **argv);

/* What --help prints. */
extern const char arguments_help[];

#endif							/* ELECTRA_ARGUMENTS_H */

/*
 * The command line of electra-import.
 */
#ifndef ELECTRA_ARGUMENTS_H
#define ELECTRA_ARGUMENTS_H

#include "import/preset_source.h"

typedef enum import_mode
{
	MODE_IMPORT = 0,			/* directory to file */
	MODE_FRAMED,				/* directory to frames on standard output */
	MODE_CREATE,				/* random preset to file */
	MODE_INSPECT,				/* archive in words */
	MODE_HELP,
	MODE_VERSION
} import_mode;

typedef struct arguments
{
	import_mode mode;
	const char *input;			/* directory or archive */
	const char *output;
	const char *vocabulary;		/* of MODE_CREATE */
	uint64_t	seed;			/* of MODE_CREATE */
	electra_config shape;		/* of MODE_CREATE: the encoder's members only */
	import_options options;
} arguments;

/*
 * Parses the command line; all strings point into argv.
 * ELECTRA_INVALID_ARGUMENT for what is wrong with it, ELECTRA_UNSUPPORTED for
 * a dtype that this version cannot store.
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

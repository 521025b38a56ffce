/*
 * The archive that an export reads: a file, or standard input, where it may
 * also be as psql prints it.
 */
#ifndef ELECTRA_EXPORT_INPUT_H
#define ELECTRA_EXPORT_INPUT_H

#include "core/archive.h"

#include <stdio.h>

#define EXPORT_INPUT_BLOCK 65536

/*
 * "psql -XAtc SELECT electra_preset_archive('name')" prints a line for each
 * piece: \x and its bytes in hexadecimal.  No archive begins with \x: its first
 * byte is 56 modulo 64.
 */
typedef struct export_input
{
	FILE	   *file;
	const char *name;			/* for messages */
	uint64_t	max_size;		/* of the archive; UINT64_MAX where unknown */
	bool		lines;			/* as psql prints it */
	bool		in_line;		/* of these: \x has been read, \n not yet */
	uint64_t	line;			/* of these: number of the current one, from 1 */
	size_t		used;			/* of block */
	size_t		filled;
	char		block[EXPORT_INPUT_BLOCK];
} export_input;

/*
 * Opens path, or standard input for "-", and looks at how it begins.
 * ELECTRA_NOT_FOUND, ELECTRA_NO_PERMISSION, ELECTRA_IO_ERROR; ELECTRA_CORRUPT
 * if it is empty.  Close also after a failure.
 */
extern electra_status export_input_open(export_input *input, const char *path, electra_error *error);

/* electra_stream.read; context is the export_input. */
extern electra_status export_input_read(void *context, void *destination, size_t size,
										electra_error *error);

/* ELECTRA_CORRUPT unless the input ends here. */
extern electra_status export_input_end(export_input *input, electra_error *error);

extern void export_input_close(export_input *input);

#endif							/* ELECTRA_EXPORT_INPUT_H */

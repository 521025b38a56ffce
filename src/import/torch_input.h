/*
 * A part of a file, read front to back through a small window.
 */
#ifndef ELECTRA_TORCH_INPUT_H
#define ELECTRA_TORCH_INPUT_H

#include "import/source_directory.h"

typedef struct torch_input
{
	int			fd;
	const char *name;			/* of the file, for messages */
	uint64_t	position;		/* of the next byte, in the file */
	uint64_t	end;			/* nothing is read from here on */
	uint64_t	window_begin;
	size_t		window_size;
	unsigned char window[8192];
} torch_input;

/* From begin to end of an open file. */
extern void torch_input_init(torch_input *input, int fd, const char *name, uint64_t begin, uint64_t end);

/*
 * The next size bytes.  ELECTRA_INVALID_SOURCE (the file is truncated) where
 * so many are not left; ELECTRA_IO_ERROR.
 */
extern electra_status torch_input_read(torch_input *input, void *buffer, size_t size,
									   electra_error *error);

#endif							/* ELECTRA_TORCH_INPUT_H */

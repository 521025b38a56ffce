/*
 * An archive into a file that is there completely or not at all.
 */
#ifndef ELECTRA_FILE_OUTPUT_H
#define ELECTRA_FILE_OUTPUT_H

#include "import/archive_writer.h"

#define FILE_OUTPUT_MAX_PATH 4096

typedef struct file_output
{
	int			fd;				/* of path.tmp; -1 when not open */
	char		path[FILE_OUTPUT_MAX_PATH];
	char		temporary[FILE_OUTPUT_MAX_PATH];
} file_output;

/* The status of a failed system call on a path, by its errno. */
extern electra_status file_output_status(int failure);

/* Makes a rename to path durable, as far as its directory lets us. */
extern void file_output_sync_directory(const char *path);

/*
 * Begins with PATH.tmp; what an earlier program left there is overwritten.
 * Also sees to it that SIGINT, SIGTERM and SIGHUP remove it.  Only one at a
 * time.  ELECTRA_NOT_FOUND, ELECTRA_NO_PERMISSION, ELECTRA_IO_ERROR.
 */
extern electra_status file_output_open(file_output *output, const char *path, electra_error *error);

/* write of an archive_output. */
extern electra_status file_output_write(void *context, const void *data, size_t size,
										electra_error *error);

/* Makes it durable and gives it its name.  Removes it on failure. */
extern electra_status file_output_commit(file_output *output, electra_error *error);

/* Removes it, if it has not been committed. */
extern void file_output_abort(file_output *output);

#endif							/* ELECTRA_FILE_OUTPUT_H */

/*
 * The files of a foreign preset directory: opened, bounded, hashed.
 *
 * What lies in a directory: for a snapshot of the Hugging Face cache
 * (…/snapshots/REVISION beside …/blobs), whose files are symbolic links, also
 * its blobs, and a link that leads elsewhere is refused.  In other directories
 * links are followed wherever they lead, unless source_files_confine() has been
 * called.
 *
 * Errors name a file by its name inside the directory ("config.json",
 * "1_Pooling/config.json"), never by where the directory lies.
 */
#ifndef ELECTRA_SOURCE_DIRECTORY_H
#define ELECTRA_SOURCE_DIRECTORY_H

#include "import/preset_source.h"

#define SOURCE_MAX_PATH 4096
#define SOURCE_MAX_NAME 512		/* of a file inside the directory */

typedef struct source_directory
{
	const char *path;
	preset_source *source;		/* receives "source.sha256.NAME" of what is read
								 * whole */
} source_directory;

/*
 * From now on no file outside its directory is opened, in this process: what
 * the sandbox (sandbox.h) promises, also on kernels without Landlock.  To be
 * called before that: it looks up what messages will need.
 */
extern void source_files_confine(void);

/*
 * The folder, other than the directory itself, in which a directory's files
 * may lie: the blobs of a snapshot in the Hugging Face cache.  False for any
 * other directory.
 */
extern bool source_directory_blobs(const char *directory, char blobs[SOURCE_MAX_PATH]);

/*
 * Checks that the directory is one and can be read and searched.
 * ELECTRA_NOT_FOUND, ELECTRA_NO_PERMISSION, ELECTRA_INVALID_SOURCE.
 */
extern electra_status source_directory_check(const source_directory *directory, electra_error *error);

/*
 * Joins directory and name into path.  ELECTRA_INVALID_SOURCE when it is too
 * long.
 */
extern electra_status source_file_path(const source_directory *directory, const char *name,
									   char path[SOURCE_MAX_PATH], electra_error *error);

/*
 * Is there an entry of this name, even if it cannot be opened?  A symbolic
 * link that leads nowhere counts, and so does one in a folder that may not be
 * searched, so that opening it tells.
 */
extern bool source_file_exists(const source_directory *directory, const char *name);

/*
 * Opens a regular file (symbolic links to one are followed, as far as they are
 * allowed to lead).  ELECTRA_NOT_FOUND, ELECTRA_NO_PERMISSION (also for what
 * lies outside), ELECTRA_INVALID_SOURCE (no regular file), ELECTRA_IO_ERROR.
 */
extern electra_status source_file_open(const source_directory *directory, const char *name,
									   int *fd, uint64_t *size, electra_error *error);

/* Reads exactly size bytes at offset; name stands in the error. */
extern electra_status source_pread(int fd, const char *name, void *buffer, size_t size,
								   uint64_t offset, electra_error *error);

/*
 * Reads a whole file of at most max_size bytes and notes its SHA-256.  *text
 * is NUL-terminated (size does not count that) and released with free().  A
 * git-lfs pointer in the place of the file is told as such.
 */
extern electra_status source_file_read(const source_directory *directory, const char *name,
									   size_t max_size, char **text, size_t *size,
									   electra_error *error);

/* Fails with an explanation if content begins as a git-lfs pointer does. */
extern electra_status source_refuse_lfs_pointer(const char *name, const void *content, size_t size,
												electra_error *error);

/*
 * A foreign string for use in a message: whole UTF-8 characters, control
 * characters as '?', shortened with "...".  Returns buffer.
 */
#define SOURCE_QUOTE_SIZE 100
extern const char *source_quote(const char *text, char buffer[SOURCE_QUOTE_SIZE]);

#endif							/* ELECTRA_SOURCE_DIRECTORY_H */

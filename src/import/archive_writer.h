/*
 * Writes a preset_source as an archive (core/archive.h): to a file, or in
 * frames (core/frame.h) to the server.
 */
#ifndef ELECTRA_ARCHIVE_WRITER_H
#define ELECTRA_ARCHIVE_WRITER_H

#include "import/preset_source.h"

/* Where the bytes go, in order. */
typedef struct archive_output
{
	electra_status (*write) (void *context, const void *data, size_t size, electra_error *error);
	/* may be NULL; called now and then */
	void		(*progress) (void *context, uint64_t done, uint64_t total);
	/* may be NULL; false while the reader is busy with what it has already */
	bool		(*ready) (void *context);
	void	   *context;
} archive_output;

/*
 * Deterministic: the same source gives the same bytes.  Each tensor is written
 * in its stored_dtype, rounded to nearest, ties to even.  ELECTRA_NOT_FINITE,
 * by tensor name and index, for values that are not finite or too large for
 * that dtype.  The files that weights are read from are hashed whenever the
 * output is not ready.  Memory: buffers of 256 kB and two of 1 MB.  digest and size receive the
 * archive's; without digest (NULL) nothing is hashed, which saves half the time.
 */
extern electra_status archive_write(const preset_source *source, const archive_output *output,
									uint8_t digest[ELECTRA_DIGEST_SIZE], uint64_t *size,
									electra_error *error);

#endif							/* ELECTRA_ARCHIVE_WRITER_H */

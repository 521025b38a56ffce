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
	void	   *context;
} archive_output;

/*
 * Deterministic: the same source gives the same bytes.  Refuses values that
 * are not finite, by tensor name and index.  Memory: one buffer of 1 MB.
 * digest and size (may be NULL) receive the archive's.
 */
extern electra_status archive_write(const preset_source *source, const archive_output *output,
									uint8_t digest[ELECTRA_DIGEST_SIZE], uint64_t *size,
									electra_error *error);

#endif							/* ELECTRA_ARCHIVE_WRITER_H */

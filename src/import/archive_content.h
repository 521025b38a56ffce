/*
 * The bytes of an archive that is about to be written, front to back.
 */
#ifndef ELECTRA_ARCHIVE_CONTENT_H
#define ELECTRA_ARCHIVE_CONTENT_H

#include "import/archive_header.h"
#include "import/weight_hashes.h"

typedef struct archive_content
{
	archive_header header;
	weight_hashes *hashes;		/* the caller's; NULL: no such tensor */
	int			entry;			/* whose bytes come next; -1: the header's */
	uint64_t	position;		/* of the next byte in that entry */
	const char *piece;			/* bytes that are ready */
	size_t		piece_size;
	float	   *values;			/* a piece as the source has it; owned */
	char	   *stored;			/* the same as the archive has it; owned */
} archive_content;

/*
 * Memory: two buffers of 1 MB.  Source and hashes must live as long; what is
 * not hashed yet when their tensor comes is hashed then.  Without hashes (NULL)
 * the archive does not say where its weights are from.  Errors are
 * archive_header_make's.  Close also after a failure.
 */
extern electra_status archive_content_open(archive_content *content, const preset_source *source,
										   weight_hashes *hashes, electra_error *error);

/*
 * The next size bytes; the caller does not read beyond header.archive_size.
 * context is the archive_content (electra_stream.read).  ELECTRA_NOT_FINITE, by
 * tensor name and index, for values that are not finite or too large for the
 * dtype in which they are stored; errors of source_tensor.read.
 */
extern electra_status archive_content_read(void *context, void *destination, size_t size,
										   electra_error *error);

extern void archive_content_close(archive_content *content);

#endif							/* ELECTRA_ARCHIVE_CONTENT_H */

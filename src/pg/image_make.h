/*
 * Making an image out of an archive, once for the whole server.
 */
#ifndef ELECTRA_IMAGE_MAKE_H
#define ELECTRA_IMAGE_MAKE_H

#include "pg/chunk_stream.h"
#include "pg/image_file.h"

/*
 * Maps the image of an archive; makes it first where there is none, or a
 * damaged one.  Several processes may do this at once: one makes it, the
 * others wait, cancellable.
 *
 * source is the archive from its first byte on, or NULL: then it is opened
 * only if it is needed.  made (may be NULL) tells whether this call made the
 * image.  Errors leave no file behind.
 */
extern void electra_image_obtain(const ElectraPresetId *id, ElectraArchiveStream *source,
								 ElectraMapping *mapping, bool *made);

#endif							/* ELECTRA_IMAGE_MAKE_H */

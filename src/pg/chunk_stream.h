/*
 * An archive as a stream for the core: out of _electra.preset_chunk, out of a
 * file of the share directory, or out of a temporary file.
 */
#ifndef ELECTRA_CHUNK_STREAM_H
#define ELECTRA_CHUNK_STREAM_H

#include "postgres.h"

#include "storage/fd.h"

#include "core/archive.h"
#include "pg/preset.h"

/* Bound of what a header may claim where the archive's size is not known. */
#define ELECTRA_MAX_ARCHIVE_SIZE ((uint64) 1 << 40)

typedef struct ElectraArchiveStream ElectraArchiveStream;

/*
 * The stored archive of a preset.  NULL if there is none (no chunk, no file).
 * What it opens is closed by electra_archive_stream_end, or by an error.
 */
extern ElectraArchiveStream *electra_archive_stream_begin(const ElectraPresetId *id);

/* The same, with an error that says what is missing in the place of NULL. */
extern ElectraArchiveStream *electra_archive_stream_require(const ElectraPresetId *id);

/* An archive of size bytes that is in a temporary file, from its first byte on, and has been hashed on its way there. */
extern ElectraArchiveStream *electra_archive_stream_spool(File file, uint64 size);

/* Is its digest known to be right, so that nobody needs to hash it again? */
extern bool electra_archive_stream_hashed(const ElectraArchiveStream *stream);

extern void electra_archive_stream_end(ElectraArchiveStream *stream);

/*
 * For the core.  Neither longjmps: an error inside (a cancel, a damaged page)
 * is kept, and the core sees a failing read or "stop".
 */
extern electra_stream electra_archive_stream_core(ElectraArchiveStream *stream);
extern electra_poll electra_archive_stream_poll(ElectraArchiveStream *stream);

/* Size of the archive, or a bound where it is not known. */
extern uint64 electra_archive_stream_max_size(const ElectraArchiveStream *stream);

/*
 * To be called behind each core function that used the stream: raises what
 * was kept, or else the core's error.
 */
extern void electra_archive_stream_raise(ElectraArchiveStream *stream, electra_status status,
										 const electra_error *error);

/* Is an error of the server kept, so that electra_archive_stream_raise will raise it? */
extern bool electra_archive_stream_failed(const ElectraArchiveStream *stream);

/* Reads up to size bytes, fewer at the end only.  Raises errors. */
extern Size electra_archive_stream_read(ElectraArchiveStream *stream, void *destination, Size size);

/* Passes over size bytes of a preset's archive without reading them. */
extern void electra_archive_stream_skip(ElectraArchiveStream *stream, uint64 size);

#endif							/* ELECTRA_CHUNK_STREAM_H */

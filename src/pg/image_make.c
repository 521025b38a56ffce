/*
 * Making an image: archive stream -> temporary file -> check -> rename.
 *
 * The file gets its blocks before anything is written, and is never changed
 * once it has its name: a mapped page that loses its block is a SIGBUS.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "pg/image_make.h"
#include "pg/report.h"

/* Bytes after which the system is asked to begin writing them. */
#define FLUSH_INTERVAL (8 * 1024 * 1024)

/* Where the core writes an image. */
typedef struct ImageFileSink
{
	int			fd;
	int			saved_errno;	/* of a failed write, 0: none */
	uint64_t	flushed;		/* bytes whose writing has been begun */
} ImageFileSink;

/* electra_sink.write */
static electra_status
write_file(void *context, uint64_t offset, const void *data, size_t size, electra_error *error)
{
	ImageFileSink *sink = context;
	const char *bytes = data;

	while (size > 0)
	{
		ssize_t		part = pwrite(sink->fd, bytes, size, (off_t) offset);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
		{
			sink->saved_errno = part < 0 ? errno : ENOSPC;
			return electra_fail(error, ELECTRA_IO_ERROR, "could not write an image");
		}
		bytes += part;
		offset += part;
		size -= part;
	}

	/* not all at the end, where nothing can cancel fsync; that it fails does not matter here */
	if (offset >= sink->flushed + FLUSH_INTERVAL)
	{
		(void) sync_file_range(sink->fd, (off_t) sink->flushed, (off_t) (offset - sink->flushed),
							   SYNC_FILE_RANGE_WRITE);
		sink->flushed = offset;
	}
	return ELECTRA_OK;
}

/* Gives the file its blocks, so that a full disk shows here and not as a SIGBUS. */
static void
reserve(int fd, const char *path, uint64 size)
{
	int			result;

	do
	{
		CHECK_FOR_INTERRUPTS();
		result = posix_fallocate(fd, 0, (off_t) size);
	} while (result == EINTR);
	if (result != 0)
	{
		errno = result;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not extend file \"%s\" by %llu bytes: %m", path,
						(unsigned long long) size),
				 result == ENOSPC ? errhint("Free some disk space in the data directory.") : 0));
	}
}

/* Builds the image into the open file; returns its size. */
static uint64
build(const ElectraPresetId *id, ElectraArchiveStream *source, int fd, const char *path)
{
	electra_archive_reader reader;
	electra_poll poll = electra_archive_stream_poll(source);
	ImageFileSink file = {fd, 0, 0};
	electra_sink sink = {write_file, &file};
	electra_error error;
	electra_status status;
	uint64_t	size = 0;

	status = electra_archive_open(&reader, electra_archive_stream_core(source),
								  electra_archive_stream_max_size(source),
								  &electra_palloc_allocator, &error);
	electra_archive_stream_raise(source, status, &error);
	if (electra_archive_stream_hashed(source))
		electra_archive_trust(&reader, id->digest);
	reserve(fd, path, electra_image_max_size(reader.archive));
	status = electra_image_build(&reader, id->digest, &sink, &size, &electra_palloc_allocator,
								 &poll, &error);
	if (status != ELECTRA_OK && file.saved_errno != 0)
	{
		errno = file.saved_errno;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", path)));
	}
	electra_archive_stream_raise(source, status, &error);
	electra_archive_close(&reader);
	return size;
}

/* Reads what was written back through a mapping and compares it with its digest. */
static void
verify(const ElectraPresetId *id, const char *path)
{
	ElectraMapping mapping;
	bool		intact = electra_image_map(path, id->digest, &mapping);

	if (intact)
	{
		intact = electra_image_verify(&mapping);
		electra_image_unmap(&mapping);
	}
	if (!intact)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" is not what was written to it", path)));
}

/* Makes the image under a temporary name and gives it its own. */
static void
make_image(const ElectraPresetId *id, ElectraArchiveStream *source)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];
	char		temporary[ELECTRA_IMAGE_PATH_SIZE];
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "electra image",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;
	int			fd;

	electra_image_path(id->digest, path);
	electra_image_temporary_path(id->digest, temporary);

	/* what a process with our id left behind */
	if (unlink(temporary) < 0 && errno != ENOENT)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", temporary)));
	fd = OpenTransientFile(temporary, O_RDWR | O_CREAT | O_EXCL | PG_BINARY);
	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\": %m", temporary)));
	caller = MemoryContextSwitchTo(context);
	PG_TRY();
	{
		uint64		size = build(id, source, fd, temporary);

		if (ftruncate(fd, (off_t) size) < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not truncate file \"%s\": %m", temporary)));
		verify(id, temporary);
		durable_rename(temporary, path, ERROR);
	}
	PG_CATCH();
	{
		(void) unlink(temporary);
		PG_RE_THROW();
	}
	PG_END_TRY();
	CloseTransientFile(fd);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
electra_image_obtain(const ElectraPresetId *id, ElectraArchiveStream *source,
					 ElectraMapping *mapping, bool *made)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];
	int			lock;

	if (made != NULL)
		*made = false;
	electra_image_path(id->digest, path);
	if (electra_image_map(path, id->digest, mapping))
		return;

	/* the lock goes with the transaction's files if something fails */
	lock = electra_image_lock(id->digest);
	if (!electra_image_map(path, id->digest, mapping))
	{
		ElectraArchiveStream *stored = source == NULL ? electra_archive_stream_require(id) : NULL;

		(void) electra_image_sweep();
		make_image(id, source != NULL ? source : stored);
		if (stored != NULL)
			electra_archive_stream_end(stored);
		if (!electra_image_map(path, id->digest, mapping))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("file \"%s\" disappeared", path),
					 errhint("Try again.")));
		if (made != NULL)
			*made = true;
	}
	electra_image_unlock(lock);
}

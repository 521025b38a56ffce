/*
 * Archives as streams.
 *
 * The chunks are read in one scan under one registered catalog snapshot:
 * registered, so that no vacuum takes their TOAST data away in the middle; the
 * catalog's, so that a transaction with an old snapshot, a parallel worker and
 * a standby read what is there now.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "pg/catalog.h"
#include "pg/chunk_stream.h"
#include "pg/report.h"
#include "pg/shipped.h"

struct ElectraArchiveStream
{
	/* Delivers up to size bytes, fewer at the end only; may raise errors. */
	Size		(*pull) (ElectraArchiveStream *stream, char *destination, Size size);
	uint64		max_size;
	MemoryContext context;		/* this struct's, for kept errors */
	ErrorData  *kept;			/* what a read raised inside the core */

	/* chunks */
	Relation	relation;
	Relation	index;
	Snapshot	snapshot;
	SysScanDesc scan;
	MemoryContext chunk_context;	/* reset for each chunk */
	Datum		chunk_datum;	/* the current one, in the scan's tuple */
	const char *chunk;			/* the same detoasted, NULL: not yet */
	Size		chunk_size;
	Size		chunk_used;
	int32		next_chunk_no;
	bool		scan_ended;		/* asking once more would begin it again */

	int			fd;				/* shipped file, -1: none */
	char		path[MAXPGPATH];

	File		spool;			/* temporary file, not owned; 0: none */
	off_t		spool_read;		/* bytes of it so far */
};

/* Makes the next chunk the current one; false behind the last. */
static bool
next_chunk(ElectraArchiveStream *stream)
{
	MemoryContext caller;
	TupleDesc	descriptor = RelationGetDescr(stream->relation);
	HeapTuple	tuple;
	bool		no_isnull;
	bool		data_isnull;
	int32		chunk_no;
	Datum		data;

	if (stream->scan_ended)
		return false;
	CHECK_FOR_INTERRUPTS();
	stream->chunk = NULL;
	stream->chunk_size = stream->chunk_used = 0;
	MemoryContextReset(stream->chunk_context);
	caller = MemoryContextSwitchTo(stream->chunk_context);
	tuple = systable_getnext_ordered(stream->scan, ForwardScanDirection);
	if (!HeapTupleIsValid(tuple))
	{
		MemoryContextSwitchTo(caller);
		stream->scan_ended = true;
		return false;
	}
	chunk_no = DatumGetInt32(heap_getattr(tuple, Anum_electra_chunk_no, descriptor, &no_isnull));
	data = heap_getattr(tuple, Anum_electra_chunk_data, descriptor, &data_isnull);
	if (no_isnull || data_isnull || chunk_no != stream->next_chunk_no)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("chunk %d of a preset's archive is missing", stream->next_chunk_no),
				 errhint("Restore table _electra.preset_chunk completely.")));
	stream->next_chunk_no++;
	stream->chunk_datum = data;
	stream->chunk_size = toast_raw_datum_size(data) - VARHDRSZ;
	MemoryContextSwitchTo(caller);
	return true;
}

/* The current chunk's bytes; a chunk that is only skipped is never fetched. */
static const char *
fetch_chunk(ElectraArchiveStream *stream)
{
	if (stream->chunk == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(stream->chunk_context);
		bytea	   *bytes = DatumGetByteaPP(stream->chunk_datum);

		stream->chunk = VARDATA_ANY(bytes);
		MemoryContextSwitchTo(caller);
	}
	return stream->chunk;
}

/* pull for chunks, or (destination NULL) skip */
static Size
pull_chunks(ElectraArchiveStream *stream, char *destination, Size size)
{
	Size		done = 0;

	while (done < size)
	{
		Size		part = Min(size - done, stream->chunk_size - stream->chunk_used);

		if (part == 0)
		{
			if (!next_chunk(stream))
				break;
			continue;
		}
		if (destination != NULL)
			memcpy(destination + done, fetch_chunk(stream) + stream->chunk_used, part);
		stream->chunk_used += part;
		done += part;
	}
	return done;
}

/* pull for files */
static Size
pull_file(ElectraArchiveStream *stream, char *destination, Size size)
{
	Size		done = 0;

	while (done < size)
	{
		ssize_t		part;

		CHECK_FOR_INTERRUPTS();
		part = read(stream->fd, destination + done, Min(size - done, ELECTRA_CHUNK_SIZE));
		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", stream->path)));
		if (part == 0)
			break;
		done += part;
	}
	return done;
}

/* pull for temporary files */
static Size
pull_spool(ElectraArchiveStream *stream, char *destination, Size size)
{
	Size		done = 0;

	while (done < size)
	{
		int			part;

		CHECK_FOR_INTERRUPTS();
		part = FileRead(stream->spool, destination + done, Min(size - done, ELECTRA_CHUNK_SIZE),
						stream->spool_read, WAIT_EVENT_BUFFILE_READ);
		if (part < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read a temporary file: %m")));
		if (part == 0)
			break;
		stream->spool_read += part;
		done += part;
	}
	return done;
}

/* A stream without a source yet. */
static ElectraArchiveStream *
new_stream(void)
{
	ElectraArchiveStream *stream = palloc0(sizeof(ElectraArchiveStream));

	stream->context = CurrentMemoryContext;
	stream->fd = -1;
	stream->max_size = ELECTRA_MAX_ARCHIVE_SIZE;
	return stream;
}

/* Opens a shipped preset's file. */
static ElectraArchiveStream *
begin_file(const ElectraPresetId *id)
{
	ElectraArchiveStream *stream = new_stream();
	struct stat st;

	electra_shipped_path(id->name, stream->path);
	stream->pull = pull_file;
	stream->fd = OpenTransientFile(stream->path, O_RDONLY | PG_BINARY);
	if (stream->fd < 0 && errno == ENOENT)
	{
		pfree(stream);
		return NULL;
	}
	if (stream->fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", stream->path)));
	if (fstat(stream->fd, &st) < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", stream->path)));
	stream->max_size = st.st_size;
	return stream;
}

ElectraArchiveStream *
electra_archive_stream_begin(const ElectraPresetId *id)
{
	ElectraArchiveStream *stream;
	ScanKeyData key;
	bytea	   *digest;
	Oid			index;

	if (id->shipped)
		return begin_file(id);

	stream = new_stream();
	stream->pull = pull_chunks;
	stream->relation = electra_catalog_require(ELECTRA_TABLE_CHUNK, AccessShareLock);
	index = electra_catalog_primary_key(stream->relation);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"_electra.preset_chunk\" has no primary key"),
				 errhint("Restore the primary key (digest, chunk_no).")));
	stream->index = index_open(index, AccessShareLock);
	stream->snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(stream->relation)));
	stream->chunk_context = AllocSetContextCreate(CurrentMemoryContext, "electra chunk",
												  ALLOCSET_DEFAULT_SIZES);
	digest = palloc(VARHDRSZ + ELECTRA_DIGEST_SIZE);
	SET_VARSIZE(digest, VARHDRSZ + ELECTRA_DIGEST_SIZE);
	memcpy(VARDATA(digest), id->digest, ELECTRA_DIGEST_SIZE);
	ScanKeyInit(&key, Anum_electra_chunk_digest, BTEqualStrategyNumber, F_BYTEAEQ,
				PointerGetDatum(digest));
	stream->scan = systable_beginscan_ordered(stream->relation, stream->index, stream->snapshot,
											  1, &key);
	if (!next_chunk(stream))
	{
		electra_archive_stream_end(stream);
		return NULL;
	}
	return stream;
}

ElectraArchiveStream *
electra_archive_stream_require(const ElectraPresetId *id)
{
	ElectraArchiveStream *stream = electra_archive_stream_begin(id);
	char		path[MAXPGPATH];

	if (stream != NULL)
		return stream;
	if (!id->shipped)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("archive of preset \"%s\" is missing", id->name),
				 errdetail("Table _electra.preset_chunk has no rows for its digest."),
				 errhint("In a restore, load the data of schema _electra first; otherwise load the preset again.")));
	electra_shipped_path(id->name, path);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FILE),
			 errmsg("could not open file \"%s\": No such file or directory", path),
			 errdetail("It is the archive of preset \"%s\", which comes with electra.", id->name),
			 errhint("Install electra completely: \"make install\" puts the file there.")));
}

ElectraArchiveStream *
electra_archive_stream_spool(File file, uint64 size)
{
	ElectraArchiveStream *stream = new_stream();

	stream->pull = pull_spool;
	stream->spool = file;
	stream->max_size = size;
	return stream;
}

bool
electra_archive_stream_hashed(const ElectraArchiveStream *stream)
{
	return stream->spool > 0;
}

void
electra_archive_stream_end(ElectraArchiveStream *stream)
{
	if (stream->scan != NULL)
	{
		systable_endscan_ordered(stream->scan);
		UnregisterSnapshot(stream->snapshot);
		index_close(stream->index, AccessShareLock);
		table_close(stream->relation, AccessShareLock);
		MemoryContextDelete(stream->chunk_context);
	}
	if (stream->fd >= 0)
		CloseTransientFile(stream->fd);
	pfree(stream);
}

uint64
electra_archive_stream_max_size(const ElectraArchiveStream *stream)
{
	return stream->max_size;
}

Size
electra_archive_stream_read(ElectraArchiveStream *stream, void *destination, Size size)
{
	return stream->pull(stream, destination, size);
}

void
electra_archive_stream_skip(ElectraArchiveStream *stream, uint64 size)
{
	if (stream->scan != NULL)
		(void) pull_chunks(stream, NULL, size);
	else if (lseek(stream->fd, (off_t) size, SEEK_CUR) < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in file \"%s\": %m", stream->path)));
}

/* Keeps the error being handled, for electra_archive_stream_raise. */
static void
keep_error(ElectraArchiveStream *stream, MemoryContext caller)
{
	MemoryContextSwitchTo(stream->context);
	stream->kept = CopyErrorData();
	FlushErrorState();
	MemoryContextSwitchTo(caller);
}

/* electra_stream.read */
static electra_status
core_read(void *context, void *destination, size_t size, electra_error *error)
{
	ElectraArchiveStream *stream = context;
	MemoryContext caller = CurrentMemoryContext;
	volatile Size done = 0;

	PG_TRY();
	{
		done = stream->pull(stream, destination, size);
	}
	PG_CATCH();
	{
		keep_error(stream, caller);
	}
	PG_END_TRY();

	if (stream->kept != NULL)
		return electra_fail(error, ELECTRA_IO_ERROR, "could not read a preset's archive");
	if (done != size)
		return electra_fail(error, ELECTRA_CORRUPT, "a preset's archive ends too early");
	return ELECTRA_OK;
}

/* electra_poll.stop: serves interrupts that end nothing, keeps those that do. */
static bool
core_stop(void *context)
{
	ElectraArchiveStream *stream = context;
	MemoryContext caller = CurrentMemoryContext;

	if (stream->kept != NULL)
		return true;
	if (!electra_stop(&electra_interrupt_poll))
		return false;
	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		keep_error(stream, caller);
	}
	PG_END_TRY();
	return stream->kept != NULL;
}

electra_stream
electra_archive_stream_core(ElectraArchiveStream *stream)
{
	electra_stream core = {core_read, stream};

	return core;
}

electra_poll
electra_archive_stream_poll(ElectraArchiveStream *stream)
{
	electra_poll poll = {core_stop, stream};

	return poll;
}

bool
electra_archive_stream_failed(const ElectraArchiveStream *stream)
{
	return stream->kept != NULL;
}

/* A core error's message and detail as one text for the detail of another. */
static char *
describe_error(const electra_error *error)
{
	char	   *message = electra_message_to_server(error->message);

	message[0] = pg_toupper((unsigned char) message[0]);
	return psprintf("%s.%s%s", message, error->detail[0] == '\0' ? "" : " ",
					electra_message_to_server(error->detail));
}

void
electra_archive_stream_raise(ElectraArchiveStream *stream, electra_status status,
							 const electra_error *error)
{
	if (stream->kept != NULL)
		ReThrowError(stream->kept);
	if (stream->fd >= 0 && (status == ELECTRA_CORRUPT || status == ELECTRA_UNSUPPORTED))
		ereport(ERROR,
				(errcode(electra_sqlstate(status)),
				 errmsg("file \"%s\" is not the archive that comes with electra", stream->path),
				 errdetail_internal("%s", describe_error(error)),
				 errhint("Install electra again, module and archive of one version: \"make install\" puts both there.")));
	electra_raise(status, error);
}

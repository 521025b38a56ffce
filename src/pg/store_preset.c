/*
 * An archive that has arrived completely becomes a preset.
 *
 * Nothing is written into the tables before the archive is known to be
 * complete and valid, so that a failed or repeated load leaves nothing behind.
 */
#include "postgres.h"

#include "commands/tablespace.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "pg/catalog.h"
#include "pg/chunk_stream.h"
#include "pg/image_make.h"
#include "pg/importer.h"
#include "pg/report.h"
#include "pg/shipped.h"
#include "pg/store_preset.h"

/* Time before the first progress message, and between two, in ms. */
#define FIRST_PROGRESS_MS 2000
#define NEXT_PROGRESS_MS 5000

#define BYTES_PER_MB (1024 * 1024)

struct ElectraPresetStore
{
	char	   *name;
	const char *action;			/* "loading", "creating" */
	File		spool;			/* the archive as it comes; not a BufFile, which
								 * would write it in pieces of 8 kB */
	electra_sha256 sha;			/* of what has come */
	uint64		size;
	TimestampTz next_progress;
};

ElectraPresetStore *
electra_store_begin(const char *name, const char *action)
{
	ElectraPresetStore *store = palloc0(sizeof(ElectraPresetStore));
	ElectraPresetId shipped;

	if (electra_shipped_find(name, &shipped))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("preset name \"%s\" is reserved", name),
				 errdetail("The preset of this name comes with electra."),
				 errhint("Choose another name for the preset.")));

	/* before the work, so that two sessions do not do it for nothing */
	electra_catalog_lock_name(name);
	store->name = pstrdup(name);
	store->action = action;
	store->next_progress = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FIRST_PROGRESS_MS);
	PrepareTempTablespaces();
	store->spool = OpenTemporaryFile(false);
	electra_sha256_init(&store->sha);
	return store;
}

/* Appends to the temporary file. */
static void
write_spool(ElectraPresetStore *store, const char *data, Size size)
{
	Size		done = 0;

	while (done < size)
	{
		int			part;

		errno = 0;
		part = FileWrite(store->spool, (char *) data + done, size - done, (off_t) (store->size + done),
						 WAIT_EVENT_BUFFILE_WRITE);
		if (part <= 0)
		{
			bool		full = errno == 0 || errno == ENOSPC;

			if (full)
				errno = ENOSPC;
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write preset \"%s\" to a temporary file: %m",
							store->name),
					 full ? errhint("Free some disk space, or move temp_tablespaces.") : 0));
		}
		done += part;
	}
}

void
electra_store_put(ElectraPresetStore *store, const void *data, Size size)
{
	electra_sha256_update(&store->sha, data, size);
	write_spool(store, data, size);
	store->size += size;
	if (store->size > ELECTRA_MAX_ARCHIVE_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("archive of preset \"%s\" is too large", store->name)));
}

/* A message from time to time while a large preset is at work: done of total bytes. */
static void
report_progress(ElectraPresetStore *store, uint64 done, uint64 total, const char *what)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now < store->next_progress || total == 0 || done > total)
		return;
	store->next_progress = TimestampTzPlusMilliseconds(now, NEXT_PROGRESS_MS);
	ereport(NOTICE,
			(errmsg("%s preset \"%s\": %d%% of %llu MB %s", store->action, store->name,
					(int) ((double) done / (double) total * 100.0),
					(unsigned long long) (total / BYTES_PER_MB), what)));
}

/* ElectraImportHandler.data */
static void
receive_data(void *context, const char *data, Size size)
{
	electra_store_put(context, data, size);
}

/* ElectraImportHandler.progress */
static void
receive_progress(void *context, uint64 done, uint64 total)
{
	report_progress(context, done, total, "read");
}

/* ElectraImportHandler.notice */
static void
receive_notice(void *context, const char *message)
{
	ereport(NOTICE,
			(errmsg_internal("%s", electra_message_to_server(message))));
}

/* The digest of what has come so far. */
static void
spooled_digest(const ElectraPresetStore *store, uint8 digest[ELECTRA_DIGEST_SIZE])
{
	electra_sha256 sha = store->sha;

	electra_sha256_final(&sha, digest);
}

void
electra_store_import(ElectraPresetStore *store, char **argv, const void *input, Size input_size)
{
	ElectraImportHandler handler = {receive_data, receive_progress, receive_notice, store};
	uint64		told_size = 0;

	electra_importer_run(argv, input, input_size, &handler, &told_size);
	if (told_size != store->size)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("archive of preset \"%s\" was damaged on its way from electra-import", store->name),
				 errdetail("%llu of %llu bytes arrived.", (unsigned long long) store->size,
						   (unsigned long long) told_size)));
}

/* The archive must be the one that its sender means. */
static void
check_expected(const ElectraPresetStore *store, const uint8 *expected, const uint8 *digest)
{
	char		expected_hex[ELECTRA_DIGEST_HEX_SIZE];
	char		found_hex[ELECTRA_DIGEST_HEX_SIZE];

	if (expected == NULL || memcmp(expected, digest, ELECTRA_DIGEST_SIZE) == 0)
		return;
	electra_digest_to_hex(expected, expected_hex);
	electra_digest_to_hex(digest, found_hex);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("archive of preset \"%s\" does not have the expected digest", store->name),
			 errdetail("Expected digest %s, found %s in %llu bytes.", expected_hex, found_hex,
					   (unsigned long long) store->size),
			 errhint("Part of the archive is missing or has changed on its way: send it again.")));
}

/* What the name is bound to already must be the same content. */
static void
check_binding(const ElectraPresetRow *row, const uint8 *digest)
{
	char		old_hex[ELECTRA_DIGEST_HEX_SIZE];
	char		new_hex[ELECTRA_DIGEST_HEX_SIZE];

	if (memcmp(row->id.digest, digest, ELECTRA_DIGEST_SIZE) == 0)
		return;
	electra_digest_to_hex(row->id.digest, old_hex);
	electra_digest_to_hex(digest, new_hex);
	if (row->dropped)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("preset name \"%s\" is bound to other content", row->id.name),
				 errdetail("A dropped preset of this name had digest %s, the new one has %s.",
						   old_hex, new_hex),
				 errhint("Choose another name; or, if no stored value depends on the old preset, free the name with electra_forget_preset('%s').",
						 row->id.name)));
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("preset \"%s\" exists already with other content", row->id.name),
			 errdetail("Its digest is %s, the new one's is %s.", old_hex, new_hex),
			 errhint("Choose another name.")));
}

/* Puts the spooled archive into chunks. */
static void
store_chunks(ElectraPresetStore *store, const uint8 *digest)
{
	ElectraChunkWriter *writer = electra_chunk_writer_begin(digest);
	ElectraArchiveStream *stream = electra_archive_stream_spool(store->spool, store->size);
	char	   *buffer = palloc(ELECTRA_CHUNK_SIZE);
	uint64		done = 0;
	Size		size;

	while ((size = electra_archive_stream_read(stream, buffer, ELECTRA_CHUNK_SIZE)) > 0)
	{
		electra_chunk_writer_put(writer, buffer, size);
		done += size;
		report_progress(store, done, store->size, "stored");
	}
	if (done != store->size)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("temporary file of preset \"%s\" is incomplete", store->name)));
	pfree(buffer);
	electra_archive_stream_end(stream);
	electra_chunk_writer_end(writer);
}

/* Validates the archive by making its image, unless the server has it already. */
static void
validate(ElectraPresetStore *store, const ElectraPresetId *id)
{
	ElectraArchiveStream *stream = electra_archive_stream_spool(store->spool, store->size);
	ElectraMapping mapping;
	bool		made;

	electra_image_obtain(id, stream, &mapping, &made);
	if (made)
		electra_image_discard_on_abort(id->digest);
	electra_image_unmap(&mapping);
	electra_image_mark(id->digest);
	electra_archive_stream_end(stream);
}

/* Writes the catalogue's row: a new one, or a dropped preset's that comes back. */
static void
store_row(ElectraPresetRow *row, bool exists, const char *source)
{
	row->dropped = false;
	row->source = pstrdup(source == NULL ? "" : source);
	row->loaded_by = GetUserNameFromId(GetUserId(), false);
	row->loaded_at = GetCurrentTimestamp();
	if (exists)
		electra_catalog_update(row);
	else
		electra_catalog_insert(row);
}

void
electra_store_finish(ElectraPresetStore *store, const uint8 *expected_digest, const char *source)
{
	ElectraPresetRow row = {0};
	uint8		digest[ELECTRA_DIGEST_SIZE];
	bool		bound;

	spooled_digest(store, digest);
	check_expected(store, expected_digest, digest);
	bound = electra_catalog_find(store->name, &row);
	if (bound)
		check_binding(&row, digest);
	else
	{
		strlcpy(row.id.name, store->name, sizeof(row.id.name));
		memcpy(row.id.digest, digest, ELECTRA_DIGEST_SIZE);
	}

	/* behind that of the name: the order that catalog.h asks for */
	electra_catalog_lock_digest(digest);
	if (bound && !row.dropped && electra_catalog_has_chunks(digest, NULL))
		ereport(NOTICE,
				(errmsg("preset \"%s\" exists already, with the same content", store->name)));
	else
	{
		validate(store, &row.id);
		if (!electra_catalog_has_chunks(digest, NULL))
			store_chunks(store, digest);
		store_row(&row, bound, source);
	}
	FileClose(store->spool);
	pfree(store->name);
	pfree(store);
}

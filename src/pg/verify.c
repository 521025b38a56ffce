/*
 * Looking after presets: comparing what is stored with its digest, reading an
 * image into memory, removing images that nothing needs.
 */
#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/catalog.h"
#include "pg/chunk_stream.h"
#include "pg/image_file.h"
#include "pg/preset_name.h"
#include "pg/shipped.h"

/* Says what is wrong; the caller goes on to look at the rest. */
static bool
damaged(const char *what, const ElectraPresetId *id, const char *hint)
{
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("%s of preset \"%s\" is damaged", what, id->name),
			 errdetail("Its content does not match its digest."),
			 errhint("%s", hint)));
	return false;
}

/* Reads the whole stored archive and compares its SHA-256 with the digest. */
static bool
verify_archive(const ElectraPresetId *id)
{
	ElectraArchiveStream *stream = electra_archive_stream_require(id);
	electra_sha256 sha;
	uint8		digest[ELECTRA_DIGEST_SIZE];
	char	   *buffer = palloc(ELECTRA_CHUNK_SIZE);
	Size		size;

	electra_sha256_init(&sha);
	while ((size = electra_archive_stream_read(stream, buffer, ELECTRA_CHUNK_SIZE)) > 0)
		electra_sha256_update(&sha, buffer, size);
	electra_sha256_final(&sha, digest);
	electra_archive_stream_end(stream);
	pfree(buffer);
	if (memcmp(digest, id->digest, ELECTRA_DIGEST_SIZE) == 0)
		return true;
	return damaged("archive", id, id->shipped ? "Install electra again." :
				   "Restore table _electra.preset_chunk, or drop the preset and load it again.");
}

/*
 * Reads the whole image, if there is one, and compares it with its own
 * digests.  A damaged one is removed: the next use makes it again.
 */
static bool
verify_image(const ElectraPresetId *id)
{
	static const char hint[] = "It was removed; the next use of the preset makes it again.";
	ElectraMapping mapping;
	char		path[ELECTRA_IMAGE_PATH_SIZE];
	bool		intact;

	electra_image_path(id->digest, path);
	if (!electra_image_map(path, id->digest, &mapping))
	{
		if (!electra_image_remove(id->digest))
			return true;
		return damaged("image", id, hint);
	}
	intact = electra_image_verify(&mapping);
	electra_image_unmap(&mapping);
	if (intact)
		return true;
	(void) electra_image_remove(id->digest);
	return damaged("image", id, hint);
}

PG_FUNCTION_INFO_V1(electra_verify);

/* Do archive and image of a preset match their digests? */
Datum
electra_verify(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "preset");
	ElectraPresetId id;
	bool		archive;
	bool		image;

	electra_preset_resolve(name, &id);
	archive = verify_archive(&id);
	image = verify_image(&id);
	PG_RETURN_BOOL(archive && image);
}

PG_FUNCTION_INFO_V1(electra_prewarm);

/* Makes the image if need be and reads all of it. */
Datum
electra_prewarm(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "preset");
	const ElectraPreset *preset = electra_preset_acquire(name);
	const char *image = (const char *) preset->model.header;
	uint64		size = preset->model.header->size;
	long		page = sysconf(_SC_PAGESIZE);

	(void) madvise((void *) image, size, MADV_WILLNEED);	/* only faster */
	for (uint64 offset = 0; offset < size; offset += page)
	{
		if (offset % ELECTRA_CHUNK_SIZE == 0)
			CHECK_FOR_INTERRUPTS();
		(void) *(const volatile char *) (image + offset);
	}
	PG_RETURN_INT64((int64) size);
}

PG_FUNCTION_INFO_V1(electra_clean_images);

/* Removes image files that no preset of any database needs. */
Datum
electra_clean_images(PG_FUNCTION_ARGS)
{
	List	   *rows = electra_catalog_list();
	uint8		(*needed)[ELECTRA_DIGEST_SIZE];
	int			count = 0;
	ListCell   *cell;

	needed = palloc((list_length(rows) + electra_num_shipped()) * sizeof(*needed));
	foreach(cell, rows)
	{
		const ElectraPresetRow *row = lfirst(cell);

		if (!row->dropped)
			memcpy(needed[count++], row->id.digest, ELECTRA_DIGEST_SIZE);
	}
	for (int i = 0; i < electra_num_shipped(); i++)
	{
		ElectraPresetId id;

		electra_shipped_get(i, &id);
		memcpy(needed[count++], id.digest, ELECTRA_DIGEST_SIZE);
	}
	PG_RETURN_INT64(electra_image_clean(needed, count));
}

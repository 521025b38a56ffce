/*
 * What a backend knows of presets: name -> digest, digest -> mapping.
 */
#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "core/table.h"
#include "pg/catalog.h"
#include "pg/chunk_stream.h"
#include "pg/image_make.h"
#include "pg/preset.h"
#include "pg/preset_access.h"
#include "pg/preset_name.h"
#include "pg/report.h"
#include "pg/restore_order.h"
#include "pg/shipped.h"

/* Bytes mapped between two looks for interrupts: half a millisecond. */
#define POPULATE_SIZE (16 * 1024 * 1024)

/* Fewest hexadecimal digits behind "@". */
#define MIN_DIGEST_PREFIX 8

typedef struct NameEntry
{
	char		name[ELECTRA_MAX_PRESET_NAME + 1];	/* key */
	ElectraPresetId id;
} NameEntry;

typedef struct MappingEntry
{
	uint8		digest[ELECTRA_DIGEST_SIZE];	/* key */
	ElectraMapping mapping;		/* base NULL: not mapped */
	ElectraPreset preset;		/* model of mapping; id: of the name last used */
} MappingEntry;

/* What a name in the argument of a function says. */
typedef struct NameArgument
{
	char		name[ELECTRA_MAX_PRESET_NAME + 1];
	const char *digest_prefix;	/* behind "@", or NULL */
} NameArgument;

static HTAB *names = NULL;
static HTAB *mappings = NULL;
static bool default_known = false;
static char default_name[ELECTRA_MAX_PRESET_NAME + 1];

/* The generation of the catalogue that names and default_name are from. */
static uint64 cached_generation = 0;

/* Makes the two tables, once. */
static void
make_caches(void)
{
	HASHCTL		control = {0};

	if (mappings != NULL)
		return;
	control.hcxt = TopMemoryContext;
	control.keysize = ELECTRA_MAX_PRESET_NAME + 1;
	control.entrysize = sizeof(NameEntry);
	names = hash_create("electra preset names", 16, &control,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	control.keysize = ELECTRA_DIGEST_SIZE;
	control.entrysize = sizeof(MappingEntry);
	mappings = hash_create("electra images", 8, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * Forgets names when the catalogue has changed, and with may_unmap the images
 * whose file has been removed or replaced since.
 */
static void
refresh_caches(bool may_unmap)
{
	static uint64 unmapped_generation = 0;
	HASH_SEQ_STATUS scan;
	NameEntry  *name;
	MappingEntry *entry;
	uint64		generation = electra_catalog_generation();

	make_caches();
	if (cached_generation != generation)
	{
		hash_seq_init(&scan, names);
		while ((name = hash_seq_search(&scan)) != NULL)
			hash_search(names, name->name, HASH_REMOVE, NULL);
		default_known = false;
		cached_generation = generation;
	}
	if (may_unmap && unmapped_generation != generation)
	{
		hash_seq_init(&scan, mappings);
		while ((entry = hash_seq_search(&scan)) != NULL)
		{
			if (electra_image_current(entry->digest, &entry->mapping))
				continue;
			electra_image_unmap(&entry->mapping);
			hash_search(mappings, entry->digest, HASH_REMOVE, NULL);
		}
		unmapped_generation = generation;
	}
}

/* Splits "name" or "name@prefix"; false for what cannot be either. */
static bool
parse_argument(const char *text, NameArgument *argument)
{
	const char *at = strchr(text, '@');
	Size		size = at == NULL ? strlen(text) : (Size) (at - text);

	if (size > ELECTRA_MAX_PRESET_NAME)
		return false;
	memcpy(argument->name, text, size);
	argument->name[size] = '\0';
	argument->digest_prefix = at == NULL ? NULL : at + 1;
	if (!electra_preset_name_valid(argument->name))
		return false;
	if (at != NULL)
	{
		Size		digits = strspn(at + 1, "0123456789abcdefABCDEF");

		if (digits < MIN_DIGEST_PREFIX || digits > 2 * ELECTRA_DIGEST_SIZE || at[1 + digits] != '\0')
			return false;
	}
	return true;
}

/* Does the digest begin with the prefix of the argument? */
static bool
digest_matches(const NameArgument *argument, const ElectraPresetId *id)
{
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	if (argument->digest_prefix == NULL)
		return true;
	electra_digest_to_hex(id->digest, hex);
	return pg_strncasecmp(hex, argument->digest_prefix, strlen(argument->digest_prefix)) == 0;
}

/*
 * The name's identity from the cache, the catalogue, or the shipped presets,
 * in this order.  false: not there, and then *dropped tells whether it was.
 */
static bool
look_up(const char *name, ElectraPresetId *id, bool *dropped)
{
	NameEntry  *entry;
	ElectraPresetRow row;
	uint64		generation;
	bool		found;

	*dropped = false;
	refresh_caches(false);
	entry = hash_search(names, name, HASH_FIND, NULL);
	if (entry != NULL)
	{
		*id = entry->id;
		return true;
	}

	generation = electra_catalog_generation();
	found = electra_catalog_find(name, &row);
	if (found && row.dropped)
	{
		*dropped = true;
		return false;
	}
	if (found)
		*id = row.id;
	else if (!electra_shipped_find(name, id))
		return false;			/* not cached: it may come any moment */

	refresh_caches(false);
	if (generation == electra_catalog_generation())
	{
		entry = hash_search(names, name, HASH_ENTER, &found);
		entry->id = *id;
	}
	return true;
}

void
electra_preset_default_name(char name[ELECTRA_MAX_PRESET_NAME + 1])
{
	if (!electra_catalog_default(name))
		strlcpy(name, electra_shipped_default_name, ELECTRA_MAX_PRESET_NAME + 1);
}

/* The default preset's name, from the cache where that is valid. */
static const char *
find_default(void)
{
	uint64		generation;
	char		name[ELECTRA_MAX_PRESET_NAME + 1];
	static char uncached[ELECTRA_MAX_PRESET_NAME + 1];

	refresh_caches(false);
	if (default_known)
		return default_name;
	generation = electra_catalog_generation();
	electra_preset_default_name(name);
	refresh_caches(false);
	if (generation == electra_catalog_generation())
	{
		strlcpy(default_name, name, sizeof(default_name));
		default_known = true;
		return default_name;
	}
	strlcpy(uncached, name, sizeof(uncached));
	return uncached;
}

/* Raises why a name was not found. */
static void
unknown_preset(const char *name, bool dropped, bool is_default)
{
	if (dropped)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("preset \"%s\" was dropped", name),
				 errdetail("Its name stays bound to the same content."),
				 errhint("Load the same source with the same options to have it back, or free the name with electra_forget_preset('%s').",
						 name)));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("preset \"%s\" does not exist", name),
			 is_default ? errdetail("It is the default preset of this database.") : 0,
			 electra_session_restores() ? errhint(ELECTRA_RESTORE_HINT) :
			 errhint("View electra_presets lists the presets of this database; electra_load_preset loads one.")));
}

void
electra_preset_resolve(const char *name, ElectraPresetId *id)
{
	NameArgument argument = {{0}};
	bool		dropped;

	if (name == NULL)
	{
		const char *found = find_default();

		if (!look_up(found, id, &dropped))
			unknown_preset(found, dropped, true);
		electra_preset_access_check(id);
		return;
	}
	if (!parse_argument(name, &argument))
		electra_preset_name_error();
	if (!look_up(argument.name, id, &dropped))
		unknown_preset(argument.name, dropped, false);
	if (!digest_matches(&argument, id))
	{
		char		hex[ELECTRA_DIGEST_HEX_SIZE];

		electra_digest_to_hex(id->digest, hex);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("preset \"%s\" has another digest", argument.name),
				 errdetail("The digest here is %s, not %s….", hex, argument.digest_prefix),
				 errhint("Load the preset from the same source, with the same options and the same version of electra, as on the other server.")));
	}
	electra_preset_access_check(id);
}

bool
electra_preset_try_resolve(const char *name, ElectraPresetId *id)
{
	NameArgument argument = {{0}};
	bool		dropped;

	if (name == NULL)
		return look_up(find_default(), id, &dropped);
	return parse_argument(name, &argument) && look_up(argument.name, id, &dropped) &&
		digest_matches(&argument, id);
}

/*
 * The entry of an archive's image, mapped.  With make false: only where there
 * is an image file already, else NULL.
 */
static MappingEntry *
find_mapping(const ElectraPresetId *id, bool make)
{
	MappingEntry *entry = hash_search(mappings, id->digest, HASH_FIND, NULL);
	char		path[ELECTRA_IMAGE_PATH_SIZE];
	bool		found;

	if (entry == NULL)
	{
		entry = hash_search(mappings, id->digest, HASH_ENTER, &found);
		memset(&entry->mapping, 0, sizeof(entry->mapping));
	}
	if (entry->mapping.base == NULL)
	{
		electra_image_path(id->digest, path);
		if (make)
			electra_image_obtain(id, NULL, &entry->mapping, NULL);
		else if (!electra_image_map(path, id->digest, &entry->mapping))
			return NULL;
		entry->preset.model = entry->mapping.model;
		entry->preset.stats_slot = -1;
		entry->preset.populated = false;
		electra_image_mark(id->digest);
	}
	entry->preset.id = *id;
	return entry;
}

ElectraPreset *
electra_preset_acquire(const char *name)
{
	ElectraPresetId id;

	electra_preset_resolve(name, &id);
	refresh_caches(true);
	return &find_mapping(&id, true)->preset;
}

/*
 * Everything behind the table of word embeddings, of which a text needs only
 * its own rows, is read by every embedding.  One call for many pages takes a
 * third of the time of the faults, and the kernels' prefetches, which do
 * nothing for a page that is not mapped, help from the first text on.
 */
void
electra_preset_populate(ElectraPreset *preset)
{
#ifdef MADV_POPULATE_READ
	const electra_image_header *header = preset->model.header;
	uint64		offset = electra_table_row_offset(&header->word_embeddings,
												  (size_t) header->word_embeddings.num_rows);

	if (preset->populated)
		return;
	preset->populated = true;

	offset -= offset % sysconf(_SC_PAGESIZE);
	for (; offset < header->size; offset += POPULATE_SIZE)
	{
		CHECK_FOR_INTERRUPTS();
		(void) madvise((char *) header + offset, Min(POPULATE_SIZE, header->size - offset),
					   MADV_POPULATE_READ);	/* only faster */
	}
#endif
}

bool
electra_preset_try_config(const ElectraPresetId *id, electra_config *config)
{
	MappingEntry *entry;
	ElectraArchiveStream *stream;
	electra_archive_reader reader;
	electra_error error;
	electra_status status;

	make_caches();
	entry = find_mapping(id, false);
	if (entry != NULL)
	{
		*config = entry->mapping.model.header->config;
		return true;
	}
	stream = electra_archive_stream_begin(id);
	if (stream == NULL)
		return false;
	status = electra_archive_open(&reader, electra_archive_stream_core(stream),
								  electra_archive_stream_max_size(stream),
								  &electra_palloc_allocator, &error);
	if (status == ELECTRA_OK)
		*config = reader.archive->config;
	else if (electra_archive_stream_failed(stream))
		electra_archive_stream_raise(stream, status, &error);
	electra_archive_close(&reader);
	electra_archive_stream_end(stream);
	return status == ELECTRA_OK;
}

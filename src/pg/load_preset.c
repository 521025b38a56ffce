/*
 * electra_load_preset: a directory of the server becomes a preset.
 *
 * electra-import reads the directory and sends the archive; it is hashed and
 * kept in a temporary file until it is known to be complete, so that a failed
 * or repeated load writes nothing into the tables.  Then the image is made out
 * of it, which is the strict validation (and makes the first use fast), and
 * only then the chunks and the name are written.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/catalog.h"
#include "pg/chunk_stream.h"
#include "pg/image_make.h"
#include "pg/importer.h"
#include "pg/preset_name.h"
#include "pg/report.h"
#include "pg/shipped.h"

/* Arguments of electra_load_preset, in order. */
enum
{
	ARG_SOURCE,
	ARG_NAME,
	ARG_DTYPE,
	ARG_POOLING,
	ARG_NORMALIZE,
	ARG_MAX_LENGTH,
	ARG_DIMENSIONS,
	ARG_QUERY_PROMPT,
	ARG_DOCUMENT_PROMPT,
	ARG_TRUNCATION,
	NUM_ARGS
};

/* Room for the program, its options, the directory and the final NULL. */
#define MAX_ARGV (NUM_ARGS + 4)

/* Time before the first progress message, and between two, in ms. */
#define FIRST_PROGRESS_MS 2000
#define NEXT_PROGRESS_MS 5000

typedef struct Load
{
	const char *name;
	BufFile    *spool;			/* the archive as it comes */
	electra_sha256 sha;
	uint64		size;
	TimestampTz next_progress;
} Load;

/* Only whoever may read the server's files may have a directory read. */
static void
check_source(const char *source)
{
	if (!is_absolute_path(source))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("preset source \"%s\" is not an absolute path", source),
				 errdetail("This version of electra loads presets from directories of the server only; names and handles such as hf://owner/name come with a later one."),
				 errhint("Give the absolute path of a Hugging Face or sentence-transformers directory on the server.")));
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to load a preset from a directory"),
				 errdetail("Only roles with privileges of the \"%s\" role may load a preset from a directory of the server.",
						   "pg_read_server_files")));
}

/* The name argument, or else the last component of the source. */
static char *
choose_name(FunctionCallInfo fcinfo, const char *source)
{
	char	   *name;
	ElectraPresetId shipped;

	if (PG_ARGISNULL(ARG_NAME))
	{
		name = pstrdup(last_dir_separator(source) + 1);
		if (!electra_preset_name_valid(name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("the last part of path \"%s\" cannot be a preset name", source),
					 errdetail("Names have 1 to %d letters, digits, dots, underscores, slashes and hyphens.",
							   ELECTRA_MAX_PRESET_NAME),
					 errhint("Give a name: electra_load_preset(source, name => 'my-preset').")));
	}
	else
	{
		name = text_to_cstring(PG_GETARG_TEXT_PP(ARG_NAME));
		if (!electra_preset_name_valid(name))
			electra_preset_name_error();
	}
	if (electra_shipped_find(name, &shipped))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("preset name \"%s\" is reserved", name),
				 errdetail("The preset of this name comes with electra."),
				 errhint("Load the preset under another name.")));
	return name;
}

/* Appends "--option=value" to argv. */
static void
add_option(char **argv, int *argc, const char *option, const char *value)
{
	argv[(*argc)++] = psprintf("--%s=%s", option, value);
	Assert(*argc < MAX_ARGV);
}

/* A text argument that may be NULL, as an option in UTF-8. */
static void
add_text(FunctionCallInfo fcinfo, int argument, char **argv, int *argc, const char *option)
{
	text	   *value;
	Size		size;

	if (PG_ARGISNULL(argument))
		return;
	value = PG_GETARG_TEXT_PP(argument);
	add_option(argv, argc, option,
			   electra_text_to_utf8(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &size));
}

/* An integer argument that may be NULL; 0 and less are refused here, for they mean "none" there. */
static void
add_positive(FunctionCallInfo fcinfo, int argument, char **argv, int *argc,
			 const char *option, const char *name)
{
	int32		value;

	if (PG_ARGISNULL(argument))
		return;
	value = PG_GETARG_INT32(argument);
	if (value < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive, not %d", name, value)));
	add_option(argv, argc, option, psprintf("%d", value));
}

/* The command line of electra-import. */
static void
make_command(FunctionCallInfo fcinfo, const char *source, char **argv)
{
	int			argc = 1;		/* argv[0] belongs to electra_importer_run */

	(void) electra_get_text_argument(fcinfo, ARG_DTYPE, "dtype");
	(void) electra_get_text_argument(fcinfo, ARG_TRUNCATION, "truncation");
	argv[argc++] = "--framed";
	add_text(fcinfo, ARG_DTYPE, argv, &argc, "dtype");
	add_text(fcinfo, ARG_POOLING, argv, &argc, "pooling");
	if (!PG_ARGISNULL(ARG_NORMALIZE))
		add_option(argv, &argc, "normalize", PG_GETARG_BOOL(ARG_NORMALIZE) ? "yes" : "no");
	add_positive(fcinfo, ARG_MAX_LENGTH, argv, &argc, "max-length", "max_length");
	add_positive(fcinfo, ARG_DIMENSIONS, argv, &argc, "dimensions", "dimensions");
	add_text(fcinfo, ARG_QUERY_PROMPT, argv, &argc, "query-prompt");
	add_text(fcinfo, ARG_DOCUMENT_PROMPT, argv, &argc, "document-prompt");
	add_text(fcinfo, ARG_TRUNCATION, argv, &argc, "truncation");
	argv[argc++] = (char *) source;
	argv[argc] = NULL;
}

/* Is it time for another message while a large preset loads? */
static bool
progress_due(Load *load)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now < load->next_progress)
		return false;
	load->next_progress = TimestampTzPlusMilliseconds(now, NEXT_PROGRESS_MS);
	return true;
}

/* ElectraImportHandler.data */
static void
receive_data(void *context, const char *data, Size size)
{
	Load	   *load = context;

	electra_sha256_update(&load->sha, data, size);
	BufFileWrite(load->spool, (void *) data, size);
	load->size += size;
	if (load->size > ELECTRA_MAX_ARCHIVE_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("archive of preset \"%s\" is too large", load->name)));
}

/* ElectraImportHandler.progress */
static void
receive_progress(void *context, uint64 done, uint64 total)
{
	Load	   *load = context;

	if (total > 0 && done <= total && progress_due(load))
		ereport(NOTICE,
				(errmsg("loading preset \"%s\": %d%% of %llu MB read", load->name,
						(int) ((double) done / (double) total * 100.0),
						(unsigned long long) (total / (1024 * 1024)))));
}

/* ElectraImportHandler.notice */
static void
receive_notice(void *context, const char *message)
{
	ereport(NOTICE,
			(errmsg_internal("%s", electra_message_to_server(message))));
}

/* Runs electra-import; the archive is in load->spool then, its digest known. */
static void
import(Load *load, char **argv, uint8 digest[ELECTRA_DIGEST_SIZE])
{
	ElectraImportHandler handler = {receive_data, receive_progress, receive_notice, load};
	uint64		told_size = 0;
	uint8		told_digest[ELECTRA_DIGEST_SIZE];

	electra_sha256_init(&load->sha);
	electra_importer_run(argv, &handler, &told_size, told_digest);
	electra_sha256_final(&load->sha, digest);
	if (told_size != load->size || memcmp(told_digest, digest, ELECTRA_DIGEST_SIZE) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("archive of preset \"%s\" was damaged on its way from electra-import", load->name),
				 errdetail("%llu of %llu bytes arrived.", (unsigned long long) load->size,
						   (unsigned long long) told_size)));
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
				 errdetail("A dropped preset of this name had digest %s, the source gives %s.",
						   old_hex, new_hex),
				 errhint("Load it under another name; or, if no stored value depends on the old one, free the name with electra_forget_preset('%s').",
						 row->id.name)));
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("preset \"%s\" exists already with other content", row->id.name),
			 errdetail("Its digest is %s, the source with these options gives %s.", old_hex, new_hex),
			 errhint("Load it under another name.")));
}

/* Puts the spooled archive into chunks. */
static void
store_chunks(Load *load, const uint8 *digest)
{
	ElectraChunkWriter *writer = electra_chunk_writer_begin(digest);
	ElectraArchiveStream *stream = electra_archive_stream_spool(load->spool, load->size);
	char	   *buffer = palloc(ELECTRA_CHUNK_SIZE);
	uint64		done = 0;
	Size		size;

	while ((size = electra_archive_stream_read(stream, buffer, ELECTRA_CHUNK_SIZE)) > 0)
	{
		electra_chunk_writer_put(writer, buffer, size);
		done += size;
		if (progress_due(load))
			ereport(NOTICE,
					(errmsg("loading preset \"%s\": %d%% of %llu MB stored", load->name,
							(int) ((double) done / (double) load->size * 100.0),
							(unsigned long long) (load->size / (1024 * 1024)))));
	}
	if (done != load->size)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("temporary file of preset \"%s\" is incomplete", load->name)));
	pfree(buffer);
	electra_archive_stream_end(stream);
	electra_chunk_writer_end(writer);
}

/* Validates the archive by making its image, unless the server has it already. */
static void
validate(Load *load, const ElectraPresetId *id)
{
	ElectraArchiveStream *stream = electra_archive_stream_spool(load->spool, load->size);
	ElectraMapping mapping;
	bool		made;

	electra_image_obtain(id, stream, &mapping, &made);
	if (made)
		electra_image_discard_on_abort(id->digest);
	electra_image_unmap(&mapping);
	electra_image_mark(id->digest);
	electra_archive_stream_end(stream);
}

PG_FUNCTION_INFO_V1(electra_load_preset);

/* electra_load_preset(source, name, dtype, …) -> name */
Datum
electra_load_preset(PG_FUNCTION_ARGS)
{
	Load		load = {0};
	ElectraPresetRow row = {0};
	ElectraPresetRow bound = {0};
	char	   *source;
	char	   *argv[MAX_ARGV];
	bool		is_bound;

	PreventCommandIfReadOnly("electra_load_preset()");
	PreventCommandIfParallelMode("electra_load_preset()");

	source = electra_get_text_argument(fcinfo, ARG_SOURCE, "source");
	check_source(source);
	canonicalize_path(source);
	load.name = choose_name(fcinfo, source);
	make_command(fcinfo, source, argv);

	/* before the import, so that two sessions do not work for nothing */
	electra_catalog_lock_name(load.name);
	load.next_progress = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FIRST_PROGRESS_MS);
	load.spool = BufFileCreateTemp(false);
	import(&load, argv, row.id.digest);

	is_bound = electra_catalog_find(load.name, &bound);
	if (is_bound)
		check_binding(&bound, row.id.digest);
	strlcpy(row.id.name, load.name, sizeof(row.id.name));
	electra_catalog_lock_digest(row.id.digest);
	if (is_bound && !bound.dropped && electra_catalog_has_chunks(row.id.digest, NULL))
		ereport(NOTICE,
				(errmsg("preset \"%s\" is loaded already, with the same content", load.name)));
	else
	{
		validate(&load, &row.id);
		if (!electra_catalog_has_chunks(row.id.digest, NULL))
			store_chunks(&load, row.id.digest);
		row.source = source;
		row.loaded_by = GetUserNameFromId(GetUserId(), false);
		row.loaded_at = GetCurrentTimestamp();
		row.tid = bound.tid;
		if (is_bound)
			electra_catalog_update(&row);
		else
			electra_catalog_insert(&row);
	}
	BufFileClose(load.spool);
	PG_RETURN_TEXT_P(cstring_to_text(load.name));
}

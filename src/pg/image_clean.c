/*
 * Removing image files that nothing needs any more.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/dbcommands.h"
#include "common/file_utils.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/fd.h"

#include "pg/image_file.h"

#define FILE_PREFIX PG_TEMP_FILE_PREFIX "_electra_"
#define HEX_SIZE (2 * ELECTRA_DIGEST_SIZE)

typedef enum FileKind
{
	FILE_IMAGE,
	FILE_TEMPORARY,
	FILE_MARKER,
	FILE_LOCK
} FileKind;

/* A file of the folder, as its name tells. */
typedef struct ImageFile
{
	FileKind	kind;
	uint8		digest[ELECTRA_DIGEST_SIZE];
	int			version;		/* of images and temporaries */
	int			pid;			/* of temporaries */
	Oid			database;		/* of markers */
	char		path[ELECTRA_IMAGE_PATH_SIZE];
} ImageFile;

/* Reads HEX_SIZE lower-case digits. */
static bool
parse_digest(const char *hex, uint8 digest[ELECTRA_DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < HEX_SIZE; i++)
	{
		const char *digit = hex[i] == '\0' ? NULL : strchr(digits, hex[i]);

		if (digit == NULL)
			return false;
		digest[i / 2] = (uint8) ((i % 2 == 0 ? 0 : digest[i / 2] << 4) | (digit - digits));
	}
	return true;
}

/* What kind of file a name is; false for one that is not ours. */
static bool
parse_name(const char *name, ImageFile *file)
{
	const char *rest;
	int			end = 0;

	if (strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX)) != 0)
		return false;
	if (!parse_digest(name + strlen(FILE_PREFIX), file->digest))
		return false;
	rest = name + strlen(FILE_PREFIX) + HEX_SIZE;
	if (snprintf(file->path, sizeof(file->path), "%s/%s", ELECTRA_IMAGE_DIRECTORY, name) >=
		(int) sizeof(file->path))
		return false;

	if (strcmp(rest, ".lock") == 0)
		file->kind = FILE_LOCK;
	else if (sscanf(rest, "_v%d.%d.tmp%n", &file->version, &file->pid, &end) == 2 &&
			 end > 0 && rest[end] == '\0')
		file->kind = FILE_TEMPORARY;
	else if (sscanf(rest, "_v%d%n", &file->version, &end) == 1 && rest[end] == '\0')
		file->kind = FILE_IMAGE;
	else if (sscanf(rest, "_db%u%n", &file->database, &end) == 1 && rest[end] == '\0')
		file->kind = FILE_MARKER;
	else
		return false;
	return true;
}

/* All files of ours as a List of ImageFile *; NIL where there is no folder. */
static List *
list_files(void)
{
	DIR		   *directory = AllocateDir(ELECTRA_IMAGE_DIRECTORY);
	struct dirent *entry;
	List	   *files = NIL;

	if (directory == NULL && errno == ENOENT)
		return NIL;
	while ((entry = ReadDir(directory, ELECTRA_IMAGE_DIRECTORY)) != NULL)
	{
		ImageFile	file = {0};

		if (parse_name(entry->d_name, &file))
		{
			ImageFile  *copy = palloc(sizeof(ImageFile));

			*copy = file;
			files = lappend(files, copy);
		}
	}
	FreeDir(directory);
	return files;
}

/* Removes a file and returns its size; 0 where it is gone already. */
static int64
remove_file(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && unlink(path) == 0)
		return st.st_size;
	if (errno != ENOENT)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", path)));
	return 0;
}

/* Is the process that makes this temporary gone? */
static bool
is_abandoned(const ImageFile *file)
{
	return file->kind == FILE_TEMPORARY && file->pid != MyProcPid &&
		kill(file->pid, 0) < 0 && errno == ESRCH;
}

int64
electra_image_sweep(void)
{
	List	   *files = list_files();
	ListCell   *cell;
	int64		freed = 0;

	foreach(cell, files)
	{
		const ImageFile *file = lfirst(cell);

		if (is_abandoned(file))
			freed += remove_file(file->path);
	}
	list_free_deep(files);
	return freed;
}

/* Is the digest among those of this database's presets and the shipped ones? */
static bool
is_needed_here(const ImageFile *file, const uint8 (*needed)[ELECTRA_DIGEST_SIZE], int count)
{
	for (int i = 0; i < count; i++)
	{
		if (memcmp(file->digest, needed[i], ELECTRA_DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

/* Does a marker stand for a database that is there and may still use the image? */
static bool
is_valid_marker(const ImageFile *file, const uint8 (*needed)[ELECTRA_DIGEST_SIZE], int count)
{
	char	   *database;

	if (file->database == MyDatabaseId)
		return is_needed_here(file, needed, count);
	database = get_database_name(file->database);
	if (database == NULL)
		return false;
	pfree(database);
	return true;
}

/* Removes a lock file unless somebody holds it. */
static void
remove_free_lock(const char *path)
{
	int			fd = OpenTransientFile(path, O_RDWR | PG_BINARY);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void) remove_file(path);
	CloseTransientFile(fd);
}

int64
electra_image_clean(const uint8 (*needed)[ELECTRA_DIGEST_SIZE], int count)
{
	List	   *files = list_files();
	List	   *markers = NIL;
	ListCell   *cell;
	int64		freed = 0;

	foreach(cell, files)
	{
		ImageFile  *file = lfirst(cell);

		if (file->kind != FILE_MARKER)
			continue;
		if (is_valid_marker(file, needed, count))
			markers = lappend(markers, file);
		else
			(void) remove_file(file->path);
	}
	foreach(cell, files)
	{
		ImageFile  *file = lfirst(cell);
		bool		wanted = is_needed_here(file, needed, count);
		ListCell   *marker;

		CHECK_FOR_INTERRUPTS();
		foreach(marker, markers)
		{
			if (memcmp(((ImageFile *) lfirst(marker))->digest, file->digest, ELECTRA_DIGEST_SIZE) == 0)
				wanted = true;
		}
		if (file->kind == FILE_IMAGE && (!wanted || file->version != ELECTRA_IMAGE_VERSION))
			freed += remove_file(file->path);
		else if (is_abandoned(file))
			freed += remove_file(file->path);
		else if (file->kind == FILE_LOCK && !wanted)
			remove_free_lock(file->path);
	}
	return freed;
}

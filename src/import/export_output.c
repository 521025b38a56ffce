/*
 * A directory written beside its place.
 */
#include "import/export_output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import/file_output.h"

/* Beyond what any preset needs: modules have a folder with two files each. */
#define MAX_ENTRIES 96
#define MAX_ENTRY_NAME 64

/* What a signal, or a failure, has to remove.  Entered before it is made. */
static struct
{
	int			fd;				/* of the directory */
	const char *directory;		/* NULL: nothing */
	volatile int count;
	struct
	{
		char		name[MAX_ENTRY_NAME];
		bool		is_folder;
	}			entries[MAX_ENTRIES];
}			removable;

static void
remove_everything(void)
{
	if (removable.directory == NULL)
		return;
	for (int i = removable.count - 1; i >= 0; i--)
		unlinkat(removable.fd, removable.entries[i].name, removable.entries[i].is_folder ? AT_REMOVEDIR : 0);
	rmdir(removable.directory);
	removable.directory = NULL;
}

/* Removes everything and lets the signal do what it would have done. */
static void
remove_and_die(int signal_number)
{
	remove_everything();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static electra_status
fail_errno(const char *what, const char *path, electra_error *error)
{
	return electra_fail(error, file_output_status(errno), "could not %s \"%s\": %s", what, path, strerror(errno));
}

/* The path without slashes at its end, if nothing has it. */
static electra_status
choose_path(export_output *output, const char *path, electra_error *error)
{
	size_t		length = strlen(path);
	struct stat status;

	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length == 0 || length + sizeof(".XXXXXX") > sizeof(output->temporary))
		return electra_fail(error, ELECTRA_INVALID_ARGUMENT, "the path of the directory is %s",
							length == 0 ? "empty" : "too long");
	memcpy(output->path, path, length);
	output->path[length] = '\0';
	if (lstat(output->path, &status) == 0)
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "\"%s\" exists already", output->path);
		electra_fail_hint(error, "Name a directory that does not exist yet.");
		return error->status;
	}
	return errno == ENOENT ? ELECTRA_OK : fail_errno("create directory", output->path, error);
}

electra_status
export_output_open(export_output *output, const char *path, electra_error *error)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	mode_t		mask = umask(0);

	umask(mask);
	output->fd = -1;
	if (choose_path(output, path, error) != ELECTRA_OK)
		return error->status;
	strcpy(output->temporary, output->path);
	strcat(output->temporary, ".XXXXXX");
	removable.count = 0;
	removable.directory = output->temporary;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], remove_and_die);
	if (mkdtemp(output->temporary) == NULL)
	{
		removable.directory = NULL;
		return fail_errno("create directory", output->path, error);
	}
	output->fd = open(output->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output->fd < 0 || fchmod(output->fd, 0777 & ~mask) != 0)
	{
		fail_errno("create directory", output->path, error);
		export_output_abort(output);
		return error->status;
	}
	removable.fd = output->fd;
	return ELECTRA_OK;
}

/* Notes what is about to be made. */
static electra_status
enter(const char *name, bool is_folder, electra_error *error)
{
	if (removable.count == MAX_ENTRIES || strlen(name) >= MAX_ENTRY_NAME)
		return electra_fail(error, ELECTRA_UNSUPPORTED, "the preset has too many modules to be exported");
	strcpy(removable.entries[removable.count].name, name);
	removable.entries[removable.count].is_folder = is_folder;
	removable.count++;
	return ELECTRA_OK;
}

electra_status
export_output_folder(export_output *output, const char *name, electra_error *error)
{
	if (enter(name, true, error) != ELECTRA_OK)
		return error->status;
	if (mkdirat(output->fd, name, 0777) != 0)
		return fail_errno("create directory", name, error);
	return ELECTRA_OK;
}

electra_status
export_output_create(export_output *output, const char *name, FILE **file, electra_error *error)
{
	int			fd;

	*file = NULL;
	if (enter(name, false, error) != ELECTRA_OK)
		return error->status;
	fd = openat(output->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0)
		*file = fdopen(fd, "wb");
	if (*file != NULL)
		return ELECTRA_OK;
	fail_errno("create file", name, error);
	if (fd >= 0)
		close(fd);
	return error->status;
}

electra_status
export_output_finish(const char *name, FILE **file, electra_error *error)
{
	FILE	   *finished = *file;
	bool		failed;

	if (finished == NULL)
		return ELECTRA_OK;
	*file = NULL;
	errno = 0;
	failed = ferror(finished) || fflush(finished) != 0 || fsync(fileno(finished)) != 0;
	if (failed && errno == 0)
		errno = EIO;			/* an earlier write, whose reason is gone */
	if (failed)
		fail_errno("write file", name, error);
	if (fclose(finished) != 0 && !failed)
	{
		failed = true;
		fail_errno("write file", name, error);
	}
	return failed ? error->status : ELECTRA_OK;
}

electra_status
export_output_text(export_output *output, const char *name, const char *text, size_t size,
				   electra_error *error)
{
	FILE	   *file;

	if (export_output_create(output, name, &file, error) != ELECTRA_OK)
		return error->status;
	fwrite(text, 1, size, file);
	return export_output_finish(name, &file, error);
}

electra_status
export_output_json(export_output *output, const char *name, json_t *json, size_t flags,
				   electra_error *error)
{
	char	   *text = json == NULL ? NULL : json_dumps(json, flags);
	size_t		size;
	electra_status status;

	json_decref(json);
	if (text == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	size = strlen(text);
	text[size] = '\n';			/* in the place of the NUL */
	status = export_output_text(output, name, text, size + 1, error);
	free(text);
	return status;
}

/* A folder's entries are durable when it is. */
static electra_status
sync_folders(const export_output *output, electra_error *error)
{
	for (int i = 0; i < removable.count; i++)
	{
		int			fd;
		bool		failed;

		if (!removable.entries[i].is_folder)
			continue;
		fd = openat(output->fd, removable.entries[i].name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		failed = fd < 0 || fsync(fd) != 0;
		if (failed)
			fail_errno("synchronize directory", removable.entries[i].name, error);
		if (fd >= 0)
			close(fd);
		if (failed)
			return error->status;
	}
	if (fsync(output->fd) != 0)
		return fail_errno("synchronize directory", output->temporary, error);
	return ELECTRA_OK;
}

electra_status
export_output_commit(export_output *output, electra_error *error)
{
	if (sync_folders(output, error) == ELECTRA_OK)
	{
		if (rename(output->temporary, output->path) == 0)
		{
			removable.directory = NULL;
			close(output->fd);
			output->fd = -1;
			file_output_sync_directory(output->path);
			return ELECTRA_OK;
		}
		fail_errno("create directory", output->path, error);
	}
	export_output_abort(output);
	return error->status;
}

void
export_output_abort(export_output *output)
{
	remove_everything();
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
}

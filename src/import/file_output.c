/*
 * An archive into a file: written beside it, synchronized, renamed.
 */
#include "import/file_output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a signal has to remove; "" when there is nothing. */
static char removable[FILE_OUTPUT_MAX_PATH];

electra_status
file_output_status(int failure)
{
	if (failure == ENOENT || failure == ENOTDIR)
		return ELECTRA_NOT_FOUND;
	return failure == EACCES || failure == EPERM || failure == EROFS ? ELECTRA_NO_PERMISSION : ELECTRA_IO_ERROR;
}

static electra_status
fail_errno(const char *what, const char *path, electra_error *error)
{
	return electra_fail(error, file_output_status(errno), "could not %s file \"%s\": %s", what, path,
						strerror(errno));
}

/* Removes the temporary file and lets the signal do what it would have done. */
static void
remove_and_die(int signal_number)
{
	if (removable[0] != '\0')
		unlink(removable);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Is the open file the one that has this name now? */
static bool
still_named(int fd, const char *path)
{
	struct stat opened;
	struct stat named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
		opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/*
 * Opens and locks the temporary file.  While we waited for nothing but the
 * lock, its last owner may have renamed it to the file proper: then there is
 * another one to be made.
 */
static electra_status
open_temporary(file_output *output, electra_error *error)
{
	for (;;)
	{
		output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
		if (output->fd < 0)
			return fail_errno("create", output->temporary, error);
		if (flock(output->fd, LOCK_EX | LOCK_NB) != 0)
		{
			fail_errno("lock", output->temporary, error);
			electra_fail_detail(error, "Another electra-import may be writing it.");
			break;
		}
		if (still_named(output->fd, output->temporary))
			return ELECTRA_OK;
		close(output->fd);
	}
	close(output->fd);
	output->fd = -1;
	return error->status;
}

electra_status
file_output_open(file_output *output, const char *path, electra_error *error)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	electra_status status;

	output->fd = -1;
	if (strlen(path) + sizeof(".tmp") > sizeof(output->temporary))
		return electra_fail(error, ELECTRA_INVALID_ARGUMENT, "the path of the output file is too long");
	snprintf(output->path, sizeof(output->path), "%s", path);
	strcpy(output->temporary, path);
	strcat(output->temporary, ".tmp");
	status = open_temporary(output, error);
	if (status != ELECTRA_OK)
		return status;
	strcpy(removable, output->temporary);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], remove_and_die);
	if (ftruncate(output->fd, 0) != 0)
	{
		fail_errno("truncate", output->temporary, error);
		file_output_abort(output);
		return error->status;
	}
	return ELECTRA_OK;
}

electra_status
file_output_write(void *context, const void *data, size_t size, electra_error *error)
{
	file_output *output = context;
	const char *bytes = data;

	while (size > 0)
	{
		ssize_t		written = write(output->fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail_errno("write", output->temporary, error);
		bytes += written;
		size -= (size_t) written;
	}
	return ELECTRA_OK;
}

/* The rename is durable only when the directory is. */
void
file_output_sync_directory(const char *path)
{
	char		folder[FILE_OUTPUT_MAX_PATH];
	const char *slash = strrchr(path, '/');
	int			fd;

	snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int) (slash - path) + 1 : 1,
			 slash != NULL ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

electra_status
file_output_commit(file_output *output, electra_error *error)
{
	if (fsync(output->fd) != 0)
		fail_errno("synchronize", output->temporary, error);
	else if (rename(output->temporary, output->path) != 0)
		fail_errno("create", output->path, error);
	else
	{
		removable[0] = '\0';
		close(output->fd);
		output->fd = -1;
		file_output_sync_directory(output->path);
		return ELECTRA_OK;
	}
	file_output_abort(output);
	return error->status;
}

void
file_output_abort(file_output *output)
{
	if (output->fd < 0)
		return;
	unlink(output->temporary);
	removable[0] = '\0';
	close(output->fd);
	output->fd = -1;
}

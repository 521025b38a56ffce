/*
 * The files of a foreign preset directory: opened, bounded, hashed.
 */
#include "import/source_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char lfs_signature[] = "version https://git-lfs";

static bool confined = false;	/* source_files_confine */
static char user_name[128];		/* looked up while the sandbox does not prevent it */

const char *
source_quote(const char *text, char buffer[SOURCE_QUOTE_SIZE])
{
	size_t		limit = SOURCE_QUOTE_SIZE - sizeof("...");
	size_t		size = strlen(text);

	if (size > limit)
	{
		size = limit;
		/* not inside a character: step back over continuation bytes */
		while (size > 0 && ((unsigned char) text[size] & 0xC0) == 0x80)
			size--;
	}
	for (size_t i = 0; i < size; i++)
	{
		unsigned char c = (unsigned char) text[i];

		buffer[i] = (char) (c < 0x20 || c == 0x7F ? '?' : c);
	}
	strcpy(buffer + size, text[size] != '\0' ? "..." : "");
	return buffer;
}

/* Leaves user_name empty where it cannot be found out. */
static void
look_up_user(void)
{
	const struct passwd *user = getpwuid(geteuid());

	if (user != NULL)
		snprintf(user_name, sizeof(user_name), "%s", user->pw_name);
}

/* Whose rights decide; the server's user for electra_load_preset. */
static void
hint_permission(electra_error *error)
{
	if (!confined)
		look_up_user();
	if (user_name[0] != '\0')
		electra_fail_hint(error, "Give the operating system user \"%s\" the right to read it.", user_name);
	else
		electra_fail_hint(error, "Give the operating system user with the number %ld the right to read it.",
						  (long) geteuid());
}

/* Turns errno of an attempt to reach a file or directory into an error. */
static electra_status
fail_errno(const char *what, const char *name, int number, electra_error *error)
{
	switch (number)
	{
		case ENOENT:
		case ENOTDIR:
			electra_fail(error, ELECTRA_NOT_FOUND, "%s \"%s\" does not exist", what, name);
			break;
		case EACCES:
		case EPERM:
			electra_fail(error, ELECTRA_NO_PERMISSION, "%s \"%s\" cannot be read: %s", what, name,
						 strerror(number));
			hint_permission(error);
			break;
		case ELOOP:
			electra_fail(error, ELECTRA_INVALID_SOURCE, "%s \"%s\" is a symbolic link to itself",
						 what, name);
			break;
		default:
			electra_fail(error, ELECTRA_IO_ERROR, "could not open %s \"%s\": %s", what, name,
						 strerror(number));
			break;
	}
	return error->status;
}

electra_status
source_directory_check(const source_directory *directory, electra_error *error)
{
	int			fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;
	int			number;

	if (fd < 0)
	{
		number = errno;
		if (number == ENOTDIR && stat(directory->path, &status) == 0)
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "\"%s\" is not a directory", directory->path);
			electra_fail_hint(error, "Name the directory that holds config.json, not a file in it.");
			return error->status;
		}
		return fail_errno("directory", directory->path, number, error);
	}
	/* one that can be listed but not searched would seem to hold nothing */
	number = fstatat(fd, ".", &status, 0) == 0 ? 0 : errno;
	close(fd);
	return number == 0 ? ELECTRA_OK : fail_errno("directory", directory->path, number, error);
}

void
source_files_confine(void)
{
	look_up_user();
	confined = true;
}

bool
source_directory_blobs(const char *directory, char blobs[SOURCE_MAX_PATH])
{
	char		resolved[PATH_MAX];
	struct stat status;
	char	   *slash;
	int			size;

	if (realpath(directory, resolved) == NULL)
		return false;
	*strrchr(resolved, '/') = '\0';
	slash = strrchr(resolved, '/');
	if (slash == NULL || strcmp(slash, "/snapshots") != 0)
		return false;
	*slash = '\0';
	size = snprintf(blobs, SOURCE_MAX_PATH, "%s/blobs", resolved);
	return size > 0 && size < SOURCE_MAX_PATH && stat(blobs, &status) == 0 && S_ISDIR(status.st_mode);
}

electra_status
source_file_path(const source_directory *directory, const char *name,
				 char path[SOURCE_MAX_PATH], electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	int			size = snprintf(path, SOURCE_MAX_PATH, "%s/%s", directory->path, name);

	if (size < 0 || size >= SOURCE_MAX_PATH)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "the path of file \"%s\" is too long",
							source_quote(name, quoted));
	return ELECTRA_OK;
}

bool
source_file_exists(const source_directory *directory, const char *name)
{
	char		path[SOURCE_MAX_PATH];
	electra_error ignored;
	struct stat status;

	return source_file_path(directory, name, path, &ignored) == ELECTRA_OK &&
		(lstat(path, &status) == 0 || errno == EACCES);
}

/* Does a path without symbolic links lie below a folder without symbolic links? */
static bool
is_below(const char *path, const char *folder)
{
	size_t		size = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, size) == 0 && path[size] == '/';
}

/*
 * Is the file, with all links resolved, one that the directory may hold?
 * opened (NULL: not opened) must be that very file, not one that a link led to
 * before it was changed.
 */
static bool
lies_inside(const source_directory *directory, const char *path, const struct stat *opened)
{
	char		root[PATH_MAX];
	char		blobs[SOURCE_MAX_PATH];
	char		target[PATH_MAX];
	struct stat status;

	if (realpath(directory->path, root) == NULL || realpath(path, target) == NULL)
		return false;
	if (!is_below(target, root) &&
		!(source_directory_blobs(directory->path, blobs) && is_below(target, blobs)))
		return false;
	return opened == NULL || (stat(target, &status) == 0 && status.st_dev == opened->st_dev &&
							  status.st_ino == opened->st_ino);
}

static electra_status
fail_outside(const char *quoted, electra_error *error)
{
	electra_fail(error, ELECTRA_NO_PERMISSION, "file \"%s\" cannot be read: it lies outside the directory", quoted);
	electra_fail_detail(error, "It is reached by a symbolic link that leads out of the directory, and only what "
						"lies in it is read.");
	electra_fail_hint(error, "Copy the directory with its links resolved, for example with \"cp -rL\".");
	return error->status;
}

/*
 * Why a file could not be opened.  What its permissions allow has been denied
 * by the sandbox (sandbox.h), of which faccessat() knows nothing.
 */
static electra_status
fail_open(const source_directory *directory, const char *path, const char *quoted, int number,
		  electra_error *error)
{
	struct stat status;

	if (number == ENOENT && lstat(path, &status) == 0)
	{
		electra_fail(error, ELECTRA_NOT_FOUND,
					 "file \"%s\" is a symbolic link to a file that does not exist", quoted);
		electra_fail_hint(error, "Download the preset again, or copy it with its links resolved.");
		return error->status;
	}
	if (number == EACCES && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 &&
		!lies_inside(directory, path, NULL))
		return fail_outside(quoted, error);
	return fail_errno("file", quoted, number, error);
}

/* Whether links that lead out of the directory are refused. */
static bool
is_confined(const source_directory *directory)
{
	char		blobs[SOURCE_MAX_PATH];

	return confined || source_directory_blobs(directory->path, blobs);
}

electra_status
source_file_open(const source_directory *directory, const char *name,
				 int *fd, uint64_t *size, electra_error *error)
{
	char		path[SOURCE_MAX_PATH];
	char		quoted[SOURCE_QUOTE_SIZE];
	struct stat status;
	int			opened;

	if (source_file_path(directory, name, path, error) != ELECTRA_OK)
		return error->status;
	source_quote(name, quoted);

	/* O_NONBLOCK: opening a named pipe must not wait for a writer */
	opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (opened < 0)
		return fail_open(directory, path, quoted, errno, error);
	if (fstat(opened, &status) != 0)
		fail_errno("file", quoted, errno, error);
	else if (!S_ISREG(status.st_mode))
		electra_fail(error, ELECTRA_INVALID_SOURCE, "\"%s\" is not a regular file", quoted);
	else if (is_confined(directory) && !lies_inside(directory, path, &status))
		fail_outside(quoted, error);
	else
	{
		*fd = opened;
		*size = (uint64_t) status.st_size;
		return ELECTRA_OK;
	}
	close(opened);
	return error->status;
}

electra_status
source_pread(int fd, const char *name, void *buffer, size_t size, uint64_t offset,
			 electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char	   *to = buffer;

	while (size > 0)
	{
		ssize_t		got = pread(fd, to, size, (off_t) offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return electra_fail(error, ELECTRA_IO_ERROR, "could not read file \"%s\": %s",
								source_quote(name, quoted), strerror(errno));
		if (got == 0)
			return electra_fail(error, ELECTRA_IO_ERROR, "file \"%s\" became shorter while it was read",
								source_quote(name, quoted));
		to += got;
		size -= (size_t) got;
		offset += (uint64_t) got;
	}
	return ELECTRA_OK;
}

/* Notes the SHA-256 of a file's content as provenance of the preset. */
static electra_status
note_digest(const source_directory *directory, const char *name, const char *content, size_t size,
			electra_error *error)
{
	electra_sha256 sha;
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	char		key[SOURCE_MAX_NAME + sizeof("source.sha256.")];

	electra_sha256_init(&sha);
	electra_sha256_update(&sha, content, size);
	electra_sha256_final(&sha, digest);
	electra_digest_to_hex(digest, hex);
	snprintf(key, sizeof(key), "source.sha256.%s", name);
	return preset_source_note(directory->source, key, hex, error);
}

electra_status
source_refuse_lfs_pointer(const char *name, const void *content, size_t size, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	if (size < sizeof(lfs_signature) - 1 ||
		memcmp(content, lfs_signature, sizeof(lfs_signature) - 1) != 0)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is a git-lfs pointer, not the file itself",
				 source_quote(name, quoted));
	electra_fail_hint(error, "Run \"git lfs pull\" in the directory, or download it with \"hf download\".");
	return error->status;
}

electra_status
source_file_read(const source_directory *directory, const char *name, size_t max_size,
				 char **text, size_t *size, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	uint64_t	file_size;
	char	   *content;
	int			fd;

	if (source_file_open(directory, name, &fd, &file_size, error) != ELECTRA_OK)
		return error->status;
	if (file_size > max_size)
	{
		close(fd);
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is too large", source_quote(name, quoted));
		electra_fail_detail(error, "It has %llu bytes; at most %llu are read.",
							(unsigned long long) file_size, (unsigned long long) max_size);
		return error->status;
	}
	content = malloc((size_t) file_size + 1);
	if (content == NULL)
	{
		close(fd);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	if (source_pread(fd, name, content, (size_t) file_size, 0, error) != ELECTRA_OK ||
		source_refuse_lfs_pointer(name, content, (size_t) file_size, error) != ELECTRA_OK)
	{
		close(fd);
		free(content);
		return error->status;
	}
	close(fd);
	content[file_size] = '\0';

	if (note_digest(directory, name, content, (size_t) file_size, error) != ELECTRA_OK)
	{
		free(content);
		return error->status;
	}
	*text = content;
	*size = (size_t) file_size;
	return ELECTRA_OK;
}

/*
 * electra.preset_path: the directories that presets may be loaded from by name,
 * and how downloads lie in them.
 *
 * Hugging Face's cache:	models--OWNER--NAME/refs/REVISION holds a commit,
 *							models--OWNER--NAME/snapshots/COMMIT/ the files, as
 *							links into models--OWNER--NAME/blobs
 * kagglehub's cache:		models/OWNER/MODEL/FRAMEWORK/VARIATION/VERSION/,
 *							with a file VERSION.complete beside it
 *
 * Sources: huggingface_hub's file_download.py, kagglehub's cache.py.
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/guc.h"

#include "pg/preset_path.h"

#define SEPARATOR ':'
#define SHARE_MACRO "$sharedir"
#define DEFAULT_PATH SHARE_MACRO "/electra/presets"

/* Hexadecimal digits of a commit. */
#define COMMIT_SIZE 40

/* No preset's directory is deeper. */
#define MAX_DEPTH 8

static char *preset_path = NULL;

/* The next component of the path, palloc'd; NULL behind the last one. */
static char *
next_component(const char **position)
{
	const char *begin = *position;
	const char *end;

	if (begin == NULL)
		return NULL;
	end = strchr(begin, SEPARATOR);
	*position = end == NULL ? NULL : end + 1;
	return end == NULL ? pstrdup(begin) : pnstrdup(begin, end - begin);
}

/* What follows "$sharedir" in a component; NULL where it does not begin with that. */
static const char *
behind_macro(const char *component)
{
	const char *rest = component + strlen(SHARE_MACRO);

	if (strncmp(component, SHARE_MACRO, strlen(SHARE_MACRO)) != 0 || (*rest != '\0' && *rest != '/'))
		return NULL;
	return rest;
}

/* Every component must be absolute, so that no meaning depends on the server's working directory. */
static bool
check_preset_path(char **new_value, void **extra, GucSource source)
{
	const char *position = **new_value == '\0' ? NULL : *new_value;
	char	   *component;

	while ((component = next_component(&position)) != NULL)
	{
		bool		valid = is_absolute_path(component) || behind_macro(component) != NULL;

		if (!valid)
			GUC_check_errdetail("\"%s\" is not an absolute path.", component);
		else if (strlen(component) >= MAXPGPATH / 2)
		{
			GUC_check_errdetail("Directories have at most %d bytes, not %zu.", MAXPGPATH / 2 - 1,
								strlen(component));
			valid = false;
		}
		pfree(component);
		if (!valid)
			return false;
	}
	return true;
}

void
electra_preset_path_init(void)
{
	/*
	 * The directories in which electra_load_preset() finds what is not an
	 * absolute path: identifiers, handles, names.  Whoever may call that
	 * function may load everything that lies there, so only a superuser sets
	 * it.  Separated by colons, as in dynamic_library_path; "$sharedir" at the
	 * beginning of a directory is PostgreSQL's share directory.  An empty value
	 * leaves absolute paths only.
	 */
	DefineCustomStringVariable("electra.preset_path",
							   "Directories in which presets are found by identifier, handle or name.",
							   NULL,
							   &preset_path,
							   DEFAULT_PATH,
							   PGC_SUSET,
							   GUC_SUPERUSER_ONLY,
							   check_preset_path,
							   NULL,
							   NULL);
}

bool
electra_preset_path_visible(void)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_SETTINGS) ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES);
}

List *
electra_preset_path_entries(void)
{
	const char *position = *preset_path == '\0' ? NULL : preset_path;
	List	   *entries = NIL;
	char		share[MAXPGPATH];
	char	   *component;

	get_share_path(my_exec_path, share);
	while ((component = next_component(&position)) != NULL)
	{
		const char *rest = behind_macro(component);
		char	   *entry = rest == NULL ? component : psprintf("%s%s", share, rest);

		canonicalize_path(entry);
		entries = lappend(entries, entry);
	}
	return entries;
}

/* Does a path without symbolic links lie below a directory without any? */
static bool
lies_below(const char *path, const char *directory)
{
	Size		size = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	return strncmp(path, directory, size) == 0 && path[size] == '/';
}

/* The state that an errno of a look at a path stands for. */
static ElectraPlaceState
state_of_errno(int number)
{
	return number == EACCES || number == EPERM ? ELECTRA_PLACE_UNREADABLE : ELECTRA_PLACE_MISSING;
}

/*
 * The first symbolic link in a directory that leads to anything but a file
 * below root, palloc'd; NULL if there is none.  What cannot be looked at is
 * left to the importer, which says why it cannot be read.
 */
static char *
find_link_outside(const char *root, const char *directory, int depth)
{
	DIR		   *dir = AllocateDir(directory);
	struct dirent *entry;
	char	   *found = NULL;

	while (found == NULL && dir != NULL && (entry = ReadDirExtended(dir, directory, LOG)) != NULL)
	{
		char	   *path;
		char		target[PATH_MAX];
		struct stat status;

		CHECK_FOR_INTERRUPTS();
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		path = psprintf("%s/%s", directory, entry->d_name);
		if (lstat(path, &status) != 0)
			continue;
		if (S_ISLNK(status.st_mode))
		{
			if (realpath(path, target) != NULL &&
				(!lies_below(target, root) || stat(target, &status) != 0 || !S_ISREG(status.st_mode)))
				found = path;
		}
		else if (S_ISDIR(status.st_mode) && depth < MAX_DEPTH)
			found = find_link_outside(root, path, depth + 1);
	}
	if (dir != NULL)
		FreeDir(dir);
	return found;
}

ElectraPlaceState
electra_preset_path_look(const char *entry, const char *directory, char **resolved)
{
	char		root[PATH_MAX];
	char		path[PATH_MAX];
	struct stat status;
	DIR		   *dir;

	*resolved = NULL;
	if (realpath(entry, root) == NULL || realpath(directory, path) == NULL ||
		stat(path, &status) != 0)
	{
		if (state_of_errno(errno) == ELECTRA_PLACE_UNREADABLE)
			*resolved = pstrdup(directory);
		return *resolved == NULL ? ELECTRA_PLACE_MISSING : ELECTRA_PLACE_UNREADABLE;
	}
	if (!lies_below(path, root))
	{
		*resolved = pstrdup(directory);
		return ELECTRA_PLACE_OUTSIDE;
	}
	if (!S_ISDIR(status.st_mode))
		return ELECTRA_PLACE_MISSING;
	dir = AllocateDir(path);
	if (dir == NULL || access(path, X_OK) != 0)
	{
		if (dir != NULL)
			FreeDir(dir);
		*resolved = pstrdup(path);
		return ELECTRA_PLACE_UNREADABLE;
	}
	FreeDir(dir);
	*resolved = find_link_outside(root, path, 0);
	if (*resolved != NULL)
		return ELECTRA_PLACE_OUTSIDE;
	*resolved = pstrdup(path);
	return ELECTRA_PLACE_FOUND;
}

/* Is this a commit's full name? */
static bool
is_commit(const char *revision)
{
	return strlen(revision) == COMMIT_SIZE && strspn(revision, "0123456789abcdef") == COMMIT_SIZE;
}

/* Reads the commit that a file of refs holds; false if it holds none. */
static bool
read_ref(const char *path, char commit[COMMIT_SIZE + 1])
{
	struct stat status;
	ssize_t		size = -1;
	int			fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		size = read(fd, commit, COMMIT_SIZE);
	close(fd);
	commit[COMMIT_SIZE] = '\0';
	return size == COMMIT_SIZE && is_commit(commit);
}

char *
electra_preset_path_hf(const char *cache, const char *owner, const char *name, const char *revision)
{
	char	   *repository = psprintf("%s/models--%s--%s", cache, owner, name);
	char	   *ref;
	char		commit[COMMIT_SIZE + 1];

	if (revision != NULL && is_commit(revision))
		return psprintf("%s/snapshots/%s", repository, revision);
	ref = psprintf("%s/refs/%s", repository, revision == NULL ? "main" : revision);
	return read_ref(ref, commit) ? psprintf("%s/snapshots/%s", repository, commit) : ref;
}

/* The version that a directory's name is; -1: none (a marker, an archive). */
static int
parse_version(const char *name)
{
	Size		size = strlen(name);

	if (size == 0 || size > 9 || name[0] == '0' || strspn(name, "0123456789") != size)
		return -1;
	return atoi(name);
}

char *
electra_preset_path_kaggle(const char *cache, const char *handle, const char *version)
{
	char	   *variation = psprintf("%s/models/%s", cache, handle);
	DIR		   *dir;
	struct dirent *entry;
	int			highest = -1;

	if (version != NULL)
		return psprintf("%s/%s", variation, version);
	dir = AllocateDir(variation);
	while (dir != NULL && (entry = ReadDirExtended(dir, variation, LOG)) != NULL)
		highest = Max(highest, parse_version(entry->d_name));
	if (dir != NULL)
		FreeDir(dir);
	return highest < 0 ? psprintf("%s/*", variation) : psprintf("%s/%d", variation, highest);
}

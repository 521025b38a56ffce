/*
 * Files of a source: where symbolic links may lead, what may not be read, what
 * is no file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "import/sandbox.h"
#include "import/source_directory.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534			/* when the tests run as root, who may do anything */

static char folder[] = "electra-test-XXXXXX";

/* A path below the folder, good until three others have been made. */
static const char *
below(const char *name)
{
	static char paths[4][200];
	static int	next = 0;
	char	   *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void
make_file(const char *name, const char *content)
{
	FILE	   *file = fopen(below(name), "w");

	if (file == NULL || fputs(content, file) == EOF || fclose(file) != 0)
		abort();
}

static void
make_folder(const char *name)
{
	if (mkdir(below(name), 0755) != 0)
		abort();
}

static void
make_link(const char *target, const char *name)
{
	if (symlink(target, below(name)) != 0)
		abort();
}

/*
 * cache/ is a Hugging Face cache of two models, plain/ a directory, and
 * outside is what neither should reach.
 */
static int
make_directories(void **state)
{
	(void) state;
	if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
		return -1;
	make_file("outside", "secret");
	make_folder("plain");
	make_file("plain/config.json", "plain");
	make_folder("plain/sub");
	make_file("plain/sub/file", "sub");
	make_link("../outside", "plain/out");
	make_link("config.json", "plain/in");
	make_link("nowhere", "plain/dangling");
	make_link("loop", "plain/loop");
	make_file("plain/pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
	make_folder("cache");
	for (int i = 0; i < 2; i++)
	{
		static const char *const parts[][4] = {
			{"cache/models--a", "cache/models--a/blobs", "cache/models--a/blobs/1", "cache/models--a/snapshots"},
			{"cache/models--b", "cache/models--b/blobs", "cache/models--b/blobs/1", "cache/models--b/snapshots"}
		};

		make_folder(parts[i][0]);
		make_folder(parts[i][1]);
		make_file(parts[i][2], "blob");
		make_folder(parts[i][3]);
	}
	make_folder("cache/models--a/snapshots/rev");
	make_file("cache/models--a/snapshots/rev/own", "own");
	make_link("../../blobs/1", "cache/models--a/snapshots/rev/blob");
	make_link("../../../models--b/blobs/1", "cache/models--a/snapshots/rev/other");
	make_link("../../../../outside", "cache/models--a/snapshots/rev/out");
	make_link("../../blobs/../../../outside", "cache/models--a/snapshots/rev/through");
	make_folder("cache/models--c");
	make_folder("cache/models--c/snapshots");
	make_folder("cache/models--c/snapshots/rev");
	make_link("../..", "cache/models--c/blobs");
	make_link("../../blobs/outside", "cache/models--c/snapshots/rev/out");
	return 0;
}

static int
remove_directories(void **state)
{
	char		command[100];

	(void) state;
	snprintf(command, sizeof(command), "chmod -R u+rwX %s && rm -rf %s", folder, folder);
	return system(command);
}

/* Opens a file of a directory below the folder, and closes it again. */
static electra_status
open_in(const char *directory_name, const char *name, electra_error *error)
{
	source_directory directory = {.path = below(directory_name)};
	uint64_t	size;
	int			fd;
	electra_status status;

	memset(error, 0, sizeof(*error));
	status = source_file_open(&directory, name, &fd, &size, error);
	if (status == ELECTRA_OK)
		close(fd);
	return status;
}

static void
expect_outside(const char *directory, const char *name)
{
	electra_error error;
	char		message[200];

	snprintf(message, sizeof(message), "file \"%s\" cannot be read: it lies outside the directory", name);
	assert_int_equal(open_in(directory, name, &error), ELECTRA_NO_PERMISSION);
	assert_string_equal(error.message, message);
	assert_true(error.detail[0] != '\0' && error.hint[0] != '\0');
}

static void
test_plain(void **state)
{
	electra_error error;

	(void) state;
	assert_int_equal(open_in("plain", "config.json", &error), ELECTRA_OK);
	assert_int_equal(open_in("plain", "sub/file", &error), ELECTRA_OK);
	assert_int_equal(open_in("plain", "in", &error), ELECTRA_OK);
	assert_int_equal(open_in("plain", "out", &error), ELECTRA_OK);
	assert_int_equal(open_in("plain", "missing", &error), ELECTRA_NOT_FOUND);
	assert_string_equal(error.message, "file \"missing\" does not exist");
	assert_int_equal(open_in("plain", "dangling", &error), ELECTRA_NOT_FOUND);
	assert_non_null(strstr(error.message, "symbolic link"));
	assert_int_equal(open_in("plain", "loop", &error), ELECTRA_INVALID_SOURCE);
	assert_int_equal(open_in("plain", "sub", &error), ELECTRA_INVALID_SOURCE);
	assert_non_null(strstr(error.message, "not a regular file"));
}

/* A snapshot's links lead to the blobs of its own model, and nowhere else, with Landlock or without. */
static void
test_snapshot(void **state)
{
	static const char snapshot[] = "cache/models--a/snapshots/rev";
	char		blobs[SOURCE_MAX_PATH];
	electra_error error;

	(void) state;
	assert_int_equal(open_in(snapshot, "own", &error), ELECTRA_OK);
	assert_int_equal(open_in(snapshot, "blob", &error), ELECTRA_OK);
	expect_outside(snapshot, "other");
	expect_outside(snapshot, "out");
	expect_outside(snapshot, "through");
	expect_outside("cache/models--c/snapshots/rev", "out");
	assert_true(source_directory_blobs(below(snapshot), blobs));
	assert_string_equal(blobs + strlen(blobs) - strlen("/cache/models--a/blobs"), "/cache/models--a/blobs");
	assert_false(source_directory_blobs(below("plain"), blobs));
	assert_false(source_directory_blobs(below("cache/models--a/snapshots"), blobs));
	assert_false(source_directory_blobs(below("missing"), blobs));
	assert_false(source_directory_blobs("/", blobs));
}

static void
test_lfs_pointer(void **state)
{
	preset_source source = {0};
	source_directory directory = {.path = below("plain"), .source = &source};
	char	   *text;
	size_t		size;
	electra_error error;

	(void) state;
	assert_int_equal(source_file_read(&directory, "pointer", 1000, &text, &size, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.message, "file \"pointer\" is a git-lfs pointer, not the file itself");
	assert_non_null(strstr(error.hint, "git lfs pull"));
	assert_int_equal(source.num_provenance, 0);
}

static electra_status
check_directory(const char *name, electra_error *error)
{
	source_directory directory = {.path = below(name)};

	memset(error, 0, sizeof(*error));
	return source_directory_check(&directory, error);
}

/* What may not be read is told from what is not there, with the name of the user who lacks the right. */
static void
test_unreadable(void **state)
{
	static const mode_t modes[] = {0000, 0300, 0444};
	bool		root = geteuid() == 0;
	source_directory directory;
	const struct passwd *user;
	char		expected[100];
	electra_error error;
	electra_status status;
	bool		exists;

	(void) state;
	assert_int_equal(check_directory("plain", &error), ELECTRA_OK);
	assert_int_equal(check_directory("missing", &error), ELECTRA_NOT_FOUND);
	assert_non_null(strstr(error.message, "does not exist"));
	assert_int_equal(check_directory("outside", &error), ELECTRA_INVALID_SOURCE);
	assert_non_null(strstr(error.message, "is not a directory"));

	if (root && (chown(below("plain/sub"), NOBODY, NOBODY) != 0 || seteuid(NOBODY) != 0))
		skip();
	user = getpwuid(geteuid());
	snprintf(expected, sizeof(expected), user != NULL ? "\"%s\"" : "number", user != NULL ? user->pw_name : "");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
	{
		assert_int_equal(chmod(below("plain/sub"), modes[i]), 0);
		status = check_directory("plain/sub", &error);
		assert_int_equal(status, ELECTRA_NO_PERMISSION);
		assert_non_null(strstr(error.message, "cannot be read"));
		assert_non_null(strstr(error.hint, expected));
	}
	directory.path = below("plain");
	exists = source_file_exists(&directory, "sub/file");
	status = open_in("plain", "sub/file", &error);
	chmod(below("plain/sub"), 0755);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_true(exists);
	assert_int_equal(status, ELECTRA_NO_PERMISSION);
	assert_string_equal(error.message, "file \"sub/file\" cannot be read: Permission denied");
	assert_false(source_file_exists(&directory, "missing"));
	assert_true(source_file_exists(&directory, "dangling"));
}

/* In a process that has given everything else away; its answer is the exit status. */
static int
in_sandbox(const char *directory, const char *path)
{
	int			status;
	pid_t		child = fork();

	if (child == 0)
	{
		int			fd;

		sandbox_restrict(directory);
		fd = open(path, O_RDONLY);
		_exit(fd < 0 ? 1 : 0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_sandbox(void **state)
{
	(void) state;
	assert_int_equal(in_sandbox(below("plain"), below("plain/config.json")), 0);
	assert_int_equal(in_sandbox(below("cache/models--a/snapshots/rev"), below("cache/models--a/blobs/1")), 0);
	if (in_sandbox(NULL, below("outside")) == 0)
		skip();					/* no Landlock in this kernel */
	assert_int_equal(in_sandbox(NULL, below("plain/config.json")), 1);
	assert_int_equal(in_sandbox(below("plain"), below("outside")), 1);
	assert_int_equal(in_sandbox(below("cache/models--a/snapshots/rev"), below("cache/models--b/blobs/1")), 1);
}

/* The last test: it holds for the whole process. */
static void
test_confined(void **state)
{
	electra_error error;
	pid_t		child;
	int			status;

	(void) state;
	source_files_confine();
	assert_int_equal(open_in("plain", "config.json", &error), ELECTRA_OK);
	assert_int_equal(open_in("plain", "in", &error), ELECTRA_OK);
	expect_outside("plain", "out");
	expect_outside("plain/sub", "../config.json");
	assert_int_equal(open_in("cache/models--a/snapshots/rev", "blob", &error), ELECTRA_OK);
	expect_outside("cache/models--a/snapshots/rev", "out");

	/* Landlock's refusal is told in the same words */
	child = fork();
	if (child == 0)
	{
		sandbox_restrict(below("plain"));
		if (open_in("plain", "config.json", &error) != ELECTRA_OK)
			_exit(1);
		open_in("plain", "out", &error);
		_exit(strcmp(error.message, "file \"out\" cannot be read: it lies outside the directory") == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_lfs_pointer),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_sandbox),
		cmocka_unit_test(test_confined),
	};

	return cmocka_run_group_tests(tests, make_directories, remove_directories);
}

/*
 * Limits, and Landlock where the kernel has it (Linux 5.13).
 */
#include "import/sandbox.h"
#include "import/source_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#if defined(__linux__) && defined(SYS_landlock_create_ruleset) && __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#define HAVE_LANDLOCK
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1	/* as gcc says it */
#endif
#endif

#define MAX_MEMORY (UINT64_C(4) << 30)	/* tokenizer.json in memory is the largest thing */
#define MAX_OPEN_FILES 1024		/* shards of large presets */

static void
limit(int resource, rlim_t most)
{
	struct rlimit limits;

	if (getrlimit(resource, &limits) != 0)
		return;
	if (limits.rlim_max == RLIM_INFINITY || limits.rlim_max > most)
		limits.rlim_max = most;
	limits.rlim_cur = limits.rlim_max;
	setrlimit(resource, &limits);
}

void
sandbox_limit(void)
{
	struct stat status;

	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, MAX_OPEN_FILES);
	limit(RLIMIT_NPROC, 0);		/* of this process: none more */
	/* by hand the output may go to a file */
	if (fstat(STDOUT_FILENO, &status) == 0 && !S_ISREG(status.st_mode))
		limit(RLIMIT_FSIZE, 0);
#ifndef __SANITIZE_ADDRESS__	/* whose shadow memory is beyond any limit */
	limit(RLIMIT_DATA, MAX_MEMORY);
#endif
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#endif
}

#ifdef HAVE_LANDLOCK

/* Allows reading below a directory. */
static void
allow_reading(int ruleset, const char *directory)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC)
	};

	if (rule.parent_fd < 0)
		return;					/* its reader will say why */
	syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

void
sandbox_restrict(const char *directory)
{
	/* everything of the first version; later ones extend it by what the header knows */
	struct landlock_ruleset_attr attributes = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
	};
	long		version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	char		blobs[SOURCE_MAX_PATH];
	int			ruleset;

	if (version < 1)
		return;
#ifdef LANDLOCK_ACCESS_FS_REFER
	if (version >= 2)
		attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
#endif
#ifdef LANDLOCK_ACCESS_FS_TRUNCATE
	if (version >= 3)
		attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
#endif
#ifdef LANDLOCK_ACCESS_NET_CONNECT_TCP
	if (version >= 4)
		attributes.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
#endif
	ruleset = (int) syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (ruleset < 0)
		return;
	if (directory != NULL)
		allow_reading(ruleset, directory);
	if (directory != NULL && source_directory_blobs(directory, blobs))
		allow_reading(ruleset, blobs);
	syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
}

#else

void
sandbox_restrict(const char *directory)
{
	(void) directory;
}

#endif							/* HAVE_LANDLOCK */

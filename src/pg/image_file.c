/*
 * Image files: names, mapping, markers, the lock of those who make them.
 * What removes them in bulk is in image_clean.c.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "common/file_perm.h"
#include "common/file_utils.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "pg/image_file.h"
#include "pg/report.h"

#define NAME_PREFIX ELECTRA_IMAGE_DIRECTORY "/" PG_TEMP_FILE_PREFIX "_electra_"

/* Time between two looks at a lock that another process holds, in ms. */
#define LOCK_POLL_MS 20

/* An image to remove if the subtransaction that made it aborts. */
typedef struct ProvisionalImage
{
	struct ProvisionalImage *next;
	SubTransactionId subtransaction;
	uint8		digest[ELECTRA_DIGEST_SIZE];
} ProvisionalImage;

static ProvisionalImage *provisional = NULL;

/* path = the folder's common prefix, the digest, and what format makes. */
static void
make_path(char path[ELECTRA_IMAGE_PATH_SIZE], const uint8 *digest, const char *suffix)
{
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	electra_digest_to_hex(digest, hex);
	snprintf(path, ELECTRA_IMAGE_PATH_SIZE, "%s%s%s", NAME_PREFIX, hex, suffix);
}

void
electra_image_path(const uint8 *digest, char path[ELECTRA_IMAGE_PATH_SIZE])
{
	char		suffix[32];

	snprintf(suffix, sizeof(suffix), "_v%d", ELECTRA_IMAGE_VERSION);
	make_path(path, digest, suffix);
}

void
electra_image_temporary_path(const uint8 *digest, char path[ELECTRA_IMAGE_PATH_SIZE])
{
	char		suffix[64];

	snprintf(suffix, sizeof(suffix), "_v%d.%d.tmp", ELECTRA_IMAGE_VERSION, MyProcPid);
	make_path(path, digest, suffix);
}

/* Path of this database's marker. */
static void
marker_path(const uint8 *digest, char path[ELECTRA_IMAGE_PATH_SIZE])
{
	char		suffix[32];

	snprintf(suffix, sizeof(suffix), "_db%u", MyDatabaseId);
	make_path(path, digest, suffix);
}

void
electra_image_make_directory(void)
{
	if (MakePGDirectory(ELECTRA_IMAGE_DIRECTORY) < 0 && errno != EEXIST)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create directory \"%s\": %m", ELECTRA_IMAGE_DIRECTORY)));
}

bool
electra_image_map(const char *path, const uint8 *digest, ElectraMapping *mapping)
{
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	struct stat st;
	electra_error error;

	memset(mapping, 0, sizeof(*mapping));
	if (fd < 0)
	{
		if (errno == ENOENT)
			return false;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path)));
	}
	if (fstat(fd, &st) < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", path)));
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t) sizeof(electra_image_header))
	{
		CloseTransientFile(fd);
		return false;
	}
	mapping->size = st.st_size;
	mapping->device = st.st_dev;
	mapping->inode = st.st_ino;
	mapping->base = mmap(NULL, mapping->size, PROT_READ, MAP_SHARED, fd, 0);
	if (mapping->base == MAP_FAILED)
	{
		mapping->base = NULL;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not map file \"%s\": %m", path)));
	}
	CloseTransientFile(fd);
	if (electra_model_open(&mapping->model, mapping->base, mapping->size, &error) != ELECTRA_OK ||
		memcmp(mapping->model.header->digest, digest, ELECTRA_DIGEST_SIZE) != 0)
	{
		electra_image_unmap(mapping);
		return false;
	}
	return true;
}

void
electra_image_unmap(ElectraMapping *mapping)
{
	if (mapping->base != NULL)
		munmap(mapping->base, mapping->size);
	memset(mapping, 0, sizeof(*mapping));
}

bool
electra_image_verify(ElectraMapping *mapping)
{
	volatile electra_status status = ELECTRA_CANCELED;

	PG_TRY();
	{
		while (status == ELECTRA_CANCELED)
		{
			electra_error error;

			CHECK_FOR_INTERRUPTS();
			status = electra_model_verify(&mapping->model, &electra_interrupt_poll, &error);
		}
	}
	PG_CATCH();
	{
		electra_image_unmap(mapping);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return status == ELECTRA_OK;
}

bool
electra_image_current(const uint8 *digest, const ElectraMapping *mapping)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];
	struct stat st;

	electra_image_path(digest, path);
	return stat(path, &st) == 0 && st.st_dev == mapping->device && st.st_ino == mapping->inode;
}

int64
electra_image_file_size(const uint8 *digest)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];
	struct stat st;

	electra_image_path(digest, path);
	return stat(path, &st) == 0 ? (int64) st.st_size : -1;
}

bool
electra_image_remove(const uint8 *digest)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];

	electra_image_path(digest, path);
	if (unlink(path) == 0)
		return true;
	if (errno != ENOENT)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", path)));
	return false;
}

void
electra_image_mark(const uint8 *digest)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];
	int			fd;

	/* without a marker the image may be removed too early, and is made again */
	marker_path(digest, path);
	fd = BasicOpenFile(path, O_WRONLY | O_CREAT | PG_BINARY);
	if (fd >= 0)
		close(fd);
}

int
electra_image_lock(const uint8 *digest)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];

	make_path(path, digest, ".lock");
	for (;;)
	{
		int			lock = OpenTransientFile(path, O_RDWR | O_CREAT | PG_BINARY);
		struct stat held;
		struct stat named;

		if (lock < 0 && errno == ENOENT)
		{
			electra_image_make_directory();
			continue;
		}
		if (lock < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not create file \"%s\": %m", path)));
		while (flock(lock, LOCK_EX | LOCK_NB) < 0)
		{
			if (errno != EWOULDBLOCK && errno != EINTR)
				ereport(ERROR,
						(errcode_for_file_access(),
						 errmsg("could not lock file \"%s\": %m", path)));
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							 LOCK_POLL_MS, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}

		/* a lock on a file that was removed in the meantime excludes nobody */
		if (fstat(lock, &held) == 0 && stat(path, &named) == 0 &&
			held.st_dev == named.st_dev && held.st_ino == named.st_ino)
			return lock;
		CloseTransientFile(lock);
	}
}

void
electra_image_unlock(int lock)
{
	CloseTransientFile(lock);	/* releases the lock, too */
}

void
electra_image_discard_on_abort(const uint8 *digest)
{
	ProvisionalImage *image = MemoryContextAlloc(TopTransactionContext, sizeof(ProvisionalImage));

	image->subtransaction = GetCurrentSubTransactionId();
	memcpy(image->digest, digest, ELECTRA_DIGEST_SIZE);
	image->next = provisional;
	provisional = image;
}

/* Removes an image and this database's marker; in an abort nothing may fail. */
static void
discard(const ProvisionalImage *image)
{
	char		path[ELECTRA_IMAGE_PATH_SIZE];

	electra_image_path(image->digest, path);
	(void) unlink(path);
	marker_path(image->digest, path);
	(void) unlink(path);
	make_path(path, image->digest, ".lock");
	(void) unlink(path);
}

/* The list lives in TopTransactionContext and ends with it. */
static void
end_transaction(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_ABORT)
	{
		for (ProvisionalImage *image = provisional; image != NULL; image = image->next)
			discard(image);
	}
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		provisional = NULL;
}

/* Images of an aborted subtransaction go, those of a committed one become its parent's. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId my_id, SubTransactionId parent_id,
				   void *argument)
{
	ProvisionalImage **link = &provisional;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	while (*link != NULL)
	{
		ProvisionalImage *image = *link;

		if (image->subtransaction != my_id)
			link = &image->next;
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
		{
			image->subtransaction = parent_id;
			link = &image->next;
		}
		else
		{
			discard(image);
			*link = image->next;
		}
	}
}

void
electra_image_file_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

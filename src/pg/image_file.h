/*
 * The folder "electra" below the data directory: images, the markers that
 * tell which databases use them, locks, temporaries.
 *
 *	pgsql_tmp_electra_DIGEST_vN			image of that archive, image version N
 *	pgsql_tmp_electra_DIGEST_vN.PID.tmp	being made by that process
 *	pgsql_tmp_electra_DIGEST_dbOID		a backend of that database has mapped it
 *	pgsql_tmp_electra_DIGEST.lock		flock()ed by the process that makes it
 *
 * Everything in it is derived: any of it, and the folder itself, may be
 * removed at any time.  The prefix makes base backups leave it out.
 */
#ifndef ELECTRA_IMAGE_FILE_H
#define ELECTRA_IMAGE_FILE_H

#include "postgres.h"

#include "core/image.h"

#define ELECTRA_IMAGE_DIRECTORY "electra"

/* Room for the longest path here, relative to the data directory. */
#define ELECTRA_IMAGE_PATH_SIZE 160

typedef struct ElectraMapping
{
	void	   *base;			/* read-only; NULL: not mapped */
	Size		size;
	dev_t		device;			/* of the file, to see whether it is still */
	ino_t		inode;			/* the one at its path */
	electra_model model;
} ElectraMapping;

/* Registers the transaction callbacks; called by _PG_init. */
extern void electra_image_file_init(void);

extern void electra_image_path(const uint8 *digest, char path[ELECTRA_IMAGE_PATH_SIZE]);

/* Makes the folder if it is not there. */
extern void electra_image_make_directory(void);

/*
 * Maps a file as an image and checks it (electra_model_open, and that it is of
 * this archive).  False where there is no such file, or it is not such an
 * image: then *mapping is all zero.  Other errors of the system are raised.
 */
extern bool electra_image_map(const char *path, const uint8 *digest, ElectraMapping *mapping);
extern void electra_image_unmap(ElectraMapping *mapping);

/*
 * Reads the whole image and compares it with its digests.  Cancellable: then
 * the mapping is gone with the error.
 */
extern bool electra_image_verify(ElectraMapping *mapping);

/* Is the mapped file still the one at the image's path? */
extern bool electra_image_current(const uint8 *digest, const ElectraMapping *mapping);

/* Size of the image file, -1 where there is none. */
extern int64 electra_image_file_size(const uint8 *digest);

/* Removes the image file; false where there was none. */
extern bool electra_image_remove(const uint8 *digest);

/* Notes that this database uses the image.  Never an error. */
extern void electra_image_mark(const uint8 *digest);

/*
 * Removes image and marker when this (sub)transaction ends otherwise than by
 * commit: for an image made by a load that may be rolled back.
 */
extern void electra_image_discard_on_abort(const uint8 *digest);

/*
 * The lock of the process that makes the image: waits, cancellable, until it
 * is free.  A file descriptor of OpenTransientFile, so that an error releases it.
 */
extern int	electra_image_lock(const uint8 *digest);
extern void electra_image_unlock(int lock);

/* Path of this process's temporary for an image. */
extern void electra_image_temporary_path(const uint8 *digest, char path[ELECTRA_IMAGE_PATH_SIZE]);

/* Removes temporaries whose process is gone; returns their bytes. */
extern int64 electra_image_sweep(void);

/*
 * Removes what no preset needs: needed (count) are the digests of this
 * database's presets and of the shipped ones.  Returns the bytes freed.
 */
extern int64 electra_image_clean(const uint8 (*needed)[ELECTRA_DIGEST_SIZE], int count);

#endif							/* ELECTRA_IMAGE_FILE_H */

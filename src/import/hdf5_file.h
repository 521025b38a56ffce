/*
 * Reader of foreign HDF5 files (model.weights.h5 of Keras): which datasets a
 * file holds and where their elements lie.
 *
 * The HDF5 library reads the file's structure only, and the file is closed
 * again before the first element is read: elements come straight from the
 * file, so only datasets that lie in one piece in this very file are accepted.
 * Groups are reached by address through hard links; soft, external and
 * user-defined links, datasets in other files, virtual, chunked, compressed
 * and never written ones are refused, so no file can make the library open
 * another one, load a filter, or unpack more than is stored.
 */
#ifndef ELECTRA_HDF5_FILE_H
#define ELECTRA_HDF5_FILE_H

#include "import/tensor_collection.h"

typedef struct hdf5_dataset
{
	char	   *path;			/* "layers/dense/vars/0" */
	const char *dtype_name;		/* for messages */
	bool		readable;		/* F32, F16, BF16, F64: dtype is set */
	electra_dtype dtype;
	int			rank;
	int64_t		shape[FOREIGN_MAX_RANK];
	uint64_t	offset;			/* of its first element in the file */
} hdf5_dataset;

typedef struct hdf5_file
{
	char	   *name;			/* inside the directory, for messages */
	int			fd;				/* -1: none */
	uint64_t	size;
	int			num_datasets;
	int			capacity;
	hdf5_dataset *datasets;		/* in the order of their names, group by group */
} hdf5_file;

/*
 * Opens a file of the directory, notes its SHA-256 and lists its datasets.
 * BF16 is Keras's form: two opaque bytes with the attribute dtype "bfloat16".
 * ELECTRA_INVALID_SOURCE (not HDF5, damaged, a git-lfs pointer; a forbidden
 * link or storage, with its path), ELECTRA_UNSUPPORTED (a chunked or
 * compressed dataset), what source_file_open returns, ELECTRA_OUT_OF_MEMORY.
 * Close also after a failure; before the first call file is all zero.
 */
extern electra_status hdf5_file_open(const source_directory *directory, const char *name,
									 hdf5_file *file, electra_error *error);

/*
 * Reads count elements from number first on (row-major) of a readable dataset
 * as floats (core/widen.h).  Memory: a buffer on the stack.
 */
extern electra_status hdf5_file_read(const hdf5_file *file, const hdf5_dataset *dataset,
									 int64_t first, int64_t count, float *values,
									 electra_error *error);

extern void hdf5_file_close(hdf5_file *file);

#endif							/* ELECTRA_HDF5_FILE_H */

/*
 * Reader of PyTorch checkpoints (pytorch_model.bin): a state_dict as
 * torch.save() writes it, read without executing anything.
 */
#ifndef ELECTRA_TORCH_FILE_H
#define ELECTRA_TORCH_FILE_H

#include "import/source_directory.h"

#define TORCH_MAX_RANK 8

typedef struct torch_tensor
{
	const struct torch_file *file;
	char	   *name;
	const char *dtype_name;		/* as safetensors calls it: "F32", "I64" … */
	bool		readable;		/* F32, F16, BF16, F64: dtype is set */
	electra_dtype dtype;
	int			rank;
	int64_t		shape[TORCH_MAX_RANK];
	int64_t		stride[TORCH_MAX_RANK]; /* in elements */
	uint64_t	begin;			/* of element 0, in the file */
} torch_tensor;

typedef struct torch_file
{
	char	   *name;			/* inside the directory, for messages */
	int			fd;				/* -1: none */
	int			num_tensors;
	torch_tensor *tensors;		/* in the order of the state_dict */
} torch_file;

/*
 * Opens a file of the directory, in either container, notes its SHA-256 and
 * reads what its tensors are; each lies inside its storage, and that inside the
 * file.  Tensors may share storages.  ELECTRA_INVALID_SOURCE (malformed,
 * truncated), ELECTRA_UNSUPPORTED (no state_dict, names something else than
 * tensors, compressed, big-endian, strides that torch_read does not follow),
 * what source_file_open returns, ELECTRA_OUT_OF_MEMORY.  Close also after a
 * failure.
 */
extern electra_status torch_open(const source_directory *directory, const char *name,
								 torch_file *file, electra_error *error);

/* The same without directory and SHA-256, of a file that is open already; torch_close closes fd. */
extern electra_status torch_parse(int fd, uint64_t size, const char *name, torch_file *file,
								  electra_error *error);

/*
 * Reads count elements from number first on (row-major) of a readable tensor
 * of at most two dimensions as floats.  Where its columns lie together (a
 * transposed matrix, as in checkpoints converted from TensorFlow), a read for
 * each column.  Memory: buffers on the stack.  ELECTRA_IO_ERROR.
 */
extern electra_status torch_read(const torch_tensor *tensor, int64_t first, int64_t count,
								 float *values, electra_error *error);

extern void torch_close(torch_file *file);

#endif							/* ELECTRA_TORCH_FILE_H */

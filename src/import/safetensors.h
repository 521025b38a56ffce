/*
 * Reader of foreign safetensors files (not of archives: those have their own
 * strict reader in the core).
 *
 * Format: u64 little-endian header size, that many bytes of JSON starting with
 * '{' and padded with spaces, then the data.  Each entry but "__metadata__" is
 * {"dtype", "shape", "data_offsets": [begin, end)} relative to the data.
 * Source: huggingface/safetensors, safetensors/src/tensor.rs.
 */
#ifndef ELECTRA_SAFETENSORS_H
#define ELECTRA_SAFETENSORS_H

#include "import/source_directory.h"

#define SAFETENSORS_MAX_HEADER 100000000
#define SAFETENSORS_MAX_RANK 8

typedef struct safetensors_tensor
{
	char	   *name;
	const char *dtype_name;		/* "F32", "I64" … */
	bool		readable;		/* F32, F16, BF16, F64: dtype is set */
	electra_dtype dtype;
	int			rank;
	int64_t		shape[SAFETENSORS_MAX_RANK];
	uint64_t	begin;			/* relative to the data */
	uint64_t	end;
} safetensors_tensor;

typedef struct safetensors_file
{
	char	   *name;			/* inside the directory, for messages */
	int			fd;				/* -1: none */
	uint64_t	data_begin;		/* offset of the data in the file */
	int			num_tensors;
	safetensors_tensor *tensors;	/* ascending by begin, then end */
} safetensors_file;

/*
 * Parses and validates a header: header_size bytes of JSON that describe
 * data_size bytes of data.  Refused: what is not JSON, duplicate names,
 * unknown dtypes, a rank above SAFETENSORS_MAX_RANK, sizes that overflow or do
 * not fit shape and dtype, holes, overlaps, a last end other than data_size.
 * Empty tensors and rank 0 are legal.  name is the file's, for messages.
 * ELECTRA_INVALID_SOURCE, ELECTRA_OUT_OF_MEMORY.  Free also after a failure.
 */
extern electra_status safetensors_parse_header(const char *header, size_t header_size,
											   uint64_t data_size, const char *name,
											   safetensors_file *file, electra_error *error);

/* Opens a file of the directory, notes its SHA-256 and reads its header.  Close also after a failure. */
extern electra_status safetensors_open(const source_directory *directory, const char *name,
									   safetensors_file *file, electra_error *error);

/*
 * Reads count elements from number first on, of a tensor that begins at offset
 * of the data, as floats (core/widen.h).  Memory: a buffer on the stack.
 */
extern electra_status safetensors_read(const safetensors_file *file, electra_dtype dtype, uint64_t offset,
									   int64_t first, int64_t count, float *values,
									   electra_error *error);

extern void safetensors_close(safetensors_file *file);

#endif							/* ELECTRA_SAFETENSORS_H */

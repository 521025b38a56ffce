/*
 * The tensors of a foreign preset while they are being collected from its
 * weight files, whatever their format: checked against what the configuration
 * demands, unknown ones and missing ones listed all at once.
 */
#ifndef ELECTRA_TENSOR_COLLECTION_H
#define ELECTRA_TENSOR_COLLECTION_H

#include "import/source_directory.h"

#define FOREIGN_MAX_RANK 8

/* Names for a message: the first few, and how many there are. */
typedef struct name_list
{
	int			count;
	char		text[900];
} name_list;

/* Appends a foreign name, quoted. */
extern void name_list_add(name_list *list, const char *name);

/* "[2, 3]" into buffer; returns it. */
#define FOREIGN_SHAPE_SIZE 192
extern const char *foreign_shape(const int64_t *shape, int rank, char buffer[FOREIGN_SHAPE_SIZE]);

/* Fails if the list of tensors that the weights lack is not empty.  ELECTRA_INVALID_SOURCE. */
extern electra_status name_list_missing(const name_list *missing, electra_error *error);

/* Starts an error about one tensor of a file: "tensor T in file F WHAT".  Returns status. */
extern electra_status foreign_tensor_fail(electra_error *error, electra_status status, const char *tensor,
										  const char *file, const char *what);

/* A tensor as its file has it. */
typedef struct foreign_tensor
{
	const char *name;			/* in the file, for messages */
	const char *file;			/* inside the directory, for messages */
	const char *dtype_name;		/* for messages */
	bool		readable;		/* F32, F16, BF16, F64: dtype is set */
	electra_dtype dtype;
	int			rank;
	int64_t		shape[FOREIGN_MAX_RANK];	/* as it will be read, canonical
											 * order of dimensions */

	/* as in source_tensor */
	electra_status (*read) (const source_tensor *tensor, int64_t first, int64_t count,
							float *values, electra_error *error);
	void	   *context;
	uint64_t	file_offset;
} foreign_tensor;

typedef struct tensor_collection
{
	preset_source *source;		/* whose tensors grow */
	int			capacity;
	name_list	unknown;
} tensor_collection;

/*
 * Appends a tensor under the canonical name of spec after checking shape and
 * dtype against it.  ELECTRA_INVALID_SOURCE (names tensor, file, both shapes),
 * ELECTRA_UNSUPPORTED, ELECTRA_OUT_OF_MEMORY.
 */
extern electra_status tensor_collection_add(tensor_collection *all, const foreign_tensor *tensor,
											const electra_tensor_spec *spec, electra_error *error);

/*
 * Everything is collected: refuses unknown names, tensors given twice and
 * missing ones, each kind listed in one message; sorts the tensors by name.
 */
extern electra_status tensor_collection_finish(tensor_collection *all, electra_error *error);

/* The tensor of a canonical name after tensor_collection_finish, or NULL. */
extern const source_tensor *tensor_collection_find(const preset_source *source, const char *name);

#endif							/* ELECTRA_TENSOR_COLLECTION_H */

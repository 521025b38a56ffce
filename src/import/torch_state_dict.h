/*
 * The state_dict of a checkpoint: names and their tensors, and the storages
 * that these show parts of.
 */
#ifndef ELECTRA_TORCH_STATE_DICT_H
#define ELECTRA_TORCH_STATE_DICT_H

#include "import/torch_globals.h"

typedef struct torch_storage
{
	const char *key;			/* owned by the values */
	const torch_global *type;
	int64_t		numel;
	uint64_t	size;			/* bytes */
	uint64_t	begin;			/* in the file, once the container has found it */
} torch_storage;

typedef struct torch_storages
{
	int			count;
	torch_storage *storages;	/* ascending by key */
} torch_storages;

/*
 * Checks that root, out of a file of this name, is a state_dict, and lists its
 * storages: each key once, with one type and size.  ELECTRA_INVALID_SOURCE,
 * ELECTRA_UNSUPPORTED (a dictionary with more than tensors),
 * ELECTRA_OUT_OF_MEMORY.  Free also after a failure.
 */
extern electra_status torch_storages_list(const torch_value *root, const char *file,
										  torch_storages *storages, electra_error *error);

/* The storage of this key, or NULL. */
extern torch_storage *torch_storages_find(const torch_storages *storages, const char *key);

extern void torch_storages_free(torch_storages *storages);

#endif							/* ELECTRA_TORCH_STATE_DICT_H */

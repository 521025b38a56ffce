/*
 * The few names of Python that a checkpoint's pickle may use, and what stands
 * in place of calling them.  Nothing is imported or executed: each "call" only
 * builds a description of a tensor or a dictionary.
 *
 * Source: torch/_utils.py (_rebuild_tensor and its kin), torch/serialization.py
 * (persistent_id).
 */
#ifndef ELECTRA_TORCH_GLOBALS_H
#define ELECTRA_TORCH_GLOBALS_H

#include "core/config.h"
#include "import/torch_value.h"

typedef enum torch_role
{
	TORCH_ORDERED_DICT = 0,
	TORCH_REBUILD_TENSOR,
	TORCH_REBUILD_TENSOR_V2,
	TORCH_REBUILD_PARAMETER,
	TORCH_SIZE,
	TORCH_STORAGE_CLASS
} torch_role;

struct torch_global
{
	const char *module;
	const char *name;
	torch_role	role;

	/* of a storage class */
	const char *dtype_name;		/* as safetensors calls it, for messages */
	int			width;			/* bytes of an element */
	bool		readable;		/* F32, F16, BF16, F64: dtype is set */
	electra_dtype dtype;
};

/* NULL for every name that is not allowed. */
extern const torch_global *torch_global_find(const char *module, const char *name);

/* The result of calling one with a tuple, or NULL: *why says what is wrong with the call. */
extern torch_value *torch_global_call(torch_values *values, const torch_global *global,
									  torch_value *arguments, const char **why);

/*
 * The storage of a persistent id: ("storage", class, key, location, numel), and
 * in the legacy format (view key, first element, number of elements) or None
 * behind.  NULL for anything else.
 */
extern torch_value *torch_persistent_storage(torch_values *values, torch_value *id, const char **why);

/* A storage, or the part of one that a view shows, in elements; checked against numel. */
typedef struct torch_storage_view
{
	const torch_global *type;
	const char *key;
	int64_t		numel;			/* of the whole storage */
	int64_t		first;
	int64_t		count;
} torch_storage_view;

extern torch_storage_view torch_storage_of(const torch_value *storage);

/* Places of a tensor's arguments; all there and of these kinds. */
#define TORCH_TENSOR_STORAGE 0	/* TORCH_STORAGE */
#define TORCH_TENSOR_OFFSET 1	/* TORCH_INT, not negative, in elements */
#define TORCH_TENSOR_SIZE 2		/* TORCH_TUPLE of TORCH_INT, none negative */
#define TORCH_TENSOR_STRIDE 3	/* the same, as many */

#endif							/* ELECTRA_TORCH_GLOBALS_H */

/*
 * What a restricted pickle can hold: the plain values of Python and, as inert
 * descriptions, the tensors and storages of a checkpoint.
 *
 * Values live in an arena with fixed limits and die with it.
 */
#ifndef ELECTRA_TORCH_VALUE_H
#define ELECTRA_TORCH_VALUE_H

#include "core/status.h"

typedef enum torch_kind
{
	TORCH_NONE = 0,
	TORCH_BOOL,
	TORCH_INT,					/* fits 64 bits */
	TORCH_LONG,					/* does not; text holds its bytes, little-endian */
	TORCH_FLOAT,
	TORCH_TEXT,					/* str: UTF-8 without NUL */
	TORCH_BYTES,
	TORCH_TUPLE,
	TORCH_LIST,
	TORCH_DICT,					/* dict or OrderedDict: key, value, key, value … */
	TORCH_GLOBAL,
	TORCH_STORAGE,				/* items: its persistent id */
	TORCH_TENSOR				/* items: arguments of _rebuild_tensor */
} torch_kind;

typedef struct torch_global torch_global;	/* torch_globals.h */

typedef struct torch_value
{
	torch_kind	kind;
	int			walked;			/* torch_value_check_acyclic: items seen + 1, -1: all */
	union
	{
		int64_t		integer;	/* TORCH_INT, TORCH_BOOL */
		struct
		{
			char	   *text;	/* followed by a NUL */
			size_t		size;
		};
		struct
		{
			struct torch_value **items;
			int			count;
			int			capacity;
		};
		const torch_global *global;
	};
} torch_value;

/* The arena.  Zero it before the first use. */
typedef struct torch_values
{
	struct torch_block *blocks;
	int			num_values;
	int64_t		num_items;		/* of all containers */
	size_t		text_size;		/* of all texts */
} torch_values;

/* Limits; a checkpoint of 1000 tensors has about 20,000 values. */
#define TORCH_MAX_VALUES (1 << 19)
#define TORCH_MAX_ITEMS (1 << 20)
#define TORCH_MAX_TEXT (8 << 20)

/* What *why is when there is no memory. */
extern const char torch_out_of_memory[];

/* A new value, or NULL where memory or a limit is exhausted: *why says which. */
extern torch_value *torch_value_make(torch_values *values, torch_kind kind, const char **why);

/* A text of size bytes, uninitialized but for the NUL behind it. */
extern torch_value *torch_value_make_text(torch_values *values, torch_kind kind, size_t size,
										  const char **why);

/* Appends count items to a container. */
extern bool torch_value_append(torch_values *values, torch_value *container, torch_value *const *items,
							   int count, const char **why);

/*
 * The item of a tuple, list, tensor … if it has so many and it is of this
 * kind; else NULL.
 */
extern torch_value *torch_value_item(const torch_value *value, int index, torch_kind kind);

/* Does a value hold itself?  Walks without recursion; a value may be asked about once. */
extern bool torch_value_is_cyclic(torch_value *root, bool *out_of_memory);

/* "a dictionary", "a text" …, for messages. */
extern const char *torch_value_describe(const torch_value *value);

extern void torch_values_free(torch_values *values);

#endif							/* ELECTRA_TORCH_VALUE_H */

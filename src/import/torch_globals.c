/*
 * The names that a checkpoint's pickle may use.
 */
#include "import/torch_globals.h"

#include <string.h>

static const torch_global globals[] = {
	{"collections", "OrderedDict", .role = TORCH_ORDERED_DICT},
	{"torch._utils", "_rebuild_tensor", .role = TORCH_REBUILD_TENSOR},
	{"torch._utils", "_rebuild_tensor_v2", .role = TORCH_REBUILD_TENSOR_V2},
	{"torch._utils", "_rebuild_parameter", .role = TORCH_REBUILD_PARAMETER},
	{"torch", "Size", .role = TORCH_SIZE},
	{"torch", "FloatStorage", TORCH_STORAGE_CLASS, "F32", 4, true, ELECTRA_F32},
	{"torch", "HalfStorage", TORCH_STORAGE_CLASS, "F16", 2, true, ELECTRA_F16},
	{"torch", "BFloat16Storage", TORCH_STORAGE_CLASS, "BF16", 2, true, ELECTRA_BF16},
	{"torch", "DoubleStorage", TORCH_STORAGE_CLASS, "F64", 8, true, ELECTRA_F64},
	{"torch", "LongStorage", TORCH_STORAGE_CLASS, "I64", 8, false, ELECTRA_I64},
	{"torch", "IntStorage", TORCH_STORAGE_CLASS, "I32", 4, false, ELECTRA_U8},
	{"torch", "ShortStorage", TORCH_STORAGE_CLASS, "I16", 2, false, ELECTRA_U8},
	{"torch", "CharStorage", TORCH_STORAGE_CLASS, "I8", 1, false, ELECTRA_I8},
	{"torch", "ByteStorage", TORCH_STORAGE_CLASS, "U8", 1, false, ELECTRA_U8},
	{"torch", "BoolStorage", TORCH_STORAGE_CLASS, "BOOL", 1, false, ELECTRA_U8},
};

/* Places in a persistent id. */
#define ID_TYPE 1
#define ID_KEY 2
#define ID_NUMEL 4
#define ID_VIEW 5
#define VIEW_FIRST 1
#define VIEW_COUNT 2

const torch_global *
torch_global_find(const char *module, const char *name)
{
	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++)
		if (strcmp(globals[i].module, module) == 0 && strcmp(globals[i].name, name) == 0)
			return &globals[i];
	return NULL;
}

static bool
is_text(const torch_value *value, const char *text)
{
	return value != NULL && strcmp(value->text, text) == 0;
}

/* An item that is a number from 0 on. */
static bool
item_unsigned(const torch_value *value, int index)
{
	const torch_value *number = torch_value_item(value, index, TORCH_INT);

	return number != NULL && number->integer >= 0;
}

/* A tuple of numbers from 0 on. */
static bool
item_extents(const torch_value *value, int index)
{
	const torch_value *tuple = torch_value_item(value, index, TORCH_TUPLE);

	for (int i = 0; tuple != NULL && i < tuple->count; i++)
		if (!item_unsigned(tuple, i))
			return false;
	return tuple != NULL;
}

/* (storage, storage_offset, size, stride[, requires_grad, backward_hooks[, metadata]]) */
static torch_value *
rebuild_tensor(torch_values *values, torch_value *arguments, bool second_version, const char **why)
{
	int			least = second_version ? 6 : 4;
	int			most = second_version ? 7 : 4;
	const torch_value *metadata = torch_value_item(arguments, 6, TORCH_DICT);
	torch_value *tensor;

	if (arguments->count < least || arguments->count > most ||
		torch_value_item(arguments, TORCH_TENSOR_STORAGE, TORCH_STORAGE) == NULL ||
		!item_unsigned(arguments, TORCH_TENSOR_OFFSET) ||
		!item_extents(arguments, TORCH_TENSOR_SIZE) || !item_extents(arguments, TORCH_TENSOR_STRIDE) ||
		arguments->items[TORCH_TENSOR_SIZE]->count != arguments->items[TORCH_TENSOR_STRIDE]->count)
	{
		*why = "a tensor is not described by storage, offset, size and stride";
		return NULL;
	}
	/* it would say that the values are to be negated or conjugated */
	if (arguments->count == 7 && (metadata == NULL || metadata->count > 0))
	{
		*why = "a tensor has metadata";
		return NULL;
	}
	tensor = torch_value_make(values, TORCH_TENSOR, why);
	if (tensor == NULL || !torch_value_append(values, tensor, arguments->items, arguments->count, why))
		return NULL;
	return tensor;
}

torch_value *
torch_global_call(torch_values *values, const torch_global *global, torch_value *arguments,
				  const char **why)
{
	torch_value *result;

	switch (global->role)
	{
		case TORCH_ORDERED_DICT:
			if (arguments->count == 0)
				return torch_value_make(values, TORCH_DICT, why);
			*why = "an OrderedDict is not made empty";
			return NULL;
		case TORCH_REBUILD_TENSOR:
		case TORCH_REBUILD_TENSOR_V2:
			return rebuild_tensor(values, arguments, global->role == TORCH_REBUILD_TENSOR_V2, why);
		case TORCH_REBUILD_PARAMETER:
			result = torch_value_item(arguments, 0, TORCH_TENSOR);
			if (arguments->count == 3 && result != NULL)
				return result;
			*why = "a parameter is not made of a tensor";
			return NULL;
		case TORCH_SIZE:
			result = torch_value_item(arguments, 0, TORCH_TUPLE);
			if (arguments->count == 1 && result != NULL)
				return result;
			*why = "a size is not made of a tuple";
			return NULL;
		case TORCH_STORAGE_CLASS:
			*why = "a storage is not a persistent one";
			return NULL;
	}
	return NULL;
}

torch_value *
torch_persistent_storage(torch_values *values, torch_value *id, const char **why)
{
	const torch_value *type = torch_value_item(id, ID_TYPE, TORCH_GLOBAL);
	const torch_value *view = torch_value_item(id, ID_VIEW, TORCH_TUPLE);
	torch_value *storage;

	if (!is_text(torch_value_item(id, 0, TORCH_TEXT), "storage"))
	{
		*why = "a persistent id is not that of a storage";
		return NULL;
	}
	if (id->count > 6 || type == NULL || type->global->role != TORCH_STORAGE_CLASS ||
		torch_value_item(id, ID_KEY, TORCH_TEXT) == NULL || !item_unsigned(id, ID_NUMEL) ||
		(id->count == 6 && view == NULL && torch_value_item(id, ID_VIEW, TORCH_NONE) == NULL))
	{
		*why = "a storage is not described by class, key, location and number of elements";
		return NULL;
	}
	if (view != NULL)
	{
		int64_t		numel = id->items[ID_NUMEL]->integer;

		if (view->count != 3 || !item_unsigned(view, VIEW_FIRST) || !item_unsigned(view, VIEW_COUNT) ||
			view->items[VIEW_FIRST]->integer > numel ||
			view->items[VIEW_COUNT]->integer > numel - view->items[VIEW_FIRST]->integer)
		{
			*why = "a view leaves its storage";
			return NULL;
		}
	}
	storage = torch_value_make(values, TORCH_STORAGE, why);
	if (storage == NULL || !torch_value_append(values, storage, id->items, id->count, why))
		return NULL;
	return storage;
}

torch_storage_view
torch_storage_of(const torch_value *storage)
{
	const torch_value *view = torch_value_item(storage, ID_VIEW, TORCH_TUPLE);
	torch_storage_view result = {
		.type = storage->items[ID_TYPE]->global,
		.key = storage->items[ID_KEY]->text,
		.numel = storage->items[ID_NUMEL]->integer,
	};

	result.count = result.numel;
	if (view != NULL)
	{
		result.first = view->items[VIEW_FIRST]->integer;
		result.count = view->items[VIEW_COUNT]->integer;
	}
	return result;
}

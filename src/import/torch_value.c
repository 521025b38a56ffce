/*
 * The values of a restricted pickle.
 */
#include "import/torch_value.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_VALUES 1024

struct torch_block
{
	struct torch_block *next;
	int			used;
	torch_value values[BLOCK_VALUES];
};

const char	torch_out_of_memory[] = "out of memory";

static bool
is_container(const torch_value *value)
{
	return value->kind == TORCH_TUPLE || value->kind == TORCH_LIST || value->kind == TORCH_DICT ||
		value->kind == TORCH_STORAGE || value->kind == TORCH_TENSOR;
}

static bool
has_text(const torch_value *value)
{
	return value->kind == TORCH_TEXT || value->kind == TORCH_BYTES || value->kind == TORCH_LONG;
}

torch_value *
torch_value_make(torch_values *values, torch_kind kind, const char **why)
{
	struct torch_block *block = values->blocks;
	torch_value *value;

	if (values->num_values == TORCH_MAX_VALUES)
	{
		*why = "too many values";
		return NULL;
	}
	if (block == NULL || block->used == BLOCK_VALUES)
	{
		block = malloc(sizeof(*block));
		if (block == NULL)
		{
			*why = torch_out_of_memory;
			return NULL;
		}
		block->next = values->blocks;
		block->used = 0;
		values->blocks = block;
	}
	value = &block->values[block->used++];
	memset(value, 0, sizeof(*value));
	value->kind = kind;
	values->num_values++;
	return value;
}

torch_value *
torch_value_make_text(torch_values *values, torch_kind kind, size_t size, const char **why)
{
	torch_value *value;

	if (size > TORCH_MAX_TEXT || values->text_size + size > TORCH_MAX_TEXT)
	{
		*why = "too much text";
		return NULL;
	}
	value = torch_value_make(values, kind, why);
	if (value == NULL)
		return NULL;
	value->text = malloc(size + 1);
	if (value->text == NULL)
	{
		*why = torch_out_of_memory;
		return NULL;
	}
	value->text[size] = '\0';
	value->size = size;
	values->text_size += size;
	return value;
}

bool
torch_value_append(torch_values *values, torch_value *container, torch_value *const *items, int count,
				   const char **why)
{
	if (values->num_items + count > TORCH_MAX_ITEMS)
	{
		*why = "too many items";
		return false;
	}
	if (container->capacity - container->count < count)
	{
		/* tuples get what they need, lists and dictionaries grow */
		int			capacity = container->count + count + container->count / 2;
		torch_value **grown = realloc(container->items, (size_t) capacity * sizeof(*grown));

		if (grown == NULL)
		{
			*why = torch_out_of_memory;
			return false;
		}
		container->items = grown;
		container->capacity = capacity;
	}
	if (count > 0)
		memcpy(container->items + container->count, items, (size_t) count * sizeof(*items));
	container->count += count;
	values->num_items += count;
	return true;
}

torch_value *
torch_value_item(const torch_value *value, int index, torch_kind kind)
{
	if (!is_container(value) || index >= value->count || value->items[index]->kind != kind)
		return NULL;
	return value->items[index];
}

/*
 * Depth first with the path as a stack: a value on the path (walked > 0) that
 * is met again holds itself.
 */
bool
torch_value_is_cyclic(torch_value *root, bool *out_of_memory)
{
	torch_value **path = NULL;
	int			depth = 0;
	int			capacity = 0;
	bool		cyclic = false;

	*out_of_memory = false;
	for (torch_value *next = root; next != NULL && !cyclic;)
	{
		/* descend into a value that is new */
		if (is_container(next) && next->walked == 0)
		{
			if (depth == capacity)
			{
				torch_value **grown;

				capacity = capacity == 0 ? 64 : 2 * capacity;
				grown = realloc(path, (size_t) capacity * sizeof(*path));
				if (grown == NULL)
				{
					*out_of_memory = true;
					break;
				}
				path = grown;
			}
			next->walked = 1;
			path[depth++] = next;
		}
		else
			cyclic = next->walked > 0;

		/* the next item of the innermost value that still has one */
		while (depth > 0 && path[depth - 1]->walked > path[depth - 1]->count)
			path[--depth]->walked = -1;
		next = depth > 0 ? path[depth - 1]->items[path[depth - 1]->walked++ - 1] : NULL;
	}
	free(path);
	return cyclic;
}

const char *
torch_value_describe(const torch_value *value)
{
	switch (value->kind)
	{
		case TORCH_NONE:
			return "None";
		case TORCH_BOOL:
			return "a truth value";
		case TORCH_INT:
		case TORCH_LONG:
		case TORCH_FLOAT:
			return "a number";
		case TORCH_TEXT:
			return "a text";
		case TORCH_BYTES:
			return "bytes";
		case TORCH_TUPLE:
			return "a tuple";
		case TORCH_LIST:
			return "a list";
		case TORCH_DICT:
			return "a dictionary";
		case TORCH_GLOBAL:
			return "a function or class";
		case TORCH_STORAGE:
			return "a storage";
		case TORCH_TENSOR:
			return "a tensor";
	}
	return "unknown";
}

void
torch_values_free(torch_values *values)
{
	while (values->blocks != NULL)
	{
		struct torch_block *block = values->blocks;

		values->blocks = block->next;
		for (int i = 0; i < block->used; i++)
		{
			torch_value *value = &block->values[i];

			if (is_container(value))
				free(value->items);
			else if (has_text(value))
				free(value->text);
		}
		free(block);
	}
	memset(values, 0, sizeof(*values));
}

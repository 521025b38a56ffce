/*
 * The state_dict of a checkpoint.
 */
#include "import/torch_state_dict.h"

#include <stdlib.h>
#include <string.h>

#include "import/source_directory.h"

/* Something that is not the state_dict of a model, which is all that transformers loads too. */
static electra_status
fail_entry(const torch_value *key, const torch_value *value, const char *file, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_file[SOURCE_QUOTE_SIZE];

	source_quote(file, quoted_file);
	if (key->kind != TORCH_TEXT)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "file \"%s\" has an entry whose name is not a text", quoted_file);
		electra_fail_detail(error, "It is %s.", torch_value_describe(key));
		return error->status;
	}
	source_quote(key->text, quoted);
	electra_fail(error, ELECTRA_UNSUPPORTED, "entry \"%s\" of file \"%s\" is not a tensor", quoted, quoted_file);
	electra_fail_detail(error, "It is %s; expected a state_dict, names and their tensors.",
						torch_value_describe(value));
	electra_fail_hint(error, "A checkpoint of a training run holds more than the weights. Load it in Python and "
					  "save the model alone, with transformers' save_pretrained().");
	return error->status;
}

static electra_status
check_entries(const torch_value *root, const char *file, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	if (root->kind != TORCH_DICT)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "file \"%s\" does not hold a state_dict",
					 source_quote(file, quoted));
		electra_fail_detail(error, "It holds %s; expected a dictionary of names and their tensors.",
							torch_value_describe(root));
		return error->status;
	}
	for (int i = 0; i < root->count; i += 2)
		if (root->items[i]->kind != TORCH_TEXT || root->items[i + 1]->kind != TORCH_TENSOR)
			return fail_entry(root->items[i], root->items[i + 1], file, error);
	return ELECTRA_OK;
}

static int
compare_storages(const void *a, const void *b)
{
	return strcmp(((const torch_storage *) a)->key, ((const torch_storage *) b)->key);
}

/* Sorts by key and keeps one of each: all mentions of it must agree. */
static electra_status
unify(torch_storages *storages, const char *file, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_file[SOURCE_QUOTE_SIZE];
	int			kept = 0;

	if (storages->count == 0)
		return ELECTRA_OK;
	qsort(storages->storages, (size_t) storages->count, sizeof(torch_storage), compare_storages);
	for (int i = 1; i < storages->count; i++)
	{
		const torch_storage *last = &storages->storages[kept];
		const torch_storage *next = &storages->storages[i];

		if (compare_storages(last, next) != 0)
			storages->storages[++kept] = *next;
		else if (last->type != next->type || last->numel != next->numel)
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "storage \"%s\" of file \"%s\" is described in two ways",
						 source_quote(next->key, quoted), source_quote(file, quoted_file));
			electra_fail_detail(error, "It has %lld elements of %s, and %lld of %s.",
								(long long) last->numel, last->type->dtype_name,
								(long long) next->numel, next->type->dtype_name);
			return error->status;
		}
	}
	storages->count = kept + 1;
	return ELECTRA_OK;
}

electra_status
torch_storages_list(const torch_value *root, const char *file, torch_storages *storages,
					electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_file[SOURCE_QUOTE_SIZE];

	memset(storages, 0, sizeof(*storages));
	if (check_entries(root, file, error) != ELECTRA_OK)
		return error->status;
	storages->storages = calloc((size_t) root->count / 2 + 1, sizeof(torch_storage));
	if (storages->storages == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (int i = 1; i < root->count; i += 2)
	{
		const torch_value *tensor = root->items[i];
		torch_storage_view view = torch_storage_of(tensor->items[TORCH_TENSOR_STORAGE]);
		torch_storage *storage = &storages->storages[storages->count++];

		storage->key = view.key;
		storage->type = view.type;
		storage->numel = view.numel;
		if (__builtin_mul_overflow((uint64_t) view.numel, (uint64_t) view.type->width, &storage->size))
			return electra_fail(error, ELECTRA_INVALID_SOURCE, "storage \"%s\" of file \"%s\" has a size that overflows",
								source_quote(view.key, quoted), source_quote(file, quoted_file));
	}
	return unify(storages, file, error);
}

torch_storage *
torch_storages_find(const torch_storages *storages, const char *key)
{
	torch_storage wanted = {.key = key};

	if (storages->count == 0)
		return NULL;
	return bsearch(&wanted, storages->storages, (size_t) storages->count, sizeof(torch_storage), compare_storages);
}

void
torch_storages_free(torch_storages *storages)
{
	free(storages->storages);
	memset(storages, 0, sizeof(*storages));
}

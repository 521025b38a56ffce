/*
 * The legacy stream of torch.save(): five pickles (magic number, protocol,
 * the machine's properties, state_dict, the storages' keys), then for each key
 * a 64-bit number of elements and the elements.
 */
#include "import/torch_container.h"

#include <string.h>

#include "import/torch_pickle.h"

#define PROTOCOL 1001

/* 0x1950a86a20f9469cfc6c, little-endian */
static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

static electra_status
fail_legacy(const torch_content *content, electra_status status, const char *what, const char *detail,
			electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	electra_fail(error, status, "file \"%s\" %s", source_quote(content->file, quoted), what);
	electra_fail_detail(error, "%s", detail);
	electra_fail_hint(error, "If it is what torch.save() wrote, convert it to safetensors with transformers' "
					  "save_pretrained().");
	return error->status;
}

/* The value of a key, or NULL. */
static const torch_value *
member(const torch_value *dict, const char *key)
{
	for (int i = 0; i < dict->count; i += 2)
		if (dict->items[i]->kind == TORCH_TEXT && strcmp(dict->items[i]->text, key) == 0)
			return dict->items[i + 1];
	return NULL;
}

/* The three pickles before the state_dict. */
static electra_status
read_preamble(torch_content *content, torch_input *input, electra_error *error)
{
	torch_value *value;
	const torch_value *little_endian;

	if (torch_pickle_read(input, &content->values, &value, error) != ELECTRA_OK)
		return error->status;
	if (value->kind != TORCH_LONG || value->size != sizeof(magic) || memcmp(value->text, magic, sizeof(magic)) != 0)
		return fail_legacy(content, ELECTRA_UNSUPPORTED, "is not a checkpoint of torch.save()",
						   "It is a pickle without torch's magic number.", error);
	if (torch_pickle_read(input, &content->values, &value, error) != ELECTRA_OK)
		return error->status;
	if (value->kind != TORCH_INT || value->integer != PROTOCOL)
		return fail_legacy(content, ELECTRA_UNSUPPORTED, "has an unknown protocol",
						   "Expected torch's protocol 1001.", error);
	if (torch_pickle_read(input, &content->values, &value, error) != ELECTRA_OK)
		return error->status;
	little_endian = value->kind == TORCH_DICT ? member(value, "little_endian") : NULL;
	if (little_endian == NULL || little_endian->kind != TORCH_BOOL || little_endian->integer != 1)
		return fail_legacy(content, ELECTRA_UNSUPPORTED, "is not little-endian",
						   "Only checkpoints of little-endian machines are read.", error);
	return ELECTRA_OK;
}

/* Is a key a text that names a storage not placed yet?  A placed one has a begin. */
static torch_storage *
next_storage(const torch_content *content, const torch_value *key)
{
	torch_storage *storage = key->kind == TORCH_TEXT ? torch_storages_find(&content->storages, key->text) : NULL;

	return storage != NULL && storage->begin == 0 ? storage : NULL;
}

/* One storage: number of elements, elements. */
static electra_status
place_storage(const torch_content *content, torch_input *input, torch_storage *storage, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_file[SOURCE_QUOTE_SIZE];
	int64_t		numel;

	source_quote(storage->key, quoted);
	source_quote(content->file, quoted_file);
	if (torch_input_read(input, &numel, sizeof(numel), error) != ELECTRA_OK)
		return error->status;
	if (numel != storage->numel)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "storage \"%s\" of file \"%s\" has the wrong size", quoted,
					 quoted_file);
		electra_fail_detail(error, "Expected %lld elements, found %lld.", (long long) storage->numel,
							(long long) numel);
		return error->status;
	}
	if (storage->size > content->size - input->position)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is truncated", quoted_file);
		electra_fail_detail(error, "Its storage \"%s\" has %llu bytes, the file only %llu more.", quoted,
							(unsigned long long) storage->size,
							(unsigned long long) (content->size - input->position));
		electra_fail_hint(error, "Download the file again.");
		return error->status;
	}
	storage->begin = input->position;
	torch_input_init(input, content->fd, content->file, storage->begin + storage->size, content->size);
	return ELECTRA_OK;
}

/* The storages in the order of the keys, until the end of the file. */
static electra_status
place_storages(const torch_content *content, torch_input *input, const torch_value *keys, electra_error *error)
{
	static const char wrong_keys[] = "has a wrong list of storages";

	if (keys->kind != TORCH_LIST || keys->count != content->storages.count)
		return fail_legacy(content, ELECTRA_INVALID_SOURCE, wrong_keys,
						   "Its list is not as long as its tensors need.", error);
	for (int i = 0; i < keys->count; i++)
	{
		torch_storage *storage = next_storage(content, keys->items[i]);

		if (storage == NULL)
			return fail_legacy(content, ELECTRA_INVALID_SOURCE, wrong_keys,
							   "A storage is listed twice, or no tensor has it.", error);
		if (place_storage(content, input, storage, error) != ELECTRA_OK)
			return error->status;
	}
	if (input->position != content->size)
		return fail_legacy(content, ELECTRA_INVALID_SOURCE, "has data behind its last storage",
						   "It is longer than its storages need.", error);
	return ELECTRA_OK;
}

electra_status
torch_legacy_read(torch_content *content, electra_error *error)
{
	torch_input input;
	torch_value *keys;

	torch_input_init(&input, content->fd, content->file, 0, content->size);
	if (read_preamble(content, &input, error) != ELECTRA_OK ||
		torch_pickle_read(&input, &content->values, &content->root, error) != ELECTRA_OK ||
		torch_pickle_read(&input, &content->values, &keys, error) != ELECTRA_OK ||
		torch_storages_list(content->root, content->file, &content->storages, error) != ELECTRA_OK)
		return error->status;
	return place_storages(content, &input, keys, error);
}

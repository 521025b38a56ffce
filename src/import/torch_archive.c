/*
 * The zip archive of torch.save(): NAME/data.pkl is the state_dict, NAME/data/KEY
 * the bytes of a storage, NAME/byteorder and NAME/version say how to read them.
 */
#include "import/torch_container.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/torch_pickle.h"
#include "import/torch_zip.h"

#define MAX_PREFIX 255
#define MAX_SMALL 15			/* bytes of byteorder and version */
#define NEWEST_VERSION 10		/* kMaxSupportedFileFormatVersion */

/* What is wrong with the archive as a whole. */
static electra_status
fail_archive(const torch_content *content, electra_status status, const char *what, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	return electra_fail(error, status, "file \"%s\" %s", source_quote(content->file, quoted), what);
}

/* "NAME/" of the only NAME/data.pkl. */
static electra_status
find_prefix(const torch_content *content, const torch_zip *zip, char prefix[MAX_PREFIX + 1],
			electra_error *error)
{
	static const char pickle[] = "data.pkl";
	int			found = 0;

	for (int i = 0; i < zip->num_entries; i++)
	{
		const char *name = zip->entries[i].name;
		const char *slash = strchr(name, '/');

		if (slash != NULL && strcmp(slash + 1, "constants.pkl") == 0)
		{
			fail_archive(content, ELECTRA_UNSUPPORTED, "is a TorchScript program", error);
			electra_fail_detail(error, "It holds code, not only a state_dict.");
			electra_fail_hint(error, "Save the model with transformers' save_pretrained().");
			return error->status;
		}
		if (slash != NULL && strcmp(slash + 1, pickle) == 0)
		{
			found++;
			snprintf(prefix, MAX_PREFIX + 1, "%.*s", (int) (slash + 1 - name), name);
		}
	}
	if (found == 1)
		return ELECTRA_OK;
	fail_archive(content, ELECTRA_INVALID_SOURCE, "is not a checkpoint of torch.save()", error);
	electra_fail_detail(error, "As a zip container it has %d entries \"NAME/data.pkl\", expected one.", found);
	return error->status;
}

/* A short text of the archive; "" where it is absent. */
static electra_status
read_small(const torch_content *content, const torch_zip *zip, const char *prefix, const char *name,
		   char text[MAX_SMALL + 1], electra_error *error)
{
	char		path[MAX_PREFIX + 32];
	const torch_zip_entry *entry;

	snprintf(path, sizeof(path), "%s%s", prefix, name);
	entry = torch_zip_find(zip, path);
	memset(text, 0, MAX_SMALL + 1);
	if (entry == NULL)
		return ELECTRA_OK;
	if (entry->size > MAX_SMALL)
	{
		fail_archive(content, ELECTRA_INVALID_SOURCE, "is not a checkpoint of torch.save()", error);
		electra_fail_detail(error, "Its entry \"%s\" has %llu bytes.", name, (unsigned long long) entry->size);
		return error->status;
	}
	return source_pread(content->fd, content->file, text, (size_t) entry->size, entry->begin, error);
}

/* byteorder (absent before torch 2.0) and version. */
static electra_status
check_format(const torch_content *content, const torch_zip *zip, const char *prefix, electra_error *error)
{
	char		text[MAX_SMALL + 1];
	char		quoted[SOURCE_QUOTE_SIZE];
	char	   *end;
	long		version;

	if (read_small(content, zip, prefix, "byteorder", text, error) != ELECTRA_OK)
		return error->status;
	if (text[0] != '\0' && strcmp(text, "little") != 0)
	{
		fail_archive(content, ELECTRA_UNSUPPORTED, "is not little-endian", error);
		electra_fail_detail(error, "Its byte order is \"%s\".", source_quote(text, quoted));
		electra_fail_hint(error, "Convert it to safetensors with transformers' save_pretrained().");
		return error->status;
	}
	if (read_small(content, zip, prefix, "version", text, error) != ELECTRA_OK)
		return error->status;
	version = strtol(text, &end, 10);
	if (end == text || (*end != '\0' && strcmp(end, "\n") != 0) || version < 1 || version > NEWEST_VERSION)
	{
		fail_archive(content, ELECTRA_UNSUPPORTED, "has an unknown format version", error);
		electra_fail_detail(error, "Expected 1 to %d, found \"%s\".", NEWEST_VERSION, source_quote(text, quoted));
		return error->status;
	}
	return ELECTRA_OK;
}

/* Reads NAME/data.pkl. */
static electra_status
read_pickle(torch_content *content, const torch_zip *zip, const char *prefix, electra_error *error)
{
	char		path[MAX_PREFIX + 32];
	const torch_zip_entry *entry;
	torch_input input;

	snprintf(path, sizeof(path), "%sdata.pkl", prefix);
	entry = torch_zip_find(zip, path);
	if (torch_zip_check_crc(content->fd, zip, entry, error) != ELECTRA_OK)
		return error->status;
	torch_input_init(&input, content->fd, content->file, entry->begin, entry->begin + entry->size);
	return torch_pickle_read(&input, &content->values, &content->root, error);
}

/* Each storage is an entry of exactly its size. */
static electra_status
place_storages(const torch_content *content, const torch_zip *zip, const char *prefix, electra_error *error)
{
	for (int i = 0; i < content->storages.count; i++)
	{
		torch_storage *storage = &content->storages.storages[i];
		const torch_zip_entry *entry = NULL;
		char		path[2 * MAX_PREFIX + 32];
		char		quoted[SOURCE_QUOTE_SIZE];
		char		quoted_file[SOURCE_QUOTE_SIZE];

		if (strlen(storage->key) <= MAX_PREFIX)
		{
			snprintf(path, sizeof(path), "%sdata/%s", prefix, storage->key);
			entry = torch_zip_find(zip, path);
		}
		source_quote(storage->key, quoted);
		source_quote(content->file, quoted_file);
		if (entry == NULL)
			return electra_fail(error, ELECTRA_INVALID_SOURCE, "storage \"%s\" of file \"%s\" is missing", quoted,
								quoted_file);
		if (entry->size != storage->size)
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "storage \"%s\" of file \"%s\" has the wrong size", quoted,
						 quoted_file);
			electra_fail_detail(error, "%lld elements of %s have %llu bytes, found %llu.",
								(long long) storage->numel, storage->type->dtype_name,
								(unsigned long long) storage->size, (unsigned long long) entry->size);
			return error->status;
		}
		storage->begin = entry->begin;
	}
	return ELECTRA_OK;
}

electra_status
torch_archive_read(torch_content *content, electra_error *error)
{
	char		prefix[MAX_PREFIX + 1];
	torch_zip	zip;
	electra_status status;

	status = torch_zip_open(content->fd, content->file, content->size, &zip, error);
	if (status == ELECTRA_OK)
		status = find_prefix(content, &zip, prefix, error);
	if (status == ELECTRA_OK)
		status = check_format(content, &zip, prefix, error);
	if (status == ELECTRA_OK)
		status = read_pickle(content, &zip, prefix, error);
	if (status == ELECTRA_OK)
		status = torch_storages_list(content->root, content->file, &content->storages, error);
	if (status == ELECTRA_OK)
		status = place_storages(content, &zip, prefix, error);
	torch_zip_close(&zip);
	return status;
}

/*
 * The hashes of the files that weights come from.
 */
#include "import/weight_hashes.h"

#include "import/source_directory.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (256 * 1024)
#define DIGITS (ELECTRA_DIGEST_HEX_SIZE - 1)

static int
compare_files(const void *a, const void *b)
{
	return strcmp(((const source_weight_file *) a)->name, ((const source_weight_file *) b)->name);
}

/* "DIGEST NAME" and a NUL. */
static size_t
entry_size(const source_weight_file *file)
{
	return DIGITS + 1 + strlen(file->name) + 1;
}

/* The text with all names in it, and room for the digests. */
static void
lay_out(weight_hashes *hashes)
{
	char	   *entry = hashes->text;

	for (int i = 0; i < hashes->num_files; i++)
	{
		memset(entry, '0', DIGITS);
		entry[DIGITS] = ' ';
		strcpy(entry + DIGITS + 1, hashes->files[i].name);
		entry += entry_size(&hashes->files[i]);
	}
}

electra_status
weight_hashes_begin(weight_hashes *hashes, const preset_source *source, electra_error *error)
{
	size_t		files_size = (size_t) source->num_weight_files * sizeof(*hashes->files);

	memset(hashes, 0, sizeof(*hashes));
	if (source->num_weight_files == 0)
		return ELECTRA_OK;
	for (int i = 0; i < source->num_weight_files; i++)
		hashes->size += entry_size(&source->weight_files[i]);
	hashes->files = malloc(files_size);
	hashes->block = malloc(BLOCK_SIZE);
	hashes->text = hashes->entry = malloc(hashes->size);
	if (hashes->files == NULL || hashes->block == NULL || hashes->text == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	hashes->num_files = source->num_weight_files;
	memcpy(hashes->files, source->weight_files, files_size);
	qsort(hashes->files, (size_t) hashes->num_files, sizeof(*hashes->files), compare_files);
	lay_out(hashes);
	electra_sha256_init(&hashes->sha);
	return ELECTRA_OK;
}

/* The current file has been hashed: its digest into the text, and on to the next. */
static void
finish_file(weight_hashes *hashes)
{
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	electra_sha256_final(&hashes->sha, digest);
	electra_digest_to_hex(digest, hex);
	memcpy(hashes->entry, hex, DIGITS);
	hashes->entry += entry_size(&hashes->files[hashes->current]);
	hashes->current++;
	hashes->offset = 0;
	electra_sha256_init(&hashes->sha);
}

bool
weight_hashes_done(const weight_hashes *hashes)
{
	return hashes->current == hashes->num_files;
}

electra_status
weight_hashes_step(weight_hashes *hashes, electra_error *error)
{
	const source_weight_file *file = &hashes->files[hashes->current];
	uint64_t	rest;
	size_t		size;
	electra_status status;

	if (weight_hashes_done(hashes))
		return ELECTRA_OK;
	rest = file->size - hashes->offset;
	size = rest < BLOCK_SIZE ? (size_t) rest : BLOCK_SIZE;
	status = source_pread(file->fd, file->name, hashes->block, size, hashes->offset, error);
	if (status != ELECTRA_OK)
		return status;
	electra_sha256_update(&hashes->sha, hashes->block, size);
	hashes->offset += size;
	if (hashes->offset == file->size)
		finish_file(hashes);
	return ELECTRA_OK;
}

void
weight_hashes_end(weight_hashes *hashes)
{
	free(hashes->files);
	free(hashes->block);
	free(hashes->text);
}

/*
 * The zip container of a checkpoint.
 */
#include "import/torch_zip.h"

#include <stdlib.h>
#include <string.h>

#include "core/canonical_json.h"

#define END_SIZE 22				/* end of central directory, without its comment */
#define END64_SIZE 56
#define LOCATOR64_SIZE 20
#define CENTRAL_SIZE 46			/* central header, without names */
#define LOCAL_SIZE 30

#define MAX_COMMENT 65535
#define MAX_ENTRIES 100000
#define MAX_DIRECTORY (16 << 20)	/* bytes of the central directory */
#define MAX_NAME 255
#define CRC_BLOCK_SIZE (64 * 1024)

#define FLAG_ENCRYPTED (1 << 0)
#define FLAG_SIZES_BEHIND (1 << 3)	/* the local header has no sizes */
#define METHOD_STORED 0

/* A file while its directory is being read. */
typedef struct reader
{
	int			fd;
	const char *file;
	uint64_t	size;
	uint64_t	directory;		/* the central directory, in the file */
	uint64_t	directory_size;
	uint64_t	num_entries;
	electra_error *error;
} reader;

static uint16_t
get_16(const unsigned char *bytes)
{
	return (uint16_t) (bytes[0] | bytes[1] << 8);
}

static uint32_t
get_32(const unsigned char *bytes)
{
	return get_16(bytes) | (uint32_t) get_16(bytes + 2) << 16;
}

static uint64_t
get_64(const unsigned char *bytes)
{
	return get_32(bytes) | (uint64_t) get_32(bytes + 4) << 32;
}

static electra_status
fail_zip(const reader *zip, const char *why)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	electra_fail(zip->error, ELECTRA_INVALID_SOURCE, "file \"%s\" is damaged", source_quote(zip->file, quoted));
	electra_fail_detail(zip->error, "As a zip container %s.", why);
	electra_fail_hint(zip->error, "Download the file again.");
	return zip->error->status;
}

static electra_status
fail_entry(const reader *zip, const char *name, electra_status status, const char *what)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_name[SOURCE_QUOTE_SIZE];

	return electra_fail(zip->error, status, "entry \"%s\" of file \"%s\" %s", source_quote(name, quoted_name),
						source_quote(zip->file, quoted), what);
}

/* zip64's end record, for what does not fit into the ordinary one at position end. */
static electra_status
read_end64(reader *zip, uint64_t end)
{
	unsigned char locator[LOCATOR64_SIZE];
	unsigned char record[END64_SIZE];
	uint64_t	at;

	if (end < LOCATOR64_SIZE)
		return fail_zip(zip, "it lacks its zip64 record");
	if (source_pread(zip->fd, zip->file, locator, sizeof(locator), end - LOCATOR64_SIZE, zip->error) != ELECTRA_OK)
		return zip->error->status;
	at = get_64(locator + 8);
	if (memcmp(locator, "PK\6\7", 4) != 0 || end - LOCATOR64_SIZE < END64_SIZE ||
		at > end - LOCATOR64_SIZE - END64_SIZE)
		return fail_zip(zip, "it lacks its zip64 record");
	if (source_pread(zip->fd, zip->file, record, sizeof(record), at, zip->error) != ELECTRA_OK)
		return zip->error->status;
	if (memcmp(record, "PK\6\6", 4) != 0 || get_32(record + 16) != 0 || get_32(record + 20) != 0 ||
		get_64(record + 24) != get_64(record + 32))
		return fail_zip(zip, "its zip64 record is malformed");
	zip->num_entries = get_64(record + 32);
	zip->directory_size = get_64(record + 40);
	zip->directory = get_64(record + 48);
	return ELECTRA_OK;
}

/* Takes the place of the central directory from the end record at position end. */
static electra_status
read_end(reader *zip, const unsigned char *record, uint64_t end)
{
	if (get_16(record + 4) != 0 || get_16(record + 6) != 0 || get_16(record + 8) != get_16(record + 10))
		return fail_zip(zip, "it is one of several parts");
	zip->num_entries = get_16(record + 10);
	zip->directory_size = get_32(record + 12);
	zip->directory = get_32(record + 16);
	if ((zip->num_entries == UINT16_MAX || zip->directory_size == UINT32_MAX || zip->directory == UINT32_MAX) &&
		read_end64(zip, end) != ELECTRA_OK)
		return zip->error->status;
	if (zip->directory > end || zip->directory_size > end - zip->directory)
		return fail_zip(zip, "its directory lies outside");
	if (zip->num_entries > MAX_ENTRIES || zip->directory_size > MAX_DIRECTORY)
		return fail_zip(zip, "it has too many entries");
	return ELECTRA_OK;
}

/* The end record is the last one whose comment ends with the file. */
static electra_status
find_end(reader *zip)
{
	size_t		size = zip->size < END_SIZE + MAX_COMMENT ? (size_t) zip->size : END_SIZE + MAX_COMMENT;
	unsigned char *tail = malloc(size + 1);
	electra_status status;

	if (tail == NULL)
		return electra_fail(zip->error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	status = source_pread(zip->fd, zip->file, tail, size, zip->size - size, zip->error);
	if (status == ELECTRA_OK)
	{
		size_t		left = size < END_SIZE ? 0 : size - END_SIZE + 1;

		while (left > 0 && (memcmp(tail + left - 1, "PK\5\6", 4) != 0 ||
							get_16(tail + left - 1 + 20) != size - (left - 1) - END_SIZE))
			left--;
		status = left == 0 ? fail_zip(zip, "it has no end record: it is truncated") :
			read_end(zip, tail + left - 1, zip->size - size + left - 1);
	}
	free(tail);
	return status;
}

/* Relative, no "..", no control characters, UTF-8. */
static bool
is_harmless(const char *name, size_t size)
{
	if (size == 0 || size > MAX_NAME || name[0] == '/' || strlen(name) != size || strchr(name, '\\') != NULL)
		return false;
	for (const char *part = name; part != NULL;)
	{
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return false;
		part = strchr(part, '/');
		if (part != NULL)
			part++;
	}
	for (size_t i = 0; i < size; i++)
		if ((unsigned char) name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return electra_json_utf8_valid(name, size);
}

/*
 * zip64's extra field of a central header: the sizes and the offset that do
 * not fit, in this order, each only if its place says so.
 */
static bool
read_extra64(const unsigned char *extra, size_t size, uint64_t *unpacked, uint64_t *packed, uint64_t *offset)
{
	uint64_t   *fields[] = {unpacked, packed, offset};

	while (size >= 4)
	{
		size_t		length = get_16(extra + 2);
		const unsigned char *field = extra + 4;

		if (length > size - 4)
			return false;
		extra += 4 + length;
		size -= 4 + length;
		if (get_16(field - 4) != 1)
			continue;
		for (int i = 0; i < 3; i++)
		{
			if (*fields[i] != UINT32_MAX)
				continue;
			if (length < 8)
				return false;
			*fields[i] = get_64(field);
			field += 8;
			length -= 8;
		}
		return true;
	}
	return false;
}

/* The local header agrees, and tells where the data begin. */
static electra_status
read_local(const reader *zip, torch_zip_entry *entry, const unsigned char *central)
{
	unsigned char local[LOCAL_SIZE + MAX_NAME];
	size_t		name_size = strlen(entry->name);
	uint64_t	header_size;

	if (entry->header > zip->directory || zip->directory - entry->header < LOCAL_SIZE + name_size)
		return fail_entry(zip, entry->name, ELECTRA_INVALID_SOURCE, "lies outside the file");
	if (source_pread(zip->fd, zip->file, local, LOCAL_SIZE + name_size, entry->header, zip->error) != ELECTRA_OK)
		return zip->error->status;
	if (memcmp(local, "PK\3\4", 4) != 0 || get_16(local + 26) != name_size ||
		memcmp(local + LOCAL_SIZE, entry->name, name_size) != 0 || get_16(local + 6) != get_16(central + 8) ||
		get_16(local + 8) != METHOD_STORED ||
		(!(get_16(local + 6) & FLAG_SIZES_BEHIND) &&
		 (get_32(local + 14) != entry->crc || get_32(local + 18) != get_32(local + 22) ||
		  (get_32(local + 22) != UINT32_MAX && get_32(local + 22) != entry->size))))
		return fail_entry(zip, entry->name, ELECTRA_INVALID_SOURCE, "has a header that does not fit the directory");
	header_size = LOCAL_SIZE + name_size + get_16(local + 28);
	if (zip->directory - entry->header < header_size ||
		zip->directory - entry->header - header_size < entry->size)
		return fail_entry(zip, entry->name, ELECTRA_INVALID_SOURCE, "lies outside the file");
	entry->begin = entry->header + header_size;
	return ELECTRA_OK;
}

/* One central header: rest bytes of the directory are left.  *used tells how many it takes. */
static electra_status
read_entry(const reader *zip, const unsigned char *central, size_t rest, torch_zip_entry *entry, size_t *used)
{
	size_t		name_size;
	size_t		extra_size;
	uint64_t	packed;

	*used = 0;
	if (rest < CENTRAL_SIZE || memcmp(central, "PK\1\2", 4) != 0)
		return fail_zip(zip, "its directory is malformed");
	name_size = get_16(central + 28);
	extra_size = get_16(central + 30);
	*used = CENTRAL_SIZE + name_size + extra_size + get_16(central + 32);
	if (*used > rest)
		return fail_zip(zip, "its directory is malformed");
	entry->name = strndup((const char *) central + CENTRAL_SIZE, name_size);
	if (entry->name == NULL)
		return electra_fail(zip->error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	if (!is_harmless(entry->name, name_size))
		return fail_entry(zip, entry->name, ELECTRA_INVALID_SOURCE, "has a name that is not allowed");
	entry->crc = get_32(central + 16);
	entry->size = get_32(central + 24);
	entry->header = get_32(central + 42);
	packed = get_32(central + 20);
	if ((entry->size == UINT32_MAX || packed == UINT32_MAX || entry->header == UINT32_MAX) &&
		!read_extra64(central + CENTRAL_SIZE + name_size, extra_size, &entry->size, &packed, &entry->header))
		return fail_entry(zip, entry->name, ELECTRA_INVALID_SOURCE, "lacks its zip64 sizes");
	if (get_16(central + 8) & FLAG_ENCRYPTED)
		return fail_entry(zip, entry->name, ELECTRA_UNSUPPORTED, "is encrypted");
	if (get_16(central + 10) != METHOD_STORED)
	{
		fail_entry(zip, entry->name, ELECTRA_UNSUPPORTED, "is compressed");
		electra_fail_detail(zip->error, "It has %llu bytes, unpacked it would have %llu; torch.save() stores its "
							"entries as they are.", (unsigned long long) packed, (unsigned long long) entry->size);
		return zip->error->status;
	}
	if (packed != entry->size)
		return fail_entry(zip, entry->name, ELECTRA_INVALID_SOURCE, "is stored but has two sizes");
	return read_local(zip, entry, central);
}

static int
compare_places(const void *a, const void *b)
{
	const torch_zip_entry *x = a;
	const torch_zip_entry *y = b;

	if (x->header != y->header)
		return x->header < y->header ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const torch_zip_entry *) a)->name, ((const torch_zip_entry *) b)->name);
}

/* No name twice, no byte in two entries; leaves them sorted by name. */
static electra_status
check_entries(const reader *reader, torch_zip *zip)
{
	qsort(zip->entries, (size_t) zip->num_entries, sizeof(torch_zip_entry), compare_places);
	for (int i = 1; i < zip->num_entries; i++)
		if (zip->entries[i - 1].begin + zip->entries[i - 1].size > zip->entries[i].header)
			return fail_entry(reader, zip->entries[i].name, ELECTRA_INVALID_SOURCE, "overlaps another one");
	qsort(zip->entries, (size_t) zip->num_entries, sizeof(torch_zip_entry), compare_names);
	for (int i = 1; i < zip->num_entries; i++)
		if (compare_names(&zip->entries[i - 1], &zip->entries[i]) == 0)
			return fail_entry(reader, zip->entries[i].name, ELECTRA_INVALID_SOURCE, "is there twice");
	return ELECTRA_OK;
}

/* The central directory, which is in memory. */
static electra_status
read_entries(const reader *reader, const unsigned char *directory, torch_zip *zip)
{
	size_t		rest = (size_t) reader->directory_size;

	for (uint64_t i = 0; i < reader->num_entries; i++)
	{
		size_t		used;

		/* counted first: its name must be freed also when it fails */
		if (read_entry(reader, directory, rest, &zip->entries[zip->num_entries++], &used) != ELECTRA_OK)
			return reader->error->status;
		directory += used;
		rest -= used;
	}
	if (rest > 0)
		return fail_zip(reader, "its directory is malformed");
	return check_entries(reader, zip);
}

electra_status
torch_zip_open(int fd, const char *file, uint64_t size, torch_zip *zip, electra_error *error)
{
	reader		reader = {.fd = fd, .file = file, .size = size, .error = error};
	unsigned char *directory;
	electra_status status;

	memset(zip, 0, sizeof(*zip));
	zip->file = file;
	if (find_end(&reader) != ELECTRA_OK)
		return error->status;
	zip->entries = calloc((size_t) reader.num_entries + 1, sizeof(torch_zip_entry));
	directory = malloc((size_t) reader.directory_size + 1);
	if (zip->entries == NULL || directory == NULL)
	{
		free(directory);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	status = source_pread(fd, file, directory, (size_t) reader.directory_size, reader.directory, error);
	if (status == ELECTRA_OK)
		status = read_entries(&reader, directory, zip);
	free(directory);
	return status;
}

const torch_zip_entry *
torch_zip_find(const torch_zip *zip, const char *name)
{
	torch_zip_entry key = {.name = (char *) name};

	if (zip->num_entries == 0)
		return NULL;
	return bsearch(&key, zip->entries, (size_t) zip->num_entries, sizeof(torch_zip_entry), compare_names);
}

/* CRC-32 of the zip format (reflected, polynomial 0x04c11db7), four bits at a time. */
static uint32_t
update_crc(uint32_t crc, const unsigned char *bytes, size_t size)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
	};

	for (size_t i = 0; i < size; i++)
	{
		crc ^= bytes[i];
		crc = table[crc & 15] ^ crc >> 4;
		crc = table[crc & 15] ^ crc >> 4;
	}
	return crc;
}

electra_status
torch_zip_check_crc(int fd, const torch_zip *zip, const torch_zip_entry *entry, electra_error *error)
{
	const reader reader = {.fd = fd, .file = zip->file, .error = error};
	unsigned char *block = malloc(CRC_BLOCK_SIZE);
	uint32_t	crc = UINT32_MAX;

	if (block == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (uint64_t done = 0; done < entry->size;)
	{
		size_t		part = entry->size - done < CRC_BLOCK_SIZE ? (size_t) (entry->size - done) : CRC_BLOCK_SIZE;

		if (source_pread(fd, zip->file, block, part, entry->begin + done, error) != ELECTRA_OK)
		{
			free(block);
			return error->status;
		}
		crc = update_crc(crc, block, part);
		done += part;
	}
	free(block);
	if ((crc ^ UINT32_MAX) == entry->crc)
		return ELECTRA_OK;
	fail_entry(&reader, entry->name, ELECTRA_INVALID_SOURCE, "is damaged");
	electra_fail_detail(error, "Its CRC is 0x%08x, expected 0x%08x.", crc ^ UINT32_MAX, entry->crc);
	electra_fail_hint(error, "Download the file again.");
	return error->status;
}

void
torch_zip_close(torch_zip *zip)
{
	for (int i = 0; i < zip->num_entries; i++)
		free(zip->entries[i].name);
	free(zip->entries);
	memset(zip, 0, sizeof(*zip));
}

/*
 * HDF5 files: the structure through the HDF5 library, the elements past it.
 */
#define H5_USE_110_API			/* newer libraries still have it */

#include "import/hdf5_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hdf5.h>

#include "core/canonical_json.h"
#include "import/element_reader.h"

#define MAX_PATH 512			/* of a dataset */
#define MAX_DEPTH 16			/* of groups; Keras has 5 */
#define MAX_OBJECTS 100000
#define MAX_STRING 64			/* of the attribute dtype */

static const unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/* A group on the way down. */
typedef struct walk
{
	hdf5_file  *file;
	char		path[MAX_PATH]; /* of the group */
	haddr_t		groups[MAX_DEPTH];	/* from the root to it */
	int			depth;
	int			num_objects;
	electra_error *error;
	bool		failed;			/* error is set by us, not by the library */
} walk;

/* The library's innermost message about the call that just failed. */
static herr_t
take_message(unsigned number, const H5E_error2_t *entry, void *context)
{
	char	   *message = context;

	if (number == 0 && entry->desc != NULL && electra_json_utf8_valid(entry->desc, strlen(entry->desc)))
		source_quote(entry->desc, message);
	return 0;
}

/* To be called before the library is called again: that forgets the message. */
static electra_status
fail_library(const hdf5_file *file, electra_error *error)
{
	char		message[SOURCE_QUOTE_SIZE] = "";
	char		quoted[SOURCE_QUOTE_SIZE];

	H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_message, message);
	electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is damaged, or no file that HDF5 can read",
				 source_quote(file->name, quoted));
	if (message[0] != '\0')
		electra_fail_detail(error, "The HDF5 library says: %s.", message);
	electra_fail_hint(error, "Download it again.");
	return error->status;
}

/* Names an object in an error; hint and detail are the caller's. */
static electra_status
fail_object(walk *walk, electra_status status, const char *what, const char *path, const char *problem)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_file[SOURCE_QUOTE_SIZE];

	walk->failed = true;
	return electra_fail(walk->error, status, "%s \"%s\" in file \"%s\" %s", what, source_quote(path, quoted),
						source_quote(walk->file->name, quoted_file), problem);
}

/* Where the library failed below an object. */
static electra_status
fail_below(walk *walk)
{
	if (!walk->failed)
	{
		walk->failed = true;
		fail_library(walk->file, walk->error);
	}
	return walk->error->status;
}

/* Floating-point formats by their fields. */
static bool
match_float(hid_t type, hdf5_dataset *dataset)
{
	static const struct
	{
		size_t		size;
		size_t		exponent_bits;
		size_t		fraction_bits;
		size_t		bias;
		electra_dtype dtype;
	}			formats[] = {
		{4, 8, 23, 127, ELECTRA_F32},
		{2, 5, 10, 15, ELECTRA_F16},
		{2, 8, 7, 127, ELECTRA_BF16},
		{8, 11, 52, 1023, ELECTRA_F64},
	};
	size_t		sign;
	size_t		exponent;
	size_t		exponent_bits;
	size_t		fraction;
	size_t		fraction_bits;

	if (H5Tget_order(type) != H5T_ORDER_LE || H5Tget_norm(type) != H5T_NORM_IMPLIED ||
		H5Tget_fields(type, &sign, &exponent, &exponent_bits, &fraction, &fraction_bits) < 0)
		return false;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
	{
		if (H5Tget_size(type) == formats[i].size && exponent_bits == formats[i].exponent_bits &&
			fraction_bits == formats[i].fraction_bits && H5Tget_ebias(type) == formats[i].bias &&
			H5Tget_precision(type) == 8 * formats[i].size && H5Tget_offset(type) == 0 &&
			fraction == 0 && exponent == fraction_bits && sign == exponent + exponent_bits)
		{
			dataset->dtype = formats[i].dtype;
			dataset->dtype_name = electra_dtype_name(dataset->dtype);
			return true;
		}
	}
	return false;
}

/* The text of an attribute of one string; false if it is anything else. */
static bool
read_string(hid_t attribute, hid_t type, hid_t space, char text[MAX_STRING + 1])
{
	char	   *variable = NULL;
	bool		found = false;

	memset(text, 0, MAX_STRING + 1);
	if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1)
		return false;
	if (H5Tis_variable_str(type) > 0)
	{
		if (H5Aread(attribute, type, &variable) >= 0 && variable != NULL)
		{
			found = strlen(variable) <= MAX_STRING;
			if (found)
				strcpy(text, variable);
		}
		H5free_memory(variable);
		return found;
	}
	return H5Tget_size(type) <= MAX_STRING && H5Aread(attribute, type, text) >= 0;
}

/* Has the dataset the attribute dtype = "bfloat16"? */
static bool
is_bfloat16(hid_t id)
{
	char		text[MAX_STRING + 1] = "";
	hid_t		attribute = H5Aexists(id, "dtype") > 0 ? H5Aopen(id, "dtype", H5P_DEFAULT) : -1;
	hid_t		type;
	hid_t		space;
	bool		found;

	if (attribute < 0)
		return false;
	type = H5Aget_type(attribute);
	space = H5Aget_space(attribute);
	found = type >= 0 && space >= 0 && read_string(attribute, type, space, text) &&
		strcmp(text, "bfloat16") == 0;
	if (type >= 0)
		H5Tclose(type);
	if (space >= 0)
		H5Sclose(space);
	H5Aclose(attribute);
	return found;
}

/* dtype, readable and dtype_name of a dataset; *size receives that of an element. */
static electra_status
read_type(walk *walk, hid_t id, hdf5_dataset *dataset, size_t *size)
{
	hid_t		type = H5Dget_type(id);
	H5T_class_t class;

	if (type < 0)
		return fail_below(walk);
	class = H5Tget_class(type);
	*size = H5Tget_size(type);
	dataset->dtype_name = "a type of its own";
	if (class == H5T_FLOAT)
	{
		dataset->readable = match_float(type, dataset);
		if (!dataset->readable)
			dataset->dtype_name = H5Tget_order(type) == H5T_ORDER_BE ? "a big-endian float" : "another float";
	}
	else if (class == H5T_OPAQUE && *size == 2 && is_bfloat16(id))
	{
		dataset->readable = true;
		dataset->dtype = ELECTRA_BF16;
		dataset->dtype_name = electra_dtype_name(ELECTRA_BF16);
	}
	else if (class == H5T_INTEGER)
		dataset->dtype_name = "an integer";
	else if (class == H5T_STRING)
		dataset->dtype_name = "a string";
	else if (class == H5T_OPAQUE)
		dataset->dtype_name = "opaque bytes";
	H5Tclose(type);
	return ELECTRA_OK;
}

/* Only elements that lie in one piece in this file are read. */
static electra_status
check_layout(walk *walk, hid_t id, const char *path)
{
	hid_t		plist = H5Dget_create_plist(id);
	H5D_layout_t layout;
	int			external;

	if (plist < 0)
		return fail_below(walk);
	layout = H5Pget_layout(plist);
	external = H5Pget_external_count(plist);
	H5Pclose(plist);

	if (layout == H5D_VIRTUAL)
		return fail_object(walk, ELECTRA_INVALID_SOURCE, "dataset", path, "is virtual, a view of other files");
	if (external != 0)
		return fail_object(walk, ELECTRA_INVALID_SOURCE, "dataset", path, "keeps its data in another file");
	if (layout != H5D_CONTIGUOUS)
	{
		fail_object(walk, ELECTRA_UNSUPPORTED, "dataset", path,
					layout == H5D_CHUNKED ? "is stored in chunks" : "is stored inside its header");
		electra_fail_detail(walk->error, "Keras stores weights uncompressed and in one piece.");
		electra_fail_hint(walk->error, "Convert the file with \"h5repack -f NONE -l CONTI OLD NEW\".");
		return walk->error->status;
	}
	return ELECTRA_OK;
}

/* rank and shape; *elements receives the product. */
static electra_status
read_shape(walk *walk, hid_t id, hdf5_dataset *dataset, uint64_t *elements)
{
	hsize_t		extents[H5S_MAX_RANK];
	hid_t		space = H5Dget_space(id);
	H5S_class_t class;
	int			rank;

	if (space < 0)
		return fail_below(walk);
	class = H5Sget_simple_extent_type(space);
	rank = H5Sget_simple_extent_dims(space, extents, NULL);
	H5Sclose(space);
	if (class == H5S_NULL)
		return fail_object(walk, ELECTRA_INVALID_SOURCE, "dataset", dataset->path, "is empty");
	if (rank < 0 || rank > FOREIGN_MAX_RANK)
		return fail_object(walk, ELECTRA_INVALID_SOURCE, "dataset", dataset->path, "has too many dimensions");
	dataset->rank = rank;
	*elements = 1;
	for (int i = 0; i < rank; i++)
	{
		/* 8 bytes an element, and the sum stays an int64 */
		if (extents[i] > 0 && *elements > (uint64_t) INT64_MAX / 16 / extents[i])
			return fail_object(walk, ELECTRA_INVALID_SOURCE, "dataset", dataset->path, "is too large");
		*elements *= extents[i];
		dataset->shape[i] = (int64_t) extents[i];
	}
	return ELECTRA_OK;
}

/* Where the elements lie; what is declared must be there. */
static electra_status
find_elements(walk *walk, hid_t id, hdf5_dataset *dataset, uint64_t elements, size_t size)
{
	uint64_t	declared = elements * size;
	haddr_t		offset;

	if (!dataset->readable || elements == 0)
		return ELECTRA_OK;
	offset = H5Dget_offset(id);
	if (offset == HADDR_UNDEF)
	{
		fail_object(walk, ELECTRA_INVALID_SOURCE, "dataset", dataset->path, "holds no data");
		electra_fail_detail(walk->error, "It declares %llu bytes, none of which are stored.",
							(unsigned long long) declared);
		return walk->error->status;
	}
	if (offset > walk->file->size || declared > walk->file->size - offset)
	{
		fail_object(walk, ELECTRA_INVALID_SOURCE, "dataset", dataset->path, "lies outside the file");
		electra_fail_detail(walk->error, "It has %llu bytes at offset %llu, the file has %llu bytes.",
							(unsigned long long) declared, (unsigned long long) offset,
							(unsigned long long) walk->file->size);
		return walk->error->status;
	}
	dataset->offset = offset;
	return ELECTRA_OK;
}

/* Appends an empty entry; NULL when there is no memory. */
static hdf5_dataset *
append_dataset(hdf5_file *file, const char *path)
{
	hdf5_dataset *added;

	if (file->num_datasets == file->capacity)
	{
		int			capacity = file->capacity == 0 ? 256 : 2 * file->capacity;
		hdf5_dataset *grown = realloc(file->datasets, (size_t) capacity * sizeof(hdf5_dataset));

		if (grown == NULL)
			return NULL;
		file->datasets = grown;
		file->capacity = capacity;
	}
	added = &file->datasets[file->num_datasets];
	memset(added, 0, sizeof(*added));
	added->path = strdup(path);
	if (added->path == NULL)
		return NULL;
	file->num_datasets++;
	return added;
}

static electra_status
add_dataset(walk *walk, hid_t id, const char *path)
{
	hdf5_dataset *dataset;
	uint64_t	elements = 0;
	size_t		size = 0;

	/* the layout first: even the shape of a virtual dataset may lie elsewhere */
	if (check_layout(walk, id, path) != ELECTRA_OK)
		return walk->error->status;
	dataset = append_dataset(walk->file, path);
	if (dataset == NULL)
	{
		walk->failed = true;
		return electra_fail(walk->error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	if (read_shape(walk, id, dataset, &elements) != ELECTRA_OK ||
		read_type(walk, id, dataset, &size) != ELECTRA_OK)
		return walk->error->status;
	return find_elements(walk, id, dataset, elements, size);
}

static electra_status walk_group(walk *walk, hid_t group, haddr_t address);

/* A group or dataset behind a hard link; path is its own. */
static electra_status
visit_object(walk *walk, hid_t group, haddr_t address, const char *path)
{
	hid_t		object;
	H5I_type_t	kind;
	electra_status status;

	if (++walk->num_objects > MAX_OBJECTS)
		return fail_object(walk, ELECTRA_INVALID_SOURCE, "group", walk->path, "holds too many objects");
	/* by address: two links of one name could lead to different objects */
	object = H5Oopen_by_addr(group, address);
	if (object < 0)
		return fail_below(walk);
	kind = H5Iget_type(object);
	if (kind == H5I_DATASET)
		status = add_dataset(walk, object, path);
	else if (kind == H5I_GROUP)
	{
		size_t		length = strlen(walk->path);

		strcpy(walk->path, path);
		status = walk_group(walk, object, address);
		walk->path[length] = '\0';
	}
	else
		status = fail_object(walk, ELECTRA_INVALID_SOURCE, "object", path, "is neither a group nor a dataset");
	H5Oclose(object);
	return status;
}

/* operator of H5Literate: one link of a group; negative ends it. */
static herr_t
visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
	walk	   *walk = context;
	char		path[MAX_PATH];
	int			size = snprintf(path, sizeof(path), "%s%s%s", walk->path, walk->path[0] != '\0' ? "/" : "", name);

	if (size < 0 || size >= (int) sizeof(path) || name[0] == '\0' || strchr(name, '/') != NULL ||
		!electra_json_utf8_valid(name, strlen(name)))
		fail_object(walk, ELECTRA_INVALID_SOURCE, "group", walk->path, "has a link with an impossible name");
	else if (info->type == H5L_TYPE_SOFT)
		fail_object(walk, ELECTRA_INVALID_SOURCE, "link", path, "is a soft link");
	else if (info->type == H5L_TYPE_EXTERNAL)
		fail_object(walk, ELECTRA_INVALID_SOURCE, "link", path, "leads to another file");
	else if (info->type != H5L_TYPE_HARD)
		fail_object(walk, ELECTRA_INVALID_SOURCE, "link", path, "is of an unknown kind");
	else
		visit_object(walk, group, info->u.address, path);
	return walk->failed ? -1 : 0;
}

/* All that lies below a group, which has this address. */
static electra_status
walk_group(walk *walk, hid_t group, haddr_t address)
{
	hsize_t		position = 0;

	for (int i = 0; i < walk->depth; i++)
		if (walk->groups[i] == address)
			return fail_object(walk, ELECTRA_INVALID_SOURCE, "group", walk->path, "lies inside itself");
	if (walk->depth == MAX_DEPTH)
		return fail_object(walk, ELECTRA_INVALID_SOURCE, "group", walk->path, "is nested too deeply");
	walk->groups[walk->depth++] = address;
	if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, visit_link, walk) < 0)
		return fail_below(walk);
	walk->depth--;
	return ELECTRA_OK;
}

/* Everything below the root of an opened file. */
static electra_status
list_datasets(hdf5_file *file, hid_t id, electra_error *error)
{
	walk		walk;
	hid_t		root;
	H5O_info_t	info;
	electra_status status;

	memset(&walk, 0, sizeof(walk));
	walk.file = file;
	walk.error = error;
	root = H5Gopen2(id, "/", H5P_DEFAULT);
	if (root < 0)
		return fail_below(&walk);
	status = H5Oget_info(root, &info) < 0 ? fail_below(&walk) : walk_group(&walk, root, info.addr);
	H5Gclose(root);
	return status;
}

/* Is what the library has opened by name the file that we have hashed? */
static bool
same_file(hid_t id, int fd)
{
	void	   *handle = NULL;
	struct stat ours;
	struct stat theirs;

	return H5Fget_vfd_handle(id, H5P_DEFAULT, &handle) >= 0 && handle != NULL &&
		fstat(fd, &ours) == 0 && fstat(*(int *) handle, &theirs) == 0 &&
		ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* How the library reaches a file: plain reads, no locks, nothing left open. */
static hid_t
access_plist(void)
{
	hid_t		plist = H5Pcreate(H5P_FILE_ACCESS);

	if (plist < 0)
		return plist;
	if (H5Pset_fapl_sec2(plist) < 0 || H5Pset_fclose_degree(plist, H5F_CLOSE_STRONG) < 0
#if H5_VERSION_GE(1, 10, 7)
		|| H5Pset_file_locking(plist, 0, 1) < 0
#endif
		)
	{
		H5Pclose(plist);
		return -1;
	}
	return plist;
}

/* Opens the file with the library, lists it, closes it. */
static electra_status
read_structure(hdf5_file *file, const char *path, electra_error *error)
{
	hid_t		plist;
	hid_t		id;
	electra_status status;

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);	/* no messages on standard error */
	H5PLset_loading_state(0);	/* no plugins, whatever a file asks for */
#if !H5_VERSION_GE(1, 10, 7)
	setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);	/* access_plist() cannot */
#endif
	plist = access_plist();
	if (plist < 0)
		return fail_library(file, error);
	id = H5Fopen(path, H5F_ACC_RDONLY, plist);
	if (id < 0)
		status = fail_library(file, error);
	else if (!same_file(id, file->fd))
		status = electra_fail(error, ELECTRA_IO_ERROR, "file \"%s\" was replaced while it was read", file->name);
	else
		status = list_datasets(file, id, error);
	if (id >= 0)
		H5Fclose(id);
	H5Pclose(plist);
	return status;
}

electra_status
hdf5_file_open(const source_directory *directory, const char *name, hdf5_file *file, electra_error *error)
{
	char		path[SOURCE_MAX_PATH];
	char		start[64];		/* a git-lfs pointer is known by less */
	char		quoted[SOURCE_QUOTE_SIZE];
	size_t		start_size;

	memset(file, 0, sizeof(*file));
	file->fd = -1;
	file->name = strdup(name);
	if (file->name == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	if (source_file_path(directory, name, path, error) != ELECTRA_OK ||
		source_file_open(directory, name, &file->fd, &file->size, error) != ELECTRA_OK)
		return error->status;
	start_size = file->size < sizeof(start) ? (size_t) file->size : sizeof(start);
	if (source_pread(file->fd, name, start, start_size, 0, error) != ELECTRA_OK ||
		source_refuse_lfs_pointer(name, start, start_size, error) != ELECTRA_OK)
		return error->status;
	if (start_size < sizeof(signature) || memcmp(start, signature, sizeof(signature)) != 0)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is not an HDF5 file", source_quote(name, quoted));
		electra_fail_hint(error, "Download it again.");
		return error->status;
	}
	if (preset_source_note_weights(directory->source, name, file->fd, file->size, error) != ELECTRA_OK)
		return error->status;
	return read_structure(file, path, error);
}

electra_status
hdf5_file_read(const hdf5_file *file, const hdf5_dataset *dataset, int64_t first, int64_t count,
			   float *values, electra_error *error)
{
	uint64_t	position = dataset->offset + (uint64_t) first * electra_dtype_size(dataset->dtype);

	return element_read(file->fd, file->name, dataset->dtype, position, count, values, error);
}

void
hdf5_file_close(hdf5_file *file)
{
	/* a file that was never opened is all zero; descriptor 0 is never ours */
	if (file->name != NULL && file->fd >= 0)
		close(file->fd);
	for (int i = 0; i < file->num_datasets; i++)
		free(file->datasets[i].path);
	free(file->datasets);
	free(file->name);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}

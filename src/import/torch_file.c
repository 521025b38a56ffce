/*
 * Reader of PyTorch checkpoints.
 */
#include "import/torch_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/element_reader.h"
#include "import/tensor_collection.h"
#include "import/torch_container.h"

#define START_SIZE 264			/* until behind the signature of tar */
#define TAR_SIGNATURE_AT 257
#define COLUMN_BLOCK 4096		/* elements of one column that are read at once */

/* A matrix as torch_read sees it; vectors are matrices of one row. */
typedef struct layout
{
	int64_t		rows;
	int64_t		columns;
	int64_t		row_stride;		/* in elements */
	int64_t		column_stride;
} layout;

static layout
tensor_layout(const torch_tensor *tensor)
{
	layout		result = {1, 1, 1, 1};

	if (tensor->rank == 2)
	{
		result.rows = tensor->shape[0];
		result.row_stride = tensor->stride[0];
	}
	if (tensor->rank > 0)
	{
		result.columns = tensor->shape[tensor->rank - 1];
		result.column_stride = tensor->stride[tensor->rank - 1];
	}
	/* the stride of a dimension of size 1 means nothing */
	if (result.columns <= 1)
		result.column_stride = 1;
	if (result.rows <= 1)
		result.row_stride = result.column_stride == 1 ? result.columns : 1;
	return result;
}

/* ---- opening -------------------------------------------------------------- */

static electra_status
fail_tensor(const torch_file *file, const torch_tensor *tensor, electra_status status, const char *what,
			electra_error *error)
{
	return foreign_tensor_fail(error, status, tensor->name, file->name, what);
}

/* Can torch_read follow the strides? */
static electra_status
check_strides(const torch_file *file, const torch_tensor *tensor, electra_error *error)
{
	layout		layout = tensor_layout(tensor);
	char		shape[FOREIGN_SHAPE_SIZE];
	char		stride[FOREIGN_SHAPE_SIZE];

	if (!tensor->readable || tensor->rank > 2 || layout.column_stride == 1 || layout.row_stride == 1)
		return ELECTRA_OK;
	fail_tensor(file, tensor, ELECTRA_UNSUPPORTED, "has strides that are not supported", error);
	electra_fail_detail(error, "Its shape is %s, its strides are %s; rows or columns must lie together.",
						foreign_shape(tensor->shape, tensor->rank, shape),
						foreign_shape(tensor->stride, tensor->rank, stride));
	electra_fail_hint(error, "Save the tensor with .contiguous().");
	return error->status;
}

/* Lies the tensor, from element offset of a view on, inside that view? */
static bool
fits_view(const torch_tensor *tensor, int64_t offset, const torch_storage_view *view)
{
	int64_t		last = offset;
	int64_t		count = 1;

	for (int i = 0; i < tensor->rank; i++)
	{
		int64_t		extent = tensor->shape[i];
		int64_t		step;

		if (__builtin_mul_overflow(count, extent, &count))
			return false;
		if (extent > 0 && (__builtin_mul_overflow(extent - 1, tensor->stride[i], &step) ||
						   __builtin_add_overflow(last, step, &last)))
			return false;
	}
	return count == 0 ? offset <= view->count : last < view->count;
}

/* Describes one entry of the state_dict. */
static electra_status
make_tensor(const torch_file *file, const torch_content *content, const torch_value *name,
			const torch_value *value, torch_tensor *tensor, electra_error *error)
{
	const torch_value *size = value->items[TORCH_TENSOR_SIZE];
	const torch_value *stride = value->items[TORCH_TENSOR_STRIDE];
	int64_t		offset = value->items[TORCH_TENSOR_OFFSET]->integer;
	torch_storage_view view = torch_storage_of(value->items[TORCH_TENSOR_STORAGE]);
	char		shape[FOREIGN_SHAPE_SIZE];

	tensor->file = file;
	tensor->name = strdup(name->text);
	if (tensor->name == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	tensor->dtype_name = view.type->dtype_name;
	tensor->readable = view.type->readable;
	tensor->dtype = view.type->dtype;
	if (size->count > TORCH_MAX_RANK)
	{
		fail_tensor(file, tensor, ELECTRA_INVALID_SOURCE, "has too many dimensions", error);
		electra_fail_detail(error, "It has %d; at most %d are read.", size->count, TORCH_MAX_RANK);
		return error->status;
	}
	tensor->rank = size->count;
	for (int i = 0; i < tensor->rank; i++)
	{
		tensor->shape[i] = size->items[i]->integer;
		tensor->stride[i] = stride->items[i]->integer;
	}
	if (!fits_view(tensor, offset, &view))
	{
		fail_tensor(file, tensor, ELECTRA_INVALID_SOURCE, "leaves its storage", error);
		electra_fail_detail(error, "Its shape is %s from element %lld on, the storage has %lld elements.",
							foreign_shape(tensor->shape, tensor->rank, shape), (long long) offset,
							(long long) view.count);
		return error->status;
	}
	/* no overflow: both lie inside the storage */
	tensor->begin = torch_storages_find(&content->storages, view.key)->begin +
		(uint64_t) (view.first + offset) * (uint64_t) view.type->width;
	return check_strides(file, tensor, error);
}

static electra_status
make_tensors(torch_file *file, const torch_content *content, electra_error *error)
{
	const torch_value *root = content->root;

	file->tensors = calloc((size_t) root->count / 2 + 1, sizeof(torch_tensor));
	if (file->tensors == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (int i = 0; i < root->count; i += 2)
		/* counted first: its name must be freed also when it fails */
		if (make_tensor(file, content, root->items[i], root->items[i + 1], &file->tensors[file->num_tensors++],
						error) != ELECTRA_OK)
			return error->status;
	return ELECTRA_OK;
}

/* Neither container. */
static electra_status
refuse_format(const char *name, const unsigned char *start, size_t size, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	electra_fail(error, ELECTRA_UNSUPPORTED, "file \"%s\" is not a checkpoint of torch.save()",
				 source_quote(name, quoted));
	if (size > TAR_SIGNATURE_AT + 5 && memcmp(start + TAR_SIGNATURE_AT, "ustar", 5) == 0)
		electra_fail_detail(error, "It is a tar archive, as torch wrote before 0.1.10.");
	else
		electra_fail_detail(error, "It begins neither as a zip container nor as a pickle.");
	electra_fail_hint(error, "Download the file again, or save the model with transformers' save_pretrained().");
	return error->status;
}

/* Which container is it? */
static electra_status
read_content(torch_content *content, electra_error *error)
{
	unsigned char start[START_SIZE];
	size_t		size = content->size < sizeof(start) ? (size_t) content->size : sizeof(start);

	if (source_pread(content->fd, content->file, start, size, 0, error) != ELECTRA_OK ||
		source_refuse_lfs_pointer(content->file, start, size, error) != ELECTRA_OK)
		return error->status;
	if (size >= 4 && memcmp(start, "PK\3\4", 4) == 0)
		return torch_archive_read(content, error);
	/* PROTO, the first opcode of every pickle since protocol 2 */
	if (size >= 1 && start[0] == 0x80)
		return torch_legacy_read(content, error);
	return refuse_format(content->file, start, size, error);
}

electra_status
torch_parse(int fd, uint64_t size, const char *name, torch_file *file, electra_error *error)
{
	torch_content content;
	electra_status status;

	memset(file, 0, sizeof(*file));
	memset(&content, 0, sizeof(content));
	file->fd = fd;
	file->name = strdup(name);
	if (file->name == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	content.fd = fd;
	content.file = name;
	content.size = size;
	status = read_content(&content, error);
	if (status == ELECTRA_OK)
		status = make_tensors(file, &content, error);
	torch_storages_free(&content.storages);
	torch_values_free(&content.values);
	return status;
}

electra_status
torch_open(const source_directory *directory, const char *name, torch_file *file, electra_error *error)
{
	uint64_t	size;
	int			fd;

	memset(file, 0, sizeof(*file));
	file->fd = -1;
	if (source_file_open(directory, name, &fd, &size, error) != ELECTRA_OK ||
		torch_parse(fd, size, name, file, error) != ELECTRA_OK)
		return error->status;
	return preset_source_note_weights(directory->source, name, fd, size, error);
}

/* ---- reading -------------------------------------------------------------- */

/* A block of rows and columns whose columns lie together: a read for each column. */
static electra_status
read_columns(const torch_tensor *tensor, const layout *layout, int64_t row, int64_t rows /* ≤ COLUMN_BLOCK */ ,
			 int64_t column, int64_t columns, float *values /* (rows, columns) */ , electra_error *error)
{
	const uint64_t width = electra_dtype_size(tensor->dtype);
	float		block[COLUMN_BLOCK];

	for (int64_t j = 0; j < columns; j++)
	{
		uint64_t	element = (uint64_t) (row * layout->row_stride + (column + j) * layout->column_stride);

		if (element_read(tensor->file->fd, tensor->file->name, tensor->dtype, tensor->begin + element * width,
						 rows, block, error) != ELECTRA_OK)
			return error->status;
		for (int64_t i = 0; i < rows; i++)
			values[i * columns + j] = block[i];
	}
	return ELECTRA_OK;
}

/* Part of one row whose elements lie together. */
static electra_status
read_row(const torch_tensor *tensor, const layout *layout, int64_t row, int64_t column, int64_t count,
		 float *values, electra_error *error)
{
	uint64_t	element = (uint64_t) (row * layout->row_stride + column);

	return element_read(tensor->file->fd, tensor->file->name, tensor->dtype,
						tensor->begin + element * electra_dtype_size(tensor->dtype), count, values, error);
}

electra_status
torch_read(const torch_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	const layout layout = tensor_layout(tensor);

	if (layout.column_stride == 1 && layout.row_stride == layout.columns)
		return read_row(tensor, &layout, 0, first, count, values, error);
	while (count > 0)
	{
		int64_t		row = first / layout.columns;
		int64_t		column = first % layout.columns;
		int64_t		rows = 1;
		int64_t		columns = layout.columns - column < count ? layout.columns - column : count;
		electra_status status;

		if (layout.column_stride == 1)
			status = read_row(tensor, &layout, row, column, columns, values, error);
		else
		{
			/* as many whole rows as there are and as fit */
			if (column == 0 && columns == layout.columns)
				rows = count / columns < COLUMN_BLOCK ? count / columns : COLUMN_BLOCK;
			status = read_columns(tensor, &layout, row, rows, column, columns, values, error);
		}
		if (status != ELECTRA_OK)
			return status;
		first += rows * columns;
		count -= rows * columns;
		values += rows * columns;
	}
	return ELECTRA_OK;
}

void
torch_close(torch_file *file)
{
	for (int i = 0; i < file->num_tensors; i++)
		free(file->tensors[i].name);
	free(file->tensors);
	free(file->name);
	if (file->fd >= 0)
		close(file->fd);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}

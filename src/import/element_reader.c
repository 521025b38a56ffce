/*
 * The elements of tensors that lie in a file as they are.
 */
#include "import/element_reader.h"

#include "core/widen.h"

#define READ_BLOCK_SIZE (64 * 1024)

electra_status
element_read(int fd, const char *name, electra_dtype dtype, uint64_t position, int64_t count,
			 float *values, electra_error *error)
{
	unsigned char block[READ_BLOCK_SIZE];
	size_t		width = electra_dtype_size(dtype);

	while (count > 0)
	{
		size_t		part = READ_BLOCK_SIZE / width;

		if ((uint64_t) count < part)
			part = (size_t) count;
		if (source_pread(fd, name, block, part * width, position, error) != ELECTRA_OK)
			return error->status;
		electra_widen(dtype, block, part, values);
		values += part;
		count -= (int64_t) part;
		position += part * width;
	}
	return ELECTRA_OK;
}

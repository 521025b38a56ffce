/*
 * libFuzzer over the header reader of foreign safetensors files.
 *
 * The first eight bytes of the input are the size of the data that the header
 * claims to describe, the rest is the header.  What is accepted must be
 * consistent: sorted, contiguous, and every size as shape and dtype say.
 */
#include "import/safetensors.h"
#include "import/tensor_collection.h"

#include <stdlib.h>
#include <string.h>

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks again what safetensors_parse_header promises. */
static void
check(const safetensors_file *file, uint64_t data_size)
{
	uint64_t	position = 0;

	for (int i = 0; i < file->num_tensors; i++)
	{
		const safetensors_tensor *tensor = &file->tensors[i];
		uint64_t	count = 1;
		char		shape[FOREIGN_SHAPE_SIZE];

		if (tensor->begin != position || tensor->end < tensor->begin)
			abort();
		position = tensor->end;
		for (int j = 0; j < tensor->rank; j++)
			count *= (uint64_t) tensor->shape[j];
		if (tensor->readable && count * electra_dtype_size(tensor->dtype) != tensor->end - tensor->begin)
			abort();
		if (strlen(foreign_shape(tensor->shape, tensor->rank, shape)) >= FOREIGN_SHAPE_SIZE)
			abort();
	}
	if (position != data_size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	safetensors_file file;
	electra_error error;
	uint64_t	data_size;
	electra_status status;

	if (size < sizeof(data_size))
		return 0;
	memcpy(&data_size, data, sizeof(data_size));
	status = safetensors_parse_header((const char *) data + sizeof(data_size), size - sizeof(data_size),
									  data_size, "fuzz.safetensors", &file, &error);
	if (status == ELECTRA_OK)
		check(&file, data_size);
	else if (error.status != status || error.message[0] == '\0')
		abort();
	safetensors_close(&file);
	return 0;
}

/*
 * libFuzzer: arbitrary bytes as a PyTorch checkpoint, and as a pickle alone
 * (in a zip container a CRC would keep changed ones away).
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc … fuzz_torch.c and the sources of src/core and src/import
 *
 * Whatever is accepted lies inside the file, and can be read.
 */
#include "import/torch_file.h"
#include "import/torch_pickle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_READ 4096			/* elements of one tensor */

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a file. */
static int
make_file(const uint8_t *data, size_t size)
{
	int			fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t) size)
		abort();
	return fd;
}

/* A failure says what it is. */
static void
check_error(electra_status status, const electra_error *error)
{
	if (status != ELECTRA_OK && (error->status != status || error->message[0] == '\0'))
		abort();
}

static void
check_tensor(const torch_tensor *tensor, uint64_t size)
{
	float		values[MAX_READ];
	int64_t		count = 1;
	electra_error error;

	if (tensor->rank > TORCH_MAX_RANK)
		abort();
	for (int i = 0; i < tensor->rank; i++)
		if (tensor->shape[i] < 0 || __builtin_mul_overflow(count, tensor->shape[i], &count))
			abort();
	if (count == 0 || tensor->rank > 2 || !tensor->readable)
		return;
	if (tensor->begin > size)
		abort();
	/* beginning and end */
	if (torch_read(tensor, 0, count < MAX_READ ? count : MAX_READ, values, &error) != ELECTRA_OK ||
		torch_read(tensor, count - 1, 1, values, &error) != ELECTRA_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int			fd = make_file(data, size);
	torch_values values;
	torch_value *root;
	torch_input input;
	torch_file	file;
	electra_error error;
	electra_status status;

	memset(&values, 0, sizeof(values));
	torch_input_init(&input, fd, "fuzz.bin", 0, size);
	status = torch_pickle_read(&input, &values, &root, &error);
	check_error(status, &error);
	torch_values_free(&values);

	status = torch_parse(fd, size, "fuzz.bin", &file, &error);
	check_error(status, &error);
	for (int i = 0; status == ELECTRA_OK && i < file.num_tensors; i++)
		check_tensor(&file.tensors[i], size);
	torch_close(&file);
	return 0;
}

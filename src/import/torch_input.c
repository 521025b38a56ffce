/*
 * A part of a file, read front to back through a small window.
 */
#include "import/torch_input.h"

#include <string.h>

void
torch_input_init(torch_input *input, int fd, const char *name, uint64_t begin, uint64_t end)
{
	input->fd = fd;
	input->name = name;
	input->position = begin;
	input->end = end;
	input->window_begin = begin;
	input->window_size = 0;
}

electra_status
torch_input_read(torch_input *input, void *buffer, size_t size, electra_error *error)
{
	char	   *to = buffer;
	char		quoted[SOURCE_QUOTE_SIZE];

	if (size > input->end - input->position)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is truncated",
					 source_quote(input->name, quoted));
		electra_fail_detail(error, "At byte %llu %zu bytes are expected, there are %llu.",
							(unsigned long long) input->position, size,
							(unsigned long long) (input->end - input->position));
		electra_fail_hint(error, "Download the file again.");
		return error->status;
	}
	while (size > 0)
	{
		size_t		at = (size_t) (input->position - input->window_begin);
		size_t		part;

		if (at == input->window_size)
		{
			uint64_t	rest = input->end - input->position;

			part = rest < sizeof(input->window) ? (size_t) rest : sizeof(input->window);
			if (source_pread(input->fd, input->name, input->window, part, input->position,
							 error) != ELECTRA_OK)
				return error->status;
			input->window_begin = input->position;
			input->window_size = part;
			at = 0;
		}
		part = input->window_size - at < size ? input->window_size - at : size;
		memcpy(to, input->window + at, part);
		input->position += part;
		to += part;
		size -= part;
	}
	return ELECTRA_OK;
}

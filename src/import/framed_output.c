/*
 * Frames on a file descriptor.
 */
#include "import/framed_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
framed_output_init(framed_output *output, int fd)
{
	output->fd = fd;
	output->filled = 0;
	output->sent_data = false;
}

/* Writes all bytes; SIGPIPE is ignored, so that a reader who has gone is an error. */
static electra_status
write_all(int fd, const void *data, size_t size, electra_error *error)
{
	const char *bytes = data;

	while (size > 0)
	{
		ssize_t		written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return electra_fail(error, ELECTRA_IO_ERROR, "could not write the archive: %s", strerror(errno));
		bytes += written;
		size -= (size_t) written;
	}
	return ELECTRA_OK;
}

static electra_status
write_frame(framed_output *output, char type, const void *payload, size_t size, electra_error *error)
{
	char		header[ELECTRA_FRAME_HEADER_SIZE] = {type};
	electra_status status;

	for (int i = 0; i < 4; i++)
		header[1 + i] = (char) (size >> 8 * i & 0xff);
	status = write_all(output->fd, header, sizeof(header), error);
	if (status != ELECTRA_OK)
		return status;
	return write_all(output->fd, payload, size, error);
}

/* Sends what has been gathered of a data frame: other frames must not overtake it. */
static electra_status
flush_data(framed_output *output, electra_error *error)
{
	size_t		size = output->filled;

	if (size == 0)
		return ELECTRA_OK;
	output->filled = 0;
	output->sent_data = true;
	return write_frame(output, ELECTRA_FRAME_DATA, output->data, size, error);
}

electra_status
framed_output_write(void *context, const void *data, size_t size, electra_error *error)
{
	framed_output *output = context;
	const char *bytes = data;

	while (size > 0)
	{
		size_t		room = sizeof(output->data) - output->filled;
		size_t		part = size < room ? size : room;

		memcpy(output->data + output->filled, bytes, part);
		output->filled += part;
		bytes += part;
		size -= part;
		if (output->filled == sizeof(output->data))
		{
			electra_status status = flush_data(output, error);

			if (status != ELECTRA_OK)
				return status;
		}
	}
	return ELECTRA_OK;
}

bool
framed_output_ready(void *context)
{
	const framed_output *output = context;
	int			capacity = fcntl(output->fd, F_GETPIPE_SZ);
	int			held;

	if (capacity < 0 || ioctl(output->fd, FIONREAD, &held) != 0)
		return true;			/* no pipe */
	return held == 0 || capacity - held >= (int) sizeof(output->data) + ELECTRA_FRAME_HEADER_SIZE;
}

static void
store_u64(char *bytes, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (char) (value >> 8 * i & 0xff);
}

void
framed_output_progress(void *context, uint64_t done, uint64_t total)
{
	framed_output *output = context;
	char		payload[16];
	electra_error ignored;

	/* one for each data frame is enough */
	if (!output->sent_data)
		return;
	output->sent_data = false;
	store_u64(payload, done);
	store_u64(payload + 8, total);
	/* if it cannot be written, neither can the next data frame, and that tells */
	write_frame(output, ELECTRA_FRAME_PROGRESS, payload, sizeof(payload), &ignored);
}

void
framed_output_notice(framed_output *output, const char *message)
{
	electra_error ignored;

	write_frame(output, ELECTRA_FRAME_NOTICE, message, strlen(message), &ignored);
}

electra_status
framed_output_ok(framed_output *output, uint64_t size, electra_error *error)
{
	char		payload[8];
	electra_status status = flush_data(output, error);

	if (status != ELECTRA_OK)
		return status;
	store_u64(payload, size);
	return write_frame(output, ELECTRA_FRAME_OK, payload, sizeof(payload), error);
}

electra_status
framed_output_error(framed_output *output, const electra_error *failure)
{
	const char *const texts[] = {failure->message, failure->detail, failure->hint};
	char		payload[4 + sizeof(failure->message) + sizeof(failure->detail) + sizeof(failure->hint)];
	size_t		size = 0;
	electra_error ignored;

	for (int i = 0; i < 4; i++)
		payload[size++] = (char) ((uint32_t) failure->status >> 8 * i & 0xff);
	for (int i = 0; i < 3; i++)
	{
		size_t		length = strlen(texts[i]) + 1;

		memcpy(payload + size, texts[i], length);
		size += length;
	}
	return write_frame(output, ELECTRA_FRAME_ERROR, payload, size, &ignored);
}

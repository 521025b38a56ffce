/*
 * Frames (core/frame.h) on a file descriptor: how the importer speaks to the
 * server.
 */
#ifndef ELECTRA_FRAMED_OUTPUT_H
#define ELECTRA_FRAMED_OUTPUT_H

#include "import/archive_writer.h"

#include "core/frame.h"

/* Smaller than what a pipe holds, so that the server has work while the next one is made. */
#define FRAMED_OUTPUT_PAYLOAD (ELECTRA_FRAME_MAX_PAYLOAD / 4)

typedef struct framed_output
{
	int			fd;
	bool		sent_data;		/* since the last progress frame */
	size_t		filled;
	char		data[FRAMED_OUTPUT_PAYLOAD];	/* of the data frame in the making */
} framed_output;

extern void framed_output_init(framed_output *output, int fd);

/* The archive's bytes as data frames; write, progress and ready of an archive_output. */
extern electra_status framed_output_write(void *context, const void *data, size_t size,
										  electra_error *error);
extern void framed_output_progress(void *context, uint64_t done, uint64_t total);
extern bool framed_output_ready(void *context);

/* A remark for the user. */
extern void framed_output_notice(framed_output *output, const char *message);

/* The last frame, one of these two.  ELECTRA_IO_ERROR when the other side has gone. */
extern electra_status framed_output_ok(framed_output *output, uint64_t size, electra_error *error);
extern electra_status framed_output_error(framed_output *output, const electra_error *failure);

#endif							/* ELECTRA_FRAMED_OUTPUT_H */

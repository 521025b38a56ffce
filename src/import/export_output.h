/*
 * A directory that is there completely or not at all: written beside its
 * place, synchronized, renamed.
 */
#ifndef ELECTRA_EXPORT_OUTPUT_H
#define ELECTRA_EXPORT_OUTPUT_H

#include "core/status.h"

#include <jansson.h>
#include <stdio.h>

#define EXPORT_OUTPUT_MAX_PATH 4096

typedef struct export_output
{
	int			fd;				/* of the directory; -1 when not open */
	char		path[EXPORT_OUTPUT_MAX_PATH];
	char		temporary[EXPORT_OUTPUT_MAX_PATH];
} export_output;

/*
 * Begins with a directory beside path, which must not exist.  Also sees to it
 * that SIGINT, SIGTERM and SIGHUP remove it.  Only one at a time.
 * ELECTRA_INVALID_ARGUMENT, ELECTRA_NOT_FOUND, ELECTRA_NO_PERMISSION,
 * ELECTRA_IO_ERROR.
 */
extern electra_status export_output_open(export_output *output, const char *path, electra_error *error);

/* Makes a folder in it; name has no slash. */
extern electra_status export_output_folder(export_output *output, const char *name, electra_error *error);

/* Makes a file in it ("config.json", "1_Pooling/config.json"), to be written to *file. */
extern electra_status export_output_create(export_output *output, const char *name, FILE **file,
										   electra_error *error);

/*
 * Synchronizes and closes a file, and tells whether all writing to it went
 * well.  *file is NULL afterwards, also on failure; a NULL one is nothing.
 */
extern electra_status export_output_finish(const char *name, FILE **file, electra_error *error);

/* A whole file. */
extern electra_status export_output_text(export_output *output, const char *name, const char *text,
										 size_t size, electra_error *error);

/*
 * A whole file of JSON, written with these flags of jansson.  Takes over json;
 * NULL is ELECTRA_OUT_OF_MEMORY, so that a call that makes it can stand here.
 */
extern electra_status export_output_json(export_output *output, const char *name, json_t *json,
										 size_t flags, electra_error *error);

/* Makes everything durable and gives it its name.  Removes it on failure. */
extern electra_status export_output_commit(export_output *output, electra_error *error);

/* Removes it, if it has not been committed. */
extern void export_output_abort(export_output *output);

#endif							/* ELECTRA_EXPORT_OUTPUT_H */

/*
 * An archive as a script for psql: for servers whose files one cannot reach.
 *
 * The script is one transaction: a temporary table electra_upload(chunk_no
 * integer, chunk bytea), COPY of the archive in pieces of 1 MB, and
 * electra_load_archive('pg_temp.electra_upload', name, digest), which checks
 * the digest and validates as electra_load_preset does.  Any error ends psql
 * (ON_ERROR_STOP) and leaves nothing.
 */
#ifndef ELECTRA_SQL_OUTPUT_H
#define ELECTRA_SQL_OUTPUT_H

#include "import/archive_writer.h"

#include <stdio.h>

#define SQL_OUTPUT_NAME_SIZE (128 + 1)

/*
 * The preset's name: given, or where that is NULL the last component of the
 * directory as it is called with its symbolic links resolved.
 * ELECTRA_INVALID_ARGUMENT for one that a server would not take: names have 1
 * to 128 of A-Z a-z 0-9 . _ / -
 */
extern electra_status sql_output_name(const char *given, const char *directory,
									  char name[SQL_OUTPUT_NAME_SIZE], electra_error *error);

/*
 * Writes the whole script for a source to file.  name is one of
 * sql_output_name: it needs no quoting.  Memory: one piece.  ELECTRA_IO_ERROR
 * and what archive_write returns: then the script is incomplete, and
 * sql_output_abort has ended it.
 */
extern electra_status sql_output_write(const preset_source *source, const char *name, FILE *file,
									   uint8_t digest[ELECTRA_DIGEST_SIZE], electra_error *error);

/*
 * What psql reads in the place of a script, or behind a broken one: it reports
 * an error and ends with the exit status 3, and nothing is committed.
 */
extern void sql_output_abort(FILE *file);

#endif							/* ELECTRA_SQL_OUTPUT_H */

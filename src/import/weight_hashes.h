/*
 * The content of an archive's tensor "weights.sha256" (core/weight_files.h),
 * made while the archive is written: a server hashes what arrives, and this
 * process the files that it comes from, block by block while the server is busy.
 */
#ifndef ELECTRA_WEIGHT_HASHES_H
#define ELECTRA_WEIGHT_HASHES_H

#include "core/sha256.h"
#include "import/preset_source.h"

typedef struct weight_hashes
{
	int			num_files;
	source_weight_file *files;	/* ascending by name; names are the source's */
	int			current;		/* the file being hashed; num_files: done */
	uint64_t	offset;			/* in it */
	electra_sha256 sha;
	char	   *block;
	char	   *text;			/* the content; its digests come one by one */
	char	   *entry;			/* the current file's, in text */
	size_t		size;			/* of text; 0: no files and no tensor */
} weight_hashes;

/* Begins with the source's files, which must stay open.  ELECTRA_OUT_OF_MEMORY. */
extern electra_status weight_hashes_begin(weight_hashes *hashes, const preset_source *source,
										  electra_error *error);

/* Is the text complete? */
extern bool weight_hashes_done(const weight_hashes *hashes);

/* Hashes the next 256 kB, unless all is done.  ELECTRA_IO_ERROR. */
extern electra_status weight_hashes_step(weight_hashes *hashes, electra_error *error);

/* Also after a failure. */
extern void weight_hashes_end(weight_hashes *hashes);

#endif							/* ELECTRA_WEIGHT_HASHES_H */

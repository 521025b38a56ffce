/*
 * Which files a preset's weights were read from: the content of an archive's
 * tensor "weights.sha256" (archive.h).
 *
 * It is the last tensor, so that whoever makes an archive can hash the files
 * while the weights are on their way.
 */
#ifndef ELECTRA_WEIGHT_FILES_H
#define ELECTRA_WEIGHT_FILES_H

#include "sha256.h"
#include "status.h"

#define ELECTRA_WEIGHT_FILES "weights.sha256"

typedef struct electra_weight_file
{
	const char *name;			/* in the source's directory; NUL-terminated UTF-8 */
	char		digest[ELECTRA_DIGEST_HEX_SIZE];	/* SHA-256 of the file */
} electra_weight_file;

/*
 * Is this text, the tensor's content, in canonical form?  ELECTRA_CORRUPT
 * where it is not.
 */
extern electra_status electra_weight_files_check(const char *text, size_t size, electra_error *error);

/*
 * Goes through a text that has been checked: gives the file that *text points
 * at, and moves *text on to the next; false at the end.
 */
extern bool electra_weight_files_next(const char **text, const char *end, electra_weight_file *file);

#endif							/* ELECTRA_WEIGHT_FILES_H */

/*
 * Vocabularies as text: vocab.txt, one token a line, whose number is the
 * token's id; and the tokens of an array, as the server sends them.
 */
#ifndef ELECTRA_VOCABULARY_FILE_H
#define ELECTRA_VOCABULARY_FILE_H

#include "core/status.h"

/*
 * Reads a vocabulary as tokenizers' WordPiece::read_file does: lines end at
 * \n, white space at the end of a line (Unicode's White_Space) is no part of
 * the token, of equal tokens the last one has the id.
 *
 * *vocabulary receives the content of tokenizer.vocabulary (core/archive.h) in
 * malloc'd memory: each token followed by a NUL, an earlier one of equal
 * tokens empty.  *count receives the number of ids.
 *
 * ELECTRA_NOT_FOUND, ELECTRA_NO_PERMISSION, ELECTRA_IO_ERROR,
 * ELECTRA_OUT_OF_MEMORY; ELECTRA_INVALID_SOURCE, with the line, for a file
 * that is not UTF-8 text.
 */
extern electra_status vocabulary_file_read(const char *path, char **vocabulary, size_t *size,
										   int32_t *count, electra_error *error);

/* The same from a text that has been read; name is the file's in errors. */
extern electra_status vocabulary_file_parse(const char *name, const char *text, size_t text_size,
											char **vocabulary, size_t *size, int32_t *count,
											electra_error *error);

/*
 * Reads tokens, each followed by a NUL, up to the end of a file (the array
 * that electra_create_preset is given).  An empty one is an id without a
 * token.  The result is as above.  ELECTRA_INVALID_ARGUMENT where there is no
 * token, one is no UTF-8, or two are equal; ELECTRA_IO_ERROR,
 * ELECTRA_OUT_OF_MEMORY.
 */
extern electra_status vocabulary_stream_read(int fd, char **vocabulary, size_t *size, int32_t *count,
											 electra_error *error);

/* The id of a token in such a content, -1 if it has none. */
extern int32_t vocabulary_find(const char *vocabulary, size_t size, const char *token);

#endif							/* ELECTRA_VOCABULARY_FILE_H */

/*
 * An archive back into a Hugging Face directory that transformers and
 * sentence-transformers open: nobody is locked in.
 */
#ifndef ELECTRA_EXPORT_H
#define ELECTRA_EXPORT_H

#include "core/status.h"

/*
 * Reads an archive (path, or "-" for standard input) and writes a new
 * directory: config.json, model.safetensors, the tokenizer's files, and for
 * presets with a pipeline of sentence-transformers its modules.  The directory
 * must not exist; it appears, by a rename, when it is complete.  The digest of
 * the archive is returned.  ELECTRA_CORRUPT, ELECTRA_IO_ERROR,
 * ELECTRA_UNSUPPORTED (what that format cannot say, by name).
 */
extern electra_status export_directory(const char *archive, const char *directory,
									   void (*notice) (const char *message),
									   uint8_t digest[32], electra_error *error);

#endif							/* ELECTRA_EXPORT_H */

/*
 * Hugging Face and sentence-transformers directories as sources of presets.
 */
#ifndef ELECTRA_HUGGINGFACE_H
#define ELECTRA_HUGGINGFACE_H

#include "import/preset_source.h"

/*
 * Reads a directory: judges it, maps and validates everything, opens its
 * weights.  notice (may be NULL) receives remarks for the user.
 */
extern electra_status huggingface_open(const char *directory, const import_options *options,
									   void (*notice) (const char *message),
									   preset_source *source, electra_error *error);

#endif							/* ELECTRA_HUGGINGFACE_H */

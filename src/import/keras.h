/*
 * Reads a Keras-Hub preset directory (config.json with registered_name,
 * model.weights.h5, tokenizer.json, assets) into a preset_source.
 */
#ifndef ELECTRA_KERAS_H
#define ELECTRA_KERAS_H

#include "import/preset_source.h"

/*
 * Is the directory one of Keras-Hub's?  Its config.json has registered_name;
 * one that is missing or unreadable is not (and Hugging Face's reader says what
 * is wrong with it).
 */
extern bool keras_directory(const char *directory);

/* As huggingface_open. */
extern electra_status keras_open(const char *directory, const import_options *options,
								 void (*notice) (const char *message), preset_source *source,
								 electra_error *error);

#endif							/* ELECTRA_KERAS_H */

/*
 * The pipeline of a sentence-transformers directory.
 */
#ifndef ELECTRA_SENTENCE_TRANSFORMERS_H
#define ELECTRA_SENTENCE_TRANSFORMERS_H

#include "import/hf_directory.h"

/*
 * modules.json: where the transformer lies, which decides where all other files
 * are → hf->modules, hf->transformer.
 */
extern electra_status st_modules_read(hf_directory *hf, electra_error *error);

/*
 * The modules' own files, once config and tokenizer are read → the pipeline's
 * part of config, hf->dense_paths, hf->truncate_dim.
 */
extern electra_status st_pipeline_read(hf_directory *hf, electra_error *error);

/* The key of 1_Pooling/config.json for the mode 1 << index. */
extern const char *st_pooling_key(int index);

/* Class of torch.nn that a Dense module of this activation has; NULL where there is none. */
extern const char *st_dense_activation(electra_activation activation);

#endif							/* ELECTRA_SENTENCE_TRANSFORMERS_H */

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

#endif							/* ELECTRA_SENTENCE_TRANSFORMERS_H */

/*
 * The tokenizer of a Hugging Face directory.
 */
#ifndef ELECTRA_HF_TOKENIZER_H
#define ELECTRA_HF_TOKENIZER_H

#include "import/hf_directory.h"

/*
 * Vocabulary, added tokens and settings → config.tokenizer,
 * source->vocabulary, source->added_tokens, hf->model_max_length.
 */
extern electra_status hf_tokenizer_read(hf_directory *hf, electra_error *error);

#endif							/* ELECTRA_HF_TOKENIZER_H */

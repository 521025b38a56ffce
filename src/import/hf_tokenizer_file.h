/*
 * tokenizer.json taken as it is.
 */
#ifndef ELECTRA_HF_TOKENIZER_FILE_H
#define ELECTRA_HF_TOKENIZER_FILE_H

#include "import/hf_directory.h"

/*
 * The tokenizer's settings; ids is {token: id} of the file's model.
 * ELECTRA_UNSUPPORTED for another pipeline than BERT's.
 */
extern electra_status hf_tokenizer_file_read(const hf_directory *hf, const json_t *ids, electra_error *error);

#endif							/* ELECTRA_HF_TOKENIZER_FILE_H */

/*
 * The weights of a Hugging Face directory.
 */
#ifndef ELECTRA_HF_WEIGHTS_H
#define ELECTRA_HF_WEIGHTS_H

#include "import/hf_directory.h"

/*
 * Opens the weights of encoder and modules, maps and checks all names and
 * shapes → source->tensors, source->reader, source->close, config.has_pooler.
 */
extern electra_status hf_weights_open(hf_directory *hf, electra_error *error);

#endif							/* ELECTRA_HF_WEIGHTS_H */

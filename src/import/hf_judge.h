/*
 * Which directories are refused although they are well-formed.
 */
#ifndef ELECTRA_HF_JUDGE_H
#define ELECTRA_HF_JUDGE_H

#include "import/hf_directory.h"

/* How the tokenizer of a directory is built in transformers. */
typedef enum hf_tokenizer_class
{
	HF_TOKENIZER_BERT = 0,		/* rebuilt: BertTokenizer and its aliases */
	HF_TOKENIZER_AS_FILE		/* PreTrainedTokenizerFast: tokenizer.json as it is */
} hf_tokenizer_class;

/*
 * Refuses what is not for us: other tokenizers, model types, custom code,
 * quantized weights.  ELECTRA_UNSUPPORTED.
 */
extern electra_status hf_judge(const hf_directory *hf, electra_error *error);

/* How to build the tokenizer of a directory that hf_judge let pass. */
extern hf_tokenizer_class hf_judge_tokenizer_class(const hf_directory *hf);

#endif							/* ELECTRA_HF_JUDGE_H */

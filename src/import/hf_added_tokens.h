/*
 * The added tokens of a Hugging Face tokenizer.
 */
#ifndef ELECTRA_HF_ADDED_TOKENS_H
#define ELECTRA_HF_ADDED_TOKENS_H

#include "import/hf_judge.h"

/* One added token, as transformers hands it to tokenizers. */
typedef struct hf_token
{
	char	   *content;		/* owned; NULL: none */
	unsigned	flags;			/* ELECTRA_ADDED_… (core/vocabulary.h) */
	bool		normalized_given;	/* else it is the opposite of special */
	int32_t		index;			/* under which a file lists it */
	int32_t		id;				/* in the end */
} hf_token;

typedef struct hf_token_list
{
	int			count;
	int			capacity;
	hf_token   *tokens;
} hf_token_list;

/* The special tokens with names of their own, in the order of transformers. */
typedef enum hf_named_token
{
	HF_BOS = 0, HF_EOS, HF_UNK, HF_SEP, HF_PAD, HF_CLS, HF_MASK,
	HF_NUM_NAMED
} hf_named_token;

typedef struct hf_added_tokens
{
	hf_token	named[HF_NUM_NAMED];
	hf_token_list all;			/* in the order in which they are added, no two
								 * equal; ids still open */
} hf_added_tokens;

/*
 * Which tokens are added, in which order and with which flags, as transformers
 * 5.23 decides it out of tokenizer_config.json, special_tokens_map.json,
 * added_tokens.json and tokenizer.json.  Free also after a failure.
 */
extern electra_status hf_added_tokens_read(const hf_directory *hf, hf_tokenizer_class class,
										   hf_added_tokens *added, electra_error *error);
extern void hf_added_tokens_free(hf_added_tokens *added);

#endif							/* ELECTRA_HF_ADDED_TOKENS_H */

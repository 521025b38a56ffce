/*
 * The reader of Hugging Face and sentence-transformers directories, inside:
 * what its files (huggingface.c, hf_*.c, sentence_transformers.c) share.
 *
 * References: transformers 5.23 (tokenization_utils_base.py,
 * tokenization_utils_tokenizers.py, models/bert, models/electra) and
 * sentence-transformers 6.2 (base/model.py, base/modules).
 */
#ifndef ELECTRA_HUGGINGFACE_H
#define ELECTRA_HUGGINGFACE_H

#include "import/json_file.h"
#include "import/safetensors.h"

#define HF_MAX_JSON_SIZE (16 * 1024 * 1024)
#define HF_MAX_TOKENIZER_SIZE (128 * 1024 * 1024)

/* Models that work, for hints. */
#define HF_WORKING_MODELS \
	"all-MiniLM-L6-v2, all-MiniLM-L12-v2, bge-small-en-v1.5, bge-base-en-v1.5, " \
	"bge-large-en-v1.5, e5-small-v2, e5-base-v2, e5-large-v2, gte-small, gte-base, gte-large " \
	"and the electra-* models"

/* What is known while a directory is being read. */
typedef struct hf_directory
{
	source_directory files;		/* the whole directory */
	preset_source *source;		/* being filled */
	void		(*notice) (const char *message);	/* may be NULL */

	/* "" or "0_Transformer/": where config.json and tokenizer lie */
	char		transformer[SOURCE_MAX_NAME];

	/* parsed files, NULL where absent */
	json_t	   *modules;		/* modules.json: [{name, path, type}] */
	json_t	   *config;			/* config.json */
	json_t	   *tokenizer_config;	/* tokenizer_config.json */
	json_t	   *tokenizer;		/* tokenizer.json */

	const char *prefix;			/* of tensor names: "bert." or "electra." */
	double		model_max_length;	/* of the tokenizer, 1e30 where absent */
	int32_t		truncate_dim;	/* of config_sentence_transformers.json, 0: none */

	/* the folder of each Dense module in turn ("2_Dense/") */
	int			num_dense;
	char		dense_paths[ELECTRA_MAX_MODULES][SOURCE_MAX_NAME];
} hf_directory;

/* The open weight files: preset_source.reader. */
typedef struct hf_weights
{
	int			num_files;
	safetensors_file *files;
} hf_weights;

/* How the tokenizer of a directory is built in transformers. */
typedef enum hf_tokenizer_class
{
	HF_TOKENIZER_BERT = 0,		/* rebuilt: BertTokenizer and its aliases */
	HF_TOKENIZER_AS_FILE		/* PreTrainedTokenizerFast: tokenizer.json as it is */
} hf_tokenizer_class;

/* Name of a file beside config.json, inside the directory. */
extern const char *hf_file_name(const hf_directory *hf, const char *name, char buffer[SOURCE_MAX_NAME]);

/* Calls notice, if there is one. */
extern void hf_notice(const hf_directory *hf, const char *format,...) ELECTRA_PRINTF(2, 3);

/*
 * hf_judge.c: refuses what is well-formed but not for us: other tokenizers,
 * model types, custom code, quantized weights.  ELECTRA_UNSUPPORTED.
 */
extern electra_status hf_judge(const hf_directory *hf, electra_error *error);
extern hf_tokenizer_class hf_judge_tokenizer_class(const hf_directory *hf);

/* hf_config.c: config.json → the encoder's part of config; prefix. */
extern electra_status hf_config_read(hf_directory *hf, electra_error *error);

/*
 * An activation by the name that transformers gives it; false for those we do
 * not compute.
 */
extern bool hf_activation_parse(const char *name, electra_activation *activation);

/*
 * hf_tokenizer.c: vocabulary, added tokens and settings → config.tokenizer,
 * source->vocabulary, source->added_tokens, hf->model_max_length.
 */
extern electra_status hf_tokenizer_read(hf_directory *hf, electra_error *error);

/*
 * hf_tokenizer_file.c: the settings out of a tokenizer.json that is taken as it
 * is; ids is {token: id} of its model.
 */
extern electra_status hf_tokenizer_file_read(const hf_directory *hf, const json_t *ids, electra_error *error);

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
 * hf_added_tokens.c: which tokens are added, in which order and with which
 * flags, as transformers 5.23 decides it out of tokenizer_config.json,
 * special_tokens_map.json, added_tokens.json and tokenizer.json.  Free also
 * after a failure.
 */
extern electra_status hf_added_tokens_read(const hf_directory *hf, hf_tokenizer_class class,
										   hf_added_tokens *added, electra_error *error);
extern void hf_added_tokens_free(hf_added_tokens *added);

/*
 * sentence_transformers.c, in two parts: modules.json alone decides where the
 * transformer lies; the pipeline needs config and tokenizer.
 */
extern electra_status st_modules_read(hf_directory *hf, electra_error *error);
extern electra_status st_pipeline_read(hf_directory *hf, electra_error *error);

/*
 * hf_weights.c: opens the weights of encoder and modules, maps and checks all
 * names and shapes → source->tensors, source->reader, source->close.
 */
extern electra_status hf_weights_open(hf_directory *hf, electra_error *error);

#endif							/* ELECTRA_HUGGINGFACE_H */

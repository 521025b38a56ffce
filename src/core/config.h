/*
 * Everything that defines a preset besides its tensors: the shape of the
 * encoder, the tokenizer's settings, the pipeline behind the encoder, prompts.
 *
 * A plain struct without pointers, so that it lies as it is in an image.  The
 * archive holds it as "__metadata__" (config.c reads and writes that form).
 */
#ifndef ELECTRA_CONFIG_H
#define ELECTRA_CONFIG_H

#include "status.h"

/* Raised when a release would change a bit of any result (README, "The same bits"). */
#define ELECTRA_NUMERICS_VERSION 1

/* Raised when the frozen tables of unicode_tables.c or keras_unicode_tables.c change. */
#define ELECTRA_UNICODE_VERSION 1

#define ELECTRA_MAX_PROMPT 2047 /* bytes */
#define ELECTRA_MAX_MODULES 16

typedef enum electra_dtype
{
	ELECTRA_F32 = 0,
	ELECTRA_F16,
	ELECTRA_BF16,
	ELECTRA_I8,
	ELECTRA_U8,
	ELECTRA_F64,				/* sources only, never in an archive */
	ELECTRA_I64					/* sources only, never in an archive */
} electra_dtype;

/* Names as in transformers' ACT2FN; aliases are resolved by the importer. */
typedef enum electra_activation
{
	ELECTRA_GELU = 0,			/* exact, erf */
	ELECTRA_GELU_TANH,			/* gelu_new, gelu_pytorch_tanh, Keras */
	ELECTRA_GELU_FAST,			/* tanh form with its constants rounded as in
								 * transformers' FastGELUActivation */
	ELECTRA_GELU_10,			/* gelu clipped to [-10, 10] */
	ELECTRA_QUICK_GELU,			/* x * sigmoid(1.702 x) */
	ELECTRA_RELU,
	ELECTRA_SILU,
	ELECTRA_MISH,
	ELECTRA_TANH,
	ELECTRA_SIGMOID,
	ELECTRA_IDENTITY			/* "linear" */
} electra_activation;

typedef enum electra_tokenizer_pipeline
{
	ELECTRA_TOKENIZER_BERT = 0, /* Hugging Face's fast BERT tokenizer */
	ELECTRA_TOKENIZER_KERAS,	/* Keras-Hub's WordPieceTokenizer, as TensorFlow
								 * computes it */
	ELECTRA_TOKENIZER_NONE		/* no vocabulary: token ids only */
} electra_tokenizer_pipeline;

typedef struct electra_tokenizer_config
{
	electra_tokenizer_pipeline pipeline;
	bool		clean_text;
	bool		tokenize_chinese_chars;
	bool		lowercase;
	bool		strip_accents;	/* resolved: null in a source means lowercase */
	bool		special_tokens_in_strings;	/* Keras only: are "[MASK]" and its
											 * kind tokens in a text */
	int32_t		max_word_chars; /* longer words are [UNK]; Keras: bytes of the
								 * folded word */
	char		continuing_prefix[32];	/* "##" */
	int32_t		unk_token_id;	/* these three are -1 in pipeline NONE only */
	int32_t		cls_token_id;
	int32_t		sep_token_id;
	int32_t		pad_token_id;	/* -1: none */
	int32_t		mask_token_id;	/* -1: none */
} electra_tokenizer_config;

typedef enum electra_module_kind
{
	ELECTRA_MODULE_POOLING = 0,
	ELECTRA_MODULE_DENSE,
	ELECTRA_MODULE_NORMALIZE
} electra_module_kind;

/* Bits of electra_config.pooling_modes; several concatenate in this order. */
#define ELECTRA_POOL_CLS			(1 << 0)
#define ELECTRA_POOL_MAX			(1 << 1)
#define ELECTRA_POOL_MEAN			(1 << 2)
#define ELECTRA_POOL_MEAN_SQRT_LEN	(1 << 3)
#define ELECTRA_POOL_WEIGHTED_MEAN	(1 << 4)
#define ELECTRA_POOL_LAST_TOKEN		(1 << 5)
#define ELECTRA_NUM_POOLING_MODES	6

typedef struct electra_module
{
	electra_module_kind kind;
	electra_activation activation;	/* of a Dense module */
	int32_t		in_dim;			/* of the vector before it */
	int32_t		out_dim;
	bool		has_bias;		/* of a Dense module */
} electra_module;

typedef enum electra_truncation
{
	ELECTRA_TRUNCATE = 0,
	ELECTRA_TRUNCATION_ERROR
} electra_truncation;

typedef struct electra_config
{
	/* versions that the values depend on */
	int32_t		numerics_version;
	int32_t		unicode_version;

	/* encoder */
	int32_t		vocab_size;
	int32_t		num_layers;
	int32_t		num_heads;
	int32_t		hidden_dim;
	int32_t		embedding_dim;	/* != hidden_dim: a projection follows the
								 * embeddings */
	int32_t		intermediate_dim;
	int32_t		max_sequence_length;	/* rows of the position table */
	int32_t		num_segments;
	electra_activation activation;
	electra_dtype dtype;		/* how matrices are stored; each tensor's own
								 * dtype stands in the archive */
	double		layer_norm_eps;
	double		dropout;		/* reported only: it acts in training */
	double		lowest_cosine;	/* I8: of the calibration texts' vectors to those of
								 * the weights before quantization; else 0 */
	double		mean_cosine;
	int32_t		calibration_texts;	/* I8: how many there were; else 0 */
	bool		has_pooler;		/* pooler.dense.* are there: pooled_output is
								 * tanh(dense(token 0)) */

	electra_tokenizer_config tokenizer;

	/* from the encoder's output to the vector */
	int32_t		num_modules;	/* modules[0] is the pooling */
	electra_module modules[ELECTRA_MAX_MODULES];
	int32_t		pooling_modes;	/* ELECTRA_POOL_… */
	bool		include_prompt; /* do the prompt's tokens take part in pooling */
	bool		trained_for_similarity; /* the source had a modules.json */
	bool		untrained;		/* random weights */
	int32_t		dimensions;		/* cut to so many after the modules; 0: keep
								 * all */
	bool		normalize;		/* divide by the norm after the cut */
	int32_t		max_length;		/* tokens of a text, special ones included */
	electra_truncation truncation;

	/* plain prefixes; "" with has_… = false where there is none */
	bool		has_query_prompt;
	bool		has_document_prompt;
	char		query_prompt[ELECTRA_MAX_PROMPT + 1];
	char		document_prompt[ELECTRA_MAX_PROMPT + 1];
} electra_config;

/* Bytes of one element. */
extern size_t electra_dtype_size(electra_dtype dtype);

/* safetensors names: "F32", "F16", … */
extern const char *electra_dtype_name(electra_dtype dtype);

/* Can weights be stored in it as they are: F32, F16, BF16. */
extern bool electra_dtype_is_weight(electra_dtype dtype);

/* Names as stored in an archive ("gelu", "gelu_tanh", …); parse returns false for an unknown one. */
extern const char *electra_activation_name(electra_activation activation);
extern bool electra_activation_parse(const char *name, electra_activation *activation);

/* "cls", "max", "mean", "mean_sqrt_len", "weighted_mean", "last_token" for mode 1 << index. */
extern const char *electra_pooling_name(int index);

/* Number of float components of the finished vector. */
extern int32_t electra_config_dimensions(const electra_config *config);

/* Number of parameters of encoder and pooler, as Keras-Hub's count_params() has it. */
extern int64_t electra_config_parameters(const electra_config *config);

/*
 * Checks every rule that the rest of the core relies on: positive sizes below
 * fixed limits, num_heads divides hidden_dim, max_length between 2 and
 * max_sequence_length, module dimensions that chain, token ids within the
 * vocabulary (all -1 in pipeline NONE).  ELECTRA_INVALID_ARGUMENT names the
 * field; ELECTRA_UNSUPPORTED for another numerics or Unicode version or a
 * dtype that is not computed.
 */
extern electra_status electra_config_check(const electra_config *config, electra_error *error);

#endif							/* ELECTRA_CONFIG_H */

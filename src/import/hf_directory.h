/*
 * A Hugging Face directory while it is being read: what its readers (hf_*.c,
 * sentence_transformers.c) share.
 *
 * References: transformers 5.23 (tokenization_utils_base.py,
 * tokenization_utils_tokenizers.py, models/bert, models/electra) and
 * sentence-transformers 6.2 (base/model.py, base/modules).
 */
#ifndef ELECTRA_HF_DIRECTORY_H
#define ELECTRA_HF_DIRECTORY_H

#include "import/json_file.h"

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

/* Name of a file beside config.json, inside the directory. */
extern const char *hf_file_name(const hf_directory *hf, const char *name, char buffer[SOURCE_MAX_NAME]);

/* Calls notice, if there is one. */
extern void hf_notice(const hf_directory *hf, const char *format,...) ELECTRA_PRINTF(2, 3);

#endif							/* ELECTRA_HF_DIRECTORY_H */

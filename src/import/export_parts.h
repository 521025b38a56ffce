/*
 * An export while it is being written: what its parts (export_*.c) share.
 */
#ifndef ELECTRA_EXPORT_PARTS_H
#define ELECTRA_EXPORT_PARTS_H

#include "core/archive.h"
#include "import/export_output.h"

#define EXPORT_MAX_LABELS (1 << 20)

/* The folder of a module of the configuration: "2_Dense". */
#define EXPORT_FOLDER_SIZE 24

typedef struct exporter
{
	const electra_archive *archive;
	export_output output;
	bool		bert;			/* model type "bert", else "electra" */
	bool		sentence;		/* with the files of sentence-transformers */
	void		(*notice) (const char *message);	/* may be NULL */
	json_t	   *remarks;		/* the notices again, for README.md */

	/* contents of the archive's two texts, owned */
	char	   *vocabulary;
	size_t		vocabulary_size;
	char	   *added_tokens;	/* NULL: none */
	size_t		added_tokens_size;
} exporter;

/* Tells, now and in README.md, what the directory cannot say (export_readme.c). */
extern void export_remark(exporter *exporter, const char *format,...) ELECTRA_PRINTF(2, 3);

/* README.md: where the directory comes from, and all remarks; to be called last (export_readme.c). */
extern electra_status export_write_readme(exporter *exporter, const uint8_t digest[ELECTRA_DIGEST_SIZE],
										  electra_error *error);

/* config.json (export_config.c). */
extern electra_status export_write_config(exporter *exporter, electra_error *error);

/* Decides exporter->bert by provenance and shape (export_config.c). */
extern bool export_is_bert(const electra_archive *archive);

/* Is a tensor of encoder or pooler? (export_config.c) */
extern bool export_is_encoder(const char *name);

/* Is there a tensor of a head, which makes the model more than an encoder? (export_config.c) */
extern bool export_has_head(const electra_archive *archive);

/*
 * model.safetensors and those of Dense modules, tensor by tensor as the reader
 * gives them; fills vocabulary and added_tokens (export_weights.c).
 */
extern electra_status export_write_weights(exporter *exporter, electra_archive_reader *reader,
										   electra_error *error);

/*
 * tokenizer.json, tokenizer_config.json, special_tokens_map.json and vocab.txt
 * (export_tokenizer.c).
 */
extern electra_status export_write_tokenizer(exporter *exporter, electra_error *error);

/* Is there more behind the encoder than a mean over its tokens? (export_sentence.c) */
extern bool export_needs_sentence(const electra_config *config);

/* modules.json, its folders and settings, but not the weights of modules (export_sentence.c). */
extern electra_status export_write_sentence(exporter *exporter, electra_error *error);

/* Name of the folder of config.modules[index] (export_sentence.c). */
extern void export_module_folder(const electra_config *config, int index, char folder[EXPORT_FOLDER_SIZE]);

#endif							/* ELECTRA_EXPORT_PARTS_H */

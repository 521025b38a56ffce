/*
 * A Keras-Hub preset directory while it is being read: what its readers
 * (keras*.c) share.
 *
 * References: keras-hub 0.32 (src/utils/preset_utils.py, models/electra,
 * models/bert, tokenizers) and keras 3.15 (src/saving/saving_lib.py,
 * src/dtype_policies).
 */
#ifndef ELECTRA_KERAS_PRESET_H
#define ELECTRA_KERAS_PRESET_H

#include "import/json_file.h"

#define KERAS_MAX_JSON_SIZE (16 * 1024 * 1024)
#define KERAS_MAX_TOKENIZER_SIZE (128 * 1024 * 1024)

/* Presets that work, for hints. */
#define KERAS_WORKING_PRESETS \
	"electra_{small,base,large}_{discriminator,generator}_uncased_en and bert_{tiny,small,medium,base,large}_en " \
	"and their kind of Keras-Hub; of Hugging Face all-MiniLM-L6-v2, bge-*, e5-*, gte-* and electra-*"

typedef struct keras_preset
{
	source_directory files;
	preset_source *source;		/* being filled */
	void		(*notice) (const char *message);	/* may be NULL */
	json_t	   *config;			/* config.json */
	json_t	   *tokenizer;		/* tokenizer.json, NULL where absent */
} keras_preset;

/* Calls notice, if there is one (keras_object.c, as the next two). */
extern void keras_notice(const keras_preset *keras, const char *format,...) ELECTRA_PRINTF(2, 3);

/*
 * The class out of "registered_name" ("keras_hub>ElectraBackbone" or
 * "keras_nlp>ElectraBackbone"): a pointer behind the package.  NULL for
 * another package.
 */
extern const char *keras_class_name(const char *registered_name);

/*
 * Fails unless every key of an object is one of names (NULL-terminated), of
 * which owner says whose arguments they are.  ELECTRA_UNSUPPORTED.
 */
extern electra_status keras_check_keys(const json_t *object, const char *file, const char *path,
									   const char *const *names, const char *owner, electra_error *error);

/*
 * config.json: class and shape of the encoder (keras_config.c).
 * ELECTRA_UNSUPPORTED for another class or a quantized one.
 */
extern electra_status keras_config_read(keras_preset *keras, electra_error *error);

/*
 * tokenizer.json and its vocabulary; without it pipeline NONE and a notice
 * (keras_tokenizer.c).  Sets also config.max_length.
 */
extern electra_status keras_tokenizer_read(keras_preset *keras, electra_error *error);

/*
 * model.weights.h5, or its shards: fills tensors, reader and close
 * (keras_weights.c).  Kernels, which Keras has as [in, out], are delivered as
 * [out, in].
 */
extern electra_status keras_weights_open(keras_preset *keras, electra_error *error);

#endif							/* ELECTRA_KERAS_PRESET_H */

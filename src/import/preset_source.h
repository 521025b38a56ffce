/*
 * A preset on its way into an archive: what a reader of some foreign format
 * (or the random initialiser) hands to the archive writer.
 */
#ifndef ELECTRA_PRESET_SOURCE_H
#define ELECTRA_PRESET_SOURCE_H

#include "core/archive.h"

/* One tensor, read piece by piece so that memory does not grow with it. */
typedef struct source_tensor
{
	electra_tensor_spec spec;	/* canonical name; shape without -1 */

	/*
	 * Writes elements first … first + count - 1 (row-major) as floats, exactly
	 * widened (F64: rounded to nearest).  Not called for U8 tensors.
	 */
	electra_status (*read) (const struct source_tensor *tensor, int64_t first, int64_t count,
							float *values, electra_error *error);
	void	   *context;		/* of read */
	uint64_t	file_offset;	/* of read: where the tensor begins in its file */
	electra_dtype source_dtype; /* of read; what the file holds */
	electra_dtype stored_dtype; /* in the archive: F32, F16, BF16 or I8; set by
								 * import_options_store */
	int			num_exact;		/* in I8: channels that stay out of it, set by
								 * calibrate */
	int32_t		exact_channels[ELECTRA_EXACT_CHANNELS]; /* ascending */
	const int8_t *rounded;		/* in I8: what its values become, set by
								 * calibrate; NULL: the nearest */
} source_tensor;

typedef struct source_provenance
{
	char	   *key;			/* "source.sha256.config.json", "source.prompts.passage" … */
	char	   *value;
} source_provenance;

/* A file of weights; the reader keeps it open. */
typedef struct source_weight_file
{
	char	   *name;			/* in the source's directory */
	int			fd;
	uint64_t	size;			/* bytes */
} source_weight_file;

/*
 * Everything in it is owned by it; electra_preset_source_free releases all
 * and calls close.
 */
typedef struct preset_source
{
	electra_config config;		/* complete and checked, load options applied */
	int			num_tensors;
	source_tensor *tensors;		/* any order */
	char	   *vocabulary;		/* content of tokenizer.vocabulary (archive.h) */
	size_t		vocabulary_size;
	char	   *added_tokens;	/* content of tokenizer.added_tokens, or NULL */
	size_t		added_tokens_size;
	int			num_provenance;
	source_provenance *provenance;	/* further metadata, any order, no key of
									 * electra_config_to_metadata */
	int			num_weight_files;
	source_weight_file *weight_files;	/* each once, any order */
	void	   *rounded;		/* memory of what calibrate has rounded, mapped */
	size_t		rounded_size;
	void		(*close) (struct preset_source *source);	/* releases reader */
	void	   *reader;			/* the reader's open files */
} preset_source;

/*
 * The load options of electra_load_preset, as the command line gives them.
 * They are applied by the reader of the source and thereby in the digest.
 */
typedef struct import_options
{
	electra_dtype dtype;		/* of matrices in the archive; vectors are F32 */
	bool		keep_dtype;		/* "source": each tensor as its file holds it;
								 * dtype has no meaning then */
	bool		load_weights;	/* false: random ones from seed */
	uint64_t	seed;
	int32_t		pooling_modes;	/* 0: as the source says */
	int			normalize;		/* -1: as the source says, 0, 1 */
	int32_t		max_length;		/* 0: as the source says */
	int32_t		dimensions;		/* 0: all */
	const char *query_prompt;	/* NULL: as the source says; "": none */
	const char *document_prompt;
	electra_truncation truncation;
	double		min_cosine;		/* of calibration.h; not in the digest */
} import_options;

extern void preset_source_free(preset_source *source);

/* Appends a provenance pair (copied).  ELECTRA_OUT_OF_MEMORY. */
extern electra_status preset_source_note(preset_source *source, const char *key, const char *value,
										 electra_error *error);

/*
 * Notes a file that weights are read from (name is copied): its SHA-256 stands
 * behind them in the archive.  fd must stay open until close.
 * ELECTRA_OUT_OF_MEMORY.
 */
extern electra_status preset_source_note_weights(preset_source *source, const char *name, int fd,
												 uint64_t size, electra_error *error);

/*
 * Applies the load options to a configuration that the source's own files have
 * filled in, and checks it (options.c).
 */
extern electra_status import_options_apply(const import_options *options, electra_config *config,
										   electra_error *error);

/*
 * Decides how each tensor of an opened source is stored, and config.dtype with
 * it (options.c).  In I8 what calibration.h finds is still to be filled in.  With keep_dtype a tensor of F64 is ELECTRA_UNSUPPORTED, and
 * config.dtype is that of the matrices, F32 where they differ.
 */
extern electra_status import_options_store(const import_options *options, preset_source *source,
										   electra_error *error);

/* Where a random preset has its vocabulary from. */
typedef enum vocabulary_origin
{
	VOCABULARY_NONE = 0,		/* pipeline "none": vocab_size must be given */
	VOCABULARY_FILE,			/* one token a line */
	VOCABULARY_STDIN			/* each token followed by a NUL, on standard input */
} vocabulary_origin;

/* A random preset of a given shape: Keras-Hub's ElectraBackbone (random_init.c). */
typedef struct random_preset
{
	electra_config shape;		/* encoder's members; vocab_size 0: as the
								 * vocabulary */
	vocabulary_origin origin;
	const char *vocabulary_file;	/* of VOCABULARY_FILE */
	uint64_t	seed;
} random_preset;

extern electra_status random_preset_open(const random_preset *request, preset_source *source,
										 electra_error *error);

/*
 * Random weights for a source whose config is complete: fills tensors, reader
 * and close, notes the seed, sets config.untrained (random_init.c).
 */
extern electra_status random_weights_open(preset_source *source, uint64_t seed, electra_error *error);

#endif							/* ELECTRA_PRESET_SOURCE_H */

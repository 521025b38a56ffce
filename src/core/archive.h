/*
 * The preset archive: the canonical form of a preset, and its strict reader.
 *
 * An archive is one safetensors file (u64 little-endian header size, JSON
 * header, tensor data), restricted so that the same preset has the same bytes
 * everywhere:
 *
 * - The header is canonical JSON: no white space; "__metadata__" first, its
 *   keys in ascending byte order; then the tensors in the order of their data;
 *   each as {"dtype":…,"shape":[…],"data_offsets":[begin,end]}; only the
 *   escapes \" \\ \n \r \t \u00XX (control characters, lower-case), everything
 *   else as plain UTF-8; then spaces until the data begins at a multiple of 64.
 * - Tensors are ordered by descending element size, then by ascending name
 *   (bytes), contiguous from offset 0 to the end of the file.
 * - Names are those of Hugging Face without prefix ("embeddings.…",
 *   "encoder.layer.N.…", "pooler.dense.…", heads as in transformers), and
 *   "modules.N.linear.{weight,bias}" for the Dense modules of a pipeline, N
 *   the index in electra_config.modules.  LayerNorm parameters are called
 *   weight and bias.
 * - "tokenizer.vocabulary" (U8): the token of each id in turn, each followed
 *   by a NUL; an empty one is an id without a token.  At most
 *   config.vocab_size tokens; no two equal.
 * - "tokenizer.added_tokens" (U8, absent when there are none): for each added
 *   token, ascending by id, "ID FLAGS CONTENT" and a NUL.  FLAGS is "-" or
 *   letters of "wlrnso" in this order: single_word, lstrip, rstrip, normalized,
 *   special, outside the model (the source's WordPiece vocabulary lacks it, so
 *   that it is never a piece of a word).  The content is also in the
 *   vocabulary under its id.
 * - "weights.sha256" (U8, absent where no weights were read from files): for
 *   each file of weights, ascending by name (bytes), "SHA256 NAME" and a NUL,
 *   the digest as 64 lower-case digits.  By its name the last tensor.
 * - Weights are F32, F16 or BF16, each tensor in its own.  config.dtype follows
 *   from them: it is the dtype that all tensors of rank 2 have, F32 where these
 *   differ; vectors may have any of the three.
 * - Or config.dtype is I8.  Then every matrix and table but a head's labels
 *   ("NAME.weight", (N, K)) is I8, -127 … 127, with its scales beside it:
 *   "NAME.weight_scale", F32 (N, ceil(K/64)), finite and not negative; element
 *   (n, k) is its value times scale (n, k / 64).  Inputs of query, key, value,
 *   intermediate and output have a few channels that are much larger than the
 *   others.  Those stay out of int8: "NAME.weight_channels", F32 (E), E =
 *   min(4, K), is their numbers, ascending, the same for query, key and value;
 *   "NAME.weight_exact", F32 (N, E), their weights; in NAME.weight they are 0.
 *   Everything else is F32, and the metadata says how near the calibration
 *   texts' vectors are to those of the weights before quantization.
 * - With tokenizer pipeline "none" the vocabulary is empty (shape [0]) and there
 *   are no added tokens.
 *
 * Only the reader lives in the core: src/import writes archives, the module
 * reads them chunk by chunk out of the catalogue.
 */
#ifndef ELECTRA_ARCHIVE_H
#define ELECTRA_ARCHIVE_H

#include "config.h"
#include "sha256.h"

#define ELECTRA_ARCHIVE_FORMAT 1
#define ELECTRA_ARCHIVE_ALIGNMENT 64
#define ELECTRA_MAX_HEADER_SIZE (16 * 1024 * 1024)
#define ELECTRA_MAX_RANK 2

/* Consecutive k that share one scale in int8, of weights and of activations. */
#define ELECTRA_INT8_GROUP 64

/* Channels of an input, at most, that stay out of int8. */
#define ELECTRA_EXACT_CHANNELS 4

/* Behind the name of an I8 tensor: what belongs to it. */
#define ELECTRA_SCALE_SUFFIX "_scale"
#define ELECTRA_CHANNELS_SUFFIX "_channels"
#define ELECTRA_EXACT_SUFFIX "_exact"

/* A source of bytes in order.  read delivers exactly size bytes or fails. */
typedef struct electra_stream
{
	electra_status (*read) (void *context, void *destination, size_t size,
							electra_error *error);
	void	   *context;
} electra_stream;

typedef struct electra_tensor
{
	const char *name;
	electra_dtype dtype;
	int			rank;			/* 0 … ELECTRA_MAX_RANK */
	int64_t		shape[ELECTRA_MAX_RANK];
	uint64_t	begin;			/* offsets relative to the data */
	uint64_t	end;
} electra_tensor;

typedef struct electra_metadata
{
	const char *key;
	const char *value;			/* NUL-terminated UTF-8 */
} electra_metadata;

/* A parsed header. */
typedef struct electra_archive
{
	electra_config config;		/* checked by electra_config_check */
	int			num_metadata;
	const electra_metadata *metadata;	/* ascending by key */
	int			num_tensors;
	const electra_tensor *tensors;	/* ascending by begin */
	uint64_t	data_begin;		/* offset of the data in the archive */
	uint64_t	size;			/* of the whole archive */
} electra_archive;

/*
 * Reads an archive from its first byte on and hashes what it reads.  The
 * stream may continue behind the archive; the reader does not read further.
 */
typedef struct electra_archive_reader
{
	electra_stream stream;
	const electra_allocator *memory;
	electra_sha256 sha;
	const uint8_t *known_digest;	/* NULL: what is read is hashed */
	uint64_t	position;		/* bytes read so far */
	electra_archive *archive;	/* lives until electra_archive_close */
	void	   *header;			/* owned: the text that archive points into */
} electra_archive_reader;

/*
 * Reads and validates the header: canonical form, metadata (config), that the
 * encoder's tensors are all there with the shapes that config demands, that
 * every other tensor is a known head, pooler or module tensor of the right
 * shape, dtypes that config.dtype agrees with, no duplicates.  max_size bounds
 * the size that the header may claim.  ELECTRA_CORRUPT, ELECTRA_UNSUPPORTED
 * (another format, numerics or Unicode version, a dtype that is not computed),
 * ELECTRA_OUT_OF_MEMORY, or the stream's status.  Close also after a failure.
 */
extern electra_status electra_archive_open(electra_archive_reader *reader, electra_stream stream,
										   uint64_t max_size, const electra_allocator *memory,
										   electra_error *error);

/*
 * The caller has hashed the whole archive before: what is read from now on is
 * not hashed again, and electra_archive_digest gives this digest, which must
 * live as long as the reader.
 */
extern void electra_archive_trust(electra_archive_reader *reader,
								  const uint8_t digest[ELECTRA_DIGEST_SIZE]);

/* Reads the next size bytes of tensor data. */
extern electra_status electra_archive_read(electra_archive_reader *reader, void *destination,
										   size_t size, electra_error *error);

/* Ends the hash.  ELECTRA_CORRUPT unless all bytes of the archive have been read. */
extern electra_status electra_archive_digest(electra_archive_reader *reader,
											 uint8_t digest[ELECTRA_DIGEST_SIZE],
											 electra_error *error);

extern void electra_archive_close(electra_archive_reader *reader);

/* NULL where absent. */
extern const char *electra_archive_metadata(const electra_archive *archive, const char *key);
extern const electra_tensor *electra_archive_tensor(const electra_archive *archive, const char *name);

/*
 * The metadata form of a configuration, used by the archive writer, and back.
 * electra_config_to_metadata calls emit for each pair in ascending key order.
 */
extern void electra_config_to_metadata(const electra_config *config,
									   void (*emit) (void *context, const char *key, const char *value),
									   void *context);
extern electra_status electra_config_from_metadata(const electra_metadata *metadata, int num_metadata,
												   electra_config *config, electra_error *error);

/*
 * The tensors that belong to a preset of this configuration: what they are
 * called, their shape, whether they must be there.  The importer maps foreign
 * names to these, the reader checks against them.
 */
typedef struct electra_tensor_spec
{
	char		name[128];
	int			rank;
	int64_t		shape[ELECTRA_MAX_RANK];	/* -1: any positive size (num_labels) */
	bool		required;
	bool		text;			/* U8, not weights */
	bool		quantized;		/* I8 with scales where config.dtype is I8 … */
	int			num_exact;		/* … and with so many exact channels */
} electra_tensor_spec;

/*
 * Finds the specification of a canonical name; false for a name outside
 * encoder, pooler, heads, modules, tokenizer and weights.sha256.  What belongs
 * to I8 tensors is found only where config.dtype is I8, and never "required":
 * the reader demands it with its tensor.
 */
extern bool electra_tensor_spec_find(const electra_config *config, const char *name,
									 electra_tensor_spec *spec);

/*
 * The suffix of what belongs to a quantized tensor: number index (0 …), NULL
 * behind the last one.
 */
extern const char *electra_tensor_spec_companion(const electra_tensor_spec *spec, int index);

/* The part of a name before such a suffix, in bytes; 0 if it has none. */
extern size_t electra_tensor_companion_base(const char *name);

/* Required tensor number index (0 …), false behind the last one. */
extern bool electra_tensor_spec_required(const electra_config *config, int index,
										 electra_tensor_spec *spec);

#endif							/* ELECTRA_ARCHIVE_H */

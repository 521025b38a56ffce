/*
 * From SQL texts, or token ids, to vectors: what every function that
 * tokenizes or encodes has in common.
 *
 * One call of a SQL function is one ElectraEmbedder: it acquires the preset
 * once, owns one memory context for everything the call needs, and adds to the
 * preset's counters when it ends.  An ERROR in between leaves nothing behind:
 * the context is a child of the caller's.
 */
#ifndef ELECTRA_EMBEDDER_H
#define ELECTRA_EMBEDDER_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"

#include "core/encoder.h"
#include "core/tokenizer.h"
#include "pg/stats.h"

/* Which of a preset's prompts comes before the text. */
typedef enum ElectraPrompt
{
	ELECTRA_PROMPT_NONE = 0,
	ELECTRA_PROMPT_QUERY,
	ELECTRA_PROMPT_DOCUMENT
} ElectraPrompt;

typedef struct ElectraEmbedder
{
	ElectraPreset *preset;
	const electra_config *config;
	int			dimensions;		/* of a vector */
	ElectraPrompt prompt_kind;	/* of the prompt that is there */
	const char *prompt;			/* UTF-8, "" where there is none */
	Size		prompt_size;
	int32		prompt_tokens;	/* leading tokens that pooling leaves out */
	MemoryContext context;		/* lives as long as the call */
	MemoryContext scratch;		/* reset after each text */
	char	   *buffer;			/* of the encoder, 64-byte aligned */
	Size		buffer_size;
	void	   *allocation;		/* that buffer lies in */
	ElectraCounts counts;		/* of this call so far */
} ElectraEmbedder;

/*
 * Argument number arg as a preset's name: NULL where the function was called
 * without it, an ERROR where it is NULL.
 */
extern char *electra_preset_argument(FunctionCallInfo fcinfo, int arg);

/* name: as for electra_preset_acquire; NULL also warns of an untrained default. */
extern void electra_embedder_begin(ElectraEmbedder *embedder, const char *name,
								   ElectraPrompt prompt);

/* Releases the memory and adds to the counters. */
extern void electra_embedder_end(ElectraEmbedder *embedder);

/*
 * An ERROR for a preset without a vocabulary.  The functions below that read
 * texts ask themselves.
 */
extern void electra_embedder_require_vocabulary(ElectraEmbedder *embedder);

/* A token as a text datum in the database encoding; "" for an id that has none. */
extern Datum electra_embedder_token(const ElectraEmbedder *embedder, int32 id);

/*
 * The first tokens->capacity tokens of prompt and text, without special ones; a
 * toasted text is read only as far as that needs.
 */
extern void electra_embedder_read(ElectraEmbedder *embedder, Datum text, electra_tokens *tokens);

/* Counts a text that is cut at max_length: an ERROR where the preset wants one. */
extern void electra_embedder_cut(ElectraEmbedder *embedder);

/*
 * Token ids of prompt and text as the encoder sees them, special tokens
 * included, cut at max_length (an ERROR where the preset wants one); a toasted
 * text is read only as far as that needs.  ids has room for config->max_length
 * ids; returns their number.
 */
extern int64 electra_embedder_tokenize(ElectraEmbedder *embedder, Datum text, int32 *ids);

/* Number of tokens of the whole text, special tokens and prompt included, nothing cut. */
extern int64 electra_embedder_count(ElectraEmbedder *embedder, Datum text);

/*
 * Runs the encoder over a batch and counts it.  The result, (T, hidden_dim),
 * lies in the embedder's memory until the next run; workspace (may be NULL)
 * receives electra_pool_workspace() bytes that are free until then, too.
 */
extern const float *electra_embedder_run(ElectraEmbedder *embedder, const electra_batch *batch,
										 void **workspace);

/* pooled_output of a batch that has just run; the preset has a pooler. */
extern void electra_embedder_pooled(ElectraEmbedder *embedder, const electra_batch *batch,
									const float *sequence_output /* (T, hidden_dim) */ ,
									float *pooled_output /* (B, hidden_dim) */ );

/* Vectors of tokenized texts: text b is ids[offsets[b]] … ids[offsets[b + 1] - 1]. */
extern void electra_embedder_encode(ElectraEmbedder *embedder, int num_texts,
									const int32 *offsets /* (num_texts + 1) */ ,
									const int32 *ids,
									float *vectors /* (num_texts, dimensions) */ );

/* The vector of one text: from the backend's memo, else computed and remembered there. */
extern void electra_embedder_embed(ElectraEmbedder *embedder, Datum text,
								   float *vector /* (dimensions) */ );

/* Counts an error that the caller is about to raise. */
extern void electra_embedder_count_error(ElectraEmbedder *embedder);

/* Counts an error of the core and raises it. */
_Noreturn extern void electra_embedder_fail(ElectraEmbedder *embedder, electra_status status,
											const electra_error *error);

/* A one-dimensional real[] of this many elements, not yet filled in, in CurrentMemoryContext. */
extern ArrayType *electra_real_array(int num_elements);

#endif							/* ELECTRA_EMBEDDER_H */

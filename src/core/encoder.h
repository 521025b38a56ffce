/*
 * The ELECTRA (BERT) encoder, and the pipeline from its output to a vector.
 *
 * A batch is the tokens of its sequences one after the other: no padding is
 * stored or computed, and a sequence's values do not depend on its neighbours.
 */
#ifndef ELECTRA_ENCODER_H
#define ELECTRA_ENCODER_H

#include "image.h"

/* The inputs of a layer's linear layers. */
typedef enum electra_layer_input
{
	ELECTRA_INPUT_ATTENTION = 0,	/* of query, key and value */
	ELECTRA_INPUT_CONTEXT,		/* of attention_output */
	ELECTRA_INPUT_FEED_FORWARD, /* of intermediate */
	ELECTRA_INPUT_INTERMEDIATE, /* of output; not whole where that is in int8 */
	ELECTRA_NUM_LAYER_INPUTS
} electra_layer_input;

/* Sees them before they are used, for the rounding of weights to int8. */
typedef struct electra_observer
{
	/* x (rows, dimension), rows stride floats apart; a sequence's rows in order */
	void		(*see) (void *context, int layer, electra_layer_input kind, const float *x,
						size_t stride, size_t rows);
	void	   *context;
} electra_observer;

typedef struct electra_batch
{
	int			num_sequences;	/* B */
	const int32_t *offsets;		/* (B + 1): sequence b is tokens offsets[b] …
								 * offsets[b + 1] - 1; offsets[0] = 0 */
	const int32_t *token_ids;	/* (T), T = offsets[B]; each sequence 1 …
								 * max_sequence_length tokens */
	const uint8_t *segment_ids; /* (T), or NULL: all 0 */
	const uint8_t *padding_mask;	/* (T), 0 or 1, or NULL: all 1.  Tokens with 0
								 * are no keys of the attention, but have
								 * outputs; each sequence has a 1 */
	int32_t		prompt_tokens;	/* leading tokens that pooling leaves out, if
								 * !config.include_prompt */
	const electra_observer *observer;	/* NULL: none */
} electra_batch;

/* Bytes that electra_encode needs as workspace for this batch. */
extern size_t electra_encoder_workspace(const electra_model *model, const electra_batch *batch);

/*
 * sequence_output of the whole batch.  workspace: aligned to 64 bytes.
 * ELECTRA_CANCELED; ELECTRA_INVALID_ARGUMENT for a token or segment id outside
 * the model, a sequence too long or with nothing but padding; ELECTRA_NOT_FINITE.
 */
extern electra_status electra_encode(const electra_model *model, const electra_batch *batch,
									 void *workspace,
									 float *sequence_output /* (T, hidden_dim) */ ,
									 const electra_poll *poll, electra_error *error);

/*
 * pooled_output: tanh(dense(token 0)) of each sequence, whatever its mask.
 * ELECTRA_UNSUPPORTED for a model without a pooler; ELECTRA_NOT_FINITE.
 * Source: keras_hub ElectraBackbone, transformers BertPooler.
 */
extern electra_status electra_pooled_output(const electra_model *model, const electra_batch *batch,
											const float *sequence_output /* (T, hidden_dim) */ ,
											float *pooled_output /* (B, hidden_dim) */ ,
											electra_error *error);

/* Bytes that electra_pool needs as workspace; independent of the batch. */
extern size_t electra_pool_workspace(const electra_model *model);

/*
 * Pooling and the modules behind it, the cut to config.dimensions, the final
 * normalization.  ELECTRA_NOT_FINITE.
 */
extern electra_status electra_pool(const electra_model *model, const electra_batch *batch,
								   const float *sequence_output /* (T, hidden_dim) */ ,
								   void *workspace,
								   float *embeddings /* (B, electra_config_dimensions) */ ,
								   electra_error *error);

#endif							/* ELECTRA_ENCODER_H */

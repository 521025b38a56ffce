/*
 * The encoder: embeddings, then layers of attention and feed-forward, each
 * followed by a residual and a LayerNorm.
 *
 * Sequences lie one after the other; everything but attention treats their
 * tokens alike.  Memory stays small: the hidden states live in the caller's
 * sequence_output; queries, keys and values exist for a group of heads at a
 * time; what follows attention runs in blocks of rows, so that the wide
 * intermediate of the feed-forward part stays in the cache.
 */
#include "encoder.h"

#include <math.h>

#include "attention.h"
#include "fpenv.h"
#include "linear.h"

/* Tokens that go through the rest of a layer together. */
#define ROW_BLOCK 128

/* Columns that a group of heads has at least, if the shape allows it. */
#define GROUP_COLUMNS 128

/* Rows of the workspace are this much longer, so that they do not all fall into one set of a cache. */
#define ROW_PADDING 16

/* What the parts of electra_encode share. */
typedef struct encoder_run
{
	const electra_model *model;
	const electra_config *config;
	const electra_kernel_table *kernels;
	const electra_batch *batch;
	size_t		num_tokens;		/* T */
	size_t		longest;		/* sequence */
	size_t		group_dim;		/* columns of a group of heads */
	size_t		block_rows;		/* at most so many rows in a block */
	float	   *hidden;			/* (T, hidden_dim) */
	float	   *context;		/* (T, context_stride): what attention gives */
	size_t		context_stride;
	float	   *scratch;		/* for a group of heads or a block of rows */
	electra_pacer pacer;
} encoder_run;

/* Workspace starts at multiples of 64 bytes. */
static size_t
aligned(size_t floats)
{
	return (floats + 15) / 16 * 16;
}

static size_t
largest(size_t a, size_t b)
{
	return a > b ? a : b;
}

/*
 * The smallest run of whole heads that is also a run of whole panels and not
 * narrower than GROUP_COLUMNS; all heads where there is none.
 */
static size_t
group_columns(const electra_config *config)
{
	size_t		head_dim = (size_t) (config->hidden_dim / config->num_heads);

	for (size_t columns = head_dim; columns < (size_t) config->hidden_dim; columns += head_dim)
		if (columns >= GROUP_COLUMNS && columns % ELECTRA_PANEL_COLUMNS == 0)
			return columns;
	return (size_t) config->hidden_dim;
}

/* Sizes of everything, from shape and batch. */
static void
start_run(encoder_run *run, const electra_model *model, const electra_batch *batch)
{
	run->model = model;
	run->config = electra_model_config(model);
	run->kernels = electra_kernels();
	run->batch = batch;
	run->num_tokens = (size_t) batch->offsets[batch->num_sequences];
	run->longest = 0;
	for (int b = 0; b < batch->num_sequences; b++)
		run->longest = largest(run->longest, (size_t) (batch->offsets[b + 1] - batch->offsets[b]));
	run->group_dim = group_columns(run->config);
	run->block_rows = run->num_tokens < ROW_BLOCK ? run->num_tokens : ROW_BLOCK;
	run->context_stride = aligned((size_t) run->config->hidden_dim) + ROW_PADDING;
}

/* Row strides within scratch. */
static size_t
group_stride(const encoder_run *run)
{
	return aligned(run->group_dim) + ROW_PADDING;
}

static size_t
intermediate_stride(const encoder_run *run)
{
	return aligned((size_t) run->config->intermediate_dim) + ROW_PADDING;
}

static size_t
scratch_floats(const encoder_run *run)
{
	const electra_config *config = run->config;
	size_t		head_dim = (size_t) (config->hidden_dim / config->num_heads);
	size_t		attention = 3 * run->num_tokens * group_stride(run) +
		electra_attention_workspace(run->longest, head_dim);
	size_t		embeddings = run->block_rows * (size_t) config->embedding_dim;
	size_t		feed_forward = run->block_rows *
		(intermediate_stride(run) + (size_t) config->hidden_dim);

	return largest(largest(attention, embeddings), feed_forward);
}

size_t
electra_encoder_workspace(const electra_model *model, const electra_batch *batch)
{
	encoder_run run;

	start_run(&run, model, batch);
	return (run.num_tokens * run.context_stride + scratch_floats(&run)) * sizeof(float);
}

/* Each sequence needs a key, or there is nothing to divide by. */
static electra_status
check_mask(const electra_batch *batch, electra_error *error)
{
	for (int b = 0; b < batch->num_sequences; b++)
	{
		bool		any = false;

		for (int32_t t = batch->offsets[b]; t < batch->offsets[b + 1]; t++)
		{
			if (batch->padding_mask[t] > 1)
			{
				electra_fail(error, ELECTRA_INVALID_ARGUMENT, "padding_mask value %d is out of range",
							 (int) batch->padding_mask[t]);
				electra_fail_detail(error, "The value at position %d must be 0 or 1.", (int) t);
				return error->status;
			}
			any = any || batch->padding_mask[t] == 1;
		}
		if (!any)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "padding_mask of sequence %d is all 0", b);
			electra_fail_detail(error, "At least one of its %d tokens must take part.",
								(int) (batch->offsets[b + 1] - batch->offsets[b]));
			electra_fail_hint(error, "Write 1 for tokens and 0 for padding.");
			return error->status;
		}
	}
	return ELECTRA_OK;
}

/* ELECTRA_INVALID_ARGUMENT unless every id, length and mask is what the model takes. */
static electra_status
check_batch(const electra_config *config, const electra_batch *batch, electra_error *error)
{
	for (int b = 0; b < batch->num_sequences; b++)
	{
		int32_t		length = batch->offsets[b + 1] - batch->offsets[b];

		if (length < 1 || length > config->max_sequence_length)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT,
						 "sequence %d has %d tokens", b, (int) length);
			electra_fail_detail(error, "The model takes 1 to %d tokens.",
								(int) config->max_sequence_length);
			return error->status;
		}
	}
	for (int32_t t = 0; t < batch->offsets[batch->num_sequences]; t++)
	{
		if (batch->token_ids[t] < 0 || batch->token_ids[t] >= config->vocab_size)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "token id %d is out of range",
						 (int) batch->token_ids[t]);
			electra_fail_detail(error, "The token at position %d must be from 0 to %d.",
								(int) t, (int) config->vocab_size - 1);
			return error->status;
		}
		if (batch->segment_ids != NULL && batch->segment_ids[t] >= config->num_segments)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "segment id %d is out of range",
						 (int) batch->segment_ids[t]);
			electra_fail_detail(error, "The segment at position %d must be from 0 to %d.",
								(int) t, (int) config->num_segments - 1);
			return error->status;
		}
	}
	return batch->padding_mask == NULL ? ELECTRA_OK : check_mask(batch, error);
}

/* y = x W + b for the columns first_column … first_column + columns - 1 of a linear layer. */
static bool
linear(encoder_run *run, const electra_image_linear *layer, size_t first_column, size_t columns,
	   const float *x, size_t x_stride, size_t rows, float *y, size_t y_stride)
{
	electra_gemm_call call = electra_linear_call(run->model, layer);

	call.x = x;
	call.x_stride = x_stride;
	call.rows = rows;
	call.panels += first_column * call.in_dim;
	if (call.bias != NULL)
		call.bias += first_column;
	call.out_dim = columns;
	call.y = y;
	call.y_stride = y_stride;
	return electra_gemm(&call, &run->pacer);
}

/* Each row of x: LayerNorm(x + residual). */
static bool
layer_norm(encoder_run *run, const electra_image_layer_norm *norm, float *x /* (rows, dim) */ ,
		   const float *residual /* (rows, dim), or NULL */ , size_t rows, size_t dim)
{
	const float *weight = electra_model_floats(run->model, norm->weight);
	const float *bias = electra_model_floats(run->model, norm->bias);

	for (size_t r = 0; r < rows; r++)
	{
		if (electra_pacer_stop(&run->pacer, dim * ELECTRA_NORM_WORK))
			return false;
		run->kernels->layer_norm(x + r * dim, residual == NULL ? NULL : residual + r * dim,
								 weight, bias, dim, (float) run->config->layer_norm_eps);
	}
	return true;
}

/*
 * The sums of word, segment and position vectors of tokens first … first +
 * rows - 1, added in transformers' order.  *sequence is the one that holds
 * token first, and moves on.
 */
static void
sum_embeddings(encoder_run *run, size_t first, size_t rows, int *sequence,
			   float *sums /* (rows, embedding_dim) */ )
{
	const electra_image_header *header = run->model->header;
	const electra_batch *batch = run->batch;
	size_t		dim = (size_t) run->config->embedding_dim;
	const float *words = electra_model_floats(run->model, header->word_embeddings);
	const float *segments = electra_model_floats(run->model, header->segment_embeddings);
	const float *positions = electra_model_floats(run->model, header->position_embeddings);

	for (size_t t = first; t < first + rows; t++)
	{
		size_t		segment = batch->segment_ids == NULL ? 0 : batch->segment_ids[t];

		while (t >= (size_t) batch->offsets[*sequence + 1])
			(*sequence)++;
		run->kernels->add3(sums + (t - first) * dim, words + (size_t) batch->token_ids[t] * dim,
						   segments + segment * dim,
						   positions + (t - (size_t) batch->offsets[*sequence]) * dim, dim);
	}
}

/* hidden = LayerNorm(embeddings), through the projection where there is one. */
static bool
embed(encoder_run *run)
{
	const electra_image_header *header = run->model->header;
	size_t		dim = (size_t) run->config->embedding_dim;
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	size_t		num_blocks = electra_num_pieces(run->num_tokens, run->block_rows);
	size_t		first = 0;
	int			sequence = 0;

	for (size_t b = 0; b < num_blocks; b++)
	{
		size_t		rows = electra_piece(run->num_tokens, num_blocks, b);
		float	   *hidden = run->hidden + first * hidden_dim;
		float	   *sums = header->projection.panels == 0 ? hidden : run->scratch;

		sum_embeddings(run, first, rows, &sequence, sums);
		if (!layer_norm(run, &header->embedding_norm, sums, NULL, rows, dim))
			return false;
		if (sums != hidden && !linear(run, &header->projection, 0, hidden_dim, sums, dim, rows,
									  hidden, hidden_dim))
			return false;
		first += rows;
	}
	return true;
}

/* context = self-attention of hidden, a group of heads at a time. */
static bool
attend(encoder_run *run, const electra_image_layer *layer)
{
	const electra_batch *batch = run->batch;
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	size_t		head_dim = hidden_dim / (size_t) run->config->num_heads;
	size_t		stride = group_stride(run);
	float	   *query = run->scratch;
	float	   *key = query + run->num_tokens * stride;
	float	   *value = key + run->num_tokens * stride;
	float		scale = 1.0f / sqrtf((float) head_dim);

	for (size_t column = 0; column < hidden_dim; column += run->group_dim)
	{
		size_t		columns = run->group_dim < hidden_dim - column ? run->group_dim : hidden_dim - column;

		if (!linear(run, &layer->query, column, columns, run->hidden, hidden_dim,
					run->num_tokens, query, stride) ||
			!linear(run, &layer->key, column, columns, run->hidden, hidden_dim,
					run->num_tokens, key, stride) ||
			!linear(run, &layer->value, column, columns, run->hidden, hidden_dim,
					run->num_tokens, value, stride))
			return false;
		for (size_t t = 0; t < run->num_tokens; t++)
			run->kernels->scale(query + t * stride, columns, scale);
		for (int b = 0; b < batch->num_sequences; b++)
		{
			size_t		first = (size_t) batch->offsets[b];
			electra_attention_call call = {
				.query = query + first * stride,
				.key = key + first * stride,
				.value = value + first * stride,
				.stride = stride,
				.length = (size_t) batch->offsets[b + 1] - first,
				.padding_mask = batch->padding_mask == NULL ? NULL : batch->padding_mask + first,
				.num_heads = columns / head_dim,
				.head_dim = head_dim,
				.context = run->context + first * run->context_stride + column,
				.context_stride = run->context_stride,
				.workspace = value + run->num_tokens * stride
			};

			if (!electra_attention(&call, &run->pacer))
				return false;
		}
	}
	return true;
}

/* Everything of a layer behind attention, for rows first … first + rows - 1. */
static bool
feed_forward(encoder_run *run, const electra_image_layer *layer, size_t first, size_t rows)
{
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	size_t		intermediate_dim = (size_t) run->config->intermediate_dim;
	size_t		stride = intermediate_stride(run);
	float	   *hidden = run->hidden + first * hidden_dim;
	float	   *intermediate = run->scratch;
	float	   *output = intermediate + run->block_rows * stride;

	if (!linear(run, &layer->attention_output, 0, hidden_dim,
				run->context + first * run->context_stride, run->context_stride, rows,
				output, hidden_dim) ||
		!layer_norm(run, &layer->attention_norm, hidden, output, rows, hidden_dim) ||
		!linear(run, &layer->intermediate, 0, intermediate_dim, hidden, hidden_dim, rows,
				intermediate, stride))
		return false;
	for (size_t r = 0; r < rows; r++)
	{
		if (electra_pacer_stop(&run->pacer, intermediate_dim * ELECTRA_ACTIVATION_WORK))
			return false;
		run->kernels->activate(run->config->activation, intermediate + r * stride,
							   intermediate_dim);
	}
	return linear(run, &layer->output, 0, hidden_dim, intermediate, stride, rows,
				  output, hidden_dim) &&
		layer_norm(run, &layer->output_norm, hidden, output, rows, hidden_dim);
}

/* False if the pacer stopped it. */
static bool
run_layers(encoder_run *run)
{
	size_t		num_blocks = electra_num_pieces(run->num_tokens, run->block_rows);

	if (!embed(run))
		return false;
	for (int32_t l = 0; l < run->config->num_layers; l++)
	{
		const electra_image_layer *layer = &run->model->layers[l];
		size_t		first = 0;

		if (!attend(run, layer))
			return false;
		for (size_t b = 0; b < num_blocks; b++)
		{
			size_t		rows = electra_piece(run->num_tokens, num_blocks, b);

			if (!feed_forward(run, layer, first, rows))
				return false;
			first += rows;
		}
	}
	return true;
}

electra_status
electra_encode(const electra_model *model, const electra_batch *batch, void *workspace,
			   float *sequence_output, const electra_poll *poll, electra_error *error)
{
	encoder_run run;
	electra_fpenv saved;
	bool		finished;
	bool		finite = false;
	electra_status status = check_batch(electra_model_config(model), batch, error);

	if (status != ELECTRA_OK || batch->num_sequences == 0)
		return status;
	start_run(&run, model, batch);
	run.hidden = sequence_output;
	run.context = workspace;
	run.scratch = run.context + run.num_tokens * run.context_stride;
	run.pacer = (electra_pacer) {.poll = poll};

	electra_fpenv_enter(&saved);
	finished = run_layers(&run);
	if (finished)
		finite = run.kernels->all_finite(sequence_output,
										 run.num_tokens * (size_t) run.config->hidden_dim);
	electra_fpenv_leave(&saved);

	if (!finished)
		return electra_fail(error, ELECTRA_CANCELED, "encoding was canceled");
	if (!finite)
	{
		electra_fail(error, ELECTRA_NOT_FINITE, "the encoder's output is not finite");
		electra_fail_detail(error, "The preset's weights lead to infinity or NaN in float32.");
		return error->status;
	}
	return ELECTRA_OK;
}

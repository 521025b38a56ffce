/*
 * The encoder: embeddings, then layers of attention and feed-forward, each
 * followed by a residual and a LayerNorm.
 *
 * Sequences lie one after the other; everything but attention treats their
 * tokens alike.  Memory stays small: the hidden states live in the caller's
 * sequence_output; queries, keys and values exist for a group of heads at a
 * time; what follows attention runs in blocks of rows, so that the wide
 * intermediate of the feed-forward part stays in the cache.
 *
 * Layers in int8 take quantized inputs.  What feeds one is quantized, row by
 * row, where it is made; the intermediate exists in no other form but for a
 * few columns.  Attention itself stays in floats.
 */
#include "encoder.h"

#include <math.h>

#include "attention.h"
#include "fpenv.h"
#include "linear.h"
#include "table.h"

/* Tokens that go through the rest of a layer together. */
#define ROW_BLOCK 128

/* Columns that a group of heads has at least, if the shape allows it. */
#define GROUP_COLUMNS 128

/* Columns of the intermediate that are made at a time; whole groups of int8. */
#define INTERMEDIATE_COLUMNS 256

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
	bool		quantizes;		/* is any matrix in int8 */
	bool		widest;			/* is any intermediate kept as floats */
	float	   *hidden;			/* (T, hidden_dim) */
	electra_int8_rows quantized_hidden; /* (T, hidden_dim), if quantizes */
	float	   *context;		/* (T, context_stride): what attention gives */
	size_t		context_stride;
	float	   *scratch;		/* for a group of heads or a block of rows */
	electra_pacer pacer;
} encoder_run;

/* What a block of rows needs behind attention, in scratch. */
typedef struct feed_forward_space
{
	float	   *output;			/* (block_rows, hidden_dim) */
	electra_int8_rows context;	/* (block_rows, hidden_dim), if quantizes */
	electra_int8_rows intermediate; /* (block_rows, intermediate_dim), the same */
	float	   *columns;		/* (block_rows, intermediate_stride), or a few
								 * columns of it */
} feed_forward_space;

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

/* Is any matrix of a layer in int8? */
static bool
layer_quantizes(const electra_image_layer *layer)
{
	return layer->query.dtype == ELECTRA_I8 || layer->key.dtype == ELECTRA_I8 ||
		layer->value.dtype == ELECTRA_I8 || layer->attention_output.dtype == ELECTRA_I8 ||
		layer->intermediate.dtype == ELECTRA_I8 || layer->output.dtype == ELECTRA_I8;
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
	run->quantizes = model->header->projection.dtype == ELECTRA_I8;
	run->widest = false;
	for (int32_t l = 0; l < run->config->num_layers; l++)
	{
		run->quantizes = run->quantizes || layer_quantizes(&model->layers[l]);
		run->widest = run->widest || model->layers[l].output.dtype != ELECTRA_I8;
	}
}

/* Row strides within scratch. */
static size_t
group_stride(const encoder_run *run)
{
	return aligned(run->group_dim) + ROW_PADDING;
}

/* Of so many columns of the intermediate as exist at a time. */
static size_t
intermediate_stride(const encoder_run *run)
{
	size_t		dim = (size_t) run->config->intermediate_dim;

	if (!run->widest && dim > INTERMEDIATE_COLUMNS)
		dim = INTERMEDIATE_COLUMNS;
	return aligned(dim) + ROW_PADDING;
}

/* Floats of rows quantized, if anything is. */
static size_t
quantized_floats(const encoder_run *run, size_t rows, size_t dim)
{
	return run->quantizes ? electra_int8_rows_size(rows, dim) / sizeof(float) : 0;
}

/* Takes rows for quantizing from *memory, if anything is. */
static electra_int8_rows
take_quantized(const encoder_run *run, float **memory, size_t rows, size_t dim)
{
	electra_int8_rows quantized = {.values = NULL};

	if (run->quantizes)
		quantized = electra_int8_rows_at(*memory, rows, dim);
	*memory += quantized_floats(run, rows, dim);
	return quantized;
}

static feed_forward_space
lay_out_feed_forward(const encoder_run *run)
{
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	float	   *memory = run->scratch;
	feed_forward_space space = {.output = memory};

	memory += aligned(run->block_rows * hidden_dim);
	space.context = take_quantized(run, &memory, run->block_rows, hidden_dim);
	space.intermediate = take_quantized(run, &memory, run->block_rows,
										(size_t) run->config->intermediate_dim);
	space.columns = memory;
	return space;
}

static size_t
feed_forward_floats(const encoder_run *run)
{
	size_t		hidden_dim = (size_t) run->config->hidden_dim;

	return aligned(run->block_rows * hidden_dim) +
		quantized_floats(run, run->block_rows, hidden_dim) +
		quantized_floats(run, run->block_rows, (size_t) run->config->intermediate_dim) +
		run->block_rows * intermediate_stride(run);
}

static size_t
attention_floats(const encoder_run *run)
{
	size_t		head_dim = (size_t) (run->config->hidden_dim / run->config->num_heads);

	return 3 * run->num_tokens * group_stride(run) +
		electra_attention_workspace(run->longest, head_dim);
}

/* Sums of embeddings, one row of each table, the sums quantized. */
static size_t
embedding_floats(const encoder_run *run)
{
	size_t		dim = (size_t) run->config->embedding_dim;

	return aligned(run->block_rows * dim) + 3 * aligned(dim) +
		quantized_floats(run, run->block_rows, dim);
}

/* Context, quantized hidden states and scratch. */
static size_t
workspace_floats(const encoder_run *run)
{
	return run->num_tokens * run->context_stride +
		quantized_floats(run, run->num_tokens, (size_t) run->config->hidden_dim) +
		largest(attention_floats(run), largest(embedding_floats(run), feed_forward_floats(run)));
}

size_t
electra_encoder_workspace(const electra_model *model, const electra_batch *batch)
{
	encoder_run run;

	start_run(&run, model, batch);
	return workspace_floats(&run) * sizeof(float);
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

/* All columns of a layer, without an activation. */
static bool
linear(encoder_run *run, const electra_image_linear *layer, const electra_linear_input *input,
	   size_t rows, float *y, size_t y_stride)
{
	electra_linear_call call = {
		.layer = layer,
		.columns = (size_t) layer->out_dim,
		.input = *input,
		.rows = rows,
		.activation = ELECTRA_IDENTITY,
		.y = y,
		.y_stride = y_stride
	};

	return electra_linear(run->model, &call, &run->pacer);
}

/* The rows of hidden from first on, as input of a layer. */
static electra_linear_input
hidden_input(const encoder_run *run, size_t first)
{
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	electra_linear_input input = {.x = run->hidden + first * hidden_dim, .stride = hidden_dim};

	if (run->quantizes)
		input.quantized = electra_int8_rows_from(&run->quantized_hidden, first, 0);
	return input;
}

/* Quantizes a row for the layer that takes it next (NULL: none), if that is in int8. */
static void
quantize_row(const electra_image_linear *next, const electra_int8_rows *quantized, size_t row,
			 float *x, size_t dim)
{
	if (next != NULL && next->dtype == ELECTRA_I8)
		electra_linear_quantize(next, quantized, row, 0, x, dim);
}

/* Each row of x: LayerNorm(x + residual), and the same quantized for the next layer. */
static bool
layer_norm(encoder_run *run, const electra_image_layer_norm *norm, float *x /* (rows, dim) */ ,
		   const float *residual /* (rows, dim), or NULL */ , size_t rows, size_t dim,
		   const electra_image_linear *next, const electra_int8_rows *quantized)
{
	const float *weight = electra_model_floats(run->model, norm->weight);
	const float *bias = electra_model_floats(run->model, norm->bias);

	for (size_t r = 0; r < rows; r++)
	{
		if (electra_pacer_stop(&run->pacer, dim * ELECTRA_NORM_WORK))
			return false;
		run->kernels->layer_norm(x + r * dim, residual == NULL ? NULL : residual + r * dim,
								 weight, bias, dim, (float) run->config->layer_norm_eps);
		quantize_row(next, quantized, r, x + r * dim, dim);
	}
	return true;
}

/* A row of a table: itself where it is floats, else widened in memory. */
static const float *
table_row(const electra_model *model, const electra_image_table *table, size_t row,
		  float *memory /* (dim) */ )
{
	if (table->dtype == ELECTRA_F32)
		return electra_model_floats(model, electra_table_row_offset(table, row));
	electra_table_row(model, table, row, memory);
	return memory;
}

/*
 * The sums of word, segment and position vectors of tokens first … first +
 * rows - 1, added in transformers' order.  *sequence is the one that holds
 * token first, and moves on.
 */
static void
sum_embeddings(encoder_run *run, size_t first, size_t rows, int *sequence,
			   float *sums /* (rows, embedding_dim) */ , float *widened /* (3, aligned dim) */ )
{
	const electra_image_header *header = run->model->header;
	const electra_batch *batch = run->batch;
	size_t		dim = (size_t) run->config->embedding_dim;

	for (size_t t = first; t < first + rows; t++)
	{
		size_t		segment = batch->segment_ids == NULL ? 0 : batch->segment_ids[t];
		size_t		position;

		while (t >= (size_t) batch->offsets[*sequence + 1])
			(*sequence)++;
		position = t - (size_t) batch->offsets[*sequence];
		run->kernels->add3(sums + (t - first) * dim,
						   table_row(run->model, &header->word_embeddings,
									 (size_t) batch->token_ids[t], widened),
						   table_row(run->model, &header->segment_embeddings, segment,
									 widened + aligned(dim)),
						   table_row(run->model, &header->position_embeddings, position,
									 widened + 2 * aligned(dim)), dim);
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
	bool		projects = header->projection.panels != 0;
	const electra_image_linear *query = run->config->num_layers > 0 ? &run->model->layers[0].query : NULL;
	float	   *widened = run->scratch + aligned(run->block_rows * dim);
	float	   *memory = widened + 3 * aligned(dim);
	electra_int8_rows quantized = take_quantized(run, &memory, run->block_rows, dim);
	size_t		first = 0;
	int			sequence = 0;

	for (size_t b = 0; b < num_blocks; b++)
	{
		size_t		rows = electra_piece(run->num_tokens, num_blocks, b);
		electra_linear_input hidden = hidden_input(run, first);
		float	   *output = run->hidden + first * hidden_dim;
		electra_linear_input sums = {.x = run->scratch, .stride = dim, .quantized = quantized};

		sum_embeddings(run, first, rows, &sequence, projects ? run->scratch : output, widened);
		if (!layer_norm(run, &header->embedding_norm, projects ? run->scratch : output, NULL, rows,
						dim, projects ? &header->projection : query,
						projects ? &quantized : &hidden.quantized))
			return false;
		if (projects && !linear(run, &header->projection, &sums, rows, output, hidden_dim))
			return false;
		for (size_t r = 0; r < rows && projects; r++)
			quantize_row(query, &hidden.quantized, r, output + r * hidden_dim, hidden_dim);
		first += rows;
	}
	return true;
}

/* context = self-attention of hidden, a group of heads at a time. */
static bool
attend(encoder_run *run, const electra_image_layer *layer)
{
	const electra_image_linear *parts[3] = {&layer->query, &layer->key, &layer->value};
	const electra_batch *batch = run->batch;
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	size_t		head_dim = hidden_dim / (size_t) run->config->num_heads;
	size_t		stride = group_stride(run);
	size_t		part_floats = run->num_tokens * stride;
	float	   *query = run->scratch;
	float		scale = 1.0f / sqrtf((float) head_dim);

	for (size_t column = 0; column < hidden_dim; column += run->group_dim)
	{
		size_t		columns = run->group_dim < hidden_dim - column ? run->group_dim : hidden_dim - column;

		for (size_t part = 0; part < 3; part++)
		{
			electra_linear_call call = {
				.layer = parts[part],
				.first_column = column,
				.columns = columns,
				.input = hidden_input(run, 0),
				.rows = run->num_tokens,
				.activation = ELECTRA_IDENTITY,
				.y = query + part * part_floats,
				.y_stride = stride
			};

			if (!electra_linear(run->model, &call, &run->pacer))
				return false;
		}
		for (size_t t = 0; t < run->num_tokens; t++)
			run->kernels->scale(query + t * stride, columns, scale);
		for (int b = 0; b < batch->num_sequences; b++)
		{
			size_t		first = (size_t) batch->offsets[b];
			electra_attention_call call = {
				.query = query + first * stride,
				.key = query + part_floats + first * stride,
				.value = query + 2 * part_floats + first * stride,
				.stride = stride,
				.length = (size_t) batch->offsets[b + 1] - first,
				.padding_mask = batch->padding_mask == NULL ? NULL : batch->padding_mask + first,
				.num_heads = columns / head_dim,
				.head_dim = head_dim,
				.context = run->context + first * run->context_stride + column,
				.context_stride = run->context_stride,
				.workspace = query + 3 * part_floats
			};

			if (!electra_attention(&call, &run->pacer))
				return false;
		}
	}
	return true;
}

/* output = hidden + attention's output layer, of a block of rows. */
static bool
attention_output(encoder_run *run, const electra_image_layer *layer, size_t first, size_t rows,
				 const feed_forward_space *space)
{
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	float	   *x = run->context + first * run->context_stride;
	electra_linear_input context = {
		.x = x,
		.stride = run->context_stride,
		.quantized = space->context
	};

	for (size_t r = 0; r < rows; r++)
		quantize_row(&layer->attention_output, &context.quantized, r, x + r * context.stride, hidden_dim);
	return linear(run, &layer->attention_output, &context, rows, space->output, hidden_dim);
}

/*
 * The intermediate of a block of rows, a few columns at a time: as floats, or
 * quantized at once where the layer behind it is in int8.
 */
static bool
intermediate(encoder_run *run, const electra_image_layer *layer, const electra_linear_input *hidden,
			 size_t rows, const feed_forward_space *space)
{
	bool		quantizes = layer->output.dtype == ELECTRA_I8;
	size_t		dim = (size_t) run->config->intermediate_dim;
	size_t		stride = intermediate_stride(run);

	for (size_t column = 0; column < dim; column += INTERMEDIATE_COLUMNS)
	{
		size_t		columns = dim - column < INTERMEDIATE_COLUMNS ? dim - column : INTERMEDIATE_COLUMNS;
		electra_linear_call call = {
			.layer = &layer->intermediate,
			.first_column = column,
			.columns = columns,
			.input = *hidden,
			.rows = rows,
			.activation = run->config->activation,
			.y = space->columns + (quantizes ? 0 : column),
			.y_stride = stride
		};

		if (!electra_linear(run->model, &call, &run->pacer))
			return false;
		for (size_t r = 0; r < rows && quantizes; r++)
			electra_linear_quantize(&layer->output, &space->intermediate, r, column,
									space->columns + r * stride, columns);
	}
	return true;
}

/* Shows what a linear layer is about to be applied to; always true. */
static bool
observe(const encoder_run *run, int32_t layer, electra_layer_input kind, const float *x, size_t stride,
		size_t rows)
{
	const electra_observer *observer = run->batch->observer;

	if (observer != NULL)
		observer->see(observer->context, layer, kind, x, stride, rows);
	return true;
}

/* Everything of a layer behind attention, for rows first … first + rows - 1. */
static bool
feed_forward(encoder_run *run, int32_t l, size_t first, size_t rows)
{
	const electra_image_layer *layer = &run->model->layers[l];
	const electra_image_linear *next = l + 1 < run->config->num_layers ? &layer[1].query : NULL;
	size_t		hidden_dim = (size_t) run->config->hidden_dim;
	float	   *hidden = run->hidden + first * hidden_dim;
	electra_linear_input input = hidden_input(run, first);
	feed_forward_space space = lay_out_feed_forward(run);
	electra_linear_input activated = {
		.x = space.columns,
		.stride = intermediate_stride(run),
		.quantized = space.intermediate
	};

	return observe(run, l, ELECTRA_INPUT_CONTEXT, run->context + first * run->context_stride,
				   run->context_stride, rows) &&
		attention_output(run, layer, first, rows, &space) &&
		layer_norm(run, &layer->attention_norm, hidden, space.output, rows, hidden_dim,
				   &layer->intermediate, &input.quantized) &&
		observe(run, l, ELECTRA_INPUT_FEED_FORWARD, hidden, hidden_dim, rows) &&
		intermediate(run, layer, &input, rows, &space) &&
		observe(run, l, ELECTRA_INPUT_INTERMEDIATE, activated.x, activated.stride, rows) &&
		linear(run, &layer->output, &activated, rows, space.output, hidden_dim) &&
		layer_norm(run, &layer->output_norm, hidden, space.output, rows, hidden_dim, next,
				   &input.quantized);
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
		size_t		first = 0;

		if (!observe(run, l, ELECTRA_INPUT_ATTENTION, run->hidden, (size_t) run->config->hidden_dim,
					 run->num_tokens) ||
			!attend(run, &run->model->layers[l]))
			return false;
		for (size_t b = 0; b < num_blocks; b++)
		{
			size_t		rows = electra_piece(run->num_tokens, num_blocks, b);

			if (!feed_forward(run, l, first, rows))
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
	run.quantized_hidden = take_quantized(&run, &run.scratch, run.num_tokens,
										  (size_t) run.config->hidden_dim);
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

/*
 * From the encoder's output to one vector a sequence: pooling and the modules
 * behind it, with the semantics of sentence-transformers 6.2.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "encoder.h"
#include "fpenv.h"
#include "linear.h"

/* What normalization divides by at least. */
#define SMALLEST_NORM 1e-12f

/* The tokens of a sequence that take part. */
typedef struct pooled_tokens
{
	const float *rows;			/* (count, dim) */
	size_t		skipped;		/* tokens before them */
	size_t		count;			/* may be 0 */
	size_t		dim;
} pooled_tokens;

/* The widest vector between two modules. */
static size_t
widest(const electra_config *config)
{
	int32_t		dim = 0;

	for (int32_t m = 0; m < config->num_modules; m++)
	{
		if (config->modules[m].in_dim > dim)
			dim = config->modules[m].in_dim;
		if (config->modules[m].out_dim > dim)
			dim = config->modules[m].out_dim;
	}
	return ((size_t) dim + 15) / 16 * 16;
}

size_t
electra_pool_workspace(const electra_model *model)
{
	return 2 * widest(electra_model_config(model)) * sizeof(float);
}

static void
divide(float *x /* (n) */ , size_t n, float divisor)
{
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] / divisor;
}

/*
 * One mode.  Where the prompt was the whole text, mean and last_token give
 * zeros, cls the first token, and max -infinity, which is refused later.
 */
static void
pool_mode(const electra_kernel_table *kernels, int mode, const pooled_tokens *tokens,
		  float *vector /* (dim) */ )
{
	size_t		count = tokens->count;
	size_t		dim = tokens->dim;
	float		weight;

	switch (mode)
	{
		case ELECTRA_POOL_CLS:
			memcpy(vector, count > 0 ? tokens->rows : tokens->rows - tokens->skipped * dim,
				   dim * sizeof(float));
			break;
		case ELECTRA_POOL_MAX:
			kernels->largest_rows(vector, tokens->rows, count, dim);
			break;
		case ELECTRA_POOL_MEAN:
		case ELECTRA_POOL_MEAN_SQRT_LEN:
			kernels->sum_rows(vector, tokens->rows, count, dim, 1.0f, 0.0f);
			if (count > 0)
				divide(vector, dim, mode == ELECTRA_POOL_MEAN ? (float) count : sqrtf((float) count));
			break;
		case ELECTRA_POOL_WEIGHTED_MEAN:
			/* weights are positions from 1 on, of the prompt's tokens too */
			kernels->sum_rows(vector, tokens->rows, count, dim, (float) (tokens->skipped + 1), 1.0f);
			weight = (float) (count * (2 * tokens->skipped + count + 1) / 2);
			if (count > 0)
				divide(vector, dim, weight);
			break;
		case ELECTRA_POOL_LAST_TOKEN:
			if (count > 0)
				memcpy(vector, tokens->rows + (count - 1) * dim, dim * sizeof(float));
			else
				memset(vector, 0, dim * sizeof(float));
			break;
	}
}

/* The chosen modes, one behind the other. */
static void
pool_tokens(const electra_kernel_table *kernels, int modes, const pooled_tokens *tokens,
			float *vector /* (number of modes * dim) */ )
{
	for (int index = 0; index < ELECTRA_NUM_POOLING_MODES; index++)
		if ((modes & (1 << index)) != 0)
		{
			pool_mode(kernels, 1 << index, tokens, vector);
			vector += tokens->dim;
		}
}

static void
normalize(const electra_kernel_table *kernels, float *x /* (n) */ , size_t n)
{
	float		norm = sqrtf(kernels->dot(x, x, n));

	divide(x, n, norm > SMALLEST_NORM ? norm : SMALLEST_NORM);
}

/* One sequence through all modules; false if the result is not finite. */
static bool
pool_sequence(const electra_model *model, const pooled_tokens *tokens, float *workspace,
			  float *embedding)
{
	const electra_config *config = electra_model_config(model);
	const electra_kernel_table *kernels = electra_kernels();
	size_t		dimensions = (size_t) electra_config_dimensions(config);
	float	   *vector = workspace;
	float	   *other = workspace + widest(config);

	for (int32_t m = 0; m < config->num_modules; m++)
	{
		const electra_module *module = &config->modules[m];

		switch (module->kind)
		{
			case ELECTRA_MODULE_POOLING:
				pool_tokens(kernels, config->pooling_modes, tokens, vector);
				break;
			case ELECTRA_MODULE_DENSE:
				{
					float	   *result = other;

					electra_dense(model, &model->header->modules[m], module->activation,
								  vector, result);
					other = vector;
					vector = result;
				}
				break;
			case ELECTRA_MODULE_NORMALIZE:
				normalize(kernels, vector, (size_t) module->in_dim);
				break;
		}
	}
	memcpy(embedding, vector, dimensions * sizeof(float));
	if (config->normalize)
		normalize(kernels, embedding, dimensions);
	return kernels->all_finite(embedding, dimensions);
}

electra_status
electra_pool(const electra_model *model, const electra_batch *batch, const float *sequence_output,
			 void *workspace, float *embeddings, electra_error *error)
{
	const electra_config *config = electra_model_config(model);
	size_t		dimensions = (size_t) electra_config_dimensions(config);
	electra_status status = ELECTRA_OK;
	electra_fpenv saved;

	electra_fpenv_enter(&saved);
	for (int b = 0; b < batch->num_sequences && status == ELECTRA_OK; b++)
	{
		size_t		first = (size_t) batch->offsets[b];
		size_t		length = (size_t) batch->offsets[b + 1] - first;
		pooled_tokens tokens = {.dim = (size_t) config->hidden_dim};

		if (!config->include_prompt && batch->prompt_tokens > 0)
			tokens.skipped = (size_t) batch->prompt_tokens < length ? (size_t) batch->prompt_tokens : length;
		tokens.count = length - tokens.skipped;
		tokens.rows = sequence_output + (first + tokens.skipped) * tokens.dim;
		if (!pool_sequence(model, &tokens, workspace, embeddings + (size_t) b * dimensions))
		{
			status = electra_fail(error, ELECTRA_NOT_FINITE, "the embedding is not finite");
			electra_fail_detail(error, "Sequence %d of %d tokens, %d of them without the prompt, gives infinity or NaN.",
								b, (int) length, (int) tokens.count);
		}
	}
	electra_fpenv_leave(&saved);
	return status;
}

/*
 * The pooled output: one vector a sequence, out of its first token.  What
 * Keras-Hub calls pooled_output and transformers pooler_output; not the
 * embedding of a text (pooling.c).
 */
#include "encoder.h"
#include "fpenv.h"
#include "linear.h"

electra_status
electra_pooled_output(const electra_model *model, const electra_batch *batch,
					  const float *sequence_output, float *pooled_output, electra_error *error)
{
	const electra_config *config = electra_model_config(model);
	size_t		hidden_dim = (size_t) config->hidden_dim;
	bool		finite = true;
	int			b;
	electra_fpenv saved;

	if (!config->has_pooler)
		return electra_fail(error, ELECTRA_UNSUPPORTED, "preset has no pooled output");

	electra_fpenv_enter(&saved);
	for (b = 0; b < batch->num_sequences && finite; b++)
	{
		const float *token = sequence_output + (size_t) batch->offsets[b] * hidden_dim;
		float	   *pooled = pooled_output + (size_t) b * hidden_dim;

		electra_dense(model, &model->header->pooler, ELECTRA_TANH, token, pooled);
		finite = electra_kernels()->all_finite(pooled, hidden_dim);
	}
	electra_fpenv_leave(&saved);

	if (finite)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_NOT_FINITE, "the pooled output is not finite");
	electra_fail_detail(error, "The pooler's weights lead to NaN in float32 in sequence %d.", b - 1);
	return error->status;
}

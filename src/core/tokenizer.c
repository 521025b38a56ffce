/*
 * The way from text to ids: sets up and judges a run of one of the pipelines
 * (bert_pipeline.c, keras_pipeline.c).
 */
#include "tokenizer.h"

#include "pipeline.h"

electra_status
electra_fail_no_vocabulary(electra_error *error)
{
	electra_fail(error, ELECTRA_UNSUPPORTED, "preset has no vocabulary");
	electra_fail_detail(error, "It was made without one, so that texts cannot be turned into token ids, nor back.");
	electra_fail_hint(error, "Use electra_encode with token ids.");
	return ELECTRA_UNSUPPORTED;
}

/* A pipeline has ended: what the caller is told. */
static electra_status
finish(const electra_pipeline *pipeline, electra_step step, electra_tokens *tokens, electra_error *error)
{
	if (step == ELECTRA_STEP_FAILED)
		return pipeline->text.status;
	if (step == ELECTRA_STEP_NO_MEMORY)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory while tokenizing");
	tokens->truncated = pipeline->words.full;
	tokens->need_input = step == ELECTRA_STEP_CUT && !pipeline->words.full;
	return ELECTRA_OK;
}

electra_status
electra_tokenize(const electra_model *model, const char *text, size_t size, bool at_end,
				 electra_tokens *tokens, const electra_allocator *memory,
				 const electra_poll *poll, electra_error *error)
{
	const electra_tokenizer_config *config = &electra_model_config(model)->tokenizer;
	electra_pipeline pipeline = {
		.config = config,
		.vocabulary = electra_model_vocabulary(model),
		.memory = memory,
		.text = {
			.bytes = (const uint8_t *) text,
			.size = size,
			.at_end = at_end,
			.poll = poll,
			.error = error
		}
	};
	electra_step step;

	tokens->count = 0;
	tokens->truncated = false;
	tokens->need_input = false;
	if (config->pipeline == ELECTRA_TOKENIZER_NONE)
		return electra_fail_no_vocabulary(error);
	electra_words_init(&pipeline.words, config, pipeline.vocabulary, tokens, memory);
	step = config->pipeline == ELECTRA_TOKENIZER_KERAS ? electra_keras_run(&pipeline) :
		electra_bert_run(&pipeline);
	electra_words_free(&pipeline.words);
	return finish(&pipeline, step, tokens, error);
}

/*
 * What the tokenizer's two pipelines have in common: where they read, where
 * their tokens go, and how a run ends.
 */
#ifndef ELECTRA_PIPELINE_H
#define ELECTRA_PIPELINE_H

#include "keras_unicode.h"
#include "text_cursor.h"
#include "wordpiece.h"

/* What a step of a pipeline, or its whole run, came to. */
typedef enum electra_step
{
	ELECTRA_STEP_MORE,			/* go on; as the end of a run: tokens.full */
	ELECTRA_STEP_DONE,			/* the text is over */
	ELECTRA_STEP_CUT,			/* the slice is over, the text is not */
	ELECTRA_STEP_FAILED,		/* see text.status */
	ELECTRA_STEP_NO_MEMORY
} electra_step;

typedef struct electra_pipeline
{
	const electra_tokenizer_config *config;
	const electra_vocabulary_header *vocabulary;
	const electra_allocator *memory;
	electra_text text;
	size_t		cursor;			/* what is read next, in bytes */
	electra_words words;
} electra_pipeline;

/* What a code point of normalized text means for the word that it stands in. */
typedef enum electra_split
{
	ELECTRA_SPLIT_WORD,			/* goes on with it */
	ELECTRA_SPLIT_SPACE,		/* ends it */
	ELECTRA_SPLIT_ISOLATED		/* ends it and is a word of its own */
} electra_split;

/* BertPreTokenizer: white space and punctuation. */
static inline electra_split
electra_bert_split(uint32_t code_point)
{
	uint16_t	flags = electra_unicode(code_point)->flags;

	if (flags & ELECTRA_WHITE_SPACE)
		return ELECTRA_SPLIT_SPACE;
	return flags & ELECTRA_PUNCTUATION ? ELECTRA_SPLIT_ISOLATED : ELECTRA_SPLIT_WORD;
}

/* Keras-Hub's regular expressions. */
static inline electra_split
electra_keras_split(const electra_tokenizer_config *config, uint32_t code_point)
{
	uint16_t	flags = electra_keras(code_point)->flags;
	uint16_t	isolated = config->tokenize_chinese_chars ? ELECTRA_PUNCTUATION | ELECTRA_CHINESE :
		ELECTRA_PUNCTUATION;

	if (flags & ELECTRA_WHITE_SPACE)
		return ELECTRA_SPLIT_SPACE;
	return flags & isolated ? ELECTRA_SPLIT_ISOLATED : ELECTRA_SPLIT_WORD;
}

/* The step of a read that is not ELECTRA_READ_OK or ELECTRA_READ_END. */
static inline electra_step
electra_step_of_read(electra_read read)
{
	return read == ELECTRA_READ_CUT ? ELECTRA_STEP_CUT : ELECTRA_STEP_FAILED;
}

/* The error of a model of pipeline "none".  Returns its status. */
extern electra_status electra_fail_no_vocabulary(electra_error *error);

/*
 * Each reads the text until the end, the cut, or more tokens than wanted, and
 * gives on only what no later input can change, so that the tokens of a slice
 * are tokens of the whole text.
 */
extern electra_step electra_bert_run(electra_pipeline *pipeline);
extern electra_step electra_keras_run(electra_pipeline *pipeline);

#endif							/* ELECTRA_PIPELINE_H */

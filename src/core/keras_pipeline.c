/*
 * Keras-Hub's WordPieceTokenizer, as TensorFlow computes it.
 *
 * The reference rewrites the whole text: spaces around Chinese characters,
 * then, if wanted, NFD without nonspacing marks.  That text is cut into pieces
 * at special tokens (if strings may have them), delimiters, punctuation and
 * Chinese characters; each piece is folded by itself and goes to WordPiece.
 */
#include "accents.h"
#include "added_tokens.h"
#include "keras_fold.h"
#include "keras_unicode.h"
#include "pipeline.h"
#include "word_scan.h"

typedef struct keras
{
	electra_pipeline *pipeline;
	electra_accents accents;
	electra_normalized_matcher matcher; /* window NULL: nothing to find */
	electra_fold fold;
} keras;

/* A piece that is not complete yet ends here; one that folds to nothing is no word. */
static bool
end_piece(keras *k)
{
	if (!electra_fold_end(&k->fold))
		return false;
	electra_words_end(&k->pipeline->words);
	return true;
}

static bool
push_to_piece(keras *k, uint32_t code_point)
{
	return k->pipeline->config->lowercase ? electra_fold_push(&k->fold, code_point) :
		electra_words_append(&k->pipeline->words, code_point);
}

/* Cuts rewritten text into pieces. */
static bool
split_pieces(void *context, uint32_t code_point)
{
	keras	   *k = context;
	electra_split split = electra_keras_split(k->pipeline->config, code_point);

	if (split == ELECTRA_SPLIT_WORD)
		return push_to_piece(k, code_point);
	if (split == ELECTRA_SPLIT_SPACE)
		return end_piece(k);
	return end_piece(k) && push_to_piece(k, code_point) && end_piece(k);
}

/*
 * Gives out a special token.  The reference passes it through WordPiece, not
 * folded, which finds it as a whole unless it is too long.
 */
static bool
take_special(void *context, const electra_added_token *token)
{
	keras	   *k = context;
	electra_words *words = &k->pipeline->words;
	bool		overlong = token->pattern_size > (uint32_t) k->pipeline->config->max_word_chars;

	if (!end_piece(k))
		return false;
	electra_words_emit(words, overlong ? k->pipeline->config->unk_token_id : token->id);
	return true;
}

/* The sink of rewritten text. */
static bool
push_rewritten(void *context, uint32_t code_point)
{
	keras	   *k = context;

	if (k->matcher.window == NULL)
		return split_pieces(k, code_point);
	return electra_normalized_matcher_push(&k->matcher, code_point);
}

static bool
push_spaced(keras *k, uint32_t code_point)
{
	return k->pipeline->config->strip_accents ? electra_accents_push(&k->accents, code_point) :
		push_rewritten(k, code_point);
}

/* Takes a code point of the text. */
static bool
push_text(keras *k, uint32_t code_point)
{
	if (k->pipeline->config->tokenize_chinese_chars &&
		(electra_keras(code_point)->flags & ELECTRA_CHINESE))
		return push_spaced(k, ' ') && push_spaced(k, code_point) && push_spaced(k, ' ');
	return push_spaced(k, code_point);
}

static bool
end_text(keras *k)
{
	return electra_accents_end(&k->accents) &&
		(k->matcher.window == NULL || electra_normalized_matcher_end(&k->matcher)) &&
		end_piece(k);
}

/* Sets up the search for special tokens, if there is one. */
static bool
init_matcher(keras *k)
{
	const electra_pipeline *p = k->pipeline;
	uint32_t	longest = 0;

	if (!p->config->special_tokens_in_strings)
		return true;
	for (uint32_t i = 0; i < p->vocabulary->num_added; i++)
	{
		const electra_added_token *token = electra_vocabulary_added(p->vocabulary, (int32_t) i);

		if ((token->flags & ELECTRA_ADDED_SPECIAL) && token->pattern_size > longest)
			longest = token->pattern_size;
	}
	if (longest == 0)
		return true;
	k->matcher = (electra_normalized_matcher) {
		.vocabulary = p->vocabulary,
		.root = p->vocabulary->raw_root,
		.required_flags = ELECTRA_ADDED_SPECIAL,
		.plain_sink = split_pieces,
		.token_sink = take_special,
		.context = k,
		/* bytes, where code points would do: a slice looks ahead a little further */
		.needed = longest
	};
	return electra_normalized_matcher_init(&k->matcher, p->memory);
}

/* Reads and takes one code point.  The reference's splitter ends a text at U+0000. */
static electra_step
step(keras *k)
{
	electra_pipeline *p = k->pipeline;
	uint32_t	code_point = 0;
	electra_read read = electra_text_read(&p->text, &p->cursor, &code_point);
	bool		enough;

	if (read == ELECTRA_READ_OK && code_point == 0)
		read = ELECTRA_READ_END;
	if (read != ELECTRA_READ_OK && read != ELECTRA_READ_END)
		return electra_step_of_read(read);
	enough = read == ELECTRA_READ_END ? end_text(k) : push_text(k, code_point);
	if (!enough)
		return ELECTRA_STEP_NO_MEMORY;
	return read == ELECTRA_READ_END ? ELECTRA_STEP_DONE : ELECTRA_STEP_MORE;
}

/*
 * Is nothing held back at the cursor, so that words can be read straight out of
 * the text?  In an overlong word nothing that is held back counts any more.
 */
static bool
can_scan(const keras *k)
{
	const electra_words *words = &k->pipeline->words;

	return words->overlong || (words->word_size == 0 && k->accents.num_marks == 0 && k->fold.starter == 0 &&
							   k->fold.num_marks == 0);
}

static electra_step
scan_words(keras *k, electra_scan *scan)
{
	if (k->pipeline->words.overlong && !(electra_accents_end(&k->accents) && electra_fold_end(&k->fold)))
		return ELECTRA_STEP_NO_MEMORY;
	return electra_scan_words(scan);
}

electra_step
electra_keras_run(electra_pipeline *pipeline)
{
	keras		k = {.pipeline = pipeline};
	electra_step result;
	electra_scan scan;

	electra_accents_init(&k.accents, &electra_keras_unicode, pipeline->memory, push_rewritten, &k);
	electra_fold_init(&k.fold, &pipeline->words);
	result = init_matcher(&k) ? ELECTRA_STEP_MORE : ELECTRA_STEP_NO_MEMORY;
	electra_scan_init(&scan, pipeline);
	scan.enabled = scan.enabled && k.matcher.window == NULL;
	while (result == ELECTRA_STEP_MORE && !pipeline->words.full)
	{
		if (scan.enabled && can_scan(&k))
			result = scan_words(&k, &scan);
		if (result == ELECTRA_STEP_MORE && !pipeline->words.full)
			result = step(&k);
	}
	electra_normalized_matcher_free(&k.matcher, pipeline->memory);
	electra_fold_free(&k.fold);
	electra_accents_free(&k.accents);
	return result;
}

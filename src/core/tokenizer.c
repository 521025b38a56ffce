/*
 * The whole way from text to ids.
 *
 * The text is read once, code point by code point.  Added tokens that match it
 * as it is divide it into sections; each section goes through the normalizer,
 * the search for added tokens in normalized text, the split into words, and
 * WordPiece.  Each step gives on only what no later input can change, so that
 * the tokens of a slice are tokens of the whole text.
 */
#include "tokenizer.h"

#include "added_tokens.h"
#include "bert_normalizer.h"
#include "unicode.h"
#include "wordpiece.h"

typedef struct tokenizer
{
	const electra_vocabulary_header *vocabulary;
	electra_text text;
	size_t		cursor;			/* what is read next, in bytes */
	uint32_t	before;			/* what was read last, or
								 * ELECTRA_NO_CODE_POINT */
	size_t		search_from;	/* cursor from which added tokens are searched */
	bool		stripping;		/* white space at the cursor belongs to the
								 * token before it (rstrip) */
	size_t		white_until;	/* white space before this cursor has been
								 * decided on: */
	bool		white_dropped;	/* it belongs to a token with lstrip */
	electra_normalizer normalizer;
	electra_normalized_matcher matcher;
	electra_words words;
} tokenizer;

/* What a step of the main loop came to. */
typedef enum step_result
{
	STEP_MORE,
	STEP_DONE,
	STEP_CUT,
	STEP_FAILED,
	STEP_NO_MEMORY
} step_result;

static step_result
read_to_step(electra_read read)
{
	return read == ELECTRA_READ_CUT ? STEP_CUT : STEP_FAILED;
}

/* The section before an added token, or the text, is over. */
static bool
end_section(tokenizer *t)
{
	return electra_normalizer_end(&t->normalizer) && electra_normalized_matcher_end(&t->matcher);
}

/* Gives out an added token found at the cursor. */
static step_result
take_added(tokenizer *t, const electra_added_match *match)
{
	if (!end_section(t))
		return STEP_NO_MEMORY;
	electra_words_emit(&t->words, match->token->id);
	t->cursor = match->after;
	t->before = match->last;
	t->search_from = t->cursor;
	t->stripping = (match->token->flags & ELECTRA_ADDED_RSTRIP) != 0;
	return STEP_MORE;
}

/*
 * The cursor is at white space: does it belong to a token with lstrip?  Looks
 * for the first token that begins in or right behind this run of white space,
 * and remembers the answer for the run, so that it is looked over once.
 */
static electra_read
decide_white_space(tokenizer *t)
{
	size_t		cursor = t->cursor;
	uint32_t	before = t->before;

	t->white_dropped = false;
	for (;;)
	{
		electra_added_match match = {0};
		electra_read read = ELECTRA_READ_OK;
		uint32_t	code_point;
		size_t		next = cursor;

		if (cursor >= t->search_from)
			read = electra_added_match_raw(t->vocabulary, &t->text, cursor, before, &match);
		if (read != ELECTRA_READ_OK)
			return read;
		if (match.token != NULL)
		{
			t->white_dropped = !match.discarded && (match.token->flags & ELECTRA_ADDED_LSTRIP) != 0;
			break;
		}
		read = electra_text_read(&t->text, &next, &code_point);
		if (read == ELECTRA_READ_END)
			break;
		if (read != ELECTRA_READ_OK)
			return read;
		if (!(electra_unicode(code_point)->flags & ELECTRA_WHITE_SPACE))
			break;
		before = code_point;
		cursor = next;
	}
	t->white_until = cursor;
	return ELECTRA_READ_OK;
}

/* Hands a plain character to the normalizer, unless a token's lstrip or rstrip takes it. */
static step_result
take_plain(tokenizer *t, size_t next, uint32_t code_point)
{
	bool		white = (electra_unicode(code_point)->flags & ELECTRA_WHITE_SPACE) != 0;
	bool		dropped = t->stripping && white;

	if (white && (t->vocabulary->raw_flags & ELECTRA_ADDED_LSTRIP))
	{
		if (t->cursor >= t->white_until)
		{
			electra_read read = decide_white_space(t);

			if (read != ELECTRA_READ_OK)
				return read_to_step(read);
		}
		dropped = dropped || (t->white_dropped && t->cursor < t->white_until);
	}
	if (t->stripping && !white)
		t->stripping = false;
	t->cursor = next;
	t->before = code_point;
	return dropped || electra_normalizer_push(&t->normalizer, code_point) ? STEP_MORE : STEP_NO_MEMORY;
}

/* Takes an added token or a character. */
static step_result
step(tokenizer *t)
{
	size_t		next = t->cursor;
	uint32_t	code_point;
	electra_read read;

	if (t->cursor >= t->search_from)
	{
		electra_added_match match;

		read = electra_added_match_raw(t->vocabulary, &t->text, t->cursor, t->before, &match);
		if (read != ELECTRA_READ_OK)
			return read_to_step(read);
		if (match.token != NULL && !match.discarded)
			return take_added(t, &match);
		if (match.token != NULL)
			t->search_from = match.after;
	}

	read = electra_text_read(&t->text, &next, &code_point);
	if (read == ELECTRA_READ_END)
		return end_section(t) ? STEP_DONE : STEP_NO_MEMORY;
	if (read != ELECTRA_READ_OK)
		return read_to_step(read);
	return take_plain(t, next, code_point);
}

/* Steps until the end, the cut, or more tokens than wanted. */
static electra_status
run(tokenizer *t, electra_tokens *tokens, electra_error *error)
{
	step_result result = STEP_MORE;

	while (result == STEP_MORE && !t->words.full)
		result = step(t);
	if (result == STEP_FAILED)
		return t->text.status;
	if (result == STEP_NO_MEMORY)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory while tokenizing");
	tokens->truncated = t->words.full;
	tokens->need_input = result == STEP_CUT && !t->words.full;
	return ELECTRA_OK;
}

electra_status
electra_tokenize(const electra_model *model, const char *text, size_t size, bool at_end,
				 electra_tokens *tokens, const electra_allocator *memory,
				 const electra_poll *poll, electra_error *error)
{
	const electra_tokenizer_config *config = &electra_model_config(model)->tokenizer;
	tokenizer	t = {
		.vocabulary = electra_model_vocabulary(model),
		.text = {
			.bytes = (const uint8_t *) text,
			.size = size,
			.at_end = at_end,
			.poll = poll,
			.error = error
		},
		.before = ELECTRA_NO_CODE_POINT
	};
	electra_status status;

	tokens->count = 0;
	tokens->truncated = false;
	tokens->need_input = false;
	electra_words_init(&t.words, config, t.vocabulary, tokens, memory);
	electra_normalizer_init(&t.normalizer, config, memory, electra_normalized_matcher_push, &t.matcher);
	if (electra_normalized_matcher_init(&t.matcher, &t.words, memory))
		status = run(&t, tokens, error);
	else
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory while tokenizing");
	electra_normalized_matcher_free(&t.matcher, memory);
	electra_normalizer_free(&t.normalizer);
	electra_words_free(&t.words);
	return status;
}

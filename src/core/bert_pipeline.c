/*
 * Hugging Face's fast BERT tokenizer.
 *
 * The text is read once, code point by code point.  Added tokens that match it
 * as it is divide it into sections; each section goes through the normalizer,
 * the search for added tokens in normalized text, the split into words, and
 * WordPiece.
 */
#include "added_tokens.h"
#include "bert_normalizer.h"
#include "pipeline.h"
#include "unicode.h"
#include "word_scan.h"

typedef struct bert
{
	electra_pipeline *pipeline;
	uint32_t	before;			/* what was read last, or
								 * ELECTRA_NO_CODE_POINT */
	size_t		search_from;	/* cursor from which added tokens are searched */
	bool		stripping;		/* white space at the cursor belongs to the
								 * token before it (rstrip) */
	size_t		white_until;	/* white space before this cursor has been
								 * decided on: */
	bool		white_dropped;	/* it belongs to a token with lstrip */
	electra_normalizer normalizer;
	electra_normalized_matcher matcher; /* window NULL: nothing to find */
} bert;

/* Splits normalized text at white space and punctuation (BertPreTokenizer). */
static bool
split_words(void *context, uint32_t code_point)
{
	bert	   *t = context;
	electra_words *words = &t->pipeline->words;
	electra_split split = electra_bert_split(code_point);

	if (split == ELECTRA_SPLIT_WORD)
		return electra_words_append(words, code_point);
	electra_words_end(words);
	if (split == ELECTRA_SPLIT_SPACE)
		return true;
	if (!electra_words_append(words, code_point))
		return false;
	electra_words_end(words);
	return true;
}

/* Gives out an added token found in normalized text. */
static bool
take_normalized(void *context, const electra_added_token *token)
{
	bert	   *t = context;

	electra_words_end(&t->pipeline->words);
	electra_words_emit(&t->pipeline->words, token->id);
	return true;
}

/* The normalizer's sink where there are added tokens to be found. */
static bool
push_to_matcher(void *context, uint32_t code_point)
{
	bert	   *t = context;

	return electra_normalized_matcher_push(&t->matcher, code_point);
}

/* The section before an added token, or the text, is over. */
static bool
end_section(bert *t)
{
	if (!electra_normalizer_end(&t->normalizer) ||
		(t->matcher.window != NULL && !electra_normalized_matcher_end(&t->matcher)))
		return false;
	electra_words_end(&t->pipeline->words);
	return true;
}

/* Gives out an added token found at the cursor. */
static electra_step
take_added(bert *t, const electra_added_match *match)
{
	electra_pipeline *p = t->pipeline;

	if (!end_section(t))
		return ELECTRA_STEP_NO_MEMORY;
	electra_words_emit(&p->words, match->token->id);
	p->cursor = match->after;
	t->before = match->last;
	t->search_from = p->cursor;
	t->stripping = (match->token->flags & ELECTRA_ADDED_RSTRIP) != 0;
	return ELECTRA_STEP_MORE;
}

/*
 * The cursor is at white space: does it belong to a token with lstrip?  Looks
 * for the first token that begins in or right behind this run of white space,
 * and remembers the answer for the run, so that it is looked over once.
 */
static electra_read
decide_white_space(bert *t)
{
	electra_pipeline *p = t->pipeline;
	size_t		cursor = p->cursor;
	uint32_t	before = t->before;

	t->white_dropped = false;
	for (;;)
	{
		electra_added_match match = {0};
		electra_read read = ELECTRA_READ_OK;
		uint32_t	code_point;
		size_t		next = cursor;

		if (cursor >= t->search_from)
			read = electra_added_match_raw(p->vocabulary, &p->text, cursor, before, &match);
		if (read != ELECTRA_READ_OK)
			return read;
		if (match.token != NULL)
		{
			t->white_dropped = !match.discarded && (match.token->flags & ELECTRA_ADDED_LSTRIP) != 0;
			break;
		}
		read = electra_text_read(&p->text, &next, &code_point);
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
static electra_step
take_plain(bert *t, size_t next, uint32_t code_point)
{
	electra_pipeline *p = t->pipeline;
	bool		white = (electra_unicode(code_point)->flags & ELECTRA_WHITE_SPACE) != 0;
	bool		dropped = t->stripping && white;

	if (white && (p->vocabulary->raw_flags & ELECTRA_ADDED_LSTRIP))
	{
		if (p->cursor >= t->white_until)
		{
			electra_read read = decide_white_space(t);

			if (read != ELECTRA_READ_OK)
				return electra_step_of_read(read);
		}
		dropped = dropped || (t->white_dropped && p->cursor < t->white_until);
	}
	if (t->stripping && !white)
		t->stripping = false;
	p->cursor = next;
	t->before = code_point;
	return dropped || electra_normalizer_push(&t->normalizer, code_point) ?
		ELECTRA_STEP_MORE : ELECTRA_STEP_NO_MEMORY;
}

/* Takes an added token or a character. */
static electra_step
step(bert *t)
{
	electra_pipeline *p = t->pipeline;
	size_t		next = p->cursor;
	uint32_t	code_point;
	electra_read read;

	if (p->cursor >= t->search_from)
	{
		electra_added_match match;

		read = electra_added_match_raw(p->vocabulary, &p->text, p->cursor, t->before, &match);
		if (read != ELECTRA_READ_OK)
			return electra_step_of_read(read);
		if (match.token != NULL && !match.discarded)
			return take_added(t, &match);
		if (match.token != NULL)
			t->search_from = match.after;
	}

	read = electra_text_read(&p->text, &next, &code_point);
	if (read == ELECTRA_READ_END)
		return end_section(t) ? ELECTRA_STEP_DONE : ELECTRA_STEP_NO_MEMORY;
	if (read != ELECTRA_READ_OK)
		return electra_step_of_read(read);
	return take_plain(t, next, code_point);
}

/* The search in normalized text, and the sink of the normalizer. */
static bool
init_sections(bert *t)
{
	const electra_pipeline *p = t->pipeline;
	bool		matching = p->vocabulary->normalized_root != ELECTRA_TRIE_NONE;

	electra_normalizer_init(&t->normalizer, p->config, p->memory, matching ? push_to_matcher : split_words, t);
	if (!matching)
		return true;
	t->matcher = (electra_normalized_matcher) {
		.vocabulary = p->vocabulary,
		.root = p->vocabulary->normalized_root,
		.plain_sink = split_words,
		.token_sink = take_normalized,
		.context = t,
		/* the pattern, and the character behind it for single_word */
		.needed = p->vocabulary->longest_normalized + 1
	};
	return electra_normalized_matcher_init(&t->matcher, p->memory);
}

/*
 * Is nothing held back at the cursor, so that words can be read straight out of
 * the text?  In an overlong word nothing that is held back counts any more.
 */
static bool
can_scan(const bert *t)
{
	const electra_pipeline *p = t->pipeline;

	return (p->words.overlong || (p->words.word_size == 0 && t->normalizer.accents.num_marks == 0)) &&
		p->cursor >= t->search_from;
}

/*
 * Reads words as far as the scan gets.  White space that belongs to a token
 * with lstrip or rstrip only separates where nothing is looked for in
 * normalized text, so that the scan need not know of it.
 */
static electra_step
scan_words(bert *t, electra_scan *scan)
{
	electra_pipeline *p = t->pipeline;
	size_t		begin = p->cursor;
	electra_step result;

	if (p->words.overlong && !electra_normalizer_end(&t->normalizer))
		return ELECTRA_STEP_NO_MEMORY;
	result = electra_scan_words(scan);
	if (p->cursor > begin)
	{
		t->before = electra_text_before(&p->text, p->cursor);
		t->stripping = false;
	}
	return result;
}

/*
 * With more marks held back than a word has characters, the word that they all
 * go into is too long, in whatever order.  Where nothing is looked for in
 * normalized text they need not be kept any longer, so that an endless run of
 * them takes no memory.
 */
static bool
release_marks(bert *t)
{
	return t->matcher.window != NULL ||
		t->normalizer.accents.num_marks <= (size_t) t->pipeline->config->max_word_chars ||
		electra_normalizer_end(&t->normalizer);
}

electra_step
electra_bert_run(electra_pipeline *pipeline)
{
	bert		t = {.pipeline = pipeline, .before = ELECTRA_NO_CODE_POINT};
	electra_step result = init_sections(&t) ? ELECTRA_STEP_MORE : ELECTRA_STEP_NO_MEMORY;
	electra_scan scan;

	electra_scan_init(&scan, pipeline);
	scan.enabled = scan.enabled && t.matcher.window == NULL;
	while (result == ELECTRA_STEP_MORE && !pipeline->words.full)
	{
		if (scan.enabled && can_scan(&t))
			result = scan_words(&t, &scan);
		if (result == ELECTRA_STEP_MORE && !pipeline->words.full)
			result = step(&t);
		if (result == ELECTRA_STEP_MORE && !release_marks(&t))
			result = ELECTRA_STEP_NO_MEMORY;
	}
	electra_normalized_matcher_free(&t.matcher, pipeline->memory);
	electra_normalizer_free(&t.normalizer);
	return result;
}

/*
 * Finding added tokens.
 *
 * At each place the longest pattern wins, and what it covers is not looked at
 * again.  A place costs at most as many steps as the longest pattern has
 * bytes, whatever the text.
 */
#include "added_tokens.h"

#include "unicode.h"
#include "utf8.h"

/* regex's \w, by which single_word is judged. */
static bool
is_word(uint32_t code_point)
{
	return code_point != ELECTRA_NO_CODE_POINT && (electra_unicode(code_point)->flags & ELECTRA_WORD) != 0;
}

/* One more code point of a walk. */
static uint32_t
walk_code_point(const electra_trie *trie, uint32_t node, uint32_t code_point)
{
	uint8_t		bytes[ELECTRA_UTF8_MAX];
	int			size = electra_utf8_encode(code_point, bytes);

	return electra_trie_walk(trie, node, bytes, (size_t) size);
}

/* Can a pattern begin with the bytes at the cursor?  Answers nearly every place at once. */
static bool
may_begin(const electra_vocabulary_header *vocabulary, const electra_text *text, size_t cursor)
{
	if (vocabulary->raw_root == ELECTRA_TRIE_NONE)
		return false;
	if (cursor >= text->size)
		return true;

	uint8_t		byte = text->bytes[cursor];

	return (vocabulary->raw_first_bytes[byte / 32] >> byte % 32 & 1) != 0 &&
		(text->size - cursor < 2 || electra_vocabulary_may_be_added(vocabulary, text->bytes + cursor));
}

/* Fills in token, after and last of the longest match. */
static electra_read
find_longest(const electra_vocabulary_header *vocabulary, electra_text *text,
			 size_t cursor, electra_added_match *match)
{
	electra_trie trie = electra_vocabulary_trie(vocabulary);
	uint32_t	node = vocabulary->raw_root;

	while (trie.nodes[node].num_children > 0)
	{
		uint32_t	code_point;
		electra_read read = electra_text_read(text, &cursor, &code_point);
		const electra_added_token *token;

		if (read == ELECTRA_READ_END)
			break;
		if (read != ELECTRA_READ_OK)
			return read;
		node = walk_code_point(&trie, node, code_point);
		if (node == ELECTRA_TRIE_NONE)
			break;
		token = electra_vocabulary_added(vocabulary, trie.nodes[node].value);
		if (token != NULL)
		{
			match->token = token;
			match->after = cursor;
			match->last = code_point;
		}
	}
	return ELECTRA_READ_OK;
}

electra_read
electra_added_match_raw(const electra_vocabulary_header *vocabulary, electra_text *text,
						size_t cursor, uint32_t before, electra_added_match *match)
{
	electra_read read;
	size_t		next;
	uint32_t	following;

	match->token = NULL;
	match->discarded = false;
	if (!may_begin(vocabulary, text, cursor))
		return ELECTRA_READ_OK;
	read = find_longest(vocabulary, text, cursor, match);
	if (read != ELECTRA_READ_OK || match->token == NULL ||
		!(match->token->flags & ELECTRA_ADDED_SINGLE_WORD))
		return read;

	if (is_word(before))
	{
		match->discarded = true;
		return ELECTRA_READ_OK;
	}
	next = match->after;
	read = electra_text_read(text, &next, &following);
	if (read == ELECTRA_READ_END)
		return ELECTRA_READ_OK;
	match->discarded = read == ELECTRA_READ_OK && is_word(following);
	return read;
}

bool
electra_normalized_matcher_init(electra_normalized_matcher *matcher, const electra_allocator *memory)
{
	uint32_t	size = 2;

	while (size < matcher->needed)
		size *= 2;
	matcher->trie = electra_vocabulary_trie(matcher->vocabulary);
	matcher->window = memory->alloc(memory->context, size * sizeof(uint32_t));
	matcher->window_size = size;
	matcher->before = ELECTRA_NO_CODE_POINT;
	return matcher->window != NULL;
}

void
electra_normalized_matcher_free(electra_normalized_matcher *matcher, const electra_allocator *memory)
{
	memory->release(memory->context, matcher->window);
	matcher->window = NULL;
}

/* The code point so many behind the begin of the window. */
static uint32_t
window_at(const electra_normalized_matcher *matcher, uint32_t index)
{
	return matcher->window[(matcher->begin + index) & (matcher->window_size - 1)];
}

/* The longest pattern at the begin of the window, or NULL. */
static const electra_added_token *
match_window(const electra_normalized_matcher *matcher, uint32_t *length)
{
	const electra_trie *trie = &matcher->trie;
	const electra_added_token *found = NULL;
	uint32_t	node = matcher->root;

	for (uint32_t i = 0; i < matcher->count; i++)
	{
		const electra_added_token *token;

		node = walk_code_point(trie, node, window_at(matcher, i));
		if (node == ELECTRA_TRIE_NONE)
			break;
		token = electra_vocabulary_added(matcher->vocabulary, trie->nodes[node].value);
		if (token != NULL && (token->flags & matcher->required_flags) == matcher->required_flags)
		{
			found = token;
			*length = i + 1;
		}
	}
	return found;
}

static void
drop_from_window(electra_normalized_matcher *matcher, uint32_t length)
{
	matcher->before = window_at(matcher, length - 1);
	matcher->begin += length;
	matcher->count -= length;
}

/*
 * Decides what is at the begin of the window: a token, or a plain character.
 * lstrip and rstrip have no effect here, for behind this step white space only
 * separates, as the token itself does.
 */
static bool
advance_window(electra_normalized_matcher *matcher)
{
	const electra_added_token *token = NULL;
	uint32_t	length = 0;

	if (matcher->plain == 0)
		token = match_window(matcher, &length);
	if (token != NULL && (token->flags & ELECTRA_ADDED_SINGLE_WORD) &&
		(is_word(matcher->before) ||
		 (length < matcher->count && is_word(window_at(matcher, length)))))
	{
		matcher->plain = length;
		token = NULL;
	}
	if (token != NULL)
	{
		drop_from_window(matcher, length);
		return matcher->token_sink(matcher->context, token);
	}

	if (!matcher->plain_sink(matcher->context, window_at(matcher, 0)))
		return false;
	drop_from_window(matcher, 1);
	if (matcher->plain > 0)
		matcher->plain--;
	return true;
}

bool
electra_normalized_matcher_push(electra_normalized_matcher *matcher, uint32_t code_point)
{
	matcher->window[(matcher->begin + matcher->count) & (matcher->window_size - 1)] = code_point;
	matcher->count++;
	return matcher->count < matcher->needed || advance_window(matcher);
}

bool
electra_normalized_matcher_end(electra_normalized_matcher *matcher)
{
	while (matcher->count > 0)
	{
		if (!advance_window(matcher))
			return false;
	}
	matcher->plain = 0;
	matcher->before = ELECTRA_NO_CODE_POINT;
	return true;
}

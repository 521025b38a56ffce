/*
 * WordPiece, greedy, as tokenizers' WordPiece and tensorflow-text's
 * FastWordpieceTokenizer have it.
 *
 * A word is kept only up to the length at which it is unknown anyway.  Its
 * pieces come out of the automaton in a time linear in that; the walk from each
 * piece to the next, which says what the pieces are, is for the few words that
 * the automaton has no answer for.
 */
#include "wordpiece.h"

#include <string.h>

#include "utf8.h"

#define FIRST_CAPACITY 128

void
electra_words_init(electra_words *words, const electra_tokenizer_config *config,
				   const electra_vocabulary_header *vocabulary, electra_tokens *tokens,
				   const electra_allocator *memory)
{
	*words = (electra_words) {
		.config = config,
		.vocabulary = vocabulary,
		.trie = electra_vocabulary_trie(vocabulary),
		.automaton = electra_vocabulary_automaton(vocabulary),
		.memory = memory,
		.tokens = tokens
	};
}

void
electra_words_free(electra_words *words)
{
	words->memory->release(words->memory->context, words->pieces);
	words->pieces = NULL;
	words->word = NULL;
	words->capacity = 0;
}

void
electra_words_emit(electra_words *words, int32_t id)
{
	electra_tokens *tokens = words->tokens;

	if (tokens->count >= tokens->capacity)
	{
		words->full = true;
		return;
	}
	if (tokens->ids != NULL)
		tokens->ids[tokens->count] = id;
	tokens->count++;
}

/* Doubles the room for a word; pieces and word share one allocation. */
static bool
grow(electra_words *words)
{
	const electra_allocator *memory = words->memory;
	size_t		capacity = words->capacity == 0 ? FIRST_CAPACITY : 2 * (size_t) words->capacity;
	int32_t    *pieces = memory->alloc(memory->context, capacity * (sizeof(int32_t) + ELECTRA_UTF8_MAX));
	uint8_t    *word;

	if (pieces == NULL)
		return false;
	word = (uint8_t *) (pieces + capacity);
	if (words->word_size > 0)
		memcpy(word, words->word, words->word_size);
	memory->release(memory->context, words->pieces);
	words->pieces = pieces;
	words->word = word;
	words->capacity = (int32_t) capacity;
	return true;
}

/*
 * The longest piece that the word has at begin; children is the first step of
 * the walk.  Returns its end, or begin if there is none.
 */
static size_t
longest_piece(const electra_words *words, size_t begin, const uint32_t *children, int32_t *id)
{
	const electra_trie *trie = &words->trie;
	uint32_t	node = children[words->word[begin]];
	size_t		end = begin;

	for (size_t i = begin + 1; node != ELECTRA_TRIE_NONE; i++)
	{
		if (trie->nodes[node].value != ELECTRA_TRIE_NO_VALUE)
		{
			*id = trie->nodes[node].value;
			end = i;
		}
		if (i == words->word_size)
			break;
		node = electra_trie_child(trie, node, words->word[i]);
	}
	return end;
}

/*
 * FastWordpieceTokenizer knows no difference between a word that begins with
 * the continuing prefix and the continuation of one: only "##ab" itself, not
 * "#" or "##", can begin its word "##abc".  A word that is nothing but the
 * prefix is one like any other.
 */
static bool
begins_with_prefix(const electra_words *words)
{
	const char *prefix = words->config->continuing_prefix;
	size_t		size = strlen(prefix);

	return words->config->pipeline == ELECTRA_TOKENIZER_KERAS &&
		words->word_size > size && memcmp(words->word, prefix, size) == 0;
}

/*
 * Splits the word with the automaton.  false: it has no answer, or there is no
 * automaton.
 */
static bool
match_word(electra_words *words)
{
	electra_match match;

	electra_match_begin(&match);
	if (words->automaton.num_states == 0)
		return false;
	for (size_t i = 0; i < words->word_size; i++)
	{
		/* a text may have a zero byte, a token may not */
		if (words->word[i] == 0)
			return false;
		electra_match_push(&match, &words->automaton, words->word[i]);
	}
	switch (electra_match_end(&match, &words->automaton))
	{
		case ELECTRA_MATCH_PIECES:
			for (int32_t i = 0; i < match.num_pieces && !words->full; i++)
				electra_words_emit(words, match.pieces[i]);
			return true;
		case ELECTRA_MATCH_UNKNOWN:
			electra_words_emit(words, words->config->unk_token_id);
			return true;
		default:
			return false;
	}
}

/*
 * Greedy longest match; if any rest of the word has no piece, the whole word
 * is unknown.  Pieces of a valid vocabulary end between characters because
 * both sides are valid UTF-8; of a damaged one they need not, so their number
 * is checked.
 */
static void
split_word(electra_words *words)
{
	const uint32_t *children = words->vocabulary->word_children;
	int32_t		num_pieces = 0;
	size_t		begin = 0;

	if (begins_with_prefix(words))
	{
		begin = strlen(words->config->continuing_prefix);
		children = words->vocabulary->continuing_children;
	}
	while (begin < words->word_size)
	{
		size_t		end = longest_piece(words, begin, children, &words->pieces[num_pieces]);

		if (end == begin || num_pieces + 1 >= words->capacity)
			break;
		num_pieces++;
		begin = end;
		children = words->vocabulary->continuing_children;
	}
	if (begin < words->word_size)
	{
		electra_words_emit(words, words->config->unk_token_id);
		return;
	}
	for (int32_t i = 0; i < num_pieces && !words->full; i++)
		electra_words_emit(words, words->pieces[i]);
}

void
electra_words_end(electra_words *words)
{
	if (words->word_size > 0 && !words->overlong && !match_word(words))
		split_word(words);
	words->word_size = 0;
	words->length = 0;
	words->overlong = false;
}

void
electra_words_overlong(electra_words *words)
{
	if (!words->overlong)
		electra_words_emit(words, words->config->unk_token_id);
	words->overlong = true;
}

bool
electra_words_append(electra_words *words, uint32_t code_point)
{
	int			size;

	if (words->overlong)
		return true;
	/* one more than the word has: see split_word */
	while (words->length + ELECTRA_UTF8_MAX >= words->capacity)
	{
		if (!grow(words))
			return false;
	}
	size = electra_utf8_encode(code_point, words->word + words->word_size);
	words->length += words->config->pipeline == ELECTRA_TOKENIZER_KERAS ? size : 1;
	if (words->length > words->config->max_word_chars)
		electra_words_overlong(words);
	else
		words->word_size += (size_t) size;
	return true;
}

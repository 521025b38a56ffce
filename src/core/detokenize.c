/*
 * Ids back to text: tokenizers' WordPiece decoder with cleanup, or what
 * tensorflow-text's FastWordpieceTokenizer makes of them for Keras-Hub, which
 * neither leaves out special tokens nor cleans up.
 */
#include <string.h>

#include "pipeline.h"
#include "vocabulary_section.h"

/* What cleanup replaces, in this order, within each token and the space before it. */
static const struct
{
	const char *from;
	const char *to;				/* never longer */
}			cleanups[] = {
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
	{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}
};

typedef struct output
{
	const electra_tokenizer_config *config;
	const electra_vocabulary_header *vocabulary;
	bool		first;			/* nothing has been appended yet */
	char	   *text;			/* (capacity) */
	size_t		size;
	size_t		capacity;
	const electra_allocator *memory;
} output;

/* Makes room for size more bytes and a NUL. */
static bool
reserve(output *out, size_t size)
{
	char	   *text;
	size_t		capacity;

	if (out->text != NULL && out->capacity - out->size > size)
		return true;
	if (size > SIZE_MAX / 4 || out->capacity > SIZE_MAX / 4)
		return false;
	capacity = 2 * out->capacity + size + 64;
	text = out->memory->alloc(out->memory->context, capacity);
	if (text == NULL)
		return false;
	if (out->size > 0)
		memcpy(text, out->text, out->size);
	out->memory->release(out->memory->context, out->text);
	out->text = text;
	out->capacity = capacity;
	return true;
}

/* Replaces all occurrences of from, left to right, in place; returns the new size. */
static size_t
replace_all(char *text, size_t size, const char *from, const char *to)
{
	size_t		from_size = strlen(from);
	size_t		to_size = strlen(to);
	size_t		kept = 0;

	for (size_t i = 0; i < size;)
	{
		if (size - i >= from_size && memcmp(text + i, from, from_size) == 0)
		{
			memcpy(text + kept, to, to_size);
			kept += to_size;
			i += from_size;
		}
		else
			text[kept++] = text[i++];
	}
	return kept;
}

/* Does a token that is not the first one continue the word before it? */
static bool
continues(const output *out, const char *token, size_t size)
{
	const char *prefix = out->config->continuing_prefix;
	size_t		prefix_size = strlen(prefix);
	bool		keras = out->config->pipeline == ELECTRA_TOKENIZER_KERAS;

	/* for Keras the prefix alone is a word, and an empty prefix none */
	if (keras && (prefix_size == 0 || size == prefix_size))
		return false;
	return size >= prefix_size && memcmp(token, prefix, prefix_size) == 0;
}

/* Appends one token: a continuing piece without its prefix, another one behind a space. */
static bool
append_token(output *out, const char *token, size_t size)
{
	char	   *begin;
	size_t		added = 0;

	if (!reserve(out, size + 1))
		return false;
	begin = out->text + out->size;
	if (!out->first)
	{
		if (continues(out, token, size))
		{
			token += strlen(out->config->continuing_prefix);
			size -= strlen(out->config->continuing_prefix);
		}
		else
			begin[added++] = ' ';
	}
	out->first = false;
	memcpy(begin + added, token, size);
	added += size;
	if (out->config->pipeline == ELECTRA_TOKENIZER_BERT)
	{
		for (size_t i = 0; i < sizeof(cleanups) / sizeof(cleanups[0]); i++)
			added = replace_all(begin, added, cleanups[i].from, cleanups[i].to);
	}
	out->size += added;
	return true;
}

/* Appends the token of an id, if decode does not leave it out. */
static bool
append_id(output *out, int32_t id)
{
	const electra_vocabulary_header *vocabulary = out->vocabulary;
	const electra_added_token *added = NULL;
	const char *token = "";
	size_t		size = 0;
	bool		keras = out->config->pipeline == ELECTRA_TOKENIZER_KERAS;

	if (!keras)
	{
		added = (const electra_added_token *) ((const char *) vocabulary + vocabulary->added);
		added = electra_added_find(added, vocabulary->num_added, id);
	}
	if (added != NULL)
	{
		if (added->flags & ELECTRA_ADDED_SKIPPED)
			return true;
		size = added->pattern_size;
		token = electra_vocabulary_text(vocabulary, added->pattern, &size);
	}
	/* a line of Keras's vocabulary may be empty; only ids behind the last one have no token */
	else if (!electra_vocabulary_token(vocabulary, id, &token, &size) &&
			 (!keras || (uint32_t) id >= vocabulary->num_tokens))
		return true;
	return append_token(out, token, size);
}

electra_status
electra_detokenize(const electra_model *model, const int32_t *ids, int64_t count,
				   char **text, size_t *size, const electra_allocator *memory,
				   electra_error *error)
{
	const electra_config *config = electra_model_config(model);
	output		out = {
		.config = &config->tokenizer,
		.vocabulary = electra_model_vocabulary(model),
		.first = true,
		.memory = memory
	};
	bool		enough;

	*text = NULL;
	*size = 0;
	if (config->tokenizer.pipeline == ELECTRA_TOKENIZER_NONE)
		return electra_fail_no_vocabulary(error);
	enough = reserve(&out, 0);
	for (int64_t i = 0; i < count && enough; i++)
	{
		if (ids[i] < 0 || ids[i] >= config->vocab_size)
		{
			memory->release(memory->context, out.text);
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "token id %d is outside the vocabulary", ids[i]);
			electra_fail_detail(error, "Element %lld must be from 0 to %d.", (long long) i + 1,
								config->vocab_size - 1);
			return ELECTRA_INVALID_ARGUMENT;
		}
		enough = append_id(&out, ids[i]);
	}
	if (!enough)
	{
		memory->release(memory->context, out.text);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory while joining tokens");
	}
	out.text[out.size] = '\0';
	*text = out.text;
	*size = out.size;
	return ELECTRA_OK;
}

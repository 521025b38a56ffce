/*
 * Ids back to text: tokenizers' WordPiece decoder with cleanup.
 */
#include <string.h>

#include "tokenizer.h"
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

/* Appends one token: a continuing piece without its prefix, another one behind a space. */
static bool
append_token(output *out, const char *token, size_t size, const char *prefix, bool first)
{
	size_t		prefix_size = strlen(prefix);
	char	   *begin;
	size_t		added = 0;

	if (!reserve(out, size + 1))
		return false;
	begin = out->text + out->size;
	if (!first)
	{
		if (size >= prefix_size && memcmp(token, prefix, prefix_size) == 0)
		{
			token += prefix_size;
			size -= prefix_size;
		}
		else
			begin[added++] = ' ';
	}
	memcpy(begin + added, token, size);
	added += size;
	for (size_t i = 0; i < sizeof(cleanups) / sizeof(cleanups[0]); i++)
		added = replace_all(begin, added, cleanups[i].from, cleanups[i].to);
	out->size += added;
	return true;
}

/* Appends the token of an id, if decode does not leave it out. */
static bool
append_id(output *out, const electra_vocabulary_header *vocabulary, int32_t id, const char *prefix, bool *first)
{
	const electra_added_token *added = (const electra_added_token *) ((const char *) vocabulary + vocabulary->added);
	const char *token;
	size_t		size;

	added = electra_added_find(added, vocabulary->num_added, id);
	if (added != NULL)
	{
		if (added->flags & ELECTRA_ADDED_SKIPPED)
			return true;
		size = added->pattern_size;
		token = electra_vocabulary_text(vocabulary, added->pattern, &size);
	}
	else if (!electra_vocabulary_token(vocabulary, id, &token, &size))
		return true;
	if (!append_token(out, token, size, prefix, *first))
		return false;
	*first = false;
	return true;
}

electra_status
electra_detokenize(const electra_model *model, const int32_t *ids, int64_t count,
				   char **text, size_t *size, const electra_allocator *memory,
				   electra_error *error)
{
	const electra_vocabulary_header *vocabulary = electra_model_vocabulary(model);
	const electra_config *config = electra_model_config(model);
	output		out = {.memory = memory};
	bool		first = true;
	bool		enough = reserve(&out, 0);

	*text = NULL;
	*size = 0;
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
		enough = append_id(&out, vocabulary, ids[i], config->tokenizer.continuing_prefix, &first);
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

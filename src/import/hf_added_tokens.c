/*
 * The added tokens of a Hugging Face tokenizer.
 *
 * Follows transformers 5.23: PreTrainedTokenizerBase._from_pretrained collects
 * them from the files, TokenizersBackend.__init__ adds them: first those with
 * an index, ascending, then the named ones (unk_token …), then the extra ones.
 * Named and extra ones do not touch those with an index; otherwise the last of
 * equal contents wins.
 */
#include "import/hf_added_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/vocabulary.h"

#define MAX_ADDED_TOKENS 65536

static const char *const named_keys[HF_NUM_NAMED] = {
	"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"
};

/* BertTokenizer's own defaults; NULL: none. */
static const char *const bert_defaults[HF_NUM_NAMED] = {
	NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"
};

static const struct
{
	const char *key;
	unsigned	flag;
}			flag_keys[] = {
	{"single_word", ELECTRA_ADDED_SINGLE_WORD},
	{"lstrip", ELECTRA_ADDED_LSTRIP},
	{"rstrip", ELECTRA_ADDED_RSTRIP},
	{"normalized", ELECTRA_ADDED_NORMALIZED},
	{"special", ELECTRA_ADDED_SPECIAL},
};

/* What the files say, before it is put in order. */
typedef struct sources
{
	hf_token_list listed;		/* with an index: added_tokens_decoder or what
								 * stands for it */
	hf_token_list specific;		/* further "…_token" keys */
	hf_token_list extra;		/* extra_special_tokens */
	bool		given[HF_NUM_NAMED];	/* a file has the key, even as null */
} sources;

static electra_status
append(hf_token_list *list, hf_token *token, electra_error *error)
{
	if (list->count == list->capacity)
	{
		int			capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
		hf_token   *grown = list->count >= MAX_ADDED_TOKENS ? NULL :
			realloc(list->tokens, (size_t) capacity * sizeof(hf_token));

		if (grown == NULL)
		{
			free(token->content);
			token->content = NULL;
			if (list->count >= MAX_ADDED_TOKENS)
				return electra_fail(error, ELECTRA_UNSUPPORTED, "the tokenizer has more than %d added tokens",
									MAX_ADDED_TOKENS);
			return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
		}
		list->tokens = grown;
		list->capacity = capacity;
	}
	list->tokens[list->count++] = *token;
	token->content = NULL;
	return ELECTRA_OK;
}

static void
free_list(hf_token_list *list)
{
	for (int i = 0; i < list->count; i++)
		free(list->tokens[i].content);
	free(list->tokens);
	memset(list, 0, sizeof(*list));
}

static electra_status
set_content(hf_token *token, const char *content, electra_error *error)
{
	token->content = strdup(content);
	if (token->content == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	return ELECTRA_OK;
}

/*
 * A token as it stands in a file: a string, which means AddedToken(content,
 * special=True), or an object with AddedToken's fields.
 */
static electra_status
parse_token(const json_t *value, const char *file, const char *key, hf_token *token, electra_error *error)
{
	const char *content = json_string_value(json_object_get(value, "content"));

	memset(token, 0, sizeof(*token));
	if (json_is_string(value))
	{
		token->flags = ELECTRA_ADDED_SPECIAL;
		return set_content(token, json_string_value(value), error);
	}
	if (!json_is_object(value) || content == NULL)
		return json_fail_value(file, key, "a string or an object with a string \"content\"", value, error);
	for (size_t i = 0; i < sizeof(flag_keys) / sizeof(flag_keys[0]); i++)
	{
		bool		set = false;

		if (json_get_bool(value, file, flag_keys[i].key, &set, error) != ELECTRA_OK)
			return error->status;
		if (set)
			token->flags |= flag_keys[i].flag;
	}
	token->normalized_given = json_object_get(value, "normalized") != NULL;
	return set_content(token, content, error);
}

/* Takes over a named token: null means none. */
static electra_status
read_named(const json_t *object, const char *file, bool special, hf_token named[HF_NUM_NAMED],
		   sources *sources, electra_error *error)
{
	for (int i = 0; i < HF_NUM_NAMED; i++)
	{
		const json_t *value = json_object_get(object, named_keys[i]);

		if (value == NULL)
			continue;
		sources->given[i] = true;
		free(named[i].content);
		memset(&named[i], 0, sizeof(named[i]));
		if (json_is_null(value))
			continue;
		if (parse_token(value, file, named_keys[i], &named[i], error) != ELECTRA_OK)
			return error->status;
		if (special)
			named[i].flags |= ELECTRA_ADDED_SPECIAL;
	}
	return ELECTRA_OK;
}

static bool
is_named_key(const char *key)
{
	for (int i = 0; i < HF_NUM_NAMED; i++)
		if (strcmp(key, named_keys[i]) == 0)
			return true;
	return false;
}

/* Further keys that end in "_token" and hold a token: model-specific ones. */
static electra_status
read_specific(const json_t *object, const char *file, hf_token_list *specific, electra_error *error)
{
	const char *key;
	json_t	   *value;

	json_object_foreach((json_t *) object, key, value)
	{
		size_t		length = strlen(key);
		hf_token	token;

		if (length < 6 || strcmp(key + length - 6, "_token") != 0 || is_named_key(key) ||
			!(json_is_string(value) || json_object_get(value, "content") != NULL))
			continue;
		if (parse_token(value, file, key, &token, error) != ELECTRA_OK ||
			append(specific, &token, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* A list of tokens, or an object of named ones, which come earlier. */
static electra_status
read_extra_value(const json_t *value, const char *file, const char *key, sources *sources,
				 electra_error *error)
{
	hf_token_list *list = json_is_object(value) ? &sources->specific : &sources->extra;
	hf_token	token;
	size_t		index;
	json_t	   *element;
	const char *name;

	if (!json_is_object(value) && !json_is_array(value))
		return json_fail_value(file, key, "a list", value, error);
	json_array_foreach((json_t *) value, index, element)
		if (parse_token(element, file, key, &token, error) != ELECTRA_OK ||
			append(list, &token, error) != ELECTRA_OK)
			return error->status;
	json_object_foreach((json_t *) value, name, element)
		if (parse_token(element, file, key, &token, error) != ELECTRA_OK ||
			append(list, &token, error) != ELECTRA_OK)
			return error->status;
	return ELECTRA_OK;
}

/*
 * extra_special_tokens, or its old name additional_special_tokens where the
 * new one says nothing.  *given: one of both was there.
 */
static electra_status
read_extra(const json_t *object, const char *file, bool *given, sources *sources, electra_error *error)
{
	const char *key = "extra_special_tokens";
	const json_t *value = json_member(object, key);

	if (value == NULL || (json_is_array(value) && json_array_size(value) == 0))
	{
		/* what stands in special_tokens_map.json under the old name loses
		 * against any extra tokens of tokenizer_config.json */
		key = "additional_special_tokens";
		value = *given ? NULL : json_member(object, key);
	}
	if (value == NULL)
		return ELECTRA_OK;
	*given = true;
	return read_extra_value(value, file, key, sources, error);
}

/* Sets the token that is listed under its index; a later one replaces an earlier one. */
static electra_status
set_listed(hf_token_list *listed, hf_token *token, electra_error *error)
{
	for (int i = 0; i < listed->count; i++)
	{
		if (listed->tokens[i].index == token->index)
		{
			free(listed->tokens[i].content);
			listed->tokens[i] = *token;
			token->content = NULL;
			return ELECTRA_OK;
		}
	}
	return append(listed, token, error);
}

/* added_tokens_decoder of tokenizer_config.json: {"index": AddedToken}. */
static electra_status
read_decoder(const json_t *decoder, const char *file, hf_token_list *listed, electra_error *error)
{
	const char *key;
	json_t	   *value;

	json_object_foreach((json_t *) decoder, key, value)
	{
		hf_token	token;
		char	   *end;
		long		index = strtol(key, &end, 10);

		if (end == key || *end != '\0' || index < 0 || index > INT32_MAX)
		{
			char		quoted[SOURCE_QUOTE_SIZE];

			return electra_fail(error, ELECTRA_INVALID_SOURCE,
								"key \"%s\" of \"added_tokens_decoder\" in file \"%s\" is not a token id",
								source_quote(key, quoted), file);
		}
		if (!json_is_object(value))
			return json_fail_value(file, key, "an object", value, error);
		if (parse_token(value, file, key, &token, error) != ELECTRA_OK)
			return error->status;
		token.index = (int32_t) index;
		if (set_listed(listed, &token, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* Is this the content of a token in a list? */
static bool
contains(const hf_token_list *list, const char *content)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->tokens[i].content, content) == 0)
			return true;
	return false;
}

static bool
is_named(const hf_token named[HF_NUM_NAMED], const char *content)
{
	for (int i = 0; i < HF_NUM_NAMED; i++)
		if (named[i].content != NULL && strcmp(named[i].content, content) == 0)
			return true;
	return false;
}

/*
 * added_tokens.json: {"content": index}, special exactly if a file (not a
 * default of the class, hence given) names it so.
 */
static electra_status
read_added_tokens_json(const json_t *object, const char *file, const hf_token given[HF_NUM_NAMED],
					   sources *sources, electra_error *error)
{
	const char *content;
	json_t	   *value;

	json_object_foreach((json_t *) object, content, value)
	{
		hf_token	token;

		memset(&token, 0, sizeof(token));
		if (!json_is_whole(value, 0, INT32_MAX, &token.index))
			return json_fail_value(file, content, "a token id", value, error);
		if (set_content(&token, content, error) != ELECTRA_OK)
			return error->status;
		token.normalized_given = true;
		token.flags = is_named(given, content) || contains(&sources->extra, content) ?
			ELECTRA_ADDED_SPECIAL : ELECTRA_ADDED_NORMALIZED;
		if (set_listed(&sources->listed, &token, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* "added_tokens" of tokenizer.json: [{id, content, …}]. */
static electra_status
read_tokenizer_json(const json_t *tokenizer, hf_token_list *listed, electra_error *error)
{
	const char *file = "tokenizer.json";
	json_t	   *tokens;
	size_t		i;
	json_t	   *value;

	if (json_get_container(tokenizer, file, "added_tokens", JSON_ARRAY, &tokens, error) != ELECTRA_OK)
		return error->status;
	json_array_foreach(tokens, i, value)
	{
		hf_token	token;
		int32_t		index;

		if (!json_is_object(value) || !json_is_whole(json_object_get(value, "id"), 0, INT32_MAX, &index))
			return json_fail_value(file, "added_tokens", "a list of objects with \"id\" and \"content\"", value,
								   error);
		if (parse_token(value, file, "added_tokens", &token, error) != ELECTRA_OK)
			return error->status;
		token.index = index;
		if (set_listed(listed, &token, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* special_tokens_map.json and added_tokens.json, which added_tokens_decoder supersedes. */
static electra_status
read_legacy(const hf_directory *hf, bool extra_given, hf_added_tokens *added, sources *sources,
			electra_error *error)
{
	char		map_file[SOURCE_MAX_NAME];
	char		added_file[SOURCE_MAX_NAME];
	json_t	   *map = NULL;
	json_t	   *tokens = NULL;
	electra_status status;

	hf_file_name(hf, "special_tokens_map.json", map_file);
	hf_file_name(hf, "added_tokens.json", added_file);
	status = json_file_load(&hf->files, map_file, HF_MAX_JSON_SIZE, JSON_OBJECT, false, false, &map, error);
	if (status == ELECTRA_OK)
		status = read_named(map, map_file, true, added->named, sources, error);
	if (status == ELECTRA_OK)
		status = read_specific(map, map_file, &sources->specific, error);
	if (status == ELECTRA_OK)
		status = read_extra(map, map_file, &extra_given, sources, error);
	if (status == ELECTRA_OK)
		status = json_file_load(&hf->files, added_file, HF_MAX_JSON_SIZE, JSON_OBJECT, false, false, &tokens,
								error);
	if (status == ELECTRA_OK)
		status = read_added_tokens_json(tokens, added_file, added->named, sources, error);
	json_decref(map);
	json_decref(tokens);
	if (status == ELECTRA_OK && hf->tokenizer != NULL)
		status = read_tokenizer_json(hf->tokenizer, &sources->listed, error);
	return status;
}

static int
compare_index(const void *a, const void *b)
{
	int32_t		x = ((const hf_token *) a)->index;
	int32_t		y = ((const hf_token *) b)->index;

	return x < y ? -1 : x > y;
}

/* normalized, where no file says it, is the opposite of special. */
static unsigned
final_flags(const hf_token *token)
{
	if (token->normalized_given)
		return token->flags;
	return token->flags & ELECTRA_ADDED_SPECIAL ? token->flags & ~(unsigned) ELECTRA_ADDED_NORMALIZED :
		token->flags | ELECTRA_ADDED_NORMALIZED;
}

/*
 * Adds the tokens of a list to all.  A content that is among the first fixed
 * tokens stays as it is there; of others the last properties win.
 */
static electra_status
merge(hf_added_tokens *added, json_t *seen, hf_token_list *list, int fixed, electra_error *error)
{
	for (int i = 0; i < list->count; i++)
	{
		hf_token   *token = &list->tokens[i];
		const json_t *before = json_object_get(seen, token->content);

		if (token->content[0] == '\0')
			continue;
		token->flags = final_flags(token);
		token->normalized_given = true;
		if (before == NULL)
		{
			if (json_object_set_new(seen, token->content, json_integer(added->all.count)) != 0)
				return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
			if (append(&added->all, token, error) != ELECTRA_OK)
				return error->status;
		}
		else if (json_integer_value(before) >= fixed)
			added->all.tokens[json_integer_value(before)].flags = token->flags;
	}
	return ELECTRA_OK;
}

/* Tokens that have a name are special, whatever the files say. */
static void
force_special(const hf_added_tokens *added, const sources *sources, hf_token_list *list, const json_t *seen)
{
	for (int i = 0; i < list->count; i++)
	{
		hf_token   *token = &list->tokens[i];
		const json_t *before = json_object_get(seen, token->content);

		/* unless the backend has exactly this token from its file */
		if (before != NULL && added->all.tokens[json_integer_value(before)].flags == final_flags(token))
			continue;
		if (is_named(added->named, token->content) || contains(&sources->specific, token->content))
			token->flags |= ELECTRA_ADDED_SPECIAL;
	}
}

/* The named tokens as a list of their own. */
static electra_status
list_named(const hf_token named[HF_NUM_NAMED], hf_token_list *list, electra_error *error)
{
	for (int i = 0; i < HF_NUM_NAMED; i++)
	{
		hf_token	token = named[i];

		if (token.content == NULL)
			continue;
		token.flags |= ELECTRA_ADDED_SPECIAL;
		if (set_content(&token, named[i].content, error) != ELECTRA_OK ||
			append(list, &token, error) != ELECTRA_OK)
			return error->status;
	}
	return ELECTRA_OK;
}

/* Puts everything in the order in which TokenizersBackend adds it. */
static electra_status
order_tokens(const hf_directory *hf, hf_tokenizer_class class, hf_added_tokens *added, sources *sources,
			 json_t *seen, electra_error *error)
{
	hf_token_list in_file = {0, 0, NULL};
	hf_token_list named = {0, 0, NULL};
	electra_status status = list_named(added->named, &named, error);

	/* the tokens of a file that is taken as it is are there first */
	if (status == ELECTRA_OK && class == HF_TOKENIZER_AS_FILE)
		status = read_tokenizer_json(hf->tokenizer, &in_file, error);
	if (status == ELECTRA_OK)
		status = merge(added, seen, &in_file, 0, error);
	if (status == ELECTRA_OK)
	{
		if (sources->listed.count > 0)
			qsort(sources->listed.tokens, (size_t) sources->listed.count, sizeof(hf_token), compare_index);
		force_special(added, sources, &sources->listed, seen);
		force_special(added, sources, &sources->extra, seen);
		for (int i = 0; i < sources->specific.count; i++)
			sources->specific.tokens[i].flags |= ELECTRA_ADDED_SPECIAL;
		status = merge(added, seen, &sources->listed, 0, error);
	}
	if (status == ELECTRA_OK)
	{
		int			fixed = added->all.count;

		status = merge(added, seen, &named, fixed, error);
		if (status == ELECTRA_OK)
			status = merge(added, seen, &sources->specific, fixed, error);
		if (status == ELECTRA_OK)
			status = merge(added, seen, &sources->extra, fixed, error);
	}
	free_list(&in_file);
	free_list(&named);
	return status;
}

electra_status
hf_added_tokens_read(const hf_directory *hf, hf_tokenizer_class class, hf_added_tokens *added,
					 electra_error *error)
{
	const char *file = "tokenizer_config.json";
	sources		sources;
	bool		extra_given = false;
	json_t	   *decoder = NULL;
	json_t	   *seen = json_object();
	electra_status status = ELECTRA_OK;

	memset(added, 0, sizeof(*added));
	memset(&sources, 0, sizeof(sources));
	if (seen == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");

	status = read_named(hf->tokenizer_config, file, false, added->named, &sources, error);
	if (status == ELECTRA_OK)
		status = read_specific(hf->tokenizer_config, file, &sources.specific, error);
	if (status == ELECTRA_OK)
		status = read_extra(hf->tokenizer_config, file, &extra_given, &sources, error);
	if (status == ELECTRA_OK)
		status = json_get_container(hf->tokenizer_config, file, "added_tokens_decoder", JSON_OBJECT, &decoder,
									error);
	if (status == ELECTRA_OK)
		status = decoder != NULL ? read_decoder(decoder, file, &sources.listed, error) :
			read_legacy(hf, extra_given, added, &sources, error);

	for (int i = 0; i < HF_NUM_NAMED && class == HF_TOKENIZER_BERT && status == ELECTRA_OK; i++)
		if (bert_defaults[i] != NULL && !sources.given[i])
		{
			added->named[i].flags = ELECTRA_ADDED_SPECIAL;
			status = set_content(&added->named[i], bert_defaults[i], error);
		}
	if (status == ELECTRA_OK)
		status = order_tokens(hf, class, added, &sources, seen, error);

	free_list(&sources.listed);
	free_list(&sources.specific);
	free_list(&sources.extra);
	json_decref(seen);
	return status;
}

void
hf_added_tokens_free(hf_added_tokens *added)
{
	for (int i = 0; i < HF_NUM_NAMED; i++)
		free(added->named[i].content);
	free_list(&added->all);
	memset(added, 0, sizeof(*added));
}

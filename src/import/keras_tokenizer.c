/*
 * tokenizer.json of a Keras-Hub preset and the vocabulary beside it.
 *
 * References: keras_hub WordPieceTokenizer, ElectraTokenizer, BertTokenizer;
 * what TensorFlow Text's FastWordpieceTokenizer refuses (a token twice) is
 * refused here.
 */
#include "import/keras_preset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/canonical_json.h"
#include "core/unicode.h"
#include "core/utf8.h"
#include "import/vocabulary_file.h"

#define MAX_ASSET_NAME 200		/* of the folder below assets/ */

static const char file[] = "tokenizer.json";

/* The arguments of the constructors, and what get_config adds. */
static const char *const tokenizer_arguments[] = {
	"name", "trainable", "dtype", "config_file", "vocabulary", "sequence_length", "lowercase", "strip_accents",
	"split", "split_on_cjk", "suffix_indicator", "oov_token", "special_tokens", "special_tokens_in_strings", NULL
};

/* It points into a text or into JSON. */
typedef struct token
{
	const char *text;
	size_t		size;
	int32_t		id;
} token;

typedef struct token_list
{
	const char *name;			/* of the file they are from */
	token	   *tokens;			/* by id */
	int32_t		count;
} token_list;

static electra_status
fail_memory(electra_error *error)
{
	return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
}

/* By text, equal ones by id. */
static int
compare_tokens(const void *a, const void *b)
{
	const token *left = a;
	const token *right = b;
	size_t		common = left->size < right->size ? left->size : right->size;
	int			order = memcmp(left->text, right->text, common);

	if (order != 0)
		return order;
	if (left->size != right->size)
		return left->size < right->size ? -1 : 1;
	return left->id < right->id ? -1 : 1;
}

/* Every token once. */
static electra_status
check_unique(const token_list *list, electra_error *error)
{
	token	   *sorted = malloc((size_t) list->count * sizeof(*sorted) + 1);
	char		text[SOURCE_QUOTE_SIZE];
	char		quoted[SOURCE_QUOTE_SIZE];
	int32_t		i = 1;

	if (sorted == NULL)
		return fail_memory(error);
	memcpy(sorted, list->tokens, (size_t) list->count * sizeof(*sorted));
	qsort(sorted, (size_t) list->count, sizeof(*sorted), compare_tokens);
	while (i < list->count && (sorted[i].size != sorted[i - 1].size ||
							   memcmp(sorted[i].text, sorted[i - 1].text, sorted[i].size) != 0))
		i++;
	if (i >= list->count)
	{
		free(sorted);
		return ELECTRA_OK;
	}
	snprintf(text, sizeof(text), "%.*s", (int) (sorted[i].size < sizeof(text) ? sorted[i].size : sizeof(text) - 1),
			 sorted[i].text);
	electra_fail(error, ELECTRA_INVALID_SOURCE, "token \"%s\" is twice in file \"%s\"", source_quote(text, quoted),
				 list->name);
	electra_fail_detail(error, "It would have the ids %d and %d.", (int) sorted[i - 1].id, (int) sorted[i].id);
	free(sorted);
	return error->status;
}

/* No more tokens than the model has, each valid UTF-8 without NUL, each once. */
static electra_status
check_tokens(const token_list *list, int32_t vocab_size, electra_error *error)
{
	if (list->count > vocab_size)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE,
					 "the vocabulary in file \"%s\" is larger than the one of \"config.json\"", list->name);
		electra_fail_detail(error, "Expected at most %d tokens, found %d.", (int) vocab_size, (int) list->count);
		electra_fail_hint(error, "The tokenizer and the weights do not belong together.");
		return error->status;
	}
	for (int32_t i = 0; i < list->count; i++)
	{
		const token *token = &list->tokens[i];

		if (memchr(token->text, '\0', token->size) == NULL && electra_json_utf8_valid(token->text, token->size))
			continue;
		electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is not a vocabulary", list->name);
		electra_fail_detail(error, "The token with id %d is not UTF-8 text.", (int) i);
		return error->status;
	}
	return check_unique(list, error);
}

/* Python's str.isspace beyond White_Space. */
static bool
is_python_space(uint32_t code_point)
{
	return (code_point >= 0x1c && code_point <= 0x1f) ||
		(electra_unicode(code_point)->flags & ELECTRA_WHITE_SPACE) != 0;
}

/* The size of a line without the white space at its end, as Python's rstrip() has it. */
static size_t
trimmed_size(const char *line, size_t length)
{
	size_t		size = 0;

	for (size_t position = 0; position < length;)
	{
		uint32_t	code_point;
		int			bytes = electra_utf8_decode((const uint8_t *) line + position, length - position, &code_point);

		if (bytes <= 0)
			return length;		/* refused later */
		position += (size_t) bytes;
		if (!is_python_space(code_point))
			size = position;
	}
	return size;
}

/* Lines as Python's text files have them: they end at \n, \r or \r\n. */
static electra_status
split_lines(const char *text, size_t text_size, token_list *list, electra_error *error)
{
	const char *end = text + text_size;
	int32_t		capacity = 0;

	for (const char *line = text; line < end;)
	{
		size_t		length = 0;

		while (line + length < end && line[length] != '\n' && line[length] != '\r')
			length++;
		if (list->count == capacity)
		{
			token	   *grown;

			capacity = capacity == 0 ? 1 << 15 : 2 * capacity;
			grown = realloc(list->tokens, (size_t) capacity * sizeof(*grown));
			if (grown == NULL)
				return fail_memory(error);
			list->tokens = grown;
		}
		list->tokens[list->count] = (token) {
			line, trimmed_size(line, length), list->count
		};
		list->count++;
		line += length;
		if (line < end)
			line += line[0] == '\r' && line + 1 < end && line[1] == '\n' ? 2 : 1;
	}
	return ELECTRA_OK;
}

/* Tokens that stand in tokenizer.json itself. */
static electra_status
list_inline(const json_t *vocabulary, token_list *list, electra_error *error)
{
	size_t		index;
	json_t	   *value;

	list->name = file;
	list->tokens = malloc(json_array_size(vocabulary) * sizeof(*list->tokens) + 1);
	if (list->tokens == NULL)
		return fail_memory(error);
	json_array_foreach(vocabulary, index, value)
	{
		if (!json_is_string(value))
			return json_fail_value(file, "config.vocabulary", "a list of strings", value, error);
		list->tokens[index] = (token) {
			json_string_value(value), json_string_length(value), (int32_t) index
		};
		list->count++;
	}
	return ELECTRA_OK;
}

/* assets/STEM/vocabulary.txt: STEM is that of "config_file". */
static electra_status
asset_name(const json_t *arguments, char name[SOURCE_MAX_NAME], electra_error *error)
{
	const char *config_file = file;
	size_t		stem;

	if (json_get_string(arguments, file, "config.config_file", &config_file, error) != ELECTRA_OK)
		return error->status;
	stem = strcspn(config_file, ".");
	if (stem == 0 || stem > MAX_ASSET_NAME || strchr(config_file, '/') != NULL || strchr(config_file, '\\') != NULL)
		return json_fail_value(file, "config.config_file", "a plain file name",
							   json_object_get(arguments, "config_file"), error);
	snprintf(name, SOURCE_MAX_NAME, "assets/%.*s/vocabulary.txt", (int) stem, config_file);
	return ELECTRA_OK;
}

/* tokenizer.vocabulary of archive.h. */
static electra_status
write_vocabulary(preset_source *source, const token_list *list, electra_error *error)
{
	size_t		size = 0;
	char	   *to;

	for (int32_t i = 0; i < list->count; i++)
		size += list->tokens[i].size + 1;
	source->vocabulary = malloc(size + 1);
	if (source->vocabulary == NULL)
		return fail_memory(error);
	source->vocabulary_size = size;
	to = source->vocabulary;
	for (int32_t i = 0; i < list->count; i++)
	{
		memcpy(to, list->tokens[i].text, list->tokens[i].size);
		to += list->tokens[i].size;
		*to++ = '\0';
	}
	return ELECTRA_OK;
}

/* The vocabulary, from wherever it is; name receives the file's for messages. */
static electra_status
read_vocabulary(const keras_preset *keras, const json_t *arguments, char name[SOURCE_MAX_NAME],
				electra_error *error)
{
	const json_t *vocabulary = json_member(arguments, "vocabulary");
	token_list	list = {name, NULL, 0};
	char	   *text = NULL;
	size_t		size;
	electra_status status;

	if (vocabulary != NULL && !json_is_array(vocabulary))
		return json_fail_value(file, "config.vocabulary", "null or a list of strings", vocabulary, error);
	if (vocabulary != NULL)
	{
		strcpy(name, file);
		status = list_inline(vocabulary, &list, error);
	}
	else
	{
		status = asset_name(arguments, name, error);
		if (status == ELECTRA_OK)
			status = source_file_read(&keras->files, name, KERAS_MAX_TOKENIZER_SIZE, &text, &size, error);
		if (status == ELECTRA_NOT_FOUND && error->hint[0] == '\0')
			electra_fail_hint(error, "Download all files of the preset, also the folder assets.");
		if (status == ELECTRA_OK)
			status = split_lines(text, size, &list, error);
	}
	if (status == ELECTRA_OK)
		status = check_tokens(&list, keras->source->config.vocab_size, error);
	if (status == ELECTRA_OK)
		status = write_vocabulary(keras->source, &list, error);
	free(list.tokens);
	free(text);
	return status;
}

/* The id of a token that the tokenizer cannot do without. */
static electra_status
find_token(const preset_source *source, const char *text, const char *name, int32_t *id, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	*id = text[0] == '\0' ? -1 : vocabulary_find(source->vocabulary, source->vocabulary_size, text);
	if (*id >= 0)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_INVALID_SOURCE, "token \"%s\" is not in the vocabulary in file \"%s\"",
				 source_quote(text, quoted), name);
	electra_fail_hint(error, "A vocabulary must hold [PAD], [CLS], [SEP], [MASK] and the tokenizer's "
					  "\"oov_token\".");
	return error->status;
}

static int
compare_ids(const void *a, const void *b)
{
	int32_t		x = *(const int32_t *) a;
	int32_t		y = *(const int32_t *) b;

	return x < y ? -1 : x > y;
}

/* tokenizer.added_tokens of archive.h: special tokens with these ids. */
static electra_status
write_added_tokens(preset_source *source, int32_t *ids, size_t count, electra_error *error)
{
	const char *token = source->vocabulary;
	int32_t		id = 0;

	qsort(ids, count, sizeof(ids[0]), compare_ids);
	/* "ID s CONTENT" and a NUL each; no content twice */
	source->added_tokens = malloc(source->vocabulary_size + count * 16);
	if (source->added_tokens == NULL)
		return fail_memory(error);
	source->added_tokens_size = 0;
	for (size_t i = 0; i < count; i++)
	{
		if (i > 0 && ids[i] == ids[i - 1])
			continue;
		for (; id < ids[i]; id++)
			token += strlen(token) + 1;
		source->added_tokens_size += (size_t) sprintf(source->added_tokens + source->added_tokens_size, "%d s %s",
													  (int) id, token) + 1;
	}
	return ELECTRA_OK;
}

/*
 * "special_tokens": further tokens that are found in a text, if any are.  One
 * that the vocabulary lacks would be a whole [UNK], which we cannot express.
 */
static electra_status
read_special_tokens(keras_preset *keras, const json_t *arguments, const char *name, electra_error *error)
{
	electra_tokenizer_config *tokenizer = &keras->source->config.tokenizer;
	json_t	   *more = NULL;
	int32_t    *ids;
	size_t		count = 0;
	size_t		index;
	json_t	   *value;
	electra_status status = ELECTRA_OK;

	if (json_get_container(arguments, file, "config.special_tokens", JSON_ARRAY, &more, error) != ELECTRA_OK)
		return error->status;
	if (!tokenizer->special_tokens_in_strings)
		more = NULL;			/* it has no effect */
	ids = malloc((4 + json_array_size(more)) * sizeof(*ids));
	if (ids == NULL)
		return fail_memory(error);
	ids[count++] = tokenizer->cls_token_id;
	ids[count++] = tokenizer->sep_token_id;
	ids[count++] = tokenizer->pad_token_id;
	ids[count++] = tokenizer->mask_token_id;
	json_array_foreach(more, index, value)
	{
		if (!json_is_string(value))
			status = json_fail_value(file, "config.special_tokens", "a list of strings", value, error);
		else
			status = find_token(keras->source, json_string_value(value), name, &ids[count++], error);
		if (status != ELECTRA_OK)
			break;
	}
	if (status == ELECTRA_OK)
		status = write_added_tokens(keras->source, ids, count, error);
	free(ids);
	return status;
}

/* The flags of tokenizer.json. */
static electra_status
read_settings(keras_preset *keras, const json_t *arguments, electra_error *error)
{
	electra_tokenizer_config *tokenizer = &keras->source->config.tokenizer;
	const char *suffix = "##";
	bool		split = true;

	tokenizer->pipeline = ELECTRA_TOKENIZER_KERAS;
	tokenizer->tokenize_chinese_chars = true;
	tokenizer->max_word_chars = 100;
	if (json_get_bool(arguments, file, "config.lowercase", &tokenizer->lowercase, error) != ELECTRA_OK ||
		json_get_bool(arguments, file, "config.strip_accents", &tokenizer->strip_accents, error) != ELECTRA_OK ||
		json_get_bool(arguments, file, "config.split", &split, error) != ELECTRA_OK ||
		json_get_bool(arguments, file, "config.split_on_cjk", &tokenizer->tokenize_chinese_chars,
					  error) != ELECTRA_OK ||
		json_get_bool(arguments, file, "config.special_tokens_in_strings", &tokenizer->special_tokens_in_strings,
					  error) != ELECTRA_OK ||
		json_get_string(arguments, file, "config.suffix_indicator", &suffix, error) != ELECTRA_OK)
		return error->status;
	if (!split)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "\"config.split\" in file \"%s\" is not supported", file);
		electra_fail_detail(error, "It is false: the tokenizer takes words, not texts.");
		return error->status;
	}
	if (suffix[0] == '\0' || strlen(suffix) >= sizeof(tokenizer->continuing_prefix))
		return json_fail_value(file, "config.suffix_indicator", "a string of 1 to 31 bytes",
							   json_object_get(arguments, "suffix_indicator"), error);
	strcpy(tokenizer->continuing_prefix, suffix);
	return ELECTRA_OK;
}

/* "sequence_length": so many tokens of a text, before [CLS] and [SEP]. */
static electra_status
read_length(keras_preset *keras, const json_t *arguments, electra_error *error)
{
	electra_config *config = &keras->source->config;
	int32_t		length = 0;

	if (json_member(arguments, "sequence_length") == NULL)
		return ELECTRA_OK;
	if (json_get_int32(arguments, file, "config.sequence_length", 0, 1 << 20, &length, error) != ELECTRA_OK)
		return error->status;
	if (length > 0 && length + 2 < config->max_length)
	{
		config->max_length = length + 2;
		keras_notice(keras, "\"config.sequence_length\" in file \"%s\" is %d: texts are cut to %d tokens with "
					 "[CLS] and [SEP]", file, (int) length, (int) config->max_length);
	}
	return ELECTRA_OK;
}

/* The class must be one that knows [CLS], [SEP], [PAD] and [MASK]. */
static electra_status
check_class(const keras_preset *keras, electra_error *error)
{
	const char *registered = "";
	const char *class_name;
	char		quoted[SOURCE_QUOTE_SIZE];

	if (json_get_string(keras->tokenizer, file, "registered_name", &registered, error) != ELECTRA_OK)
		return error->status;
	class_name = keras_class_name(registered);
	if (class_name != NULL && (strcmp(class_name, "ElectraTokenizer") == 0 || strcmp(class_name, "BertTokenizer") == 0))
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "tokenizer \"%s\" in file \"%s\" is not supported",
				 source_quote(registered, quoted), file);
	electra_fail_detail(error, "Expected keras_hub>ElectraTokenizer or keras_hub>BertTokenizer (or keras_nlp> in "
						"the place of keras_hub>).");
	electra_fail_hint(error, "Presets that work: %s.", KERAS_WORKING_PRESETS);
	return error->status;
}

/* A backbone that was saved alone. */
static electra_status
read_nothing(keras_preset *keras, electra_error *error)
{
	electra_tokenizer_config *tokenizer = &keras->source->config.tokenizer;

	keras->source->vocabulary = calloc(1, 1);
	if (keras->source->vocabulary == NULL)
		return fail_memory(error);
	tokenizer->pipeline = ELECTRA_TOKENIZER_NONE;
	tokenizer->max_word_chars = 100;
	strcpy(tokenizer->continuing_prefix, "##");
	tokenizer->unk_token_id = tokenizer->cls_token_id = tokenizer->sep_token_id = -1;
	tokenizer->pad_token_id = tokenizer->mask_token_id = -1;
	keras_notice(keras, "the source has no tokenizer.json: the preset takes token ids, not texts");
	return ELECTRA_OK;
}

electra_status
keras_tokenizer_read(keras_preset *keras, electra_error *error)
{
	electra_tokenizer_config *tokenizer = &keras->source->config.tokenizer;
	json_t	   *arguments = NULL;
	const char *oov = "[UNK]";
	char		name[SOURCE_MAX_NAME];

	keras->source->config.max_length = keras->source->config.max_sequence_length;
	if (keras->tokenizer == NULL)
		return read_nothing(keras, error);
	if (check_class(keras, error) != ELECTRA_OK ||
		json_get_container(keras->tokenizer, file, "config", JSON_OBJECT, &arguments, error) != ELECTRA_OK)
		return error->status;
	if (arguments == NULL)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"config\" is missing in file \"%s\"", file);
	if (keras_check_keys(arguments, file, "config.", tokenizer_arguments, "Keras-Hub's WordPieceTokenizer",
						 error) != ELECTRA_OK ||
		read_settings(keras, arguments, error) != ELECTRA_OK ||
		json_get_string(arguments, file, "config.oov_token", &oov, error) != ELECTRA_OK ||
		read_vocabulary(keras, arguments, name, error) != ELECTRA_OK)
		return error->status;
	if (find_token(keras->source, oov, name, &tokenizer->unk_token_id, error) != ELECTRA_OK ||
		find_token(keras->source, "[CLS]", name, &tokenizer->cls_token_id, error) != ELECTRA_OK ||
		find_token(keras->source, "[SEP]", name, &tokenizer->sep_token_id, error) != ELECTRA_OK ||
		find_token(keras->source, "[PAD]", name, &tokenizer->pad_token_id, error) != ELECTRA_OK ||
		find_token(keras->source, "[MASK]", name, &tokenizer->mask_token_id, error) != ELECTRA_OK)
		return error->status;
	if (read_special_tokens(keras, arguments, name, error) != ELECTRA_OK)
		return error->status;
	return read_length(keras, arguments, error);
}

/*
 * The tokenizer's files.
 *
 * tokenizer.json says everything, and the class PreTrainedTokenizerFast has
 * transformers take it as it is: the class BertTokenizer would build another
 * one out of its vocabulary.  vocab.txt is for programs that know no other
 * file.
 */
#include "import/export_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/vocabulary.h"
#include "import/vocabulary_file.h"

/* A token that is looked for in the text before words are. */
typedef struct added_token
{
	int32_t		id;
	unsigned	flags;			/* ELECTRA_ADDED_… */
	const char *content;
} added_token;

typedef struct token_table
{
	int32_t		count;			/* of tokens, those without content included */
	const char **tokens;		/* (count) by id */
	bool	   *outside;		/* (count) only added, not of the model */
	int32_t		num_added;
	added_token *added;			/* ascending by id */
} token_table;

/* The tokens with a meaning, in the order of tokenizer_config.json. */
typedef struct named_token
{
	const char *key;
	int32_t		id;				/* -1: none */
} named_token;

#define NUM_NAMED 5

static void
list_named(const electra_tokenizer_config *tokenizer, named_token named[NUM_NAMED])
{
	named[0] = (named_token) {"unk_token", tokenizer->unk_token_id};
	named[1] = (named_token) {"sep_token", tokenizer->sep_token_id};
	named[2] = (named_token) {"pad_token", tokenizer->pad_token_id};
	named[3] = (named_token) {"cls_token", tokenizer->cls_token_id};
	named[4] = (named_token) {"mask_token", tokenizer->mask_token_id};
}

static const char *
token_text(const token_table *table, int32_t id)
{
	return id >= 0 && id < table->count ? table->tokens[id] : "";
}

static const added_token *
find_added(const token_table *table, int32_t id)
{
	for (int32_t i = 0; i < table->num_added; i++)
		if (table->added[i].id == id)
			return &table->added[i];
	return NULL;
}

static int
compare_id(const void *a, const void *b)
{
	const added_token *left = a;
	const added_token *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

/* "ID FLAGS CONTENT", whose form has been checked. */
static void
parse_added(const char *text, added_token *token)
{
	static const char letters[] = "wlrnso";
	char	   *rest;

	token->id = (int32_t) strtol(text, &rest, 10);
	token->flags = 0;
	for (rest++; *rest != ' '; rest++)
		if (*rest != '-')
			token->flags |= 1u << (strchr(letters, *rest) - letters);
	token->content = rest + 1;
}

/* How many texts, each followed by a NUL. */
static int32_t
count_texts(const char *texts, size_t size)
{
	int32_t		count = 0;

	for (size_t i = 0; i < size; i++)
		count += texts[i] == '\0';
	return count;
}

/*
 * Keras finds special tokens in a text only if it is asked to; transformers
 * cannot pad with, or put around a text, what is not an added token.
 */
static void
add_named(const electra_tokenizer_config *tokenizer, token_table *table)
{
	named_token named[NUM_NAMED];

	list_named(tokenizer, named);
	for (int i = 0; i < NUM_NAMED; i++)
	{
		const char *content = token_text(table, named[i].id);

		if (content[0] != '\0' && find_added(table, named[i].id) == NULL)
			table->added[table->num_added++] = (added_token) {named[i].id, ELECTRA_ADDED_SPECIAL, content};
	}
	if (table->num_added > 0)
		qsort(table->added, (size_t) table->num_added, sizeof(added_token), compare_id);
}

/* Reads the archive's two texts. */
static electra_status
open_table(const exporter *exporter, token_table *table, electra_error *error)
{
	const electra_tokenizer_config *tokenizer = &exporter->archive->config.tokenizer;
	int32_t		num_added = count_texts(exporter->added_tokens, exporter->added_tokens_size);
	const char *text = exporter->vocabulary;

	table->count = count_texts(exporter->vocabulary, exporter->vocabulary_size);
	table->tokens = calloc((size_t) table->count + 1, sizeof(char *));
	table->outside = calloc((size_t) table->count + 1, sizeof(bool));
	table->added = calloc((size_t) num_added + NUM_NAMED, sizeof(added_token));
	if (table->tokens == NULL || table->outside == NULL || table->added == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	for (int32_t id = 0; id < table->count; id++, text += strlen(text) + 1)
		table->tokens[id] = text;
	text = exporter->added_tokens;
	for (; table->num_added < num_added; text += strlen(text) + 1)
	{
		added_token *token = &table->added[table->num_added++];

		parse_added(text, token);
		table->outside[token->id] = (token->flags & ELECTRA_ADDED_OUTSIDE_MODEL) != 0;
	}
	if (tokenizer->pipeline == ELECTRA_TOKENIZER_KERAS)
		add_named(tokenizer, table);
	return ELECTRA_OK;
}

static void
close_table(token_table *table)
{
	free(table->tokens);
	free(table->outside);
	free(table->added);
}

/* Is the id one that the model itself has a token for? */
static bool
in_model(const token_table *table, int32_t id)
{
	return token_text(table, id)[0] != '\0' && !table->outside[id];
}

/*
 * tokenizers gives a token outside the model the next free id, whatever the
 * file says: it must be the one that the preset has.
 */
static electra_status
check_ids(const token_table *table, electra_error *error)
{
	int32_t		model_size = 0;
	int32_t		largest = -1;

	for (int32_t id = 0; id < table->count; id++)
		model_size += in_model(table, id);
	for (int32_t i = 0; i < table->num_added; i++)
	{
		int32_t		id = table->added[i].id;
		int32_t		given = largest >= model_size ? largest + 1 : model_size;

		if (table->outside[id] && id != given)
		{
			electra_fail(error, ELECTRA_UNSUPPORTED, "added token %d cannot be exported", (int) id);
			electra_fail_detail(error, "Hugging Face's tokenizers would give it the id %d.", (int) given);
			return error->status;
		}
		largest = id;
	}
	return ELECTRA_OK;
}

static json_t *
pack_added(const token_table *table)
{
	json_t	   *list = json_array();

	for (int32_t i = 0; i < table->num_added; i++)
	{
		const added_token *token = &table->added[i];

		if (json_array_append_new(list, json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}",
												  "id", (int) token->id, "content", token->content,
												  "single_word", (int) (token->flags & ELECTRA_ADDED_SINGLE_WORD),
												  "lstrip", (int) (token->flags & ELECTRA_ADDED_LSTRIP),
												  "rstrip", (int) (token->flags & ELECTRA_ADDED_RSTRIP),
												  "normalized", (int) (token->flags & ELECTRA_ADDED_NORMALIZED),
												  "special", (int) (token->flags & ELECTRA_ADDED_SPECIAL))) != 0)
		{
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
pack_vocabulary(const token_table *table)
{
	json_t	   *ids = json_object();

	for (int32_t id = 0; id < table->count; id++)
	{
		if (in_model(table, id) && json_object_set_new(ids, table->tokens[id], json_integer(id)) != 0)
		{
			json_decref(ids);
			return NULL;
		}
	}
	return ids;
}

/* {"SpecialToken" or "Sequence": {"id", "type_id"}} */
#define PIECE "{s:{s:s, s:i}}"

/* [CLS] A [SEP], [CLS] A [SEP] B [SEP]; the names of a template need no token behind them. */
static json_t *
pack_post_processor(const electra_tokenizer_config *tokenizer, const token_table *table)
{
	const char *cls = token_text(table, tokenizer->cls_token_id);
	const char *sep = token_text(table, tokenizer->sep_token_id);

	if (cls[0] == '\0')
		cls = "[CLS]";
	if (sep[0] == '\0')
		sep = "[SEP]";
	return json_pack("{s:s, s:[" PIECE "," PIECE "," PIECE "], s:[" PIECE "," PIECE "," PIECE "," PIECE "," PIECE "],"
					 " s:{s:{s:s, s:[i], s:[s]}, s:{s:s, s:[i], s:[s]}}}",
					 "type", "TemplateProcessing",
					 "single", "SpecialToken", "id", cls, "type_id", 0, "Sequence", "id", "A", "type_id", 0,
					 "SpecialToken", "id", sep, "type_id", 0,
					 "pair", "SpecialToken", "id", cls, "type_id", 0, "Sequence", "id", "A", "type_id", 0,
					 "SpecialToken", "id", sep, "type_id", 0, "Sequence", "id", "B", "type_id", 1,
					 "SpecialToken", "id", sep, "type_id", 1,
					 "special_tokens",
					 cls, "id", cls, "ids", (int) tokenizer->cls_token_id, "tokens", cls,
					 sep, "id", sep, "ids", (int) tokenizer->sep_token_id, "tokens", sep);
}

static electra_status
write_tokenizer_file(exporter *exporter, const token_table *table, electra_error *error)
{
	const electra_tokenizer_config *tokenizer = &exporter->archive->config.tokenizer;
	bool		keras = tokenizer->pipeline == ELECTRA_TOKENIZER_KERAS;
	json_t	   *json = json_pack("{s:s, s:n, s:n, s:o, s:{s:s, s:b, s:b, s:b, s:b}, s:{s:s}, s:o, s:{s:s, s:s, s:b},"
								 " s:{s:s, s:s, s:s, s:i, s:o}}",
								 "version", "1.0", "truncation", "padding", "added_tokens", pack_added(table),
								 "normalizer", "type", "BertNormalizer",
								 "clean_text", (int) (tokenizer->clean_text || keras),
								 "handle_chinese_chars", (int) tokenizer->tokenize_chinese_chars,
								 "strip_accents", (int) tokenizer->strip_accents,
								 "lowercase", (int) tokenizer->lowercase,
								 "pre_tokenizer", "type", "BertPreTokenizer",
								 "post_processor", pack_post_processor(tokenizer, table),
								 "decoder", "type", "WordPiece", "prefix", tokenizer->continuing_prefix,
								 "cleanup", 1,
								 "model", "type", "WordPiece",
								 "unk_token", token_text(table, tokenizer->unk_token_id),
								 "continuing_subword_prefix", tokenizer->continuing_prefix,
								 "max_input_chars_per_word", (int) tokenizer->max_word_chars,
								 "vocab", pack_vocabulary(table));

	return export_output_json(&exporter->output, "tokenizer.json", json, JSON_INDENT(1), error);
}

/* Tokens with a meaning are named only if they are added ones: naming them would add them. */
static electra_status
set_named(const electra_tokenizer_config *tokenizer, const token_table *table, json_t *json)
{
	named_token named[NUM_NAMED];

	list_named(tokenizer, named);
	for (int i = 0; i < NUM_NAMED; i++)
	{
		const added_token *token = find_added(table, named[i].id);

		if (token != NULL && json_object_set_new(json, named[i].key, json_string(token->content)) != 0)
			return ELECTRA_OUT_OF_MEMORY;
	}
	return ELECTRA_OK;
}

/*
 * tokenizer_config.json and special_tokens_map.json.  Of its own accord the
 * class gives no segments: the names of the model's inputs ask for them.
 */
static electra_status
write_settings(exporter *exporter, const token_table *table, electra_error *error)
{
	const electra_config *config = &exporter->archive->config;
	json_t	   *map = json_object();
	json_t	   *json = json_pack("{s:s, s:i, s:[s, s, s]}", "tokenizer_class", "PreTrainedTokenizerFast",
								 "model_max_length", (int) config->max_length,
								 "model_input_names", "input_ids", "token_type_ids", "attention_mask");

	if (map == NULL || json == NULL || set_named(&config->tokenizer, table, map) != ELECTRA_OK ||
		json_object_update(json, map) != 0)
	{
		json_decref(map);
		json_decref(json);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	if (export_output_json(&exporter->output, "tokenizer_config.json", json, JSON_INDENT(2), error) != ELECTRA_OK)
	{
		json_decref(map);
		return error->status;
	}
	return export_output_json(&exporter->output, "special_tokens_map.json", map, JSON_INDENT(2), error);
}

/*
 * vocab.txt, if reading it gives the model's vocabulary again: a token that
 * holds a line break or ends in white space cannot stand in it.
 */
static electra_status
write_lines(exporter *exporter, const token_table *table, electra_error *error)
{
	char	   *expected = malloc(exporter->vocabulary_size + 1);
	char	   *text = malloc(exporter->vocabulary_size + 1);
	char	   *found = NULL;
	size_t		size = 0;
	size_t		found_size;
	int32_t		found_count;
	int32_t		count = table->count;
	electra_status status = ELECTRA_OK;

	if (expected == NULL || text == NULL)
	{
		free(expected);
		free(text);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	while (count > 0 && !in_model(table, count - 1))
		count--;
	for (int32_t id = 0; id < count; id++)
	{
		const char *token = in_model(table, id) ? table->tokens[id] : "";
		size_t		length = strlen(token);

		memcpy(expected + size, token, length + 1);
		memcpy(text + size, token, length);
		size += length + 1;
		text[size - 1] = '\n';
	}
	if (vocabulary_file_parse("vocab.txt", text, size, &found, &found_size, &found_count, error) == ELECTRA_OK &&
		found_size == size && memcmp(found, expected, size) == 0)
		status = export_output_text(&exporter->output, "vocab.txt", text, size, error);
	free(found);
	free(expected);
	free(text);
	return status;
}

/* Would a server take the two texts?  Then their form is as archive.h says. */
static electra_status
check_texts(const exporter *exporter, electra_error *error)
{
	const electra_config *config = &exporter->archive->config;
	void	   *section = NULL;
	size_t		size;
	electra_status status;

	status = electra_vocabulary_build(&config->tokenizer, config->vocab_size, exporter->vocabulary,
									  exporter->vocabulary_size, exporter->added_tokens,
									  exporter->added_tokens_size, &electra_malloc_allocator,
									  &section, &size, error);
	if (status == ELECTRA_OK)
		free(section);
	return status;
}

electra_status
export_write_tokenizer(exporter *exporter, electra_error *error)
{
	const electra_tokenizer_config *tokenizer = &exporter->archive->config.tokenizer;
	token_table table = {0};
	electra_status status;

	if (check_texts(exporter, error) != ELECTRA_OK)
		return error->status;
	if (tokenizer->pipeline == ELECTRA_TOKENIZER_NONE)
	{
		export_remark(exporter, "the preset has no vocabulary: the directory has no tokenizer, and "
					  "electra-import does not read it");
		return ELECTRA_OK;
	}
	status = open_table(exporter, &table, error);
	if (status == ELECTRA_OK && !in_model(&table, tokenizer->unk_token_id))
		status = electra_fail(error, ELECTRA_UNSUPPORTED,
							  "a vocabulary without its unknown token (id %d) cannot be exported",
							  (int) tokenizer->unk_token_id);
	if (status == ELECTRA_OK)
		status = check_ids(&table, error);
	if (status == ELECTRA_OK)
		status = write_tokenizer_file(exporter, &table, error);
	if (status == ELECTRA_OK)
		status = write_settings(exporter, &table, error);
	if (status == ELECTRA_OK)
		status = write_lines(exporter, &table, error);
	close_table(&table);
	if (status == ELECTRA_OK && tokenizer->pipeline == ELECTRA_TOKENIZER_KERAS)
		export_remark(exporter, "the preset has Keras's tokenizer, which no Hugging Face tokenizer equals: the "
					  "files hold the nearest one, and some texts get other token ids, hence other vectors");
	return status;
}

/*
 * The tokenizer of a Hugging Face directory: vocabulary, added tokens with
 * their ids, settings.
 *
 * transformers 5.23 rebuilds the tokenizers of BERT and ELECTRA out of
 * vocabulary and added tokens; of tokenizer.json nothing else counts, except
 * for the class PreTrainedTokenizerFast (hf_tokenizer_file.c).
 */
#include "import/hf_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/vocabulary.h"
#include "import/hf_added_tokens.h"
#include "import/hf_tokenizer_file.h"
#include "import/vocabulary_file.h"

/* The model's vocabulary, and what the added tokens make of it. */
typedef struct vocabulary
{
	json_t	   *ids;			/* {token: id} of the model alone */
	char	   *text;			/* of vocab.txt, in the archive's form; tokens
								 * may point into it */
	const char **tokens;		/* (vocab_size) by id, NULL: none */
	int32_t		count;			/* distinct tokens of the model, as tokenizers
								 * counts; -1: unknown */
	int32_t		slots;			/* largest id + 1 */
} vocabulary;

static electra_status
fail_memory(electra_error *error)
{
	return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
}

/* More tokens than the word embeddings have rows. */
static electra_status
fail_vocabulary_size(const char *file, int64_t found, int32_t vocab_size, electra_error *error)
{
	electra_fail(error, ELECTRA_INVALID_SOURCE,
				 "the vocabulary in file \"%s\" is larger than \"vocab_size\" in file \"config.json\"", file);
	electra_fail_detail(error, "Expected at most %d tokens, found %lld.", (int) vocab_size, (long long) found);
	electra_fail_hint(error, "The tokenizer and the weights do not belong together.");
	return error->status;
}

/* The vocabulary out of tokenizer.json: {token: id}. */
static electra_status
read_json_vocabulary(const hf_directory *hf, vocabulary *all, electra_error *error)
{
	const char *file = "tokenizer.json";
	int32_t		vocab_size = hf->source->config.vocab_size;
	const json_t *model = json_member(hf->tokenizer, "model");
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_other[SOURCE_QUOTE_SIZE];
	const char *token;
	json_t	   *value;
	json_t	   *ids;

	if (json_get_container(model, file, "model.vocab", JSON_OBJECT, &ids, error) != ELECTRA_OK)
		return error->status;
	if (ids == NULL || json_object_size(ids) == 0)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "\"model.vocab\" is missing in file \"%s\"", file);
	if (json_object_size(ids) > (size_t) vocab_size)
		return fail_vocabulary_size(file, (int64_t) json_object_size(ids), vocab_size, error);
	all->ids = json_incref(ids);
	all->count = (int32_t) json_object_size(ids);
	json_object_foreach(ids, token, value)
	{
		int32_t		id;

		if (!json_is_whole(value, 0, INT32_MAX - 1, &id))
			return json_fail_value(file, token, "a token id", value, error);
		if (id >= vocab_size)
			return fail_vocabulary_size(file, (int64_t) id + 1, vocab_size, error);
		if (all->tokens[id] != NULL)
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "two tokens have id %d in file \"%s\"", (int) id, file);
			electra_fail_detail(error, "They are \"%s\" and \"%s\".", source_quote(all->tokens[id], quoted),
								source_quote(token, quoted_other));
			return error->status;
		}
		if (token[0] == '\0')
			continue;
		all->tokens[id] = token;
		if (id + 1 > all->slots)
			all->slots = id + 1;
	}
	return ELECTRA_OK;
}

/* The vocabulary out of vocab.txt: the line number is the id. */
static electra_status
read_text_vocabulary(const hf_directory *hf, vocabulary *all, electra_error *error)
{
	int32_t		vocab_size = hf->source->config.vocab_size;
	char		name[SOURCE_MAX_NAME];
	char	   *content;
	size_t		content_size;
	size_t		size;
	int32_t		count;
	const char *token;
	electra_status status;

	if (source_file_read(&hf->files, hf_file_name(hf, "vocab.txt", name), HF_MAX_TOKENIZER_SIZE, &content,
						 &content_size, error) != ELECTRA_OK)
		return error->status;
	status = vocabulary_file_parse(name, content, content_size, &all->text, &size, &count, error);
	free(content);
	if (status != ELECTRA_OK)
		return status;
	if (count > vocab_size)
		return fail_vocabulary_size(name, count, vocab_size, error);
	all->ids = json_object();
	if (all->ids == NULL)
		return fail_memory(error);
	all->count = count;
	token = all->text;
	for (int32_t id = 0; id < count; id++)
	{
		if (token[0] == '\0')
			all->count = -1;	/* empty, or a duplicate of a later one */
		else
		{
			all->tokens[id] = token;
			all->slots = id + 1;
			if (json_object_set_new(all->ids, token, json_integer(id)) != 0)
				return fail_memory(error);
		}
		token += strlen(token) + 1;
	}
	return ELECTRA_OK;
}

/* The id of a token of the model, -1 where it has none. */
static int32_t
model_id(const vocabulary *all, const char *token)
{
	const json_t *id = json_object_get(all->ids, token);

	return id == NULL ? -1 : (int32_t) json_number_value(id);
}

/*
 * The ids of the added tokens, as AddedVocabulary::add_tokens gives them out:
 * the model's id, or the next free one behind the vocabulary.  An id that a
 * file states does not matter.
 */
static electra_status
assign_ids(const hf_directory *hf, vocabulary *all, hf_token_list *list, electra_error *error)
{
	int32_t		vocab_size = hf->source->config.vocab_size;
	char		quoted[SOURCE_QUOTE_SIZE];
	int32_t		largest = -1;	/* id of an added token */

	for (int i = 0; i < list->count; i++)
	{
		hf_token   *token = &list->tokens[i];

		token->id = model_id(all, token->content);
		if (token->id < 0)
		{
			token->flags |= ELECTRA_ADDED_OUTSIDE_MODEL;
			if (all->count < 0)
			{
				electra_fail(error, ELECTRA_INVALID_SOURCE, "added token \"%s\" is not in file \"vocab.txt\"",
							 source_quote(token->content, quoted));
				electra_fail_detail(error, "Its id cannot be known, because the file has empty or equal lines.");
				return error->status;
			}
			token->id = largest >= all->count ? largest + 1 : all->count;
			if (token->id >= vocab_size)
			{
				electra_fail(error, ELECTRA_INVALID_SOURCE, "added token \"%s\" lies outside the vocabulary",
							 source_quote(token->content, quoted));
				electra_fail_detail(error, "Its id is %d, \"vocab_size\" in file \"config.json\" is %d.",
									(int) token->id, (int) vocab_size);
				return error->status;
			}
			if (all->tokens[token->id] != NULL)
			{
				electra_fail(error, ELECTRA_INVALID_SOURCE, "added token \"%s\" has the id of another token",
							 source_quote(token->content, quoted));
				electra_fail_detail(error, "Both would have id %d.", (int) token->id);
				return error->status;
			}
			all->tokens[token->id] = token->content;
			if (token->id + 1 > all->slots)
				all->slots = token->id + 1;
		}
		if (token->id > largest)
			largest = token->id;
	}
	return ELECTRA_OK;
}

/* tokenizer.vocabulary of archive.h. */
static electra_status
write_vocabulary(preset_source *source, const vocabulary *all, electra_error *error)
{
	size_t		size = 0;
	char	   *to;

	for (int32_t id = 0; id < all->slots; id++)
		size += (all->tokens[id] == NULL ? 0 : strlen(all->tokens[id])) + 1;
	source->vocabulary = malloc(size + 1);
	if (source->vocabulary == NULL)
		return fail_memory(error);
	source->vocabulary_size = size;
	to = source->vocabulary;
	for (int32_t id = 0; id < all->slots; id++)
	{
		const char *token = all->tokens[id] == NULL ? "" : all->tokens[id];

		strcpy(to, token);
		to += strlen(token) + 1;
	}
	return ELECTRA_OK;
}

static int
compare_id(const void *a, const void *b)
{
	int32_t		x = ((const hf_token *) a)->id;
	int32_t		y = ((const hf_token *) b)->id;

	return x < y ? -1 : x > y;
}

/* "-", or the letters of archive.h. */
static void
flag_letters(unsigned flags, char letters[8])
{
	static const char names[] = "wlrnso";
	int			count = 0;

	for (int bit = 0; names[bit] != '\0'; bit++)
		if (flags & 1u << bit)
			letters[count++] = names[bit];
	if (count == 0)
		letters[count++] = '-';
	letters[count] = '\0';
}

/* tokenizer.added_tokens of archive.h. */
static electra_status
write_added_tokens(preset_source *source, hf_token_list *list, electra_error *error)
{
	size_t		capacity = 1;
	size_t		used = 0;

	if (list->count == 0)
		return ELECTRA_OK;
	qsort(list->tokens, (size_t) list->count, sizeof(hf_token), compare_id);
	for (int i = 0; i < list->count; i++)
		capacity += strlen(list->tokens[i].content) + 24;
	source->added_tokens = malloc(capacity);
	if (source->added_tokens == NULL)
		return fail_memory(error);
	for (int i = 0; i < list->count; i++)
	{
		char		letters[8];

		flag_letters(list->tokens[i].flags, letters);
		used += (size_t) snprintf(source->added_tokens + used, capacity - used, "%d %s %s",
								  (int) list->tokens[i].id, letters, list->tokens[i].content) + 1;
	}
	source->added_tokens_size = used;
	return ELECTRA_OK;
}

/* The id of a special token that the pipeline cannot do without. */
static electra_status
require_token(const vocabulary *all, const hf_added_tokens *added, hf_named_token which, const char *key,
			  int32_t *id, electra_error *error)
{
	const char *content = added->named[which].content;

	if (content == NULL || content[0] == '\0')
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "the tokenizer has no \"%s\"", key);
		electra_fail_detail(error, "It is null or empty in \"tokenizer_config.json\" or "
							"\"special_tokens_map.json\".");
		return error->status;
	}
	*id = model_id(all, content);
	for (int i = 0; i < added->all.count && *id < 0; i++)
		if (strcmp(added->all.tokens[i].content, content) == 0)
			*id = added->all.tokens[i].id;
	return ELECTRA_OK;
}

/* pad_token and mask_token: -1 where there is none. */
static int32_t
optional_token(const hf_added_tokens *added, hf_named_token which)
{
	const char *content = added->named[which].content;

	for (int i = 0; content != NULL && i < added->all.count; i++)
		if (strcmp(added->all.tokens[i].content, content) == 0)
			return added->all.tokens[i].id;
	return -1;
}

/* BertTokenizer: settings come from tokenizer_config.json, with its defaults. */
static electra_status
read_bert_settings(const hf_directory *hf, const vocabulary *all, const hf_added_tokens *added,
				   electra_error *error)
{
	electra_tokenizer_config *tokenizer = &hf->source->config.tokenizer;
	const char *file = "tokenizer_config.json";
	char		quoted[SOURCE_QUOTE_SIZE];

	tokenizer->lowercase = true;
	tokenizer->tokenize_chinese_chars = true;
	tokenizer->clean_text = true;
	tokenizer->max_word_chars = 100;
	strcpy(tokenizer->continuing_prefix, "##");
	if (json_get_bool(hf->tokenizer_config, file, "do_lower_case", &tokenizer->lowercase, error) != ELECTRA_OK ||
		json_get_bool(hf->tokenizer_config, file, "tokenize_chinese_chars",
					  &tokenizer->tokenize_chinese_chars, error) != ELECTRA_OK)
		return error->status;
	tokenizer->strip_accents = tokenizer->lowercase;
	if (json_member(hf->tokenizer_config, "strip_accents") != NULL &&
		json_get_bool(hf->tokenizer_config, file, "strip_accents", &tokenizer->strip_accents,
					  error) != ELECTRA_OK)
		return error->status;

	if (require_token(all, added, HF_UNK, "unk_token", &tokenizer->unk_token_id, error) != ELECTRA_OK ||
		require_token(all, added, HF_CLS, "cls_token", &tokenizer->cls_token_id, error) != ELECTRA_OK ||
		require_token(all, added, HF_SEP, "sep_token", &tokenizer->sep_token_id, error) != ELECTRA_OK)
		return error->status;
	if (model_id(all, added->named[HF_UNK].content) < 0)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "the unknown token \"%s\" is not in the vocabulary",
					 source_quote(added->named[HF_UNK].content, quoted));
		electra_fail_detail(error, "Expected it in \"tokenizer.json\" or \"vocab.txt\".");
		return error->status;
	}
	return ELECTRA_OK;
}

/* What of tokenizer_config.json holds for every class. */
static electra_status
read_common_settings(hf_directory *hf, electra_error *error)
{
	const json_t *json = hf->tokenizer_config;
	const char *file = "tokenizer_config.json";
	const json_t *truncation = json_member(hf->tokenizer, "truncation");
	const char *truncation_side = json_string_value(json_member(truncation, "direction"));
	const char *max_key = json_object_get(json, "model_max_length") != NULL ? "model_max_length" : "max_len";
	char		quoted[SOURCE_QUOTE_SIZE];
	bool		split = false;

	if (json_member(json, max_key) != NULL &&
		json_get_double(json, file, max_key, &hf->model_max_length, error) != ELECTRA_OK)
		return error->status;
	if (hf->model_max_length < 2)
		return json_fail_value(file, max_key, "at least 2", json_member(json, max_key), error);

	if (json_get_string(json, file, "truncation_side", &truncation_side, error) != ELECTRA_OK)
		return error->status;
	if (truncation_side != NULL && strcmp(truncation_side, "right") != 0 && strcmp(truncation_side, "Right") != 0)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "truncation at the side \"%s\" is not supported",
					 source_quote(truncation_side, quoted));
		electra_fail_detail(error, "It is asked for in \"tokenizer_config.json\" or \"tokenizer.json\".");
		return error->status;
	}
	if (json_get_bool(json, file, "split_special_tokens", &split, error) != ELECTRA_OK)
		return error->status;
	if (split)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED,
					 "\"split_special_tokens\" in file \"tokenizer_config.json\" is not supported");
		electra_fail_detail(error, "It is true.");
		return error->status;
	}
	return ELECTRA_OK;
}

/* Everything once the vocabulary is read. */
static electra_status
read_settings(hf_directory *hf, hf_tokenizer_class class, vocabulary *all, hf_added_tokens *added,
			  electra_error *error)
{
	electra_tokenizer_config *tokenizer = &hf->source->config.tokenizer;

	if (read_common_settings(hf, error) != ELECTRA_OK ||
		hf_added_tokens_read(hf, class, added, error) != ELECTRA_OK ||
		assign_ids(hf, all, &added->all, error) != ELECTRA_OK)
		return error->status;
	tokenizer->pipeline = ELECTRA_TOKENIZER_BERT;
	tokenizer->pad_token_id = optional_token(added, HF_PAD);
	tokenizer->mask_token_id = optional_token(added, HF_MASK);
	if ((class == HF_TOKENIZER_AS_FILE ?
		 hf_tokenizer_file_read(hf, all->ids, error) :
		 read_bert_settings(hf, all, added, error)) != ELECTRA_OK)
		return error->status;
	if (write_vocabulary(hf->source, all, error) != ELECTRA_OK)
		return error->status;
	return write_added_tokens(hf->source, &added->all, error);
}

electra_status
hf_tokenizer_read(hf_directory *hf, electra_error *error)
{
	hf_tokenizer_class class = hf_judge_tokenizer_class(hf);
	vocabulary	all = {NULL, NULL, NULL, 0, 0};
	hf_added_tokens added;
	electra_status status;

	memset(&added, 0, sizeof(added));
	all.tokens = calloc((size_t) hf->source->config.vocab_size, sizeof(char *));
	if (all.tokens == NULL)
		return fail_memory(error);
	status = hf->tokenizer != NULL ? read_json_vocabulary(hf, &all, error) : read_text_vocabulary(hf, &all, error);
	if (status == ELECTRA_OK)
		status = read_settings(hf, class, &all, &added, error);
	hf_added_tokens_free(&added);
	json_decref(all.ids);
	free(all.text);
	free(all.tokens);
	return status;
}

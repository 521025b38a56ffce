/*
 * tokenizer.json taken as it is (tokenizer_class PreTrainedTokenizerFast): its
 * normalizer, pre-tokenizer, model and post-processor must be those of BERT.
 */
#include "import/hf_tokenizer_file.h"

#include <string.h>

static const char file[] = "tokenizer.json";

/* A part of the file that must be an object of a certain type. */
static electra_status
require_part(const hf_directory *hf, const char *part, const char *type, const json_t **object,
			 electra_error *error)
{
	const json_t *found = json_member(hf->tokenizer, part);
	const char *found_type = json_string_value(json_member(found, "type"));
	char		quoted[SOURCE_QUOTE_SIZE];

	*object = found;
	if (found_type != NULL && strcmp(found_type, type) == 0)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "the %s in file \"%s\" is not supported", part, file);
	electra_fail_detail(error, "Expected %s, found %s.", type,
						found_type != NULL ? source_quote(found_type, quoted) : "none");
	electra_fail_hint(error, "Models with BERT's tokenizer work, for example " HF_WORKING_MODELS ".");
	return error->status;
}

static electra_status
fail_template(electra_error *error)
{
	electra_fail(error, ELECTRA_UNSUPPORTED, "the post_processor in file \"%s\" is not supported", file);
	electra_fail_detail(error, "Expected [CLS] A [SEP] and [CLS] A [SEP] B [SEP] with types 0 and 1.");
	return error->status;
}

/* One piece of a template: {"SpecialToken" or "Sequence": {"id", "type_id"}}. */
static const char *
template_piece(const json_t *template, size_t index, const char *kind, int type)
{
	const json_t *piece = json_object_get(json_array_get(template, index), kind);
	int32_t		found;

	if (!json_is_whole(json_object_get(piece, "type_id"), type, type, &found))
		return NULL;
	return json_string_value(json_object_get(piece, "id"));
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The only id of a special token of a template. */
static bool
template_id(const json_t *post_processor, const char *token, int32_t vocab_size, int32_t *id)
{
	const json_t *special = json_object_get(json_object_get(post_processor, "special_tokens"), token);
	const json_t *ids = json_object_get(special, "ids");

	return json_array_size(ids) == 1 && json_is_whole(json_array_get(ids, 0), 0, vocab_size - 1, id);
}

/* TemplateProcessing of exactly BERT's form. */
static electra_status
read_template(const json_t *post_processor, electra_config *config, electra_error *error)
{
	const json_t *single = json_object_get(post_processor, "single");
	const json_t *pair = json_object_get(post_processor, "pair");
	const char *cls = template_piece(single, 0, "SpecialToken", 0);
	const char *sep = template_piece(single, 2, "SpecialToken", 0);

	if (json_array_size(single) != 3 || json_array_size(pair) != 5 || cls == NULL || sep == NULL ||
		!same(template_piece(single, 1, "Sequence", 0), "A") ||
		!same(template_piece(pair, 0, "SpecialToken", 0), cls) ||
		!same(template_piece(pair, 1, "Sequence", 0), "A") ||
		!same(template_piece(pair, 2, "SpecialToken", 0), sep) ||
		!same(template_piece(pair, 3, "Sequence", 1), "B") ||
		!same(template_piece(pair, 4, "SpecialToken", 1), sep) ||
		!template_id(post_processor, cls, config->vocab_size, &config->tokenizer.cls_token_id) ||
		!template_id(post_processor, sep, config->vocab_size, &config->tokenizer.sep_token_id))
		return fail_template(error);
	return ELECTRA_OK;
}

/* BertProcessing: "cls" and "sep" are [token, id]. */
static electra_status
read_bert_processing(const json_t *post_processor, electra_config *config, electra_error *error)
{
	const json_t *cls = json_array_get(json_object_get(post_processor, "cls"), 1);
	const json_t *sep = json_array_get(json_object_get(post_processor, "sep"), 1);

	if (!json_is_whole(cls, 0, config->vocab_size - 1, &config->tokenizer.cls_token_id) ||
		!json_is_whole(sep, 0, config->vocab_size - 1, &config->tokenizer.sep_token_id))
		return fail_template(error);
	return ELECTRA_OK;
}

static electra_status
read_normalizer(const json_t *normalizer, electra_tokenizer_config *tokenizer, electra_error *error)
{
	tokenizer->clean_text = tokenizer->tokenize_chinese_chars = tokenizer->lowercase = true;
	if (json_get_bool(normalizer, file, "normalizer.clean_text", &tokenizer->clean_text, error) != ELECTRA_OK ||
		json_get_bool(normalizer, file, "normalizer.handle_chinese_chars",
					  &tokenizer->tokenize_chinese_chars, error) != ELECTRA_OK ||
		json_get_bool(normalizer, file, "normalizer.lowercase", &tokenizer->lowercase, error) != ELECTRA_OK)
		return error->status;
	tokenizer->strip_accents = tokenizer->lowercase;
	if (json_member(normalizer, "strip_accents") == NULL)
		return ELECTRA_OK;
	return json_get_bool(normalizer, file, "normalizer.strip_accents", &tokenizer->strip_accents, error);
}

static electra_status
read_model(const json_t *model, const json_t *ids, electra_tokenizer_config *tokenizer, electra_error *error)
{
	const char *prefix = "##";
	const char *unk = "[UNK]";
	char		quoted[SOURCE_QUOTE_SIZE];

	tokenizer->max_word_chars = 100;
	if (json_get_int32(model, file, "model.max_input_chars_per_word", 1, 1 << 20, &tokenizer->max_word_chars,
					   error) != ELECTRA_OK ||
		json_get_string(model, file, "model.continuing_subword_prefix", &prefix, error) != ELECTRA_OK ||
		json_get_string(model, file, "model.unk_token", &unk, error) != ELECTRA_OK)
		return error->status;
	if (strlen(prefix) >= sizeof(tokenizer->continuing_prefix))
		return json_fail_value(file, "model.continuing_subword_prefix", "shorter than 32 bytes",
							   json_member(model, "continuing_subword_prefix"), error);
	strcpy(tokenizer->continuing_prefix, prefix);
	if (json_object_get(ids, unk) == NULL)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "the unknown token \"%s\" is not in the vocabulary",
					 source_quote(unk, quoted));
		electra_fail_detail(error, "Expected it in \"model.vocab\" of file \"%s\".", file);
		return error->status;
	}
	tokenizer->unk_token_id = (int32_t) json_number_value(json_object_get(ids, unk));
	return ELECTRA_OK;
}

electra_status
hf_tokenizer_file_read(const hf_directory *hf, const json_t *ids, electra_error *error)
{
	electra_config *config = &hf->source->config;
	const json_t *normalizer;
	const json_t *part;
	const json_t *post_processor;
	const char *post_type = json_string_value(json_member(json_member(hf->tokenizer, "post_processor"), "type"));

	if (require_part(hf, "normalizer", "BertNormalizer", &normalizer, error) != ELECTRA_OK ||
		read_normalizer(normalizer, &config->tokenizer, error) != ELECTRA_OK ||
		require_part(hf, "pre_tokenizer", "BertPreTokenizer", &part, error) != ELECTRA_OK ||
		read_model(json_member(hf->tokenizer, "model"), ids, &config->tokenizer, error) != ELECTRA_OK)
		return error->status;
	if (same(post_type, "BertProcessing"))
		return read_bert_processing(json_member(hf->tokenizer, "post_processor"), config, error);
	if (require_part(hf, "post_processor", "TemplateProcessing", &post_processor, error) != ELECTRA_OK)
		return error->status;
	return read_template(post_processor, config, error);
}

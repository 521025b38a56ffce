/*
 * Which directories are refused although they are well-formed: a directory is
 * judged by its tokenizer first, then by its model type, then by what its
 * configuration asks for.
 */
#include "import/hf_judge.h"

#include <stdio.h>
#include <string.h>

/* Classes that transformers 5.23 builds as BertTokenizer. */
static const char *const bert_classes[] = {
	"BertTokenizer", "ElectraTokenizer", "DistilBertTokenizer", "MobileBertTokenizer",
	"LxmertTokenizer", "SqueezeBertTokenizer", "LayoutLMTokenizer"
};

/* Classes for which it takes tokenizer.json as it is. */
static const char *const generic_classes[] = {
	"PreTrainedTokenizer", "TokenizersBackend"
};

/* Files that only other tokenizers have, when there is no tokenizer.json. */
static const struct
{
	const char *file;
	const char *tokenizer;
}			foreign_files[] = {
	{"sentencepiece.bpe.model", "SentencePiece"},
	{"spiece.model", "SentencePiece"},
	{"spm.model", "SentencePiece"},
	{"tokenizer.model", "SentencePiece"},
	{"merges.txt", "BPE"},
	{"vocab.json", "BPE"},
};

/* The tokenizer of a directory, and the file that shows it. */
typedef struct found_tokenizer
{
	const char *kind;			/* "WordPiece", "Unigram" …; NULL: no tokenizer */
	const char *file;
} found_tokenizer;

/* Adds the hint of every refusal. */
static electra_status
refuse_with_hint(electra_error *error)
{
	electra_fail_hint(error, "Models of type bert or electra with a WordPiece tokenizer work, for example "
					  HF_WORKING_MODELS ".");
	return error->status;
}

/* tokenizer.json's model; its type may be missing in old files. */
static const char *
model_kind(const json_t *tokenizer)
{
	const json_t *model = json_member(tokenizer, "model");
	const char *type = json_string_value(json_member(model, "type"));

	if (type != NULL)
		return type;
	if (json_member(model, "merges") != NULL)
		return "BPE";
	return json_is_array(json_member(model, "vocab")) ? "Unigram" : "WordPiece";
}

static found_tokenizer
find_tokenizer(const hf_directory *hf)
{
	char		name[SOURCE_MAX_NAME];
	found_tokenizer found = {NULL, NULL};

	if (hf->tokenizer != NULL)
		return (found_tokenizer) {model_kind(hf->tokenizer), "tokenizer.json"};
	for (size_t i = 0; i < sizeof(foreign_files) / sizeof(foreign_files[0]); i++)
		if (source_file_exists(&hf->files, hf_file_name(hf, foreign_files[i].file, name)))
			return (found_tokenizer) {foreign_files[i].tokenizer, foreign_files[i].file};
	if (source_file_exists(&hf->files, hf_file_name(hf, "vocab.txt", name)))
		return (found_tokenizer) {"WordPiece", "vocab.txt"};
	return found;
}

static electra_status
judge_tokenizer(const hf_directory *hf, const found_tokenizer *tokenizer, electra_error *error)
{
	const char *model_type = json_string_value(json_member(hf->config, "model_type"));
	char		quoted[SOURCE_QUOTE_SIZE];

	if (tokenizer->kind == NULL)
	{
		electra_fail(error, ELECTRA_NOT_FOUND, "the directory has no tokenizer");
		electra_fail_detail(error, "Neither \"tokenizer.json\" nor \"vocab.txt\" exists beside \"config.json\".");
		electra_fail_hint(error, "Download all files of the preset, not only its weights.");
		return error->status;
	}
	if (strcmp(tokenizer->kind, "WordPiece") == 0)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "tokenizer %s in file \"%s\" is not supported",
				 source_quote(tokenizer->kind, quoted), tokenizer->file);
	electra_fail_detail(error, "Only WordPiece tokenizers are; the model type is \"%s\".",
						source_quote(model_type != NULL ? model_type : "", quoted));
	return refuse_with_hint(error);
}

static electra_status
judge_model_type(const hf_directory *hf, const found_tokenizer *tokenizer, electra_error *error)
{
	const json_t *found = json_member(hf->config, "model_type");
	const char *model_type = json_string_value(found);
	char		quoted[SOURCE_QUOTE_SIZE];

	if (model_type != NULL && (strcmp(model_type, "bert") == 0 || strcmp(model_type, "electra") == 0))
		return ELECTRA_OK;
	if (found != NULL && model_type == NULL)
		return json_fail_value("config.json", "model_type", "a string", found, error);
	if (model_type == NULL)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "\"model_type\" is missing in file \"config.json\"");
		electra_fail_detail(error, "Expected \"bert\" or \"electra\".");
		return refuse_with_hint(error);
	}
	electra_fail(error, ELECTRA_UNSUPPORTED, "model type \"%s\" in file \"config.json\" is not supported",
				 source_quote(model_type, quoted));
	electra_fail_detail(error, "Its tokenizer, %s in file \"%s\", is of the right kind, but its encoder is "
						"neither BERT's nor ELECTRA's.", tokenizer->kind, tokenizer->file);
	return refuse_with_hint(error);
}

/* "auto_map": the directory wants Python code of its own to be run. */
static electra_status
judge_custom_code(const json_t *config, const char *file, const found_tokenizer *tokenizer,
				  electra_error *error)
{
	const json_t *map = json_member(config, "auto_map");
	const char *class_name = json_is_string(map) ? json_string_value(map) : NULL;
	char		quoted[SOURCE_QUOTE_SIZE];
	const char *key;
	json_t	   *value;

	if (map == NULL)
		return ELECTRA_OK;
	json_object_foreach((json_t *) map, key, value)
		if (class_name == NULL)
		class_name = json_string_value(value);
	electra_fail(error, ELECTRA_UNSUPPORTED, "custom code (\"auto_map\" in file \"%s\") is not supported", file);
	electra_fail_detail(error, "It names \"%s\"; the tokenizer is %s in file \"%s\".",
						source_quote(class_name != NULL ? class_name : "", quoted),
						tokenizer->kind, tokenizer->file);
	return refuse_with_hint(error);
}

/* Is this name, less a final "Fast", in a list? */
static bool
in_classes(const char *name, const char *const *classes, size_t count)
{
	size_t		length = strlen(name);

	if (length > 4 && strcmp(name + length - 4, "Fast") == 0)
		length -= 4;
	for (size_t i = 0; i < count; i++)
		if (strlen(classes[i]) == length && memcmp(classes[i], name, length) == 0)
			return true;
	return false;
}

/* tokenizer_config.json's class, else config.json's; NULL where neither has one. */
static const char *
tokenizer_class(const hf_directory *hf, const char **file)
{
	const char *name = json_string_value(json_member(hf->tokenizer_config, "tokenizer_class"));

	*file = "tokenizer_config.json";
	if (name != NULL && name[0] != '\0')
		return name;
	*file = "config.json";
	return json_string_value(json_member(hf->config, "tokenizer_class"));
}

hf_tokenizer_class
hf_judge_tokenizer_class(const hf_directory *hf)
{
	const char *file;
	const char *name = tokenizer_class(hf, &file);

	if (name != NULL && in_classes(name, generic_classes, sizeof(generic_classes) / sizeof(generic_classes[0])))
		return HF_TOKENIZER_AS_FILE;
	return HF_TOKENIZER_BERT;
}

static electra_status
judge_tokenizer_class(const hf_directory *hf, electra_error *error)
{
	const char *file;
	const char *name = tokenizer_class(hf, &file);
	char		quoted[SOURCE_QUOTE_SIZE];

	if (name == NULL || in_classes(name, bert_classes, sizeof(bert_classes) / sizeof(bert_classes[0])))
		return ELECTRA_OK;
	if (in_classes(name, generic_classes, sizeof(generic_classes) / sizeof(generic_classes[0])))
	{
		if (hf->tokenizer != NULL)
			return ELECTRA_OK;
		electra_fail(error, ELECTRA_NOT_FOUND, "file \"tokenizer.json\" does not exist");
		electra_fail_detail(error, "\"tokenizer_class\" in file \"%s\" is \"%s\", which is defined by that file.",
							file, source_quote(name, quoted));
		electra_fail_hint(error, "Download all files of the preset.");
		return error->status;
	}
	electra_fail(error, ELECTRA_UNSUPPORTED, "tokenizer class \"%s\" in file \"%s\" is not supported",
				 source_quote(name, quoted), file);
	electra_fail_detail(error, "Expected BertTokenizer, ElectraTokenizer or PreTrainedTokenizerFast.");
	return refuse_with_hint(error);
}

/* A boolean of config.json that must not be true. */
static electra_status
refuse_flag(const hf_directory *hf, const char *key, electra_error *error)
{
	bool		value = false;

	if (json_member(hf->config, key) == NULL)
		return ELECTRA_OK;
	if (json_get_bool(hf->config, "config.json", key, &value, error) != ELECTRA_OK)
		return error->status;
	if (!value)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "\"%s\" in file \"config.json\" is not supported", key);
	electra_fail_detail(error, "It is true; only encoders are supported.");
	return refuse_with_hint(error);
}

/* What else of config.json would change the computation. */
static electra_status
judge_config(const hf_directory *hf, electra_error *error)
{
	const char *file = "config.json";
	const char *positions = "absolute";
	const json_t *value;
	char		quoted[SOURCE_QUOTE_SIZE];
	size_t		index;
	json_t	   *architecture;

	if (json_member(hf->config, "position_embedding_type") != NULL &&
		json_get_string(hf->config, file, "position_embedding_type", &positions, error) != ELECTRA_OK)
		return error->status;
	if (strcmp(positions, "absolute") != 0)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED,
					 "\"position_embedding_type\" in file \"config.json\" is not supported");
		electra_fail_detail(error, "Expected \"absolute\", found \"%s\".", source_quote(positions, quoted));
		return refuse_with_hint(error);
	}
	if (refuse_flag(hf, "is_decoder", error) != ELECTRA_OK ||
		refuse_flag(hf, "add_cross_attention", error) != ELECTRA_OK ||
		refuse_flag(hf, "is_encoder_decoder", error) != ELECTRA_OK)
		return error->status;
	if (json_member(hf->config, "quantization_config") != NULL)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "quantized weights (\"quantization_config\" in file "
					 "\"config.json\") are not supported");
		electra_fail_hint(error, "Load the original preset; its weights may be F32, F16, BF16 or F64.");
		return error->status;
	}
	value = json_member(hf->config, "pruned_heads");
	if (value != NULL && (!json_is_object(value) || json_object_size(value) > 0))
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "\"pruned_heads\" in file \"config.json\" is not supported");
		electra_fail_detail(error, "All layers must have all their attention heads.");
		return error->status;
	}
	json_array_foreach(json_member(hf->config, "architectures"), index, architecture)
	{
		const char *name = json_string_value(architecture);

		if (name == NULL)
			return json_fail_value(file, "architectures", "a list of strings", architecture, error);
		if (strstr(name, "ForMultipleChoice") != NULL)
		{
			electra_fail(error, ELECTRA_UNSUPPORTED,
						 "architecture \"%s\" in file \"config.json\" is not supported",
						 source_quote(name, quoted));
			return refuse_with_hint(error);
		}
	}
	return ELECTRA_OK;
}

electra_status
hf_judge(const hf_directory *hf, electra_error *error)
{
	found_tokenizer tokenizer = find_tokenizer(hf);

	if (judge_tokenizer(hf, &tokenizer, error) != ELECTRA_OK ||
		judge_model_type(hf, &tokenizer, error) != ELECTRA_OK ||
		judge_custom_code(hf->config, "config.json", &tokenizer, error) != ELECTRA_OK ||
		judge_custom_code(hf->tokenizer_config, "tokenizer_config.json", &tokenizer, error) != ELECTRA_OK ||
		judge_config(hf, error) != ELECTRA_OK)
		return error->status;
	return judge_tokenizer_class(hf, error);
}

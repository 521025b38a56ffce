/*
 * The metadata form of a configuration: one table of keys, from which both
 * directions follow.  A value is accepted only if writing what was read gives
 * the same text again, so that each configuration has one form.
 */
#include "archive.h"

#include <fenv.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest value: a prompt.  The list of modules needs less. */
#define VALUE_SIZE (ELECTRA_MAX_PROMPT + 1)

/* Keys that are not the configuration's: where the preset comes from. */
#define PROVENANCE_PREFIX "source."

typedef enum field_kind
{
	FIELD_FORMAT,				/* ELECTRA_ARCHIVE_FORMAT */
	FIELD_INT32,
	FIELD_BOOL,
	FIELD_DOUBLE,
	FIELD_CALIBRATION_COUNT,	/* these two are absent unless dtype is I8, */
	FIELD_CALIBRATION_COSINE,	/* and stand behind it in the table */
	FIELD_ACTIVATION,
	FIELD_DTYPE,
	FIELD_PIPELINE,
	FIELD_TRUNCATION,
	FIELD_POOLING,
	FIELD_MODULES,
	FIELD_PREFIX,				/* the WordPiece prefix */
	FIELD_QUERY_PROMPT,			/* absent where there is none */
	FIELD_DOCUMENT_PROMPT
} field_kind;

typedef struct config_field
{
	const char *key;
	field_kind	kind;
	size_t		offset;			/* in electra_config */
} config_field;

#define CONFIG(name, kind) {"config." #name, kind, offsetof(electra_config, name)}
#define PIPELINE(name, kind) {"pipeline." #name, kind, offsetof(electra_config, name)}
#define TOKENIZER(name, kind) {"tokenizer." #name, kind, offsetof(electra_config, tokenizer.name)}

/* Ascending by key. */
static const config_field fields[] = {
	CONFIG(activation, FIELD_ACTIVATION),
	CONFIG(dropout, FIELD_DOUBLE),
	CONFIG(dtype, FIELD_DTYPE),
	CONFIG(embedding_dim, FIELD_INT32),
	CONFIG(has_pooler, FIELD_BOOL),
	CONFIG(hidden_dim, FIELD_INT32),
	CONFIG(intermediate_dim, FIELD_INT32),
	CONFIG(layer_norm_eps, FIELD_DOUBLE),
	CONFIG(max_sequence_length, FIELD_INT32),
	CONFIG(num_heads, FIELD_INT32),
	CONFIG(num_layers, FIELD_INT32),
	CONFIG(num_segments, FIELD_INT32),
	CONFIG(vocab_size, FIELD_INT32),
	{"electra.format", FIELD_FORMAT, 0},
	{"electra.numerics", FIELD_INT32, offsetof(electra_config, numerics_version)},
	{"electra.unicode", FIELD_INT32, offsetof(electra_config, unicode_version)},
	{"int8.calibration_texts", FIELD_CALIBRATION_COUNT, offsetof(electra_config, calibration_texts)},
	{"int8.lowest_cosine", FIELD_CALIBRATION_COSINE, offsetof(electra_config, lowest_cosine)},
	{"int8.mean_cosine", FIELD_CALIBRATION_COSINE, offsetof(electra_config, mean_cosine)},
	PIPELINE(dimensions, FIELD_INT32),
	PIPELINE(document_prompt, FIELD_DOCUMENT_PROMPT),
	PIPELINE(include_prompt, FIELD_BOOL),
	PIPELINE(max_length, FIELD_INT32),
	PIPELINE(modules, FIELD_MODULES),
	PIPELINE(normalize, FIELD_BOOL),
	PIPELINE(pooling_modes, FIELD_POOLING),
	PIPELINE(query_prompt, FIELD_QUERY_PROMPT),
	PIPELINE(trained_for_similarity, FIELD_BOOL),
	PIPELINE(truncation, FIELD_TRUNCATION),
	PIPELINE(untrained, FIELD_BOOL),
	TOKENIZER(clean_text, FIELD_BOOL),
	TOKENIZER(cls_token_id, FIELD_INT32),
	TOKENIZER(continuing_prefix, FIELD_PREFIX),
	TOKENIZER(lowercase, FIELD_BOOL),
	TOKENIZER(mask_token_id, FIELD_INT32),
	TOKENIZER(max_word_chars, FIELD_INT32),
	TOKENIZER(pad_token_id, FIELD_INT32),
	TOKENIZER(pipeline, FIELD_PIPELINE),
	TOKENIZER(sep_token_id, FIELD_INT32),
	TOKENIZER(special_tokens_in_strings, FIELD_BOOL),
	TOKENIZER(strip_accents, FIELD_BOOL),
	TOKENIZER(tokenize_chinese_chars, FIELD_BOOL),
	TOKENIZER(unk_token_id, FIELD_INT32),
};

#define NUM_FIELDS ((int) (sizeof(fields) / sizeof(fields[0])))

static const char *const module_kinds[] = {
	[ELECTRA_MODULE_POOLING] = "pooling",
	[ELECTRA_MODULE_DENSE] = "dense",
	[ELECTRA_MODULE_NORMALIZE] = "normalize",
};

static const char *const truncations[] = {
	[ELECTRA_TRUNCATE] = "truncate",
	[ELECTRA_TRUNCATION_ERROR] = "error",
};

static const char *const bools[] = {"false", "true"};
static const char *const pipelines[] = {
	[ELECTRA_TOKENIZER_BERT] = "bert",
	[ELECTRA_TOKENIZER_KERAS] = "keras",
	[ELECTRA_TOKENIZER_NONE] = "none",
};

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

/* Index of a name, -1 if it is not there. */
static int
find_name(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

/*
 * printf and strtod follow the process's locale and rounding mode; the form of
 * a number must not.
 */
static double
parse_double(const char *text)
{
	const char *point = localeconv()->decimal_point;
	const char *dot = strchr(text, '.');
	int			before = dot != NULL ? (int) (dot - text) : (int) strlen(text);
	char		local[64];
	int			rounding = fegetround();
	double		value;

	snprintf(local, sizeof(local), "%.*s%s%s", before, text,
			 dot != NULL ? point : "", dot != NULL ? dot + 1 : "");
	fesetround(FE_TONEAREST);
	value = strtod(local, NULL);
	fesetround(rounding);
	return value;
}

/* The shortest of %.1g … %.17g that reads back as the same number. */
static void
format_double(double value, char *text /* (VALUE_SIZE) */ )
{
	const char *point = localeconv()->decimal_point;
	int			rounding = fegetround();

	for (int digits = 1; digits <= 17; digits++)
	{
		char		local[64];
		char	   *found;

		fesetround(FE_TONEAREST);
		snprintf(local, sizeof(local), "%.*g", digits, value);
		fesetround(rounding);
		found = strstr(local, point);
		if (found != NULL)
			snprintf(text, VALUE_SIZE, "%.*s.%s", (int) (found - local), local, found + strlen(point));
		else
			snprintf(text, VALUE_SIZE, "%s", local);
		if (parse_double(text) == value)
			return;
	}
}

/* Decimal digits with an optional minus sign; what else is wrong with it shows when it is written again. */
static bool
parse_int32(const char *text, int32_t *value)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	int64_t		number = 0;

	if (strlen(digits) == 0 || strlen(digits) > 10 || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	for (; *digits != '\0'; digits++)
		number = number * 10 + (*digits - '0');
	if (text[0] == '-')
		number = -number;
	if (number < INT32_MIN || number > INT32_MAX)
		return false;
	*value = (int32_t) number;
	return true;
}

/* Takes the next item of a list off *rest; false at its end or for one too long. */
static bool
next_item(const char **rest, char separator, char *item, size_t capacity)
{
	size_t		length;

	if (*rest == NULL)
		return false;
	length = strcspn(*rest, (char[]) {separator, '\0'});
	if (length >= capacity)
		return false;
	memcpy(item, *rest, length);
	item[length] = '\0';
	*rest = (*rest)[length] == separator ? *rest + length + 1 : NULL;
	return true;
}

/* "cls,mean" */
static void
format_pooling(int32_t modes, char *text /* (VALUE_SIZE) */ )
{
	text[0] = '\0';
	for (int i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
	{
		if (modes >> i & 1)
		{
			if (text[0] != '\0')
				strcat(text, ",");
			strcat(text, electra_pooling_name(i));
		}
	}
}

static bool
parse_pooling(const char *text, int32_t *modes)
{
	char		name[32];
	const char *rest = text;

	*modes = 0;
	while (rest != NULL)
	{
		int			i;

		if (!next_item(&rest, ',', name, sizeof(name)))
			return false;
		for (i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
		{
			if (strcmp(name, electra_pooling_name(i)) == 0)
				break;
		}
		if (i == ELECTRA_NUM_POOLING_MODES)
			return false;
		*modes |= 1 << i;
	}
	return true;
}

/* "pooling:384:384,dense:384:256:bias:tanh,normalize:256:256" */
static void
format_modules(const electra_config *config, char *text /* (VALUE_SIZE) */ )
{
	size_t		length = 0;

	for (int i = 0; i < config->num_modules; i++)
	{
		const electra_module *module = &config->modules[i];

		length += (size_t) snprintf(text + length, VALUE_SIZE - length, "%s%s:%d:%d",
									i > 0 ? "," : "", module_kinds[module->kind],
									(int) module->in_dim, (int) module->out_dim);
		if (module->kind == ELECTRA_MODULE_DENSE)
			length += (size_t) snprintf(text + length, VALUE_SIZE - length, ":%s:%s",
										module->has_bias ? "bias" : "nobias",
										electra_activation_name(module->activation));
	}
}

static bool
parse_module(const char *text, electra_module *module)
{
	char		part[32];
	const char *rest = text;
	int			kind;

	if (!next_item(&rest, ':', part, sizeof(part)))
		return false;
	kind = find_name(module_kinds, LENGTH(module_kinds), part);
	if (kind < 0)
		return false;
	module->kind = (electra_module_kind) kind;
	if (!next_item(&rest, ':', part, sizeof(part)) || !parse_int32(part, &module->in_dim) ||
		!next_item(&rest, ':', part, sizeof(part)) || !parse_int32(part, &module->out_dim))
		return false;
	if (module->kind == ELECTRA_MODULE_DENSE)
	{
		if (!next_item(&rest, ':', part, sizeof(part)))
			return false;
		module->has_bias = strcmp(part, "bias") == 0;
		if (!next_item(&rest, ':', part, sizeof(part)) ||
			!electra_activation_parse(part, &module->activation))
			return false;
	}
	return rest == NULL;
}

static bool
parse_modules(const char *text, electra_config *config)
{
	char		item[96];
	const char *rest = text;

	config->num_modules = 0;
	while (rest != NULL)
	{
		if (config->num_modules == ELECTRA_MAX_MODULES ||
			!next_item(&rest, ',', item, sizeof(item)) ||
			!parse_module(item, &config->modules[config->num_modules]))
			return false;
		config->num_modules++;
	}
	return true;
}

/* Copies a string into an array of the configuration; false if it does not fit. */
static bool
parse_string(const char *text, char *field, size_t capacity)
{
	size_t		length = strlen(text);

	if (length >= capacity)
		return false;
	memcpy(field, text, length + 1);
	return true;
}

/* The value of a field; false where its key is absent. */
static bool
format_field(const config_field *field, const electra_config *config, char *text /* (VALUE_SIZE) */ )
{
	const void *p = (const char *) config + field->offset;

	text[0] = '\0';
	switch (field->kind)
	{
		case FIELD_FORMAT:
			snprintf(text, VALUE_SIZE, "%d", ELECTRA_ARCHIVE_FORMAT);
			return true;
		case FIELD_INT32:
			snprintf(text, VALUE_SIZE, "%d", (int) *(const int32_t *) p);
			return true;
		case FIELD_BOOL:
			return parse_string(bools[*(const bool *) p], text, VALUE_SIZE);
		case FIELD_DOUBLE:
			format_double(*(const double *) p, text);
			return true;
		case FIELD_CALIBRATION_COUNT:
			snprintf(text, VALUE_SIZE, "%d", (int) *(const int32_t *) p);
			return config->dtype == ELECTRA_I8;
		case FIELD_CALIBRATION_COSINE:
			format_double(*(const double *) p, text);
			return config->dtype == ELECTRA_I8;
		case FIELD_ACTIVATION:
			return parse_string(electra_activation_name(*(const electra_activation *) p), text, VALUE_SIZE);
		case FIELD_DTYPE:
			return parse_string(electra_dtype_name(*(const electra_dtype *) p), text, VALUE_SIZE);
		case FIELD_PIPELINE:
			return parse_string(pipelines[*(const electra_tokenizer_pipeline *) p], text, VALUE_SIZE);
		case FIELD_TRUNCATION:
			return parse_string(truncations[*(const electra_truncation *) p], text, VALUE_SIZE);
		case FIELD_POOLING:
			format_pooling(config->pooling_modes, text);
			return true;
		case FIELD_MODULES:
			format_modules(config, text);
			return true;
		case FIELD_PREFIX:
			return parse_string(p, text, VALUE_SIZE);
		case FIELD_QUERY_PROMPT:
			return config->has_query_prompt && parse_string(p, text, VALUE_SIZE);
		case FIELD_DOCUMENT_PROMPT:
			return config->has_document_prompt && parse_string(p, text, VALUE_SIZE);
	}
	return false;
}

/* Sets a field from its value, or what is meant by it: format_field tells whether it was in canonical form. */
static bool
parse_field(const config_field *field, const char *text, electra_config *config)
{
	void	   *p = (char *) config + field->offset;
	int			index;

	switch (field->kind)
	{
		case FIELD_FORMAT:
			return true;
		case FIELD_INT32:
		case FIELD_CALIBRATION_COUNT:
			return parse_int32(text, p);
		case FIELD_BOOL:
			*(bool *) p = strcmp(text, bools[true]) == 0;
			return true;
		case FIELD_DOUBLE:
		case FIELD_CALIBRATION_COSINE:
			*(double *) p = parse_double(text);
			return true;
		case FIELD_ACTIVATION:
			return electra_activation_parse(text, p);
		case FIELD_DTYPE:
			/* whether it is computed is electra_config_check's question */
			for (int i = 0; i <= ELECTRA_I8; i++)
			{
				if (strcmp(text, electra_dtype_name((electra_dtype) i)) == 0)
				{
					*(electra_dtype *) p = (electra_dtype) i;
					return true;
				}
			}
			return false;
		case FIELD_PIPELINE:
			index = find_name(pipelines, LENGTH(pipelines), text);
			*(electra_tokenizer_pipeline *) p = (electra_tokenizer_pipeline) (index < 0 ? 0 : index);
			return index >= 0;
		case FIELD_TRUNCATION:
			index = find_name(truncations, LENGTH(truncations), text);
			*(electra_truncation *) p = (electra_truncation) (index < 0 ? 0 : index);
			return index >= 0;
		case FIELD_POOLING:
			return parse_pooling(text, p);
		case FIELD_MODULES:
			return parse_modules(text, config);
		case FIELD_PREFIX:
			return parse_string(text, p, sizeof(config->tokenizer.continuing_prefix));
		case FIELD_QUERY_PROMPT:
			config->has_query_prompt = true;
			return parse_string(text, p, ELECTRA_MAX_PROMPT + 1);
		case FIELD_DOCUMENT_PROMPT:
			config->has_document_prompt = true;
			return parse_string(text, p, ELECTRA_MAX_PROMPT + 1);
	}
	return false;
}

void
electra_config_to_metadata(const electra_config *config,
						   void (*emit) (void *context, const char *key, const char *value),
						   void *context)
{
	char		value[VALUE_SIZE];

	for (int i = 0; i < NUM_FIELDS; i++)
	{
		if (format_field(&fields[i], config, value))
			emit(context, fields[i].key, value);
	}
}

/* An archive of another format than ours is not damaged, only newer or older. */
static electra_status
refuse_format(const char *found, electra_error *error)
{
	electra_fail(error, ELECTRA_UNSUPPORTED, "preset archive has format \"%s\"", found);
	electra_fail_detail(error, "This version of electra reads format %d.", ELECTRA_ARCHIVE_FORMAT);
	electra_fail_hint(error, "Install the version of electra that made the preset, or a newer one.");
	return ELECTRA_UNSUPPORTED;
}

/* The value of a key, or NULL. */
static const char *
find_metadata(const electra_metadata *metadata, int num_metadata, const char *key)
{
	for (int i = 0; i < num_metadata; i++)
	{
		if (strcmp(metadata[i].key, key) == 0)
			return metadata[i].value;
	}
	return NULL;
}

/* Is it a key of ours or one that says where the preset comes from? */
static bool
known_key(const char *key)
{
	if (strncmp(key, PROVENANCE_PREFIX, strlen(PROVENANCE_PREFIX)) == 0)
		return true;
	for (int i = 0; i < NUM_FIELDS; i++)
	{
		if (strcmp(fields[i].key, key) == 0)
			return true;
	}
	return false;
}

/*
 * Archives of electra 0.1.0 have none of these, and mean 0 and false; whether
 * they have a pooler is what their tensors say (archive.c).
 */
static const char *const later_keys[] = {
	"config.dropout", "config.has_pooler", "tokenizer.special_tokens_in_strings"
};

static bool
is_later_key(const char *key)
{
	for (int i = 0; i < LENGTH(later_keys); i++)
	{
		if (strcmp(key, later_keys[i]) == 0)
			return true;
	}
	return false;
}

/* Does an archive of electra 0.1.0 say this? */
static bool
is_first_version(const electra_metadata *metadata, int num_metadata)
{
	for (int i = 0; i < num_metadata; i++)
	{
		if (is_later_key(metadata[i].key))
			return false;
	}
	return true;
}

electra_status
electra_config_from_metadata(const electra_metadata *metadata, int num_metadata,
							 electra_config *config, electra_error *error)
{
	const char *format = find_metadata(metadata, num_metadata, "electra.format");
	bool		first_version = is_first_version(metadata, num_metadata);
	char		canonical[VALUE_SIZE];

	/* the bytes between the members reach images, which are the same everywhere */
	memset(config, 0, sizeof(*config));
	snprintf(canonical, sizeof(canonical), "%d", ELECTRA_ARCHIVE_FORMAT);
	if (format != NULL && strcmp(format, canonical) != 0)
		return refuse_format(format, error);
	for (int i = 0; i < num_metadata; i++)
	{
		if (!known_key(metadata[i].key))
			return electra_fail(error, ELECTRA_CORRUPT, "preset archive has unknown metadata \"%s\"",
								metadata[i].key);
	}
	for (int i = 0; i < NUM_FIELDS; i++)
	{
		const char *value = find_metadata(metadata, num_metadata, fields[i].key);

		if (value == NULL)
		{
			if (first_version && is_later_key(fields[i].key))
				continue;
			if (format_field(&fields[i], config, canonical))
				return electra_fail(error, ELECTRA_CORRUPT, "preset archive lacks metadata \"%s\"", fields[i].key);
		}
		else if (!parse_field(&fields[i], value, config) ||
				 !format_field(&fields[i], config, canonical) || strcmp(canonical, value) != 0)
		{
			electra_fail(error, ELECTRA_CORRUPT, "preset archive has invalid metadata \"%s\"", fields[i].key);
			electra_fail_detail(error, "The value is \"%s\".", value);
			return ELECTRA_CORRUPT;
		}
	}
	return ELECTRA_OK;
}

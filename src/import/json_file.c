/*
 * Reading JSON files of foreign presets with jansson.
 */
#include "import/json_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last part of a path of keys. */
static const char *
last_key(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot == NULL ? key : dot + 1;
}

/* Tells in words where the parser gave up; its text may quote the input. */
static electra_status
fail_syntax(const char *file, const json_error_t *failure, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		text[SOURCE_QUOTE_SIZE];

	if (json_error_code(failure) == json_error_out_of_memory)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is not valid JSON",
				 source_quote(file, quoted));
	electra_fail_detail(error, "Line %d, column %d: %s.", failure->line, failure->column,
						source_quote(failure->text, text));
	return error->status;
}

electra_status
json_file_load(const source_directory *directory, const char *name, size_t max_size,
			   json_type root, bool unique_keys, bool required, json_t **json, electra_error *error)
{
	size_t		flags = JSON_DECODE_INT_AS_REAL | (unique_keys ? JSON_REJECT_DUPLICATES : 0);
	char		quoted[SOURCE_QUOTE_SIZE];
	json_error_t failure;
	json_t	   *parsed;
	char	   *text;
	size_t		size;

	*json = NULL;
	if (!required && !source_file_exists(directory, name))
		return ELECTRA_OK;
	if (source_file_read(directory, name, max_size, &text, &size, error) != ELECTRA_OK)
		return error->status;
	parsed = json_loadb(text, size, flags, &failure);
	free(text);
	if (parsed == NULL)
		return fail_syntax(name, &failure, error);
	if (json_typeof(parsed) != root)
	{
		json_decref(parsed);
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" does not hold a JSON %s",
							source_quote(name, quoted), root == JSON_OBJECT ? "object" : "list");
	}
	*json = parsed;
	return ELECTRA_OK;
}

electra_status
json_parse_strict(const char *text, size_t size, const char *file, json_t **json,
				  electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	json_error_t failure;

	*json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &failure);
	if (*json == NULL)
		return fail_syntax(file, &failure, error);
	if (!json_is_object(*json))
	{
		json_decref(*json);
		*json = NULL;
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "the header of file \"%s\" is not a JSON object",
							source_quote(file, quoted));
	}
	return ELECTRA_OK;
}

json_t *
json_member(const json_t *object, const char *key)
{
	json_t	   *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

const char *
json_describe(const json_t *value, char buffer[SOURCE_QUOTE_SIZE + 2])
{
	char		quoted[SOURCE_QUOTE_SIZE];

	switch (json_typeof(value))
	{
		case JSON_OBJECT:
			return "an object";
		case JSON_ARRAY:
			return "a list";
		case JSON_STRING:
			snprintf(buffer, SOURCE_QUOTE_SIZE + 2, "\"%s\"",
					 source_quote(json_string_value(value), quoted));
			return buffer;
		case JSON_INTEGER:
		case JSON_REAL:
			snprintf(buffer, SOURCE_QUOTE_SIZE + 2, "%.15g", json_number_value(value));
			return buffer;
		case JSON_TRUE:
			return "true";
		case JSON_FALSE:
			return "false";
		case JSON_NULL:
			return "null";
	}
	return "unknown";
}

electra_status
json_fail_value(const char *file, const char *key, const char *expected, const json_t *found,
				electra_error *error)
{
	char		quoted_file[SOURCE_QUOTE_SIZE];
	char		quoted_key[SOURCE_QUOTE_SIZE];
	char		words[SOURCE_QUOTE_SIZE + 2];

	electra_fail(error, ELECTRA_INVALID_SOURCE, "\"%s\" in file \"%s\" must be %s",
				 source_quote(key, quoted_key), source_quote(file, quoted_file), expected);
	electra_fail_detail(error, "It is %s.", json_describe(found, words));
	return error->status;
}

bool
json_is_whole(const json_t *value, int32_t min, int32_t max, int32_t *result)
{
	double		number;

	if (!json_is_number(value))
		return false;
	number = json_number_value(value);
	if (!(number >= min && number <= max) || number != (double) (int32_t) number)
		return false;
	*result = (int32_t) number;
	return true;
}

electra_status
json_get_int32(const json_t *object, const char *file, const char *key, int32_t min, int32_t max,
			   int32_t *value, electra_error *error)
{
	json_t	   *found = json_object_get(object, last_key(key));
	char		expected[80];

	if (found == NULL || json_is_whole(found, min, max, value))
		return ELECTRA_OK;
	snprintf(expected, sizeof(expected), "a whole number between %d and %d", (int) min, (int) max);
	return json_fail_value(file, key, expected, found, error);
}

electra_status
json_get_double(const json_t *object, const char *file, const char *key, double *value,
				electra_error *error)
{
	json_t	   *found = json_object_get(object, last_key(key));

	if (found == NULL)
		return ELECTRA_OK;
	if (!json_is_number(found))
		return json_fail_value(file, key, "a number", found, error);
	*value = json_number_value(found);
	return ELECTRA_OK;
}

electra_status
json_get_bool(const json_t *object, const char *file, const char *key, bool *value,
			  electra_error *error)
{
	json_t	   *found = json_object_get(object, last_key(key));

	if (found == NULL)
		return ELECTRA_OK;
	if (!json_is_boolean(found))
		return json_fail_value(file, key, "true or false", found, error);
	*value = json_is_true(found);
	return ELECTRA_OK;
}

electra_status
json_get_string(const json_t *object, const char *file, const char *key, const char **value,
				electra_error *error)
{
	json_t	   *found = json_object_get(object, last_key(key));

	if (found == NULL)
		return ELECTRA_OK;
	if (!json_is_string(found))
		return json_fail_value(file, key, "a string", found, error);
	*value = json_string_value(found);
	return ELECTRA_OK;
}

electra_status
json_get_container(const json_t *object, const char *file, const char *key, json_type type,
				   json_t **value, electra_error *error)
{
	json_t	   *found = json_member(object, last_key(key));

	*value = NULL;
	if (found == NULL)
		return ELECTRA_OK;
	if (json_typeof(found) != type)
		return json_fail_value(file, key, type == JSON_OBJECT ? "an object" : "a list", found, error);
	*value = found;
	return ELECTRA_OK;
}

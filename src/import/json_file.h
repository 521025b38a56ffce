/*
 * Reading JSON files of foreign presets with jansson: bounded, and with errors
 * that name file, key, what was expected and what was found.
 *
 * In all getters key may be a path ("model.unk_token"): the part after the
 * last dot is looked up in object, the whole stands in errors.  An absent key
 * leaves *value as it is (so the caller sets the default before) and is no
 * error; null is one unless said otherwise.  All errors are
 * ELECTRA_INVALID_SOURCE.
 */
#ifndef ELECTRA_JSON_FILE_H
#define ELECTRA_JSON_FILE_H

#include "import/source_directory.h"

#include <jansson.h>

/*
 * Loads a file whose top level must be of type root (JSON_OBJECT or
 * JSON_ARRAY).  As in Python the last of several equal keys wins, except when
 * unique_keys is set; integers of any size are accepted (they become doubles).
 * *json is NULL when the file does not exist and required is false.
 */
extern electra_status json_file_load(const source_directory *directory, const char *name,
									 size_t max_size, json_type root, bool unique_keys, bool required,
									 json_t **json, electra_error *error);

/* Parses text with exact integers and unique keys, into an object (safetensors headers). */
extern electra_status json_parse_strict(const char *text, size_t size, const char *file,
										json_t **json, electra_error *error);

/* The member of that name, or NULL where it is absent, null or object is no object. */
extern json_t *json_member(const json_t *object, const char *key);

extern electra_status json_get_int32(const json_t *object, const char *file, const char *key,
									 int32_t min, int32_t max, int32_t *value, electra_error *error);
extern electra_status json_get_double(const json_t *object, const char *file, const char *key,
									  double *value, electra_error *error);
extern electra_status json_get_bool(const json_t *object, const char *file, const char *key,
									bool *value, electra_error *error);

/* *value points into object. */
extern electra_status json_get_string(const json_t *object, const char *file, const char *key,
									  const char **value, electra_error *error);

/* As above, of a type (JSON_OBJECT, JSON_ARRAY); null counts as absent. */
extern electra_status json_get_container(const json_t *object, const char *file, const char *key,
										 json_type type, json_t **value, electra_error *error);

/* Fails: key of file must be expected, and found is something else. */
extern electra_status json_fail_value(const char *file, const char *key, const char *expected,
									  const json_t *found, electra_error *error);

/* Is value a number without fraction in [min, max]?  Then *result is it. */
extern bool json_is_whole(const json_t *value, int32_t min, int32_t max, int32_t *result);

/* A value in words for a message: null, true, a number, a quoted string, "a list", "an object". */
extern const char *json_describe(const json_t *value, char buffer[SOURCE_QUOTE_SIZE + 2]);

#endif							/* ELECTRA_JSON_FILE_H */

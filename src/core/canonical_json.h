/*
 * A strict reader of canonical JSON, in the form that an archive's header has
 * (archive.h), and nothing else: the caller says what comes next, and anything
 * else is refused.  Strings are unescaped in place.
 */
#ifndef ELECTRA_CANONICAL_JSON_H
#define ELECTRA_CANONICAL_JSON_H

#include "status.h"

typedef struct electra_json
{
	char	   *next;			/* the first byte not read yet */
	char	   *end;
} electra_json;

/* Is the text valid UTF-8 (RFC 3629: shortest forms, no surrogates)? */
extern bool electra_json_utf8_valid(const char *text, size_t size);

/* Reads exactly these characters; false, and nothing read, if something else comes. */
extern bool electra_json_literal(electra_json *json, const char *literal);

/*
 * Reads a string with its quotation marks.  *string is NUL-terminated, valid
 * UTF-8 without U+0000, and lies where the text was.  False for anything that
 * is not in canonical form.
 */
extern bool electra_json_string(electra_json *json, const char **string);

/* Reads a decimal number without sign or leading zeros; false also when it is above max. */
extern bool electra_json_number(electra_json *json, uint64_t max, uint64_t *number);

/*
 * The inverse of electra_json_string, for the archive writer: the escape of
 * one byte of a string, NUL-terminated; its length.
 */
extern size_t electra_json_escape(char byte, char escape[7]);

#endif							/* ELECTRA_CANONICAL_JSON_H */

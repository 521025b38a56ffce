/*
 * Which files a preset's weights were read from.
 */
#include "weight_files.h"

#include "canonical_json.h"

#include <string.h>

#define DIGITS (ELECTRA_DIGEST_HEX_SIZE - 1)

static electra_status
corrupt(electra_error *error, const char *what, size_t number)
{
	electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: tensor \"%s\" %s", ELECTRA_WEIGHT_FILES, what);
	electra_fail_detail(error, "The fault is in entry number %zu.", number);
	return ELECTRA_CORRUPT;
}

/* Lower-case hexadecimal digits and a space. */
static bool
begins_with_digest(const char *entry, size_t size)
{
	if (size <= DIGITS || entry[DIGITS] != ' ')
		return false;
	for (size_t i = 0; i < DIGITS; i++)
	{
		if (!((entry[i] >= '0' && entry[i] <= '9') || (entry[i] >= 'a' && entry[i] <= 'f')))
			return false;
	}
	return true;
}

electra_status
electra_weight_files_check(const char *text, size_t size, electra_error *error)
{
	const char *last = NULL;

	if (size == 0 || text[size - 1] != '\0')
		return electra_fail(error, ELECTRA_CORRUPT,
							"preset archive is invalid: tensor \"%s\" does not end with a zero byte",
							ELECTRA_WEIGHT_FILES);
	for (size_t number = 1; size > 0; number++)
	{
		size_t		length = strlen(text);
		const char *name = text + DIGITS + 1;

		if (!begins_with_digest(text, length) || *name == '\0')
			return corrupt(error, "is malformed", number);
		if (!electra_json_utf8_valid(name, length - DIGITS - 1))
			return corrupt(error, "is not valid UTF-8", number);
		if (last != NULL && strcmp(last, name) >= 0)
			return corrupt(error, "is not in order", number);
		last = name;
		text += length + 1;
		size -= length + 1;
	}
	return ELECTRA_OK;
}

bool
electra_weight_files_next(const char **text, const char *end, electra_weight_file *file)
{
	if (*text == end)
		return false;
	memcpy(file->digest, *text, DIGITS);
	file->digest[DIGITS] = '\0';
	file->name = *text + DIGITS + 1;
	*text = file->name + strlen(file->name) + 1;
	return true;
}

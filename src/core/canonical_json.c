/*
 * A strict reader of canonical JSON.
 */
#include "canonical_json.h"

#include "utf8.h"

#include <string.h>

/* Length of the valid character at p (available >= 1), 0 if there is none. */
static size_t
character_length(const char *p, size_t available)
{
	uint32_t	code_point;
	int			length = electra_utf8_decode((const uint8_t *) p, available, &code_point);

	return length > 0 ? (size_t) length : 0;
}

bool
electra_json_utf8_valid(const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end)
	{
		size_t		length = character_length(text, (size_t) (end - text));

		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

bool
electra_json_literal(electra_json *json, const char *literal)
{
	size_t		size = strlen(literal);

	if ((size_t) (json->end - json->next) < size || memcmp(json->next, literal, size) != 0)
		return false;
	json->next += size;
	return true;
}

size_t
electra_json_escape(char byte, char escape[7])
{
	static const char digits[] = "0123456789abcdef";
	static const char named[][2] = {{'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
	{
		if (byte == named[i][0])
		{
			escape[0] = '\\';
			escape[1] = named[i][1];
			escape[2] = '\0';
			return 2;
		}
	}
	if ((unsigned char) byte >= 0x20)
	{
		escape[0] = byte;
		escape[1] = '\0';
		return 1;
	}
	memcpy(escape, "\\u00", 4);
	escape[4] = digits[byte >> 4];
	escape[5] = digits[byte & 15];
	escape[6] = '\0';
	return 6;
}

/*
 * Reads one escape, the only one that electra_json_escape would have written
 * for its byte.
 */
static bool
read_escape(electra_json *json, char *byte)
{
	/* all bytes that have an escape; U+0000 is not among them */
	for (char c = 1; c <= '\\'; c = c == 0x1f ? '"' : c == '"' ? '\\' : (char) (c + 1))
	{
		char		escape[7];

		electra_json_escape(c, escape);
		if (electra_json_literal(json, escape))
		{
			*byte = c;
			return true;
		}
	}
	return false;
}

bool
electra_json_string(electra_json *json, const char **string)
{
	char	   *out;

	if (!electra_json_literal(json, "\""))
		return false;
	*string = out = json->next;
	while (json->next < json->end && *json->next != '"')
	{
		if (*json->next == '\\')
		{
			if (!read_escape(json, out))
				return false;
			out++;
		}
		else
		{
			size_t		length = character_length(json->next, (size_t) (json->end - json->next));

			if (length == 0 || (unsigned char) *json->next < 0x20)
				return false;
			memmove(out, json->next, length);
			out += length;
			json->next += length;
		}
	}
	if (!electra_json_literal(json, "\""))
		return false;
	*out = '\0';				/* at the latest where the quotation mark was */
	return true;
}

bool
electra_json_number(electra_json *json, uint64_t max, uint64_t *number)
{
	const char *start = json->next;
	uint64_t	value = 0;

	while (json->next < json->end && *json->next >= '0' && *json->next <= '9')
	{
		uint64_t	digit = (uint64_t) (*json->next - '0');

		if (json->next > start && *start == '0')
			return false;
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
		json->next++;
	}
	if (json->next == start)
		return false;
	*number = value;
	return true;
}

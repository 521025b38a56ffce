/*
 * Vocabularies as text.
 */
#include "import/vocabulary_file.h"

#include "core/canonical_json.h"
#include "core/unicode.h"
#include "core/utf8.h"
#include "import/source_directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Far above any vocabulary. */
#define MAX_FILE_SIZE (256 * 1024 * 1024)
#define MAX_LINES (1 << 24)

/* What a stream is read into at first. */
#define FIRST_STREAM_SIZE (1024 * 1024)

/* A line of the file, a token of the stream. */
typedef struct token_line
{
	const char *token;			/* not NUL-terminated */
	size_t		size;
	int32_t		id;
} token_line;

/* By token, equal ones by id. */
static int
compare_lines(const void *a, const void *b)
{
	const token_line *left = a;
	const token_line *right = b;
	size_t		common = left->size < right->size ? left->size : right->size;
	int			order = memcmp(left->token, right->token, common);

	if (order != 0)
		return order;
	if (left->size != right->size)
		return left->size < right->size ? -1 : 1;
	return left->id < right->id ? -1 : 1;
}

/* Checks the UTF-8 of a line; *size receives its length without the white space at its end. */
static bool
trim_line(const char *line, size_t length, size_t *size)
{
	size_t		position = 0;

	*size = 0;
	while (position < length)
	{
		uint32_t	code_point;
		int			bytes = electra_utf8_decode((const uint8_t *) line + position, length - position,
												&code_point);

		if (bytes <= 0 || code_point == 0)
			return false;
		position += (size_t) bytes;
		if ((electra_unicode(code_point)->flags & ELECTRA_WHITE_SPACE) == 0)
			*size = position;
	}
	return true;
}

/* Cuts the text into lines; as in Rust's lines() no empty one follows the last \n. */
static electra_status
split_lines(const char *name, const char *text, size_t text_size, token_line *lines,
			electra_error *error)
{
	const char *end = text + text_size;
	int32_t		id = 0;

	for (const char *line = text; line < end; id++)
	{
		const char *newline = memchr(line, '\n', (size_t) (end - line));
		const char *stop = newline != NULL ? newline : end;

		lines[id].token = line;
		lines[id].id = id;
		if (!trim_line(line, (size_t) (stop - line), &lines[id].size))
		{
			electra_fail(error, ELECTRA_INVALID_SOURCE, "file \"%s\" is not a vocabulary", name);
			electra_fail_detail(error, "Line %d is not UTF-8 text.", (int) id + 1);
			return ELECTRA_INVALID_SOURCE;
		}
		line = newline != NULL ? newline + 1 : end;
	}
	return ELECTRA_OK;
}

static int32_t
count_lines(const char *text, size_t text_size)
{
	const char *end = text + text_size;
	int32_t		count = 0;

	for (const char *line = text; line < end; count++)
	{
		const char *newline = memchr(line, '\n', (size_t) (end - line));

		line = newline != NULL ? newline + 1 : end;
	}
	return count;
}

/* Of equal tokens the last one stays: the others become empty.  Leaves lines ordered by token. */
static void
empty_duplicates(token_line *lines, int32_t count)
{
	qsort(lines, (size_t) count, sizeof(*lines), compare_lines);
	for (int32_t i = 0; i + 1 < count; i++)
	{
		if (lines[i].size == lines[i + 1].size &&
			memcmp(lines[i].token, lines[i + 1].token, lines[i].size) == 0)
			lines[i].size = 0;
	}
}

static int
compare_ids(const void *a, const void *b)
{
	const token_line *left = a;
	const token_line *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

electra_status
vocabulary_file_parse(const char *name, const char *text, size_t text_size,
					  char **vocabulary, size_t *size, int32_t *count, electra_error *error)
{
	int32_t		num_lines = count_lines(text, text_size);
	token_line *lines;
	char	   *out;
	electra_status status;

	if (num_lines == 0)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "vocabulary file \"%s\" is empty", name);
	if (num_lines > MAX_LINES)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "vocabulary file \"%s\" has more than %d lines",
							name, MAX_LINES);
	lines = malloc((size_t) num_lines * sizeof(*lines));
	out = malloc(text_size + 1);	/* a NUL for each \n, and one for the end */
	if (lines == NULL || out == NULL)
	{
		free(lines);
		free(out);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	status = split_lines(name, text, text_size, lines, error);
	if (status != ELECTRA_OK)
	{
		free(lines);
		free(out);
		return status;
	}
	empty_duplicates(lines, num_lines);
	qsort(lines, (size_t) num_lines, sizeof(*lines), compare_ids);
	*vocabulary = out;
	for (int32_t i = 0; i < num_lines; i++)
	{
		memcpy(out, lines[i].token, lines[i].size);
		out += lines[i].size;
		*out++ = '\0';
	}
	free(lines);
	*size = (size_t) (out - *vocabulary);
	*count = num_lines;
	return ELECTRA_OK;
}

electra_status
vocabulary_file_read(const char *path, char **vocabulary, size_t *size, int32_t *count,
					 electra_error *error)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char		folder[SOURCE_MAX_PATH] = ".";
	source_directory directory = {.path = folder};
	electra_status status;
	uint64_t	text_size;
	char	   *text;
	int			fd;

	if ((size_t) (name - path) >= sizeof(folder))
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "the path of the vocabulary file is too long");
	if (slash != NULL)
	{
		memcpy(folder, path, (size_t) (name - path));
		folder[name - path] = '\0';
	}
	status = source_file_open(&directory, name, &fd, &text_size, error);
	if (status != ELECTRA_OK)
		return status;
	if (text_size > MAX_FILE_SIZE)
	{
		close(fd);
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "vocabulary file \"%s\" is too large", name);
	}
	text = malloc((size_t) text_size + 1);
	if (text == NULL)
		status = electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	else
		status = source_pread(fd, name, text, (size_t) text_size, 0, error);
	close(fd);
	if (status == ELECTRA_OK)
		status = vocabulary_file_parse(name, text, (size_t) text_size, vocabulary, size, count, error);
	free(text);
	return status;
}

/* Everything up to the end of a file, in malloc'd memory. */
static electra_status
read_all(int fd, char **text, size_t *size, electra_error *error)
{
	size_t		capacity = 0;

	*text = NULL;
	*size = 0;
	for (;;)
	{
		ssize_t		got;

		if (*size == capacity)
		{
			size_t		grown_capacity = capacity == 0 ? FIRST_STREAM_SIZE : 2 * capacity;
			char	   *grown = realloc(*text, grown_capacity);

			if (grown == NULL)
				return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
			*text = grown;
			capacity = grown_capacity;
		}
		got = read(fd, *text + *size, capacity - *size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return electra_fail(error, ELECTRA_IO_ERROR, "could not read the vocabulary: %s", strerror(errno));
		if (got == 0)
			return ELECTRA_OK;
		*size += (size_t) got;
		if (*size > MAX_FILE_SIZE)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary is too large");
			electra_fail_detail(error, "At most %d bytes are read.", MAX_FILE_SIZE);
			return ELECTRA_INVALID_ARGUMENT;
		}
	}
}

/* Cuts the stream into tokens, each of which must be UTF-8. */
static electra_status
split_tokens(const char *text, size_t size, token_line *tokens, electra_error *error)
{
	int32_t		id = 0;

	for (const char *token = text; token < text + size; id++)
	{
		size_t		length = strlen(token);

		if (!electra_json_utf8_valid(token, length))
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary is not valid UTF-8");
			electra_fail_detail(error, "The fault is in the token of id %d.", (int) id);
			return ELECTRA_INVALID_ARGUMENT;
		}
		tokens[id] = (token_line) {token, length, id};
		token += length + 1;
	}
	return ELECTRA_OK;
}

/* No two tokens may be equal.  Leaves tokens ordered. */
static electra_status
refuse_duplicates(token_line *tokens, int32_t count, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	qsort(tokens, (size_t) count, sizeof(*tokens), compare_lines);
	for (int32_t i = 0; i + 1 < count; i++)
	{
		if (tokens[i].size > 0 && strcmp(tokens[i].token, tokens[i + 1].token) == 0)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary has the token \"%s\" twice",
						 source_quote(tokens[i].token, quoted));
			electra_fail_detail(error, "Its ids would be %d and %d.", (int) tokens[i].id, (int) tokens[i + 1].id);
			return ELECTRA_INVALID_ARGUMENT;
		}
	}
	return ELECTRA_OK;
}

/* What has been read, against what a vocabulary must be. */
static electra_status
check_stream(const char *text, size_t size, int32_t *count, electra_error *error)
{
	token_line *tokens;
	electra_status status;

	if (size == 0)
		return electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary is empty");
	if (text[size - 1] != '\0')
		return electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary does not end with a zero byte");
	*count = 0;
	for (size_t i = 0; i < size && *count <= MAX_LINES; i++)
		*count += text[i] == '\0';
	if (*count > MAX_LINES)
		return electra_fail(error, ELECTRA_INVALID_ARGUMENT, "vocabulary has more than %d tokens", MAX_LINES);
	tokens = malloc((size_t) *count * sizeof(*tokens));
	if (tokens == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	status = split_tokens(text, size, tokens, error);
	if (status == ELECTRA_OK)
		status = refuse_duplicates(tokens, *count, error);
	free(tokens);
	return status;
}

electra_status
vocabulary_stream_read(int fd, char **vocabulary, size_t *size, int32_t *count, electra_error *error)
{
	electra_status status = read_all(fd, vocabulary, size, error);

	if (status == ELECTRA_OK)
		status = check_stream(*vocabulary, *size, count, error);
	if (status != ELECTRA_OK)
		free(*vocabulary);
	return status;
}

int32_t
vocabulary_find(const char *vocabulary, size_t size, const char *token)
{
	const char *end = vocabulary + size;
	int32_t		id = 0;

	for (const char *p = vocabulary; p < end; p += strlen(p) + 1, id++)
	{
		if (strcmp(p, token) == 0)
			return id;
	}
	return -1;
}

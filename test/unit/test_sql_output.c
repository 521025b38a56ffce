/*
 * Archives as scripts for psql: what psql would make of the lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive_fixture.h"
#include "import/sql_output.h"

#include <sys/stat.h>

#define PIECE_SIZE (1024 * 1024)

static const char aborted[] =
	"\\set ON_ERROR_STOP on\n"
	"SELECT CAST('electra-import failed, nothing has been loaded' AS integer);\n";

/* The next line without its end, NULL behind the last one; *script moves on. */
static const char *
next_line(char **script)
{
	char	   *line = *script;
	char	   *end = strchr(line, '\n');

	if (*line == '\0')
		return NULL;
	assert_non_null(end);
	*end = '\0';
	*script = end + 1;
	return line;
}

static int
digit_value(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

	assert_non_null(found);
	return (int) (found - digits);
}

/* A row of COPY: number, tab, \\x and digits. */
static void
take_row(const char *line, int number, byte_buffer *data)
{
	static char bytes[PIECE_SIZE];
	char		start[32];
	size_t		size;
	electra_error error;

	snprintf(start, sizeof(start), "%d\t\\\\x", number);
	assert_memory_equal(line, start, strlen(start));
	line += strlen(start);
	size = strlen(line);
	assert_true(size > 0 && size % 2 == 0 && size / 2 <= PIECE_SIZE);
	for (size_t i = 0; i < size / 2; i++)
		bytes[i] = (char) (digit_value(line[2 * i]) << 4 | digit_value(line[2 * i + 1]));
	buffer_append(data, bytes, size / 2, &error);
}

/* Enough provenance that there is more than one piece. */
static void
make_large(preset_source *source)
{
	electra_error error;

	for (int i = 0; i < 2; i++)
	{
		char	   *text = calloc(PIECE_SIZE + 1, 1);
		char		key[] = {'s', 'o', 'u', 'r', 'c', 'e', '.', (char) ('a' + i), '\0'};

		memset(text, 'x', PIECE_SIZE);
		preset_source_note(source, key, text, &error);
		free(text);
	}
}

/* The whole script of a source in malloc'd memory. */
static char *
make_script(const preset_source *source, electra_status expected, uint8_t *digest, electra_error *error)
{
	char	   *script;
	size_t		size;
	FILE	   *file = open_memstream(&script, &size);

	assert_non_null(file);
	assert_int_equal(sql_output_write(source, "some/name-1.0", file, digest, error), expected);
	fclose(file);
	return script;
}

static void
test_script(void **state)
{
	static const char *const before[] = {
		"\\set ON_ERROR_STOP on", "BEGIN;",
		"CREATE TEMPORARY TABLE electra_upload (chunk_no integer, chunk bytea) ON COMMIT DROP;",
		"COPY pg_temp.electra_upload FROM stdin;"
	};
	preset_source source;
	byte_buffer archive = {0};
	byte_buffer data = {0};
	uint8_t		expected_digest[ELECTRA_DIGEST_SIZE];
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	char		call[200];
	char	   *script;
	char	   *rest;
	const char *line;
	int			number = 0;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 1);
	make_large(&source);
	write_archive(&source, &archive, expected_digest);
	rest = script = make_script(&source, ELECTRA_OK, digest, &error);
	assert_memory_equal(digest, expected_digest, sizeof(digest));
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		assert_string_equal(next_line(&rest), before[i]);
	while (strcmp(line = next_line(&rest), "\\.") != 0)
		take_row(line, number++, &data);
	assert_int_equal(number, (archive.size + PIECE_SIZE - 1) / PIECE_SIZE);
	assert_int_equal(data.size, archive.size);
	assert_memory_equal(data.bytes, archive.bytes, archive.size);
	electra_digest_to_hex(expected_digest, hex);
	snprintf(call, sizeof(call), "SELECT electra_load_archive('pg_temp.electra_upload', 'some/name-1.0', '%s');", hex);
	assert_string_equal(next_line(&rest), call);
	assert_string_equal(next_line(&rest), "COMMIT;");
	assert_null(next_line(&rest));
	preset_source_free(&source);
	free(script);
	free(archive.bytes);
	free(data.bytes);
}

static electra_status
read_failing(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	(void) first;
	(void) count;
	(void) values;
	return electra_fail(error, ELECTRA_IO_ERROR, "cannot read %s", tensor->spec.name);
}

/* A source that fails in the middle: the data ends at a row, and then comes an error. */
static void
test_failure(void **state)
{
	preset_source source;
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_error error;
	char	   *script;
	size_t		size;

	(void) state;
	fixture_source(&source, 24, 1);
	make_large(&source);
	source.tensors[3].read = read_failing;
	script = make_script(&source, ELECTRA_IO_ERROR, digest, &error);
	assert_non_null(strstr(error.message, "cannot read"));
	size = strlen(script);
	assert_non_null(strstr(script, "\n1\t\\\\x"));
	assert_null(strstr(script, "\nCOMMIT"));
	assert_null(strstr(script, "electra_load_archive"));
	assert_string_equal(script + size - strlen(aborted), aborted);
	assert_memory_equal(script + size - strlen(aborted) - 4, "\n\\.\n", 4);
	preset_source_free(&source);
	free(script);
}

/* Where nothing can be written, that is the error. */
static void
test_full(void **state)
{
	preset_source source;
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_error error;
	FILE	   *full = fopen("/dev/full", "w");

	(void) state;
	if (full == NULL)
		skip();
	fixture_source(&source, 24, 1);
	assert_int_equal(sql_output_write(&source, "x", full, digest, &error), ELECTRA_IO_ERROR);
	assert_non_null(strstr(error.message, "could not write the script"));
	preset_source_free(&source);
	fclose(full);
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"", "a b", "a'b", "a@b", "\xc3\xa4", "a\\b", "a;b", "a:b"};
	char		folder[] = "electra-test-XXXXXX";
	char		path[64];
	char		dotted[64];
	char		link_path[64];
	char		name[SQL_OUTPUT_NAME_SIZE];
	char		longest[SQL_OUTPUT_NAME_SIZE + 1];
	electra_error error;

	(void) state;
	assert_int_equal(sql_output_name("a/B-c_9.z", NULL, name, &error), ELECTRA_OK);
	assert_string_equal(name, "a/B-c_9.z");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_int_equal(sql_output_name(bad[i], NULL, name, &error), ELECTRA_INVALID_ARGUMENT);
		assert_non_null(strstr(error.hint, "--name"));
	}
	memset(longest, 'n', sizeof(longest));
	longest[129] = '\0';
	assert_int_equal(sql_output_name(longest, NULL, name, &error), ELECTRA_INVALID_ARGUMENT);
	longest[128] = '\0';
	assert_int_equal(sql_output_name(longest, NULL, name, &error), ELECTRA_OK);

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/MiniLM-L6", folder);
	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(symlink("MiniLM-L6", link_path), 0);
	assert_int_equal(sql_output_name(NULL, path, name, &error), ELECTRA_OK);
	assert_string_equal(name, "MiniLM-L6");
	snprintf(dotted, sizeof(dotted), "./%s/MiniLM-L6/./", folder);
	assert_int_equal(sql_output_name(NULL, dotted, name, &error), ELECTRA_OK);
	assert_string_equal(name, "MiniLM-L6");
	assert_int_equal(sql_output_name(NULL, link_path, name, &error), ELECTRA_OK);
	assert_string_equal(name, "MiniLM-L6");
	assert_int_equal(sql_output_name(NULL, "/", name, &error), ELECTRA_INVALID_ARGUMENT);
	unlink(link_path);
	rmdir(path);
	assert_int_equal(sql_output_name(NULL, path, name, &error), ELECTRA_NOT_FOUND);
	rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

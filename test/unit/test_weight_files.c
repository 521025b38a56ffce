/*
 * The files that weights come from: hashed while the archive is written, told
 * behind the weights, and nowhere in the image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive_fixture.h"
#include "core/image.h"
#include "core/weight_files.h"

#include <fcntl.h>

#define LITERAL(text) (text), sizeof(text) - 1

/* FIPS 180-4's example, and the digest of nothing. */
#define SHA_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Notes a file without a name of its own as one of weights; the descriptor stays open. */
static int
note_file(preset_source *source, const char *name, const char *content, size_t size, size_t claimed)
{
	char	   *path = temporary_file(content, size);
	int			fd = open(path, O_RDONLY);
	electra_error error;

	assert_true(fd >= 0);
	unlink(path);
	free(path);
	assert_int_equal(preset_source_note_weights(source, name, fd, claimed, &error), ELECTRA_OK);
	return fd;
}

/* The fixture, with files: larger and smaller than a block, and an empty one. */
static void
source_with_files(preset_source *source, char *large, size_t large_size, int fds[3])
{
	for (size_t i = 0; i < large_size; i++)
		large[i] = (char) (i * 7 + i / 1000);
	fixture_source(source, 24, 1);
	fds[0] = note_file(source, "model-2.bin", large, large_size, large_size);
	fds[1] = note_file(source, "2_Dense/\xc3\xa9.bin", "", 0, 0);
	fds[2] = note_file(source, "model-1.bin", LITERAL("abc"), 3);
}

static void
close_files(int fds[3])
{
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* The whole content in canonical form, whatever order the files came in, and the last bytes of the archive. */
static void
test_written(void **state)
{
	static char large[700001];
	char		expected[400];
	preset_source source;
	byte_buffer archive = {0};
	electra_archive_reader reader;
	const electra_tensor *tensor;
	electra_weight_file file;
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	electra_sha256 sha;
	electra_error error;
	const char *text;
	size_t		size;
	int			fds[3];

	(void) state;
	source_with_files(&source, large, sizeof(large), fds);
	/* the folder of two modules may be the same */
	assert_int_equal(preset_source_note_weights(&source, "model-1.bin", fds[0], 9, &error), ELECTRA_OK);
	write_archive(&source, &archive, NULL);

	electra_sha256_init(&sha);
	electra_sha256_update(&sha, large, sizeof(large));
	electra_sha256_final(&sha, digest);
	electra_digest_to_hex(digest, hex);
	size = (size_t) snprintf(expected, sizeof(expected), SHA_OF_NOTHING " 2_Dense/\xc3\xa9.bin%c"
							 SHA_OF_ABC " model-1.bin%c%s model-2.bin%c", 0, 0, hex, 0);
	assert_true(archive.size > size);
	assert_memory_equal(archive.bytes + archive.size - size, expected, size);

	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	tensor = electra_archive_tensor(reader.archive, ELECTRA_WEIGHT_FILES);
	assert_ptr_equal(tensor, &reader.archive->tensors[reader.archive->num_tensors - 1]);
	assert_int_equal(tensor->end - tensor->begin, size);
	electra_archive_close(&reader);

	text = expected;
	assert_int_equal(electra_weight_files_check(text, size, &error), ELECTRA_OK);
	assert_true(electra_weight_files_next(&text, expected + size, &file));
	assert_string_equal(file.name, "2_Dense/\xc3\xa9.bin");
	assert_string_equal(file.digest, SHA_OF_NOTHING);
	assert_true(electra_weight_files_next(&text, expected + size, &file));
	assert_string_equal(file.name, "model-1.bin");
	assert_true(electra_weight_files_next(&text, expected + size, &file));
	assert_string_equal(file.digest, hex);
	assert_false(electra_weight_files_next(&text, expected + size, &file));
	close_files(fds);
	preset_source_free(&source);
	free(archive.bytes);
}

/* archive_output.ready of a reader who is busy every other time that it is asked */
static bool
ready_sometimes(void *context)
{
	static int	asked;

	(void) context;
	return asked++ % 2 == 1;
}

static bool
never_ready(void *context)
{
	(void) context;
	return false;
}

/* When the files are hashed changes no byte; an output that is never ready gets everything all the same. */
static void
test_busy_output(void **state)
{
	static bool (*const ready[]) (void *context) = {ready_sometimes, never_ready};
	static char large[3000000];
	preset_source source;
	byte_buffer expected = {0};
	int			fds[3];

	(void) state;
	source_with_files(&source, large, sizeof(large), fds);
	write_archive(&source, &expected, NULL);
	for (size_t i = 0; i < sizeof(ready) / sizeof(ready[0]); i++)
	{
		byte_buffer archive = {0};
		const archive_output output = {buffer_append, NULL, ready[i], &archive};
		electra_error error;

		assert_int_equal(archive_write(&source, &output, NULL, NULL, &error), ELECTRA_OK);
		assert_int_equal(archive.size, expected.size);
		assert_memory_equal(archive.bytes, expected.bytes, archive.size);
		free(archive.bytes);
	}
	close_files(fds);
	preset_source_free(&source);
	free(expected.bytes);
}

/* A file that has become shorter cannot be hashed. */
static void
test_shorter(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	const archive_output output = {buffer_append, NULL, NULL, &archive};
	electra_error error;
	int			fd;

	(void) state;
	fixture_source(&source, 24, 1);
	fd = note_file(&source, "model.bin", LITERAL("abc"), 4);
	assert_int_equal(archive_write(&source, &output, NULL, NULL, &error), ELECTRA_IO_ERROR);
	assert_string_equal(error.message, "file \"model.bin\" became shorter while it was read");
	close(fd);
	preset_source_free(&source);
	free(archive.bytes);
}

/* electra_sink.write: keeps the header only */
static electra_status
keep_header(void *context, uint64_t offset, const void *data, size_t size, electra_error *error)
{
	(void) error;
	if (offset == 0)
		memcpy(context, data, size);
	return ELECTRA_OK;
}

static electra_status
build_image(byte_buffer *archive, electra_image_header *header, electra_error *error)
{
	const electra_sink sink = {keep_header, header};
	electra_archive_reader reader;
	electra_status status;
	uint64_t	size;

	status = electra_archive_open(&reader, buffer_stream(archive), archive->size,
								  &electra_malloc_allocator, error);
	if (status == ELECTRA_OK)
		status = electra_image_build(&reader, NULL, &sink, &size, &electra_malloc_allocator, NULL, error);
	electra_archive_close(&reader);
	return status;
}

/* The image is that of the same weights from nowhere; whatever is wrong in the tensor is found. */
static void
test_image(void **state)
{
	static char large[1000];
	preset_source source;
	byte_buffer archive = {0};
	byte_buffer plain = {0};
	electra_image_header with;
	electra_image_header without;
	electra_error error;
	char	   *header_entry;
	char	   *digits;
	int			fds[3];

	(void) state;
	source_with_files(&source, large, sizeof(large), fds);
	write_archive(&source, &archive, NULL);
	close_files(fds);
	preset_source_free(&source);
	fixture_source(&source, 24, 1);
	write_archive(&source, &plain, NULL);
	preset_source_free(&source);
	assert_int_equal(build_image(&archive, &with, &error), ELECTRA_OK);
	assert_int_equal(build_image(&plain, &without, &error), ELECTRA_OK);
	assert_int_equal(with.size, without.size);
	assert_memory_equal(with.content_digest, without.content_digest, sizeof(with.content_digest));
	assert_memory_not_equal(with.digest, without.digest, sizeof(with.digest));

	digits = archive.bytes + archive.size - strlen(SHA_OF_ABC " model-2.bin") - 1;
	digits[0] = 'A';
	assert_int_equal(build_image(&archive, &with, &error), ELECTRA_CORRUPT);
	assert_string_equal(error.message, "preset archive is invalid: tensor \"weights.sha256\" is malformed");
	assert_string_equal(error.detail, "The fault is in entry number 3.");
	digits[0] = '0';
	assert_int_equal(build_image(&archive, &with, &error), ELECTRA_OK);

	header_entry = strstr(archive.bytes + 8, "\"weights.sha256\":{\"dtype\":\"U8\"");
	assert_non_null(header_entry);
	memcpy(header_entry + strlen("\"weights.sha256\":{\"dtype\":\""), "I8", 2);
	assert_int_equal(build_image(&archive, &with, &error), ELECTRA_CORRUPT);
	assert_string_equal(error.detail, "Expected U8, found I8.");
	memcpy(header_entry, "\"weights.sha255\"", strlen("\"weights.sha255\""));
	assert_int_equal(build_image(&archive, &with, &error), ELECTRA_CORRUPT);
	assert_string_equal(error.message, "preset archive has unknown tensor \"weights.sha255\"");
	free(archive.bytes);
	free(plain.bytes);
}

/* Everything else than the one form is refused. */
static void
test_form(void **state)
{
	static const struct
	{
		const char *text;
		size_t		size;
		const char *message;
	}			cases[] = {
		{LITERAL(SHA_OF_ABC " a\0"), NULL},
		{LITERAL(SHA_OF_ABC " a\0" SHA_OF_ABC " a b\0"), NULL},
		{LITERAL(""), "does not end with a zero byte"},
		{LITERAL(SHA_OF_ABC " a"), "does not end with a zero byte"},
		{LITERAL("\0"), "is malformed"},
		{LITERAL(" a\0"), "is malformed"},
		{LITERAL(SHA_OF_ABC "\0"), "is malformed"},
		{LITERAL(SHA_OF_ABC " \0"), "is malformed"},
		{LITERAL(SHA_OF_ABC "  \0" SHA_OF_ABC "\0"), "is malformed"},
		{LITERAL(SHA_OF_ABC "0 a\0"), "is malformed"},
		{LITERAL("g" SHA_OF_ABC " a\0"), "is malformed"},
		{LITERAL("BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad a\0"), "is malformed"},
		{LITERAL(SHA_OF_ABC " a\0\0"), "is malformed"},
		{LITERAL(SHA_OF_ABC " \xff\0"), "is not valid UTF-8"},
		{LITERAL(SHA_OF_ABC " a\0" SHA_OF_ABC " a\0"), "is not in order"},
		{LITERAL(SHA_OF_ABC " b\0" SHA_OF_NOTHING " a\0"), "is not in order"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		/* a copy, so that a sanitizer sees what is read behind the end */
		char	   *text = malloc(cases[i].size);
		electra_error error;
		electra_status status;

		memcpy(text, cases[i].text, cases[i].size);
		status = electra_weight_files_check(text, cases[i].size, &error);
		if (cases[i].message == NULL)
			assert_int_equal(status, ELECTRA_OK);
		else
		{
			assert_int_equal(status, ELECTRA_CORRUPT);
			if (strstr(error.message, cases[i].message) == NULL)
				fail_msg("case %zu: %s", i, error.message);
		}
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_busy_output),
		cmocka_unit_test(test_shorter),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The archive writer, and its outputs for files and for the server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive_fixture.h"
#include "import/file_output.h"
#include "import/framed_output.h"
#include "import/narrow.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

/* The same source has the same bytes, in whatever order its parts come; another seed has others. */
static void
test_deterministic(void **state)
{
	preset_source source;
	byte_buffer first = {0};
	byte_buffer second = {0};
	byte_buffer third = {0};
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	uint8_t		expected[ELECTRA_DIGEST_SIZE];
	electra_sha256 sha;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 1);
	preset_source_note(&source, "source.b", "2", &error);
	preset_source_note(&source, "source.a", "1", &error);
	write_archive(&source, &first, digest);
	for (int i = 0; i < source.num_tensors / 2; i++)
	{
		source_tensor tensor = source.tensors[i];

		source.tensors[i] = source.tensors[source.num_tensors - 1 - i];
		source.tensors[source.num_tensors - 1 - i] = tensor;
	}
	write_archive(&source, &second, NULL);
	preset_source_free(&source);
	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.bytes, second.bytes, first.size);
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, first.bytes, first.size);
	electra_sha256_final(&sha, expected);
	assert_memory_equal(digest, expected, sizeof(digest));

	fixture_source(&source, 24, 2);
	write_archive(&source, &third, NULL);
	preset_source_free(&source);
	assert_memory_not_equal(first.bytes, third.bytes, third.size);
	free(first.bytes);
	free(second.bytes);
	free(third.bytes);
}

/* Strange characters in prompts and provenance come back as they were. */
static void
test_strings(void **state)
{
	static const char strange[] = "\"quoted\" \\ \n\r\t\x01\x1f\x7f \xc3\xa9 \xf0\x9f\x98\x80";
	preset_source source;
	byte_buffer archive = {0};
	electra_archive_reader reader;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 1);
	source.config.has_query_prompt = true;
	strcpy(source.config.query_prompt, strange);
	preset_source_note(&source, "source.prompts.x", strange, &error);
	write_archive(&source, &archive, NULL);
	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	assert_string_equal(reader.archive->config.query_prompt, strange);
	assert_string_equal(electra_archive_metadata(reader.archive, "source.prompts.x"), strange);
	electra_archive_close(&reader);
	preset_source_free(&source);
	free(archive.bytes);
}

static electra_status
expect_failure(const preset_source *source, electra_error *error)
{
	byte_buffer archive = {0};
	const archive_output output = {buffer_append, NULL, NULL, &archive};
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_status status = archive_write(source, &output, digest, NULL, error);

	free(archive.bytes);
	return status;
}

static electra_status
read_nan(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	(void) tensor;
	(void) error;
	for (int64_t i = 0; i < count; i++)
		values[i] = first + i == 39 ? NAN : 0;
	return ELECTRA_OK;
}

static electra_status
read_failing(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	(void) first;
	(void) count;
	(void) values;
	return electra_fail(error, ELECTRA_IO_ERROR, "cannot read %s", tensor->spec.name);
}

/* What a reader may get wrong is found before or while the archive is written. */
static void
test_refused_sources(void **state)
{
	preset_source source;
	electra_error error;

	(void) state;
	fixture_source(&source, 40, 1);
	source.tensors[0].read = read_nan;
	assert_int_equal(expect_failure(&source, &error), ELECTRA_NOT_FINITE);
	assert_non_null(strstr(error.message, source.tensors[0].spec.name));
	assert_non_null(strstr(error.detail, "element 39,"));

	source.tensors[0].read = read_failing;
	assert_int_equal(expect_failure(&source, &error), ELECTRA_IO_ERROR);

	source.num_tensors--;
	preset_source_note(&source, "source.seed", "again", &error);
	assert_int_equal(expect_failure(&source, &error), ELECTRA_INVALID_SOURCE);
	assert_non_null(strstr(error.detail, "source.seed"));
	preset_source_free(&source);

	fixture_source(&source, 40, 1);
	source.tensors[3].spec.shape[0]++;
	assert_int_equal(expect_failure(&source, &error), ELECTRA_INVALID_SOURCE);
	preset_source_free(&source);

	fixture_source(&source, 40, 1);
	source.tensors[0] = source.tensors[1];
	assert_int_equal(expect_failure(&source, &error), ELECTRA_INVALID_SOURCE);
	preset_source_free(&source);

	fixture_source(&source, 40, 1);
	preset_source_note(&source, "provenance", "without prefix", &error);
	assert_int_equal(expect_failure(&source, &error), ELECTRA_INVALID_SOURCE);
	preset_source_free(&source);

	/* the configuration's dtype is another than that of the tensors */
	fixture_source(&source, 40, 1);
	source.config.dtype = ELECTRA_BF16;
	assert_int_equal(expect_failure(&source, &error), ELECTRA_INVALID_SOURCE);
	preset_source_free(&source);

	fixture_source(&source, 40, 1);
	source.tensors[0].stored_dtype = ELECTRA_F64;
	assert_int_equal(expect_failure(&source, &error), ELECTRA_INVALID_SOURCE);
	preset_source_free(&source);
}

/* source_tensor.read: element 39 is beyond float16. */
static electra_status
read_large(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	(void) tensor;
	(void) error;
	for (int64_t i = 0; i < count; i++)
		values[i] = first + i == 39 ? -1e5f : 1;
	return ELECTRA_OK;
}

/* Reads the tensors of an archive and compares them with the source's. */
static void
check_stored(const preset_source *source, byte_buffer *archive, electra_dtype matrices)
{
	electra_archive_reader reader;
	electra_error error;
	size_t		last_size = 8;

	assert_int_equal(electra_archive_open(&reader, buffer_stream(archive), archive->size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	assert_int_equal(reader.archive->config.dtype, matrices);
	for (int i = 0; i < reader.archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &reader.archive->tensors[i];
		size_t		size = (size_t) (tensor->end - tensor->begin);
		char	   *stored = malloc(size + 1);
		char	   *expected = malloc(2 * size + 1);
		float	   *values;
		int64_t		count;

		assert_true(electra_dtype_size(tensor->dtype) <= last_size);
		last_size = electra_dtype_size(tensor->dtype);
		assert_int_equal(electra_archive_read(&reader, stored, size, &error), ELECTRA_OK);
		if (tensor->dtype != ELECTRA_U8)
		{
			assert_int_equal(tensor->dtype, tensor->rank == 2 ? matrices : ELECTRA_F32);
			values = tensor_values(source, tensor->name, &count);
			assert_int_equal(narrow_floats(tensor->dtype, values, (size_t) count, expected), count);
			assert_memory_equal(stored, expected, size);
			free(values);
		}
		free(stored);
		free(expected);
	}
	electra_archive_close(&reader);
}

/* Each tensor in its own dtype; the wide ones first, then by name. */
static void
test_dtypes(void **state)
{
	static const electra_dtype dtypes[] = {ELECTRA_F32, ELECTRA_F16, ELECTRA_BF16};
	byte_buffer archives[3] = {{0}};

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		const import_options options = {.dtype = dtypes[i]};
		preset_source source;
		electra_error error;

		fixture_source(&source, 24, 1);
		assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
		write_archive(&source, &archives[i], NULL);
		check_stored(&source, &archives[i], dtypes[i]);
		preset_source_free(&source);
	}
	assert_true(archives[1].size < archives[0].size);
	assert_int_equal(archives[1].size, archives[2].size);
	for (int i = 0; i < 3; i++)
		free(archives[i].bytes);
}

/* What would become infinite is an error that names tensor, element and a way out. */
static void
test_out_of_range(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	import_options options = {.dtype = ELECTRA_F16};
	source_tensor *matrix;
	electra_error error;

	(void) state;
	fixture_source(&source, 40, 1);
	matrix = source.tensors;
	while (matrix->spec.rank != 2)
		matrix++;
	matrix->read = read_large;
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	assert_int_equal(expect_failure(&source, &error), ELECTRA_NOT_FINITE);
	assert_non_null(strstr(error.message, matrix->spec.name));
	assert_non_null(strstr(error.message, "float16"));
	assert_non_null(strstr(error.detail, "element 39,"));
	assert_non_null(strstr(error.detail, "-100000"));
	assert_non_null(strstr(error.hint, "bfloat16"));
	options.dtype = ELECTRA_BF16;
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	write_archive(&source, &archive, NULL);
	free(archive.bytes);
	matrix->read = read_nan;
	assert_int_equal(expect_failure(&source, &error), ELECTRA_NOT_FINITE);
	assert_non_null(strstr(error.message, "not finite"));
	preset_source_free(&source);
}

static uint64_t
load_u64(const char *bytes)
{
	uint64_t	value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | (unsigned char) bytes[i];
	return value;
}

/* Data frames, put together, are the archive; the last frame says its size. */
static void
test_frames(void **state)
{
	static framed_output framed;
	char		path[] = "electra-test-XXXXXX";
	int			fd = mkstemp(path);
	const archive_output output = {framed_output_write, framed_output_progress, framed_output_ready, &framed};
	preset_source source;
	byte_buffer archive = {0};
	byte_buffer data = {0};
	uint64_t	size;
	char		header[ELECTRA_FRAME_HEADER_SIZE];
	char	   *payload = malloc(ELECTRA_FRAME_MAX_PAYLOAD);
	electra_error error;
	bool		ended = false;
	int			num_frames = 0;
	uint64_t	progress = 0;

	(void) state;
	assert_true(fd >= 0);
	fixture_source(&source, 24, 1);
	for (int i = 0; i < 3; i++)		/* 3 MB of provenance make several frames */
	{
		char	   *text = calloc(1024 * 1024 + 1, 1);
		char		key[] = {'s', 'o', 'u', 'r', 'c', 'e', '.', (char) ('a' + i), '\0'};

		memset(text, 'x', 1024 * 1024);
		preset_source_note(&source, key, text, &error);
		free(text);
	}
	write_archive(&source, &archive, NULL);
	framed_output_init(&framed, fd);
	framed_output_notice(&framed, "a remark");
	assert_int_equal(archive_write(&source, &output, NULL, &size, &error), ELECTRA_OK);
	assert_int_equal(framed_output_ok(&framed, size, &error), ELECTRA_OK);
	lseek(fd, 0, SEEK_SET);
	while (read(fd, header, sizeof(header)) == (ssize_t) sizeof(header))
	{
		size_t		payload_size = (unsigned char) header[1] | (size_t) (unsigned char) header[2] << 8 |
			(size_t) (unsigned char) header[3] << 16 | (size_t) (unsigned char) header[4] << 24;

		assert_false(ended);
		assert_true(payload_size <= ELECTRA_FRAME_MAX_PAYLOAD);
		assert_int_equal(read(fd, payload, payload_size), payload_size);
		num_frames++;
		switch (header[0])
		{
			case ELECTRA_FRAME_NOTICE:
				assert_int_equal(num_frames, 1);
				assert_int_equal(payload_size, strlen("a remark"));
				assert_memory_equal(payload, "a remark", payload_size);
				break;
			case ELECTRA_FRAME_DATA:
				buffer_append(&data, payload, payload_size, &error);
				break;
			case ELECTRA_FRAME_PROGRESS:
				assert_int_equal(payload_size, 16);
				assert_true(load_u64(payload) > progress);
				progress = load_u64(payload);
				assert_int_equal(load_u64(payload + 8), archive.size);
				break;
			case ELECTRA_FRAME_OK:
				assert_int_equal(payload_size, 8);
				assert_int_equal(load_u64(payload), archive.size);
				ended = true;
				break;
			default:
				fail_msg("unexpected frame %c", header[0]);
		}
	}
	assert_true(ended && progress > 0 && num_frames > 4);
	assert_int_equal(data.size, archive.size);
	assert_memory_equal(data.bytes, archive.bytes, archive.size);
	preset_source_free(&source);
	free(payload);
	free(data.bytes);
	free(archive.bytes);
	close(fd);
	unlink(path);
}

static void
test_error_frame(void **state)
{
	static framed_output framed;
	int			ends[2];
	char		frame[200];
	electra_error error;

	(void) state;
	assert_int_equal(pipe(ends), 0);
	framed_output_init(&framed, ends[1]);
	electra_fail(&error, ELECTRA_NOT_FOUND, "m");
	electra_fail_hint(&error, "h");
	assert_int_equal(framed_output_error(&framed, &error), ELECTRA_OK);
	assert_int_equal(read(ends[0], frame, sizeof(frame)), 5 + 4 + 2 + 1 + 2);
	assert_memory_equal(frame, "E\x09\0\0\0\x06\0\0\0m\0\0h\0", 14);
	assert_int_equal(frame[5], ELECTRA_NOT_FOUND);
	close(ends[0]);
	close(ends[1]);
}

/* The file appears when it is complete; until then what was there stays. */
static void
test_file(void **state)
{
	static file_output file;
	static file_output other;
	char		folder[] = "electra-test-XXXXXX";
	char		path[64];
	char		temporary[64];
	char		content[16] = "";
	electra_error error;
	struct stat status;
	int			fd;

	(void) state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/archive", folder);
	snprintf(temporary, sizeof(temporary), "%s/archive.tmp", folder);
	assert_int_equal(file_output_open(&file, path, &error), ELECTRA_OK);
	assert_int_equal(file_output_write(&file, "first", 5, &error), ELECTRA_OK);
	assert_int_equal(stat(path, &status), -1);
	assert_int_equal(file_output_open(&other, path, &error), ELECTRA_IO_ERROR);
	assert_int_equal(file_output_commit(&file, &error), ELECTRA_OK);
	assert_int_equal(stat(temporary, &status), -1);

	/* a remnant of a killed program, longer than what comes now, and an abort */
	fd = open(temporary, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "remnant of a crash", 18), 18);
	close(fd);
	assert_int_equal(file_output_open(&file, path, &error), ELECTRA_OK);
	assert_int_equal(file_output_write(&file, "2nd", 3, &error), ELECTRA_OK);
	file_output_abort(&file);
	assert_int_equal(stat(temporary, &status), -1);
	assert_int_equal(file_output_open(&file, path, &error), ELECTRA_OK);
	assert_int_equal(file_output_write(&file, "third", 5, &error), ELECTRA_OK);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, content, sizeof(content)), 5);
	assert_memory_equal(content, "first", 5);
	close(fd);
	assert_int_equal(file_output_commit(&file, &error), ELECTRA_OK);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, content, sizeof(content)), 5);
	assert_memory_equal(content, "third", 5);
	close(fd);
	unlink(path);
	rmdir(folder);
	assert_int_equal(file_output_open(&file, path, &error), ELECTRA_NOT_FOUND);
}

/* An output is ready where a whole frame fits, however little a pipe holds. */
static void
test_ready(void **state)
{
	static framed_output framed;
	static char bytes[FRAMED_OUTPUT_PAYLOAD];
	int			ends[2];
	electra_error error;

	(void) state;
	assert_int_equal(pipe(ends), 0);
	framed_output_init(&framed, ends[1]);
	assert_true(framed_output_ready(&framed));
	assert_int_equal(write(ends[1], bytes, 1), 1);
	assert_int_equal(framed_output_ready(&framed),
					 fcntl(ends[1], F_GETPIPE_SZ) > FRAMED_OUTPUT_PAYLOAD + ELECTRA_FRAME_HEADER_SIZE);
	assert_int_equal(read(ends[0], bytes, 1), 1);
	if (fcntl(ends[1], F_SETPIPE_SZ, ELECTRA_FRAME_MAX_PAYLOAD) >= ELECTRA_FRAME_MAX_PAYLOAD)
	{
		for (int i = 0; i < 3; i++)
		{
			assert_true(framed_output_ready(&framed));
			assert_int_equal(framed_output_write(&framed, bytes, sizeof(bytes), &error), ELECTRA_OK);
		}
		assert_false(framed_output_ready(&framed));
	}
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_refused_sources),
		cmocka_unit_test(test_dtypes),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_error_frame),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

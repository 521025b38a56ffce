/*
 * Reading tensors of checkpoints whatever their strides, in pieces of every
 * size, and the zip container's CRC.  Whole checkpoints, good and bad, are in
 * test/import/torch_directories.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/widen.h"
#include "import/torch_file.h"
#include "import/torch_zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGIN 13				/* of the elements, in the file */

/* Element number i of a file of count elements. */
static float
element(int64_t i)
{
	return (float) (i * 37 % 1009) / 8 - 50;
}

static FILE *
write_elements(int64_t count)
{
	FILE	   *file = tmpfile();

	assert_non_null(file);
	fwrite("thirteen byte", 1, BEGIN, file);
	for (int64_t i = 0; i < count; i++)
	{
		float		value = element(i);

		fwrite(&value, sizeof(value), 1, file);
	}
	assert_int_equal(fflush(file), 0);
	return file;
}

/* Reads a tensor of these strides whole, in pieces, and from its middle on. */
static void
check_strides(int rank, const int64_t *shape, const int64_t *stride)
{
	torch_tensor tensor = {.readable = true, .dtype = ELECTRA_F32, .begin = BEGIN, .rank = rank};
	torch_file	file = {.name = (char *) "test.bin"};
	int64_t		rows = rank == 2 ? shape[0] : 1;
	int64_t		columns = shape[rank - 1];
	int64_t		count = rows * columns;
	int64_t		last = 0;
	static const int64_t pieces[] = {1, 7, 64, 4096, 5000, INT64_MAX};
	float	   *values = malloc((size_t) count * sizeof(float));
	FILE	   *opened;

	assert_non_null(values);
	for (int i = 0; i < rank; i++)
	{
		tensor.shape[i] = shape[i];
		tensor.stride[i] = stride[i];
		last += (shape[i] - 1) * stride[i];
	}
	opened = write_elements(last + 1);
	file.fd = fileno(opened);
	tensor.file = &file;
	for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
	{
		electra_error error;

		memset(values, 0xff, (size_t) count * sizeof(float));
		for (int64_t first = 0; first < count;)
		{
			int64_t		piece = pieces[p] < count - first ? pieces[p] : count - first;

			assert_int_equal(torch_read(&tensor, first, piece, values + first, &error), ELECTRA_OK);
			first += piece;
		}
		for (int64_t i = 0; i < count; i++)
		{
			int64_t		at = i % columns * stride[rank - 1] + (rank == 2 ? i / columns * stride[0] : 0);

			if (values[i] != element(at))
				fail_msg("element %lld of [%lld, %lld] is %g, expected %g", (long long) i, (long long) rows,
						 (long long) columns, values[i], element(at));
		}
	}
	fclose(opened);
	free(values);
}

static void
test_strides(void **state)
{
	static const struct
	{
		int			rank;
		int64_t		shape[2];
		int64_t		stride[2];
	}			cases[] = {
		{1, {1}, {1}}, {1, {50}, {1}}, {1, {50}, {3}}, {1, {50}, {0}}, {1, {1}, {9}},
		{2, {5, 7}, {7, 1}},	/* contiguous */
		{2, {5, 7}, {1, 5}},	/* transposed */
		{2, {5, 7}, {10, 1}},	/* columns of a wider one */
		{2, {5, 7}, {1, 9}},	/* transposed, of a higher one */
		{2, {5, 7}, {0, 1}},	/* one row, repeated */
		{2, {5, 7}, {1, 0}},	/* one column, repeated */
		{2, {1, 7}, {99, 1}}, {2, {1, 7}, {99, 3}}, {2, {7, 1}, {1, 99}}, {2, {7, 1}, {4, 99}}, {2, {1, 1}, {5, 5}},
		{2, {9001, 3}, {1, 9001}},	/* more rows than are read at once */
		{2, {3, 9001}, {1, 3}}, {2, {129, 257}, {1, 129}}, {2, {129, 257}, {257, 1}}
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_strides(cases[i].rank, cases[i].shape, cases[i].stride);
}

static void
test_rank_zero(void **state)
{
	torch_file	file = {.name = (char *) "test.bin"};
	torch_tensor tensor = {.file = &file, .readable = true, .dtype = ELECTRA_F32, .begin = BEGIN + 8};
	FILE	   *opened = write_elements(3);
	electra_error error;
	float		value;

	(void) state;
	file.fd = fileno(opened);
	assert_int_equal(torch_read(&tensor, 0, 1, &value, &error), ELECTRA_OK);
	assert_true(value == element(2));
	fclose(opened);
}

/* The zip container of one stored entry "a" with this content. */
static FILE *
write_zip(const char *content, uint32_t crc)
{
	const uint32_t size = (uint32_t) strlen(content);
	const uint32_t begin = 31 + size;
	FILE	   *file = tmpfile();
	const uint32_t sizes[] = {crc, size, size};
	const uint32_t places[] = {47, begin};
	static const uint32_t zero = 0;

	assert_non_null(file);
	fwrite("PK\3\4\0\0\0\0\0\0\0\0\0", 1, 14, file);
	fwrite(sizes, 1, sizeof(sizes), file);
	fwrite("\1\0\0\0a", 1, 5, file);
	fwrite(content, 1, size, file);
	fwrite("PK\1\2\0\0\0\0\0\0\0\0\0\0\0", 1, 16, file);
	fwrite(sizes, 1, sizeof(sizes), file);
	fwrite("\1\0\0\0\0\0\0\0\0\0\0\0\0", 1, 14, file);
	fwrite(&zero, 1, sizeof(zero), file);
	fwrite("a", 1, 1, file);
	fwrite("PK\5\6\0\0\0\0\1\0\1", 1, 12, file);
	fwrite(places, 1, sizeof(places), file);
	fwrite("\0", 1, 2, file);
	assert_int_equal(fflush(file), 0);
	return file;
}

static void
test_crc(void **state)
{
	/* the check value of CRC-32, and one that is wrong */
	static const uint32_t crcs[] = {0xcbf43926, 0xcbf43927};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		FILE	   *file = write_zip("123456789", crcs[i]);
		const torch_zip_entry *entry;
		torch_zip	zip;
		electra_error error;

		if (torch_zip_open(fileno(file), "test.bin", (uint64_t) ftell(file), &zip, &error) != ELECTRA_OK)
			fail_msg("%s %s", error.message, error.detail);
		entry = torch_zip_find(&zip, "a");
		assert_non_null(entry);
		assert_null(torch_zip_find(&zip, "b"));
		assert_int_equal(entry->begin, 31);
		assert_int_equal(entry->size, 9);
		assert_int_equal(torch_zip_check_crc(fileno(file), &zip, entry, &error),
						 i == 0 ? ELECTRA_OK : ELECTRA_INVALID_SOURCE);
		if (i == 1)
			assert_string_equal(error.detail, "Its CRC is 0xcbf43926, expected 0xcbf43927.");
		torch_zip_close(&zip);
		fclose(file);
	}
}

/* Cut anywhere, a zip container is refused. */
static void
test_zip_truncated(void **state)
{
	FILE	   *file = write_zip("123456789", 0xcbf43926);
	uint64_t	size = (uint64_t) ftell(file);

	(void) state;
	for (uint64_t part = 0; part < size; part++)
	{
		torch_zip	zip;
		electra_error error;

		assert_int_equal(torch_zip_open(fileno(file), "test.bin", part, &zip, &error), ELECTRA_INVALID_SOURCE);
		torch_zip_close(&zip);
	}
	fclose(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strides),
		cmocka_unit_test(test_rank_zero),
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_zip_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

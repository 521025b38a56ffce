/*
 * The restricted pickle machine: values, memo, marks, integers of every size,
 * texts across the reader's window, and every limit.  What it refuses by name
 * is tested with whole checkpoints in test/import/torch_directories.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "import/torch_globals.h"
#include "import/torch_pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a pickle of a test has become. */
typedef struct outcome
{
	electra_status status;
	electra_error error;
	torch_values values;
	torch_value *root;
	uint64_t	position;		/* behind the pickle */
} outcome;

static void
read_pickle(const void *bytes, size_t size, outcome *outcome)
{
	FILE	   *file = tmpfile();
	torch_input input;

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fflush(file), 0);
	memset(outcome, 0, sizeof(*outcome));
	torch_input_init(&input, fileno(file), "test.bin", 0, size);
	outcome->status = torch_pickle_read(&input, &outcome->values, &outcome->root, &outcome->error);
	outcome->position = input.position;
	fclose(file);
}

/* A pickle written as a literal, whose final NUL does not count. */
#define READ(literal, outcome) read_pickle(literal, sizeof(literal) - 1, outcome)

/* Reads one that must be good. */
#define READ_GOOD(literal, outcome) \
	do { \
		READ(literal, outcome); \
		if ((outcome)->status != ELECTRA_OK) \
			fail_msg("%s %s", (outcome)->error.message, (outcome)->error.detail); \
	} while (0)

/* Reads one that must be refused with this detail. */
static void
expect_refused(const void *bytes, size_t size, electra_status status, const char *detail)
{
	outcome		outcome;

	read_pickle(bytes, size, &outcome);
	assert_int_equal(outcome.status, status);
	assert_non_null(strstr(outcome.error.detail, detail));
	torch_values_free(&outcome.values);
}

/* One that is malformed. */
#define EXPECT_REFUSED(literal, detail) \
	expect_refused(literal, sizeof(literal) - 1, ELECTRA_INVALID_SOURCE, detail)

static void
test_integers(void **state)
{
	static const struct
	{
		const char *pickle;
		size_t		size;
		int64_t		expected;
	}			cases[] = {
#define CASE(literal, expected) {literal, sizeof(literal) - 1, expected}
		CASE("\x80\2K\xff.", 255),
		CASE("\x80\2M\xff\xff.", 65535),
		CASE("\x80\2J\xff\xff\xff\xff.", -1),
		CASE("\x80\2J\0\0\0\x80.", INT32_MIN),
		CASE("\x80\2J\xff\xff\xff\x7f.", INT32_MAX),
		CASE("\x80\2\x8a\0.", 0),
		CASE("\x80\2\x8a\1\xff.", -1),
		CASE("\x80\2\x8a\1\x7f.", 127),
		CASE("\x80\2\x8a\2\xff\0.", 255),
		CASE("\x80\2\x8a\5\0\0\0\0\1.", INT64_C(1) << 32),
		CASE("\x80\2\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.", INT64_MAX),
		CASE("\x80\2\x8a\x08\0\0\0\0\0\0\0\x80.", INT64_MIN),
		CASE("\x80\2\x8b\3\0\0\0\0\0\x80.", -8388608),
#undef CASE
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		outcome		outcome;

		read_pickle(cases[i].pickle, cases[i].size, &outcome);
		assert_int_equal(outcome.status, ELECTRA_OK);
		assert_int_equal(outcome.root->kind, TORCH_INT);
		assert_true(outcome.root->integer == cases[i].expected);
		torch_values_free(&outcome.values);
	}
}

static void
test_long(void **state)
{
	outcome		outcome;

	(void) state;
	READ_GOOD("\x80\2\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", &outcome);
	assert_int_equal(outcome.root->kind, TORCH_LONG);
	assert_int_equal(outcome.root->size, 10);
	assert_memory_equal(outcome.root->text, "l\xfc\x9c\x46\xf9 j\xa8P\x19", 10);
	torch_values_free(&outcome.values);
}

static void
test_atoms(void **state)
{
	outcome		outcome;
	torch_value **items;

	(void) state;
	READ_GOOD("\x80\5(N\x88\x89G\x3f\xf0\0\0\0\0\0\0X\3\0\0\0\xe2\x82\xac" "U\2ok\x8c\0C\2\0\xff" "B\1\0\0\0\xfet.",
			  &outcome);
	assert_int_equal(outcome.root->kind, TORCH_TUPLE);
	assert_int_equal(outcome.root->count, 9);
	items = outcome.root->items;
	assert_int_equal(items[0]->kind, TORCH_NONE);
	assert_true(items[1]->kind == TORCH_BOOL && items[1]->integer == 1);
	assert_true(items[2]->kind == TORCH_BOOL && items[2]->integer == 0);
	assert_int_equal(items[3]->kind, TORCH_FLOAT);
	assert_string_equal(items[4]->text, "\xe2\x82\xac");
	assert_string_equal(items[5]->text, "ok");
	assert_true(items[6]->kind == TORCH_TEXT && items[6]->size == 0);
	assert_true(items[7]->kind == TORCH_BYTES && items[7]->size == 2);
	assert_true(items[8]->kind == TORCH_BYTES && items[8]->size == 1);
	torch_values_free(&outcome.values);
}

static void
test_containers(void **state)
{
	outcome		outcome;
	const torch_value *inner;

	(void) state;
	/* {"a": [1, 2, 3], "b": (), "c": {4: 5}} with every way to fill them */
	READ_GOOD("\x80\2}(X\1\0\0\0a]K\1a(K\2K\3eX\1\0\0\0b)uX\1\0\0\0c(K\4K\5ds.", &outcome);
	assert_int_equal(outcome.root->kind, TORCH_DICT);
	assert_int_equal(outcome.root->count, 6);
	inner = torch_value_item(outcome.root, 1, TORCH_LIST);
	assert_non_null(inner);
	assert_int_equal(inner->count, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(torch_value_item(inner, i, TORCH_INT)->integer, i + 1);
	assert_int_equal(torch_value_item(outcome.root, 3, TORCH_TUPLE)->count, 0);
	inner = torch_value_item(outcome.root, 5, TORCH_DICT);
	assert_int_equal(torch_value_item(inner, 1, TORCH_INT)->integer, 5);
	assert_null(torch_value_item(inner, 1, TORCH_TEXT));
	assert_null(torch_value_item(inner, 2, TORCH_INT));
	assert_null(torch_value_item(torch_value_item(inner, 1, TORCH_INT), 0, TORCH_INT));
	torch_values_free(&outcome.values);

	/* (1,) (1, 2) (1, 2, 3), and a list out of a mark */
	READ_GOOD("\x80\2(K\1\x85K\1K\2\x86K\1K\2K\3\x87l.", &outcome);
	assert_int_equal(outcome.root->kind, TORCH_LIST);
	for (int i = 0; i < 3; i++)
		assert_int_equal(torch_value_item(outcome.root, i, TORCH_TUPLE)->count, i + 1);
	torch_values_free(&outcome.values);
}

static void
test_stack(void **state)
{
	outcome		outcome;

	(void) state;
	/* POP of a value and of a mark, POP_MARK, DUP */
	READ_GOOD("\x80\2K\1K\2" "0(0(K\3K\4" "12\x86.", &outcome);
	assert_int_equal(outcome.root->count, 2);
	assert_ptr_equal(outcome.root->items[0], outcome.root->items[1]);
	assert_int_equal(outcome.root->items[0]->integer, 1);
	torch_values_free(&outcome.values);

	EXPECT_REFUSED("\x80\2" "0.", "the stack is empty");
	EXPECT_REFUSED("\x80\2" "1.", "there is no mark");
	EXPECT_REFUSED("\x80\2" "2.", "the stack is empty");
	/* what lies below a mark is out of reach */
	EXPECT_REFUSED("\x80\2N(2.", "the stack is empty");
	EXPECT_REFUSED("\x80\2]N(a.", "the stack is empty");
	EXPECT_REFUSED("\x80\2](N\x86.", "the stack is empty");
	EXPECT_REFUSED("\x80\2}(q\0.", "the stack is empty");
}

static void
test_memo(void **state)
{
	outcome		outcome;

	(void) state;
	/* numbers given and counted, far ones, one given anew */
	READ_GOOD("\x80\4(K\1q\0K\2\x94K\3\x94K\4r\0\0\4\0K\5q\1h\0h\1j\0\0\4\0t.", &outcome);
	assert_int_equal(outcome.root->count, 8);
	assert_int_equal(outcome.root->items[5]->integer, 2);
	assert_int_equal(outcome.root->items[6]->integer, 5);
	assert_int_equal(outcome.root->items[7]->integer, 4);
	torch_values_free(&outcome.values);
}

static void
test_shared_is_not_cyclic(void **state)
{
	outcome		outcome;

	(void) state;
	/* [x, [x], (x, x)] with x = [] */
	READ_GOOD("\x80\2(]q\0(h\0l(h\0h\0tl.", &outcome);
	assert_int_equal(outcome.root->count, 3);
	torch_values_free(&outcome.values);
}

static void
test_cycles(void **state)
{
	(void) state;
	EXPECT_REFUSED("\x80\2]q\0h\0a.", "a value holds itself");
	EXPECT_REFUSED("\x80\2}q\0h\0Ns.", "a value holds itself");
	EXPECT_REFUSED("\x80\2}q\0Nh\0\x85s.", "a value holds itself");
	/* two lists that hold each other, as the root and below it */
	EXPECT_REFUSED("\x80\2]q\0]q\1h\0aa.", "a value holds itself");
	EXPECT_REFUSED("\x80\2]q\0]q\1h\0aa\x85.", "a value holds itself");
	/* in the arguments of a tensor that do not matter */
	EXPECT_REFUSED("\x80\2ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\n"
				   "X\1\0\0\0" "0X\3\0\0\0cpuK\1tQK\0K\1\x85K\1\x85\x89}q\0Nh\0stR.", "a value holds itself");
}

/* A pickle of many equal parts. */
static void
expect_repeated(const char *begin, const char *part, size_t part_size, int count, const char *end,
				electra_status status, const char *detail)
{
	size_t		begin_size = strlen(begin);
	size_t		end_size = strlen(end);
	size_t		size = begin_size + part_size * (size_t) count + end_size;
	char	   *bytes = malloc(size);
	outcome		outcome;

	assert_non_null(bytes);
	memcpy(bytes, begin, begin_size);
	for (int i = 0; i < count; i++)
		memcpy(bytes + begin_size + part_size * (size_t) i, part, part_size);
	memcpy(bytes + size - end_size, end, end_size);
	read_pickle(bytes, size, &outcome);
	free(bytes);
	assert_int_equal(outcome.status, status);
	if (status != ELECTRA_OK)
		assert_non_null(strstr(outcome.error.detail, detail));
	torch_values_free(&outcome.values);
}

static void
test_limits(void **state)
{
	(void) state;
	/* depth without recursion: (((…),),) */
	expect_repeated("\x80\2N", "\x85", 1, 300000, ".", ELECTRA_OK, "");
	expect_repeated("\x80\2N", "\x85", 1, TORCH_MAX_VALUES, ".", ELECTRA_INVALID_SOURCE, "too many values");
	expect_repeated("\x80\2]", "Na", 2, TORCH_MAX_VALUES, ".", ELECTRA_INVALID_SOURCE, "too many values");
	/* DUP makes items without values */
	expect_repeated("\x80\2]", "](N22222222222222eaK\1" "0", 22, 80000, ".", ELECTRA_INVALID_SOURCE, "too many items");
	expect_repeated("\x80\2N", "2", 1, 70000, ".", ELECTRA_INVALID_SOURCE, "the stack is too deep");
	expect_repeated("\x80\2N", "(", 1, 256, "10", ELECTRA_INVALID_SOURCE, "");
	expect_repeated("\x80\2N", "(", 1, 257, "", ELECTRA_INVALID_SOURCE, "nested too deeply");
	expect_repeated("\x80\2N", "N0", 2, 40000, ".", ELECTRA_OK, "");
	/* opcodes that leave nothing still cost time */
	expect_repeated("\x80\2N", "20", 2, TORCH_MAX_PICKLE / 2, ".", ELECTRA_INVALID_SOURCE, "it is too large");
}

static void
test_large_text(void **state)
{
	const size_t text_size = 100000;
	size_t		size = 7 + text_size + 3;
	char	   *bytes = malloc(size);
	outcome		outcome;

	(void) state;
	assert_non_null(bytes);
	memcpy(bytes, "\x80\2X\xa0\x86\1\0", 7);
	for (size_t i = 0; i < text_size; i++)
		bytes[7 + i] = (char) ('a' + i * i % 26);
	memcpy(bytes + 7 + text_size, "\x85.N", 3);
	read_pickle(bytes, size, &outcome);
	assert_int_equal(outcome.status, ELECTRA_OK);
	assert_int_equal(outcome.root->items[0]->size, text_size);
	assert_memory_equal(outcome.root->items[0]->text, bytes + 7, text_size);
	/* the next one begins behind STOP */
	assert_int_equal(outcome.position, size - 1);
	torch_values_free(&outcome.values);
	free(bytes);

	/* 90 texts of 100,000 bytes are more than TORCH_MAX_TEXT */
	size = 6 + text_size;
	bytes = malloc(size);
	assert_non_null(bytes);
	memset(bytes, 'x', size);
	memcpy(bytes, "X\xa0\x86\1\0", 5);
	bytes[size - 1] = '0';
	expect_repeated("\x80\2", bytes, size, 90, "N.", ELECTRA_INVALID_SOURCE, "too much text");
	free(bytes);
}

/* Cut anywhere, a pickle is refused: as truncated or as malformed. */
static void
test_truncated(void **state)
{
	static const char pickle[] = "\x80\2ccollections\nOrderedDict\n)Rq\0(X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n"
		"((X\7\0\0\0storagectorch\nHalfStorage\nX\1\0\0\0" "0X\3\0\0\0cpuM\1\2tQK\0K\1\x85K\1\x85\x89}tRu}X\1\0\0\0_}sb.";
	outcome		outcome;

	(void) state;
	READ_GOOD(pickle, &outcome);
	assert_int_equal(outcome.root->kind, TORCH_DICT);
	assert_int_equal(outcome.root->items[1]->kind, TORCH_TENSOR);
	torch_values_free(&outcome.values);
	for (size_t size = 0; size < sizeof(pickle) - 1; size++)
	{
		read_pickle(pickle, size, &outcome);
		assert_int_equal(outcome.status, ELECTRA_INVALID_SOURCE);
		torch_values_free(&outcome.values);
	}
}

static void
test_storage(void **state)
{
	outcome		outcome;
	torch_storage_view view;

	(void) state;
	READ_GOOD("\x80\2(X\7\0\0\0storagectorch\nBFloat16Storage\nX\1\0\0\0" "7X\6\0\0\0cuda:0K\x0aNtQ.", &outcome);
	assert_int_equal(outcome.root->kind, TORCH_STORAGE);
	view = torch_storage_of(outcome.root);
	assert_string_equal(view.key, "7");
	assert_int_equal(view.type->dtype, ELECTRA_BF16);
	assert_true(view.numel == 10 && view.first == 0 && view.count == 10);
	torch_values_free(&outcome.values);

	READ_GOOD("\x80\2(X\7\0\0\0storagectorch\nLongStorage\nX\1\0\0\0" "7X\3\0\0\0cpuK\x0aX\1\0\0\0vK\3K\7\x87tQ.",
			  &outcome);
	view = torch_storage_of(outcome.root);
	assert_false(view.type->readable);
	assert_true(view.numel == 10 && view.first == 3 && view.count == 7);
	torch_values_free(&outcome.values);

	EXPECT_REFUSED("\x80\2(X\7\0\0\0storagectorch\nLongStorage\nX\1\0\0\0" "7X\3\0\0\0cpuK\x0aX\1\0\0\0vK\3K\x08\x87tQ.",
				   "a view leaves its storage");
}

static void
test_names(void **state)
{
	static const char *const refused[][2] = {
		{"os", "system"}, {"builtins", "eval"}, {"torch", "load"}, {"torch", "_utils"},
		{"torch._utils", "_rebuild_tensor_v3"}, {"torch._utils", "_rebuild_from_type_v2"},
		{"torch", "UntypedStorage"}, {"torch.storage", "FloatStorage"}, {"collections", "OrderedDict "},
		{"collections", "ordereddict"}, {"", ""}
	};

	(void) state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_null(torch_global_find(refused[i][0], refused[i][1]));
	assert_int_equal(torch_global_find("collections", "OrderedDict")->role, TORCH_ORDERED_DICT);
	assert_int_equal(torch_global_find("torch", "DoubleStorage")->width, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_atoms),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_shared_is_not_cyclic),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_large_text),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_storage),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

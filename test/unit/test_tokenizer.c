/*
 * The tokenizer against the reference's ids, in slices, at its limits, on
 * hostile texts.  (test/parity/tokenizer_parity.py compares many more texts.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "tokenizer_checks.h"
#include "tokenizer_golden.h"

/*
 * These stand before the library's: any use of its tables in what is tested
 * here fails, so that no id depends on its version.
 */
utf8proc_ssize_t
utf8proc_iterate(const utf8proc_uint8_t *bytes, utf8proc_ssize_t size, utf8proc_int32_t *code_point)
{
	(void) bytes;
	(void) size;
	(void) code_point;
	fail_msg("the core calls utf8proc_iterate");
	return -1;
}

const utf8proc_property_t *
utf8proc_get_property(utf8proc_int32_t code_point)
{
	fail_msg("the core calls utf8proc_get_property for %d", code_point);
	return NULL;
}

utf8proc_category_t
utf8proc_category(utf8proc_int32_t code_point)
{
	fail_msg("the core calls utf8proc_category for %d", code_point);
	return UTF8PROC_CATEGORY_CN;
}

utf8proc_int32_t
utf8proc_tolower(utf8proc_int32_t code_point)
{
	fail_msg("the core calls utf8proc_tolower for %d", code_point);
	return code_point;
}

utf8proc_ssize_t
utf8proc_decompose_char(utf8proc_int32_t code_point, utf8proc_int32_t *parts, utf8proc_ssize_t size,
						utf8proc_option_t options, int *boundary)
{
	(void) parts;
	(void) size;
	(void) options;
	(void) boundary;
	fail_msg("the core calls utf8proc_decompose_char for %d", code_point);
	return -1;
}

static void *
open_golden(electra_model *model, const electra_tokenizer_config *config)
{
	electra_error error;
	void	   *image = fixture_open(model, config, golden_vocabulary, sizeof(golden_vocabulary) - 1,
									 golden_added, sizeof(golden_added) - 1, &error);

	if (image == NULL)
		fail_msg("%s: %s", error.message, error.detail);
	return image;
}

static void
test_golden(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);

	(void) state;
	for (size_t i = 0; i < sizeof(golden_texts) / sizeof(golden_texts[0]); i++)
		assert_ids(&model, golden_texts[i].text, golden_texts[i].size, golden_texts[i].ids);
	free(image);
}

static void
test_golden_decoded(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	electra_error error;
	void	   *image = open_golden(&model, &config);
	char	   *text;
	size_t		size;

	(void) state;
	for (size_t i = 0; i < sizeof(golden_decoded) / sizeof(golden_decoded[0]); i++)
	{
		assert_int_equal(electra_detokenize(&model, golden_decoded[i].ids, golden_decoded[i].count,
											&text, &size, memory, &error), ELECTRA_OK);
		assert_string_equal(text, golden_decoded[i].text);
		assert_int_equal(size, strlen(text));
		free(text);
	}
	for (int32_t id = -1; id <= 77; id += 78)
	{
		assert_int_equal(electra_detokenize(&model, &id, 1, &text, &size, memory, &error), ELECTRA_INVALID_ARGUMENT);
		assert_string_equal(error.detail, "Element 1 must be from 0 to 76.");
	}
	free(image);
}

/* 100 characters are a word, 101 are unknown; é counts as one. */
static void
test_long_words(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	char		text[512];
	char		expected[1024] = "34";

	(void) state;
	memset(text, 'a', sizeof(text));
	for (int i = 1; i < 50; i++)
		strcat(expected, " 35");
	assert_ids(&model, text, 100, expected);
	assert_ids(&model, text, 101, "0");
	for (int i = 0; i < 101; i++)
		memcpy(text + 2 * i, "\xc3\xa9", 2);
	free(image);

	/* accents kept: é ##é … */
	config.strip_accents = false;
	image = open_golden(&model, &config);
	strcpy(expected, "37");
	for (int i = 1; i < 100; i++)
		strcat(expected, " 38");
	assert_ids(&model, text, 200, expected);
	assert_ids(&model, text, 202, "0");
	free(image);

	config.max_word_chars = 3;
	image = open_golden(&model, &config);
	assert_ids(&model, "the quick fox", 13, "42 0 45");
	free(image);
}

/* Each step of the normalizer by itself; expected ids from the reference's steps. */
static void
test_switches(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image;

	(void) state;
	config.lowercase = config.strip_accents = false;
	image = open_golden(&model, &config);
	assert_ids(&model, "the The caf\xc3\xa9 \xc3\xa9", 17, "42 0 0 37");
	free(image);

	config.strip_accents = true;
	image = open_golden(&model, &config);
	assert_ids(&model, "the The caf\xc3\xa9", 14, "42 0 11");
	free(image);

	config.clean_text = config.tokenize_chinese_chars = false;
	image = open_golden(&model, &config);
	assert_ids(&model, "a\xc2\x85" "b a\xe2\x80\x8b" "b", 10, "5 6 0");
	assert_ids(&model, "\xe4\xb8\xad\xe6\x96\x87", 6, "0");
	free(image);
}

static const char *const slice_texts[] = {
	"the quick brown fox.", "x  [L] a [R]   <e>s <e>sb <e>", "foo q FOO Qa covid, COVIDb covid",
	"caf\xc3\xa9 cafe\xcc\x81 \xed\x95\x9c", "a[MASK]b [MASK [MASK]] [[MASK]", "\xce\x9f\xce\x94\xce\x9f\xce\xa3\xcc\x81\xcc\x81 x",
	"\xce\x91\xce\xa3\xcc\x81\xce\x91 \xce\xa3", "\xf0\x9d\x85\xa5\xe3\x80\xae\xf0\x9d\x85\xa5 b",
	"x\xc2\xa0y X Y q \t [L]", "don't Don't do not", "[L][R] [L]  \xe3\x80\x80[L]", "\xf0\xab\xa4\xa0\xe4\xb8\xad",
	"unaffable unaffablex unaffable", "\xc4\xb0\xc4\xb0stanbul"
};

static void
test_slices(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	char		long_word[300];

	(void) state;
	memset(long_word, 'a', sizeof(long_word));
	for (size_t i = 0; i < sizeof(slice_texts) / sizeof(slice_texts[0]); i++)
		assert_slices(&model, slice_texts[i], strlen(slice_texts[i]));
	for (size_t i = 0; i < sizeof(golden_texts) / sizeof(golden_texts[0]); i++)
		assert_slices(&model, golden_texts[i].text, golden_texts[i].size);
	assert_slices(&model, long_word, 102);
	free(image);
}

/* A word of more than 100 characters is certain before it ends. */
static void
test_bounded_reading(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	electra_tokens tokens = {.capacity = 0};
	electra_error error;
	char		text[110];

	(void) state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(electra_tokenize(&model, text, sizeof(text), false, &tokens, memory, NULL, &error), ELECTRA_OK);
	assert_true(tokens.truncated);

	/* what lies behind capacity + 1 tokens (and the longest added token) is not read */
	memcpy(text, "a b a b a b a b \xff\xff", 18);
	tokens.capacity = 2;
	assert_int_equal(electra_tokenize(&model, text, 18, true, &tokens, memory, NULL, &error), ELECTRA_OK);
	assert_true(tokens.truncated);
	assert_int_equal(tokens.count, 2);
	free(image);
}

static void
test_invalid_text(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	electra_tokens tokens = {.capacity = 100};
	electra_error error;

	(void) state;
	assert_int_equal(tokenize(&model, "abc\xff", 4, true, &tokens, &error), ELECTRA_INVALID_TEXT);
	assert_string_equal(error.detail, "The first invalid character is at byte 4.");
	assert_int_equal(tokenize(&model, "ab\xed\xa0\x80", 5, true, &tokens, &error), ELECTRA_INVALID_TEXT);
	assert_string_equal(error.detail, "The first invalid character is at byte 3.");
	assert_int_equal(tokenize(&model, "ab\xe4\xb8", 4, true, &tokens, &error), ELECTRA_INVALID_TEXT);
	assert_string_equal(error.detail, "The last character is incomplete; it begins at byte 3.");
	assert_int_equal(tokenize(&model, "ab\xe4\xb8", 4, false, &tokens, &error), ELECTRA_OK);
	assert_true(tokens.need_input);
	free(image);
}

static void
test_poll(void **state)
{
	static const char *const units[] = {"a", "a ", " ", "[", "\xcc\x81"};
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	electra_error error;

	(void) state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
	{
		electra_tokens tokens = {.capacity = INT64_MAX};
		char	   *text = repeat(units[i], MEGABYTE);
		int			left = 1000000;
		electra_poll poll = {count_poll, &left};

		assert_int_equal(electra_tokenize(&model, text, MEGABYTE, true, &tokens, memory, &poll, &error), ELECTRA_OK);
		assert_true(1000000 - left >= MEGABYTE / 65536);
		left = 3;
		assert_int_equal(electra_tokenize(&model, text, MEGABYTE, true, &tokens, memory, &poll, &error), ELECTRA_CANCELED);
		free(text);
	}
	free(image);
}

/*
 * A megabyte of anything is tokenized in a number of reads that is linear:
 * the poll, which counts reads of 64 kB at most, bounds them without a clock.
 */
static void
test_linear(void **state)
{
	static const struct
	{
		const char *unit;
		int64_t		count;		/* of tokens in a megabyte */
	}			texts[] = {
		{"a", 1}, {" ", 0}, {"[", MEGABYTE}, {"[MASK", -1}, {"##", MEGABYTE}, {"\xcc\x81", 0}, {"<e>", -1},
		{"foo ", MEGABYTE / 4}, {"covi", 1}, {"\xe3\x80\x80", -1}, {"\t[L", -1}, {"\xce\xa3\xc2\xad", 1},
		{"x  ", -1}, {"\xe4\xb8\xad", -1}, {"a\xc2\xad", 1}
	};
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	accounting	account = {.calls_left = 1000000};
	electra_allocator counted = {account_alloc, account_release, &account};

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		size_t		size = MEGABYTE / strlen(texts[i].unit) * strlen(texts[i].unit);
		char	   *text = repeat(texts[i].unit, size);
		int			left = 1000;
		electra_poll poll = {count_poll, &left};
		electra_tokens tokens = {.capacity = INT64_MAX};
		electra_error error;

		assert_int_equal(electra_tokenize(&model, text, size, true, &tokens, &counted, &poll, &error), ELECTRA_OK);
		if (texts[i].count >= 0)
			assert_int_equal(tokens.count, texts[i].count);
		free(text);
	}
	free(image);
	assert_int_equal(account.in_use, 0);
	assert_true(account.most < 16384);
}

/* A megabyte of combining characters in the worst order: sorted, in one pass for each class. */
static void
test_many_marks(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	char	   *text = repeat("\xe3\x80\xae\xf0\x9d\x85\xa5", MEGABYTE);	/* U+302E 224, U+1D165 216 */
	size_t		size = MEGABYTE / 7 * 7;
	electra_tokens tokens = {.capacity = INT64_MAX};
	electra_error error;

	(void) state;
	assert_int_equal(electra_tokenize(&model, text, size, true, &tokens, memory, NULL, &error), ELECTRA_OK);
	assert_int_equal(tokens.count, 1);
	free(text);
	free(image);
}

static void
test_out_of_memory(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	const char *text = "the quick \xe3\x80\xae\xf0\x9d\x85\xa5 fox.";
	electra_status status = ELECTRA_OUT_OF_MEMORY;
	int			calls;

	(void) state;
	for (calls = 0; status != ELECTRA_OK; calls++)
	{
		accounting	account = {.calls_left = calls};
		electra_allocator counted = {account_alloc, account_release, &account};
		electra_tokens tokens = {.capacity = 100};
		electra_error error;

		status = electra_tokenize(&model, text, strlen(text), true, &tokens, &counted, NULL, &error);
		assert_true(status == ELECTRA_OK || status == ELECTRA_OUT_OF_MEMORY);
		assert_int_equal(account.in_use, 0);
		assert_true(calls < 10);
	}
	assert_true(calls > 1);
	free(image);
}

/* The reference page's cases: lengths, max_length, lengths after truncation. */
static void
test_truncation(void **state)
{
	static const int64_t pairs[][5] = {
		{4, 4, 6, 1, 2}, {4, 2, 5, 1, 1}, {6, 1, 7, 3, 1}, {1, 6, 7, 1, 3}, {3, 3, 4, 0, 1},
		{1, 2, 13, 1, 2}, {5, 5, 13, 5, 5}, {5, 6, 13, 5, 5}, {0, 9, 8, 0, 5}, {9, 0, 8, 5, 0},
		{3, 3, 3, 0, 0}, {3, 3, 2, 0, 0}, {0, 0, 5, 0, 0}
	};
	int64_t		a;
	int64_t		b = 0;

	(void) state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		a = pairs[i][0];
		b = pairs[i][1];
		electra_truncate_longest_first(&a, &b, true, pairs[i][2]);
		assert_int_equal(a, pairs[i][3]);
		assert_int_equal(b, pairs[i][4]);
	}
	a = 10;
	electra_truncate_longest_first(&a, &b, false, 8);
	assert_int_equal(a, 6);
	electra_truncate_longest_first(&a, &b, false, 512);
	assert_int_equal(a, 6);
	electra_truncate_longest_first(&a, &b, false, 2);
	assert_int_equal(a, 0);
}

static void
test_join(void **state)
{
	electra_tokenizer_config config = fixture_config();
	const int32_t a[] = {7, 8};
	const int32_t b[] = {9};
	const int32_t single[] = {1, 7, 8, 2};
	const int32_t pair[] = {1, 7, 8, 2, 9, 2};
	const uint8_t pair_segments[] = {0, 0, 0, 0, 1, 1};
	int32_t		ids[6];
	uint8_t		segments[6];

	(void) state;
	assert_int_equal(electra_join_tokens(&config, a, 2, NULL, 0, ids, NULL), 4);
	assert_memory_equal(ids, single, sizeof(single));
	assert_int_equal(electra_join_tokens(&config, a, 2, b, 1, ids, segments), 6);
	assert_memory_equal(ids, pair, sizeof(pair));
	assert_memory_equal(segments, pair_segments, sizeof(pair_segments));
	assert_int_equal(electra_join_tokens(&config, NULL, 0, b, 0, ids, segments), 3);
	assert_int_equal(ids[1], 2);
	assert_int_equal(segments[2], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_decoded),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_bounded_reading),
		cmocka_unit_test(test_invalid_text),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_many_marks),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

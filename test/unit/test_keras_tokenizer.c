/*
 * The Keras pipeline against the reference's ids, in slices, at its limits, on
 * hostile texts.  (test/parity/keras_tokenizer_parity.py compares many more.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tokenizer_checks.h"
#include "keras_tokenizer_golden.h"

static electra_tokenizer_config
keras_config(void)
{
	electra_tokenizer_config config = fixture_config();

	config.pipeline = ELECTRA_TOKENIZER_KERAS;
	config.clean_text = false;
	config.strip_accents = false;
	return config;
}

/* The token of an id of the golden vocabulary. */
static const char *
golden_token(int32_t id, char *room, size_t size)
{
	if (id < KERAS_GOLDEN_FIRST)
		return keras_golden_first[id];
	for (size_t i = 0; i < sizeof(keras_golden_others) / sizeof(keras_golden_others[0]); i++)
	{
		if (keras_golden_others[i].id == id)
			return keras_golden_others[i].token;
	}
	snprintf(room, size, "[unused%d]", id);
	return room;
}

static void *
open_golden(electra_model *model, const electra_tokenizer_config *config)
{
	static char vocabulary[32 * KERAS_GOLDEN_SIZE];
	size_t		size = 0;
	electra_error error;
	void	   *image;

	for (int32_t id = 0; id < KERAS_GOLDEN_SIZE; id++)
	{
		char		room[32];
		const char *token = golden_token(id, room, sizeof(room));

		assert_true(strlen(token) < 32);
		strcpy(vocabulary + size, token);
		size += strlen(token) + 1;
	}
	image = fixture_open(model, config, vocabulary, size, keras_golden_added, sizeof(keras_golden_added) - 1, &error);
	if (image == NULL)
		fail_msg("%s: %s", error.message, error.detail);
	return image;
}

/* The model of a row of the golden table. */
static void *
open_row(electra_model *model, size_t row)
{
	electra_tokenizer_config config = keras_config();

	config.lowercase = keras_golden_texts[row].lowercase;
	config.strip_accents = keras_golden_texts[row].strip_accents;
	config.special_tokens_in_strings = keras_golden_texts[row].special_tokens_in_strings;
	config.tokenize_chinese_chars = keras_golden_texts[row].split_on_cjk;
	return open_golden(model, &config);
}

#define NUM_ROWS (sizeof(keras_golden_texts) / sizeof(keras_golden_texts[0]))

static void
test_golden(void **state)
{
	(void) state;
	for (size_t i = 0; i < NUM_ROWS; i++)
	{
		electra_model model;
		void	   *image = open_row(&model, i);

		assert_ids(&model, keras_golden_texts[i].text, keras_golden_texts[i].size, keras_golden_texts[i].ids);
		free(image);
	}
}

static void
test_slices(void **state)
{
	(void) state;
	for (size_t i = 0; i < NUM_ROWS; i++)
	{
		electra_model model;
		void	   *image;

		/* U+0000 ends a text also where it is a slice */
		if (strlen(keras_golden_texts[i].text) < keras_golden_texts[i].size)
			continue;
		image = open_row(&model, i);
		assert_slices(&model, keras_golden_texts[i].text, keras_golden_texts[i].size);
		free(image);
	}
}

static void
test_decoded(void **state)
{
	electra_tokenizer_config config = keras_config();
	electra_model model;
	electra_error error;
	void	   *image = open_golden(&model, &config);
	const int32_t outside = KERAS_GOLDEN_SIZE;
	char	   *text;
	size_t		size;

	(void) state;
	for (size_t i = 0; i < sizeof(keras_golden_decoded) / sizeof(keras_golden_decoded[0]); i++)
	{
		assert_int_equal(electra_detokenize(&model, keras_golden_decoded[i].ids, keras_golden_decoded[i].count,
											&text, &size, memory, &error), ELECTRA_OK);
		assert_string_equal(text, keras_golden_decoded[i].text);
		assert_int_equal(size, strlen(text));
		free(text);
	}
	assert_int_equal(electra_detokenize(&model, &outside, 1, &text, &size, memory, &error), ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.detail, "Element 1 must be from 0 to 4419.");
	free(image);
}

/* A text of count units, in UTF-8. */
static void
assert_repeated(const electra_model *model, const char *unit, int count, const char *first, const char *rest,
				int num_rest)
{
	char	   *text = repeat(unit, strlen(unit) * (size_t) count);
	char		expected[2048];
	size_t		used = (size_t) snprintf(expected, sizeof(expected), "%s", first);

	for (int i = 0; i < num_rest; i++)
		used += (size_t) snprintf(expected + used, sizeof(expected) - used, " %s", rest);
	assert_ids(model, text, strlen(unit) * (size_t) count, expected);
	free(text);
}

/* 100 bytes of the folded word are a word, 101 are unknown. */
static void
test_long_words(void **state)
{
	electra_tokenizer_config config = keras_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);

	(void) state;
	assert_repeated(&model, "a", 100, "5", "6", 99);
	assert_repeated(&model, "a", 101, "0", "", 0);
	assert_repeated(&model, "\xc3\xa9", 50, "9", "10", 49); /* é */
	assert_repeated(&model, "\xc3\xa9", 51, "0", "", 0);
	assert_repeated(&model, "e\xcc\x81", 50, "9", "10", 49);	/* composes to the same */
	assert_repeated(&model, "e\xcc\x81", 51, "0", "", 0);
	assert_repeated(&model, "\xc3\x9f", 50, "11", "12", 99);	/* ß is ss */
	assert_repeated(&model, "\xc3\x9f", 51, "0", "", 0);
	assert_repeated(&model, "\xef\xac\x86", 101, "0", "", 0);	/* ligature st */
	free(image);

	config.lowercase = false;
	image = open_golden(&model, &config);
	assert_repeated(&model, "\xc3\xa9", 50, "9", "10", 49);
	assert_repeated(&model, "\xc3\xa9", 51, "0", "", 0);
	free(image);

	config.max_word_chars = 3;
	image = open_golden(&model, &config);
	assert_ids(&model, "the quick fox", 13, "1996 0 4419");
	free(image);
}

/* Special tokens are found in the rewritten text, whole, the longest first. */
static void
test_special_tokens(void **state)
{
	static const char vocabulary[] =
		"[UNK]\0<e>\0<e>s\0a\0##a\0s\0q\0\xe4\xb8\xad\0"
		"caf\xc3\xa9\0<\0e\0>\0##x\0long special token!\0";
	static const char added[] =
		"1 s <e>\0" "2 s <e>s\0" "3 - a\0" "7 s \xe4\xb8\xad\0"
		"8 s caf\xc3\xa9\0" "12 s ##x\0" "13 s long special token!\0";
	electra_tokenizer_config config = keras_config();
	electra_model model;
	electra_error error;
	void	   *image;

	(void) state;
	config.special_tokens_in_strings = true;
	config.max_word_chars = 10;
	image = fixture_open(&model, &config, vocabulary, sizeof(vocabulary) - 1, added, sizeof(added) - 1, &error);
	assert_non_null(image);
	assert_ids(&model, "a<e>aa", 6, "3 1 3 4");
	assert_ids(&model, "<e>s<e>q", 8, "2 1 6");
	assert_ids(&model, "<E>", 3, "9 10 11");
	assert_ids(&model, "\xe4\xb8\xad", 3, "7");
	assert_ids(&model, "caf\xc3\xa9q", 6, "8 6");
	assert_ids(&model, "a##xa", 5, "3 12 3");
	assert_ids(&model, "q long special token!q", 22, "6 0 6");
	assert_slices(&model, "<e><e>s<<e>a<e", 14);
	free(image);

	/* what is in the vocabulary is composed, what strip accents leaves is not */
	config.strip_accents = true;
	image = fixture_open(&model, &config, vocabulary, sizeof(vocabulary) - 1, added, sizeof(added) - 1, &error);
	assert_non_null(image);
	assert_ids(&model, "caf\xc3\xa9q", 6, "0");
	assert_ids(&model, "<e\xcc\x81>", 5, "1");
	free(image);
}

static void
test_invalid_text(void **state)
{
	electra_tokenizer_config config = keras_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);
	electra_tokens tokens = {.capacity = 100};
	electra_error error;

	(void) state;
	assert_int_equal(tokenize(&model, "abc\xff", 4, true, &tokens, &error), ELECTRA_INVALID_TEXT);
	assert_string_equal(error.detail, "The first invalid character is at byte 4.");
	assert_int_equal(tokenize(&model, "ab\xe4\xb8", 4, true, &tokens, &error), ELECTRA_INVALID_TEXT);
	assert_string_equal(error.detail, "The last character is incomplete; it begins at byte 3.");
	assert_int_equal(tokenize(&model, "ab\xe4\xb8", 4, false, &tokens, &error), ELECTRA_OK);
	assert_true(tokens.need_input);
	free(image);
}

/* A megabyte of anything: linear (the poll counts), in little memory, and it can be canceled. */
static void
test_long_texts(void **state)
{
	static const struct
	{
		const char *unit;
		int64_t		count;		/* of tokens in a megabyte; -1: not checked */
	}			texts[] = {
		{"a", 1}, {" ", 0}, {"[", MEGABYTE}, {"[MASK", -1}, {"[MASK]", -1}, {"\xcc\x81", 1}, {"e\xcc\x81", 1},
		{"\xcc\xa3\xcc\x81", 1}, {"\xcd\x8f", 0}, {"\xef\xb7\xba", 1}, {"\xe1\x84\x92\xe1\x85\xa1", 1},
		{"\xe1\x85\xa1", 1}, {"\xe4\xb8\xad", -1}, {"fox ", MEGABYTE / 4}, {"a\xe2\x80\x8b", -1}, {"\xc2\xa0", 1}
	};
	(void) state;
	for (int options = 0; options < 4; options++)
	{
		electra_tokenizer_config config = keras_config();
		electra_model model;
		accounting	account = {.calls_left = 1000000};
		electra_allocator counted = {account_alloc, account_release, &account};
		void	   *image;

		config.strip_accents = (options & 1) != 0;
		config.special_tokens_in_strings = (options & 2) != 0;
		image = open_golden(&model, &config);
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		{
			size_t		size = MEGABYTE / strlen(texts[i].unit) * strlen(texts[i].unit);
			char	   *text = repeat(texts[i].unit, size);
			int			left = 1000;
			electra_poll poll = {count_poll, &left};
			electra_tokens tokens = {.capacity = INT64_MAX};
			electra_error error;

			assert_int_equal(electra_tokenize(&model, text, size, true, &tokens, &counted, &poll, &error), ELECTRA_OK);
			assert_true(1000 - left >= MEGABYTE / 65536);
			if (options == 0 && texts[i].count >= 0)
				assert_int_equal(tokens.count, texts[i].count);
			left = 3;
			assert_int_equal(electra_tokenize(&model, text, size, true, &tokens, &counted, &poll, &error), ELECTRA_CANCELED);
			free(text);
		}
		free(image);
		assert_int_equal(account.in_use, 0);
		assert_true(account.most < 16384);
	}
}

/* A word that is too long is certain before it ends, and so are its marks. */
static void
test_bounded_reading(void **state)
{
	static const char *const units[] = {"a", "\xcc\x81", "e\xcc\x81", "\xcc\x81\xcc\xa3"};
	electra_tokenizer_config config = keras_config();
	electra_model model;
	void	   *image = open_golden(&model, &config);

	(void) state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
	{
		char	   *text = repeat(units[i], 240);
		electra_tokens tokens = {.capacity = 0};
		electra_error error;

		assert_int_equal(tokenize(&model, text, 240, false, &tokens, &error), ELECTRA_OK);
		assert_true(tokens.truncated);
		free(text);
	}
	free(image);
}

static void
test_out_of_memory(void **state)
{
	electra_tokenizer_config config = keras_config();
	electra_model model;
	void	   *image;
	const char *text = "the qu\xcc\xa3\xcc\x81ick \xe3\x80\xae\xf0\x9d\x85\xa5 [MASK] fox.";
	electra_status status = ELECTRA_OUT_OF_MEMORY;
	int			calls;

	(void) state;
	config.strip_accents = config.special_tokens_in_strings = true;
	image = open_golden(&model, &config);
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
	assert_true(calls > 3);
	free(image);
}

/* The reference page's case, and all small ones against taking turns. */
static void
test_truncation(void **state)
{
	electra_tokenizer_config config = keras_config();
	int64_t		a = 4;
	int64_t		b = 4;

	(void) state;
	electra_truncate_round_robin(&a, &b, true, 8);
	assert_int_equal(a, 3);
	assert_int_equal(b, 2);
	for (int a_size = 0; a_size <= 12; a_size++)
	{
		for (int b_size = 0; b_size <= 12; b_size++)
		{
			for (int max_length = 0; max_length <= 30; max_length++)
			{
				int			room = max_length - 3;
				int			a_used = 0;
				int			b_used = 0;

				while (a_used + b_used < room && (a_used < a_size || b_used < b_size))
				{
					a_used += a_used < a_size;
					b_used += a_used + b_used < room && b_used < b_size;
				}
				a = a_size;
				b = b_size;
				electra_truncate(&config, &a, &b, true, max_length);
				assert_int_equal(a, a_used);
				assert_int_equal(b, b_used);
			}
		}
	}
	a = 10;
	electra_truncate(&config, &a, &b, false, 8);
	assert_int_equal(a, 6);
	electra_truncate(&config, &a, &b, false, 1);
	assert_int_equal(a, 0);

	/* Hugging Face's rule gives the odd token to B */
	config.pipeline = ELECTRA_TOKENIZER_BERT;
	a = b = 4;
	electra_truncate(&config, &a, &b, true, 8);
	assert_int_equal(a, 2);
	assert_int_equal(b, 3);
}

static void
test_no_vocabulary(void **state)
{
	electra_tokenizer_config config = keras_config();
	electra_model model;
	electra_tokens tokens = {.capacity = 4};
	electra_error error;
	const int32_t id = 1;
	char	   *text;
	size_t		size;
	void	   *image;

	(void) state;
	config.pipeline = ELECTRA_TOKENIZER_NONE;
	image = fixture_open(&model, &config, "", 0, NULL, 0, &error);
	assert_non_null(image);
	assert_int_equal(tokenize(&model, "a", 1, true, &tokens, &error), ELECTRA_UNSUPPORTED);
	assert_string_equal(error.message, "preset has no vocabulary");
	assert_string_equal(error.hint, "Use electra_encode with token ids.");
	assert_int_equal(electra_detokenize(&model, &id, 1, &text, &size, memory, &error), ELECTRA_UNSUPPORTED);
	assert_null(text);
	free(image);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_decoded),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_special_tokens),
		cmocka_unit_test(test_invalid_text),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_bounded_reading),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_no_vocabulary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What is read over: the rest of words that are too long, white space, and the
 * blocks in which that is done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text_block.h"
#include "tokenizer_twins.h"

/* With vectors and without, for every byte at every place. */
static void
test_alphanumeric(void **state)
{
	uint8_t		block[ELECTRA_ASCII_BLOCK];

	(void) state;
	for (int round = 0; round < 20000; round++)
	{
		uint32_t	expected = 0;

		for (int i = 0; i < ELECTRA_ASCII_BLOCK; i++)
		{
			uint8_t		byte = round < 4096 ? (uint8_t) (round / 16 + (i == round % 16 ? 0 : 7 * i)) :
				(uint8_t) random_below(256);

			block[i] = byte;
			if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
				expected |= 1u << i;
		}
		assert_int_equal(electra_alphanumeric(block), expected);
		assert_int_equal(electra_alphanumeric_portable(block), expected);
	}
	for (int byte = 0; byte < 256; byte++)
	{
		for (int i = 0; i < ELECTRA_ASCII_BLOCK; i++)
		{
			memset(block, i % 2 == 0 ? 0x20 : 0x01, sizeof(block));
			block[i] = (uint8_t) byte;
			assert_int_equal(electra_is_blank(block), byte >= 0x01 && byte <= 0x20);
			assert_int_equal(electra_is_blank_portable(block), byte >= 0x01 && byte <= 0x20);
		}
	}
}

/* The characters of a block as the decoder finds them one by one, structure only. */
static void
assert_block(const uint8_t *bytes)
{
	electra_byte_classes classes = electra_classify_bytes(bytes);
	electra_byte_classes portable = electra_classify_bytes_portable(bytes);
	electra_text_block block = electra_read_text_block(bytes);
	uint64_t	starts[5] = {0};
	int			at = 0;

	assert_memory_equal(&classes, &portable, sizeof(classes));
	while (at < ELECTRA_TEXT_BLOCK)
	{
		int			length = bytes[at] < 0x80 ? 1 : bytes[at] < 0xc0 ? 0 : bytes[at] < 0xe0 ? 2 : bytes[at] < 0xf0 ? 3 : 4;
		int			there = 1;

		while (there < length && at + there < ELECTRA_TEXT_BLOCK && (bytes[at + there] & 0xc0) == 0x80)
			there++;
		if (length == 0 || (there < length && at + there < ELECTRA_TEXT_BLOCK))
		{
			assert_int_equal(block.size, 0);
			return;
		}
		if (there < length)
			break;
		starts[length] |= (uint64_t) 1 << at;
		at += length;
	}
	assert_int_equal(block.size, at);
	assert_true(block.ascii == starts[1] && block.two_bytes == starts[2] && block.three_bytes == starts[3] &&
				block.four_bytes == starts[4]);
}

static void
test_text_block(void **state)
{
	uint8_t		bytes[ELECTRA_TEXT_BLOCK + ELECTRA_UTF8_MAX];

	(void) state;
	for (int round = 0; round < 20000; round++)
	{
		int			size = 0;

		while (size < ELECTRA_TEXT_BLOCK)
		{
			uint32_t	code_point = random_below(round % 2 == 0 ? 0x110000 : random_below(2) == 0 ? 0x800 : 0x80);

			size += electra_utf8_encode(code_point, bytes + size);
		}
		if (round % 3 == 0)
			bytes[random_below(ELECTRA_TEXT_BLOCK)] = (uint8_t) random_below(256);
		assert_block(bytes);
	}
}

/*
 * Behind a word that is too long, whatever ends it or does not: characters of
 * every script, marks that are held back, what begins an added token, invalid
 * bytes; at each distance from the end of a block and of the text.
 */
static void
test_overlong_words(void **state)
{
	size_t		vocabulary_size;
	char	   *vocabulary = make_characters(&vocabulary_size);
	char		added[512];
	size_t		added_size = make_added(vocabulary, vocabulary_size, added);

	(void) state;
	for (uint32_t options = 0; options < NUM_OPTIONS; options++)
	{
		electra_tokenizer_config config = config_of(options);
		twins		t;

		open_twins(&t, &config, vocabulary, vocabulary_size, options % 3 == 0 ? added : special_tokens,
				   options % 3 == 0 ? added_size : sizeof(special_tokens));
		for (int round = 0; round < 200; round++)
		{
			static const char *const endless[] = {
				"a", "Z9", "\xc3\xa9", "\xd0\xb6", "\xe0\xb8\x81", "\xed\x95\x9c", "\xe0\xa4\x95\xe0\xa5\x8d",
				"a\xcc\x81", "\xe3\x80\xae", "\xf0\x9d\x85\xa5", "\xf0\x9d\x90\x80", "\xe3\x81\x8b\xe3\x82\x99",
				"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xcc\xb4\xcc\x81\xe3\x80\xae"
			};
			char		text[8192];
			size_t		size = 0;

			for (uint32_t part = 0; part < 3; part++)
			{
				uint32_t	length = 101 + random_below(part == 0 ? 1 : 140);

				for (uint32_t i = 0; i < length; i++)
				{
					const char *unit = endless[(size_t) (round % 3 == 0 ? random_below(1000) : (uint32_t) round + part) %
											   (sizeof(endless) / sizeof(endless[0]))];

					memcpy(text + size, unit, strlen(unit));
					size += strlen(unit);
				}
				size += make_text(text + size, random_below(4));
				/* any character of two and more bytes */
				size += (size_t) electra_utf8_encode(0x80 + random_below(part == 0 ? 0x780 : part == 1 ? 0xd000 : 0xd700),
													 (uint8_t *) text + size);
			}
			assert_same(&t, text, size);
			if (round % 4 == 0)
			{
				text[random_below((uint32_t) size)] = (char) (0x80 + random_below(128));
				assert_same(&t, text, size);
			}
		}
		close_twins(&t);
	}
	free(vocabulary);
}

/* Runs of what is nothing or white space, of any length. */
static void
test_blank_runs(void **state)
{
	static const char *const blanks[] = {
		" ", "\t", "\n", "\x01", "\x7f", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x8b", "\xc2\xad", "\xcc\x81",
		"\xf3\xa0\x80\xa0", "\xf0\x9d\x85\xb3"
	};
	size_t		vocabulary_size;
	char	   *vocabulary = make_characters(&vocabulary_size);

	(void) state;
	for (uint32_t options = 0; options < NUM_OPTIONS; options++)
	{
		electra_tokenizer_config config = config_of(options);
		twins		t;

		open_twins(&t, &config, vocabulary, vocabulary_size, special_tokens, sizeof(special_tokens));
		for (int round = 0; round < 200; round++)
		{
			char		text[1024];
			size_t		size = make_text(text, random_below(3));

			for (uint32_t run = random_below(100); run > 0; run--)
			{
				const char *unit = blanks[(round % 2 == 0 ? random_below(1000) : (uint32_t) round) %
										  (sizeof(blanks) / sizeof(blanks[0]))];

				memcpy(text + size, unit, strlen(unit));
				size += strlen(unit);
			}
			assert_same(&t, text, size);
			size += make_text(text + size, random_below(3));
			assert_same(&t, text, size);
		}
		close_twins(&t);
	}
	free(vocabulary);
}

/* A word that never ends is one token, and behind the last token that is wanted nothing is read. */
static void
test_endless_words(void **state)
{
	static const char *const letters[] = {
		"a", "Z9", "\xc3\xa9", "\xd0\xb6", "\xe0\xb8\x81", "\xed\x95\x9c", "a\xcc\x81", "\xf0\x9d\x90\x80",
		"a\xc2\xad\xe1\x85\xa1"
	};
	size_t		vocabulary_size;
	char	   *vocabulary = make_characters(&vocabulary_size);

	(void) state;
	for (uint32_t options = 0; options < NUM_OPTIONS; options += 16)
	{
		electra_tokenizer_config config = config_of(options + 8 * (options == 16));
		twins		t;

		/* here the soft hyphen ends a word */
		open_twins(&t, &config, vocabulary, vocabulary_size, special_tokens, sizeof(special_tokens));
		for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]) - (options == 16); i++)
		{
			size_t		size = 200000 / strlen(letters[i]) * strlen(letters[i]);
			char	   *text = repeat(letters[i], size + 2);
			electra_tokens tokens = {.capacity = INT64_MAX};
			electra_error error;

			assert_int_equal(electra_tokenize(&t.fast, text, size, true, &tokens, memory, NULL, &error), ELECTRA_OK);
			assert_int_equal(tokens.count, 1);
			memcpy(text + size, ".a", 2);
			assert_int_equal(electra_tokenize(&t.fast, text, size + 2, true, &tokens, memory, NULL, &error), ELECTRA_OK);
			assert_int_equal(tokens.count, 3);
			/* invalid behind its first 1000 bytes, where nothing is wanted any more */
			memset(text + 2000, 0xff, size - 2000);
			tokens.capacity = 0;
			assert_int_equal(electra_tokenize(&t.fast, text, size, true, &tokens, memory, NULL, &error), ELECTRA_OK);
			assert_true(tokens.truncated);
			free(text);
		}
		close_twins(&t);
	}
	free(vocabulary);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alphanumeric),
		cmocka_unit_test(test_text_block),
		cmocka_unit_test(test_overlong_words),
		cmocka_unit_test(test_blank_runs),
		cmocka_unit_test(test_endless_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Words read straight out of a text against the pipelines' own steps, which say
 * what the ids are (and are compared with the references by test/parity), and
 * the automaton against the walk from piece to piece: on every kind of code
 * point, on random texts, at every place of a block, in slices, over random
 * vocabularies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ascii_block.h"
#include "core/kernels.h"
#include "tokenizer_golden.h"
#include "tokenizer_twins.h"

static void
test_every_code_point(void **state)
{
	size_t		size;
	char	   *vocabulary = make_characters(&size);

	(void) state;
	for (uint32_t options = 0; options < NUM_OPTIONS; options++)
	{
		electra_tokenizer_config config = config_of(options);
		uint32_t	step = options == 0 || options == 24 ? 1 : 29;
		twins		t;

		open_twins(&t, &config, vocabulary, size, special_tokens, sizeof(special_tokens));
		for (uint32_t c = options == 24 ? 0 : options; c < 0x110000; c += c < 0x3100 || (c >= 0xa000 && c < 0xb000) ||
			 (c >= 0xf900 && c < 0x11000) ? step : 293)
		{
			uint8_t		bytes[ELECTRA_UTF8_MAX];
			char		text[64];
			int			length = electra_utf8_encode(c, bytes);
			size_t		text_size = 0;

			if (c >= 0xd800 && c < 0xe000)
				continue;
			/* alone, within a word, behind itself, in front of an accent, of what composes with it */
			for (int form = 0; form < 5; form++)
			{
				static const char *const before[] = {"", "a", "", "e", "\xe1\x84\x92"};
				static const char *const behind[] = {" a", "b", "", "\xcc\x81 x", "\xe1\x85\xa1"};

				text_size += (size_t) sprintf(text + text_size, "%s", before[form]);
				for (int i = 0; i < (form == 2 ? 2 : 1); i++, text_size += (size_t) length)
					memcpy(text + text_size, bytes, (size_t) length);
				text_size += (size_t) sprintf(text + text_size, "%s", behind[form]);
				text[text_size++] = ' ';
			}
			assert_same(&t, text, text_size);
		}
		close_twins(&t);
	}
	free(vocabulary);
}

static void
test_random_texts(void **state)
{
	size_t		vocabulary_size;
	char	   *vocabulary = make_characters(&vocabulary_size);
	char		added[512];

	(void) state;
	for (uint32_t options = 0; options < NUM_OPTIONS; options++)
	{
		electra_tokenizer_config config = config_of(options);
		twins		t;

		config.max_word_chars = options % 3 == 2 ? 40 : 100;
		config.special_tokens_in_strings = options == 31;
		open_twins(&t, &config, vocabulary, vocabulary_size, options % 2 == 0 ? special_tokens : added,
				   options % 2 == 0 ? sizeof(special_tokens) : make_added(vocabulary, vocabulary_size, added));
		for (int round = 0; round < 150; round++)
		{
			char		text[2048];
			size_t		size = make_text(text, 1 + random_below(30));

			assert_same(&t, text, size);
			/* invalid somewhere: the same error */
			if (size > 0 && round % 4 == 0)
			{
				text[random_below((uint32_t) size)] = (char) (0x80 + random_below(128));
				assert_same(&t, text, size);
			}
			/* any bytes of ASCII */
			for (size_t i = 0; i < 100; i++)
				text[i] = (char) random_below(128);
			assert_same(&t, text, random_below(100));
		}
		close_twins(&t);
	}
	free(vocabulary);
}

/* Each unit at each place of a block, and each so far from the end of the text. */
static void
test_block_boundaries(void **state)
{
	size_t		vocabulary_size;
	char	   *vocabulary = make_characters(&vocabulary_size);

	(void) state;
	for (uint32_t options = 0; options < NUM_OPTIONS; options += 16)
	{
		/* Keras's pipeline with its own defaults, which keep accents */
		electra_tokenizer_config config = config_of(options + (options == 16 ? 8 : 0));
		twins		t;

		open_twins(&t, &config, vocabulary, vocabulary_size, special_tokens, sizeof(special_tokens));
		for (size_t unit = 0; unit < sizeof(units) / sizeof(units[0]); unit++)
		{
			for (int before = 0; before <= 2 * ELECTRA_ASCII_BLOCK + 1; before++)
			{
				char		text[256];
				char		letter = before % 3 == 0 ? ' ' : before % 3 == 1 ? 'a' : '.';
				size_t		size = (size_t) before + strlen(units[unit]);

				memset(text, letter, (size_t) before);
				memcpy(text + before, units[unit], strlen(units[unit]));
				for (int behind = 0; behind <= ELECTRA_ASCII_BLOCK; behind++)
				{
					assert_same(&t, text, size);
					text[size++] = letter == 'a' ? 'b' : letter;
				}
			}
		}
		close_twins(&t);
	}
	free(vocabulary);
}

/* Slices of random texts arrive at the ids of the whole, whatever the capacity. */
static void
test_slices_of_random_texts(void **state)
{
	size_t		vocabulary_size;
	char	   *vocabulary = make_characters(&vocabulary_size);

	(void) state;
	for (uint32_t options = 0; options < NUM_OPTIONS; options += 4)
	{
		electra_tokenizer_config config = config_of(options);
		twins		t;

		open_twins(&t, &config, vocabulary, vocabulary_size, special_tokens, sizeof(special_tokens));
		for (int round = 0; round < 20; round++)
		{
			char		text[1024];

			assert_slices(&t.fast, text, make_text(text, 1 + random_below(10)));
		}
		close_twins(&t);
	}
	free(vocabulary);
}

/* A random token over two letters, some of them continuing a word. */
static size_t
make_token(char *out, const char *prefix)
{
	size_t		size = random_below(2) == 0 ? (size_t) sprintf(out, "%s", prefix) : 0;
	uint32_t	length = 1 + random_below(random_below(4) == 0 ? 12 : 4);

	for (uint32_t i = 0; i < length; i++)
		out[size++] = random_below(3) == 0 ? 'b' : 'a';
	out[size] = '\0';
	return size;
}

/* A vocabulary of random tokens, none twice. */
static size_t
make_tokens(char *vocabulary, int count, const char *prefix)
{
	size_t		size = 6;

	memcpy(vocabulary, "[UNK]", 6);
	for (int i = 0; i < count; i++)
	{
		char		token[64];
		size_t		token_size = make_token(token, prefix);
		bool		known = false;

		for (size_t at = 0; at < size && !known; at += strlen(vocabulary + at) + 1)
			known = strcmp(vocabulary + at, token) == 0;
		if (!known)
		{
			memcpy(vocabulary + size, token, token_size + 1);
			size += token_size + 1;
		}
	}
	return size;
}

/*
 * The automaton says what the walk says, for vocabularies in which nearly every
 * match has to be given up for a shorter one, and prefixes that words can begin
 * with.
 */
static void
test_random_vocabularies(void **state)
{
	static const char *const prefixes[] = {"##", "", "a", "ab", "#", "b"};

	(void) state;
	for (int round = 0; round < 120; round++)
	{
		const char *prefix = prefixes[(size_t) round % (sizeof(prefixes) / sizeof(prefixes[0]))];
		electra_tokenizer_config config = config_of(round % 12 < 6 ? 0 : 16 + 8);
		char		vocabulary[4096];
		size_t		size = make_tokens(vocabulary, 3 + (int) random_below(30), prefix);
		twins		t;

		strcpy(config.continuing_prefix, prefix);
		open_twins(&t, &config, vocabulary, size, NULL, 0);
		for (int i = 0; i < 60; i++)
		{
			char		text[256];
			size_t		length = random_below(110);

			for (size_t j = 0; j < length; j++)
				text[j] = random_below(40) == 0 ? (random_below(2) == 0 ? ' ' : '#') : random_below(4) == 0 ? 'b' : 'a';
			assert_same(&t, text, length);
		}
		close_twins(&t);
	}
}

/* Transitions and failures for a word, counted. */
static int
count_steps(const electra_automaton *automaton, const char *word, size_t size, electra_match *match)
{
	int			steps = 0;

	electra_match_begin(match);
	for (size_t i = 0; i < size; i++)
	{
		uint32_t	child;

		while ((child = electra_automaton_child(automaton, match->state, (uint8_t) word[i])) == ELECTRA_MAX_STATES)
		{
			steps++;
			if (!electra_match_fail(match, automaton))
				return steps;
		}
		match->state = child;
		steps++;
	}
	while (match->state != automaton->continuing && electra_match_fail(match, automaton))
		steps++;
	return steps;
}

/* Two steps a byte at most, whatever word and vocabulary; the walk would take 100 for some. */
static void
test_linear_steps(void **state)
{
	electra_tokenizer_config config = fixture_config();
	char		vocabulary[16384] = "[UNK]\0a\0##a\0##b\0";
	char		word[100];
	size_t		size = 16;
	electra_error error;
	void	   *section;
	size_t		section_size;
	electra_automaton automaton;
	electra_match match;

	(void) state;
	/* ##aa…ac of every length: a word of a's is a path of each of them until its end */
	for (int length = 1; length < 90; length++)
	{
		size += (size_t) sprintf(vocabulary + size, "##");
		memset(vocabulary + size, 'a', (size_t) length);
		size += (size_t) length;
		size += (size_t) sprintf(vocabulary + size, "c") + 1;
	}
	assert_int_equal(electra_vocabulary_build(&config, 200, vocabulary, size, NULL, 0, memory,
											  &section, &section_size, &error), ELECTRA_OK);
	automaton = electra_vocabulary_automaton(section);
	assert_true(automaton.num_states > 0);
	for (size_t length = 1; length <= sizeof(word); length++)
	{
		static const char ends[] = "abc!";

		memset(word, 'a', sizeof(word));
		for (int end = 0; end < 4; end++)
		{
			word[length - 1] = ends[end];
			assert_true(count_steps(&automaton, word, length, &match) <= 2 * (int) length + 1);
		}
		for (int round = 0; round < 100; round++)
		{
			for (size_t i = 0; i < length; i++)
				word[i] = random_below(9) == 0 ? 'b' : random_below(20) == 0 ? 'c' : 'a';
			assert_true(count_steps(&automaton, word, length, &match) <= 2 * (int) length + 1);
		}
	}
	free(section);
}

/* The set of kernels in use changes nothing here. */
static void
test_kernel_sets(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_kernel_set chosen = electra_kernels_chosen();
	electra_error error;
	electra_model model;
	void	   *image = fixture_open(&model, &config, golden_vocabulary, sizeof(golden_vocabulary) - 1,
									 golden_added, sizeof(golden_added) - 1, &error);

	(void) state;
	assert_non_null(image);
	for (int set = 0; set < ELECTRA_NUM_KERNEL_SETS; set++)
	{
		if (!electra_kernels_choose((electra_kernel_set) set))
			continue;
		for (size_t i = 0; i < sizeof(golden_texts) / sizeof(golden_texts[0]); i++)
			assert_ids(&model, golden_texts[i].text, golden_texts[i].size, golden_texts[i].ids);
	}
	assert_true(electra_kernels_choose(chosen));
	free(image);
}

/* No allocation a token: as many for a text as for a thousand of it. */
static void
test_allocations(void **state)
{
	electra_tokenizer_config config = fixture_config();
	size_t		vocabulary_size;
	char	   *vocabulary = make_characters(&vocabulary_size);
	const char *sentence = "The there abcdefghijklmnopq caf\xc3\xa9, \xe4\xb8\xad\xe6\x96\x87 \xed\x95\x9c zzz. ";
	char	   *text = repeat(sentence, 1000 * strlen(sentence));
	int			calls[2];
	twins		t;

	(void) state;
	open_twins(&t, &config, vocabulary, vocabulary_size, special_tokens, sizeof(special_tokens));
	for (int i = 0; i < 2; i++)
	{
		accounting	account = {.calls_left = 1000};
		electra_allocator counted = {account_alloc, account_release, &account};
		electra_tokens tokens = {.capacity = INT64_MAX};
		electra_error error;

		assert_int_equal(electra_tokenize(&t.fast, text, strlen(sentence) * (i == 0 ? 1 : 1000), true, &tokens,
										  &counted, NULL, &error), ELECTRA_OK);
		assert_int_equal(account.in_use, 0);
		calls[i] = 1000 - account.calls_left;
	}
	assert_int_equal(calls[0], calls[1]);
	free(text);
	free(vocabulary);
	close_twins(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_random_texts),
		cmocka_unit_test(test_block_boundaries),
		cmocka_unit_test(test_slices_of_random_texts),
		cmocka_unit_test(test_random_vocabularies),
		cmocka_unit_test(test_linear_steps),
		cmocka_unit_test(test_kernel_sets),
		cmocka_unit_test(test_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

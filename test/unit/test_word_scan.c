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
#include "core/utf8.h"
#include "core/vocabulary_section.h"
#include "tokenizer_checks.h"
#include "tokenizer_golden.h"

#define NUM_OPTIONS 32

/* The same vocabulary twice. */
typedef struct twins
{
	electra_model fast;
	electra_model careful;		/* without automaton, map and table: every word
								 * goes the long way */
	void	   *fast_image;
	void	   *careful_image;
} twins;

static uint64_t random_state = 1;

static uint32_t
random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t) ((random_state >> 33) % bound);
}

static electra_vocabulary_header *
section_of(const electra_model *model)
{
	return (electra_vocabulary_header *) ((char *) model->header + model->header->vocabulary);
}

static void
open_twins(twins *t, const electra_tokenizer_config *config, const char *vocabulary, size_t vocabulary_size,
		   const char *added, size_t added_size)
{
	electra_vocabulary_header *section;
	electra_error error;

	t->fast_image = fixture_open(&t->fast, config, vocabulary, vocabulary_size, added, added_size, &error);
	if (t->fast_image == NULL)
		fail_msg("%s: %s", error.message, error.detail);
	t->careful_image = fixture_open(&t->careful, config, vocabulary, vocabulary_size, added, added_size, &error);
	assert_non_null(t->careful_image);
	section = section_of(&t->careful);
	section->num_states = section->continuing_state = section->num_char_blocks = section->table_bits = 0;
	assert_int_equal(electra_vocabulary_check(section, section->size, t->careful.header->config.vocab_size, &error),
					 ELECTRA_OK);
}

static void
close_twins(twins *t)
{
	free(t->fast_image);
	free(t->careful_image);
}

static electra_tokenizer_config
config_of(uint32_t options)
{
	electra_tokenizer_config config = fixture_config();

	config.clean_text = (options & 1) == 0;
	config.tokenize_chinese_chars = (options & 2) == 0;
	config.lowercase = (options & 4) == 0;
	config.strip_accents = (options & 8) == 0;
	config.pipeline = options & 16 ? ELECTRA_TOKENIZER_KERAS : ELECTRA_TOKENIZER_BERT;
	return config;
}

static void
assert_same(const twins *t, const char *text, size_t size)
{
	static int32_t fast_ids[4096];
	static int32_t careful_ids[4096];
	electra_tokens fast = {.ids = fast_ids, .capacity = 4096};
	electra_tokens careful = {.ids = careful_ids, .capacity = 4096};
	electra_error fast_error;
	electra_error careful_error;
	electra_status status = tokenize(&t->fast, text, size, true, &fast, &fast_error);

	assert_int_equal(status, tokenize(&t->careful, text, size, true, &careful, &careful_error));
	if (status != ELECTRA_OK)
	{
		assert_string_equal(fast_error.message, careful_error.message);
		assert_string_equal(fast_error.detail, careful_error.detail);
		return;
	}
	if (fast.count != careful.count ||
		memcmp(fast_ids, careful_ids, (size_t) fast.count * sizeof(int32_t)) != 0)
	{
		char		got[2048];
		char		expected[2048];

		print_ids(fast_ids, fast.count < 64 ? fast.count : 64, got, sizeof(got));
		print_ids(careful_ids, careful.count < 64 ? careful.count : 64, expected, sizeof(expected));
		fail_msg("\"%.*s\" (%zu bytes): %s instead of %s", (int) (size < 200 ? size : 200), text, size, got, expected);
	}
	assert_int_equal(fast.truncated, careful.truncated);
}

/* A vocabulary of most characters of the scripts, each as a word and as a rest of one, and some longer pieces. */
static char *
make_characters(size_t *size)
{
	static const uint32_t ranges[][2] = {
		{0x21, 0x590}, {0x600, 0x660}, {0x900, 0x9ff}, {0xe00, 0xe7f}, {0x1100, 0x11ff}, {0x1e00, 0x1fff},
		{0x2000, 0x21ff}, {0x3000, 0x3130}, {0x4e00, 0x4e40}, {0xac00, 0xac80}, {0xfb00, 0xfb60},
		{0xff00, 0xffff}, {0x10400, 0x10450}, {0x1d400, 0x1d500}
	};
	static const char pieces[] = "ab\0##ab\0abc\0##b1\0the\0there\0##re\0abcdefgh\0abcdefghi\0abcdefghijkl\0"
		"abcdefghijklm\0abcdefghijklmnopq\0##ijklm\0aa\0##aa\0aaaa\0##aaaaa\0\xce\xb1\xce\xb2\0##\xce\xb2\xce\xb3\0"
		"\xe4\xb8\xad\xe6\x96\x87\0##\xcc\x81" "e\0\xcc\x81" "e\0The\0THE\0##...\0...\0ss\0##ss\0"
		"<e>\0<e>s\0[L]\0[R]\0zq\0\xc3\xa9\xc3\xa9\0 .\0";
	char	   *vocabulary = malloc(1 << 20);

	assert_non_null(vocabulary);
	memcpy(vocabulary, "[UNK]\0[CLS]\0[SEP]\0[PAD]\0[MASK]", 31);
	*size = 31;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
	{
		for (uint32_t c = ranges[i][0]; c < ranges[i][1]; c++)
		{
			uint8_t		bytes[ELECTRA_UTF8_MAX];
			int			length = electra_utf8_encode(c, bytes);

			/* one gap in a while, so that words are unknown */
			if (c % 61 != 0)
				*size += (size_t) sprintf(vocabulary + *size, "%.*s", length, (char *) bytes) + 1;
			if (c % 67 != 0)
				*size += (size_t) sprintf(vocabulary + *size, "##%.*s", length, (char *) bytes) + 1;
		}
	}
	memcpy(vocabulary + *size, pieces, sizeof(pieces) - 1);
	*size += sizeof(pieces) - 1;
	return vocabulary;
}

static const char special_tokens[] = "0 s [UNK]\0" "1 s [CLS]\0" "2 s [SEP]\0" "3 s [PAD]\0" "4 ls [MASK]";

/* Those, and more that are found in the text as it is; the size comes back. */
static size_t
make_added(const char *vocabulary, size_t size, char *added)
{
	static const struct
	{
		const char *token;
		const char *flags;
	}			more[] = {
		{"<e>", "-"}, {"<e>s", "w"}, {"[L]", "l"}, {"[R]", "r"}, {"zq", "w"}, {"\xc3\xa9\xc3\xa9", "-"}, {" .", "-"}
	};
	size_t		added_size = sizeof(special_tokens);
	size_t		next = 0;
	int			id = 0;

	memcpy(added, special_tokens, sizeof(special_tokens));
	for (size_t at = 0; at < size; at += strlen(vocabulary + at) + 1, id++)
	{
		if (next < sizeof(more) / sizeof(more[0]) && strcmp(vocabulary + at, more[next].token) == 0)
		{
			added_size += (size_t) sprintf(added + added_size, "%d %s %s", id, more[next].flags, more[next].token) + 1;
			next++;
		}
	}
	assert_int_equal(next, sizeof(more) / sizeof(more[0]));
	return added_size;
}

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

/* What texts are made of: words, pieces of them, and everything that ends, joins or breaks a word. */
static const char *const units[] = {
	"a", "b", "ab", "abc", "the", "The", "there", "abcdefgh", "abcdefghi", "abcdefghijkl", "abcdefghijklm",
	"abcdefghijklmnopq", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "z", "Z9", "7", "=", " ", " ", " ",
	"  ", "\t", "\n", "\x0b", "\x01", "\x7f", ".", ",", "'", "#", "##", "##ab", "_", "-", "[", "[MASK]", "[mask]",
	"[MASK", "]", "\xc3\xa9", "e\xcc\x81", "\xcc\x81", "\xcc\x81\xcc\x82\xcc\x83", "\xc3\x9f", "\xc4\xb0",
	"\xce\xa3", "\xce\xb1\xce\xb2\xce\xb3", "\xd0\x96\xd0\xb6", "\xed\x95\x9c", "\xea\xb0\x80\xea\xb0\x81",
	"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xe4\xb8\xad", "\xe4\xb8\xad\xe6\x96\x87", "\xe3\x81\x8b\xe3\x82\x99",
	"\xe3\x80\x80", "\xe2\x80\xa6", "\xe2\x80\x8b", "\xc2\xad", "\xc2\xa0", "\xef\xac\x81", "\xe3\x80\xae",
	"\xf0\x9d\x85\xa5\xe3\x80\xae", "\xf0\x9d\x90\x80", "\xf0\x90\x90\x80", "\xf0\x9f\x98\x80", "\xef\xb7\xba",
	"<e>", "<e>s", "[L]", "[R] ", "zq", "zqz", "\xc3\xa9\xc3\xa9", " .", "\xef\xb8\x8f", "\xef\xbd\x81", "\xe0\xa4\x95\xe0\xa4\xbf", "\xe0\xb8\x81\xe0\xb8\xb3", "\xc2\xbd"
};

static size_t
make_text(char *text, uint32_t num_units)
{
	size_t		size = 0;

	for (uint32_t i = 0; i < num_units; i++)
	{
		/* long stretches of ASCII too, as real texts have */
		const char *unit = units[random_below(random_below(3) == 0 ? sizeof(units) / sizeof(units[0]) : 38)];

		memcpy(text + size, unit, strlen(unit));
		size += strlen(unit);
	}
	return size;
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
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_random_texts),
		cmocka_unit_test(test_block_boundaries),
		cmocka_unit_test(test_slices_of_random_texts),
		cmocka_unit_test(test_random_vocabularies),
		cmocka_unit_test(test_linear_steps),
		cmocka_unit_test(test_kernel_sets),
		cmocka_unit_test(test_allocations),
		cmocka_unit_test(test_endless_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A tokenizer twice, once with everything that reads words straight out of a
 * text and once with the pipelines' own steps only, which say what the ids are
 * (and are compared with the references by test/parity); and random texts for
 * both.  Included behind cmocka.h.
 */
#ifndef ELECTRA_TOKENIZER_TWINS_H
#define ELECTRA_TOKENIZER_TWINS_H

#include "core/utf8.h"
#include "core/vocabulary_section.h"
#include "tokenizer_checks.h"

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

static inline uint32_t
random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t) ((random_state >> 33) % bound);
}

static inline electra_vocabulary_header *
section_of(const electra_model *model)
{
	return (electra_vocabulary_header *) ((char *) model->header + model->header->vocabulary);
}

static inline void
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

static inline void
close_twins(twins *t)
{
	free(t->fast_image);
	free(t->careful_image);
}

static inline electra_tokenizer_config
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

static inline void
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
static inline char *
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
static inline size_t
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

static inline size_t
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

#endif							/* ELECTRA_TOKENIZER_TWINS_H */

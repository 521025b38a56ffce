/*
 * The frozen tables against utf8proc, where they should agree: Hugging Face's
 * tokenizer follows Unicode 8 to 10 in most, so that a newer library may know
 * more, but must not say something else; Keras-Hub's follows Unicode 15 and 16
 * and may know more than an older library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "core/keras_unicode.h"
#include "core/utf8.h"

#define NUM_CODE_POINTS 0x110000

static bool
is_scalar(uint32_t code_point)
{
	return code_point < 0xd800 || code_point > 0xdfff;
}

/* NFD: what we have is what utf8proc has; it may have more, which is newer than Unicode 10. */
static void
test_decomposition(void **state)
{
	int			decomposed = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];
		utf8proc_int32_t theirs[16];
		int			boundary = 0;
		int			length = electra_unicode_decompose(&electra_bert_unicode, c, parts);
		utf8proc_ssize_t their_length;

		if (!is_scalar(c) || (length == 1 && parts[0] == c))
			continue;
		decomposed++;
		their_length = utf8proc_decompose_char((utf8proc_int32_t) c, theirs, 16, UTF8PROC_DECOMPOSE, &boundary);
		assert_int_equal(length, their_length);
		for (int i = 0; i < length; i++)
			assert_int_equal(parts[i], theirs[i]);
	}
	/* and the syllables of Hangul */
	assert_int_equal(decomposed, 2060 + 11172);
}

/* U+11938 is the one code point of Unicode 14 that the reference does not decompose. */
static void
test_decomposition_is_complete(void **state)
{
	uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];

	(void) state;
	assert_int_equal(electra_unicode_decompose(&electra_bert_unicode, 0x11938, parts), 1);
	for (uint32_t c = 0; c < 0x11938; c++)
	{
		utf8proc_int32_t theirs[16];
		int			boundary = 0;

		/* later than Unicode 14, known to newer libraries */
		if (!is_scalar(c) || (c >= 0x105c9 && c <= 0x105e4) || (c >= 0x11380 && c <= 0x113d0))
			continue;
		assert_int_equal(electra_unicode_decompose(&electra_bert_unicode, c, parts),
						 utf8proc_decompose_char((utf8proc_int32_t) c, theirs, 16, UTF8PROC_DECOMPOSE, &boundary));
	}
}

static void
test_combining_classes(void **state)
{
	int			combining = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		int			class = electra_unicode(c)->combining_class;

		if (class == 0)
			continue;
		combining++;
		assert_int_equal(class, utf8proc_get_property((utf8proc_int32_t) c)->combining_class);
	}
	assert_in_range(combining, 800, 1000);
}

/* Categories of assigned characters hardly ever change; the exceptions by name. */
static void
test_categories(void **state)
{
	int			marks = 0;
	int			punctuation = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		uint16_t	flags = electra_unicode(c)->flags;
		int			category = utf8proc_category((utf8proc_int32_t) c);

		marks += (flags & ELECTRA_NONSPACING_MARK) != 0;
		if ((flags & ELECTRA_NONSPACING_MARK) && c != 0x1734 /* became Mc */ )
			assert_int_equal(category, UTF8PROC_CATEGORY_MN);
		if (!(flags & ELECTRA_PUNCTUATION))
			continue;
		punctuation++;
		if (c >= 0x80 && c != 0x166d && c != 0x111c9)	/* became So and Mn */
			assert_in_range(category, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
	}
	/* 1567 in the reference's set, less 18 that decompose before they are looked up */
	assert_int_equal(marks, 1549);
	assert_int_equal(punctuation, 726);
}

/* All that utf8proc lower-cases we lower-case alike; we may know newer letters. */
static void
test_lower_case(void **state)
{
	int			cased = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		uint32_t	theirs = (uint32_t) utf8proc_tolower((utf8proc_int32_t) c);

		cased += electra_unicode(c)->lower_delta != 0;
		if (theirs != c)
			assert_int_equal((int32_t) c + electra_unicode(c)->lower_delta, theirs);
	}
	assert_in_range(cased, 1400, 1600);
	assert_int_equal(electra_unicode('A')->lower_delta, 32);
	assert_int_equal(electra_unicode(0x3a3)->lower_delta, 32);	/* capital sigma, final or not */
	assert_int_equal(electra_unicode(ELECTRA_CAPITAL_I_WITH_DOT)->lower_delta, 'i' - ELECTRA_CAPITAL_I_WITH_DOT);
}

static void
test_sets(void **state)
{
	(void) state;
	/* upstream's slip: 2b820 … 2b91f are not Chinese */
	assert_false(electra_unicode(0x2b820)->flags & ELECTRA_CHINESE);
	assert_false(electra_unicode(0x2b91f)->flags & ELECTRA_CHINESE);
	assert_true(electra_unicode(0x2b81f)->flags & ELECTRA_CHINESE);
	assert_true(electra_unicode(0x2b920)->flags & ELECTRA_CHINESE);
	assert_true(electra_unicode(0x85)->flags & ELECTRA_CLEAN_DROP);
	assert_true(electra_unicode(0x85)->flags & ELECTRA_WHITE_SPACE);
	assert_true(electra_unicode(0xa0)->flags & ELECTRA_CLEAN_SPACE);
	assert_true(electra_unicode(0x200b)->flags & ELECTRA_CLEAN_DROP);
	assert_true(electra_unicode(0xfffd)->flags & ELECTRA_CLEAN_DROP);
	assert_false(electra_unicode(0x2e43)->flags & ELECTRA_PUNCTUATION); /* Unicode 9 */
	assert_true(electra_unicode(0x2e42)->flags & ELECTRA_PUNCTUATION);
	assert_int_equal(electra_unicode(0x10ffff)->flags, 0);
}

/* All that utf8proc decomposes, Keras's table decomposes alike. */
static void
test_keras_decomposition(void **state)
{
	int			decomposed = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];
		utf8proc_int32_t theirs[16];
		int			boundary = 0;
		int			length = electra_unicode_decompose(&electra_keras_unicode, c, parts);
		utf8proc_ssize_t their_length;

		if (!is_scalar(c))
			continue;
		decomposed += length > 1 || parts[0] != c;
		their_length = utf8proc_decompose_char((utf8proc_int32_t) c, theirs, 16, UTF8PROC_DECOMPOSE, &boundary);
		if (their_length == 1 && theirs[0] == (utf8proc_int32_t) c)
			continue;
		assert_int_equal(length, their_length);
		for (int i = 0; i < length; i++)
			assert_int_equal(parts[i], theirs[i]);
	}
	/* of Unicode 16, and the syllables of Hangul */
	assert_int_equal(decomposed, 2081 + 11172);
}

/* Case folding of a code point, as keras_fold.c takes it from the tables, canonically decomposed. */
static int
fold(uint32_t c, uint32_t *parts)
{
	const electra_unicode_record *record = electra_keras(c);
	const uint32_t single = (uint32_t) ((int32_t) c + record->lower_delta);
	const uint32_t *folded = &single;
	uint32_t	count = 1;
	int			length = 0;

	if (record->flags & ELECTRA_FOLD_DROPS)
		count = 0;
	else if (record->flags & ELECTRA_FOLD_EXPANDS)
		count = electra_expansion(&electra_keras_folds, c, &folded);
	for (uint32_t i = 0; i < count; i++)
		length += electra_unicode_decompose(&electra_keras_unicode, folded[i], parts + length);
	return length;
}

/* The same as utf8proc folds it with compatibility decomposition and without ignorables. */
static void
test_keras_fold(void **state)
{
	int			changed = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		uint32_t	parts[64];
		utf8proc_int32_t theirs[64];
		int			boundary = 0;
		int			length;

		/* what is not assigned for utf8proc may be for us */
		if (!is_scalar(c) || utf8proc_category((utf8proc_int32_t) c) == UTF8PROC_CATEGORY_CN)
			continue;
		length = fold(c, parts);
		assert_int_equal(length, utf8proc_decompose_char((utf8proc_int32_t) c, theirs, 64,
														 UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
														 UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundary));
		for (int i = 0; i < length; i++)
			assert_int_equal(parts[i], theirs[i]);
		changed += length != 1 || parts[0] != c;
	}
	assert_in_range(changed, 18000, 19000);
}

/* A composite decomposes to what its two parts decompose to. */
static void
test_keras_composition(void **state)
{
	(void) state;
	for (uint32_t i = 0; i < electra_num_keras_compositions; i++)
	{
		const electra_composition *pair = &electra_keras_compositions[i];
		uint32_t	whole[ELECTRA_MAX_DECOMPOSITION];
		uint32_t	parts[2 * ELECTRA_MAX_DECOMPOSITION];
		int			length = electra_unicode_decompose(&electra_keras_unicode, pair->first, parts);

		length += electra_unicode_decompose(&electra_keras_unicode, pair->second, parts + length);
		assert_int_equal(electra_unicode_decompose(&electra_keras_unicode, pair->composite, whole), length);
		assert_memory_equal(whole, parts, (size_t) length * sizeof(*whole));
		assert_int_equal(electra_keras_compose(pair->first, pair->second), pair->composite);
		assert_true(electra_keras(pair->second)->flags & ELECTRA_COMPOSES_BACK);
	}
	for (uint32_t c = ELECTRA_HANGUL_FIRST; c <= ELECTRA_HANGUL_LAST; c++)
	{
		uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];
		int			length = electra_unicode_decompose(&electra_keras_unicode, c, parts);
		uint32_t	composed = electra_keras_compose(parts[0], parts[1]);

		assert_int_equal(length == 2 ? composed : electra_keras_compose(composed, parts[2]), c);
	}
	assert_int_equal(electra_keras_compose('a', 'b'), 0);
	assert_int_equal(electra_keras_compose(0xac01, 0x11a8), 0);
	assert_int_equal(electra_keras_compose(0xac00, ELECTRA_JAMO_TRAILING), 0);
}

static void
test_keras_sets(void **state)
{
	int			marks = 0;
	int			punctuation = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		marks += (electra_keras(c)->flags & ELECTRA_NONSPACING_MARK) != 0;
		punctuation += (electra_keras(c)->flags & ELECTRA_PUNCTUATION) != 0;
	}
	/* of Unicode 15: 1985 Mn; 842 P and the 9 of ASCII that are symbols */
	assert_int_equal(marks, 1985);
	assert_int_equal(punctuation, 842 + 9);
	assert_true(electra_keras(0x2b820)->flags & ELECTRA_CHINESE);
	assert_true(electra_keras(0x2ceaf)->flags & ELECTRA_CHINESE);
	assert_false(electra_keras(0x2ceb0)->flags & ELECTRA_CHINESE);
	assert_true(electra_keras(0x0b)->flags & ELECTRA_WHITE_SPACE);	/* a control character */
	assert_true(electra_keras(0xad)->flags & ELECTRA_WHITE_SPACE);	/* a format character */
	assert_false(electra_keras(0xa0)->flags & ELECTRA_WHITE_SPACE);
	assert_false(electra_keras(0x3000)->flags & ELECTRA_WHITE_SPACE);
	assert_true(electra_keras(0x2e43)->flags & ELECTRA_PUNCTUATION);
	assert_true(electra_keras(0x34f)->flags & ELECTRA_FOLD_DROPS);
}

/* Our decoder accepts what utf8proc accepts, and tells "cut" from "invalid". */
static void
test_utf8(void **state)
{
	uint8_t		bytes[ELECTRA_UTF8_MAX];
	uint32_t	decoded = 0;

	(void) state;
	for (uint32_t c = 0; c < NUM_CODE_POINTS; c++)
	{
		int			length;

		if (!is_scalar(c))
			continue;
		length = electra_utf8_encode(c, bytes);
		assert_int_equal(electra_utf8_decode(bytes, (size_t) length, &decoded), length);
		assert_int_equal(decoded, c);
		for (int cut = 1; cut < length; cut++)
			assert_int_equal(electra_utf8_decode(bytes, (size_t) cut, &decoded), 0);
	}
}

static void
test_utf8_invalid(void **state)
{
	static const char *const invalid[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe",
		"\xc3\x28", "\xe2\x28\xa1", "\xe2\x82\x28", "\xf0\x9f\x28\x80", "\xf0\x9f\x98\x28"
	};
	uint32_t	decoded = 0;

	(void) state;
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		assert_int_equal(electra_utf8_decode((const uint8_t *) invalid[i], strlen(invalid[i]), &decoded),
						 ELECTRA_UTF8_INVALID);
	/* all two-byte strings: the same answer as utf8proc, but for those that are cut */
	for (int first = 0x80; first < 0x100; first++)
	{
		for (int second = 0; second < 0x100; second++)
		{
			uint8_t		bytes[2] = {(uint8_t) first, (uint8_t) second};
			utf8proc_int32_t theirs;
			int			length = electra_utf8_decode(bytes, 2, &decoded);
			utf8proc_ssize_t their_length = utf8proc_iterate(bytes, 2, &theirs);

			if (length == 2)
				assert_int_equal(decoded, theirs);
			else
				assert_true(their_length < 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decomposition),
		cmocka_unit_test(test_decomposition_is_complete),
		cmocka_unit_test(test_combining_classes),
		cmocka_unit_test(test_categories),
		cmocka_unit_test(test_lower_case),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_keras_decomposition),
		cmocka_unit_test(test_keras_fold),
		cmocka_unit_test(test_keras_composition),
		cmocka_unit_test(test_keras_sets),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Texts and the ids that tokenizers 0.23.3 gives them, configured as
 * transformers 5.23 does; ids back to text likewise.  Written by
 * test/parity/make_tokenizer_golden.py.
 */
#ifndef ELECTRA_TOKENIZER_GOLDEN_H
#define ELECTRA_TOKENIZER_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

static const char golden_vocabulary[] =
	"[UNK]\0" "[CLS]\0" "[SEP]\0" "[PAD]\0" "[MASK]\0" "a\0"
	"b\0" "##b\0" "x\0" "y\0" "q\0" "cafe\0"
	"istanbul\0" "i\xcc\x87\0" "strasse\0" "##\xc3\x9f\0" "stra\0" "##e\0"
	"\xce\xbf\xce\xb4\xce\xbf\xcf\x83\0" "\xce\xbf\xce\xb4\xce\xbf\xcf\x82\0" "\xef\xac\x81\0" "\xc2\xbd\0" "\xe2\x80\xa6\0" "\xe1\x84\x92\0"
	"##\xe1\x85\xa1\0" "##\xe1\x86\xab\0" "\xe4\xb8\xad\0" "\xe6\x96\x87\0" "text\0" "hello\0"
	"#\0" "##hello\0" "##\0" "##a\0" "aa\0" "##aa\0"
	"mask\0" "\xc3\xa9\0" "##\xc3\xa9\0" "##\xef\xb8\x8f\0" "\xe2\x9d\xa4\0" "\xe2\x9d\xa4\xef\xb8\x8f\0"
	"the\0" "quick\0" "brown\0" "fox\0" ".\0" ",\0"
	"\xe2\xb9\x83\0" "\xf0\xab\xa0\xa0\0" "\xf0\xab\xa4\xa0\0" "soft\0" "##\xf0\xab\xa0\xa0\0" "foo\0"
	"##bar\0" "don\0" "'\0" "t\0" "do\0" "not\0"
	"n't\0" "!\0" "[\0" "]\0" "un\0" "##aff\0"
	"##able\0"
	"<e>\0" "<e>s\0" "[L]\0" "[R]\0" "Foo Q\0" "covid\0" "S\xc3\x93\0" "x y\0" "don't\0" "q \0";

static const char golden_added[] =
	"0 s [UNK]\0"
	"1 s [CLS]\0"
	"2 s [SEP]\0"
	"3 s [PAD]\0"
	"4 s [MASK]\0"
	"67 o <e>\0"
	"68 wo <e>s\0"
	"69 lo [L]\0"
	"70 ro [R]\0"
	"71 no Foo Q\0"
	"72 wno covid\0"
	"73 nso S\xc3\x93\0"
	"74 no x y\0"
	"75 o don't\0"
	"76 no q \0";

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct
{
	const char *text;
	size_t		size;
	const char *ids;
}			golden_texts[] = {
	{TEXT(""), ""},
	{TEXT(" "), ""},
	{TEXT("the quick brown fox."), "42 43 44 45 46"},
	{TEXT("a\xc2\xa0" "b"), "5 6"},
	{TEXT("a\xe3\x80\x80" "b"), "5 6"},
	{TEXT("a\xe2\x80\xa8" "b"), "5 6"},
	{TEXT("a\xc2\x85" "b"), "5 7"},
	{TEXT("a\x0b" "b"), "5 7"},
	{TEXT("a\x0c" "b"), "5 7"},
	{TEXT("a\xe2\x80\x8b" "b"), "5 7"},
	{TEXT("so\xc2\xad" "ft"), "73 0"},
	{TEXT("a\xef\xbf\xbd" "b"), "5 7"},
	{TEXT("a\xee\x80\x80" "b"), "5 7"},
	{TEXT("caf\xc3\xa9"), "11"},
	{TEXT("cafe\xcc\x81"), "11"},
	{TEXT("\xc4\xb0stanbul"), "12"},
	{TEXT("stra\xc3\x9f" "e"), "16 15 17"},
	{TEXT("stra\xe1\xba\x9e" "e"), "16 15 17"},
	{TEXT("\xce\x9f\xce\x94\xce\x9f\xce\xa3"), "18"},
	{TEXT("\xef\xac\x81"), "20"},
	{TEXT("\xc2\xbd"), "21"},
	{TEXT("a\xe2\x80\xa6" "b"), "5 22 6"},
	{TEXT("\xed\x95\x9c"), "23 24 25"},
	{TEXT("\xe4\xb8\xad\xe6\x96\x87text"), "26 27 28"},
	{TEXT("a\xf0\xab\xa0\xa0" "b"), "5 52 7"},
	{TEXT("a\xf0\xab\xa4\xa0"), "5 50"},
	{TEXT("a\xe2\xb9\x83" "b"), "0"},
	{TEXT("##hello"), "30 30 29"},
	{TEXT("hello##a"), "29 30 30 5"},
	{TEXT("[mask]"), "62 36 63"},
	{TEXT("a[MASK]b"), "5 4 6"},
	{TEXT("[MASK]x"), "4 8"},
	{TEXT("\xe2\x9d\xa4\xef\xb8\x8f"), "40"},
	{TEXT("\xc3\xa9"), "0"},
	{TEXT("unaffable"), "64 65 66"},
	{TEXT("unaffablex"), "0"},
	{TEXT("don't"), "75"},
	{TEXT("Don't"), "55 56 57"},
	{TEXT("x \xe2\x80\x83y"), "8 9"},
	{TEXT("X\xc2\xa0Y b"), "74 6"},
	{TEXT("foo q"), "71"},
	{TEXT("FOO Qa"), "71 5"},
	{TEXT("foo\xc2\xadq"), "0"},
	{TEXT("foo  q"), "53 10"},
	{TEXT("<e>s"), "68"},
	{TEXT("<e>sb"), "0 0 0 0"},
	{TEXT("<e>s <e>s."), "68 68 46"},
	{TEXT("b<e>s"), "6 0 0 0 0"},
	{TEXT("covid"), "72"},
	{TEXT("covid."), "72 46"},
	{TEXT("COVIDb"), "0"},
	{TEXT("s\xc3\xb3"), "73"},
	{TEXT("SO"), "73"},
	{TEXT("x [L]"), "8 69"},
	{TEXT("x  [L] a"), "8 69 5"},
	{TEXT("[R]  a"), "70 5"},
	{TEXT("[R] q [L]"), "70 10 69"},
	{TEXT("q  [L]"), "10 69"},
	{TEXT("q [MASK]"), "76 4"},
	{TEXT("[R]<e>"), "70 67"},
	{TEXT("[L][R] [L]"), "69 70 69"},
	{TEXT("[CLS] a [SEP]"), "1 5 2"},
	{TEXT("a\x00" "b"), "5 7"},
	{TEXT("a\x7f" "b"), "5 7"},
};

static const struct
{
	int32_t		ids[6];
	int64_t		count;
	const char *text;
}			golden_decoded[] = {
	{{42, 43, 45, 46}, 4, "the quick fox."},
	{{1, 64, 65, 66, 61, 2}, 6, "unaffable!"},
	{{31, 5}, 2, "##hello a"},
	{{55, 56, 57, 5}, 4, "don ' t a"},
	{{5, 56, 6}, 3, "a ' b"},
	{{5, 58, 59}, 3, "a do not"},
	{{5, 60}, 2, "an't"},
	{{73, 5}, 2, "so a"},
	{{71, 5}, 2, "foo q a"},
	{{5, 75, 46, 6}, 4, "a don't. b"},
	{{0}, 0, ""},
	{{4}, 1, ""},
	{{5, 74, 32}, 3, "a x y"},
};

#endif							/* ELECTRA_TOKENIZER_GOLDEN_H */

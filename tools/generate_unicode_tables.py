#!/usr/bin/env python3
"""Writes src/core/unicode_tables.c: what the reference tokenizer does with each code point.

Usage: generate_unicode_tables.py > src/core/unicode_tables.c

Nothing is taken from a Unicode data file: every property is probed from the
reference itself (the Python package `tokenizers`), because each of its
components follows a Unicode version of its own.  Run it again only to follow a
newer reference, and then raise ELECTRA_UNICODE_VERSION in src/core/config.h.
"""

import tokenizers
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from unicode_tables import BIT, CODE_POINTS, Tables, is_hangul, probe_combining_classes, write_head

COMBINING_DOT_ABOVE = 0x307


def bert(**options):
    """A BertNormalizer with only the given steps."""
    steps = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    steps.update(options)
    return normalizers.BertNormalizer(**steps).normalize_str


def tokenizer_with(token):
    """A tokenizer that finds one added token (id 1) and nothing else."""
    tokenizer = Tokenizer(WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([token])
    return tokenizer


def probe_flags():
    """code point -> bits, from the steps of the pipeline one by one."""
    clean = bert(clean_text=True)
    chinese = bert(handle_chinese_chars=True)
    strip = bert(strip_accents=True)
    nfd = normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    single = tokenizer_with(AddedToken("[T]", single_word=True, normalized=False))
    strips = tokenizer_with(AddedToken("[T]", lstrip=True, rstrip=True, normalized=False))
    flags = {}
    for code_point in CODE_POINTS:
        c = chr(code_point)
        bits = 0
        cleaned = clean("a" + c + "b")
        if cleaned == "ab":
            bits |= BIT["CLEAN_DROP"]
        elif cleaned == "a b" and c != " ":
            bits |= BIT["CLEAN_SPACE"]
        else:
            assert cleaned == "a" + c + "b", hex(code_point)
        if chinese(c) != c:
            assert chinese(c) == " " + c + " ", hex(code_point)
            bits |= BIT["CHINESE"]
        pieces = [piece for piece, _ in split("a" + c + "b")]
        if pieces == ["a", "b"]:
            bits |= BIT["WHITE_SPACE"]
        elif pieces == ["a", c, "b"]:
            bits |= BIT["PUNCTUATION"]
        else:
            assert pieces == ["a" + c + "b"], hex(code_point)
        decomposed = nfd(c)
        if decomposed != c:
            bits |= BIT["DECOMPOSES"]
        elif strip(c) == "":
            bits |= BIT["NONSPACING_MARK"]
        # An added token with single_word is found unless a word character touches it.
        found = 1 in single.encode("[T]" + c).ids
        assert found == (1 in single.encode(c + "[T]").ids), hex(code_point)
        if not found:
            bits |= BIT["WORD"]
        # lstrip and rstrip eat exactly what the pre-tokenizer splits on.
        eaten = strips.encode("a" + c + "[T]" + c + "b").offsets[1]
        assert eaten == ((1, 6) if bits & BIT["WHITE_SPACE"] else (2, 5)), hex(code_point)
        flags[code_point] = bits
    return flags


def probe_decompositions():
    """code point -> full canonical decomposition, Hangul left out (it is arithmetic)."""
    nfd = normalizers.NFD().normalize_str
    decompositions = {}
    for code_point in CODE_POINTS:
        result = [ord(x) for x in nfd(chr(code_point))]
        if result != [code_point]:
            if is_hangul(code_point):
                index = code_point - 0xAC00
                jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
                assert result == jamo + ([0x11A7 + index % 28] if index % 28 else []), hex(code_point)
            else:
                decompositions[code_point] = result
    return decompositions


def probe_lower():
    """code point -> lower case of one character by the normalizer."""
    lowercase = bert(lowercase=True)
    return {c: [ord(x) for x in lowercase(chr(c))] for c in CODE_POINTS}


def delta(code_point, lowered):
    """The difference to the lower case; what expands is the business of bert_normalizer.c."""
    if len(lowered) == 1:
        return lowered[0] - code_point
    assert (code_point, lowered) == (0x130, [ord("i"), COMBINING_DOT_ABOVE]), hex(code_point)
    return ord("i") - code_point


def main():
    flags = probe_flags()
    lower = probe_lower()
    decompositions = probe_decompositions()
    nfd = normalizers.NFD().normalize_str
    classes = probe_combining_classes(lambda texts: [nfd(text) for text in texts], decompositions)
    tables = Tables(lambda c: (flags[c], classes.get(c, 0), delta(c, lower[c])))

    write_head("What the reference tokenizer does with each code point, frozen.", "generate_unicode_tables.py",
               f"tokenizers {tokenizers.__version__}", "unicode.h")
    tables.write("electra_unicode")
    tables.write_expansions("electra_decompositions", decompositions)


if __name__ == "__main__":
    main()

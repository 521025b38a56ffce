#!/usr/bin/env python3
"""Writes src/core/unicode_tables.c: what the reference tokenizer does with each code point.

Usage: generate_unicode_tables.py > src/core/unicode_tables.c

Nothing is taken from a Unicode data file: every property is probed from the
reference itself (the Python package `tokenizers`), because each of its
components follows a Unicode version of its own.  Run it again only to follow a
newer reference, and then raise ELECTRA_UNICODE_VERSION in src/core/config.h.
"""

import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
BLOCK = 128
COMBINING_DOT_ABOVE = 0x307

# Bits of electra_unicode_record.flags, in the order of src/core/unicode.h.
FLAGS = ("CLEAN_DROP", "CLEAN_SPACE", "CHINESE", "WHITE_SPACE", "PUNCTUATION", "NONSPACING_MARK",
         "WORD", "DECOMPOSES")
BIT = {name: 1 << index for index, name in enumerate(FLAGS)}


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
            if 0xAC00 <= code_point <= 0xD7A3:
                index = code_point - 0xAC00
                jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
                assert result == jamo + ([0x11A7 + index % 28] if index % 28 else []), hex(code_point)
            else:
                decompositions[code_point] = result
    return decompositions


def probe_combining_classes(decompositions):
    """code point -> canonical combining class (only those that are not 0).

    Found out by what NFD reorders.  A mark of each class comes from
    unicodedata; marks too new for the reference have no class there.
    """
    nfd = normalizers.NFD().normalize_str
    lowest, highest = "\u0334", "\u0345"  # classes 1 and 240

    def reorders(c):
        return nfd(c + lowest) != c + lowest or nfd(highest + c) != highest + c

    marks = {}
    for code_point in CODE_POINTS:
        c = chr(code_point)
        number = unicodedata.combining(c)
        if number and number not in marks and code_point not in decompositions and reorders(c):
            marks[number] = c
    classes = {}
    for code_point in CODE_POINTS:
        c = chr(code_point)
        if code_point in decompositions or 0xAC00 <= code_point <= 0xD7A3 or not reorders(c):
            continue
        equal = [number for number, mark in marks.items()
                 if nfd(c + mark) == c + mark and nfd(mark + c) == mark + c]
        assert len(equal) == 1, hex(code_point)
        classes[code_point] = equal[0]
    return classes


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


def write_numbers(name, kind, numbers, form="%d", per_line=20):
    print(f"\nconst {kind} {name}[{len(numbers)}] = {{")
    for start in range(0, len(numbers), per_line):
        print("\t" + ", ".join(form % number for number in numbers[start:start + per_line]) + ",")
    print("};")


def main():
    flags = probe_flags()
    lower = probe_lower()
    decompositions = probe_decompositions()
    classes = probe_combining_classes(decompositions)

    records, numbers = [], {}
    of_code_point = []
    for code_point in range(0x110000):
        if code_point in flags:
            record = (flags[code_point], classes.get(code_point, 0), delta(code_point, lower[code_point]))
        else:
            record = (0, 0, 0)
        if record not in numbers:
            numbers[record] = len(records)
            records.append(record)
        of_code_point.append(numbers[record])

    # Code points behind the last one with a record of its own share one block.
    blocks, block_numbers, index = [], {}, []
    for start in range(0, 0x110000, BLOCK):
        block = tuple(of_code_point[start:start + BLOCK])
        if block not in block_numbers:
            block_numbers[block] = len(block_numbers)
            blocks.extend(block)
        index.append(block_numbers[block])
    assert len(block_numbers) <= 256 and len(records) <= 65536

    keys, places, data = [], [], []
    for code_point, result in sorted(decompositions.items()):
        assert len(result) <= 4
        keys.append(code_point)
        places.append(len(data) * 4 + len(result) - 1)
        data.extend(result)
    assert max(places) < 65536

    print("/*")
    print(" * What the reference tokenizer does with each code point, frozen.")
    print(" *")
    print(" * Generated by tools/generate_unicode_tables.py; do not edit.")
    print(f" * Probed: tokenizers {tokenizers.__version__}.")
    print(" */")
    print('#include "unicode.h"')
    print(f"\n#if ELECTRA_UNICODE_BLOCK != {BLOCK} || ELECTRA_NUM_DECOMPOSITIONS != {len(keys)}")
    print('#error "unicode.h and unicode_tables.c do not belong together"')
    print("#endif")
    print("\n/* flags, combining class, lower case - code point */")
    print(f"const electra_unicode_record electra_unicode_records[{len(records)}] = {{")
    for start in range(0, len(records), 8):
        print("\t" + ", ".join("{0x%x, %d, %d}" % record for record in records[start:start + 8]) + ",")
    print("};")
    write_numbers("electra_unicode_index", "uint8_t", index, per_line=28)
    write_numbers("electra_unicode_blocks", "uint16_t", blocks, per_line=24)
    write_numbers("electra_decomposition_keys", "uint32_t", keys, "0x%x", per_line=14)
    write_numbers("electra_decomposition_places", "uint16_t", places)
    write_numbers("electra_decomposition_data", "uint32_t", data, "0x%x", per_line=14)


if __name__ == "__main__":
    main()

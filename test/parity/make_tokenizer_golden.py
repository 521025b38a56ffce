#!/usr/bin/env python3
"""Writes test/unit/tokenizer_golden.h: ids and decoded texts from the package tokenizers.

Usage: make_tokenizer_golden.py > test/unit/tokenizer_golden.h

The reference is set up as transformers 5.23 does it for BertTokenizer
(tokenizer_parity.py compares far more texts; these few need no Python when
they are checked).  What the tests know beside it is the meaning of the added
tokens' flags, which are those of core/archive.h.
"""

import tokenizers
from tokenizers import AddedToken

from tokenizer_parity import bert_backend
from tokenizers.normalizers import BertNormalizer

SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]

# The WordPiece vocabulary behind the special tokens.
VOCABULARY = [
    'a', 'b', '##b', 'x', 'y', 'q', 'cafe', 'istanbul', 'i\u0307', 'strasse', '##\xdf', 'stra',
    '##e', '\u03bf\u03b4\u03bf\u03c3', '\u03bf\u03b4\u03bf\u03c2', '\ufb01', '\xbd', '\u2026',
    '\u1112', '##\u1161', '##\u11ab', '\u4e2d', '\u6587', 'text', 'hello', '#', '##hello', '##',
    '##a', 'aa', '##aa', 'mask', '\xe9', '##\xe9', '##\ufe0f', '\u2764', '\u2764\ufe0f', 'the',
    'quick', 'brown', 'fox', '.', ',', '\u2e43', '\U0002b820', '\U0002b920', 'soft', '##\U0002b820',
    'foo', '##bar', 'don', "'", 't', 'do', 'not', "n't", '!', '[', ']', 'un', '##aff', '##able',
]

# Added tokens that are not in it: (flags, content), ids in this order.
ADDED = [
    ("o", '<e>'),
    ("wo", '<e>s'),
    ("lo", '[L]'),
    ("ro", '[R]'),
    ("no", 'Foo Q'),
    ("wno", 'covid'),
    ("nso", 'S\xd3'),
    ("no", 'x y'),
    ("o", "don't"),
    ("no", 'q '),
]

TEXTS = [
    '', ' ', 'the quick brown fox.', 'a\xa0b', 'a\u3000b', 'a\u2028b', 'a\x85b', 'a\x0bb', 'a\x0cb',
    'a\u200bb', 'so\xadft', 'a\ufffdb', 'a\ue000b', 'caf\xe9', 'cafe\u0301', '\u0130stanbul',
    'stra\xdfe', 'stra\u1e9ee', '\u039f\u0394\u039f\u03a3', '\ufb01', '\xbd', 'a\u2026b', '\ud55c',
    '\u4e2d\u6587text', 'a\U0002b820b', 'a\U0002b920', 'a\u2e43b', '##hello', 'hello##a', '[mask]',
    'a[MASK]b', '[MASK]x', '\u2764\ufe0f', '\xe9', 'unaffable', 'unaffablex', "don't", "Don't",
    'x \u2003y', 'X\xa0Y b', 'foo q', 'FOO Qa', 'foo\xadq', 'foo  q', '<e>s', '<e>sb', '<e>s <e>s.',
    'b<e>s', 'covid', 'covid.', 'COVIDb', 's\xf3', 'SO', 'x [L]', 'x  [L] a', '[R]  a', '[R] q [L]',
    'q  [L]', 'q [MASK]', '[R]<e>', '[L][R] [L]', '[CLS] a [SEP]', 'a\x00b', 'a\x7fb',
]

DECODED = [
    [42, 43, 45, 46],
    [1, 64, 65, 66, 61, 2],
    [31, 5],
    [55, 56, 57, 5],
    [5, 56, 6],
    [5, 58, 59],
    [5, 60],
    [73, 5],
    [71, 5],
    [5, 75, 46, 6],
    [],
    [4],
    [5, 74, 32],
]


def c_string(data):
    """A C literal of bytes; cut where a hexadecimal digit would continue an escape."""
    literal, escaped = '"', False
    for byte in data:
        plain = chr(byte)
        if 0x20 <= byte < 0x7F:
            if escaped and plain in "0123456789abcdefABCDEF":
                literal += '" "'
            literal += "\\" + plain if plain in '"\\' else plain
            escaped = False
        else:
            literal += f"\\x{byte:02x}"
            escaped = True
    return literal + '"'


def token_literal(token):
    return c_string(token.encode())[:-1] + '\\0"'


def reference():
    backend = bert_backend({token: i for i, token in enumerate(SPECIAL + VOCABULARY)}, BertNormalizer())
    for flags, content in ADDED:
        token = AddedToken(content, single_word="w" in flags, lstrip="l" in flags, rstrip="r" in flags,
                           normalized="n" in flags, special="s" in flags)
        (backend.add_special_tokens if token.special else backend.add_tokens)([token])
    return backend


def rows(literals, width):
    return "\n".join("\t" + " ".join(literals[i:i + width]) for i in range(0, len(literals), width))


def main():
    backend = reference()
    first = len(SPECIAL + VOCABULARY)
    print(f"""/*
 * Texts and the ids that tokenizers {tokenizers.__version__} gives them, configured as
 * transformers 5.23 does; ids back to text likewise.  Written by
 * test/parity/make_tokenizer_golden.py.
 */
#ifndef ELECTRA_TOKENIZER_GOLDEN_H
#define ELECTRA_TOKENIZER_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

static const char golden_vocabulary[] =""")
    print(rows([token_literal(token) for token in SPECIAL + VOCABULARY], 6))
    print(rows([token_literal(content) for _, content in ADDED], len(ADDED)) + ";\n")
    print("static const char golden_added[] =")
    lines = [f"{i} s {token}" for i, token in enumerate(SPECIAL)]
    for flags, content in ADDED:
        assert backend.token_to_id(content) == first
        lines.append(f"{first} {flags} {content}")
        first += 1
    print(rows([token_literal(line) for line in lines], 1) + ";\n")
    print("#define TEXT(literal) literal, sizeof(literal) - 1\n\nstatic const struct\n{\n\tconst char *text;\n"
          "\tsize_t\t\tsize;\n\tconst char *ids;\n}\t\t\tgolden_texts[] = {")
    for text in TEXTS:
        ids = " ".join(map(str, backend.encode(text, add_special_tokens=False).ids))
        print(f'\t{{TEXT({c_string(text.encode())}), "{ids}"}},')
    print("};\n\nstatic const struct\n{\n\tint32_t\t\tids[6];\n\tint64_t\t\tcount;\n\tconst char *text;\n"
          "}\t\t\tgolden_decoded[] = {")
    for ids in DECODED:
        text = backend.decode(ids, skip_special_tokens=True)
        print(f"\t{{{{{', '.join(map(str, ids or [0]))}}}, {len(ids)}, {c_string(text.encode())}}},")
    print("};\n\n#endif\t\t\t\t\t\t\t/* ELECTRA_TOKENIZER_GOLDEN_H */")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes test/unit/keras_tokenizer_golden.h: ids and texts from Keras-Hub's WordPieceTokenizer in TensorFlow.

Usage: make_keras_tokenizer_golden.py > test/unit/keras_tokenizer_golden.h

keras_tokenizer_parity.py compares far more texts; these few need no Python
when they are checked.  Ids without a token of their own have "[unusedN]".
"""

import importlib.metadata
import os
import random

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_hub
import tensorflow as tf

from keras_tokenizer_parity import CLASS_SPECIAL, KERAS_CORNERS, split
from make_tokenizer_golden import c_string, rows, token_literal
from tokenizer_parity import CORNERS

SIZE = 4420

# The first ids, which unit tests name, and those of the phrase in Keras-Hub's own test.
FIRST = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "a", "##a", "e", "##e", "\u00e9", "##\u00e9", "s", "##s", "b",
         "##b", "##", "...", "caf\u00e9", "cafe", "\u03c3", "##\u03c3", "a b"]
PHRASE = {1012: ".", 1996: "the", 2829: "brown", 4248: "quick", 4419: "fox"}

# (lowercase, strip_accents, special_tokens_in_strings, split_on_cjk)
SETTINGS = [(True, False, False, True), (False, False, False, True), (True, True, True, True), (False, True, True, False)]

DECODED = [
    [1996, 4248, 2829, 4419, 1012], [1, 5, 6, 0, 2, 3], [6, 5, 6], [15, 15, 5, 15], [7, 10, 4, 8], [], [0], [13, 14, 14, 1012, 21, 17],
]


def texts():
    """The corner cases that are not long; unit tests make the long ones."""
    return [text for text in dict.fromkeys(CORNERS + KERAS_CORNERS) if len(text.encode()) <= 60]


def vocabulary():
    tokens = dict.fromkeys(FIRST)
    rng = random.Random(0)
    for piece in split(texts(), True, False, None) + split(texts(), False, True, None):
        for character in piece:
            if rng.random() < 0.97:
                tokens[character] = None
                tokens["##" + character] = None
    for token in PHRASE.values():
        tokens.pop(token, None)
    for token in ("\0", "##\0", " ", "## "):
        tokens.pop(token, None)
    tokens = list(tokens)
    assert len(tokens) <= min(PHRASE)
    return tokens


def main():
    first = vocabulary()
    tokens = first + [f"[unused{i}]" for i in range(len(first), SIZE)]
    for i, token in PHRASE.items():
        tokens[i] = token
    reference = keras_hub.models.ElectraTokenizer(vocabulary=tokens, _allow_python_workflow=False)
    versions = [importlib.metadata.version(package) for package in ("keras-hub", "tensorflow", "tensorflow-text")]
    print(f"""/*
 * Texts and the ids that Keras-Hub {versions[0]} (TensorFlow {versions[1]}, tensorflow-text {versions[2]})
 * gives them; ids back to text likewise.  Written by
 * test/parity/make_keras_tokenizer_golden.py.
 */
#ifndef ELECTRA_KERAS_TOKENIZER_GOLDEN_H
#define ELECTRA_KERAS_TOKENIZER_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tokens of the ids from 0 on, and of some others; the rest, up to the size, is "[unusedN]". */
#define KERAS_GOLDEN_SIZE {SIZE}
#define KERAS_GOLDEN_FIRST {len(first)}

static const char *const keras_golden_first[KERAS_GOLDEN_FIRST] = {{""")
    literals = [c_string(token.encode()) + "," for token in first]
    print(rows(literals, 10))
    print("};\n\nstatic const struct\n{\n\tint32_t\t\tid;\n\tconst char *token;\n}\t\t\tkeras_golden_others[] = {")
    print("\t" + ", ".join(f'{{{i}, "{token}"}}' for i, token in PHRASE.items()))
    print("};\n")
    added = [f"{tokens.index(token)} s {token}" for token in sorted(CLASS_SPECIAL, key=tokens.index)]
    print("static const char keras_golden_added[] =\n" + rows([token_literal(line) for line in added], len(added)) + ";\n")
    print("#define TEXT(literal) literal, sizeof(literal) - 1\n\nstatic const struct\n{\n"
          "\tbool\t\tlowercase;\n\tbool\t\tstrip_accents;\n\tbool\t\tspecial_tokens_in_strings;\n\tbool\t\tsplit_on_cjk;\n"
          "\tconst char *text;\n\tsize_t\t\tsize;\n\tconst char *ids;\n}\t\t\tkeras_golden_texts[] = {")
    for number, settings in enumerate(SETTINGS):
        (reference.lowercase, reference.strip_accents, reference.special_tokens_in_strings,
         reference.split_on_cjk) = settings
        some = texts() if number == 0 else texts()[number::4]
        for text, ids in zip(some, reference.tokenize(some)):
            flags = ", ".join(map(str, map(int, settings)))
            print(f'\t{{{flags}, TEXT({c_string(text.encode())}), "{" ".join(map(str, ids))}"}},')
    print("};\n\nstatic const struct\n{\n\tint32_t\t\tids[8];\n\tint64_t\t\tcount;\n\tconst char *text;\n"
          "}\t\t\tkeras_golden_decoded[] = {")
    for ids, text in zip(DECODED, reference.detokenize(tf.ragged.constant(DECODED, tf.int32))):
        print(f"\t{{{{{', '.join(map(str, ids or [0]))}}}, {len(ids)}, {c_string(text.encode())}}},")
    print("};\n\n#undef TEXT\n\n#endif\t\t\t\t\t\t\t/* ELECTRA_KERAS_TOKENIZER_GOLDEN_H */")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes src/core/keras_unicode_tables.c: what Keras-Hub's WordPieceTokenizer does with each code point.

Usage: KERAS_BACKEND=tensorflow generate_keras_tables.py > src/core/keras_unicode_tables.c

Every property is probed from what the TensorFlow path of the reference runs:
RE2 (tf.strings), and the ICU inside tensorflow-text (normalize_utf8,
case_fold_utf8), for each follows a Unicode version of its own.  Run it again
only to follow a newer reference, and then raise ELECTRA_UNICODE_VERSION in
src/core/config.h.
"""

import importlib.metadata

import tensorflow as tf
import tensorflow_text as tf_text
from keras_hub.src.tokenizers import word_piece_tokenizer as reference

from unicode_tables import BIT, CODE_POINTS, Tables, is_hangul, probe_combining_classes, write_head, write_numbers

# What composes but for Hangul syllables takes in at most this many marks; see keras_fold.c.
MAX_COMPOSED_MARKS = 3

JAMO_VOWELS = range(0x1161, 0x1176)
JAMO_TRAILINGS = range(0x11A8, 0x11C3)


def mapped(operation, texts):
    """operation over texts, as str."""
    return [result.decode() for result in operation(tf.constant(texts)).numpy()]


def nfd(texts):
    return mapped(lambda t: tf_text.normalize_utf8(t, "NFD"), texts)


def nfc(texts):
    return mapped(lambda t: tf_text.normalize_utf8(t, "NFC"), texts)


def fold(texts):
    return mapped(tf_text.case_fold_utf8, texts)


def decompose(text):
    return [ord(c) for c in nfd([text])[0]]


def probe_decompositions():
    """code point -> full canonical decomposition, Hangul left out (it is arithmetic)."""
    results = nfd([chr(c) for c in CODE_POINTS])
    return {c: [ord(x) for x in result] for c, result in zip(CODE_POINTS, results)
            if result != chr(c) and not is_hangul(c)}


def probe_folds(decompositions):
    """code point -> what NFKC_Casefold makes of it, canonically decomposed but for Hangul."""
    folds = {}
    for code_point, result in zip(CODE_POINTS, fold([chr(c) for c in CODE_POINTS])):
        folds[code_point] = [part for x in result for part in decompositions.get(ord(x), [ord(x)])]
    return folds


def probe_compositions(decompositions):
    """(first, second) -> the one code point that NFKC_Casefold composes them to, Hangul left out."""
    composites = [c for c in decompositions if len(decompositions[c]) > 1]
    heads = nfc(["".join(map(chr, decompositions[c][:-1])) for c in composites])
    pairs = [(head, chr(decompositions[c][-1]), chr(c)) for head, c in zip(heads, composites) if len(head) == 1]
    results = fold([first + second for first, second, _ in pairs])
    return {(ord(first), ord(second)): ord(composite)
            for (first, second, composite), result in zip(pairs, results) if result == composite}


def probe_flags(decompositions, folds, compositions):
    """code point -> bits."""
    patterns = (("WHITE_SPACE", reference.WHITESPACE_REGEX), ("PUNCTUATION", reference.PUNCTUATION_REGEX),
                ("CHINESE", reference.CJK_REGEX), ("NONSPACING_MARK", r"\p{Mn}"))
    flags = dict.fromkeys(CODE_POINTS, 0)
    characters = tf.constant([chr(c) for c in CODE_POINTS])
    for name, pattern in patterns:
        matches = tf.strings.regex_full_match(characters, pattern).numpy()
        for code_point, match in zip(CODE_POINTS, matches):
            flags[code_point] |= BIT[name] if match else 0
    backward = {second for _, second in compositions} | set(JAMO_VOWELS) | set(JAMO_TRAILINGS)
    for code_point in CODE_POINTS:
        folded = folds[code_point]
        flags[code_point] |= (
            (BIT["DECOMPOSES"] if code_point in decompositions or is_hangul(code_point) else 0) |
            (BIT["FOLD_DROPS"] if not folded else BIT["FOLD_EXPANDS"] if len(folded) > 1 else 0) |
            (BIT["COMPOSES_BACK"] if code_point in backward else 0))
    return flags


def delta(code_point, folded):
    return folded[0] - code_point if len(folded) == 1 else 0


def main():
    decompositions = probe_decompositions()
    folds = probe_folds(decompositions)
    compositions = probe_compositions(decompositions)
    classes = probe_combining_classes(nfd, decompositions)
    flags = probe_flags(decompositions, folds, compositions)
    tables = Tables(lambda c: (flags[c], classes.get(c, 0), delta(c, folds[c])))
    assert max(map(len, decompositions.values())) <= 1 + MAX_COMPOSED_MARKS
    assert all(result >= 0x80 for result in classes)

    probed = ", ".join(f"{name} {importlib.metadata.version(package)}" for name, package in (
        ("keras-hub", "keras-hub"), ("TensorFlow", "tensorflow"), ("tensorflow-text", "tensorflow-text")))
    write_head("What Keras-Hub's WordPieceTokenizer does with each code point, frozen.", "generate_keras_tables.py",
               probed, "keras_unicode.h")
    tables.write("electra_keras")
    tables.write_expansions("electra_keras_decompositions", decompositions)
    tables.write_expansions("electra_keras_folds", {c: f for c, f in folds.items() if len(f) > 1})
    pairs = sorted(compositions.items())
    write_numbers("electra_keras_compositions", "electra_composition",
                  [(first, second, composite) for (first, second), composite in pairs], "{0x%x, 0x%x, 0x%x}",
                  per_line=6)
    print(f"\nconst uint32_t electra_num_keras_compositions = {len(pairs)};")


if __name__ == "__main__":
    main()

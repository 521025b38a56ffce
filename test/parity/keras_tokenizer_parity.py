#!/usr/bin/env python3
"""Compares our Keras pipeline with Keras-Hub's WordPieceTokenizer in TensorFlow; any difference is a failure.

Usage: KERAS_BACKEND=tensorflow keras_tokenizer_parity.py DRIVER [--texts N] [--seed N]

DRIVER is the program of tokenize_driver.c.  Vocabularies are made for the
texts, so that a wrong character cannot hide in [UNK].  Compared are token ids
of random texts of all scripts and of every code point in several contexts, in
all settings; ids back to text; and truncated, joined pairs against
MultiSegmentPacker.
"""

import argparse
import os
import random
import struct
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_hub
import tensorflow as tf
from keras_hub.src.tokenizers import word_piece_tokenizer

from tokenizer_parity import CORNERS, SPECIAL, Driver, Texts

# Special tokens of ElectraTokenizer, and some that a preset could name; [UNK] is none.  The reference takes the
# first of these that matches, we the longest: the same as long as none begins with one before it.
CLASS_SPECIAL = ["[CLS]", "[SEP]", "[PAD]", "[MASK]"]
OWN_SPECIAL = ["<ent>s", "<ent>", "Foo", "\u4e2d \u6587", " \u4e2d ", "caf\u00e9", "##x", "\u2026", "a b", "\u096c", ".", "\u00df" * 40,
               "Z" * 101, "Z" * 100]

KERAS_CORNERS = [
    "the quick brown fox.", "The Quick\tBROWN\r\nfox .", "\u2025", "\u2026\u2026", "\u00df" * 50, "\u00df" * 51, "\u00e9" * 50,
    "\u00e9" * 51, "\ufb03" * 33, "\ufb03" * 34, "\ufb03" * 34 + " x", "e\u0301" * 50, "e\u0301" * 51, "\u1112\u1161\u11ab" * 33,
    "\u1112\u1161\u11ab" * 34, "\ud55c" * 33, "\ud55c" * 34, "\u034f", "a\u034fb", "\u034f" * 200, "a" + "\u034f" * 200 + "b", "\ufe0f",
    "\u2764\ufe0f\u2764", "\u00a8", "x\u00a8y", "\u3164", "\uffa0", "\ufdfa", "x\ufdfay", "a\u0301\u0323", "a\u0323\u0301", "\u00e1\u0323",
    "a\u0315\u0300\u05ae\u0300\u0301b", "\u0344", "\u1fb3", "\u1f80\u0345", "\u03b1\u0345\u0301", "\u0345", "\u1e9b\u0323", "\u212b\u0323",
    "\u0958", "\u0915\u093c", "\u09c7\u09be", "\u09c7\u0301\u09be", "\u1025\u102e", "\u3131\u314f\u3134", "\u30ab\u3099", "\uff76\uff9e",
    "\uff76\u034f\uff9e", "\U00016d67" * 4, "\U00016d63\U00016d67\U00016d67\U00016d67", "\U000113c2\U000113c9", "\U000113c2\U000113b8",
    "e" + "\u0301" * 48, "e" + "\u0301" * 49, "e" + "\u0301" * 50, "e" + "\u0301\u0323" * 60, "\u0301" * 50, "\u0301" * 51, "\u0301" * 400,
    "\u1f00\u0300\u0345" + "\u0300" * 47, "\u0391\u0313\u0300\u0345", "\u1112\u1161" + "\u11ab" * 40, "\u1161" * 40, "\u11a7", "\uac00\u11a7",
    "\uac00\u11a8", "\uac01\u11a8", "\uac00\u034f\u11a8", "\U000e0041", "\U000e0100", "\u00ad", "\u180e", "\u180f", "\U0001d173", "\ufff9",
    "\u06dd\u0661", "\u0600x", "\u2b820", "\U0002ceaf\U0002ceb0", "\U0002ebf0", "\u3400\u4dbf\u4dc0\u9fff\ua000", "\uff03\uff03x",
    "\uff21\uff22", "\u24b6", "\u2460", "\u33c2", "\u2126", "\u017f", "\u0130I\u0131i", "\u1e9e", "\u0149", "\u01f0", "\u0390",
    "[MASK]", "a[MASK]b", "[mask]", "[UNK]", "[MASK]\u0301", "\u0301[MASK]", "[CLS]<ent>s[SEP]<ent>", "Foofoo", "aFoob", "\u4e2d\u6587",
    "\u4e2d \u6587", "x \u4e2d y", "a b", "ab", "cafe\u0301", "caf\u00e9", "##xab", "x##x", "\u096c", "\u096c\u096c", "Z" * 100, "Z" * 101,
    "Z" * 102, "\u00df" * 40, "a\u00a0b", "[[MASK]]", "[MAS[MASK]", "##", "a##b", "a b\0c d", "e\0\u0301",
]


class KerasTexts(Texts):
    """The same kinds of texts, with more that composes, folds and vanishes."""

    def __init__(self, seed):
        super().__init__(seed)
        self.special = SPECIAL + OWN_SPECIAL
        self.foldable = [chr(c) for c in range(0x30000) if not 0xD800 <= c <= 0xDFFF and
                         word_piece_tokenizer.casefold_utf8(chr(c)) != chr(c)]

    def text(self):
        r = self.random
        kind = r.randrange(12)
        if kind < 9:
            return super().text()
        if kind == 9:
            return "".join(r.choice(self.foldable) + r.choice(("", "", " ", r.choice(self.marks))) for _ in range(r.randint(1, 20)))
        if kind == 10:
            jamo = "".join(chr(r.choice((0x1100, 0x1161, 0x11A7, 0xAC00, 0x1100 + 18)) + r.randrange(3)) for _ in range(r.randint(1, 30)))
            return jamo if r.random() < 0.5 else jamo.replace("\u1161", "\u1161\u034f")
        unit = r.choice(self.foldable) + r.choice(("", r.choice(self.marks)))
        return (unit * 120)[:r.randint(15, 110)]


def split(texts, lowercase, strip_accents, special):
    """The pieces of the reference, as str."""
    pattern = word_piece_tokenizer.get_special_tokens_pattern(special)
    pieces = word_piece_tokenizer.pretokenize(tf.constant(texts), lowercase, strip_accents, True, True, pattern)
    return [piece.decode() for piece in pieces.flat_values.numpy()]


def make_vocabulary(pieces, rng, gaps):
    """All characters of these pieces but for a few, and parts of some of them."""
    vocabulary = dict.fromkeys(SPECIAL + OWN_SPECIAL)
    characters = dict.fromkeys("".join(pieces))
    for character in characters:
        if rng.random() >= gaps:
            vocabulary[character] = None
        if rng.random() >= gaps:
            vocabulary["##" + character] = None
    for piece in pieces:
        if len(piece) > 1 and rng.random() < 0.2:
            cut = rng.randint(1, len(piece) - 1)
            vocabulary[piece[:cut][:30]] = vocabulary["##" + piece[cut:][:30]] = None
    vocabulary.pop("", None)
    vocabulary.pop("\0", None)
    vocabulary.pop("##\0", None)
    return list(vocabulary)


class Case:
    """A vocabulary in both, whose settings can be changed."""

    def __init__(self, driver, folder, vocabulary, prefix="##"):
        self.reference = keras_hub.models.ElectraTokenizer(
            vocabulary=vocabulary, special_tokens=OWN_SPECIAL, suffix_indicator=prefix, _allow_python_workflow=False)
        special = set(CLASS_SPECIAL + OWN_SPECIAL)
        added = [(i, "s", token) for i, token in enumerate(vocabulary) if token in special]
        self.ours = Driver(driver, folder, vocabulary, added, "k", vocabulary.index("[UNK]"), prefix)

    def set(self, lowercase, strip_accents, special, chinese=True):
        reference = self.reference
        reference.lowercase, reference.strip_accents = lowercase, strip_accents
        reference.special_tokens_in_strings, reference.split_on_cjk = special, chinese
        self.ours.options = "k" + "".join(letter for letter, on in zip(
            "lsih", (lowercase, strip_accents, special, chinese)) if on)

    def compare(self, texts):
        """Number of texts with different ids."""
        expected = self.reference.tokenize(texts)
        return self.count(texts, self.ours.tokenize(texts), expected)

    def compare_backwards(self, lists):
        """Number of lists of ids that give another text."""
        expected = self.reference.detokenize(tf.ragged.constant(lists, tf.int32))
        return self.count(lists, self.ours.detokenize(lists), expected)

    def count(self, inputs, ours, expected):
        differences = [i for i, (a, b) in enumerate(zip(ours, expected)) if a != b]
        for i in differences[:5]:
            print(f"  {self.ours.options}: {inputs[i][:80]!a}\n    ours {ours[i][:60]!a}\n    reference {expected[i][:60]!a}")
        return len(differences)


SETTINGS = [(lowercase, strip, special) for lowercase in (True, False) for strip in (False, True) for special in (False, True)]


def compare_random(driver, folder, options, rng):
    """(compared, differences) of random texts and id lists, all settings."""
    compared = differences = 0
    texts_of = KerasTexts(options.seed)
    for number, (lowercase, strip, special) in enumerate(SETTINGS):
        texts = CORNERS + KERAS_CORNERS + [texts_of.text() for _ in range(options.texts // len(SETTINGS))]
        pieces = split(texts, lowercase, strip, CLASS_SPECIAL + OWN_SPECIAL if special else None)
        case = Case(driver, folder, make_vocabulary(pieces, rng, 0.02))
        case.set(lowercase, strip, special, chinese=number % 4 != 3)
        wrong = case.compare(texts)
        size = len(case.reference.get_vocabulary())
        lists = [[rng.randrange(size if rng.random() < 0.7 else 40) for _ in range(rng.randint(0, 20))] for _ in range(500)]
        wrong_lists = case.compare_backwards(lists)
        print(f"{case.ours.options}: {len(texts)} texts, {wrong} differ; {len(lists)} lists of ids, {wrong_lists} differ", flush=True)
        compared += len(texts) + len(lists)
        differences += wrong + wrong_lists
    return compared, differences


def compare_code_points(driver, folder):
    """(compared, differences) of every scalar value: alone, between letters, among marks, before and behind letters."""
    contexts = [
        ("alone and between letters", lambda c: c + " a" + c + "b"),
        ("among marks", lambda c: "e\u0301" + c + "\u0323\u0301\u3099"),
    ]
    scalars = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    rng = random.Random(0)
    totals = {}
    for start in range(0, len(scalars), 0x10000):
        part = scalars[start:start + 0x10000]
        texts = {name: [" ".join(map(make, map(chr, part[i:i + 16]))) for i in range(0, len(part), 16)] for name, make in contexts}
        everything = sum(texts.values(), [])
        pieces = split(everything, True, False, None) + split(everything, False, True, None)
        case = Case(driver, folder, make_vocabulary(list(dict.fromkeys("".join(pieces))) + ["e\u0301"], rng, 0.0))
        for number, (lowercase, strip) in enumerate(((True, False), (True, True), (False, False), (False, True))):
            case.set(lowercase, strip, number in (0, 3))
            for name, some in texts.items():
                key = f"every code point, {name}, {case.ours.options}"
                count, wrong = totals.get(key, (0, 0))
                totals[key] = (count + len(some), wrong + case.compare(some))
    for key, (count, wrong) in totals.items():
        print(f"{key}: {count} texts of 16, {wrong} differ", flush=True)
    return tuple(map(sum, zip(*totals.values())))


def compare_prefixes(driver, folder, rng):
    """(compared, differences) where words begin with the continuing prefix, which is no punctuation or empty."""
    compared = differences = 0
    for prefix in ("\u2581", "x", "ab", ""):
        units = list(dict.fromkeys(prefix + "abxy\u2581"))
        words = ["".join(rng.choice(units + [prefix]) for _ in range(rng.randint(1, 6))) for _ in range(2000)]
        for with_prefix in (False, True):
            vocabulary = dict.fromkeys(SPECIAL + units[:-2] + ([prefix] if with_prefix and prefix else []))
            vocabulary.update(dict.fromkeys(rng.choice(("", prefix)) + word[:rng.randint(1, 3)] for word in words[:60]))
            case = Case(driver, folder, list(vocabulary), prefix)
            case.set(False, False, False)
            lists = [[rng.randrange(len(vocabulary)) for _ in range(rng.randint(0, 6))] for _ in range(300)]
            differences += case.compare(words) + case.compare_backwards(lists)
            compared += len(words) + len(lists)
    print(f"other prefixes: {compared} words and lists of ids, {differences} differ", flush=True)
    return compared, differences


def compare_packing(driver, folder):
    """(compared, differences) of texts that are truncated and joined."""
    ours = Driver(driver, folder, SPECIAL, [], "k", 0)
    requests, expected = [], []
    cls, sep = 1, 2  # as the driver has them
    for length in range(3, 30):
        packer = keras_hub.layers.MultiSegmentPacker(
            sequence_length=length, start_value=cls, end_value=sep, pad_value=-1, truncate="round_robin",
            _allow_python_workflow=False)
        sizes = [(a, b) for a in range(13) for b in range(13)]
        pairs = (tf.ragged.constant([[1000 + i for i in range(a)] for a, _ in sizes], tf.int32),
                 tf.ragged.constant([[2000 + i for i in range(b)] for _, b in sizes], tf.int32))
        for inputs, pair in ((pairs, 1), (pairs[:1], 0)):
            ids, segments = packer(inputs)
            for (a, b), row, segment_row in zip(sizes, ids.numpy().tolist(), segments.numpy().tolist()):
                if pair or b == 0:
                    used = sum(i != -1 for i in row)
                    requests.append((pair, length, a, b))
                    expected.append(row[:used] + segment_row[:used])
    answers = ours.run("kt", [(struct.pack("<4i", *request), 4) for request in requests], 4)
    answers = [list(struct.unpack(f"<{len(answer) // 4}i", answer)) for answer in answers]
    differences = [i for i, (a, b) in enumerate(zip(answers, expected)) if a != b]
    for i in differences[:5]:
        print(f"  (pair, length, a, b) {requests[i]}\n    ours {answers[i]}\n    reference {expected[i]}")
    print(f"truncated and joined: {len(requests)} cases, {len(differences)} differ", flush=True)
    return len(requests), len(differences)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--texts", type=int, default=24000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        results = [
            compare_packing(options.driver, folder),
            compare_prefixes(options.driver, folder, rng),
            compare_random(options.driver, folder, options, rng),
            compare_code_points(options.driver, folder),
        ]
    compared, differences = map(sum, zip(*results))
    print(f"{compared - differences} passed, {differences} failed")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())

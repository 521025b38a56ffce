#!/usr/bin/env python3
"""Compares our token ids with Hugging Face's, text by text; any difference is a failure.

Usage: tokenizer_parity.py DRIVER [--texts N] [--seed N] [--model DIRECTORY]

DRIVER is the program of tokenize_driver.c.  The reference is the package
tokenizers, set up as transformers does it for BertTokenizer, over vocabularies
that are made for the texts so that a wrong character cannot hide in [UNK]; with
--model also with the vocabulary and the settings of a real model's directory.
"""

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pydoc_data.topics import topics

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

SPECIAL = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
WHITE = ["\t", "\n", "\r", " ", "  ", "\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u205f",
         "\u3000", "\x0b", "\x0c", "\u0085", "\u200b"]

# encoder-and-formats, section 5: the corner cases, and their neighbours.
CORNERS = [
    "", " ", "\t\n\r ", "\u00a0", "\u3000", "a\u00a0b", "a\u3000b", "a\u2028b", "a\u0085b", "a\x0bb", "a\x0cb",
    "a\u200bb", "so\u00adft", "a\ufffdb", "a\ue000b", "caf\u00e9", "cafe\u0301", "\u0130stanbul", "\u0130\u0130",
    "stra\u00dfe STRA\u1e9eE", "\u039f\u0394\u039f\u03a3", "\u039f\u0394\u039f\u03a3 \u03a3", "\ufb01ne", "\u00bd",
    "\u2026", "wait\u2026what", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab", "\U0002b820", "a\U0002b820b",
    "a\U0002b91fb", "a\U0002b920b", "\u2e43", "a\u2e43b", "##hello", "hello##world", "# #", "a" * 100, "a" * 101,
    "a" * 99, "\u00e9" * 100, "\u00e9" * 101, "e\u0301" * 100, "e\u0301" * 101, "a[MASK]b", "[mask]", "[MASK][MASK]",
    "[MASK", "MASK]", "[[MASK]]", "[CLS] a [SEP] b [SEP]", "[PAD][UNK]", "\u2764\ufe0f", "a\ufe0fb",
    "\U0001f469\u200d\U0001f4bb", "\u0e01\u0e33", "\u0301", "\u0301\u0302", "a\u0315\u0334", "\U0001d165\u302e",
    "\u302e\U0001d165", "x\u302e\U0001d165\u0301y", "\u4e2d\u6587 text\u4e2d", "\uf900", "\U0002f800", "\u00b7",
    "\x00", "a\x00b", "\x7f", "\u2066a\u2069", "\ufeffbom", "1,234.56", "don't", "e.g.", "\u0665\u0666", "\u212b",
    "\u1e69", "\u01c4", "\u03d4", "\u0958", "\U0001134b", "\U0001d15e", "\U00011938", "\u16ff", "\U00016ff0",
    "\u0378", "\U0010ffff", "\uffff", "\U0001fffe", "\u0345\u03a3", "A\u0345\u03a3", "A\u03a3\u0345b", "A.\u03a3", "\u03a3",
    "a\u03a3\u0301", "a\u03a3\u00ad", "a\u03a3\u00adb", "\u1e9b\u0323",
    "\U00020000\U0002a6df\U0002a6e0", "\u0628\u0650\u0633\u0652\u0645\u0650 \u0627\u0644\u0644\u0651\u064e\u0647\u0650", "\u0640\u0640",
    "\u0130 I \u0131 i\u0307 \u0049\u0307", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3", "\U000f0000x\U0010fffd", "a\u2028\u2029\u0085b", "[SEP]", " [SEP] ",
    "[ SEP ]", "[SEP", "SEP]", "a" * 5000, "\u0436" * 3000 + ".x", "\u0e01\u0e48" * 700 + " \u0e01", "\ud55c" * 1000 + "\u3001",
    "\U0001d400" * 500 + "\u2028a", "e\u0301" * 900 + "\u4e2d", "\u302e\U0001d165" * 300 + "]", " " * 3000 + "a",
    "\u00a0" * 500 + "a\u3000" * 200, "\u0301" * 1500 + "e", "a" + "\u00ad" * 5000 + "b c", "\u200b" * 999, ".,!" * 400,
]

# Runs that a text may have for ever: letters of every length of UTF-8, marks, what is dropped.
ENDLESS = ["a", "Q7", "\u00e9", "\u0436", "\u03b1", "\u05d0", "\u0628\u064e", "\u0915\u094d", "\u0e01\u0e48", "\u10d0", "\u304b\u3099", "\ud55c",
           "\u1112\u1161\u11ab", "\ue000", "\U00010400", "\U0001d400", "\U0001f600\u200d", "e\u0301", "\u302e", "\U0001d165", "a\u00ad"]

# Blocks of scripts, from which words are made with their marks.
SCRIPTS = [(0x41, 0x7a), (0xc0, 0x17f), (0x370, 0x3ff), (0x400, 0x4ff), (0x531, 0x587), (0x591, 0x5f4), (0x600, 0x6ff), (0x700, 0x74f), (0x900, 0x97f),
           (0x980, 0x9ff), (0xb80, 0xbff), (0xe01, 0xe5b), (0xf00, 0xfbf), (0x1000, 0x109f), (0x10a0, 0x10ff), (0x1100, 0x11ff), (0x1200, 0x139f),
           (0x1780, 0x17ff), (0x1e00, 0x1eff), (0x1f00, 0x1fff), (0x3041, 0x30ff), (0x4e00, 0x4eff), (0xac00, 0xacff), (0xff01, 0xffee),
           (0x10330, 0x1034a), (0x20000, 0x200ff), (0x1d400, 0x1d4ff), (0x1f300, 0x1f6ff)]


def write_arrays(path_or_pipe, arrays):
    path_or_pipe.write(b"".join(struct.pack("<I", len(data) // width) + data for data, width in arrays))


class Driver:
    """A tokenizer of ours: tokenize_driver with a vocabulary (tokens by id) and added tokens (id, flags, token)."""

    def __init__(self, driver, folder, vocabulary, added, options, unk_id, prefix="##", longest=100):
        self.driver, self.options = driver, options
        self.vocabulary_path = os.path.join(folder, "vocabulary")
        self.added_path = os.path.join(folder, "added")
        self.arguments = [str(longest), str(unk_id), prefix]
        with open(self.vocabulary_path, "wb") as file:
            file.write(b"".join(token.encode() + b"\0" for token in vocabulary))
        with open(self.added_path, "wb") as file:
            for i, flags, token in added:
                file.write(f"{i} {flags or '-'} {token}".encode() + b"\0")

    def run(self, options, arrays, width):
        """The driver's answers, as bytes objects of elements of this width."""
        with tempfile.TemporaryFile() as file:
            write_arrays(file, arrays)
            file.seek(0)
            command = [self.driver, self.vocabulary_path, self.added_path, options or "-"] + self.arguments
            output = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=True).stdout
        answers, at = [], 0
        while at < len(output):
            size = struct.unpack_from("<I", output, at)[0] * width
            answers.append(output[at + 4:at + 4 + size])
            at += 4 + size
        return answers

    def tokenize(self, texts):
        """Lists of ids."""
        answers = self.run(self.options, [(text.encode(), 1) for text in texts], 4)
        assert len(answers) == len(texts)
        return [list(struct.unpack(f"<{len(answer) // 4}i", answer)) for answer in answers]

    def detokenize(self, lists):
        """Texts."""
        answers = self.run(self.options + "d", [(struct.pack(f"<{len(ids)}i", *ids), 4) for ids in lists], 1)
        assert len(answers) == len(lists)
        return [answer.decode() for answer in answers]


class Case(Driver):
    """One tokenizer of the reference and the same one of ours."""

    def __init__(self, driver, folder, name, backend, options, unk_id, prefix="##", longest=100):
        self.name, self.backend = name, backend
        model_vocabulary = backend.get_vocab(with_added_tokens=False)
        by_id = {i: t for t, i in backend.get_vocab(with_added_tokens=True).items()}
        self.size = max(by_id) + 1
        added = [(i, "".join(letter for letter, on in (
            ("w", token.single_word), ("l", token.lstrip), ("r", token.rstrip), ("n", token.normalized),
            ("s", token.special), ("o", token.content not in model_vocabulary)) if on), token.content)
            for i, token in sorted(backend.get_added_tokens_decoder().items())]
        super().__init__(driver, folder, [by_id.get(i, "") for i in range(self.size)], added, options, unk_id, prefix, longest)

    def compare(self, texts):
        """Number of texts with different ids."""
        differences = 0
        reference = self.backend.encode_batch(texts, add_special_tokens=False)
        for text, ids, expected in zip(texts, self.tokenize(texts), reference):
            if ids != expected.ids:
                differences += 1
                if differences <= 5:
                    print(f"  {self.name}: {text[:80]!a}\n    ours {ids[:40]}\n    reference {expected.ids[:40]}")
        return differences

    def compare_backwards(self, lists):
        """Number of id lists that decode differently."""
        differences = 0
        for ids, answer in zip(lists, self.detokenize(lists)):
            expected = self.backend.decode(ids, skip_special_tokens=True)
            if answer != expected:
                differences += 1
                if differences <= 5:
                    print(f"  {self.name}: {ids[:20]}\n    ours {answer[:80]!a}\n    reference {expected[:80]!a}")
        return differences


class Texts:
    """Seeded random texts of all scripts and all kinds of trouble."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.marks = [chr(c) for c in range(0x110000) if unicodedata.combining(chr(c))]
        self.letters = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c)) in ("Lu", "Ll", "Lo", "Lt", "Lm")]
        self.punctuation = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c))[0] in "PS"]
        self.special = SPECIAL
        self.paragraphs = prose()

    def code_point(self):
        """Any scalar value, each plane as often as the first one's parts."""
        r = self.random
        top = r.choice((0x80, 0x250, 0x600, 0x3000, 0x10000, 0x20000, 0x110000))
        c = r.randrange(top) if r.random() < 0.8 else r.randrange(17) * 0x10000 + r.randrange(0x10000)
        return chr(c) if not 0xD800 <= c <= 0xDFFF else "\ufffd"

    def word(self):
        r = self.random
        start = r.randrange(len(self.letters))
        near = self.letters[start:start + 40]
        return "".join(r.choice(near) for _ in range(r.randint(1, 9)))

    def marked(self):
        r = self.random
        pool = self.marks + ["\u302e", "\u302f", "\U0001d165", "\U0001d16d", "\u0f3e", "\U00016ff0"] * 20
        return r.choice(self.letters) + "".join(r.choice(pool) for _ in range(r.randint(1, 6)))

    def trouble(self):
        """Added tokens, parts of them, white space, word characters, side by side."""
        r = self.random
        parts = []
        for _ in range(r.randint(2, 9)):
            kind = r.random()
            token = r.choice(self.special)
            if kind < 0.45:
                parts.append(token)
            elif kind < 0.55:
                parts.append(r.choice((token.lower(), token.upper(), token.title())))
            elif kind < 0.65:
                parts.append(token[:r.randint(1, len(token))])
            elif kind < 0.85:
                parts.append(r.choice(WHITE) * r.randint(1, 2))
            else:
                parts.append(r.choice((self.word(), "x", "_", "\u0301", "-", "\u4e2d", "\u03a3", "7")))
        return "".join(parts)

    def sigma(self):
        return "".join(self.random.choice("\u03a3\u03a3\u03b1A .'\u0301\u00ad\u0130:\u2019\u02b07") for _ in range(self.random.randint(1, 12)))

    def long_word(self):
        r = self.random
        unit = r.choice(("a", "\u00e9", "e\u0301", "\ud55c", "\u00df", self.word(), "a\u00ad", "\U0001d165"))
        return (unit * 110)[:r.randint(95, 106) * (1 if len(unit) == 1 else r.randint(1, 2))]

    def overlong(self):
        """Far more than the longest word, of one or of many scripts, and what ends it."""
        r = self.random
        units = r.sample(ENDLESS, r.choice((1, 1, 2, 5)))
        run = "".join(r.choice(units) for _ in range(r.randint(102, 500)))
        return run + r.choice((" ", "", ".", "\u3000", "\u3001", "\u4e2d", "\u0964", "\u200b", "\u2028", "[SEP]", self.code_point())) + self.word()

    def scripted(self):
        """Words of one script each, whatever stands in its block."""
        r = self.random
        words = []
        for _ in range(r.randint(1, 8)):
            low, high = r.choice(SCRIPTS)
            words.append("".join(chr(r.randint(low, high)) for _ in range(r.randint(1, 12))))
        return r.choice((" ", "", "-", "\u200d", "\u00a0")).join(words)

    def paragraph(self):
        """What people write."""
        r = self.random
        words = r.choice(self.paragraphs).split()
        start = r.randrange(len(words))
        return r.choice((" ", " ", "\n", "")).join(words[start:start + r.randint(1, 60)])

    def sentence(self):
        r = self.random
        return "".join(self.word() + r.choice((" ", " ", " ", ", ", ".", "-", "\u3000", r.choice(self.punctuation)))
                       for _ in range(r.randint(1, 12)))

    def text(self):
        r = self.random
        kind = r.randrange(13)
        if kind == 9:
            return self.overlong() if r.random() < 0.3 else self.scripted()
        if kind in (10, 11):
            return self.paragraph()
        if kind == 12:
            return self.scripted()
        if kind < 2:
            return "".join(self.code_point() for _ in range(r.randint(1, 24)))
        if kind < 4:
            return self.sentence()
        if kind == 4:
            return " ".join(self.marked() for _ in range(r.randint(1, 5)))
        if kind == 5:
            return self.sigma()
        if kind == 6:
            return r.choice(("", "x ", "\u00a0")) + self.long_word() + r.choice(("", " y", ".", "[MASK]"))
        return self.trouble()


def prose():
    """Paragraphs of English, and of two dozen languages."""
    bench = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "bench", "mixed_scripts.txt")
    with open(bench, encoding="utf-8") as file:
        return list(topics.values())[:40] + file.read().splitlines() * 2


def make_vocabulary(texts, normalizer, rng, gaps):
    """Pieces for the normalized texts: all characters, common pairs, some words."""
    pieces = dict.fromkeys(SPECIAL)
    characters, groups = {}, {}
    for text in texts:
        normalized = normalizer.normalize_str(text)
        characters.update(dict.fromkeys(normalized))
        for word in normalized.split():
            if len(word) > 2 and rng.random() < 0.3:
                cut = rng.randint(1, len(word) - 1)
                groups[word[:cut]] = groups["##" + word[cut:]] = groups["##" + word[cut - 1:cut + 1]] = None
    for character in characters:
        if character.isspace() or character == "\0":
            continue
        pieces[character] = None
        if rng.random() >= gaps:
            pieces["##" + character] = None
    for group in groups:
        if "\0" not in group:
            pieces[group] = None
    return {piece: i for i, piece in enumerate(pieces)}


def added_tokens():
    """Added tokens with every flag, among them some that meet or contain each other."""
    return [
        AddedToken("<ent>", normalized=False), AddedToken("<ent>s", normalized=False, single_word=True),
        AddedToken("Foo", normalized=True), AddedToken("fo", normalized=False, single_word=True),
        AddedToken("foobar", normalized=True, single_word=True), AddedToken("[L]", normalized=False, lstrip=True),
        AddedToken("[R]", normalized=False, rstrip=True),
        AddedToken("[LR]", normalized=False, lstrip=True, rstrip=True, special=True),
        AddedToken("[W]", normalized=False, single_word=True, lstrip=True),
        AddedToken("Caf\u00e9 x", normalized=True, lstrip=True, rstrip=True), AddedToken("o ", normalized=True),
        AddedToken(" q", normalized=True, single_word=True), AddedToken("\u4e2d", normalized=True),
        AddedToken("S\u00d3", normalized=True, special=True), AddedToken("covid", normalized=True, single_word=True),
        AddedToken("19", normalized=False), AddedToken("\u03c3\u03c2", normalized=False),
        AddedToken("do not", normalized=False), AddedToken(" .", normalized=False),
    ]


def bert_backend(vocabulary, normalizer, prefix="##", longest=100):
    """The fast tokenizer of transformers' BertTokenizer (5.23)."""
    backend = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=longest,
                                  continuing_subword_prefix=prefix))
    backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix=prefix)
    backend.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return backend


def option_letters(clean_text, chinese, lowercase, strip_accents):
    """The settings as tokenize_driver takes them."""
    strips = lowercase if strip_accents is None else strip_accents
    return "".join(letter for letter, on in zip("chls", (clean_text, chinese, lowercase, strips)) if on)


def backend_of(texts, rng, lowercase, strip_accents, chinese, added, gaps, clean_text=True):
    """The fast tokenizer for these settings, and their letters."""
    normalizer = normalizers.BertNormalizer(clean_text=clean_text, handle_chinese_chars=chinese,
                                            strip_accents=strip_accents, lowercase=lowercase)
    backend = bert_backend(make_vocabulary(texts, normalizer, rng, gaps), normalizer)
    backend.add_tokens(added)
    return backend, option_letters(clean_text, chinese, lowercase, strip_accents)


def backend_of_model(directory):
    """The same of a model's directory: transformers takes vocabulary and settings from it, no more."""
    with open(os.path.join(directory, "tokenizer.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)["model"]["vocab"]
    with open(os.path.join(directory, "tokenizer_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    assert config["tokenizer_class"] in ("BertTokenizer", "BertTokenizerFast")
    lowercase, strip = config.get("do_lower_case", True), config.get("strip_accents")
    chinese = config.get("tokenize_chinese_chars", True)
    normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=chinese, strip_accents=strip,
                                            lowercase=lowercase)
    return bert_backend(vocabulary, normalizer), option_letters(True, chinese, lowercase, strip)


def random_id_lists(rng, size, count, added):
    return [[rng.choice(added) if added and rng.random() < 0.3 else rng.randrange(size) for _ in range(rng.randint(0, 30))]
            for _ in range(count)]


def compare_small_vocabularies(driver, folder, rng, count):
    """
    (compared, differences) of words over a few letters and vocabularies of a few
    tokens, in which nearly every match has to be given up for a shorter one, with
    other prefixes and longest words.
    """
    compared = differences = 0
    normalizer = normalizers.BertNormalizer(lowercase=True)
    for number, prefix in enumerate(("##", "@@", "\u2581", "x", "ab", "", "#", "\u00e9", "##", "a")):
        letters = ["a", "b", "x", "\u0436", "\U00010428", "\ud55c", prefix or "a"]
        longest = (100, 7, 40)[number % 3]
        pieces = [rng.choice(("", prefix)) + "".join(rng.choice(letters[:3 + number % 4]) for _ in range(rng.randint(1, 5)))
                  for _ in range(rng.choice((3, 12, 40)))]
        vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(SPECIAL + [normalizer.normalize_str(each) for each in pieces]))}
        texts = [" ".join("".join(rng.choice(letters) for _ in range(rng.choice((1, 3, 8, longest - 1, longest, longest + 1))))
                          for _ in range(rng.randint(1, 8))) for _ in range(count // 10)]
        backend = bert_backend(vocabulary, normalizer, prefix, longest)
        wrong = Case(driver, folder, f"prefix {prefix!a}", backend, option_letters(True, True, True, None), 0, prefix, longest).compare(texts)
        compared += len(texts)
        differences += wrong
    print(f"small vocabularies, other prefixes and longest words: {compared} texts, {differences} differ", flush=True)
    return compared, differences


def code_point_texts():
    """Every scalar value between letters, 64 in a text."""
    scalars = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    return [" ".join("a" + chr(c) + "b" for c in scalars[start:start + 64]) for start in range(0, len(scalars), 64)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--texts", type=int, default=24000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts_of = Texts(options.seed)
    compared = differences = 0

    # (name, lowercase, strip_accents, chinese, with added tokens, clean_text)
    settings = [
        ("uncased", True, None, True, False, True),
        ("cased", False, None, True, False, True),
        ("uncased, accents kept", True, False, True, True, True),
        ("cased, accents stripped, no Chinese", False, True, False, True, True),
        ("uncased, added tokens", True, None, True, True, True),
        ("nothing cleaned", True, None, True, True, False),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, lowercase, strip, chinese, with_added, clean in settings:
            added = added_tokens() if with_added else []
            texts_of.special = SPECIAL + [token.content for token in added] * 2
            texts = CORNERS + [texts_of.text() for _ in range(options.texts // len(settings))]
            backend, letters = backend_of(texts, rng, lowercase, strip, chinese, added, 0.02, clean)
            case = Case(options.driver, folder, name, backend, letters, 0)
            wrong = case.compare(texts)
            lists = random_id_lists(rng, case.size, 500, list(backend.get_added_tokens_decoder()))
            wrong_lists = case.compare_backwards(lists)
            print(f"{name}: {len(texts)} texts, {wrong} differ; {len(lists)} lists of ids, {wrong_lists} differ", flush=True)
            compared += len(texts) + len(lists)
            differences += wrong + wrong_lists

        count, wrong = compare_small_vocabularies(options.driver, folder, rng, options.texts // 6)
        compared += count
        differences += wrong

        everything = code_point_texts()
        for lowercase, strip, chinese in ((True, None, True), (False, False, False), (False, True, True), (True, False, False)):
            wrong = count = 0
            for start in range(0, len(everything), 2048):
                texts = everything[start:start + 2048]
                backend, letters = backend_of(texts, rng, lowercase, strip, chinese, [], 0.0)
                wrong += Case(options.driver, folder, "every code point", backend, letters, 0).compare(texts)
                count += len(texts)
            print(f"every code point, {letters}: {count} texts, {wrong} differ", flush=True)
            compared += count
            differences += wrong

        if options.model:
            backend, letters = backend_of_model(options.model)
            texts_of.special = SPECIAL
            texts = CORNERS + [texts_of.text() for _ in range(options.texts // 4)]
            case = Case(options.driver, folder, options.model, backend, letters, backend.token_to_id("[UNK]"))
            wrong = case.compare(texts)
            wrong += case.compare_backwards(random_id_lists(rng, case.size, 1000, []))
            print(f"real model: {len(texts)} texts and 1000 lists of ids, {wrong} differ", flush=True)
            compared += len(texts) + 1000
            differences += wrong

    print(f"{compared} compared, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())

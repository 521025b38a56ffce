"""What the benchmark embeds: models, texts of a fixed number of tokens, and prose."""
import os
import random
import re
import shutil
import subprocess
import sys
from pydoc_data.topics import topics

HERE = os.path.dirname(os.path.abspath(__file__))

# Every model has this vocabulary, so that the same texts serve for all.
MODELS = {
    "small": "small_discriminator",
    "minilm": None,                 # real weights; the others have random ones
    "base": "base_discriminator",
    "large": "large_discriminator",
}
LENGTHS = (16, 32, 64, 128, 256, 512)
LENGTHS_OF_LARGE = (128,)
MAX_TOKENS = 512

# More than a backend remembers, so that no text is a repetition.
TEXTS_OF_A_LENGTH = 24


class Texts:
    """Texts in a table of that name; ids are given where the peers shall have them ready."""

    def __init__(self, name, texts, ids=None):
        self.name, self.texts, self.ids = name, texts, ids

    def fill(self, session):
        rows = ", ".join("({}, '{}')".format(n, text.replace("'", "''")) for n, text in enumerate(self.texts))
        session.run(f"DROP TABLE IF EXISTS {self.name}", f"CREATE TABLE {self.name} (id int, body text)",
                    f"INSERT INTO {self.name} VALUES {rows}", f"ANALYZE {self.name}")


def make_directory(model, minilm, folder):
    """The directory of a model; random ones are written to the folder."""
    if MODELS[model] is None:
        return minilm
    directory = os.path.join(folder, model)
    if not os.path.exists(directory):
        subprocess.run([sys.executable, os.path.join(HERE, "make_random_directory.py"), directory,
                        "--shape", MODELS[model]], check=True)
        shutil.copy(os.path.join(minilm, "vocab.txt"), directory)
        for path, _, files in os.walk(directory):
            os.chmod(path, 0o755)
            for file in files:
                os.chmod(os.path.join(path, file), 0o644)
    return directory


def single_token_words(directory):
    """(word, id) of plain words of the vocabulary."""
    with open(os.path.join(directory, "vocab.txt"), encoding="utf-8") as file:
        words = [line.rstrip("\n") for line in file]
    return [(word, n) for n, word in enumerate(words) if 3 <= len(word) <= 9 and word.isascii() and word.isalpha()]


def texts_of_length(minilm, tokens):
    """Texts of exactly so many tokens, all different, and their ids."""
    words = single_token_words(minilm)
    texts, ids = [], []
    for n in range(TEXTS_OF_A_LENGTH):
        chosen = [words[(7919 * n + 131 * k) % len(words)] for k in range(tokens - 2)]
        texts.append(" ".join(word for word, _ in chosen))
        ids.append([101] + [number for _, number in chosen] + [102])
    return Texts(f"text_{tokens}", texts, ids)


def paragraphs():
    """Prose that every Python brings along: its language reference, without code and tables."""
    found = []
    for topic in sorted(topics):
        for block in re.split(r"\n\s*\n", topics[topic]):
            text = " ".join(block.split())
            letters = sum(character.isalpha() for character in text)
            if len(text) >= 120 and letters > 0.72 * len(text) and not re.search(r">>>|::|\||--|==", text):
                found.append(text)
    return list(dict.fromkeys(found))


def pieces(words, lengths, size, tokens=2):
    """Cuts a list of words into texts whose sizes, of size(word) each, reach the lengths."""
    at = 0
    for length in lengths:
        text, total = [], tokens
        while total < length:
            word = words[at % len(words)]
            text.append(word)
            total += size(word)
            at += 1
        yield " ".join(text)


def prose(minilm):
    """Short, middle and long texts: name -> Texts."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(os.path.join(minilm, "tokenizer.json"))
    tokenizer.no_padding()
    words = " ".join(paragraphs()).split()
    number = {word: len(tokenizer.encode(word, add_special_tokens=False).ids) for word in set(words)}
    draw = random.Random(6)
    # 39 +- 14 characters make about 12 tokens; a long one in eight is a document cut at MAX_TOKENS.
    short = pieces(words, [draw.randint(9, 15) for _ in range(200)], number.get)
    middle = pieces(words[5000:], [draw.randint(28, 50) for _ in range(72)], number.get)
    characters = [4500 if n % 8 == 7 else max(80, int(draw.gauss(620, 345))) for n in range(32)]
    long = pieces(words[9000:], characters, lambda word: len(word) + 1, tokens=0)
    return {"short": Texts("rows_short", list(short)), "middle": Texts("rows_middle", list(middle)),
            "long": Texts("rows_long", list(long))}


def documents(count=200, size=1900):
    """Texts of about so many bytes, small enough to lie in the table itself: name -> Texts."""
    draw = random.Random(7)
    with open(os.path.join(HERE, "mixed_scripts.txt"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    words = " ".join(paragraphs()).split()
    english = list(pieces(words, [size] * count, lambda word: len(word) + 1, tokens=0))
    mixed = []
    for _ in range(count):
        chosen = " ".join(draw.sample(lines, 12)).split()
        draw.shuffle(chosen)
        mixed += pieces(chosen, [size], lambda word: len(word.encode()) + 1, tokens=0)
    return {"English": Texts("documents_english", english), "mixed scripts": Texts("documents_mixed", mixed)}


def encoder_gflop(config, tokens):
    """Of one text, multiplications and additions counted each; of a Hugging Face configuration."""
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    weights = layers * (4 * hidden * hidden + 2 * hidden * config["intermediate_size"])
    return 1e-9 * tokens * (2 * weights + 4 * layers * tokens * hidden)

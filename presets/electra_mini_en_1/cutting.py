"""Paragraphs -> texts of one to three sentences, and what is too alike to keep."""
import functools
import re

from workplace import stable_hash

# No sentence ends after these.
ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Dr|St|No|Fig|resp|approx|incl)|\b[A-Z])\.$")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]”’]*\s+(?=[\"'(\[“‘]*[A-Z0-9])")
LONGEST = 1200          # characters: about 256 tokens, the positions of the teacher


def sentences(paragraph):
    result = []
    for piece in SENTENCE_END.split(paragraph):
        if result and ABBREVIATION.search(result[-1]):
            result[-1] += " " + piece
        else:
            result.append(piece)
    return result


def is_prose(text):
    """Not code, not numbers, not a path: letters in words."""
    letters = sum(c.isalpha() and c.isascii() for c in text)
    marks = sum(c in "{}[]<>=;|\\/_$#@^~*&%" for c in text)
    return letters >= 0.65 * len(text) and marks * 25 <= len(text) and len(text) <= LONGEST


def cut(paragraph):
    """A partition of the paragraph into texts of 1, 2 or 3 sentences; now and then the whole of it.

    The lengths follow from the paragraph's own hash, so that every run cuts alike.
    """
    draw = stable_hash(paragraph)
    if draw % 8 == 0 and len(paragraph) <= LONGEST:
        return [paragraph]
    texts, parts = [], sentences(paragraph)
    while parts:
        draw = (draw * 1103515245 + 12345) % 2**31
        take = (1, 1, 1, 1, 2, 2, 2, 3)[draw >> 16 & 7]
        texts.append(" ".join(parts[:take]))
        parts = parts[take:]
    return texts


def words_of(text):
    """Lower-case words; all numbers are one word, so that lists of versions are alike."""
    return re.findall(r"[a-z]+|0", re.sub(r"[0-9][0-9.,]*", "0", text.lower()))


@functools.cache
def word_number(word):
    return stable_hash(word)


def shingles(words, size):
    """Hashes of all runs of SIZE words; of the whole text where it is shorter.

    Tuples of numbers hash alike in every run, unlike strings.
    """
    numbers = [word_number(word) for word in words]
    return set(map(hash, zip(*(numbers[i:] for i in range(min(size, len(words)))))))


class Seen:
    """Recognises texts that were seen before, exactly or nearly.

    Near: the two smallest, or the two next, of the hashes of four-word runs
    agree, which they do with probability J squared each where the sets of runs
    have Jaccard similarity J.
    """

    def __init__(self):
        self.keys = set()

    def add(self, text):
        """True where the text, or one much like it, was here before."""
        words = words_of(text)
        whole = hash(tuple(map(word_number, words)))
        if whole in self.keys:
            return True
        keys = {whole}
        if len(words) >= 10:
            least = sorted(shingles(words, 4))[:4]
            keys |= {hash((0, *least[:2])), hash((1, *least[2:]))}
        known = not keys.isdisjoint(self.keys)
        self.keys |= keys
        return known


class HeldOut:
    """Recognises texts that share their words with a held-out task."""

    def __init__(self, texts):
        self.whole = {" ".join(words_of(text)) for text in texts}
        self.runs = set().union(*(shingles(words_of(text), 5) for text in texts if len(words_of(text)) >= 5))

    def __contains__(self, text):
        words = words_of(text)
        if " ".join(words) in self.whole:
            return True
        if len(words) < 5:
            return False
        runs = shingles(words, 5)
        return len(runs & self.runs) * 4 > len(runs)

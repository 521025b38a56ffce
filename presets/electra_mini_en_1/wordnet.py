"""WordNet's database files: synsets with their words, gloss and example sentences."""
import re
from typing import NamedTuple

from workplace import WORK

FOLDER = WORK / "unpacked" / "wordnet-base" / "usr/share/wordnet"


class Synset(NamedTuple):
    key: str            # part of speech and offset
    words: tuple
    gloss: str
    examples: tuple


def read_synsets():
    """All synsets, in the order of the files."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in (FOLDER / f"data.{part}").read_text(encoding="utf-8").split("\n"):
            # The licence at the head of each file is indented.
            if not line or line[0] == " ":
                continue
            data, _, gloss = line.partition(" | ")
            fields = data.split()
            count = int(fields[3], 16)
            words = tuple(re.sub(r"\([a-z]+\)$", "", fields[4 + 2 * i]).replace("_", " ") for i in range(count))
            examples = tuple(e for e in re.findall(r'"([^"]+)"', gloss) if len(e.split()) >= 3)
            definition = re.split(r'[;:]?\s*"', gloss)[0].strip(" ;")
            if definition:
                yield Synset(f"{part}:{fields[0]}", words, definition, examples)

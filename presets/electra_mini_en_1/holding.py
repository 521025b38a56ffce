"""What no stage may train on, decided by key alone before any text is read.

A key is a file of a source, or a WordNet synset.  Manual pages, package
descriptions and the dictionary are not among the sources at all.
"""
import re

from workplace import WORK, stable_hash

# One of so many keys is held out; none of the sources that are a single file.
SHARES = {"wordnet": 25, "postgresql": 5, "jargon": 0, "devil": 0, "austen": 0, "applications": 0}
OTHERS = 50
# Questions and answers: a search task, whole.
ALWAYS = re.compile(r"perlfaq")


def held_out(source, key):
    share = SHARES.get(source, OTHERS)
    return bool(ALWAYS.search(key)) or share > 0 and stable_hash(f"{source} {key}") % share == 0


def source_files(source):
    """The files of a source in the order of their names: [(path, key)]."""
    folders = [WORK / "unpacked" / package.removeprefix("pypi:").partition("==")[0] for package in source.packages]
    leave_out = re.compile(source.leave_out or r"(?!)")
    for folder in folders or [WORK / "unpacked"]:
        for path in sorted(folder.glob(source.pattern)):
            key = str(path.relative_to(WORK / "unpacked"))
            if path.is_file() and not leave_out.search(key):
                yield path, key

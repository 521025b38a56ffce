"""Where the stages keep what they make, and how they write it.

Everything lies below one folder (ELECTRA_MINI), never in the repository.  A
file is written beside its name and renamed, so what exists is whole: a stage
that was killed goes on where it stopped.  Records say what each file was made
of, so that nothing goes on with what belongs to other texts.
"""
import contextlib
import hashlib
import json
import os
import platform
import sys
import time
import zlib
from importlib import metadata
from pathlib import Path

SEED = 20261122
WORK = Path(os.environ.get("ELECTRA_MINI") or Path.home() / ".cache/electra/electra_mini")


def folder(*parts):
    """A folder of the workplace, made where it is missing."""
    path = WORK.joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def replacing(path, mode="w"):
    """A file that takes its name only when it is whole."""
    path = Path(path)
    unfinished = path.with_name(path.name + ".tmp")
    with open(unfinished, mode, **({} if "b" in mode else {"encoding": "utf-8"})) as file:
        yield file
    os.replace(unfinished, path)


def write_json(path, value):
    with replacing(path) as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_lines(path):
    # Not splitlines(): that would also cut at form feeds and U+2028.
    return Path(path).read_text(encoding="utf-8").split("\n")[:-1]


def record(path, packages=(), **facts):
    """Writes beside PATH what made it: seed, versions, and the stage's own facts."""
    made_by = {"seed": SEED, "python": platform.python_version(), "machine": platform.machine()}
    made_by["packages"] = {name: metadata.version(name) for name in packages}
    made_by["made"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    write_json(f"{path}.record.json", {**made_by, **facts})


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def made_of(*sources, **facts):
    """What a record says that a file was made of: the sources' digests, and facts."""
    return {**{source.name: digest(source) for source in sources}, **facts}


def check_made_of(path, of):
    """Ends the stage where PATH's record says that it was made of something else."""
    made = Path(f"{path}.record.json")
    if made.exists():
        said = read_json(made).get("made_of", {})
        other = [name for name in sorted(said.keys() | of.keys()) if said.get(name) != of.get(name)]
        if other:
            sys.exit(f"{path} was made of another {other[0]}: remove {path}*, so that this stage makes it anew")


def is_made(path, of):
    """Whether PATH is there, made of this."""
    check_made_of(path, of)
    return path.exists()


def stable_hash(text):
    """The same number for the same text in every run, which hash() is not."""
    return zlib.crc32(text.encode("utf-8"))


class Budget:
    """The seconds that one call may take; work is left resumable when they are over."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds if seconds else float("inf")

    def over(self):
        return time.monotonic() >= self.end

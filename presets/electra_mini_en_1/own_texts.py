"""Own stage 1: what COPY wrote of a table -> WORK/texts.txt, and WORK/task_texts.txt, held out.

Each column of each row is a text, cut like those of the recipe: mostly into one
to three sentences, now and then left whole.  White space is made one blank, as
the encoder sees it; what was there before, exactly or nearly, is left out.  Of
more than --most a fair sample is taken.  One text in twenty, 2,000 at most, is
held out.  The vocabulary is that of the model to start from.  So WORK then
looks as stages 3 and 4 leave it, and the next stages go on from there.
"""
import argparse
import re
import shutil
import sys
from pathlib import Path

from cutting import Seen, cut
from train_vocabulary import SIZE
from workplace import SEED, WORK, digest, folder, read_json, read_lines, record, replacing, stable_hash

LEAST = 1000            # texts, below which there is nothing to learn from
SHARE, HELD_OUT = 20, 2000
NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)


def unescape(field):
    """A column as COPY's text format has it, bytes -> str; None where it is NULL."""
    def character(escape):
        octal, hexadecimal, plain = escape.groups()
        if plain:
            return NAMED.get(plain.decode("latin-1"), "").encode() or plain
        return bytes([int(octal, 8) & 255 if octal else int(hexadecimal, 16)])

    return None if field == b"\\N" else ESCAPE.sub(character, field).decode("utf-8")


def read_copy(path):
    """The texts of a file that COPY wrote, of all columns, empty ones and NULL left out."""
    # COPY ends a row as the client's system ends a line; a real return within a text is escaped.
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        for field in line.removesuffix(b"\r").split(b"\t"):
            try:
                text = " ".join((unescape(field) or "").split())
            except UnicodeDecodeError:
                sys.exit(f"line {number} of {path} is not UTF-8: copy with PGCLIENTENCODING=UTF8")
            if text:
                yield text


def pieces(text):
    """A short text as it is; a long one cut, without what is no sentence."""
    parts = cut(text)
    return [part for part in parts if len(parts) == 1 or len(part.split()) >= 4]


def gather(path, most, made_of):
    seen = Seen()
    kept = [piece for text in read_copy(path) for piece in pieces(text) if not seen.add(piece)]
    if len(kept) < LEAST:
        sys.exit(f"{path} holds {len(kept)} different texts; there should be {LEAST} at least, better 10,000 and more")
    # In the order of a hash: shuffled, and alike in each run.
    kept = sorted(kept, key=lambda text: (stable_hash(f"{SEED} {text}"), text))[:most]
    held_out = min(HELD_OUT, len(kept) // SHARE)
    for name, texts in (("task_texts", kept[:held_out]), ("texts", kept[held_out:])):
        with replacing(WORK / f"{name}.txt") as file:
            file.writelines(text + "\n" for text in texts)
    record(WORK / "texts.txt", texts=len(kept) - held_out, held_out=held_out, made_of=made_of)
    print(f"{len(kept) - held_out} texts to train on, {held_out} held out", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="a file that COPY or \\copy wrote")
    parser.add_argument("base", type=Path, help="the directory of the model to start from")
    parser.add_argument("--most", type=int, default=60000, help="train on so many texts at most")
    options = parser.parse_args()
    if len(read_lines(options.base / "vocab.txt")) != SIZE:
        sys.exit(f"{options.base} does not have the {SIZE} tokens of electra_mini_en_1")
    made_of = {"texts": digest(options.texts), "base": digest(options.base / "model.safetensors"),
               "most": options.most}
    done = folder() / "texts.txt.record.json"
    if not done.exists():
        shutil.copy(options.base / "vocab.txt", WORK / "vocab.txt")
        gather(options.texts, options.most, made_of)
    elif read_json(done).get("made_of") != made_of:
        sys.exit(f"{WORK} holds a training on other texts, or from another model: remove it,"
                 " or set ELECTRA_OWN to another folder")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The golden file of the default preset: the bits of 200 vectors, on every set of kernels.

    default_golden.py EMBED_DRIVER [ARCHIVE]

EMBED_DRIVER is built from embed_driver.c.  golden/electra_mini_en_1.tsv has, of
each text, the SHA-256 of array_send() of its vector and the first components;
its first line names the archive.  make_default_golden writes it.  Each set of
kernels embeds the texts one by one and several at once, and processes at the
same time share them as parallel workers do.  Needs only Python.
"""
import array
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "electra_mini_en_1"
GOLDEN = os.path.join(HERE, "golden", f"{NAME}.tsv")
REFERENCE = os.path.join(HERE, "golden", f"{NAME}_reference.json")
ARCHIVE = os.path.join(HERE, "..", "..", "presets", NAME, f"{NAME}.safetensors")
KERNELS = ("portable", "avx2", "avxvnni", "avx512", "avx512vnni", "neon")
NOT_HERE = 3
SHOWN = 4
AT_ONCE = 7
WORKERS = 4
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
MEANINGS = {escape[1]: character for character, escape in ESCAPES.items()}


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def fingerprint(vector):
    """SHA-256 of what array_send(real[]) returns."""
    values = b"".join(struct.pack(">if", 4, value) for value in vector)
    return hashlib.sha256(struct.pack(">iiiii", 1, 0, 700, len(vector), 1) + values).hexdigest()


def shortest(value):
    """The fewest digits that give back a float32."""
    return next(text for text in (f"{value:.{digits}g}" for digits in range(1, 10))
                if struct.pack("f", float(text)) == struct.pack("f", value))


def first_of(vector):
    return "{" + ",".join(shortest(value) for value in vector[:SHOWN]) + "}"


def escaped(text):
    """As COPY has it."""
    return "".join(ESCAPES.get(character, character) for character in text)


def unescaped(field):
    parts = iter(field.split("\\"))
    text = next(parts)
    for part in parts:
        text += MEANINGS[part[0]] + part[1:] if part else "\\" + next(parts)
    return text


def write_golden(digest, texts, vectors):
    with open(GOLDEN, "w", encoding="utf-8", newline="\n") as file:
        file.write(f"{NAME} {digest}: number, SHA-256 of array_send, first components, text\n")
        for number, (text, vector) in enumerate(zip(texts, vectors), 1):
            file.write(f"{number}\t{fingerprint(vector)}\t{first_of(vector)}\t{escaped(text)}\n")


def read_golden():
    """The archive's digest, and (fingerprint, first components, text) of each text."""
    with open(GOLDEN, encoding="utf-8", newline="\n") as file:
        digest = file.readline().split()[1].rstrip(":")
        lines = [line.rstrip("\n").split("\t") for line in file]
    return digest, [(bits, first, unescaped(text)) for _, bits, first, text in lines]


def check_digest(digest, expected):
    if digest != expected:
        sys.exit(f"the golden file is of another archive ({expected[:16]}…, not {digest[:16]}…): "
                 "test/parity/make_default_golden writes it anew")


def start(driver, archive, kernels, at_once, texts):
    """A process that embeds texts."""
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(text.encode("utf-8") + b"\0" for text in texts))
        file.seek(0)
        return subprocess.Popen([driver, archive, kernels, str(at_once)], stdin=file, stdout=subprocess.PIPE)


def finish(process, texts):
    """Its vectors; None where the machine lacks the kernels."""
    output = process.communicate()[0]
    if process.returncode == NOT_HERE:
        return None
    if process.returncode != 0:
        sys.exit(f"embed_driver failed with status {process.returncode}")
    values = array.array("f", output)
    size = len(values) // len(texts)
    return [values[first:first + size] for first in range(0, len(values), size)]


def embed(driver, archive, kernels, at_once, texts):
    return finish(start(driver, archive, kernels, at_once, texts), texts)


def embed_in_workers(driver, archive, kernels, texts):
    """Processes at the same time, which take texts in turns."""
    shares = [texts[worker::WORKERS] for worker in range(WORKERS)]
    processes = [start(driver, archive, kernels, 1, share) for share in shares]
    vectors = [None] * len(texts)
    for worker, (process, share) in enumerate(zip(processes, shares)):
        vectors[worker::WORKERS] = finish(process, share)
    return vectors


def differences(golden, vectors):
    """A line for each text whose bits differ, with how far off the first components are."""
    found = []
    for number, ((bits, first, _), vector) in enumerate(zip(golden, vectors), 1):
        if fingerprint(vector) != bits:
            expected = [float(value) for value in first.strip("{}").split(",")]
            off = max(abs(a - b) for a, b in zip(expected, vector))
            found.append(f"text {number}: first components {first_of(vector)}, expected {first}, off by {off:.2g}"
                         + (" there" if off == 0 else ""))
    return found


def judge(label, golden, vectors):
    """Prints how it went; returns whether it went well."""
    found = differences(golden, vectors)
    if len(vectors) != len(golden):
        found.append(f"{len(vectors)} vectors of {len(golden)} texts")
    print(f"DIFFERENT  {label}: {len(found)} of {len(golden)} texts" if found else f"same       {label}")
    for line in found[:5]:
        print(f"           {line}")
    return not found


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    driver, archive = sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else ARCHIVE
    expected, golden = read_golden()
    check_digest(digest_of(archive), expected)
    texts = [text for _, _, text in golden]
    good = True
    for kernels in KERNELS:
        vectors = embed(driver, archive, kernels, 1, texts)
        if vectors is None:
            print(f"skipped    {kernels} (not on this machine)")
            continue
        good &= judge(f"{kernels}, one by one", golden, vectors)
        good &= judge(f"{kernels}, {AT_ONCE} at once", golden, embed(driver, archive, kernels, AT_ONCE, texts))
        good &= judge(f"{kernels}, {WORKERS} processes", golden, embed_in_workers(driver, archive, kernels, texts))
    return not good


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Records what sentence-transformers computes for the golden texts: make_default_golden calls it.

    write_default_reference.py DIRECTORY

DIRECTORY is the sentence-transformers directory that the default's archive was
made of.  Each text is encoded alone, in float32, on one thread; the vectors are
stored in float16, which moves no cosine by more than 1e-7.
"""
import base64
import hashlib
import json
import os
import struct
import sys

import sentence_transformers
import tokenizers
import torch
import transformers

from default_golden import ARCHIVE, NAME, REFERENCE, digest_of, read_golden

SOURCE, WEIGHTS = "source.sha256.", "weights.sha256"


def sources():
    """(file, digest) of all that the archive was made of: metadata name small files, a tensor those of weights."""
    with open(ARCHIVE, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        found = [(key[len(SOURCE):], digest) for key, digest in header["__metadata__"].items() if key.startswith(SOURCE)]
        first, last = header[WEIGHTS]["data_offsets"]
        file.seek(first, os.SEEK_CUR)
        entries = file.read(last - first).decode("utf-8").split("\0")[:-1]
    return found + [tuple(reversed(entry.split(" ", 1))) for entry in entries]


def check_source(directory):
    for name, digest in sources():
        if digest_of(os.path.join(directory, name)) != digest:
            sys.exit(f"{name} of {directory} is not the one that the archive was made of")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = sys.argv[1]
    digest, golden = read_golden()
    check_source(directory)
    torch.set_num_threads(1)
    model = sentence_transformers.SentenceTransformer(directory, device="cpu")
    vectors = [model.encode([text], batch_size=1)[0] for _, _, text in golden]
    texts = "\0".join(text for _, _, text in golden)
    reference = {
        "preset": NAME,
        "digest": digest,
        "versions": {"sentence-transformers": sentence_transformers.__version__, "torch": torch.__version__,
                     "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
                     "python": sys.version.split()[0]},
        "texts": hashlib.sha256(texts.encode("utf-8")).hexdigest(),
        "dimensions": len(vectors[0]),
        "vectors": base64.b64encode(b"".join(vector.astype("<f2").tobytes() for vector in vectors)).decode("ascii"),
    }
    with open(REFERENCE, "w", encoding="ascii") as file:
        json.dump(reference, file, indent=0)
        file.write("\n")
    print(f"{len(vectors)} texts, {len(vectors[0])} dimensions, {os.path.getsize(REFERENCE)} bytes: {REFERENCE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

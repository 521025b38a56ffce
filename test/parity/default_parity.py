#!/usr/bin/env python3
"""The default preset from SQL: the golden file's bits, and near to sentence-transformers.

    default_parity.py

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE) to a server with the
extension.  Fails where a bit differs from golden/electra_mini_en_1.tsv, one
text at a time or in a batch, or where the cosine to what sentence-transformers
computed in float32 (make_default_golden) is below 0.999 for an archive in int8
and 0.99999 for another.  Needs only Python.
"""
import base64
import hashlib
import json
import math
import struct
import sys

from default_golden import NAME, REFERENCE, check_digest, judge, read_golden
from embed_parity import embed, psql
from int8_parity import cosine

MIN_COSINE = {"int8": 0.999}
MIN_COSINE_OF_FLOATS = 0.99999


def read_reference(golden):
    """What computed the vectors, and the vectors."""
    with open(REFERENCE, encoding="ascii") as file:
        reference = json.load(file)
    texts = "\0".join(text for _, _, text in golden)
    if reference["texts"] != hashlib.sha256(texts.encode("utf-8")).hexdigest():
        sys.exit("the reference is of other texts: test/parity/make_default_golden writes it anew")
    vectors = base64.b64decode(reference["vectors"])
    size = reference["dimensions"]
    return reference, list(struct.iter_unpack(f"<{size}e", vectors))


def main():
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    name, digest, dtype = psql("SELECT name, digest, dtype FROM electra_presets WHERE is_default;").strip().split("|")
    if name != NAME:
        sys.exit(f"the default preset is {name}, not {NAME}")
    expected, golden = read_golden()
    check_digest(digest, expected)
    reference, reference_vectors = read_reference(golden)
    check_digest(digest, reference["digest"])

    vectors, batch_differences = embed([text for _, _, text in golden], NAME)
    good = judge("one text at a time", golden, vectors)
    print(f"{'DIFFERENT ' if batch_differences else 'same      '} a batch: {batch_differences} differ")
    least = MIN_COSINE.get(dtype, MIN_COSINE_OF_FLOATS)
    cosines = [cosine(ours, theirs) for ours, theirs in zip(vectors, reference_vectors)]
    worst = min(range(len(cosines)), key=cosines.__getitem__)
    near = len(vectors[0]) == reference["dimensions"] and cosines[worst] >= least
    print(f"{'same      ' if near else 'FAILED    '} {dtype} against sentence-transformers "
          f"{reference['versions']['sentence-transformers']} in float32: lowest cosine {cosines[worst]:.7f} "
          f"(text {worst + 1}), mean {math.fsum(cosines) / len(cosines):.7f}, at least {least}")
    return not (good and near and batch_differences == 0)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes the golden file of the default preset: make_default_golden calls it.

    write_default_golden.py EMBED_DRIVER

The vectors are those of portable C; every other set of kernels must have the
same bits.
"""
import sys

from default_golden import ARCHIVE, GOLDEN, digest_of, embed, first_of, judge, read_golden, write_golden
from golden_texts import COUNT, build_texts


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    texts = build_texts()
    if len(set(texts)) != COUNT:
        sys.exit(f"{len(set(texts))} different texts instead of {COUNT}")
    vectors = embed(sys.argv[1], ARCHIVE, "portable", 1, texts)
    write_golden(digest_of(ARCHIVE), texts, vectors)
    digest, golden = read_golden()
    if [text for _, _, text in golden] != texts or not judge("written and read again", golden, vectors):
        sys.exit("what was written cannot be read")
    print(f"{len(texts)} texts, {len(vectors[0])} dimensions of {digest[:16]}…, the first {first_of(vectors[0])}: {GOLDEN}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The digests that test/unit/test_random.c expects, computed in Python.

An independent implementation of src/core/random.h: the normal quantile comes
from Python's statistics.NormalDist (also AS 241, but with the C library's
logarithm).  After rounding to float the two agree on every value.
"""
import hashlib
import struct
from statistics import NormalDist

COUNT = 100_000
MASK = (1 << 64) - 1
CUT_OFF = 0.022750131948179207


def normals(seed, name, count, stddev):
    digest = hashlib.sha256(struct.pack("<Q", seed) + name.encode()).digest()
    state = int.from_bytes(digest[:8], "little")
    quantile = NormalDist().inv_cdf
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        uniform = ((z >> 11) + 0.5) * 2.0**-53
        yield quantile(CUT_OFF + uniform * (1 - 2 * CUT_OFF)) * stddev


def digest(seed, name, count):
    values = struct.pack(f"<{count}f", *normals(seed, name, count, 0.02))
    return hashlib.sha256(values).hexdigest()


if __name__ == "__main__":
    print(digest(0, "golden", COUNT))
    # tensors of the fixture: 8 tokens, embedding 24, hidden 40, a Dense module to 12
    for seed in (0, MASK):
        for name, count in (("embeddings.word_embeddings.weight", 8 * 24),
                            ("encoder.layer.1.attention.self.query.weight", 40 * 40),
                            ("pooler.dense.weight", 40 * 40), ("modules.1.linear.weight", 12 * 40)):
            print(seed, name, digest(seed, name, count))

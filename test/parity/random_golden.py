#!/usr/bin/env python3
"""The digest that test/unit/test_random.c expects, computed in Python.

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


if __name__ == "__main__":
    values = struct.pack(f"<{COUNT}f", *normals(0, "golden", COUNT, 0.02))
    print(hashlib.sha256(values).hexdigest())

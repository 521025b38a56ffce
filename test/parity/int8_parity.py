#!/usr/bin/env python3
"""How near int8 is to float32: electra_embed() of a preset in int8 against what sentence-transformers computed.

    int8_parity.py PRESET [MODEL_DIR]

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE).  With MODEL_DIR, which
the server must be able to read, the preset is loaded from it in int8 first; its
weights must be those of the golden file (make_embed_golden.py).  Also checks
that a batch gives the same bits as one text at a time.  Needs only Python.
Fails below a cosine of 0.9993.
"""
import math
import sys

from embed_parity import embed, load_preset, psql, quote, read_golden

MIN_COSINE = 0.9993


def cosine(a, b):
    return math.fsum(x * y for x, y in zip(a, b)) / \
        math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    preset = sys.argv[1]
    golden, expected = read_golden()
    if len(sys.argv) == 3:
        load_preset(golden, preset, sys.argv[2], "int8")
    dtype, lowest, mean = psql("SELECT dtype, lowest_cosine, mean_cosine FROM electra_presets "
                               f"WHERE name = {quote(preset)};").strip().split("|")
    if dtype != "int8":
        sys.exit(f"preset {preset} is in {dtype}")
    vectors, batch_differences = embed(golden["texts"], preset)
    if [len(vector) for vector in vectors] != [len(vector) for vector in expected]:
        sys.exit(f"{len(expected)} vectors of {golden['dimensions']} components expected")
    cosines = [cosine(vector, reference) for vector, reference in zip(vectors, expected)]
    worst = min(range(len(cosines)), key=cosines.__getitem__)
    print(f"{len(cosines)} texts against sentence-transformers {golden['versions']['sentence-transformers']}: "
          f"lowest cosine {cosines[worst]:.6f} (text {worst}), mean {math.fsum(cosines) / len(cosines):.6f}, "
          f"{batch_differences} differ in a batch; its calibration: {lowest}, {mean}")
    return not (cosines[worst] >= MIN_COSINE and batch_differences == 0)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compares electra_embed() with what sentence-transformers computed.

    embed_parity.py PRESET [MODEL_DIR]

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE).  With MODEL_DIR, which
the server must be able to read, the preset is loaded from it first; its
weights must be those of the golden file (make_embed_golden.py).  Also checks
that a batch gives the same bits as one text at a time.  Needs only Python.
Fails beyond 2e-6 a component or below a cosine of 0.999999.
"""
import array
import base64
import hashlib
import json
import math
import os
import subprocess
import sys

MAX_DIFFERENCE = 2e-6
MIN_COSINE = 0.999999


def psql(script):
    """Runs a script in one session; returns its output."""
    result = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=script.encode("utf-8"),
                            stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        sys.exit("psql failed")
    return result.stdout.decode("utf-8")


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def copy_escape(text):
    for char, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(char, escape)
    return text


def read_golden():
    """The golden file, and its vectors."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "minilm_embeddings.json")
    with open(path, encoding="ascii") as file:
        golden = json.load(file)
    values = array.array("f", base64.b64decode(golden["vectors"]))
    if sys.byteorder != "little":
        values.byteswap()
    size = golden["dimensions"]
    return golden, [values[first:first + size] for first in range(0, len(values), size)]


def load_preset(golden, preset, directory, dtype="float32"):
    with open(os.path.join(directory, "model.safetensors"), "rb") as weights:
        if hashlib.sha256(weights.read()).hexdigest() != golden["model.safetensors"]:
            sys.exit("the weights are not those of the golden file")
    psql(f"SELECT electra_load_preset({quote(directory)}, {quote(preset)}, dtype => {quote(dtype)});")


def embed(texts, preset):
    """Embeddings by electra_embed as lists of floats, and the number of rows where a batch differs."""
    rows = "".join(f"{n}\t{copy_escape(text)}\n" for n, text in enumerate(texts, 1))
    output = psql(f"""SET client_encoding = 'UTF8';
SET extra_float_digits = 1;
CREATE TEMP TABLE parity_texts (n bigint, body text);
COPY parity_texts FROM STDIN;
{rows}\\.
CREATE TEMP TABLE parity AS SELECT n, electra_embed(body, {quote(preset)}) AS embedding FROM parity_texts;
SELECT count(*) FROM parity JOIN electra_embed_batch(
    (SELECT array_agg(body ORDER BY n) FROM parity_texts), {quote(preset)}) AS b USING (n)
    WHERE parity.embedding::text IS DISTINCT FROM b.embedding::text;
SELECT embedding FROM parity ORDER BY n;
""").splitlines()
    vectors = [[float(x) for x in line.strip("{}").split(",")] for line in output[1:]]
    return vectors, int(output[0])


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    golden, expected = read_golden()
    if len(sys.argv) == 3:
        load_preset(golden, sys.argv[1], sys.argv[2])

    texts = golden["texts"]
    vectors, batch_differences = embed(texts, sys.argv[1])
    if len(vectors) != len(texts):
        sys.exit(f"{len(texts)} texts, but {len(vectors)} embeddings")

    worst, worst_text, min_cosine = 0.0, 0, 1.0
    for i, vector in enumerate(vectors):
        reference = expected[i]
        if len(vector) != len(reference):
            sys.exit(f"text {i}: {len(vector)} components, expected {len(reference)}")
        difference = max(abs(a - b) for a, b in zip(vector, reference))
        if not difference <= worst:
            worst, worst_text = difference, i
        min_cosine = min(min_cosine, math.fsum(a * b for a, b in zip(vector, reference)) /
                         math.sqrt(math.fsum(a * a for a in vector) * math.fsum(b * b for b in reference)))

    print(f"{len(texts)} texts against sentence-transformers {golden['versions']['sentence-transformers']}: "
          f"largest difference {worst:.3g} (text {worst_text}), lowest cosine {min_cosine:.9f}, "
          f"{batch_differences} differ in a batch")
    return not (worst <= MAX_DIFFERENCE and min_cosine >= MIN_COSINE and batch_differences == 0)


if __name__ == "__main__":
    sys.exit(main())

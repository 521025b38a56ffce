#!/usr/bin/env python3
"""Compares presets of Keras-Hub, imported and encoded by us, with Keras-Hub's own outputs.

Usage: keras_parity.py ELECTRA_IMPORT ENCODE_DRIVER

Small presets of all structures against golden/keras.json (make_keras_golden.py),
without Keras.  With ELECTRA_KERAS_PYTHON, a Python that has keras_hub, also a
BERT that Keras-Hub converted from Hugging Face's format, and presets of full
size that keras_hub saves itself (save_keras_presets.py): all six shapes with
random non-trivial weights, in float32, float16, bfloat16 and as shards (the
large discriminator in bfloat16; in the others with two layers), and their
parameter counts.  Fails if a component of sequence_output or pooled_output is
off by more than 1e-4 (small presets: 1e-5).

Needs python3-h5py and numpy; ENCODE_DRIVER is built from encode_driver.c.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "import"))

import directory_parts               # noqa: E402
from import_test import read_safetensors  # noqa: E402
from keras_directories import Keras  # noqa: E402

BAR = 1e-4
GOLDEN_BAR = 1e-5                   # small models: float32 has that much room
OUTPUTS = ("sequence_output", "pooled_output")

# Keras-Hub's own table (models/electra/electra_presets.py).
PARAMETERS = {"electra_small_discriminator_uncased_en": 13548800, "electra_small_generator_uncased_en": 13548800,
              "electra_base_discriminator_uncased_en": 109482240, "electra_base_generator_uncased_en": 33576960,
              "electra_large_discriminator_uncased_en": 335141888, "electra_large_generator_uncased_en": 51065344}
LAYERS = {preset: 24 if "large" in preset else 12 for preset in PARAMETERS}


def encode(programs, folder, batches, hidden, scratch):
    """Our sequence_output (B, T, hidden) and pooled_output (B, hidden) of each batch."""
    archive, tokens, output = (os.path.join(scratch, name) for name in ("archive", "tokens", "output"))
    subprocess.run([programs[0], folder, "-o", archive], check=True, capture_output=True, text=True)
    with open(tokens, "w", encoding="ascii") as file:
        for batch in batches:
            rows = zip(batch["token_ids"], batch["segment_ids"], batch["padding_mask"])
            file.write(" | ".join(" ".join("%d:%d:%d" % token for token in zip(*row)) for row in rows) + "\n")
    subprocess.run([programs[1], archive, tokens, output], check=True)
    floats = np.fromfile(output, "<f4")
    os.remove(archive)
    results, at = [], 0
    for batch in batches:
        count, length = len(batch["token_ids"]), len(batch["token_ids"][0])
        # sequence_output, the embedding, pooled_output for each sequence
        part = floats[at:at + count * (length + 2) * hidden].reshape(count, length + 2, hidden)
        at += part.size
        results.append({"sequence_output": part[:, :length], "pooled_output": part[:, length + 1]})
    assert at == floats.size
    return results


def compare(name, ours, theirs, bar):
    """Prints the largest differences; is everything within the bar?"""
    worst = {key: max(float(np.abs(a[key].astype("f8") - np.asarray(b[key]).reshape(a[key].shape)).max())
                      for a, b in zip(ours, theirs)) for key in OUTPUTS}
    passed = all(difference <= bar for difference in worst.values())
    print("%-45s sequence %.2g, pooled %.2g%s" % (name, worst["sequence_output"], worst["pooled_output"],
                                                "" if passed else "  FAILED"))
    return passed


def count_parameters(programs, folder):
    """The number that --inspect prints."""
    archive = folder + ".archive"
    subprocess.run([programs[0], folder, "-o", archive], check=True, capture_output=True)
    text = subprocess.run([programs[0], "--inspect", archive], check=True, capture_output=True, text=True).stdout
    os.remove(archive)
    return int(re.search(r"^parameters: +(\d+)$", text, re.MULTILINE)[1])


def check_count(programs, folder, preset, record):
    """Ours, Keras's and, for presets with all their layers, the table's."""
    ours, theirs = count_parameters(programs, folder), record["parameters"]
    table = PARAMETERS.get(preset) if record["layers"] == LAYERS.get(preset) else None
    if ours == theirs and table in (None, ours):
        return True
    print("%s: %d parameters, Keras counts %d, its table says %s  FAILED" % (record["variant"], ours, theirs, table))
    return False


def golden_cases(programs, scratch):
    with open(os.path.join(HERE, "golden", "keras.json"), encoding="ascii") as file:
        golden = json.load(file)
    for case in golden["cases"]:
        folder = os.path.join(scratch, case["name"])
        options = case["options"]
        directory = Keras(folder, case["dims"], options.get("dtype", "float32"),
                          options.get("backbone", "ElectraBackbone"))
        if options.get("sharded"):
            os.remove(os.path.join(folder, "model.weights.h5"))
            directory.shards()
        ours = encode(programs, folder, golden["batches"], case["dims"]["hidden_dim"], scratch)
        yield compare("golden " + case["name"], ours, case["outputs"], GOLDEN_BAR)


def full_cases(programs, scratch, python):
    saver = [python, os.path.join(HERE, "save_keras_presets.py")]
    for preset in subprocess.run(saver + ["--list"], check=True, capture_output=True, text=True).stdout.split():
        saved = subprocess.run(saver + [scratch, preset], check=True, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True).stdout
        for line in saved.splitlines():
            record = json.loads(line)
            folder = os.path.join(scratch, record["variant"])
            outputs = np.load(folder + ".npz")
            theirs = [{key: outputs["%s_%d" % (key, i)] for key in OUTPUTS} for i in range(len(record["batches"]))]
            ours = encode(programs, folder, record["batches"], record["hidden_dim"], scratch)
            yield compare(record["variant"], ours, theirs, BAR)
            yield check_count(programs, folder, preset, record)
            shutil.rmtree(folder)
            os.remove(folder + ".npz")


def converted_case(programs, scratch, python):
    """The same weights as a Hugging Face directory and as Keras-Hub converts it: the same tensors, bit for bit."""
    folders = [os.path.join(scratch, name) for name in ("huggingface", "converted")]
    tensors = directory_parts.encoder_tensors("bert.")
    tensors.update({"bert.pooler.dense.weight": [8, 8], "bert.pooler.dense.bias": [8]})
    directory = directory_parts.Directory(folders[0])
    directory.config(hidden_dropout_prob=0.1)
    directory.bytes("model.safetensors", directory_parts.safetensors(tensors))
    subprocess.run([python, os.path.join(HERE, "save_keras_presets.py"), folders[1], "--convert", folders[0]],
                   check=True, stderr=subprocess.DEVNULL)
    archives = []
    for folder in folders:
        subprocess.run([programs[0], folder, "-o", folder + ".archive"], check=True, capture_output=True)
        archives.append({name: tensor for name, tensor in read_safetensors(folder + ".archive")[1].items()
                         if not name.startswith("tokenizer.") and name != "weights.sha256"})
    same = archives[0] == archives[1] and "pooler.dense.weight" in archives[0]
    print("%-45s %s" % ("converted by Keras-Hub", "the same %d tensors" % len(archives[0]) if same else "FAILED"))
    return same


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    programs = [os.path.abspath(p) for p in sys.argv[1:]]
    python = os.environ.get("ELECTRA_KERAS_PYTHON")
    with tempfile.TemporaryDirectory() as scratch:
        results = list(golden_cases(programs, scratch))
        if python:
            results.append(converted_case(programs, scratch, python))
            results += full_cases(programs, scratch, python)
    print("%d passed, %d failed" % (sum(results), len(results) - sum(results)))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()

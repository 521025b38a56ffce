#!/usr/bin/env python3
"""Compares electra_encode with keras_hub on the two examples of Keras-Hub's ElectraBackbone.

Usage: keras_examples.py ELECTRA_IMPORT [PSQL_OPTION...]

The presets are those of sql/encode.sql.  The server makes them with
electra_create_preset, ELECTRA_IMPORT makes the same archives (their digests are
compared), and keras_hub's ElectraBackbone gets the archives' weights.  Fails if
an element of sequence_output or pooled_output is off by more than 1e-4.  psql
finds the server, which has the extension in that database, by its environment
and the options.  The presets are dropped in the end.

Needs numpy, keras, keras_hub (run it with ELECTRA_KERAS_PYTHON).
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import keras_hub

BAR = 1e-4
INPUT = {
    "token_ids": np.ones((1, 12), "int32"),
    "segment_ids": np.array([[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]], "int32"),
    "padding_mask": np.array([[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]], "int32"),
}
EXAMPLES = {
    "keras_base_widths": dict(vocab_size=128, num_layers=2, num_heads=12, hidden_dim=768, intermediate_dim=3072,
                              seed=1),
    "keras_random": dict(vocab_size=1000, num_layers=2, num_heads=2, hidden_dim=32, intermediate_dim=64, seed=2),
}


def read_archive(path):
    """Digest and F32 tensors of an archive (safetensors)."""
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return hashlib.sha256(data).hexdigest(), tensors


def build(shape, tensors):
    """keras_hub's backbone with these weights; every weight is set, and every tensor used."""
    heads, hidden = shape["num_heads"], shape["hidden_dim"]
    arguments = {key: value for key, value in shape.items() if key != "seed"}
    model = keras_hub.models.ElectraBackbone(embedding_dim=hidden, dtype="float32", **arguments)
    rest = dict(tensors)

    def take(name):
        return rest.pop(name)

    def dense(layer, name):
        layer.set_weights([take(name + ".weight").T, take(name + ".bias")])

    def norm(layer, name):
        layer.set_weights([take(name + ".weight"), take(name + ".bias")])

    def to_heads(layer, name):
        layer.set_weights([take(name + ".weight").T.reshape(hidden, heads, hidden // heads),
                           take(name + ".bias").reshape(heads, hidden // heads)])

    model.token_embedding.set_weights([take("embeddings.word_embeddings.weight")])
    model.position_embedding.set_weights([take("embeddings.position_embeddings.weight")])
    model.segment_embedding.set_weights([take("embeddings.token_type_embeddings.weight")])
    norm(model.embeddings_layer_norm, "embeddings.LayerNorm")
    for n, layer in enumerate(model.transformer_layers):
        prefix = f"encoder.layer.{n}."
        attention = layer._self_attention_layer
        for part in ("query", "key", "value"):
            to_heads(getattr(attention, f"_{part}_dense"), prefix + f"attention.self.{part}")
        attention._output_dense.set_weights(
            [take(prefix + "attention.output.dense.weight").T.reshape(heads, hidden // heads, hidden),
             take(prefix + "attention.output.dense.bias")])
        norm(layer._self_attention_layer_norm, prefix + "attention.output.LayerNorm")
        dense(layer._feedforward_intermediate_dense, prefix + "intermediate.dense")
        dense(layer._feedforward_output_dense, prefix + "output.dense")
        norm(layer._feedforward_layer_norm, prefix + "output.LayerNorm")
    dense(model.pooled_dense, "pooler.dense")
    assert not rest, sorted(rest)
    assert model.count_params() == sum(t.size for t in tensors.values())
    return model


class Server:
    def __init__(self, options):
        self.options = options

    def query(self, statement):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", "SET client_min_messages = error",
                   "-c", "SET extra_float_digits = 3", "-c", statement] + self.options
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def encode(self, preset):
        """sequence_output and pooled_output of INPUT."""
        arrays = ", ".join(f"ARRAY{INPUT[key].tolist()}" for key in ("token_ids", "segment_ids", "padding_mask"))
        row = self.query(f"SELECT to_json(e) FROM electra_encode({arrays}, '{preset}') e")
        row = json.loads(row)
        return np.array(row["sequence_output"], "float32"), np.array(row["pooled_output"], "float32")


def check(server, program, name, shape, folder):
    path = os.path.join(folder, name)
    options = [f"--{key.replace('_', '-')}={value}" for key, value in shape.items()]
    subprocess.run([program, "--create", "-o", path] + options, check=True, stdout=subprocess.DEVNULL)
    digest, tensors = read_archive(path)
    arguments = ", ".join(f"{key} => {value}" for key, value in shape.items())
    server.query(f"SELECT electra_create_preset('{name}', {arguments})")
    try:
        found = server.query(f"SELECT digest FROM electra_presets WHERE name = '{name}'")
        assert found == digest, (found, digest)
        sequence_output, pooled_output = server.encode(name)
    finally:
        server.query(f"SELECT electra_drop_preset('{name}'); SELECT electra_forget_preset('{name}')")
    expected = build(shape, tensors)(INPUT)
    worst = 0.0
    for what, ours in (("sequence_output", sequence_output), ("pooled_output", pooled_output)):
        theirs = np.array(expected[what])[0]
        assert ours.shape == theirs.shape, (what, ours.shape, theirs.shape)
        difference = float(np.abs(ours - theirs).max())
        print(f"{name} {what} {theirs.shape}: largest difference {difference:.2e}")
        worst = max(worst, difference)
    return worst


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    server = Server(sys.argv[2:])
    with tempfile.TemporaryDirectory() as folder:
        worst = max(check(server, sys.argv[1], name, shape, folder) for name, shape in EXAMPLES.items())
    if not worst <= BAR:
        sys.exit(f"off by {worst:.2e}, more than {BAR:.0e}")


if __name__ == "__main__":
    main()

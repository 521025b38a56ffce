#!/usr/bin/env python3
"""Records what Keras-Hub computes for small preset directories.

Usage: make_keras_golden.py > test/parity/golden/keras.json

The directories come from test/import/keras_directories.py, whose weights are
seeded, so that keras_parity.py has the very same ones without Keras.  Here
Keras-Hub opens each with dtype float32 (stored weights widened) and computes
both outputs; and it opens each as it is, saves it itself, and what it writes
must be what the generator wrote: the same datasets, types and bytes.

Needs keras, keras_hub with TensorFlow, h5py.
"""
import json
import os
import sys
import tempfile

os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "import"))

import h5py                          # noqa: E402
import keras                         # noqa: E402
import keras_hub                     # noqa: E402
import numpy as np                   # noqa: E402
import tensorflow as tf              # noqa: E402
from keras_directories import Keras  # noqa: E402


def shape(heads, hidden, embedding, inner, layers=2):
    return {"vocab_size": 40, "num_layers": layers, "num_heads": heads, "hidden_dim": hidden,
            "embedding_dim": embedding, "intermediate_dim": inner, "dropout": 0.1, "max_sequence_length": 16,
            "num_segments": 2}


# The structure of the six presets: which of hidden and embedding_dim is larger, how many heads.
CASES = {
    "small_discriminator": (shape(4, 16, 8, 64), {}),
    "small_generator": (shape(4, 16, 8, 32, 3), {}),
    "base_discriminator": (shape(12, 24, 24, 96), {}),
    "base_generator": (shape(4, 16, 48, 64), {}),
    "large_discriminator": (shape(16, 32, 32, 64, 4), {}),
    "large_generator": (shape(4, 16, 64, 64, 4), {}),
    "float16": (shape(4, 16, 8, 64), {"dtype": "float16"}),
    "bfloat16": (shape(4, 24, 24, 48), {"dtype": "bfloat16"}),
    "sharded": (shape(4, 16, 8, 64), {"sharded": True}),
    "bert": (shape(2, 16, 16, 64), {"backbone": "BertBackbone"}),
}
BATCHES = [
    # without padding
    {"token_ids": [[2, 7, 9, 11, 39, 3], [2, 2, 2, 2, 2, 2]], "segment_ids": [[0] * 6] * 2,
     "padding_mask": [[1] * 6] * 2},
    # padded, down to one live token, and with a hole
    {"token_ids": [[2, 8, 3, 0, 0], [2, 0, 0, 0, 0], [2, 30, 31, 32, 3]], "segment_ids": [[0] * 5] * 3,
     "padding_mask": [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 1, 1, 1]]},
    # pairs, one of them as long as the positions reach
    {"token_ids": [[2, 5, 6, 3, 7, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [2, *range(20, 28), 3, *range(30, 35), 3]],
     "segment_ids": [[0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0] * 10 + [1] * 6],
     "padding_mask": [[1] * 6 + [0] * 10, [1] * 16]},
]


def datasets(folder):
    """Everything that the weight files of a directory hold: {path: (type, shape, bytes)}."""
    found = {}

    def visit(path, item):
        if isinstance(item, h5py.Dataset):
            found[path] = (item.dtype.str, item.attrs.get("dtype"), item.shape, item[...].tobytes())
    for name in sorted(os.listdir(folder)):
        if name.endswith(".weights.h5"):
            with h5py.File(os.path.join(folder, name), "r") as file:
                file.visititems(visit)
    return found


def check_saved(folder, options):
    """Keras-Hub saves what it has read: nothing may differ from what our generator wrote."""
    backbone = keras_hub.models.Backbone.from_preset(folder, dtype=options.get("dtype", "float32"))
    with tempfile.TemporaryDirectory() as other:
        backbone.save_to_preset(other, max_shard_size=8e-6 if options.get("sharded") else 10)
        assert os.path.exists(os.path.join(other, "model.weights.json")) == bool(options.get("sharded"))
        ours, theirs = datasets(folder), datasets(other)
        assert ours == theirs, [p for p in set(ours) | set(theirs) if ours.get(p) != theirs.get(p)]


def build(folder, dims, options):
    directory = Keras(folder, dims, options.get("dtype", "float32"), options.get("backbone", "ElectraBackbone"))
    if options.get("sharded"):
        os.remove(os.path.join(folder, "model.weights.h5"))
        directory.shards()
    return directory


def rounded(array):
    """Nine significant digits hold a float32."""
    return [float("%.9g" % value) for value in np.asarray(array, dtype=np.float32).reshape(-1)]


def record(name, dims, options):
    with tempfile.TemporaryDirectory() as folder:
        build(folder, dims, options)
        check_saved(folder, options)
        backbone = keras_hub.models.Backbone.from_preset(folder, dtype="float32")
        outputs = []
        for batch in BATCHES:
            out = backbone({key: np.array(value, "int32") for key, value in batch.items()})
            outputs.append({key: rounded(value) for key, value in out.items()})
        return {"name": name, "dims": dims, "options": options, "parameters": backbone.count_params(),
                "outputs": outputs}


def main():
    cases = [record(name, dims, options) for name, (dims, options) in CASES.items()]
    print('{"versions": %s,' % json.dumps({"keras": keras.version(), "keras_hub": keras_hub.__version__,
                                           "tensorflow": tf.__version__, "h5py": h5py.__version__,
                                           "numpy": np.__version__}))
    print('"batches": %s,' % json.dumps(BATCHES))
    print('"cases": [\n%s\n]}' % ",\n".join(map(json.dumps, cases)))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes a model directory of 335 million parameters with seeded random weights.

    make_large_directory.py DIRECTORY [--layers 24] [--seed 1]

Hugging Face layout, ELECTRA large: 24 layers of 1024, 16 heads, 4096, a
vocabulary of 30522 entries, 1.3 GB in float32.  For tests of cancellation and
memory, and for timings: nobody has trained it.  Needs only Python; the same
seed gives the same bytes everywhere.
"""
import argparse
import array
import json
import os
import random
import struct
import sys

HIDDEN, HEADS, INTERMEDIATE, VOCABULARY, POSITIONS = 1024, 16, 4096, 30522, 512

# Values are drawn once and repeated from changing places: drawing 335 million
# would take minutes and test nothing more.
POOL = 1 << 20


def tensors(layers):
    """(name, shape) of everything that Hugging Face's ElectraModel has."""
    yield "electra.embeddings.word_embeddings.weight", (VOCABULARY, HIDDEN)
    yield "electra.embeddings.position_embeddings.weight", (POSITIONS, HIDDEN)
    yield "electra.embeddings.token_type_embeddings.weight", (2, HIDDEN)
    yield "electra.embeddings.LayerNorm.weight", (HIDDEN,)
    yield "electra.embeddings.LayerNorm.bias", (HIDDEN,)
    for n in range(layers):
        layer = f"electra.encoder.layer.{n}."
        for name, out_dim, in_dim in (("attention.self.query", HIDDEN, HIDDEN), ("attention.self.key", HIDDEN, HIDDEN),
                                      ("attention.self.value", HIDDEN, HIDDEN),
                                      ("attention.output.dense", HIDDEN, HIDDEN),
                                      ("intermediate.dense", INTERMEDIATE, HIDDEN),
                                      ("output.dense", HIDDEN, INTERMEDIATE)):
            yield layer + name + ".weight", (out_dim, in_dim)
            yield layer + name + ".bias", (out_dim,)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            yield layer + name + ".weight", (HIDDEN,)
            yield layer + name + ".bias", (HIDDEN,)


def product(shape):
    count = 1
    for dimension in shape:
        count *= dimension
    return count


def write_weights(path, layers, seed):
    header, offset = {}, 0
    for name, shape in tensors(layers):
        size = 4 * product(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)

    generator = random.Random(seed)
    pool = array.array("f", (generator.uniform(-0.035, 0.035) for _ in range(POOL)))
    ones = array.array("f", (1.0 + value for value in pool))
    if sys.byteorder != "little":
        pool.byteswap()
        ones.byteswap()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded)
        for name, shape in tensors(layers):
            source = memoryview(ones if name.endswith("LayerNorm.weight") else pool)
            left = product(shape)
            while left > 0:
                start = generator.randrange(POOL)
                part = source[start:start + left]
                file.write(part)
                left -= len(part)


def write_vocabulary(path):
    """Special tokens, letters and digits, the word "word", and fillers."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [form for letter in letters for form in (letter, "##" + letter)] + ["word"]
    tokens += [f"[unused{n}]" for n in range(VOCABULARY - len(tokens))]
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write("\n".join(tokens) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("directory")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    os.makedirs(options.directory, exist_ok=True)
    write_weights(os.path.join(options.directory, "model.safetensors"), options.layers, options.seed)
    write_vocabulary(os.path.join(options.directory, "vocab.txt"))
    config = {"model_type": "electra", "vocab_size": VOCABULARY, "embedding_size": HIDDEN, "hidden_size": HIDDEN,
              "num_hidden_layers": options.layers, "num_attention_heads": HEADS, "intermediate_size": INTERMEDIATE,
              "hidden_act": "gelu", "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
              "layer_norm_eps": 1e-12, "pad_token_id": 0}
    for name, content in (("config.json", config),
                          ("tokenizer_config.json", {"tokenizer_class": "ElectraTokenizer", "do_lower_case": True})):
        with open(os.path.join(options.directory, name), "w", encoding="ascii") as file:
            json.dump(content, file)


if __name__ == "__main__":
    main()

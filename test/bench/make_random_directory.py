#!/usr/bin/env python3
"""Writes a model directory of one of the six ELECTRA shapes, with seeded random weights.

    make_random_directory.py DIRECTORY [--shape large_discriminator] [--seed 1]

Hugging Face layout in float32; large_discriminator has 335 million parameters
and takes 1.3 GB.  For tests of cancellation and memory, and for timings:
nobody has trained it.  Needs only Python; the same seed gives the same bytes
everywhere.
"""
import argparse
import array
import json
import os
import random
import struct
import sys

VOCABULARY, POSITIONS = 30522, 512

# Layers, heads, hidden, embedding and intermediate dimensions.
SHAPES = {
    "small_discriminator": (12, 4, 256, 128, 1024),
    "small_generator": (12, 4, 256, 128, 1024),
    "base_discriminator": (12, 12, 768, 768, 3072),
    "base_generator": (12, 4, 256, 768, 1024),
    "large_discriminator": (24, 16, 1024, 1024, 4096),
    "large_generator": (24, 4, 256, 1024, 1024),
}

# Values are drawn once and repeated from changing places: drawing 335 million
# would take minutes and test nothing more.
POOL = 1 << 20


def tensors(shape):
    """(name, shape) of everything that Hugging Face's ElectraModel has."""
    layers, _, hidden, embedding, intermediate = shape
    yield "electra.embeddings.word_embeddings.weight", (VOCABULARY, embedding)
    yield "electra.embeddings.position_embeddings.weight", (POSITIONS, embedding)
    yield "electra.embeddings.token_type_embeddings.weight", (2, embedding)
    yield "electra.embeddings.LayerNorm.weight", (embedding,)
    yield "electra.embeddings.LayerNorm.bias", (embedding,)
    if embedding != hidden:
        yield "electra.embeddings_project.weight", (hidden, embedding)
        yield "electra.embeddings_project.bias", (hidden,)
    for n in range(layers):
        layer = f"electra.encoder.layer.{n}."
        for name, out_dim, in_dim in (("attention.self.query", hidden, hidden), ("attention.self.key", hidden, hidden),
                                      ("attention.self.value", hidden, hidden),
                                      ("attention.output.dense", hidden, hidden),
                                      ("intermediate.dense", intermediate, hidden),
                                      ("output.dense", hidden, intermediate)):
            yield layer + name + ".weight", (out_dim, in_dim)
            yield layer + name + ".bias", (out_dim,)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            yield layer + name + ".weight", (hidden,)
            yield layer + name + ".bias", (hidden,)


def product(shape):
    count = 1
    for dimension in shape:
        count *= dimension
    return count


def write_weights(path, model_shape, seed):
    header, offset = {}, 0
    for name, shape in tensors(model_shape):
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
        for name, shape in tensors(model_shape):
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
    parser.add_argument("--shape", choices=SHAPES, default="large_discriminator")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    os.makedirs(options.directory, exist_ok=True)
    write_weights(os.path.join(options.directory, "model.safetensors"), SHAPES[options.shape], options.seed)
    write_vocabulary(os.path.join(options.directory, "vocab.txt"))
    layers, heads, hidden, embedding, intermediate = SHAPES[options.shape]
    config = {"model_type": "electra", "vocab_size": VOCABULARY, "embedding_size": embedding, "hidden_size": hidden,
              "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": intermediate,
              "hidden_act": "gelu", "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
              "layer_norm_eps": 1e-12, "pad_token_id": 0}
    for name, content in (("config.json", config),
                          ("tokenizer_config.json", {"tokenizer_class": "ElectraTokenizer", "do_lower_case": True})):
        with open(os.path.join(options.directory, name), "w", encoding="ascii") as file:
            json.dump(content, file)


if __name__ == "__main__":
    main()

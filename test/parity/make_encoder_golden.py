#!/usr/bin/env python3
"""Records what transformers computes in float64 for seeded random models:
hidden states, also with attention masks, and the pooler's output.

Usage: make_encoder_golden.py > test/parity/golden/encoder.txt

The weights come from the generator of test/unit/random_image.h, so that
test/unit/test_encoder.c has the very same ones and compares without torch.

Needs torch, transformers, numpy.
"""
import sys

import numpy as np
import torch
import transformers
from transformers import BertConfig, BertModel, ElectraConfig, ElectraModel
from transformers.models.bert.modeling_bert import BertPooler

MASK = (1 << 64) - 1
POSITIONS = 512
VOCABULARY = 500

ACTIVATIONS = {
    "gelu": "gelu", "gelu_tanh": "gelu_new", "gelu_fast": "gelu_fast", "gelu_10": "gelu_10",
    "quick_gelu": "quick_gelu", "relu": "relu", "silu": "silu", "mish": "mish", "tanh": "tanh",
    "sigmoid": "sigmoid", "linear": "linear",
}


def stream(state, count):
    """SplitMix64."""
    with np.errstate(over="ignore"):
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = np.uint64(state & MASK) + steps
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


class Weights:
    def __init__(self, seed):
        self.seed = seed

    def tensor(self, number, shape, base, amplitude):
        bits = stream(self.seed + number * 0x632BE59BD9B4E019, int(np.prod(shape)))
        values = ((bits >> np.uint64(40)).astype(np.int64) - (1 << 23)).astype(np.float32) * np.float32(2 ** -23)
        return torch.tensor((np.float32(base) + np.float32(amplitude) * values).reshape(shape))

    def linear(self, layer, number):
        out_dim, in_dim = layer.weight.shape
        amplitude, k = 1.0, 3
        while k < in_dim:
            amplitude, k = amplitude / 2, k * 4
        layer.weight.data = self.tensor(number, (out_dim, in_dim), 0, amplitude)
        layer.bias.data = self.tensor(number + 1, (out_dim,), 0, 0.125)

    def norm(self, layer, number):
        layer.weight.data = self.tensor(number, layer.weight.shape, 1, 0.5)
        layer.bias.data = self.tensor(number + 1, layer.bias.shape, 0, 0.25)


# as random_mask_bit of test/unit/random_image.h numbers them
LIVE = [lambda t, n: np.ones_like(t), lambda t, n: t < n - n // 3, lambda t, n: t >= 2, lambda t, n: t % 3 != 1]


def build(layers, heads, hidden, embedding, intermediate, activation, seed):
    """The model, and BERT's pooler, which ELECTRA lacks."""
    common = dict(vocab_size=VOCABULARY, num_hidden_layers=layers, num_attention_heads=heads,
                  hidden_size=hidden, intermediate_size=intermediate, hidden_act=ACTIVATIONS[activation],
                  max_position_embeddings=POSITIONS, type_vocab_size=2, layer_norm_eps=1e-12)
    if embedding == hidden:
        model = BertModel(BertConfig(**common), add_pooling_layer=False)
    else:
        model = ElectraModel(ElectraConfig(embedding_size=embedding, **common))
    weights = Weights(seed)
    tables = model.embeddings
    tables.word_embeddings.weight.data = weights.tensor(0, (VOCABULARY, embedding), 0, 0.5)
    tables.position_embeddings.weight.data = weights.tensor(1, (POSITIONS, embedding), 0, 0.25)
    tables.token_type_embeddings.weight.data = weights.tensor(2, (2, embedding), 0, 0.25)
    weights.norm(tables.LayerNorm, 3)
    if embedding != hidden:
        weights.linear(model.embeddings_project, 5)
    for number, layer in enumerate(model.encoder.layer):
        first = 16 + 16 * number
        attention = layer.attention
        linears = [attention.self.query, attention.self.key, attention.self.value, attention.output.dense]
        for i, linear in enumerate(linears):
            weights.linear(linear, first + 2 * i)
        weights.norm(attention.output.LayerNorm, first + 8)
        weights.linear(layer.intermediate.dense, first + 10)
        weights.linear(layer.output.dense, first + 12)
        weights.norm(layer.output.LayerNorm, first + 14)
    pooler = BertPooler(model.config)
    weights.linear(pooler.dense, 7)
    return model.eval().double(), pooler.eval().double()


def record(name, layers, heads, hidden, embedding, intermediate, activation, seed, tokens, segments, mask=0,
           pooled=False):
    model, pooler = build(layers, heads, hidden, embedding, intermediate, activation, seed)
    ids = (stream(seed, tokens) % np.uint64(VOCABULARY)).astype(np.int64)
    types = np.zeros(tokens, np.int64)
    if segments:
        types[tokens // 2:] = 1
    live = LIVE[mask](np.arange(tokens), tokens).astype(np.int64)
    with torch.no_grad():
        output = model(input_ids=torch.tensor(ids[None]), token_type_ids=torch.tensor(types[None]),
                       attention_mask=torch.tensor(live[None])).last_hidden_state
        pooler_output = pooler(output)[0].numpy()
        states = output[0].numpy()
    print(f"case {name} {layers} {heads} {hidden} {embedding} {intermediate} {activation} {seed} {tokens} {segments:d} "
          f"{mask} {pooled:d}")
    for row in sorted({0, 1, tokens // 3, tokens // 2, tokens - 1} & set(range(tokens))):
        print(f"row {row} " + " ".join(f"{states[row, i * (hidden // 16)]:.9g}" for i in range(16)))
    if pooled:
        print("pooled " + " ".join(f"{pooler_output[i * (hidden // 16)]:.9g}" for i in range(16)))
    print("end")


def main():
    torch.set_num_threads(1)
    print(f"# torch {torch.__version__}, transformers {transformers.__version__}, numpy {np.__version__}; float64")
    for seed, tokens in enumerate((2, 16, 129, 512)):
        record("small", 12, 4, 256, 128, 1024, "gelu", seed, tokens, tokens > 2)
    record("minilm", 6, 12, 384, 384, 1536, "gelu", 10, 64, False)
    record("heads-of-26", 4, 12, 312, 312, 1200, "gelu", 11, 40, True)
    record("heads-of-30", 2, 3, 90, 50, 123, "gelu", 12, 1, False)
    record("base-layer", 1, 12, 768, 768, 3072, "gelu", 13, 20, False)
    for seed, activation in enumerate(ACTIVATIONS):
        record("activation", 2, 4, 128, 64, 256, activation, 20 + seed, 24, True)
    for mask in (1, 2, 3):
        record("masked", 2, 4, 128, 64, 256, "gelu", 40 + mask, 50, True, mask, mask != 1)
    record("masked-long", 3, 3, 90, 90, 123, "gelu_tanh", 44, 200, True, 1, True)
    record("no-layers", 0, 4, 128, 128, 256, "gelu", 46, 20, True, 0, True)
    record("no-layers", 0, 4, 128, 64, 256, "gelu", 47, 20, True)
    record("pooled", 2, 4, 128, 128, 256, "gelu", 45, 20, True, 0, True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

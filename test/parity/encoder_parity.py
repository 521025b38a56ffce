#!/usr/bin/env python3
"""Compares the core's encoder and pooling with transformers and sentence-transformers.

Usage: encoder_parity.py DRIVER [--quick]

DRIVER is the program built from test/parity/encode_driver.c.  Random models
with LayerNorms far from the identity are written as preset archives, encoded by
the driver, and compared with transformers in float64 and float32 (padded batches
and the pooler's output too, with weights stored in every dtype), and, for the
embeddings, with sentence-transformers' own Pooling, Dense and Normalize in
float64.  Fails if a hidden state or a pooled output is off by more than 2e-5.

Needs torch, transformers, sentence-transformers, numpy.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch
from sentence_transformers.sentence_transformer.modules import Dense, Pooling
from transformers import BertConfig, BertModel, ElectraConfig, ElectraModel

BAR = 2e-5
POOL_BAR = 1e-5
VOCABULARY = 1000

# our name: transformers' hidden_act
ACTIVATIONS = {
    "gelu": "gelu", "gelu_tanh": "gelu_new", "gelu_fast": "gelu_fast", "gelu_10": "gelu_10",
    "quick_gelu": "quick_gelu", "relu": "relu", "silu": "silu", "mish": "mish", "tanh": "tanh",
    "sigmoid": "sigmoid", "linear": "linear",
}
MODES = {"cls": "cls", "max": "max", "mean": "mean", "mean_sqrt_len": "mean_sqrt_len_tokens",
         "weighted_mean": "weightedmean", "last_token": "lasttoken"}
TORCH_ACTIVATIONS = {"tanh": torch.nn.Tanh(), "linear": torch.nn.Identity(), "relu": torch.nn.ReLU(),
                     "gelu": torch.nn.GELU()}


DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8"}


def archive_bytes(metadata, tensors):
    """The canonical archive of src/core/archive.h."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"t{i}" for i in range(5, VOCABULARY)]
    tensors = dict(tensors)
    tensors["tokenizer.vocabulary"] = torch.tensor(list(b"".join(t.encode() + b"\0" for t in tokens)),
                                                   dtype=torch.uint8)
    header = {"__metadata__": dict(sorted(metadata.items()))}
    data = b""
    for name in sorted(tensors, key=lambda n: (-tensors[n].dtype.itemsize, n)):
        raw = tensors[name].contiguous().view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensors[name].dtype],
                        "shape": list(tensors[name].shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + data


def base_metadata(config, activation):
    embedding = getattr(config, "embedding_size", config.hidden_size)
    return {
        "config.activation": activation, "config.dropout": "0.1", "config.dtype": "F32",
        "config.embedding_dim": str(embedding), "config.has_pooler": "false",
        "config.hidden_dim": str(config.hidden_size),
        "config.intermediate_dim": str(config.intermediate_size),
        "config.layer_norm_eps": f"{config.layer_norm_eps:g}",
        "config.max_sequence_length": str(config.max_position_embeddings),
        "config.num_heads": str(config.num_attention_heads),
        "config.num_layers": str(config.num_hidden_layers),
        "config.num_segments": str(config.type_vocab_size), "config.vocab_size": str(config.vocab_size),
        "electra.format": "1", "electra.numerics": "1", "electra.unicode": "1",
        "pipeline.dimensions": "0", "pipeline.include_prompt": "true",
        "pipeline.max_length": str(config.max_position_embeddings),
        "pipeline.modules": f"pooling:{config.hidden_size}:{config.hidden_size}",
        "pipeline.normalize": "false", "pipeline.pooling_modes": "mean",
        "pipeline.trained_for_similarity": "false", "pipeline.truncation": "truncate",
        "pipeline.untrained": "false",
        "tokenizer.clean_text": "true", "tokenizer.cls_token_id": "2", "tokenizer.continuing_prefix": "##",
        "tokenizer.lowercase": "true", "tokenizer.mask_token_id": "4",
        "tokenizer.max_word_chars": "100", "tokenizer.pad_token_id": "0", "tokenizer.pipeline": "bert",
        "tokenizer.sep_token_id": "3", "tokenizer.special_tokens_in_strings": "false",
        "tokenizer.strip_accents": "true",
        "tokenizer.tokenize_chinese_chars": "true", "tokenizer.unk_token_id": "1",
    }


def random_model(layers, heads, hidden, embedding, intermediate, activation, seed, pooler=False):
    """Weights of the usual size but with LayerNorms and biases that matter."""
    torch.manual_seed(seed)
    common = dict(vocab_size=VOCABULARY, num_hidden_layers=layers, num_attention_heads=heads,
                  hidden_size=hidden, intermediate_size=intermediate, hidden_act=ACTIVATIONS[activation],
                  max_position_embeddings=512, type_vocab_size=2, layer_norm_eps=1e-12)
    if embedding == hidden:
        model = BertModel(BertConfig(**common), add_pooling_layer=pooler)
    else:
        model = ElectraModel(ElectraConfig(embedding_size=embedding, **common))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "LayerNorm.weight" in name:
                parameter.copy_(1 + 0.3 * torch.randn_like(parameter))
            elif "LayerNorm.bias" in name:
                parameter.copy_(0.2 * torch.randn_like(parameter))
            elif name.endswith("bias"):
                parameter.copy_(0.1 * torch.randn_like(parameter))
            elif "embeddings" not in name:
                parameter.copy_(hidden ** -0.5 * torch.randn_like(parameter))
    return model.eval()


class Case:
    """A model, batches of sequences of (id, segment[, mask]), and what the driver made of them."""

    def __init__(self, driver, model, activation, batches, changes=None, tensors=None, kernels=None):
        self.model = model
        self.batches = batches
        self.pooler = getattr(model, "pooler", None) is not None
        metadata = base_metadata(model.config, activation)
        metadata["config.has_pooler"] = "true" if self.pooler else "false"
        metadata.update(changes or {})
        weights = {name: p.detach() for name, p in model.named_parameters()}
        weights.update(tensors or {})
        with tempfile.TemporaryDirectory() as directory:
            archive, tokens, output = (os.path.join(directory, n) for n in ("archive", "tokens", "output"))
            with open(archive, "wb") as f:
                f.write(archive_bytes(metadata, weights))
            with open(tokens, "w") as f:
                for prompt, sequences in batches:
                    f.write(f"prompt={prompt} " if prompt else "")
                    f.write(" | ".join(" ".join(":".join(map(str, t)) for t in sequence) for sequence in sequences))
                    f.write("\n")
            subprocess.run([driver, archive, tokens, output] + ([kernels] if kernels else []), check=True)
            self.output = np.fromfile(output, np.float32)

    def outputs(self, dimensions):
        """(prompt, sequence, hidden states, embedding[, pooled output]) for each sequence."""
        hidden = self.model.config.hidden_size
        at = 0
        for prompt, sequences in self.batches:
            for sequence in sequences:
                states = self.output[at:at + len(sequence) * hidden].reshape(len(sequence), hidden)
                at += len(sequence) * hidden
                vectors = [self.output[at:at + dimensions]]
                at += dimensions
                if self.pooler:
                    vectors.append(self.output[at:at + hidden])
                    at += hidden
                yield prompt, sequence, states, *vectors
        assert at == len(self.output)


def reference(model, sequence, dtype):
    ids = torch.tensor([[i for i, _ in sequence]])
    segments = torch.tensor([[s for _, s in sequence]])
    with torch.no_grad():
        return model.to(dtype)(input_ids=ids, token_type_ids=segments).last_hidden_state[0].numpy()


def random_sequence(rng, length, segments=False):
    cut = length // 2 if segments else length
    return [(int(i), int(p >= cut)) for p, i in enumerate(rng.integers(0, VOCABULARY, length))]


def check_encoder(driver, quick):
    """Hidden states of every shape and activation; the largest differences."""
    rng = np.random.default_rng(1)
    lengths = [2, 3, 16, 17, 64, 129] + ([] if quick else [300, 512])
    small = dict(layers=12, heads=4, hidden=256, embedding=128, intermediate=1024)
    shapes = [("small", small, "gelu"), ("base-like 3x768", dict(layers=3, heads=12, hidden=768, embedding=768,
                                                                 intermediate=3072), "gelu"),
              ("312 with heads of 26", dict(layers=4, heads=12, hidden=312, embedding=312, intermediate=1200), "gelu"),
              ("heads of 30", dict(layers=2, heads=3, hidden=90, embedding=50, intermediate=123), "gelu_tanh")]
    shapes += [("2 layers", dict(small, layers=2), a) for a in ACTIVATIONS]
    failed = False
    print(f"{'shape':<24}{'activation':<12}{'to float64':>12}{'to float32':>12}{'torch 32/64':>12}")
    for seed, (name, shape, activation) in enumerate(shapes):
        model = random_model(activation=activation, seed=seed, **shape)
        use = lengths if seed < 4 else [2, 33, 64]
        batches = [(0, [random_sequence(rng, n, segments=n > 3)]) for n in use]
        batches.append((0, [random_sequence(rng, n) for n in (5, 40, 1, 7)]))
        case = Case(driver, model, activation, batches)
        worst = np.zeros(3)
        for _, sequence, states, _ in case.outputs(shape["hidden"]):
            single = reference(model, sequence, torch.float32)
            double = reference(model, sequence, torch.float64)
            worst = np.maximum(worst, [np.abs(states - double).max(), np.abs(states - single).max(),
                                       np.abs(single - double).max()])
        print(f"{name:<24}{activation:<12}" + "".join(f"{w:12.2e}" for w in worst))
        failed |= not worst[0] <= BAR or not worst[1] <= BAR
    return failed


def mask_sequences(rng, sequences):
    """A padded batch: masks at the end, and in two sequences in front and anywhere."""
    longest = max(map(len, sequences))
    padded = [[(i, s, 1) for i, s in sequence] + [(0, 0, 0)] * (longest - len(sequence)) for sequence in sequences]
    padded[0] = [(i, s, int(p > 1)) for p, (i, s, _) in enumerate(padded[0])]
    padded[1] = [(i, s, int(rng.random() < 0.6 or p == 5)) for p, (i, s, _) in enumerate(padded[1])]
    return padded


def check_padding(driver):
    """Padded batches and pooled outputs, against one padded batch of transformers in float64."""
    rng = np.random.default_rng(3)
    shapes = [("electra", dict(layers=4, heads=4, hidden=256, embedding=128, intermediate=1024)),
              ("bert with pooler", dict(layers=3, heads=12, hidden=312, embedding=312, intermediate=700, pooler=True))]
    failed = False
    print(f"{'padded batch':<24}{'stored as':<12}{'hidden':>12}{'pooled':>12}")
    for name, shape in shapes:
        for dtype in (torch.float32, torch.float16, torch.bfloat16):
            model = random_model(activation="gelu", seed=11, **shape).to(dtype)
            padded = mask_sequences(rng, [random_sequence(rng, n, segments=True) for n in (60, 60, 1, 17, 33, 64, 90)])
            case = Case(driver, model, "gelu", [(0, padded)], {"config.dtype": DTYPES[dtype]})
            ids, segments, mask = torch.tensor(padded).permute(2, 0, 1)
            with torch.no_grad():
                expected = model.double()(input_ids=ids, token_type_ids=segments, attention_mask=mask)
            worst = [0.0, 0.0]
            for b, (_, _, states, _, *pooled) in enumerate(case.outputs(shape["hidden"])):
                worst[0] = max(worst[0], np.abs(states - expected.last_hidden_state[b].numpy()).max())
                for vector in pooled:
                    worst[1] = max(worst[1], np.abs(vector - expected.pooler_output[b].numpy()).max())
            print(f"{name:<24}{DTYPES[dtype]:<12}{worst[0]:12.2e}" + (f"{worst[1]:12.2e}" if case.pooler else ""))
            failed |= not max(worst) <= BAR
    return failed


def check_pooling(driver):
    """Every mode and a pipeline of modules, from our own hidden states on."""
    rng = np.random.default_rng(2)
    model = random_model(2, 4, 64, 32, 128, "gelu", 7)
    hidden = 64
    batches = [(0, [random_sequence(rng, n) for n in (1, 2, 15, 16, 17, 100)]),
               (3, [random_sequence(rng, n) for n in (4, 30, 3)])]
    cases = [([m], True) for m in MODES] + [(list(MODES), True)]
    cases += [([m], False) for m in MODES if m != "max"] + [(["cls", "mean", "last_token"], False)]
    failed = False
    print(f"{'pooling':<60}{'to float64':>12}")
    for modes, include_prompt in cases:
        for dense, normalize, dimensions in ((False, False, 0), (True, True, 20)):
            width = hidden * len(modes)
            modules = [f"pooling:{hidden}:{width}"]
            tensors, layers = {}, []
            if dense:
                layers = [Dense(width, 48, activation_function=TORCH_ACTIVATIONS["tanh"]),
                          Dense(48, 37, bias=False, activation_function=TORCH_ACTIVATIONS["linear"])]
                modules += [f"dense:{width}:48:bias:tanh", "normalize:48:48", "dense:48:37:nobias:linear"]
                tensors = {"modules.1.linear.weight": layers[0].linear.weight.detach(),
                           "modules.1.linear.bias": layers[0].linear.bias.detach(),
                           "modules.3.linear.weight": layers[1].linear.weight.detach()}
                width = 37
            changes = {"pipeline.modules": ",".join(modules), "pipeline.pooling_modes": ",".join(modes),
                       "pipeline.include_prompt": "true" if include_prompt else "false",
                       "pipeline.normalize": "true" if normalize else "false",
                       "pipeline.dimensions": str(dimensions)}
            case = Case(driver, model, "gelu", batches, changes, tensors)
            pooling = Pooling(hidden, pooling_mode=[MODES[m] for m in modes], include_prompt=include_prompt)
            worst = 0.0
            for prompt, sequence, states, embedding in case.outputs(dimensions or width):
                features = {"token_embeddings": torch.tensor(states[None]).double(),
                            "attention_mask": torch.ones(1, len(sequence), dtype=torch.long)}
                if prompt:
                    features["prompt_length"] = prompt
                vector = pooling(features)["sentence_embedding"]
                if dense:
                    vector = torch.tanh(layers[0].linear.double()(vector))
                    vector = torch.nn.functional.normalize(vector, dim=-1)
                    vector = layers[1].linear.double()(vector)
                vector = vector[:, :dimensions or width]
                if normalize:
                    vector = torch.nn.functional.normalize(vector, dim=-1)
                worst = max(worst, np.abs(vector[0].detach().numpy() - embedding).max())
            label = ",".join(modes) + ("" if include_prompt else " without prompt") + (" + modules" if dense else "")
            print(f"{label:<60}{worst:12.2e}")
            failed |= not worst <= POOL_BAR
    return failed


def main():
    driver = os.path.abspath(sys.argv[1])
    torch.set_num_threads(1)
    failed = check_encoder(driver, "--quick" in sys.argv)
    failed |= check_padding(driver)
    failed |= check_pooling(driver)
    print("FAILED" if failed else "ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

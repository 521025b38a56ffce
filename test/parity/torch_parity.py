#!/usr/bin/env python3
"""Imports the same weights in every form that torch and transformers write, and compares the archives.

Usage: torch_parity.py ELECTRA_IMPORT

For ELECTRA and BERT models of transformers, in several dtypes: safetensors,
pytorch_model.bin as zip container and as legacy stream, each whole and in
shards, with other pickle protocols, as parameters, with transposed matrices (as
in checkpoints converted from TensorFlow) and with all tensors in one storage.
Every archive must hold the model's own tensors bit for bit, and safetensors and
checkpoints must give the same archive but for provenance and for tied weights,
which safetensors leaves out.

Needs torch and transformers.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file

PREFIXES = ("electra.", "bert.")
TIED = {"generator_lm_head.weight", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
# the model's dtype, the option
DTYPES = [("float32", "float32"), ("float16", "float16"), ("bfloat16", "bfloat16"), ("float64", "float32"),
          ("float16", "source"), ("bfloat16", "source")]
STORED = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"t{i}" for i in range(95)]
COMMON = {"vocab_size": 100, "num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 64,
          "intermediate_size": 144, "max_position_embeddings": 48, "hidden_dropout_prob": 0.2}


def models():
    electra = transformers.ElectraConfig(embedding_size=24, **COMMON)
    bert = transformers.BertConfig(**COMMON)
    return {
        "ElectraModel": transformers.ElectraModel(electra),
        "ElectraForPreTraining": transformers.ElectraForPreTraining(electra),
        "ElectraForMaskedLM": transformers.ElectraForMaskedLM(electra),
        "ElectraForSequenceClassification": transformers.ElectraForSequenceClassification(electra),
        "BertModel": transformers.BertModel(bert),
        "BertForMaskedLM": transformers.BertForMaskedLM(bert),
        "BertForSequenceClassification": transformers.BertForSequenceClassification(bert),
    }


# ---- what is written --------------------------------------------------------

def whole(write):
    return lambda folder, model: write(model.state_dict(), os.path.join(folder, "pytorch_model.bin"))


def zip_file(state, path, **options):
    torch.save(state, path, **options)


def legacy_file(state, path):
    torch.save(state, path, _use_new_zipfile_serialization=False)


def sharded(write, ending="bin", stem="pytorch_model"):
    def shards(folder, model):
        state = model.state_dict()
        if ending == "safetensors":
            state = {n: t for n, t in state.items() if n not in TIED}
        names = list(state)
        weight_map = {}
        for i, begin in enumerate(range(0, len(names), 20)):
            shard = f"{stem}-{i + 1:05d}-of-{-(-len(names) // 20):05d}.{ending}"
            part = {n: state[n] for n in names[begin:begin + 20]}
            write(part, os.path.join(folder, shard))
            weight_map.update({n: shard for n in part})
        with open(os.path.join(folder, f"{stem}.{ending}.index.json"), "w", encoding="utf-8") as file:
            json.dump({"metadata": {"total_size": 1.0}, "weight_map": weight_map}, file)
    return shards


def with_positions(folder, model):
    """As older versions of transformers wrote it: with buffers."""
    state = model.state_dict()
    prefix = next((n for n in PREFIXES if any(t.startswith(n) for t in state)), "")
    state[prefix + "embeddings.position_ids"] = torch.arange(48).expand((1, -1))
    torch.save(state, os.path.join(folder, "pytorch_model.bin"))


def transposed(write):
    def matrices(folder, model):
        state = {n: t.t().contiguous().t() if t.dim() == 2 else t for n, t in model.state_dict().items()}
        write(state, os.path.join(folder, "pytorch_model.bin"))
    return matrices


def one_storage(write):
    def views(folder, model):
        state = model.state_dict()
        flat = torch.cat([t.reshape(-1) for t in state.values()])
        result, begin = {}, 0
        for name, t in state.items():
            result[name] = flat[begin:begin + t.numel()].view(t.shape)
            begin += t.numel()
        write(result, os.path.join(folder, "pytorch_model.bin"))
    return views


def parameters(folder, model):
    torch.save(model.state_dict(keep_vars=True), os.path.join(folder, "pytorch_model.bin"))


FORMS = {
    "safetensors": lambda folder, model: model.save_pretrained(folder),
    "safetensors in shards": sharded(save_file, "safetensors", "model"),
    "zip": whole(zip_file),
    "legacy": whole(legacy_file),
    "zip in shards": sharded(zip_file),
    "legacy in shards": sharded(legacy_file),
    "zip, protocol 4": whole(lambda state, path: zip_file(state, path, pickle_protocol=4)),
    "zip, protocol 5": whole(lambda state, path: zip_file(state, path, pickle_protocol=5)),
    "zip, parameters": parameters,
    "zip, position_ids": with_positions,
    "zip, transposed": transposed(zip_file),
    "legacy, transposed": transposed(legacy_file),
    "zip, one storage": one_storage(zip_file),
    "legacy, one storage": one_storage(legacy_file),
}


# ---- what is read -----------------------------------------------------------

def read_archive(path):
    with open(path, "rb") as file:
        content = file.read()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    metadata = {k: v for k, v in header.pop("__metadata__").items() if not k.startswith("source.sha256.")}
    return metadata, {name: (entry["dtype"], entry["shape"],
                             content[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]])
                      for name, entry in header.items() if name != "weights.sha256"}


def canonical(name):
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


def raw(tensor):
    return tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()


def check(program, model, write, option, reference, scratch):
    """What is wrong with one form of a model, or None; keeps the first form's archive as reference."""
    folder = os.path.join(scratch, "model")
    archive = os.path.join(scratch, "archive")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    model.config.save_pretrained(folder)
    write(folder, model)
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("".join(t + "\n" for t in VOCABULARY))
    run = subprocess.run([program, folder, "--dtype", option, "-o", archive], capture_output=True, text=True)
    if run.returncode != 0:
        return run.stderr.strip()
    metadata, tensors = read_archive(archive)
    if metadata["config.dropout"] != "0.2":
        return f"dropout is {metadata['config.dropout']}"
    weights = {canonical(n): t for n, t in model.state_dict().items()}
    found = {n: t for n, t in tensors.items() if not n.startswith("tokenizer.")}
    missing = weights.keys() - found.keys()
    if found.keys() - weights.keys() or missing - TIED:
        return f"tensors differ: {sorted(found.keys() ^ weights.keys())}"
    for name, (stored, shape, content) in found.items():
        if shape != list(weights[name].shape) or content != raw(weights[name].to(STORED[stored])):
            return f"tensor {name} differs from the model's"
    if not reference:
        reference.append((metadata, tensors))
        return None
    if metadata != reference[0][0]:
        return "metadata differs from that of safetensors"
    if {n: t for n, t in tensors.items() if n not in TIED} != {n: t for n, t in reference[0][1].items()
                                                               if n not in TIED}:
        return "tensors differ from those of safetensors"
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(1)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, model in models().items():
            for dtype, option in DTYPES:
                model.to(getattr(torch, dtype))
                reference = []
                for form, write in FORMS.items():
                    wrong = check(program, model, write, option, reference, scratch)
                    passed += wrong is None
                    failed += wrong is not None
                    if wrong:
                        print(f"FAILED {name}, {dtype} as {option}, {form}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

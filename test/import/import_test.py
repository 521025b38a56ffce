#!/usr/bin/env python3
"""Runs electra-import on generated directories, good and bad.

    import_test.py ELECTRA_IMPORT [MODEL_DIRECTORY]

Good ones must load, give the same bytes twice, and hold exactly the source's
tensors (compared here, independently of the importer's code); bad ones must
fail with exit status 1, exactly the message and detail that
bad_directories.py expects, a hint where it belongs, and leave no file behind.
MODEL_DIRECTORY, a real preset with model.safetensors, is checked as the good
ones are.  Needs python3-h5py (keras_directories.py).
"""
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import keras_directories
import make_directories
from directory_parts import BAD, GOOD, LOAD, TRANSFORMER

# What a good directory must give, beside its tensors: metadata of the archive.
EXPECTED = {
    "bert_plain": {"pipeline.max_length": "12", "pipeline.modules": "pooling:8:8", "pipeline.pooling_modes": "mean",
                   "pipeline.normalize": "false", "pipeline.trained_for_similarity": "false",
                   "source.model_type": "bert", "source.architecture": "BertModel", "config.embedding_dim": "8"},
    "bert_prefixed_heads": {"config.has_pooler": "true", "config.dropout": "0.1"},
    "torch_zip": {"config.has_pooler": "true"},
    "torch_legacy": {"config.has_pooler": "true"},
    "torch_zip64": {"config.has_pooler": "true"},
    "torch_shared": {"config.has_pooler": "false"},
    "bert_no_tokenizer_config": {"pipeline.max_length": "16"},
    "electra_discriminator": {"source.model_type": "electra", "config.embedding_dim": "4"},
    "electra_generator": {"config.activation": "gelu_tanh"},
    "electra_tokenizer": {"pipeline.max_length": "9", "tokenizer.strip_accents": "false"},
    "unusual_numbers": {"pipeline.max_length": "16"},
    "cased": {"tokenizer.lowercase": "false", "tokenizer.strip_accents": "false",
              "tokenizer.tokenize_chinese_chars": "false"},
    "cased_stripped": {"tokenizer.lowercase": "false", "tokenizer.strip_accents": "true"},
    "null_tokens": {"tokenizer.pad_token_id": "-1", "tokenizer.mask_token_id": "-1"},
    "tokenizer_json_rebuilt": {"tokenizer.max_word_chars": "100", "tokenizer.lowercase": "true"},
    "tokenizer_json_as_file": {"tokenizer.max_word_chars": "5", "tokenizer.lowercase": "false",
                               "tokenizer.strip_accents": "true", "tokenizer.clean_text": "false"},
    "sentence_plain": {"pipeline.max_length": "7", "pipeline.modules": "pooling:8:8,normalize:8:8",
                       "pipeline.trained_for_similarity": "true"},
    "sentence_subfolder": {"pipeline.max_length": "12", "tokenizer.lowercase": "true",
                           "tokenizer.strip_accents": "false", "pipeline.include_prompt": "false",
                           "pipeline.modules": "pooling:8:48",
                           "pipeline.pooling_modes": "cls,max,mean,mean_sqrt_len,weighted_mean,last_token"},
    "sentence_new_names": {"pipeline.pooling_modes": "cls", "pipeline.dimensions": "3", "pipeline.normalize": "false",
                           "source.prompts.passage": "passage: ", "pipeline.query_prompt": "query: ",
                           "pipeline.document_prompt": None, "source.similarity_fn_name": "cosine",
                           "pipeline.modules": "pooling:8:8,dense:8:6:bias:linear,normalize:6:6"},
    "sentence_mode_list": {"pipeline.pooling_modes": "cls,mean", "pipeline.modules": "pooling:8:16"},
    "sentence_only_cls": {"pipeline.pooling_modes": "cls"},
    "sentence_no_mode": {"pipeline.pooling_modes": "mean"},
    "sentence_two_dense": {"pipeline.modules": "pooling:8:8,dense:8:6:bias:tanh,dense:6:5:nobias:gelu"},
    "sentence_long": {"pipeline.max_length": "16"},
}
EXPECTED.update(keras_directories.EXPECTED)
LOAD.update(keras_directories.LOAD)

# Good directories that are also loaded in int8: each kind of source, and a Dense module.
INT8 = ("bert_plain", "electra_discriminator", "torch_zip", "half_types", "sentence_new_names", "keras_electra")

# Matrices that stay as they are, besides those of Dense modules: a head's labels, and the types of tokens.
FEW_ROWS = ("embeddings.token_type_embeddings.weight", "classifier.weight", "classifier.out_proj.weight",
            "qa_outputs.weight", "cls.seq_relationship.weight",
            "discriminator_predictions.dense_prediction.weight")


def read_safetensors(path):
    with open(path, "rb") as source:
        content = source.read()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    return header.pop("__metadata__", {}), {
        name: (entry["dtype"], entry["shape"],
               content[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]])
        for name, entry in header.items()}


def to_f32(dtype, raw):
    """Raw little-endian values as the bytes of F32, without the importer's help."""
    if dtype == "F32":
        return raw
    if dtype == "BF16":
        return b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2))
    values = struct.unpack("<%d%s" % (len(raw) // (2 if dtype == "F16" else 8), "e" if dtype == "F16" else "d"), raw)
    return struct.pack("<%df" % len(values), *values)


def weights_folder(folder):
    """Where the weights of a folder lie as safetensors: torch_directories.py puts those of checkpoints apart."""
    expected = os.path.join(folder, "expected")
    return expected if os.path.isdir(expected) else folder


def source_tensors(folder, name):
    """What an archive of this directory must hold: {canonical name: (shape, F32 bytes)}."""
    if name in keras_directories.NAMES:
        return keras_directories.source_tensors(folder)
    transformer = weights_folder(os.path.join(folder, TRANSFORMER.get(name, "")))
    tensors = {}
    for file in sorted(os.listdir(transformer)):
        if file.endswith(".safetensors"):
            for tensor, (dtype, shape, raw) in read_safetensors(os.path.join(transformer, file))[1].items():
                if tensor.endswith("position_ids"):
                    continue
                for prefix in ("bert.", "electra."):
                    if tensor.startswith(prefix):
                        tensor = tensor[len(prefix):]
                tensor = tensor.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta",
                                                                                      "LayerNorm.bias")
                tensors[tensor] = (shape, to_f32(dtype, raw))
    modules = os.path.join(folder, "modules.json")
    if os.path.exists(modules):
        with open(modules, encoding="utf-8") as file:
            for number, module in enumerate(json.load(file)):
                if module["type"].endswith(".Dense"):
                    path = os.path.join(weights_folder(os.path.join(folder, module["path"])), "model.safetensors")
                    for tensor, (dtype, shape, raw) in read_safetensors(path)[1].items():
                        tensors[f"modules.{number - 1}.{tensor}"] = (shape, to_f32(dtype, raw))
    return tensors


def check_good(program, folder, name, scratch):
    """Returns what is wrong, or None."""
    archives = [os.path.join(scratch, "first"), os.path.join(scratch, "second")]
    for archive in archives:
        run = subprocess.run([program, folder, "-o", archive], capture_output=True, text=True)
        if run.returncode != 0:
            return run.stderr
    with open(archives[0], "rb") as first, open(archives[1], "rb") as second:
        if first.read() != second.read():
            return "two runs give different bytes"
    run = subprocess.run([program, "--framed", folder], capture_output=True)
    if run.returncode != 0:
        return "refused in the sandbox: " + run.stdout[-300:].decode(errors="replace")
    run = subprocess.run([program, "--inspect", archives[0]], capture_output=True, text=True)
    if run.returncode != 0:
        return "its own reader refuses the archive: " + run.stderr
    metadata, tensors = read_safetensors(archives[0])
    found = {tensor: (shape, raw) for tensor, (_, shape, raw) in tensors.items()
             if not tensor.startswith("tokenizer.") and tensor != "weights.sha256"}
    expected = source_tensors(folder, name)
    if found.keys() != expected.keys():
        return f"tensors differ: {sorted(found.keys() ^ expected.keys())}"
    for tensor in expected:
        if found[tensor] != expected[tensor]:
            return f"tensor {tensor} differs from the source"
    wrong = keras_directories.check_content(name, tensors)
    if wrong:
        return wrong
    for key, value in EXPECTED.get(name, {}).items():
        if metadata.get(key) != value:
            return f"{key} is {metadata.get(key)!r}, expected {value!r}"
    for key, value in metadata.items():
        if folder in value:
            return f"{key} holds the path of the source"
    return check_hashes(folder, metadata, tensors["weights.sha256"][2], run.stdout)


def check_hashes(folder, metadata, weights, inspected):
    """What is wrong with the hashes of the source's files: those of weights stand behind the weights."""
    read_whole = {key[len("source.sha256."):]: value for key, value in metadata.items()
                  if key.startswith("source.sha256.")}
    of_weights = {name: digest for digest, name in
                  (entry.split(" ", 1) for entry in weights.decode("utf-8").split("\0")[:-1])}
    if list(of_weights) != sorted(of_weights) or not of_weights or read_whole.keys() & of_weights.keys():
        return f"hashes of {sorted(of_weights)} beside those of {sorted(read_whole)}"
    for name, digest in (read_whole | of_weights).items():
        with open(os.path.join(folder, name), "rb") as file:
            if hashlib.sha256(file.read()).hexdigest() != digest:
                return f"the hash of {name} is wrong"
        if f'  source.sha256.{name} = "{digest}"\n' not in inspected:
            return f"--inspect does not tell the hash of {name}"
    return None


def as_f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def quantized(values, columns):
    """Rows of floats as int8 and scales: groups of 64, the largest magnitude is 127; a second rule-book for the importer."""
    weights, scales = [], []
    for row in range(0, len(values), columns):
        for first in range(row, row + columns, 64):
            group = values[first:min(first + 64, row + columns)]
            largest = max(map(abs, group))
            if largest < 2.0 ** -100:
                weights += [0] * len(group)
                scales.append(0.0)
                continue
            # a double holds both operations on floats exactly enough to round once more
            inverse = as_f32(127 / largest)
            weights += [round(as_f32(value * inverse)) for value in group]
            scales.append(as_f32(largest / 127))
    return weights, scales


def in_layer(tensor):
    return re.fullmatch(r"encoder\.layer\.\d+\.(.*\.dense|attention\.self\.(query|key|value))\.weight", tensor)


def floats(raw):
    return struct.unpack("<%df" % (len(raw) // 4), raw)


def exact_channels(tensors, tensor):
    """The numbers of the channels that stay out of int8."""
    return [int(channel) for channel in floats(tensors.get(tensor + "_channels", ("F32", [0], b""))[2])]


def check_layer_matrix(tensors, tensor, shape, values):
    """
    A matrix of a layer: exact channels as they are, the scales of the others by
    the rule, their values rounded to make up for each other (test_int8_rounding.c).
    """
    rows, columns = shape
    channels = exact_channels(tensors, tensor)
    count = 0 if "attention.output" in tensor else min(4, columns)
    if len(channels) != count or channels != sorted(set(channels)) or not set(channels) <= set(range(columns)):
        return f"tensor {tensor}_channels holds {channels}"
    if "attention.self" in tensor and channels != exact_channels(
            tensors, re.sub("self.[a-z]*", "self.query", tensor)):
        return f"tensor {tensor}_channels is not query's"
    if count:
        exact = [values[row * columns + channel] for row in range(rows) for channel in channels]
        if tensors[tensor + "_exact"] != ("F32", [rows, count], struct.pack("<%df" % len(exact), *exact)):
            return f"tensor {tensor}_exact is not the source's"
    rest = [0.0 if i % columns in channels else value for i, value in enumerate(values)]
    nearest, scales = quantized(rest, columns)
    if tensors[tensor + "_scale"] != ("F32", [rows, (columns + 63) // 64], struct.pack("<%df" % len(scales), *scales)):
        return f"tensor {tensor}_scale is not what it should be"
    dtype, found_shape, raw = tensors[tensor]
    found = struct.unpack("<%db" % len(raw), raw)
    far = [i for i, (q, expected) in enumerate(zip(found, nearest)) if abs(q - expected) > (0 if rest[i] == 0 else 40)]
    if dtype != "I8" or found_shape != shape or far or min(found) < -127:
        return f"tensor {tensor} is not quantized as it should be: {far}"
    return None


def check_int8_export(program, archive, tensors, scratch):
    """An exported int8 preset is float32 with the same values, and says so."""
    target = os.path.join(scratch, "exported")
    run = subprocess.run([program, "--export", target, archive], capture_output=True, text=True)
    if run.returncode != 0 or "int8" not in run.stderr:
        return "export failed, or without a notice: " + run.stderr
    with open(os.path.join(target, "README.md"), encoding="utf-8") as readme:
        if "int8" not in readme.read():
            return "the exported README does not tell of int8"
    exported = read_safetensors(os.path.join(target, "model.safetensors"))[1]
    expected = {}
    for tensor, (dtype, shape, raw) in tensors.items():
        if dtype == "I8":
            scales = tensors[tensor + "_scale"][2]
            scales = struct.unpack("<%df" % (len(scales) // 4), scales)
            columns, groups = shape[1], (shape[1] + 63) // 64
            values = [as_f32(q * scales[i // columns * groups + i % columns // 64])
                      for i, q in enumerate(struct.unpack("<%db" % len(raw), raw))]
            channels = exact_channels(tensors, tensor)
            exact = floats(tensors[tensor + "_exact"][2]) if channels else ()
            for i, value in enumerate(exact):
                values[i // len(channels) * columns + channels[i % len(channels)]] = value
            expected[tensor] = ("F32", shape, struct.pack("<%df" % len(values), *values))
        elif dtype == "F32" and not tensor.endswith(("_scale", "_channels", "_exact")):
            expected[tensor] = (dtype, shape, raw)
    return None if exported == expected else "the exported tensors are not the preset's values"


def check_int8(program, folder, name, scratch):
    """In int8 a good directory holds what this script's own quantizer makes of its source; the gate tells its figures."""
    archives = [os.path.join(scratch, "first_int8"), os.path.join(scratch, "second_int8")]
    for archive, least in zip(archives, ("0", "0.25")):
        run = subprocess.run([program, "--dtype", "int8", "--min-cosine", least, folder, "-o", archive],
                             capture_output=True, text=True)
        if run.returncode != 0:
            return run.stderr
    with open(archives[0], "rb") as first, open(archives[1], "rb") as second:
        if first.read() != second.read():
            return "two runs, or another --min-cosine, give different bytes"
    run = subprocess.run([program, "--framed", "--dtype=int8", "--min-cosine=0", folder], capture_output=True)
    if run.returncode != 0:
        return "refused in the sandbox: " + run.stdout[-300:].decode(errors="replace")
    run = subprocess.run([program, "--inspect", archives[0]], capture_output=True, text=True)
    if run.returncode != 0 or "accuracy:    cosine to float32 at least 0." not in run.stdout:
        return "its own reader refuses the archive or does not show its accuracy: " + run.stderr
    metadata, tensors = read_safetensors(archives[0])
    lowest, mean = float(metadata["int8.lowest_cosine"]), float(metadata["int8.mean_cosine"])
    if not 0.9 < lowest <= mean <= 1 or int(metadata["int8.calibration_texts"]) < 60:
        return f"its figures are {lowest}, {mean}, {metadata['int8.calibration_texts']}"
    for tensor, (shape, raw) in source_tensors(folder, name).items():
        values = struct.unpack("<%df" % (len(raw) // 4), raw)
        if len(shape) != 2 or tensor in FEW_ROWS or tensor.startswith("modules."):
            if tensors[tensor] != ("F32", shape, raw):
                return f"tensor {tensor} differs from the source"
            continue
        if in_layer(tensor):
            wrong = check_layer_matrix(tensors, tensor, shape, values)
            if wrong:
                return wrong
            continue
        weights, scales = quantized(values, shape[1])
        if tensors[tensor] != ("I8", shape, struct.pack("<%db" % len(weights), *weights)):
            return f"tensor {tensor} is not quantized as it should be"
        if tensors[tensor + "_scale"] != ("F32", [shape[0], (shape[1] + 63) // 64], struct.pack("<%df" % len(scales), *scales)):
            return f"tensor {tensor}_scale is not what it should be"
    if name == "bert_plain":
        wrong = check_int8_export(program, archives[0], tensors, scratch)
        if wrong:
            return wrong
    # the gate: nothing is written, and the message has the figures
    refused = os.path.join(scratch, "refused")
    run = subprocess.run([program, "--dtype", "int8", "--min-cosine", "1", folder, "-o", refused],
                         capture_output=True, text=True)
    figures = f"the lowest cosine to the float32 vector is {lowest:.6f}, the mean {mean:.6f}"
    if run.returncode != 1 or os.path.exists(refused) or figures not in run.stderr or \
            f'int8 is not accurate enough for "{folder}"' not in run.stderr or "HINT:" not in run.stderr:
        return f"not refused as it should be: {run.returncode} {run.stderr}"
    return None


def check_bad(program, folder, message, detail, scratch):
    archive = os.path.join(scratch, "none")
    # a checkpoint that managed to execute something would leave its trace in scratch
    run = subprocess.run([program, folder, "-o", archive], capture_output=True, text=True, cwd=scratch)
    if run.returncode != 1:
        return f"exit status {run.returncode}: {run.stderr}"
    if os.listdir(scratch):
        return f"left behind: {os.listdir(scratch)}"
    # notices come before the error; both begin with the program's name
    lines = run.stderr.splitlines()
    while len(lines) > 1 and any(line.startswith("electra-import: ") for line in lines[1:]):
        del lines[0]
    first = lines[0].removeprefix("electra-import: ").removeprefix("error: ") if lines else ""
    if first != message:
        return f"message {first!r}, expected {message!r}"
    details = [line.strip().removeprefix("DETAIL:").strip() for line in lines[1:]]
    if detail is not None and detail not in details:
        return f"detail {details!r}, expected {detail!r}"
    if "is not supported" in message and message.split()[0] in ("tokenizer", "model", "custom") and \
            "all-MiniLM-L6-v2" not in run.stderr:
        return "no hint with models that work"
    return None


def check_link_out(program, folder):
    """In the sandbox a link that leads out of the directory loads, where the kernel has no Landlock, or is told as one."""
    path = os.path.join(folder, "link_out")
    shutil.copytree(os.path.join(folder, "bert_plain"), path)
    os.remove(os.path.join(path, "vocab.txt"))
    os.symlink(os.path.join("..", "bert_plain", "vocab.txt"), os.path.join(path, "vocab.txt"))
    run = subprocess.run([program, "--framed", path], capture_output=True)
    if run.returncode != 0 and (b'file "vocab.txt" cannot be read' not in run.stdout or
                                b"symbolic link that leads out of the directory" not in run.stdout):
        return "another error: " + run.stdout[-300:].decode(errors="replace")
    return None


def check_random(program, folder, name, pooler):
    """Without its weights a directory gives random ones: the same for the same seed, with a pooler where it has one."""
    path = os.path.join(folder, "no_weights_" + name)
    shutil.copytree(os.path.join(folder, name), path)
    os.remove(os.path.join(path, "model.safetensors"))
    archives = []
    for source, seed in ((path, "7"), (path, "8"), (os.path.join(folder, name), "7")):
        archives.append(os.path.join(folder, f"random_{len(archives)}"))
        run = subprocess.run([program, source, "--no-weights", "--seed", seed, "-o", archives[-1]],
                             capture_output=True, text=True)
        if run.returncode != 0:
            return run.stderr
    contents = [read_safetensors(archive) for archive in archives]
    if contents[0] != contents[2] or contents[0][1] == contents[1][1]:
        return "the weights are not those of their seed"
    metadata = contents[0][0]
    found = [metadata[key] for key in ("source.seed", "pipeline.untrained", "config.has_pooler")]
    return None if found == ["7", "true", pooler] else f"seed, untrained, has_pooler are {found}"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        make_directories.build(folder)
        cases = [(name, None) for name in GOOD] + [(name, case) for name, case in BAD.items()]
        if len(sys.argv) == 3:
            os.symlink(os.path.abspath(sys.argv[2]), os.path.join(folder, "model"))
            cases.append(("model", None))
        for name, case in cases:
            path = os.path.join(folder, name, LOAD.get(name, ""))
            with tempfile.TemporaryDirectory() as scratch:
                results[name] = check_bad(program, path, case[1], case[2], scratch) if case else \
                    check_good(program, path, name, scratch)
        for name in INT8:
            path = os.path.join(folder, name, LOAD.get(name, ""))
            with tempfile.TemporaryDirectory() as scratch:
                results[name + "_int8"] = check_int8(program, path, name, scratch)
        results["link_out"] = check_link_out(program, folder)
        for name, pooler in (("bert_plain", "true"), ("electra_discriminator", "false")):
            results["no_weights_" + name] = check_random(program, folder, name, pooler)
    for name, wrong in results.items():
        if wrong:
            print(f"FAILED {name}: {wrong.strip()}")
    failed = sum(bool(wrong) for wrong in results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

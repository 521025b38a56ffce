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

#!/usr/bin/env python3
"""Compares the tokenizer that electra-import reads with the one transformers builds.

    tokenizer_config_parity.py ELECTRA_IMPORT [DIRECTORY...]

For every good directory of test/import/good_directories.py (and those named) the archive's
tokenizer, decoded here, must equal AutoTokenizer's: vocabulary, added tokens
with ids and flags, normalizer, model, post-processor.  For a directory with
modules.json the maximal length and the lower-casing of sentence-transformers
are compared, too.  Needs transformers (5.23) and sentence-transformers (6.2).
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "import"))
os.environ["HF_HUB_OFFLINE"] = "1"

import good_directories             # noqa: E402,F401  (they register themselves)
from directory_parts import GOOD, LOAD, TRANSFORMER     # noqa: E402
from transformers import AutoTokenizer          # noqa: E402
from transformers.utils import logging          # noqa: E402

# Flags that tokenizers knows, too; "o" says that the model's vocabulary lacks the token.
FLAGS = {"w": "single_word", "l": "lstrip", "r": "rstrip", "n": "normalized", "s": "special"}


def read_archive(path):
    """Metadata and U8 tensors of an archive."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        blobs = {}
        for name in ("tokenizer.vocabulary", "tokenizer.added_tokens"):
            if name in header:
                begin, end = header[name]["data_offsets"]
                file.seek(8 + size + begin)
                blobs[name] = file.read(end - begin).decode()
    return header["__metadata__"], blobs


def describe_archive(path):
    metadata, blobs = read_archive(path)
    vocabulary = {token: i for i, token in enumerate(blobs["tokenizer.vocabulary"].split("\0")[:-1]) if token}
    added = {}
    for line in blobs.get("tokenizer.added_tokens", "").split("\0")[:-1]:
        index, letters, content = line.split(" ", 2)
        added[content] = (int(index), {FLAGS.get(letter, letter) for letter in letters if letter != "-"})

    def truth(key):
        return metadata["tokenizer." + key] == "true"

    def token(key):
        index = int(metadata[f"tokenizer.{key}_token_id"])
        return None if index < 0 else index
    return {
        "vocabulary": vocabulary, "added": added,
        "normalizer": {key: truth(key) for key in ("clean_text", "tokenize_chinese_chars", "strip_accents", "lowercase")},
        "max_word_chars": int(metadata["tokenizer.max_word_chars"]),
        "prefix": metadata["tokenizer.continuing_prefix"],
        "unk": token("unk"), "cls": token("cls"), "sep": token("sep"), "pad": token("pad"), "mask": token("mask"),
        "max_length": int(metadata["pipeline.max_length"]),
    }


def describe_transformers(tokenizer, positions):
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    normalizer = backend["normalizer"]
    first_lowers = False
    if normalizer["type"] == "Sequence":        # sentence-transformers' do_lower_case
        assert [part["type"] for part in normalizer["normalizers"]] == ["Lowercase", "BertNormalizer"]
        first_lowers = True
        normalizer = normalizer["normalizers"][1]
    assert normalizer["type"] == "BertNormalizer" and backend["pre_tokenizer"]["type"] == "BertPreTokenizer"
    strip = normalizer["strip_accents"]
    vocabulary = {token: i for token, i in backend["model"]["vocab"].items() if token}
    added = {token["content"]: (token["id"], {flag for flag in FLAGS.values() if token[flag]} |
                                ({"o"} if token["content"] not in vocabulary else set()))
             for token in backend["added_tokens"]}
    vocabulary.update({token: index for token, (index, _) in added.items()})
    empty = tokenizer("")["input_ids"]
    return {
        "vocabulary": vocabulary, "added": added,
        "normalizer": {"clean_text": normalizer["clean_text"],
                       "tokenize_chinese_chars": normalizer["handle_chinese_chars"],
                       "strip_accents": normalizer["lowercase"] if strip is None else strip,
                       "lowercase": normalizer["lowercase"] or first_lowers},
        "max_word_chars": backend["model"]["max_input_chars_per_word"],
        "prefix": backend["model"]["continuing_subword_prefix"],
        "unk": backend["model"]["vocab"][backend["model"]["unk_token"]], "cls": empty[0], "sep": empty[1],
        "pad": tokenizer.pad_token_id, "mask": tokenizer.mask_token_id,
        "max_length": min(tokenizer.model_max_length, positions),
    }


def reference(folder, name):
    """What transformers (or sentence-transformers) makes of the directory."""
    transformer = os.path.join(folder, TRANSFORMER.get(name, ""))
    with open(os.path.join(transformer, "config.json"), encoding="utf-8") as file:
        positions = json.load(file).get("max_position_embeddings", 512)
    if os.path.exists(os.path.join(folder, "modules.json")):
        from sentence_transformers import SentenceTransformer
        tokenizer = SentenceTransformer(folder, device="cpu").tokenizer
    else:
        tokenizer = AutoTokenizer.from_pretrained(transformer)
    return describe_transformers(tokenizer, positions)


def compare(program, folder, name, archive):
    subprocess.run([program, folder, "-o", archive], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours = describe_archive(archive)
    theirs = reference(folder, name)
    return [f"{key}: ours {ours[key]!r}, transformers {theirs[key]!r}" for key in ours if ours[key] != theirs[key]]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    program = os.path.abspath(sys.argv[1])
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, build in GOOD.items():
            build(os.path.join(folder, name))
        cases = [(name, os.path.join(folder, name, LOAD.get(name, ""))) for name in GOOD]
        cases += [(path, path) for path in sys.argv[2:]]
        for name, path in cases:
            wrong = compare(program, path, name, os.path.join(folder, "archive"))
            passed, failed = passed + (not wrong), failed + bool(wrong)
            if wrong:
                print(f"FAILED {name}:", *wrong, sep="\n    ")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

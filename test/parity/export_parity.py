#!/usr/bin/env python3
"""Opens exported directories with transformers and sentence-transformers.

    export_parity.py ELECTRA_IMPORT [MODEL_DIRECTORY]

For each good directory of good_directories.py, and MODEL_DIRECTORY: what
electra-import --export makes of its archive must give the same token ids and,
bit for bit, the same hidden states and sentence embeddings as the directory
itself; no weights may be missing.  Archives in half precision must give what
the weights, rounded, give; Keras presets must open.

Needs torch, transformers, sentence-transformers.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "import"))
os.environ["HF_HUB_OFFLINE"] = "1"

import torch                                                # noqa: E402
from sentence_transformers import SentenceTransformer       # noqa: E402
from transformers import AutoModel, AutoTokenizer, logging  # noqa: E402

import good_directories                                     # noqa: E402,F401
from directory_parts import GOOD                            # noqa: E402

TEXTS = [
    "", " ", "the quick brown fox", "The Quick BROWN foxes jump over the lazy dog, twice!", "caf\u00e9 cafe\u0301 CAF\u00c9",
    "a[MASK]b [mask] [CLS][SEP] [UNK] [PAD]", "<x1> <x2><x> <e1> <E2> <late><early> <s3> New new <mask></s><s>",
    "##es ##b x##e", "\u4e2d\u6587 \u65e5\u672c", "zero\u200bwidth soft\u00adhyphen nbsp\u00a0tab\ttoo", "\u0130stanbul \u00df \u1e9e \ufb01",
    "covid COVID covid19 sep1 SEP1", "boi<boi>boi", "brown browns dogs", "a" * 99, "a" * 100 + " b " + "a" * 101,
    "\ufffd\ue000\u0000x", "Fox; fox: (fox)", "e\u0301e \ud55c\uad6d\uc5b4",
]
LONG = " ".join(["the quick brown fox jumps"] * 100)


def preset_directory(folder):
    """The directory to load of a good one: that of a hub's cache is its snapshot."""
    snapshots = os.path.join(folder, "snapshots")
    return os.path.join(snapshots, os.listdir(snapshots)[0]) if os.path.isdir(snapshots) else folder


def transformer_directory(source):
    """Where transformers finds the model of a directory."""
    folder = os.path.join(source, "0_Transformer")
    return folder if os.path.isdir(folder) else source


def export(program, source, folder, *options):
    archive = folder + ".archive"
    for command in ([source, "-o", archive, *options], ["--export", folder, archive]):
        subprocess.run([program, *command], check=True, capture_output=True)
    return folder


def differ(first, second, *texts):
    """Do the tokenizers give other ids, or other segments where the first gives any?"""
    expected, found = first(*texts, truncation=True), second(*texts, truncation=True)
    return any(expected[key] != found[key] for key in expected)


def compare_tokenizers(original, exported):
    first, second = AutoTokenizer.from_pretrained(original), AutoTokenizer.from_pretrained(exported)
    # a plain directory has min(model_max_length, positions); the export states it
    first.model_max_length = second.model_max_length
    for text in TEXTS + [LONG]:
        for texts in [(text,)] + [(text, pair) for pair in TEXTS[2:5] + [LONG]]:
            if differ(first, second, *texts):
                return f"ids of {texts!r}: {first(*texts)}, exported {second(*texts)}"
    if first.pad_token_id != second.pad_token_id or first.mask_token_id != second.mask_token_id:
        return "the ids of [PAD] or [MASK] differ"
    return None


def load(folder, **options):
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True, **options)
    return model.eval(), info


def hidden_states(model, token_ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([token_ids])).last_hidden_state


def same_outputs(first, second, tokenizer):
    for text in TEXTS + [LONG]:
        token_ids = tokenizer(text, truncation=True)["input_ids"]
        if not torch.equal(hidden_states(first, token_ids), hidden_states(second, token_ids)):
            return f"the hidden states of {text!r} differ"
    return None


def compare_models(original, exported):
    # a file of several dtypes would be opened in one of them
    (first, first_info), (second, second_info) = load(original, dtype=torch.float32), load(exported)
    for kind in ("missing_keys", "mismatched_keys"):
        if set(second_info[kind]) - set(first_info[kind]):
            return f"{kind} of the export: {second_info[kind]}"
    return same_outputs(first, second, AutoTokenizer.from_pretrained(exported))


def compare_sentences(original, exported):
    first, second = SentenceTransformer(original, device="cpu"), SentenceTransformer(exported, device="cpu")
    if first.similarity_fn_name != second.similarity_fn_name or first.truncate_dim != second.truncate_dim:
        return "similarity_fn_name or truncate_dim differ"
    positions = second[0].auto_model.config.max_position_embeddings
    if min(first.max_seq_length, positions) != second.max_seq_length:
        return f"max_seq_length is {second.max_seq_length}, expected {first.max_seq_length} of {positions}"
    # longer texts than there are positions break the original
    texts = TEXTS + [LONG] if first.max_seq_length <= positions else TEXTS[:3]
    for method in ("encode", "encode_query", "encode_document"):
        for text in texts:
            if not (getattr(first, method)(text) == getattr(second, method)(text)).all():
                return f"{method}({text!r}) differs"
    return None


def attempt(check, *arguments):
    """What is wrong, also if the libraries do not open one of the directories."""
    try:
        return check(*arguments)
    except Exception as error:  # whatever they raise is a failure of this case only
        return f"{type(error).__name__}: {error}"


def compare(program, source, transformer, scratch):
    exported = export(program, source, os.path.join(scratch, "exported"))
    wrong = compare_models(transformer, exported)
    # the tokenizer of a transformer in a folder of its own may be changed by sentence-transformers' settings
    if not wrong and transformer == source:
        wrong = compare_tokenizers(transformer, exported)
    if not wrong and os.path.exists(os.path.join(source, "modules.json")):
        wrong = compare_sentences(source, exported)
    return wrong


def compare_half(program, source, dtype, scratch):
    """Matrices in half precision: the export computes in float32 with the rounded weights."""
    exported = export(program, source, os.path.join(scratch, str(dtype)), "--dtype", str(dtype).replace("torch.", ""))
    first, second = load(source, dtype=torch.float32)[0], load(exported)[0]
    if {parameter.dtype for parameter in second.parameters()} != {torch.float32}:
        return "the weights are not widened"
    for parameter in first.parameters():
        if parameter.dim() == 2:
            parameter.data = parameter.data.to(dtype).float()
    return same_outputs(first, second, AutoTokenizer.from_pretrained(exported))


def check_random(program, scratch):
    """A preset of Keras's class opens; of its weights only the pooler has no place."""
    words = os.path.join(scratch, "vocab.txt")
    with open(words, "w", encoding="utf-8") as file:
        file.write("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "fox"]) + "\n")
    archive, folder = os.path.join(scratch, "archive"), os.path.join(scratch, "folder")
    subprocess.run([program, "--create", "--num-layers", "2", "--num-heads", "2", "--hidden-dim", "16",
                    "--embedding-dim", "8", "--intermediate-dim", "32", "--max-sequence-length", "16",
                    "--vocabulary", words, "--seed", "1", "-o", archive], check=True, capture_output=True)
    subprocess.run([program, "--export", folder, archive], check=True, capture_output=True)
    model, info = load(folder)
    if type(model).__name__ != "ElectraModel" or info["missing_keys"] or \
            sorted(info["unexpected_keys"]) != ["pooler.dense.bias", "pooler.dense.weight"]:
        return f"{type(model).__name__}: {info}"
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    if model.config.hidden_dropout_prob != 0.1 or config["hidden_act"] != "gelu_new":
        return f"config.json is {config}"
    hidden_states(model, [2, 5, 6, 3])
    return None


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    program = os.path.abspath(sys.argv[1])
    results = {}
    names = [name for name, builder in GOOD.items() if builder.__module__ == "good_directories"]
    with tempfile.TemporaryDirectory() as folder:
        sources = {}
        for name in names:
            GOOD[name](os.path.join(folder, name))
            sources[name] = preset_directory(os.path.join(folder, name))
        if len(sys.argv) == 3:
            sources["model"] = os.path.abspath(sys.argv[2])
        for name, source in sources.items():
            with tempfile.TemporaryDirectory() as scratch:
                results[name] = attempt(compare, program, source, transformer_directory(source), scratch)
        with tempfile.TemporaryDirectory() as scratch:
            for dtype in (torch.float16, torch.bfloat16):
                results[str(dtype)] = attempt(compare_half, program, sources["bert_plain"], dtype, scratch)
            results["random preset"] = attempt(check_random, program, scratch)
    for name, wrong in results.items():
        if wrong:
            print(f"FAILED {name}: {wrong}")
    failed = sum(bool(wrong) for wrong in results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Exports archives back into directories, and imports those again.

    export_test.py ELECTRA_IMPORT [MODEL_DIRECTORY]

For each good directory of good_directories.py, and MODEL_DIRECTORY: directory
-> archive -> --export -> archive must give the same tensors, vocabulary, added
tokens and configuration: the same archive but for what it says of its source,
and for the tokenizer of Keras presets.  Archives come as files, through a pipe,
and as the lines that psql prints.  What is wrong is refused, and leaves nothing
behind.  Needs what make_directories.py needs.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import make_directories
from directory_parts import GOOD, VOCABULARY
from import_test import LOAD, read_safetensors

# Options of both imports, and what the second archive says otherwise, because
# Hugging Face's files have no other words for it.
SIMILAR = {"pipeline.trained_for_similarity": "true"}
OPTIONS = {
    "float16": ("half_types", ["--dtype", "float16"], ["--dtype", "source"], {}),
    "bfloat16": ("bert_plain", ["--dtype", "bfloat16"], ["--dtype", "source"], {}),
    "max_length": ("bert_plain", ["--max-length", "5"], [], {}),
    "truncation": ("bert_plain", ["--truncation", "error"], ["--truncation", "error"], {}),
    "pooling": ("electra_discriminator", ["--pooling", "cls,mean"], [], SIMILAR),
    "prompts": ("bert_plain", ["--query-prompt", "q\u00fc: \"\\", "--document-prompt", "d "], [], SIMILAR),
    "no_prompts": ("sentence_new_names", ["--query-prompt", ""], [], {}),
    "no_normalize": ("sentence_plain", ["--normalize", "no"], [], {}),
    "normalize": ("bert_plain", ["--normalize", "yes"], [],
                  {"pipeline.trained_for_similarity": "true", "pipeline.normalize": "false",
                   "pipeline.modules": "pooling:8:8,normalize:8:8"}),
    "dimensions": ("bert_plain", ["--dimensions", "3"], [], SIMILAR),
    "cut_and_normalized": ("sentence_plain", ["--dimensions", "3"], ["--normalize", "yes"], {}),
}

# Classes of transformers for presets of Keras.
MODELS = {"keras_electra": "ElectraModel", "keras_published": "ElectraModel", "keras_bert": "BertModel"}


def run(program, *arguments, **keywords):
    return subprocess.run([program, *arguments], capture_output=True, check=False, **keywords)


def preset(path):
    """What an archive holds, without what it says of its source."""
    metadata, tensors = read_safetensors(path)
    tensors.pop("weights.sha256", None)
    return {key: value for key, value in metadata.items() if not key.startswith("source.")}, tensors


def difference(first, second, changes):
    """What differs between two archives beyond the expected changes, or None."""
    (expected, tensors), (found, found_tensors) = preset(first), preset(second)
    if expected["tokenizer.pipeline"] == "keras":
        # no Hugging Face tokenizer equals it: the nearest one, which finds the special tokens, too
        expected.update({"tokenizer.pipeline": "bert", "tokenizer.clean_text": "true",
                         "tokenizer.special_tokens_in_strings": "false"})
        tensors["tokenizer.added_tokens"] = with_special(expected, tensors)
    expected.update(changes)
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            return f"{key} is {found.get(key)!r}, expected {expected.get(key)!r}"
    for name in sorted(tensors.keys() | found_tensors.keys()):
        if tensors.get(name) != found_tensors.get(name):
            return f"tensor {name} differs"
    return None


def with_special(metadata, tensors):
    """Tensor tokenizer.added_tokens with all special tokens of a preset."""
    tokens = tensors["tokenizer.vocabulary"][2].split(b"\0")
    added = {int(metadata[f"tokenizer.{name}_token_id"]): b"s" for name in ("unk", "sep", "pad", "cls", "mask")}
    for entry in tensors.get("tokenizer.added_tokens", ("U8", [0], b""))[2].split(b"\0")[:-1]:
        added[int(entry.split()[0])] = entry.split()[1]
    content = b"".join(b"%d %s %s\0" % (i, added[i], tokens[i]) for i in sorted(added) if i >= 0)
    return "U8", [len(content)], content


def psql_lines(content, size):
    """As psql -XAt prints bytea in pieces."""
    return b"".join(b"\\x" + content[i:i + size].hex().encode() + b"\n" for i in range(0, len(content), size))


def round_trip(program, source, scratch, first_options=(), second_options=(), changes=None):
    first, second, folder = (os.path.join(scratch, name) for name in ("first", "second", "exported"))
    done = run(program, source, "-o", first, *first_options)
    if done.returncode != 0:
        return done.stderr.decode()
    done = run(program, "--export", folder, first)
    if done.returncode != 0:
        return "export: " + done.stderr.decode()
    if sorted(os.listdir(scratch)) != ["exported", "first"]:
        return f"left behind: {os.listdir(scratch)}"
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        architectures = json.load(file).get("architectures", [""])
    if not architectures[0].startswith(MODELS.get(os.path.basename(source), "")):
        return f"architectures is {architectures}"
    digest = done.stdout.split()[0].decode()
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        if digest not in file.read():
            return "README.md does not hold the digest"
    if preset(first)[0]["tokenizer.pipeline"] == "none":
        made = sorted(os.listdir(folder))
        return None if made == ["README.md", "config.json", "model.safetensors"] else f"without a tokenizer: {made}"
    done = run(program, folder, "-o", second, *second_options)
    if done.returncode != 0:
        return "import of the export: " + done.stderr.decode()
    return difference(first, second, changes or {}) or same_by_pipe(program, first, folder, scratch)


def same_by_pipe(program, archive, folder, scratch):
    """Bytes and psql's lines on standard input give the directory that the file gives."""
    with open(archive, "rb") as file:
        content = file.read()
    if len(content) > 1 << 20:
        forms = {"bytes": content, "lines": psql_lines(content, 1 << 20)}
    else:
        forms = {"bytes": content, "lines": psql_lines(content, 1000), "one line": psql_lines(content, len(content)),
                 "no last line break": psql_lines(content, 4096)[:-1]}
    for name, data in forms.items():
        again = os.path.join(scratch, "again")
        done = run(program, "--export", again, "-", input=data)
        if done.returncode != 0:
            return f"{name} on standard input: {done.stderr.decode()}"
        if subprocess.run(["diff", "-r", folder, again], capture_output=True, check=False).returncode != 0:
            return f"{name} on standard input give another directory"
        subprocess.run(["rm", "-r", again], check=True)
    return None


def refused(program, scratch, data, message):
    """Standard input that is no archive: the message, and nothing left behind."""
    done = run(program, "--export", os.path.join(scratch, "none"), "-", input=data)
    if done.returncode != 1 or message not in done.stderr.decode():
        return f"exit status {done.returncode}, {done.stderr.decode()!r}, expected {message!r}"
    if os.listdir(scratch):
        return f"left behind: {os.listdir(scratch)}"
    return None


def wrong_inputs(program, archive):
    """name -> what is wrong, for inputs that are no archive."""
    with open(archive, "rb") as file:
        content = file.read()
    middle = len(content) // 2
    cases = {
        "empty": (b"", "standard input is empty"),
        "short header": (content[:100], "standard input ends too early"),
        "short data": (content[:middle], "standard input ends too early"),
        "short by one": (content[:-1], "standard input ends too early"),
        "too long": (content + b"\n", "goes on behind its end"),
        "short lines": (psql_lines(content[:middle], 1000), "standard input ends too early"),
        "half a digit": (psql_lines(content, 1000)[:middle | 1], "standard input ends too early"),
        "long lines": (psql_lines(content + b"x", 1000), "goes on behind its end"),
        "escaped bytea": (b"\\x" + content[:50].hex().encode() + b"\n\\001\\002\n", "line 2 of standard input"),
        "no digits": (b"\\x0g" + psql_lines(content, 1000)[4:], "line 1 of standard input"),
        "an error of psql": (b"ERROR:  no such preset\n", "preset archive is invalid"),
        "damaged vocabulary": (content.replace(b"[UNK]\0", b"[\xff\xff\xff]\0"), "is not valid UTF-8"),
        "no unknown token": (content.replace(b"[UNK]\0[CLS]", b"\0\0\0\0\0\0[CLS]"), "tokens than vocab_size"),
    }
    results = {}
    for name, (data, message) in cases.items():
        with tempfile.TemporaryDirectory() as scratch:
            results[name] = refused(program, scratch, data, message)
    return results


def existing_targets(program, archive):
    """Whatever has the directory's name already stays as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        os.mkdir(os.path.join(scratch, "empty"))
        os.symlink("nowhere", os.path.join(scratch, "link"))
        with open(os.path.join(scratch, "file"), "w", encoding="utf-8") as file:
            file.write("content")
        for name in ("empty", "link", "file"):
            done = run(program, "--export", os.path.join(scratch, name) + ("/" if name == "empty" else ""), archive)
            if done.returncode != 1 or b"exists already" not in done.stderr:
                return f"{name}: {done.stderr.decode()}"
        if sorted(os.listdir(scratch)) != ["empty", "file", "link"] or os.listdir(os.path.join(scratch, "empty")):
            return f"changed: {os.listdir(scratch)}"
        done = run(program, "--export", os.path.join(scratch, "missing", "folder"), archive)
        if done.returncode != 1 or b"could not create directory" not in done.stderr:
            return f"a missing parent: {done.stderr.decode()}"
    return None


def full_disk(program, archive):
    """A write that fails leaves nothing behind."""
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(["sh", "-c", 'trap "" XFSZ; ulimit -f 2; exec "$0" --export "$1" "$2"', program,
                               os.path.join(scratch, "none"), archive], capture_output=True, check=False)
        if done.returncode != 1 or b"could not write file" not in done.stderr:
            return f"exit status {done.returncode}: {done.stderr.decode()}"
        if os.listdir(scratch):
            return f"left behind: {os.listdir(scratch)}"
    return None


def interrupted(program, archive):
    """A signal in the middle leaves nothing behind."""
    with open(archive, "rb") as file:
        content = file.read()
    with tempfile.TemporaryDirectory() as scratch:
        with subprocess.Popen([program, "--export", os.path.join(scratch, "none"), "-"], stdin=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            process.stdin.write(content[:len(content) // 2])
            process.stdin.flush()
            for _ in range(1000):
                if os.listdir(scratch):
                    break
                time.sleep(0.01)
            began = os.listdir(scratch)
            process.send_signal(signal.SIGTERM)
            status = process.wait()
        if not began:
            return "it did not begin"
        if status != -signal.SIGTERM or os.listdir(scratch):
            return f"exit status {status}, left behind: {os.listdir(scratch)}"
    return None


def create(program, archive, hidden):
    """A random preset of some width."""
    words = archive + ".txt"
    with open(words, "w", encoding="utf-8") as file:
        file.write("".join(word + "\n" for word in VOCABULARY))
    return run(program, "--create", "--num-layers", "2", "--num-heads", "2", "--hidden-dim", str(hidden),
               "--embedding-dim", "4", "--intermediate-dim", "16", "--max-sequence-length", "16",
               "--vocabulary", words, "--seed", "1", "-o", archive)


def created(program, scratch):
    """A random preset: an ELECTRA with a pooler, which the export keeps."""
    first, second, folder = (os.path.join(scratch, name) for name in ("first", "second", "exported"))
    done = create(program, first, 8)
    if done.returncode != 0:
        return done.stderr.decode()
    done = run(program, "--export", folder, first)
    if done.returncode != 0 or b"has no pooler" not in done.stderr or b"are random" not in done.stderr:
        return "export: " + done.stderr.decode()
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    if config["model_type"] != "electra" or config["architectures"] != ["ElectraModel"] or \
            config["hidden_act"] != "gelu_new":
        return f"config.json is {config}"
    done = run(program, folder, "-o", second)
    if done.returncode != 0:
        return "import of the export: " + done.stderr.decode()
    return difference(first, second, {"pipeline.untrained": "false"})


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        make_directories.build(folder, GOOD)
        cases = {name: (name, [], [], {}) for name in GOOD}
        cases.update(OPTIONS)
        if len(sys.argv) == 3:
            os.symlink(os.path.abspath(sys.argv[2]), os.path.join(folder, "model"))
            cases["model"] = ("model", [], [], {})
        for name, (directory, first, second, changes) in cases.items():
            with tempfile.TemporaryDirectory() as scratch:
                results[name] = round_trip(program, os.path.join(folder, directory, LOAD.get(directory, "")), scratch,
                                           first, second, changes)
        with tempfile.TemporaryDirectory() as scratch:
            results["created"] = created(program, scratch)
        archive = os.path.join(folder, "archive")
        run(program, os.path.join(folder, "sentence_two_dense"), "-o", archive)
        results.update(wrong_inputs(program, archive))
        results["existing targets"] = existing_targets(program, archive)
        results["full disk"] = full_disk(program, archive)
        create(program, archive, 256)
        results["interrupted"] = interrupted(program, archive)
    for name, wrong in results.items():
        if wrong:
            print(f"FAILED {name}: {wrong.strip()}")
    failed = sum(bool(wrong) for wrong in results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

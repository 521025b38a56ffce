"""MB/s of tokenizing: Hugging Face's pipeline against its own tokenizers, Keras' against Keras-Hub's."""
import os
import subprocess

from ours import Ours, array_of
from peers import Missing, Peer, convert
from session import heading, row
from workloads import MAX_TOKENS, documents


class OurTokenizer:
    """A preset's, from SQL, with what a call and a row cost."""

    def __init__(self, bench, preset, name):
        self.session, self.preset, self.engine, self.version = bench.session, preset, name, bench.version

    def tokenize(self, texts):
        return self.session.time(f"SELECT sum(electra_token_count(body, '{self.preset}')) FROM {texts.name}")

    def ids(self, texts):
        return [[int(each) for each in array_of(line)] for line in self.session.run(
            f"SELECT electra_token_ids(body, '{self.preset}') FROM {texts.name} ORDER BY id").split("\n")]


class CoreTokenizer:
    """The core's own, without SQL: the program of tokenizer_bench.c, whose clock is CPU time."""

    def __init__(self, bench, pipeline, texts):
        self.engine, self.version, self.path = "electra's core", bench.version, os.path.join(bench.folder, "documents")
        self.command = [bench.tokenizer_program, "-r", "3", *(["-k"] if pipeline == "Keras" else []),
                        os.path.join(bench.directories["minilm"], "vocab.txt"), self.path]
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(texts.texts) + "\n")

    def tokenize(self, texts):
        """Milliseconds."""
        output = subprocess.run(self.command, stdout=subprocess.PIPE, check=True, text=True).stdout
        header, values = (line.split("\t") for line in output.splitlines()[:2])
        return 0.001 * float(values[header.index("us/text")]) * len(texts.texts)


def pairs(bench):
    """Of each pipeline, ours and the one that it follows."""
    found = []
    try:
        Ours("minilm", "float32", bench.directories["minilm"], bench.core).close()
        found.append(("Hugging Face", OurTokenizer(bench, "minilm_float32", "electra"),
                      Peer("tokenizers", "", bench.directories["minilm"], bench.folder, bench.core)))
    except Missing as reason:
        bench.missing(f"tokenizers: {reason}")
    try:
        preset = convert("keras-preset", bench.directories["minilm"], bench.folder)
        Ours("keras", "float32", preset, bench.core).close()
        found.append(("Keras", OurTokenizer(bench, "keras_float32", "electra"),
                      Peer("Keras-Hub tokenizer", "", bench.directories["minilm"], bench.folder, bench.core)))
    except Missing as reason:
        bench.missing(f"Keras-Hub's tokenizer: {reason}")
    return found


def differences(ours, theirs):
    """Texts whose ids differ; ours begin with [CLS], end with [SEP] and are cut at MAX_TOKENS, a peer's may or not."""
    count = 0
    for a, b in zip(ours, theirs):
        if b[:1] == a[:1]:
            b = b[1:-1]
        count += a[1:-1] != b[:MAX_TOKENS - 2]
    return count


def measure_pipeline(bench, pipeline, ours, theirs, texts, name):
    size = 1e-6 * sum(len(text.encode()) for text in texts.texts)
    theirs.keep(texts)
    differ = differences(ours.ids(texts), theirs.ids(texts))
    times = {ours: [], theirs: []}
    if bench.tokenizer_program is not None:
        times[CoreTokenizer(bench, pipeline, texts)] = []
    for turn in range(bench.rounds + 1):
        for engine, into in times.items():
            elapsed = [engine.tokenize(texts) for _ in range(3 if engine is ours else 1)]
            if turn > 0:
                into += elapsed
    for engine, into in times.items():
        bench.results.add("tokenizer", name, "MB/s", [1000 * size / each for each in into], pipeline, "",
                          engine.engine, engine.version)
    bench.results.compare()
    for engine in times:
        line = bench.results.find(part="tokenizer", model=pipeline, case=name, engine=engine.engine)[0]
        row(f"{name}, {pipeline} pipeline: {engine.engine} {engine.version}", line["best"], line["median"],
            line["ratio"], f"{differ} of {len(texts.texts)}" if engine is ours else "")


def measure(bench):
    bench.results.forget("tokenizer", ["Hugging Face", "Keras"])
    heading("tokenizer, documents of 2 kB, MB/s", "best", "median", "ratio", "ids differ in")
    found = pairs(bench)
    for name, texts in documents().items():
        texts.fill(bench.session)
        for pipeline, ours, theirs in found:
            try:
                measure_pipeline(bench, pipeline, ours, theirs, texts, name)
            except Missing as reason:
                bench.missing(f"{pipeline} pipeline, {name}: {reason}")
    for _, _, theirs in found:
        theirs.close()

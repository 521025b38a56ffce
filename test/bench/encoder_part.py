"""One text at a time, of 16 to 512 tokens, by each model and engine in turns."""
import json
import os
import statistics

import numpy as np

from ours import Ours
from peers import FLOAT32, INT8, Missing, Peer, variants
from results import accuracy_of
from session import heading, ms, row
from workloads import LENGTHS, LENGTHS_OF_LARGE, encoder_gflop, texts_of_length

# Milliseconds that one engine's turn lasts, so that short texts are measured as well as long ones.
TURN = 120
MOST_TEXTS = 16
WARM_UP = 2
OURS = {"float32": ("float32", "bfloat16", "float16"), "int8": ("int8",)}
# Takes too much memory to hold everything at once, and storage dtypes change nothing at 128 tokens.
LARGE = "large"


def start_peers(bench, model, engines, dtype):
    found = []
    for engine, amx in variants(engines, dtype):
        try:
            found.append(Peer(engine, dtype, bench.directories[model], bench.folder, bench.core, amx))
        except Missing as reason:
            bench.missing(f"{engine}, {dtype}, {model}: {reason}")
    return found


def start_ours(bench, model, group):
    found = []
    for dtype in OURS[group] if model != LARGE else (group,):
        try:
            found.append(Ours(model, dtype, bench.directories[model], bench.core))
        except Missing as reason:
            bench.missing(str(reason))
    if group == "float32" and found and bench.has_openblas:
        found.append(Ours(model, group, bench.directories[model], bench.core,
                          ("SET electra.kernels = 'openblas'",), "electra with OpenBLAS"))
    return found


class Comparison:
    """The times of all engines for one model and group of dtypes, and their accuracy."""

    def __init__(self, bench, model, group, reference):
        self.bench, self.model, self.group, self.reference = bench, model, group, reference
        self.times = {}         # (engine, dtype, tokens) -> ms
        self.accuracy, self.versions = {}, {}
        with open(os.path.join(bench.directories[model], "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)

    def measure(self, engines, lengths):
        for engine in list(engines):
            try:
                engine.prepare(lengths)
            except Missing as reason:
                self.bench.missing(str(reason))
                engines.remove(engine)
        for tokens in lengths:
            self.measure_length(engines, tokens)
        for engine in engines:
            self.remember(engine)

    def measure_length(self, engines, tokens):
        texts = self.bench.texts[tokens]
        counts = {}
        for engine in engines:
            # Texts follow each other round and round, so that the backend remembers none of them.
            vectors = engine.vectors(texts)
            if engine.engine == "torch":
                self.reference[tokens] = vectors
            self.accuracy[engine.engine, engine.dtype, tokens] = vectors
            self.versions[engine.engine] = engine.version
            counts[engine] = max(1, min(MOST_TEXTS, int(TURN / min(engine.time(texts, 0, WARM_UP)))))
        for turn in range(self.bench.rounds):
            for engine in engines:
                self.times.setdefault((engine.engine, engine.dtype, tokens), []).extend(
                    engine.time(texts, WARM_UP + turn * counts[engine], counts[engine]))

    def remember(self, engine):
        """Memory, and what it took to get ready."""
        add, key = self.bench.results.add, {"model": self.model, "dtype": engine.dtype, "engine": engine.engine,
                                            "version": engine.version}
        for field in ("Pss", "Private_Dirty"):
            add("memory", field, "kB", [engine.memory(field)], **key)
        add("load", "load", "ms", [engine.load_ms], **key)
        if isinstance(engine, Ours):
            add("load", "image", "ms", [engine.image_ms], **key)

    def report(self, lengths):
        peak = self.bench.peak["int8" if self.group == "int8" else "float32"]
        heading(f"{self.model}, {self.group}, one text at a time", "min", "median", "p99", "of peak", "lowest cosine",
                "mean cosine", "difference")
        for tokens in lengths:
            gflop = encoder_gflop(self.config, tokens)
            for (name, dtype, each), times in self.times.items():
                if each != tokens:
                    continue
                share = gflop / (min(times) / 1000) / peak
                accuracy = None
                if tokens in self.reference:
                    accuracy = accuracy_of(self.accuracy[name, dtype, tokens], self.reference[tokens])
                self.bench.results.add("encoder", tokens, "ms", times, self.model, dtype, name, self.versions[name],
                                       share, accuracy)
                label = name if dtype == self.group else f"{name} ({dtype})"
                row(f"{tokens:>4} tokens  {label} {self.versions[name]}", ms(min(times)),
                    ms(statistics.median(times)), ms(np.percentile(times, 99)), f"{share:.0%}",
                    *(accuracy and (f"{accuracy[0]:.6f}", f"{accuracy[1]:.6f}", f"{accuracy[2]:.1e}") or ()))


def measure_model(bench, model):
    lengths = [each for each in bench.lengths if model != LARGE or each in LENGTHS_OF_LARGE]
    reference = {}
    for group, engines in (("float32", FLOAT32), ("int8", INT8)):
        bench.measure_peak()
        comparison = Comparison(bench, model, group, reference)
        ours = start_ours(bench, model, group)
        if model == LARGE:
            for engine in engines:
                peers = start_peers(bench, model, (engine,), group)
                comparison.measure(ours + peers, lengths)
                for each in peers:
                    each.close()
        else:
            peers = start_peers(bench, model, engines, group)
            comparison.measure(ours + peers, lengths)
            for each in peers:
                each.close()
        for each in ours:
            each.close()
        bench.measure_peak()
        comparison.report(lengths)
        bench.results.save()


def measure(bench):
    for part in ("encoder", "memory", "load"):
        bench.results.forget(part, bench.models)
    bench.texts = {tokens: texts_of_length(bench.minilm, tokens) for tokens in bench.lengths}
    for tokens, texts in bench.texts.items():
        texts.fill(bench.session)
    for model in bench.models:
        measure_model(bench, model)
    report_memory(bench)


def report_memory(bench):
    for model in bench.models:
        heading(f"{model}: memory after it, and getting ready", "PSS", "Private_Dirty", "load", "image")
        for line in bench.results.find(part="memory", model=model, case="Pss"):
            key = {name: line[name] for name in ("model", "dtype", "engine")}
            image = bench.results.best(part="load", case="image", **key)
            row(f"{line['engine']} {line['version']}, {line['dtype']}", f"{float(line['best']) / 1024:.0f} MB",
                f"{bench.results.best(part='memory', case='Private_Dirty', **key) / 1024:.0f} MB",
                f"{bench.results.best(part='load', case='load', **key) / 1000:.1f} s",
                "" if image is None else f"{image / 1000:.1f} s")

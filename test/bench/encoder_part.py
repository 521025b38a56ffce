"""One text at a time, of 16 to 512 tokens, by each model and engine in turns."""
import json
import os
import time

from ours import WITH_OPENBLAS, Ours
from peers import FLOAT32, INT8, Missing, Peer, each_that_works, variants
from results import accuracy_of, group_of
from session import heading, ms, row
from workloads import LENGTHS_OF_LARGE, MODELS, TEXTS_OF_A_LENGTH, encoder_gflop, texts_of_length

# Milliseconds that one engine's turn lasts, so that short texts are measured as well as long ones.
TURN = 120
MOST_TEXTS = 16
WARM_UP = 2
LENGTHS_OF_VARIANTS = (16, 128, 512)
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
        found.append(Ours(model, group, bench.directories[model], bench.core, WITH_OPENBLAS, "electra with OpenBLAS"))
    return found


def is_variant(engine):
    """electra with another storage or another matrix product, which need not be measured everywhere."""
    return isinstance(engine, Ours) and (engine.engine != "electra" or engine.dtype not in OURS)


def texts_to_compare(model, tokens):
    """How many texts accuracy is measured with; of random weights it tells little."""
    return max(2, min(TEXTS_OF_A_LENGTH, (2048 if MODELS[model] is None else 512) // tokens))


class Comparison:
    """The times of all engines for one model and group of dtypes, and their accuracy."""

    def __init__(self, bench, model, group, reference):
        self.bench, self.model, self.group, self.reference = bench, model, group, reference
        self.times = {}         # (engine, dtype, tokens) -> ms
        self.vectors, self.versions = {}, {}
        self.next = {}          # (engine, tokens) -> the text that it is timed with next
        with open(os.path.join(bench.directories[model], "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)

    def measure(self, engines, lengths):
        each_that_works(self.bench, engines, lambda engine: engine.prepare(lengths))
        for tokens in lengths:
            self.measure_length([each for each in engines if tokens in LENGTHS_OF_VARIANTS or not is_variant(each)],
                                tokens)
        for engine in engines:
            if not engine.closed:
                self.remember(engine)

    def measure_length(self, engines, tokens):
        texts = self.bench.texts[tokens]

        def time_next(engine, count):
            # Texts follow each other round and round, so that the backend remembers none of them.
            first = self.next.get((engine, tokens), texts_to_compare(self.model, tokens))
            self.next[engine, tokens] = first + count
            return engine.time(texts, first, count)

        def warm_up(engine):
            """Gives the number of texts of a turn."""
            key = (engine.engine, engine.dtype, tokens)
            if key not in self.vectors:
                self.vectors[key] = engine.vectors(texts, texts_to_compare(self.model, tokens))
            self.versions[engine.engine] = engine.version
            return max(1, min(MOST_TEXTS, int(TURN / min(time_next(engine, WARM_UP)))))

        self.bench.measure_peak()
        engines = [each for each in engines if not each.closed]
        counts = each_that_works(self.bench, engines, warm_up)
        for _ in range(self.bench.rounds):
            times = each_that_works(self.bench, engines, lambda engine: time_next(engine, counts[engine]))
            for engine, each in times.items():
                self.times.setdefault((engine.engine, engine.dtype, tokens), []).extend(each)

    def remember(self, engine):
        """Memory, and what it took to get ready."""
        add, key = self.bench.results.add, {"model": self.model, "dtype": engine.dtype, "engine": engine.engine,
                                            "version": engine.version}
        for field in ("Pss", "Private_Dirty"):
            add("memory", field, "kB", [engine.memory(field)], **key)
        add("load", "load", "ms", [engine.load_ms], **key)
        if isinstance(engine, Ours):
            add("load", "image", "ms", [engine.image_ms], **key)

    def refer(self, tokens):
        """The vectors that all are compared with: of float32 by torch, else by who is there."""
        for name in ("torch", "ONNX Runtime", "OpenVINO", "electra"):
            if (name, "float32", tokens) in self.vectors:
                self.reference.setdefault(tokens, self.vectors[name, "float32", tokens])

    def report(self, lengths):
        for tokens in lengths:
            self.refer(tokens)
            gop = encoder_gflop(self.config, tokens)
            for (name, dtype, each), times in self.times.items():
                if each == tokens:
                    accuracy = accuracy_of(self.vectors[name, dtype, tokens], self.reference[tokens]) \
                        if tokens in self.reference else None
                    self.bench.results.add("encoder", tokens, "ms", times, self.model, dtype, name,
                                           self.versions[name], gop, accuracy)
        self.bench.results.compare()
        heading(f"{self.model}, {self.group}, one text at a time", "min", "median", "p99", "of peak", "best peer",
                "lowest cosine", "mean cosine", "difference")
        for tokens in lengths:
            for line in self.bench.results.find(part="encoder", model=self.model, case=str(tokens)):
                if group_of(line["dtype"]) == self.group:
                    label = line["engine"] if line["dtype"] == self.group else f"{line['engine']} ({line['dtype']})"
                    row(f"{tokens:>4} tokens  {label} {line['version']}",
                        *(ms(float(line[name])) for name in ("best", "median", "p99")),
                        f"{float(line['share_of_peak']):.0%}", line.get("ratio", ""),
                        *(line.get(name, "") for name in ("cosine_lowest", "cosine_mean", "largest_difference")))


def measure_model(bench, model):
    lengths = [each for each in bench.lengths if model != LARGE or each in LENGTHS_OF_LARGE]
    if not lengths:
        return
    reference = {}
    for group, engines in (("float32", FLOAT32), ("int8", INT8)):
        comparison = Comparison(bench, model, group, reference)
        start = time.perf_counter()
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
        print(f"  {model}, {group}: {time.perf_counter() - start:.0f} s", flush=True)


def measure_models(bench, models):
    for part in ("encoder", "memory", "load"):
        bench.results.forget(part, models)
    bench.texts = {tokens: texts_of_length(bench.minilm, tokens) for tokens in bench.lengths}
    for texts in bench.texts.values():
        texts.fill(bench.session)
    for model in models:
        measure_model(bench, model)
    report_memory(bench, models)


def measure(bench):
    measure_models(bench, [model for model in bench.models if model != LARGE])


def report_memory(bench, models):
    for model in models:
        heading(f"{model}: memory after it, and getting ready", "PSS", "Private_Dirty", "load", "image")
        for line in bench.results.find(part="memory", model=model, case="Pss"):
            key = {name: line[name] for name in ("model", "dtype", "engine")}
            image = bench.results.best(part="load", case="image", **key)
            row(f"{line['engine']} {line['version']}, {line['dtype']}", f"{float(line['best']) / 1024:.0f} MB",
                f"{bench.results.best(part='memory', case='Private_Dirty', **key) / 1024:.0f} MB",
                f"{bench.results.best(part='load', case='load', **key) / 1000:.1f} s",
                "" if image is None else f"{image / 1000:.1f} s")

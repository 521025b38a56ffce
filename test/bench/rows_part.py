"""Rows a second from SQL against the peers' own batches, with tokenizing and pooling on both sides."""
import json
import os
import statistics

from ours import Ours, array_of
from peers import Missing, Peer, each_that_works
from results import accuracy_of
from session import Session, heading, row
from workloads import encoder_gflop, prose

MODEL = "minilm"
ENGINES = (("ONNX Runtime", "float32"), ("OpenVINO", "float32"), ("sentence-transformers", "float32"),
           ("Keras-Hub", "float32"), ("ONNX Runtime", "int8"), ("OpenVINO", "int8"))
BATCHES = (8, 32, 128)
# Accuracy is of all texts, time of the first so many.
TIMED = {"short": 128, "middle": 48, "long": 16}
# Keras-Hub is compiled for each shape, which takes longer than all the rest.
BATCH_OF_A_KIND = {"short": 32, "middle": 32, "long": 8}
# Rows of a call, and where they begin: not with those that a backend still remembers.
COUNTS = {1: 0, 4: 1, 16: 60, 64: 80}
# The memo of a backend keeps 8 texts: no text comes again as long as it might be in there.
MORE_THAN_MEMO = 12
NAMES = {"short": "about 12 tokens", "middle": "about 40 tokens", "long": "about 600 characters, documents"}


def start(bench):
    engines = []
    for dtype in ("float32", "int8"):
        try:
            engines.append(Ours(MODEL, dtype, bench.directories[MODEL], bench.core))
        except Missing as reason:
            bench.missing(str(reason))
    for engine, dtype in ENGINES:
        try:
            engines.append(Peer(engine, dtype, bench.directories[MODEL], bench.folder, bench.core, batches=True))
        except Missing as reason:
            bench.missing(f"{engine}, {dtype}, rows: {reason}")
    return engines


def gop_of_row(bench, texts, count):
    """Billions of operations that the encoder needs for one of the first so many rows, on average."""
    with open(os.path.join(bench.minilm, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tokens = array_of(bench.session.run(
        f"SELECT array_agg(least(electra_token_count(body, '{MODEL}_float32'), 512)) FROM {texts.name} "
        f"WHERE id < {count}"))
    return sum(encoder_gflop(config, each) for each in tokens) / len(tokens)


def best_batches(bench, engines, kind, texts):
    """Of each engine, after a warm-up; electra takes all rows in one call."""
    count = TIMED[kind]

    def try_out(engine):
        engine.rows(texts, 1, count)
        if isinstance(engine, Ours):
            return count
        if engine.engine == "Keras-Hub":
            return BATCH_OF_A_KIND[kind]
        return min(BATCHES, key=lambda batch: engine.rows(texts, batch, count))

    return each_that_works(bench, engines, try_out)


def measure_texts(bench, engines, kind, texts, vectors):
    """Rows a second one by one and in each engine's best batch; the best batches."""
    count, times = TIMED[kind], {}
    each_that_works(bench, engines, lambda engine: engine.keep(texts))
    vectors[kind] = each_that_works(bench, engines, lambda engine: engine.vectors_of_rows(
        texts, BATCH_OF_A_KIND[kind]))
    batches = best_batches(bench, engines, kind, texts)
    for _ in range(bench.rounds):
        for batch_of in (lambda engine: 1, batches.get):
            for engine, elapsed in each_that_works(bench, engines, lambda engine, batch_of=batch_of: engine.rows(
                    texts, batch_of(engine), count)).items():
                times.setdefault((engine, batch_of(engine)), []).append(elapsed)
        bench.measure_peak()

    reference = reference_of(vectors[kind])
    gop = gop_of_row(bench, texts, count)
    for engine in engines:
        for case, batch in (("one by one", 1), ("batches", batches[engine])):
            bench.results.add("rows", f"{kind}, {case}", "rows/s",
                              [1000 * count / each for each in times[engine, batch]], MODEL, engine.dtype,
                              engine.engine, engine.version, gop, accuracy_of(vectors[kind][engine], reference))
    report(bench, engines, kind, batches)
    return batches


def reference_of(vectors):
    """sentence-transformers' where it is there, else float32 of another."""
    return next((vectors[each] for each in vectors if each.engine == "sentence-transformers"),
                next(iter(vectors.values()), None))


def report(bench, engines, kind, batches):
    bench.results.compare()
    heading(f"rows/s, {NAMES[kind]}, MiniLM", "one by one", "median", "best peer", "batches", "median", "best peer",
            "of peak", "batch", "lowest cosine", "mean cosine", "difference")
    for engine in engines:
        alone, batched = (bench.results.find(part="rows", model=MODEL, dtype=engine.dtype, engine=engine.engine,
                                             case=f"{kind}, {case}")[0] for case in ("one by one", "batches"))
        row(f"{engine.engine} {engine.version}, {engine.dtype}",
            *(f"{float(line[name]):{form}}" for line in (alone, batched)
              for name, form in (("best", ".0f"), ("median", ".0f"), ("ratio", ".2f")) if line.get(name)),
            f"{float(batched['share_of_peak']):.0%}",
            "one call" if isinstance(engine, Ours) else str(batches[engine]),
            batched["cosine_lowest"], batched["cosine_mean"], batched["largest_difference"])


def report_accuracy(bench, engines, vectors):
    """Of all texts together."""
    count = sum(len(next(iter(each.values()))) for each in vectors.values())
    heading(f"accuracy against float32, {count} texts of prose, MiniLM", "lowest cosine", "mean cosine", "difference")
    for engine in engines:
        lines, references = [], []
        for each in vectors.values():
            lines += each[engine]
            references += reference_of(each)
        accuracy = accuracy_of(lines, references)
        bench.results.add("accuracy", f"{count} texts", "cosine", [accuracy[0]], MODEL, engine.dtype, engine.engine,
                          engine.version, accuracy=accuracy)
        row(f"{engine.engine} {engine.version}, {engine.dtype}", f"{accuracy[0]:.6f}", f"{accuracy[1]:.6f}",
            f"{accuracy[2]:.1e}")


def measure_counts(bench, engines, texts, batches):
    """What a call costs against the number of its rows."""
    times = {}
    for turn in range(bench.rounds + 1):
        for count, first in COUNTS.items():
            first += 8 * (turn % MORE_THAN_MEMO)
            for engine, elapsed in each_that_works(
                    bench, engines, lambda engine, count=count, first=first: engine.rows(
                        texts, 1 if count == 1 else min(batches[engine], count), count, first)).items():
                if turn > 0:
                    times.setdefault((engine, count), []).append(elapsed)
    heading("a call over so many rows of about 12 tokens", *(str(count) for count in COUNTS))
    for engine in engines:
        for count in COUNTS:
            bench.results.add("counts", count, "ms", times[engine, count], MODEL, engine.dtype, engine.engine,
                              engine.version)
        row(f"{engine.engine} {engine.version}, {engine.dtype}",
            *(f"{min(times[engine, count]):.1f} ms" for count in COUNTS))


class SharedOut:
    """A table that parallel workers share, the leader only collecting."""

    def __init__(self, preset):
        self.session = Session("SET parallel_leader_participation = off", "SET parallel_setup_cost = 0",
                               "SET jit = off", "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0")
        # Few rows a page, so that there are enough pages to deal out.
        self.session.run("DROP TABLE IF EXISTS shared_out",
                         "CREATE TABLE shared_out (body text) WITH (fillfactor = 10, parallel_workers = 2)",
                         "INSERT INTO shared_out SELECT body || ' ' || n FROM rows_short, generate_series(1, 2) n",
                         "ANALYZE shared_out")
        # The planner sees no gain in one worker without the leader and has to be told.
        self.force = "debug_parallel_query" if int(self.session.run("SHOW server_version_num")) >= 160000 \
            else "force_parallel_mode"
        self.query = f"SELECT count(electra_embed(body, '{preset}')) FROM shared_out"
        self.count = int(self.session.run("SELECT count(*) FROM shared_out"))

    def rows_a_second(self, workers):
        self.session.run(f"SET max_parallel_workers_per_gather = {workers}",
                         f"SET {self.force} = {'on' if workers == 1 else 'off'}")
        plan = self.session.run("EXPLAIN " + self.query)
        if f"Workers Planned: {workers}" not in plan:
            raise Missing(f"a plan with {workers} workers: {plan}")
        return 1000 * self.count / self.session.time(self.query)


def measure_workers(bench):
    """
    Two parallel workers against one, and beside them what the machine itself
    gives two processes: cores that are threads of one core share its units.
    """
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        bench.missing("parallel workers: there is one core")
        return
    heading("two at once, not on one core", "one", "two", "ratio", "of medians")
    for dtype in ("float32", "int8"):
        preset = f"{MODEL}_{dtype}"
        if preset not in Ours.loaded:
            continue
        table = SharedOut(preset)
        rates = {1: [], 2: []}
        operations = {1: [], 2: []}
        for turn in range(bench.rounds + 1):
            for workers in (1, 2):
                rate = table.rows_a_second(workers)
                peak, _ = bench.core_peak(*cores[:workers])[dtype]
                if turn > 0:
                    rates[workers].append(rate)
                    operations[workers].append(peak)
        table.session.close()
        for what, unit, engine, found in (("parallel workers, leader not taking part", "rows/s", "electra", rates),
                                          ("processes that only multiply and add", "Gop/s", "core", operations)):
            for workers, values in found.items():
                bench.results.add("workers", workers, unit, values, MODEL, dtype, engine,
                                  bench.version if engine == "electra" else "")
            row(f"{dtype}: {what}", *(f"{max(found[n]):.0f} {unit}" for n in (1, 2)),
                f"{max(found[2]) / max(found[1]):.2f}",
                f"{statistics.median(found[2]) / statistics.median(found[1]):.2f}")


def measure(bench):
    for part in ("rows", "counts", "workers", "accuracy"):
        bench.results.forget(part, [MODEL])
    texts = prose(bench.minilm)
    for each in texts.values():
        each.fill(bench.session)
    engines = start(bench)
    batches, vectors = {}, {}
    for kind, each in texts.items():
        batches[kind] = measure_texts(bench, engines, kind, each, vectors)
        bench.results.save()
    report_accuracy(bench, engines, vectors)
    measure_counts(bench, engines, texts["short"], batches["short"])
    for engine in engines:
        engine.close()
    bench.results.save()
    measure_workers(bench)

"""Rows a second from SQL against the peers' own batches, with tokenizing and pooling on both sides."""
import statistics

from ours import Ours
from peers import Missing, Peer
from results import accuracy_of
from session import Session, heading, row
from workloads import prose

MODEL = "minilm"
ENGINES = (("ONNX Runtime", "float32"), ("OpenVINO", "float32"), ("sentence-transformers", "float32"),
           ("Keras-Hub", "float32"), ("ONNX Runtime", "int8"), ("OpenVINO", "int8"))
BATCHES = (8, 32, 128)
# Keras-Hub is compiled for each shape, which takes longer than all the rest; electra takes all rows in one call.
ONLY_BATCHES = {"Keras-Hub": (32,), "electra": (128,)}
# Rows of a call, and where they begin: not with those that a backend still remembers.
COUNTS = {1: 0, 4: 1, 16: 100, 64: 120, 256: 0}
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


def measure_texts(bench, engines, kind, texts):
    """Rows a second one by one and in each engine's best batch; the best batches."""
    count = len(texts.texts)
    vectors, batches, times = {}, {}, {}
    for engine in engines:
        engine.keep(texts)
        vectors[engine] = engine.vectors_of_rows(texts)
        engine.rows(texts, 1, count)
        tried = ONLY_BATCHES.get(engine.engine, BATCHES)
        for batch in tried:
            engine.rows(texts, batch, count)
        batches[engine] = min(tried, key=lambda batch, engine=engine: engine.rows(texts, batch, count))
    for _ in range(bench.rounds):
        for engine in engines:
            for batch in (1, batches[engine]):
                times.setdefault((engine, batch), []).append(engine.rows(texts, batch, count))

    reference = next((vectors[each] for each in engines if each.engine == "sentence-transformers"), None)
    heading(f"rows/s, {NAMES[kind]}, MiniLM", "one by one", "median", "batches", "median", "batch", "lowest cosine",
            "mean cosine", "difference")
    for engine in engines:
        accuracy = None if reference is None else accuracy_of(vectors[engine], reference)
        columns = []
        for case, batch in (("one by one", 1), ("batches", batches[engine])):
            rates = [1000 * count / each for each in times[engine, batch]]
            best, median, _ = bench.results.add("rows", f"{kind}, {case}", "rows/s", rates, MODEL, engine.dtype,
                                                engine.engine, engine.version, accuracy=accuracy)
            columns += [f"{best:.0f}", f"{median:.0f}"]
        row(f"{engine.engine} {engine.version}, {engine.dtype}", *columns,
            "one call" if isinstance(engine, Ours) else str(batches[engine]),
            *(accuracy and (f"{accuracy[0]:.6f}", f"{accuracy[1]:.6f}", f"{accuracy[2]:.1e}") or ()))
    return batches


def measure_counts(bench, engines, texts, batches):
    """What a call costs against the number of its rows."""
    times = {}
    for turn in range(bench.rounds + 1):
        for engine in engines:
            for count, first in COUNTS.items():
                first += 0 if count == 256 else 8 * (turn % 7)
                elapsed = engine.rows(texts, 1 if count == 1 else min(batches[engine], count), count, first)
                if turn > 0:
                    times.setdefault((engine, count), []).append(elapsed)
    heading("a call over so many rows of about 12 tokens", *(str(count) for count in COUNTS))
    for engine in engines:
        for count in COUNTS:
            bench.results.add("counts", count, "ms", times[engine, count], MODEL, engine.dtype, engine.engine,
                              engine.version)
        row(f"{engine.engine} {engine.version}, {engine.dtype}",
            *(f"{min(times[engine, count]):.1f} ms" for count in COUNTS))


def measure_workers(bench):
    """Two parallel workers against one, the leader only collecting; not on one core."""
    heading("parallel workers, leader not taking part, rows/s", "one", "two", "ratio", "of medians")
    for dtype in ("float32", "int8"):
        preset = f"{MODEL}_{dtype}"
        if preset not in Ours.loaded:
            continue
        session = Session("SET parallel_leader_participation = off", "SET parallel_setup_cost = 0", "SET jit = off",
                          "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0")
        # Few rows a page, so that there are enough pages to deal out.
        session.run("DROP TABLE IF EXISTS shared_out",
                    "CREATE TABLE shared_out (body text) WITH (fillfactor = 10, parallel_workers = 2)",
                    "INSERT INTO shared_out SELECT body || ' ' || n FROM rows_short, generate_series(1, 2) n",
                    "ANALYZE shared_out")
        # The planner sees no gain in one worker without the leader and has to be told.
        force = "debug_parallel_query" if int(session.run("SHOW server_version_num")) >= 160000 \
            else "force_parallel_mode"
        query = f"SELECT count(electra_embed(body, '{preset}')) FROM shared_out"
        times = {1: [], 2: []}
        for turn in range(bench.rounds + 1):
            for workers, into in times.items():
                session.run(f"SET max_parallel_workers_per_gather = {workers}",
                            f"SET {force} = {'on' if workers == 1 else 'off'}")
                plan = session.run("EXPLAIN " + query)
                if f"Workers Planned: {workers}" not in plan:
                    bench.missing(f"a plan with {workers} workers: {plan}")
                    return
                elapsed = session.time(query)
                if turn > 0:
                    into.append(elapsed)
        count = int(session.run("SELECT count(*) FROM shared_out"))
        rates = {workers: [1000 * count / each for each in into] for workers, into in times.items()}
        for workers, each in rates.items():
            bench.results.add("workers", workers, "rows/s", each, MODEL, dtype, "electra", bench.version)
        row(f"electra {dtype}", f"{max(rates[1]):.0f}", f"{max(rates[2]):.0f}", f"{max(rates[2]) / max(rates[1]):.2f}",
            f"{statistics.median(rates[2]) / statistics.median(rates[1]):.2f}")
        session.close()


def measure(bench):
    for part in ("rows", "counts", "workers"):
        bench.results.forget(part, [MODEL])
    texts = prose(bench.minilm)
    for each in texts.values():
        each.fill(bench.session)
    engines = start(bench)
    batches = {}
    for kind, each in texts.items():
        batches[kind] = measure_texts(bench, engines, kind, each)
        bench.results.save()
    measure_counts(bench, engines, texts["short"], batches["short"])
    for engine in engines:
        engine.close()
    measure_workers(bench)
    bench.results.save()

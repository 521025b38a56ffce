#!/usr/bin/env python3
"""Measures electra from SQL on this machine; test/bench/run calls it.

    bench.py PRESET MODEL_DIR --peak GFLOPS [--rounds 9] [--core N]

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE) to a server on this
machine that has the preset loaded from MODEL_DIR.  ONNX Runtime runs the same
weights in fp32 with one thread on the same core, in turns with the server, so
that both see the same clock and the same neighbours.  ONNX Runtime is timed
without tokenizer and pooling; electra with them and with all of SQL.
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import onnxruntime

from make_onnx import make_onnx
from session import Session, heading, ms, row

# Times, in ms, of embedding each row of a table by itself.
TIME_ROWS = """
CREATE FUNCTION time_rows(source regclass, preset text) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
    body text;
    start timestamptz;
    times float8[] = '{}';
BEGIN
    FOR body IN EXECUTE format('SELECT body FROM %s ORDER BY id', source) LOOP
        start := clock_timestamp();
        PERFORM electra_embed(body, preset);
        times := times || 1000 * extract(epoch FROM clock_timestamp() - start)::float8;
    END LOOP;
    RETURN times;
END $$;
"""


def single_token_words(directory):
    """(word, id) of plain words of the vocabulary."""
    with open(os.path.join(directory, "vocab.txt"), encoding="utf-8") as file:
        words = [line.rstrip("\n") for line in file]
    return [(word, n) for n, word in enumerate(words) if 3 <= len(word) <= 9 and word.isascii() and word.isalpha()]


def make_texts(directory, tokens, count):
    """Texts of exactly so many tokens, all different, and their ids."""
    words = single_token_words(directory)
    texts, ids = [], []
    for n in range(count):
        chosen = [words[(7919 * n + 131 * k) % len(words)] for k in range(tokens - 2)]
        texts.append(" ".join(word for word, _ in chosen))
        ids.append(np.array([[101] + [number for _, number in chosen] + [102]], dtype=np.int64))
    return texts, ids


def fill(session, table, texts):
    rows = ", ".join(f"({n}, '{text}')" for n, text in enumerate(texts))
    session.run(f"CREATE TABLE {table} (id int, body text)", f"INSERT INTO {table} VALUES {rows}", f"ANALYZE {table}")


def encoder_gflop(config, tokens):
    """Of one text, multiplications and additions counted each."""
    hidden, intermediate = config["hidden_dim"], config["intermediate_dim"]
    weights = config["num_layers"] * (4 * hidden * hidden + 2 * hidden * intermediate)
    return 1e-9 * tokens * (2 * weights + 4 * config["num_layers"] * tokens * hidden)


def array_of(text):
    return [float(value) for value in text.strip("{}").split(",")]


def compare_with_onnxruntime(options, session, config):
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = 1
    session_options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        make_onnx(options.model_dir, path)
        peer = onnxruntime.InferenceSession(path, session_options, providers=["CPUExecutionProvider"])

    heading(f"one row at a time, fp32, core {options.core}", "min", "median", "p99", "of peak")
    for tokens, count in ((16, 48), (128, 12)):
        texts, ids = make_texts(options.model_dir, tokens, count)
        table = f"text_{tokens}"
        fill(session, table, texts)
        counts = session.run(f"SELECT DISTINCT electra_token_count(body, '{options.preset}') FROM {table}")
        if counts != str(tokens):
            sys.exit(f"the texts have {counts} tokens and not {tokens}")

        ours, theirs = [], []
        for turn in range(options.rounds + 1):
            times = array_of(session.run(f"SELECT time_rows('{table}', '{options.preset}')"))
            peer_times = []
            for each in ids:
                start = time.perf_counter()
                peer.run(None, {"ids": each})
                peer_times.append(1000 * (time.perf_counter() - start))
            if turn > 0:        # the first round warms both up
                ours += times
                theirs += peer_times

        gflop = encoder_gflop(config, tokens)
        for name, times in (("electra from SQL", ours), (f"ONNX Runtime {onnxruntime.__version__}", theirs)):
            row(f"{tokens} tokens: {name}", ms(min(times)), ms(statistics.median(times)),
                ms(np.percentile(times, 99)), f"{100 * gflop / (min(times) / 1000) / options.peak:.0f} %")
        row(f"{tokens} tokens: electra is faster by", f"{min(theirs) / min(ours):.2f}",
            f"{statistics.median(theirs) / statistics.median(ours):.2f}")
        report_accuracy(options, session, peer, table, ids)


def report_accuracy(options, session, peer, table, ids):
    vectors = [np.array(array_of(line)) for line in
               session.run(f"SELECT electra_embed(body, '{options.preset}') FROM {table} ORDER BY id").split("\n")]
    difference, cosine = 0.0, 1.0
    for vector, each in zip(vectors, ids):
        expected = peer.run(None, {"ids": each})[0][0].astype(np.float64).mean(axis=0)
        expected /= np.linalg.norm(expected)
        difference = max(difference, np.abs(vector - expected).max())
        cosine = min(cosine, vector @ expected / np.linalg.norm(vector))
    row("   largest difference, lowest cosine", f"{difference:.1e}", f"{cosine:.7f}")


def first_call(options):
    first, second = [], []
    for n in range(15):
        session = Session()
        session.pin(options.core)
        times = [session.time(f"SELECT electra_embed('the {word} call number {n}', '{options.preset}')")
                 for word in ("first", "second")]
        session.close()
        first.append(times[0])
        second.append(times[1])
    heading("first call in a fresh backend", "min", "median")
    row("first", ms(min(first)), ms(statistics.median(first)))
    row("second", ms(min(second)), ms(statistics.median(second)))
    row("more for the first", ms(min(first) - min(second)),
        ms(statistics.median(a - b for a, b in zip(first, second))))


def memory(options):
    plain = Session()
    plain.run("SELECT cardinality(ARRAY[1.0]::real[])")
    busy = Session()
    heading("memory of a backend", "Private_Dirty", "over plain", "PSS")
    plain_kb = plain.memory("Private_Dirty")
    row("that does not embed", f"{plain_kb} kB", "", f"{plain.memory('Pss')} kB")
    for what, text in (("after a short text", "'a short text'"), ("after a text of full length", "repeat('word ', 600)")):
        busy.run(f"SELECT electra_embed({text}, '{options.preset}')")
        kb = busy.memory("Private_Dirty")
        row(what, f"{kb} kB", f"{kb - plain_kb} kB", f"{busy.memory('Pss')} kB")
    plain.close()
    busy.close()


def jit(options, session):
    texts, _ = make_texts(options.model_dir, 8, 50)
    session.run("CREATE TABLE fifty (id int, body text)",
                "INSERT INTO fifty VALUES " + ", ".join(f"({n}, '{text}')" for n, text in enumerate(texts)))
    query = f"SELECT count(electra_embed(body || '{{}}', '{options.preset}')) FROM fifty"
    default, off = Session(), Session("SET jit = off")
    heading("a query over 50 rows", "default", "jit = off", "more")
    for what in ("never analyzed", "analyzed"):
        times = ([], [])
        for turn in range(options.rounds):
            for each, into in ((default, times[0]), (off, times[1])):
                into.append(each.time(query.format(turn)))
        row(what, ms(min(times[0])), ms(min(times[1])), ms(min(times[0]) - min(times[1])))
        session.run("ANALYZE fifty")
    default.close()
    off.close()


def generic_plan(options, session):
    texts_done = f"""SELECT coalesce(sum(texts), 0) FROM electra_stat_presets
                     WHERE '{options.preset}' = ANY (names)"""
    session.run(f"""CREATE TABLE many AS
                    SELECT n AS id, (SELECT array_agg(sin(n * 7 + k)::real) FROM
                                     generate_series(1, electra_dimensions('{options.preset}')) k) AS embedding
                    FROM generate_series(1, 10000) n""", "ANALYZE many", "SET plan_cache_mode = force_generic_plan",
                f"""PREPARE search (text) AS SELECT id FROM many
                    ORDER BY electra_cosine(embedding, electra_embed($1, '{options.preset}')) DESC LIMIT 10""")
    before = int(session.run(texts_done))
    elapsed = session.time("EXECUTE search ('one search over ten thousand rows')")
    heading("generic plan, ORDER BY over 10,000 rows", "encoder runs", "time")
    row("EXECUTE search", str(int(session.run(texts_done)) - before), ms(elapsed))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("preset")
    parser.add_argument("model_dir")
    parser.add_argument("--peak", type=float, required=True, help="fp32 GFLOP/s of the core, of fma_peak")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    options = parser.parse_args()

    os.sched_setaffinity(0, {options.core})
    session = Session()
    session.pin(options.core)
    session.run(TIME_ROWS)
    config = dict(zip(("num_layers", "hidden_dim", "intermediate_dim"), map(int, session.run(
        f"""SELECT num_layers, hidden_dim, intermediate_dim FROM electra_presets
            WHERE name = '{options.preset}'""").split("|"))))
    print(f"  core's fp32 FMA peak {options.peak:.0f} GFLOP/s, kernels "
          + session.run("SELECT setting FROM electra_settings() WHERE name = 'kernels'"))
    compare_with_onnxruntime(options, session, config)
    first_call(options)
    memory(options)
    jit(options, session)
    generic_plan(options, session)
    session.close()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures electra_search from SQL on this machine; test/bench/run_search calls it.

    search.py DRAM_READ [--rows 100000] [--dimensions 384] [--rounds 40] [--core N]

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE) to a server on this
machine.  One backend searches a warm table of random vectors; in turns with
it, on the same core, the program DRAM_READ prints what memory gives one
thread from plain and from huge pages, so that both see the same neighbours.
GB/s are those of the vectors alone, without row and page headers.  On a machine
with neighbours, the best of many rounds is what to read.
"""
import argparse
import os
import statistics
import subprocess

from session import Session, heading, ms, row

LAYERS = "num_layers => 1, num_heads => 1, embedding_dim => 8, intermediate_dim => 8"


def prepare(session, rows, dimensions):
    session.run(f"SELECT electra_create_preset('bench_search', vocabulary => '{{[PAD],[UNK],[CLS],[SEP],[MASK],a,b}}', "
                f"{LAYERS}, hidden_dim => {dimensions})",
                "CREATE TABLE vectors (id integer PRIMARY KEY, embedding real[])",
                "ALTER TABLE vectors ALTER COLUMN embedding SET STATISTICS 0",
                f"INSERT INTO vectors SELECT i, ARRAY(SELECT (random() - 0.5)::real FROM generate_series(1, {dimensions}) "
                f"WHERE i > 0) FROM generate_series(1, {rows}) AS i",
                "VACUUM (ANALYZE) vectors",
                "CHECKPOINT")


def cpu_ms(session):
    """Milliseconds that the backend has had a CPU."""
    with open(f"/proc/{session.pid}/schedstat", encoding="ascii") as file:
        return 1e-6 * int(file.read().split()[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dram_read")
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    options = parser.parse_args()

    session = Session("SET max_parallel_workers_per_gather = 0")
    prepare(session, options.rows, options.dimensions)
    os.sched_setaffinity(0, {options.core})
    session.pin(options.core)
    search = "SELECT sum(score) FROM electra_search('vectors', 'embedding', 'a b', 10, 'bench_search')"
    by_hand = ("SELECT sum(score) FROM (SELECT electra_cosine(embedding, electra_embed_query('a b', 'bench_search')) "
               "AS score FROM vectors ORDER BY score DESC LIMIT 10) AS found")
    if session.run(search) != session.run(by_hand):
        raise SystemExit("electra_search and plain SQL differ")

    before = session.memory("Private_Dirty")
    searches, cpu, memory = [], [], []
    for number in range(options.rounds):
        start = cpu_ms(session)
        searches.append(session.time(search))
        cpu.append(cpu_ms(session) - start)
        if number % 8 == 0:
            printed = subprocess.run([options.dram_read], stdout=subprocess.PIPE, check=True).stdout
            memory.append([float(number) for number in printed.split()])
    plain = [session.time(by_hand) for _ in range(3)]

    gigabytes = 4e-9 * options.rows * options.dimensions
    heading(f"{options.rows} vectors of {options.dimensions} dimensions, 10 nearest", "best", "median")
    row("electra_search", ms(min(searches)), ms(statistics.median(searches)))
    row("its CPU time", ms(min(cpu)), ms(statistics.median(cpu)))
    row("ORDER BY electra_cosine(...)", ms(min(plain)), ms(statistics.median(plain)))
    best, median = 1000 * gigabytes / min(searches), 1000 * gigabytes / statistics.median(searches)
    row("electra_search, GB/s of vectors", f"{best:.2f}", f"{median:.2f}")
    for pages, speeds in zip(("plain", "huge"), zip(*memory)):
        row(f"memory, one thread, {pages} pages, GB/s", f"{max(speeds):.2f}", f"{statistics.median(speeds):.2f}")
        row("share of it (at least 50%)", f"{best / max(speeds):.0%}", f"{median / statistics.median(speeds):.0%}")
    row("backend's Private_Dirty grew by", f"{session.memory('Private_Dirty') - before} kB")
    session.close()


main()

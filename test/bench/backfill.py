#!/usr/bin/env python3
"""Measures electra_backfill against a bare scan of the same rows; test/bench/run_backfill calls it.

    backfill.py PRESET [--rows 2000] [--rounds 3] [--core N]

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE) to a server on this
machine that has the preset.  Scan and backfill take turns, in one session, so
that both see the same clock and the same neighbours.
"""
import argparse
import statistics

from session import Session, heading, row

# Words that any English vocabulary has; texts differ, so that the memo of a backend knows none of them.
FILL = """
INSERT INTO {table} SELECT n, (SELECT string_agg((ARRAY['water', 'stone', 'river', 'house', 'green', 'small', 'road',
    'morning', 'never', 'people', 'world', 'other'])[1 + (n * 7919 + k * k * 31 + k * (n % 97)) % 12], ' ')
    FROM generate_series(1, {words}) AS k) || ' ' || n FROM generate_series(1, {rows}) AS n"""


def compare(options, session, words, rows):
    table = f"doc_{words}"
    session.run(f"CREATE TABLE {table} (id int PRIMARY KEY, body text, embedding real[])",
                FILL.format(table=table, words=words, rows=rows), f"VACUUM ANALYZE {table}")
    tokens = session.run(f"SELECT avg(electra_token_count(body, '{options.preset}'))::int FROM {table}")
    scan = f"SELECT count(electra_embed(body, '{options.preset}')) FROM {table}"
    call = f"CALL electra_backfill('{table}', 'body', 'embedding', '{options.preset}')"

    scans, fills, parts = [], [], []
    for turn in range(options.rounds + 1):
        session.run(f"UPDATE {table} SET embedding = NULL", f"VACUUM {table}", "CHECKPOINT")
        scan_ms, fill_ms = session.time(scan), session.time(call)
        if turn > 0:            # the first round warms both up
            scans.append(1000 * rows / scan_ms)
            fills.append(1000 * rows / fill_ms)
            parts.append(scan_ms / fill_ms)
    row(f"{tokens} tokens, {rows} rows", f"{statistics.median(scans):.1f}", f"{statistics.median(fills):.1f}",
        f"{100 * statistics.median(parts):.0f} %", f"{100 * min(parts):.0f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("--rows", type=int, default=2000, help="of the shorter texts; of the longer ones a quarter")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int)
    options = parser.parse_args()

    session = Session("SET max_parallel_workers_per_gather = 0", "SET jit = off")
    if options.core is not None:
        session.pin(options.core)
    idle = session.memory("Private_Dirty")
    heading("rows/s", "bare scan", "backfill", "part", "worst")
    compare(options, session, 10, options.rows)
    compare(options, session, 60, options.rows // 4)

    session.run("UPDATE doc_10 SET embedding = NULL")
    call = f"CALL electra_backfill('doc_10', 'body', 'embedding', '{options.preset}', batch_size => {{}})"
    heading("peak memory of the backend", "Private_Dirty", "over idle")
    for size in (100, 1000):
        peak = session.peak_memory(call.format(size))
        row(f"batches of {size} rows", f"{peak / 1024:.1f} MB", f"{(peak - idle) / 1024:.1f} MB")
        session.run("UPDATE doc_10 SET embedding = NULL")
    session.close()


if __name__ == "__main__":
    main()

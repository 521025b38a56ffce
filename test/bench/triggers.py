#!/usr/bin/env python3
"""Measures what keeping embeddings by triggers costs; test/bench/run_triggers calls it.

    triggers.py PRESET [ROWS] [ROUNDS]

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE) to a server on this
machine that has the preset; with full_page_writes off, the amount of WAL does
not depend on when checkpoints come.  In turns, so that all see the same neighbours: a
table without triggers, one with the row trigger, one with the batch trigger,
and the same statements on each: one INSERT of ROWS rows (10,000) of about 12
tokens, an UPDATE that saves every row as it is, an UPDATE that changes every
hundredth text, and INSERTs of one row.  Then whether all embeddings are those
of electra_embed(), and what memory the INSERT takes.  Dead rows are those that the INSERT leaves, as the server's
statistics have them.
"""
import statistics
import sys

from session import Session, heading, ms, row

WORDS = "tree river stone house light music paper garden winter market story bridge".split()
SINGLE_ROWS = 50

ROW_TRIGGER = """CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON {0} FOR EACH ROW
    EXECUTE FUNCTION electra_embed_trigger('embedding', '{1}', 'body')"""
BATCH_TRIGGERS = ("""CREATE TRIGGER embed_inserted AFTER INSERT ON {0} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '{1}', 'body')""",
                  """CREATE TRIGGER embed_updated AFTER UPDATE ON {0}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '{1}', 'body')""")
KINDS = {"none": (), "row": (ROW_TRIGGER,), "batch": BATCH_TRIGGERS}


def measured(session, statement):
    """Milliseconds and MB of WAL of a statement."""
    session.run("CHECKPOINT")
    before = session.run("SELECT pg_current_wal_insert_lsn()")
    time = session.time(statement)
    wal = session.run(f"SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{before}')")
    return time, int(wal) / 1e6


def dead_rows(session, table):
    """Rows of old versions, as pgstat has them once this session has reported."""
    session.run("SELECT pg_stat_force_next_flush()")
    return int(session.run(f"SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = '{table}'"))


def insert_memory(kind, preset, rows):
    """kB of Private_Dirty that one INSERT adds to a fresh backend at its highest."""
    table = f"follow_{kind}"
    session = Session(f"TRUNCATE {table}", f"SELECT electra_embed('first', '{preset}')")
    idle = session.memory("Private_Dirty")
    peak = session.peak_memory(f"INSERT INTO {table} SELECT id, body FROM texts LIMIT {rows}")
    session.close()
    return peak - idle


def embedded_texts(session, preset):
    return int(session.run(f"SELECT coalesce(sum(texts), 0) FROM electra_stat_presets WHERE '{preset}' = ANY (names)"))


def measure(session, kind, preset, rows):
    """All numbers of one round with one kind of trigger."""
    table = f"follow_{kind}"
    session.run(f"DROP TABLE IF EXISTS {table}",
                f"CREATE TABLE {table} (id int PRIMARY KEY, body text, embedding real[]) "
                "WITH (autovacuum_enabled = off)",
                *(trigger.format(table, preset) for trigger in KINDS[kind]))
    result = {}
    result["insert"] = measured(session, f"INSERT INTO {table} SELECT id, body FROM texts")
    result["dead"] = dead_rows(session, table)
    result["size"] = int(session.run(f"SELECT pg_total_relation_size('{table}')")) / 1e6
    session.run(f"VACUUM ANALYZE {table}")

    before = embedded_texts(session, preset)
    result["save"] = measured(session, f"UPDATE {table} SET body = body")
    result["saved"] = embedded_texts(session, preset) - before
    result["change"] = measured(session, f"UPDATE {table} SET body = body || ' again' WHERE id % 100 = 0")
    result["single"] = statistics.median(
        session.time(f"INSERT INTO {table} VALUES ({rows + n}, 'a single row with words number {n}')")
        for n in range(1, SINGLE_ROWS + 1))
    if kind != "none":
        wrong = int(session.run(f"SELECT count(*) FROM {table} WHERE id % 10 = 0 AND "
                                f"embedding IS DISTINCT FROM electra_embed(body, '{preset}')"))
        if wrong > 0:
            sys.exit(f"{wrong} embeddings of {table} are not those of their texts")
    return result


def medians(results, name):
    return [statistics.median(values) for values in zip(*(result[name] for result in results))]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.split("\n\n")[1])
    preset = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3

    session = Session()
    # ten words of one token each, [CLS] and [SEP]
    words = ", ".join(f"'{word}'" for word in WORDS)
    session.run("DROP TABLE IF EXISTS texts",
                f"CREATE TABLE texts AS SELECT n AS id, (SELECT string_agg((ARRAY[{words}])"
                "[1 + (n / 12 ^ (k % 4) + k)::int % 12], ' ' ORDER BY k) FROM generate_series(1, 10) k) AS body "
                f"FROM generate_series(1, {rows}) n",
                "ANALYZE texts", f"SELECT electra_prewarm('{preset}')", f"SELECT electra_embed('first', '{preset}')")
    tokens = float(session.run(f"SELECT avg(electra_token_count(body, '{preset}')) FROM texts"))

    results = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            results[kind].append(measure(session, kind, preset, rows))
    session.close()

    heading(f"{rows} rows of {tokens:.1f} tokens, median of {rounds}",
            *(f"{kind} trigger" for kind in KINDS), "batch / row")

    def line(what, values, unit):
        ratio = f"{values['batch'] / values['row']:.2f}" if values["row"] else ""
        row(what, *(unit(values[kind]) for kind in KINDS), ratio)

    for name, what in (("insert", "one INSERT of all rows"), ("save", "UPDATE SET body = body, all rows"),
                       ("change", "UPDATE of every hundredth text")):
        line(what, {kind: medians(results[kind], name)[0] for kind in KINDS}, ms)
        line("  WAL", {kind: medians(results[kind], name)[1] for kind in KINDS}, lambda value: f"{value:.1f} MB")
        if name == "insert":
            line("  dead rows", {kind: results[kind][0]["dead"] for kind in KINDS}, str)
            line("  table and indexes", {kind: results[kind][0]["size"] for kind in KINDS},
                 lambda value: f"{value:.1f} MB")
        if name == "save":
            line("  texts embedded", {kind: results[kind][0]["saved"] for kind in KINDS}, str)
    line("peak memory of the INSERT over idle", {kind: insert_memory(kind, preset, rows) / 1024 for kind in KINDS},
         lambda value: f"{value:.1f} MB")
    line("INSERT of a single row", {kind: statistics.median(result["single"] for result in results[kind])
                                    for kind in KINDS}, ms)


if __name__ == "__main__":
    main()

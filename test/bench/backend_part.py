"""What a backend costs: its first call, its memory, the planner's JIT, and a generic plan."""
import statistics

from ours import Ours
from peers import Missing
from session import Session, heading, ms, row
from workloads import texts_of_length

DTYPES = ("float32", "int8")


def first_call(bench, preset, dtype):
    first, second = [], []
    for n in range(2 * bench.rounds + 1):
        session = Session()
        session.pin(bench.core)
        times = [session.time(f"SELECT electra_embed('the {word} call number {n}', '{preset}')")
                 for word in ("first", "second")]
        session.close()
        first.append(times[0])
        second.append(times[1])
    heading(f"first call in a fresh backend, {dtype}", "min", "median")
    for case, times in (("first", first), ("second", second),
                        ("more for the first", [a - b for a, b in zip(first, second)])):
        bench.results.add("backend", f"{case} call", "ms", times, "minilm", dtype, "electra", bench.version)
        row(case, ms(min(times)), ms(statistics.median(times)))


def memory(bench, preset, dtype):
    plain = Session()
    plain.run("SELECT cardinality(ARRAY[1.0]::real[])")
    busy = Session()
    heading(f"memory of a backend, {dtype}", "Private_Dirty", "over plain", "PSS")
    plain_kb = plain.memory("Private_Dirty")
    row("that does not embed", f"{plain_kb} kB", "", f"{plain.memory('Pss')} kB")
    for what, text in (("after a short text", "'a short text'"),
                       ("after a text of full length", "repeat('word ', 600)")):
        busy.run(f"SELECT electra_embed({text}, '{preset}')")
        kb = busy.memory("Private_Dirty")
        bench.results.add("backend", f"Private_Dirty over plain {what}", "kB", [kb - plain_kb], "minilm", dtype,
                          "electra", bench.version)
        row(what, f"{kb} kB", f"{kb - plain_kb} kB", f"{busy.memory('Pss')} kB")
    plain.close()
    busy.close()


def jit(bench, preset):
    texts = texts_of_length(bench.minilm, 8).texts * 2 + ["two more", "to make fifty"]
    bench.session.run("DROP TABLE IF EXISTS fifty", "CREATE TABLE fifty (id int, body text)",
                      "INSERT INTO fifty VALUES " + ", ".join(f"({n}, '{text} {n}')" for n, text in enumerate(texts)))
    query = f"SELECT count(electra_embed(body || '{{}}', '{preset}')) FROM fifty"
    default, off = Session(), Session("SET jit = off")
    heading("a query over 50 rows", "default", "jit = off", "more")
    for what in ("never analyzed", "analyzed"):
        times = ([], [])
        for turn in range(bench.rounds):
            for each, into in ((default, times[0]), (off, times[1])):
                into.append(each.time(query.format(turn)))
        row(what, ms(min(times[0])), ms(min(times[1])), ms(min(times[0]) - min(times[1])))
        bench.session.run("ANALYZE fifty")
    default.close()
    off.close()


def generic_plan(bench, preset):
    session = Session()
    texts_done = f"SELECT coalesce(sum(texts), 0) FROM electra_stat_presets WHERE '{preset}' = ANY (names)"
    session.run("DROP TABLE IF EXISTS many",
                f"""CREATE TABLE many AS
                    SELECT n AS id, (SELECT array_agg(sin(n * 7 + k)::real) FROM
                                     generate_series(1, electra_dimensions('{preset}')) k) AS embedding
                    FROM generate_series(1, 10000) n""", "ANALYZE many", "SET plan_cache_mode = force_generic_plan",
                f"""PREPARE search (text) AS SELECT id FROM many
                    ORDER BY electra_cosine(embedding, electra_embed($1, '{preset}')) DESC LIMIT 10""")
    before = int(session.run(texts_done))
    elapsed = session.time("EXECUTE search ('one search over ten thousand rows')")
    heading("generic plan, ORDER BY over 10,000 rows", "encoder runs", "time")
    row("EXECUTE search", str(int(session.run(texts_done)) - before), ms(elapsed))
    session.close()


def measure(bench):
    bench.results.forget("backend", ["minilm"])
    for dtype in DTYPES:
        try:
            Ours("minilm", dtype, bench.directories["minilm"], bench.core).close()
        except Missing as reason:
            bench.missing(str(reason))
            continue
        first_call(bench, f"minilm_{dtype}", dtype)
        memory(bench, f"minilm_{dtype}", dtype)
    jit(bench, "minilm_float32")
    generic_plan(bench, "minilm_float32")

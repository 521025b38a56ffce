#!/usr/bin/env python3
"""Measures the default preset on this machine; test/bench/run_default calls it.

    default.py MINILM_DIR CORE_PEAK [--other NAME=DIRECTORY]... [--rounds 15] [--cold-rounds 7]
               [--lengths 3,12,32,128] [--output FILE] [--core N] [--evict all|electra]

Connects with psql (PGHOST, PGPORT, PGUSER) to a server on this machine, whose
files it may read and whose images it may remove; makes databases of its own.
Time is what the client sees, all of SQL included, on one core; the presets take
turns.  Others (a static table, for example) are loaded like MiniLM in the dtype
of the default.  Writes what was measured as JSON and prints it as tables.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys

from session import Session, heading, ms, row
from workloads import encoder_gflop, paragraphs

DEFAULT, PEER = "electra_mini_en_1", "minilm"
LENGTHS = (3, 12, 32, 128)
# More than a backend remembers, and enough for a turn of some milliseconds at least.
TEXTS = {3: 400, 12: 400, 32: 200, 128: 80}
WAYS = {
    "calls": "SELECT count(electra_embed(body, '{preset}')) FROM {table}",
    "batch": "SELECT count(embedding) FROM electra_embed_batch((SELECT array_agg(body) FROM {table}), '{preset}')",
}
SPEED_DATABASE = "default_speed"
FIELDS = ("digest", "dtype", "num_layers", "hidden_dim", "intermediate_dim", "dimensions", "parameters")
ALONE = ("SET max_parallel_workers_per_gather = 0", "SET jit = off")
HELLO = "SELECT electra_embed('hello')"
DROP_CACHES = "/proc/sys/vm/drop_caches"
HERE = os.path.dirname(os.path.abspath(__file__))
# What must hold: (what, which number, at most or at least, unit)
BARS = (("CREATE EXTENSION to first vector, cold", ("first_vector", "cold"), "at most", 300, "ms"),
        ("speed against MiniLM, 12 tokens, calls", ("ratios", "12 calls"), "at least", 4, "times"),
        ("archive", ("presets", DEFAULT, "archive_mb"), "at most", 14, "MB"))


def session_in(database, *settings):
    """A session pinned nowhere, in a database of the server."""
    os.environ["PGDATABASE"] = database
    return Session(*settings)


class Caches:
    """What makes a first use cold: images, and files in the page cache."""

    def __init__(self, admin, evict):
        self.images = os.path.join(admin.run("SHOW data_directory"), "electra")
        folders = dict(line.split("|") for line in admin.run(
            "SELECT name, setting FROM pg_config WHERE name IN ('SHAREDIR', 'PKGLIBDIR')").split("\n"))
        self.archive = os.path.join(folders["SHAREDIR"], "electra", "shipped", f"{DEFAULT}.safetensors")
        self.files = [self.archive, os.path.join(folders["PKGLIBDIR"], "electra.so"),
                      *glob.glob(os.path.join(folders["SHAREDIR"], "extension", "electra*"))]
        self.how = "all of it" if evict == "all" and os.access(DROP_CACHES, os.W_OK) else "electra's files"

    def remove_images(self):
        for path in glob.glob(os.path.join(self.images, "pgsql_tmp_*")):
            os.remove(path)

    def drop(self):
        """All files out of the page cache where that is permitted, else those of electra."""
        os.sync()
        if self.how == "all of it":
            try:
                with open(DROP_CACHES, "w", encoding="ascii") as file:
                    file.write("3")
                return
            except OSError:
                self.how = "electra's files"
        for path in self.files:
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class FirstVector:
    """From before CREATE EXTENSION to the first vector, in new databases and sessions."""

    def __init__(self, admin, caches, rounds):
        self.admin, self.caches, self.times, self.number = admin, caches, {}, 0
        for _ in range(rounds):
            self.measure()

    def create_database(self):
        self.number += 1
        name = f"default_{self.number}"
        self.admin.run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
        return name

    def add(self, case, *times):
        self.times.setdefault(case, []).append(sum(times))

    def install(self, database, case):
        """CREATE EXTENSION and the first vector of a session."""
        session = session_in(database)
        create, first = session.time("CREATE EXTENSION electra"), session.time(HELLO)
        self.add(case, create, first)
        if case == "cold":
            self.add("cold: CREATE EXTENSION", create)
            self.add("cold: the vector", first)
        session.close()

    def measure(self):
        databases = [self.create_database() for _ in range(3)]
        self.caches.remove_images()
        self.caches.drop()
        self.install(databases[0], "cold")
        session = session_in(databases[0])
        self.add("second session: the vector", session.time(HELLO))
        self.add("its next vector", session.time("SELECT electra_embed('hello again')"))
        session.close()
        self.install(databases[1], "second database")
        self.caches.remove_images()
        self.install(databases[2], "no image, files in the page cache")
        self.admin.run(*(f"DROP DATABASE {name}" for name in databases))


class Speed:
    """Texts of a number of MiniLM's tokens, embedded by each preset in turns."""

    def __init__(self, options, session):
        self.session, self.options = session, options
        self.presets = self.load()
        self.words = " ".join(paragraphs()).split()
        self.lines, self.peaks = [], {}

    def load(self):
        """name -> what electra_presets says of it, the default first; what cannot be loaded is left out."""
        dtype = self.session.run(f"SELECT dtype FROM electra_presets WHERE name = '{DEFAULT}'")
        names = [DEFAULT]
        for name, directory in [(PEER, self.options.minilm), *(other.split("=", 1) for other in self.options.other)]:
            loader = session_in(SPEED_DATABASE)
            try:
                # What int8 loses of others is not the question here; the default came through the gate.
                loader.run(f"SELECT electra_load_preset('{directory}', '{name}', dtype => '{dtype}', min_cosine => 0)")
                names.append(name)
            except SystemExit:
                print(f"  MISSING: {name}", file=sys.stderr, flush=True)
            loader.close()
        return {name: self.describe(name) for name in names}

    def describe(self, name):
        self.session.run(f"SELECT electra_prewarm('{name}')")
        preset = json.loads(self.session.run(f"SELECT row_to_json(p) FROM electra_presets p WHERE name = '{name}'"))
        return {**{field: preset[field] for field in FIELDS},
                **{f"{what}_mb": preset[f"{what}_bytes"] / 1e6 for what in ("archive", "image")}}

    def measure_peak(self):
        """The core's own peak, again and again, so that its best time is among them."""
        output = subprocess.run([self.options.core_peak], stdout=subprocess.PIPE, check=True, text=True,
                                preexec_fn=lambda: os.sched_setaffinity(0, {self.options.core})).stdout
        for dtype, value, how in (line.split(" ", 2) for line in output.splitlines()):
            self.peaks[dtype] = max(self.peaks.get(dtype, {"gops": 0, "by": how}), {"gops": float(value), "by": how},
                                    key=lambda peak: peak["gops"])

    def fill(self, tokens):
        """Runs of words out of prose, all different; (table, how many, the default's tokens, bytes)."""
        table, wanted = f"text_{tokens}", TEXTS.get(tokens, 100)
        runs = set()
        for start in range(0, len(self.words) - tokens, max(1, (len(self.words) - tokens) // (4 * wanted))):
            for length in range(max(1, (tokens - 2) // 2), tokens - 1):
                runs.add(" ".join(self.words[start:start + length]))
        quoted = ", ".join("('" + run.replace("'", "''") + "')" for run in sorted(runs))
        self.session.run(f"DROP TABLE IF EXISTS {table}",
                         f"CREATE TABLE {table} AS SELECT body FROM (VALUES {quoted}) AS runs (body) "
                         f"WHERE electra_token_count(body, '{PEER}') = {tokens} ORDER BY md5(body) LIMIT {wanted}",
                         f"VACUUM ANALYZE {table}")
        count, ours, size = self.session.run(f"SELECT count(*), avg(electra_token_count(body, '{DEFAULT}')), "
                                             f"avg(octet_length(body)) FROM {table}").split("|")
        if int(count) < wanted // 4:
            sys.exit(f"only {count} texts of {tokens} tokens")
        return table, int(count), float(ours), float(size)

    def measure(self, tokens):
        table, count, ours, size = self.fill(tokens)
        times = {}
        for number in range(self.options.rounds + 1):
            if number % 5 == 0:
                self.measure_peak()
            for way, statement in WAYS.items():
                # Who goes first changes, and the first round only warms up.
                for name in list(self.presets)[::1 if number % 2 else -1]:
                    took = self.session.time(statement.format(preset=name, table=table))
                    if number > 0:
                        times.setdefault((way, name), []).append(1000 * took / count)
        for (way, name), each in times.items():
            preset = self.presets[name]
            config = {"num_hidden_layers": preset["num_layers"], "hidden_size": preset["hidden_dim"],
                      "intermediate_size": preset["intermediate_dim"]}
            self.lines.append({
                "tokens": tokens, "tokens_of_the_default": ours, "bytes": size, "texts": count, "way": way,
                "preset": name, "dtype": preset["dtype"], "best_us": min(each), "median_us": statistics.median(each),
                "texts_per_s": 1e6 / min(each),
                "gop": encoder_gflop(config, ours if name != PEER else tokens)})

    def results(self):
        """Each preset's share of the core's peak, and the default's ratios to MiniLM."""
        for line in self.lines:
            peak = self.peaks.get("int8" if line["dtype"] == "int8" else "float32")
            if peak:
                line["share_of_peak"] = 1e6 * line["gop"] / line["best_us"] / peak["gops"]
        ratios, of_medians = {}, {}
        for line in self.lines:
            if line["preset"] == DEFAULT:
                peer = next(each for each in self.lines if each["preset"] == PEER
                            and (each["tokens"], each["way"]) == (line["tokens"], line["way"]))
                case = f"{line['tokens']} {line['way']}"
                ratios[case] = peer["best_us"] / line["best_us"]
                of_medians[case] = peer["median_us"] / line["median_us"]
        return {"presets": self.presets, "peaks": self.peaks, "speed": self.lines, "ratios": ratios,
                "ratios_of_medians": of_medians}


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")


def measure(options):
    admin = session_in("postgres")
    caches = Caches(admin, options.evict)
    first = FirstVector(admin, caches, options.cold_rounds)
    admin.run(f"DROP DATABASE IF EXISTS {SPEED_DATABASE}", f"CREATE DATABASE {SPEED_DATABASE}")
    session = session_in(SPEED_DATABASE, *ALONE)
    session.run("CREATE EXTENSION electra")
    session.pin(options.core)
    speed = Speed(options, session)
    for tokens in options.lengths:
        speed.measure(tokens)
    found = {
        "machine": machine(),
        "server": session.run("SHOW server_version"),
        "electra": session.run("SELECT extversion FROM pg_extension WHERE extname = 'electra'"),
        "dropped_from_the_page_cache": caches.how,
        "first_vector": {case: statistics.median(times) for case, times in first.times.items()},
        "first_vector_all": first.times,
        "archive_bytes": os.path.getsize(caches.archive),
        **speed.results(),
    }
    session.close()
    admin.run(f"DROP DATABASE {SPEED_DATABASE}")
    admin.close()
    return found


def value_at(found, path):
    for key in path:
        found = found.get(key, {})
    return found if isinstance(found, (int, float)) else None


def print_tables(found):
    heading(f"first vector; out of the page cache: {found['dropped_from_the_page_cache']}", "median", "least", "most")
    for case, times in found["first_vector_all"].items():
        row(case, ms(found["first_vector"][case]), ms(min(times)), ms(max(times)))
    heading("presets", "dtype", "archive", "image", "parameters")
    for name, preset in found["presets"].items():
        row(name, preset["dtype"], f"{preset['archive_mb']:.2f} MB", f"{preset['image_mb']:.2f} MB",
            f"{preset['parameters'] / 1e6:.2f} M")
    print(f"\n  {found['machine']}; the core's own peak: " +
          ", ".join(f"{dtype} {peak['gops']:.0f} Gop/s by {peak['by']}" for dtype, peak in found["peaks"].items()))
    heading("a text, from SQL, on one core", "tokens of it", "least", "median", "texts/s", "of peak", "MiniLM's")
    for line in found["speed"]:
        tokens = line["tokens"] if line["preset"] == PEER else line["tokens_of_the_default"]
        ratio = found["ratios"].get(f"{line['tokens']} {line['way']}") if line["preset"] == DEFAULT else None
        row(f"{line['tokens']:>4} tokens of MiniLM's, {line['way']}: {line['preset']}", f"{tokens:.1f}",
            f"{line['best_us']:.1f} µs", f"{line['median_us']:.1f} µs", f"{line['texts_per_s']:.0f}",
            f"{line['share_of_peak']:.0%}" if "share_of_peak" in line else "", f"{ratio:.2f}×" if ratio else "")
    heading("what must hold", "measured", "bar", "")
    for what, path, how, bar, unit in BARS:
        value = value_at(found, path)
        if value is not None:
            held = value <= bar if how == "at most" else value >= bar
            row(what, f"{value:.2f} {unit}", f"{how} {bar}", "holds" if held else "MISSED")


def markdown(found):
    """The README's table."""
    speed = {(line["tokens"], line["way"], line["preset"]): line for line in found["speed"]}
    print(f"| µs a text, {found['presets'][DEFAULT]['dtype']}: tokens (the default's) | {DEFAULT} | MiniLM-L6 | ratio "
          f"| in batches | MiniLM-L6 | ratio |\n|---|---|---|---|---|---|---|")
    for tokens in dict.fromkeys(line["tokens"] for line in found["speed"]):
        cells = [f"{tokens} ({speed[tokens, 'calls', DEFAULT]['tokens_of_the_default']:.1f})"]
        for way in WAYS:
            cells += [f"{speed[tokens, way, name]['best_us']:.0f}" for name in (DEFAULT, PEER)]
            cells.append(f"**{found['ratios'][f'{tokens} {way}']:.2f}×**")
        print(f"| {' | '.join(cells)} |")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("minilm", metavar="MINILM_DIR")
    parser.add_argument("core_peak", metavar="CORE_PEAK")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=DIRECTORY", help="measured as well")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cold-rounds", type=int, default=7)
    parser.add_argument("--lengths", type=lambda text: [int(each) for each in text.split(",")], default=list(LENGTHS))
    parser.add_argument("--output", default=os.path.join(HERE, "results", "default.json"), help="the JSON file")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--evict", choices=("all", "electra"), default="all",
                        help="what is dropped from the page cache where that is permitted: all files, or electra's")
    return parser.parse_args()


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--table":
        with open(sys.argv[2], encoding="utf-8") as file:
            return markdown(json.load(file))
    options = parse_arguments()
    found = measure(options)
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    return print_tables(found)


if __name__ == "__main__":
    main()

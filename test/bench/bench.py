#!/usr/bin/env python3
"""Measures electra against its peers on this machine; test/bench/run calls it.

    bench.py MINILM_DIR FOLDER CORE_PEAK [--only PARTS] [--models MODELS] [--lengths LENGTHS]
             [--rounds 7] [--quick] [--output FOLDER] [--core N]

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE) to a server on this
machine that has the extension; FOLDER takes the peers' models, CORE_PEAK is the
program of core_peak.c.  Everything runs on one core (but the parallel workers),
with one thread, in turns, so that all see the same clock and the same
neighbours.  Of one text at a time, peers are timed without tokenizer and
pooling; electra with them and with all of SQL.
"""
import argparse
import importlib
import os
import subprocess
import sys
import time
import traceback

import workloads
from ours import TIME_ROWS, WITH_OPENBLAS, attempt
from results import COMPARED, Results
from session import Session, heading, row

PARTS = ("encoder", "rows", "tokenizer", "backend", "large")
HERE = os.path.dirname(os.path.abspath(__file__))


class Bench:
    """What the parts share."""

    def __init__(self, options):
        self.rounds, self.core, self.folder = options.rounds, options.core, options.folder
        self.models, self.lengths, self.minilm = options.models, options.lengths, options.minilm
        self.results = Results(options.output and os.path.join(options.output, "results.csv"))
        self.tokenizer_program = options.tokenizer_bench
        self.peak_program, self.peak, self.notes = options.core_peak, {}, []
        self.session = Session("SET max_parallel_workers_per_gather = 0", "SET jit = off")
        self.session.pin(self.core)
        self.session.run(TIME_ROWS)
        self.version = self.session.run("SELECT extversion FROM pg_extension WHERE extname = 'electra'")
        error = attempt("; ".join(WITH_OPENBLAS))
        self.has_openblas = error is None
        if error is not None:
            self.missing(f"electra with OpenBLAS: {error}")
        self.directories = {model: workloads.make_directory(model, self.minilm, self.folder)
                            for model in dict.fromkeys([*self.models, "minilm"])}

    def missing(self, what):
        if what in self.notes:
            return
        self.notes.append(what)
        print(f"  MISSING: {what}", file=sys.stderr, flush=True)

    def core_peak(self, *cores):
        """dtype -> (billions of operations a second, by what); of processes at once on these cores, if given."""
        output = subprocess.run([self.peak_program, *map(str, cores)], stdout=subprocess.PIPE, check=True,
                                text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores or {self.core})).stdout
        return {dtype: (float(value), how) for dtype, value, how in
                (line.split(" ", 2) for line in output.splitlines())}

    def measure_peak(self):
        """The core's own peak, again and again, so that its best time is among them."""
        for dtype, (value, how) in self.core_peak().items():
            self.peak.setdefault((dtype, how), []).append(value)
        for (dtype, how), values in self.peak.items():
            self.results.add("peak", "core", "Gop/s", values, dtype=dtype, engine=cpu_name(), version=how)


def cpu_name():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")


def summary(bench):
    """Ours against the best peer of the same kind."""
    bench.results.compare()
    heading("electra against the fastest peer", "electra", "peer", "ratio", "of medians", "of peak", "fastest peer")
    for part in COMPARED:
        for ours in bench.results.find(part=part, engine="electra"):
            peer = bench.results.best_peer(ours)
            if peer is not None:
                share = ours.get("share_of_peak")
                row(f"{part}, {ours['model']} {ours['dtype']}, {ours['case']}", f"{ours['best']} {ours['unit']}",
                    f"{peer['best']} {peer['unit']}", ours["ratio"], ours["ratio_of_medians"],
                    f"{float(share):.0%}" if share else "", f"  {peer['engine']}")


def measure_part(bench, part):
    """What fails in one part, the others are measured all the same."""
    start = time.perf_counter()
    try:
        importlib.import_module(f"{part}_part").measure(bench)
    except (Exception, SystemExit) as error:        # pylint: disable=broad-exception-caught
        traceback.print_exc()
        bench.missing(f"what was left of {part}: {type(error).__name__}: {error}")
    bench.results.save()
    print(f"\n  {part}: {time.perf_counter() - start:.0f} s", flush=True)


def list_of(choices):
    def parse(text):
        found = [type(choices[0])(each) for each in text.split(",")]
        if not set(found) <= set(choices):
            raise argparse.ArgumentTypeError(f"choose of {', '.join(map(str, choices))}")
        return found
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("minilm", metavar="MINILM_DIR")
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("core_peak", metavar="CORE_PEAK")
    parser.add_argument("--tokenizer-bench", metavar="PROGRAM", help="of tokenizer_bench.c")
    parser.add_argument("--only", type=list_of(PARTS), default=list(PARTS), metavar="PARTS", help=",".join(PARTS))
    parser.add_argument("--models", type=list_of(tuple(workloads.MODELS)), metavar="MODELS",
                        help=",".join(workloads.MODELS))
    parser.add_argument("--lengths", type=list_of(workloads.LENGTHS), metavar="LENGTHS",
                        help="tokens: " + ",".join(map(str, workloads.LENGTHS)))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="2 rounds of small and MiniLM at 16 and 128 tokens; "
                        "without --output nothing is written")
    parser.add_argument("--output", help="folder for results.csv and the charts; test/bench/results")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.models = options.models or (["small", "minilm"] if options.quick else list(workloads.MODELS))
    options.lengths = options.lengths or ([16, 128] if options.quick else list(workloads.LENGTHS))
    if options.output is None and not options.quick:
        options.output = os.path.join(HERE, "results")
    return options


def main():
    options = parse_arguments()
    bench = Bench(options)
    bench.results.forget("peak", [""])
    bench.measure_peak()
    print(f"  {cpu_name()}, core {bench.core}, {bench.rounds} rounds; electra {bench.version}, kernels "
          + bench.session.run("SELECT setting FROM electra_settings() WHERE name = 'kernels'"))
    for part in options.only:
        measure_part(bench, part)
    bench.measure_peak()
    bench.results.save()
    summary(bench)
    print("\n  the core's own peak, Gop/s, the most of all turns: "
          + ", ".join(f"{dtype} {max(values):.0f} by {how}" for (dtype, how), values in bench.peak.items()))
    for note in bench.notes:
        print(f"  missing: {note}")
    bench.session.close()
    if options.output is not None:
        subprocess.run([sys.executable, os.path.join(HERE, "charts.py"), os.path.join(options.output, "results.csv"),
                        options.output], check=True)
    return 1 if any(note.startswith("what was left") for note in bench.notes) else 0


if __name__ == "__main__":
    sys.exit(main())

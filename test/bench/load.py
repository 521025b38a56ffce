#!/usr/bin/env python3
"""Measures what loading a preset costs; test/bench/run_load calls it.

    load.py SHAPE=DIRECTORY...

Connects with psql (PGHOST, PGPORT, PGUSER, PGDATABASE) to a server on this
machine.  For each directory, three times in turns: copying its files and
inserting the same bytes as bytea rows of 1 MB, and electra_load_preset.  While
a preset loads, the memory of backend and importer is sampled every 2 ms, so
that shorter peaks are missed; what the kernel keeps itself (VmHWM) is not.
"""
import glob
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time

from session import Session, heading, row

ROUNDS = 3
CHUNK = 1024 * 1024


def status_kb(pid, field):
    """kB of one line of /proc/PID/status, 0 where the process is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(field + ":")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return file.read().split()
    except (FileNotFoundError, ProcessLookupError):
        return []


class MemoryWatch(threading.Thread):
    """Peaks, in kB: anonymous memory of the backend, all of the importer."""

    def __init__(self, pid):
        super().__init__()
        self.pid = pid
        self.backend = self.importer = 0
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(0.002):
            self.backend = max(self.backend, status_kb(self.pid, "RssAnon"))
            for child in children(self.pid):
                self.importer = max(self.importer, status_kb(child, "VmHWM"))


def insert_as_rows(session, directory):
    """Seconds to copy the weights and insert them as bytea rows: the least that storing them costs."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for file in glob.glob(os.path.join(directory, "*")):
            shutil.copy(file, folder)
    session.run("CREATE TABLE rows_of_a_file (chunk_no int PRIMARY KEY, chunk bytea)",
                "ALTER TABLE rows_of_a_file ALTER COLUMN chunk SET STORAGE EXTERNAL")
    weights = os.path.join(directory, "model.safetensors")
    session.run(f"INSERT INTO rows_of_a_file SELECT n, pg_read_binary_file('{weights}', n::bigint * {CHUNK}, {CHUNK}) "
                f"FROM generate_series(0, {(os.path.getsize(weights) - 1) // CHUNK}) n")
    seconds = time.perf_counter() - start
    session.run("DROP TABLE rows_of_a_file", "CHECKPOINT")
    return seconds


def load(directory, dtype):
    """Seconds, backend's growth and importer's peak in MB, bytes of archive and image."""
    session = Session()
    session.run("SELECT count(*) FROM electra_presets")
    before = status_kb(session.pid, "RssAnon")
    watch = MemoryWatch(session.pid)
    watch.start()
    start = time.perf_counter()
    session.run(f"SELECT electra_load_preset('{directory}', 'measured', dtype => '{dtype}')")
    seconds = time.perf_counter() - start
    watch.stopped.set()
    watch.join()
    sizes = session.run("SELECT archive_bytes, image_bytes FROM electra_presets WHERE name = 'measured'").split("|")
    session.run("SELECT electra_drop_preset('measured')", "SELECT electra_forget_preset('measured')",
                "SELECT electra_clean_images()", "VACUUM FULL _electra.preset_chunk", "CHECKPOINT")
    session.close()
    return seconds, (watch.backend - before) / 1024, watch.importer / 1024, [int(size) / 1e6 for size in sizes]


def measure(shape, directory, dtype):
    session = Session()
    plain, ours = [], []
    for _ in range(ROUNDS):
        plain.append(insert_as_rows(session, directory))
        ours.append(load(directory, dtype))
    session.close()
    seconds = statistics.median(times[0] for times in ours)
    row(f"{shape} ({dtype})", f"{seconds:.1f} s", f"{statistics.median(plain):.1f} s",
        f"{seconds / statistics.median(plain):.2f}", f"{max(times[1] for times in ours):.0f} MB",
        f"{max(times[2] for times in ours):.0f} MB", f"{ours[0][3][0]:.0f} MB", f"{ours[0][3][1]:.0f} MB")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.split("\n\n")[1])
    heading("electra_load_preset against cp + INSERT of the same bytes", "load", "cp + INSERT", "ratio",
            "backend", "importer", "archive", "image")
    for argument in sys.argv[1:]:
        shape, directory = argument.split("=", 1)
        measure(shape, directory, "float32")
        measure(shape, directory, "float16")


if __name__ == "__main__":
    main()

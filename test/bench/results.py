"""The measurements: lines of a CSV file, which the charts, the table and the summary are made of."""
import csv
import os

import numpy as np

from peers import WITH_AMX

COLUMNS = ("part", "model", "dtype", "engine", "version", "case", "unit", "best", "median", "p99", "timings", "ratio",
           "ratio_of_medians", "gop", "share_of_peak", "cosine_lowest", "cosine_mean", "largest_difference")
KEY = ("part", "model", "dtype", "engine", "case", "unit")
# Parts whose lines are a speed that the peers have too.
COMPARED = ("encoder", "rows", "counts", "tokenizer")


def more_is_better(unit):
    return unit.endswith("/s")


def is_ours(line):
    return line["engine"].startswith("electra")


def group_of(dtype):
    """Weights stored in 16 bits are computed with in float32."""
    return "float32" if dtype in ("bfloat16", "float16") else dtype


class Results:
    def __init__(self, path=None):
        """Of a file of an earlier run, what is not measured again stays."""
        self.path, self.lines = path, {}
        self.new = set()        # keys of this run's lines: older ones are shares of their own run's peak
        if path is not None and os.path.exists(path):
            with open(path, newline="", encoding="utf-8") as file:
                for line in csv.DictReader(file):
                    self.lines[tuple(line[name] for name in KEY)] = line

    def forget(self, part, models):
        """A part is measured anew: nothing older of these models may stand beside it."""
        self.lines = {key: line for key, line in self.lines.items() if key[0] != part or key[1] not in models}

    def add(self, part, case, unit, values, model="", dtype="", engine="", version="", gop=None, accuracy=None):
        """
        best is the least of the values, or the most where more is better; gop are
        the billions of operations of one text or row, multiplications and
        additions counted each.
        """
        more = more_is_better(unit)
        numbers = [max(values) if more else min(values), np.median(values), np.percentile(values, 1 if more else 99)]
        line = {"part": part, "model": model, "dtype": dtype, "engine": engine, "version": version, "case": str(case),
                "unit": unit, "timings": str(len(values)), "gop": "" if gop is None else f"{gop:.6g}"}
        line.update(zip(("best", "median", "p99"), (f"{number:.4g}" for number in numbers)))
        if accuracy is not None:
            line.update(zip(COLUMNS[-3:], (f"{accuracy[0]:.6f}", f"{accuracy[1]:.6f}", f"{accuracy[2]:.2e}")))
        key = tuple(line[name] for name in KEY)
        self.lines[key] = line
        self.new.add(key)
        return numbers

    def find(self, **wanted):
        """Lines with these values, in the order in which they were added."""
        return [line for line in self.lines.values() if all(line[name] == value for name, value in wanted.items())]

    def best(self, **wanted):
        found = self.find(**wanted)
        return float(found[0]["best"]) if found else None

    def best_peer(self, line, number="best"):
        """The peer that is fastest at the same, None if there is none; with AMX it is out of competition."""
        peers = [each for each in self.lines.values()
                 if all(each[name] == line[name] for name in ("part", "model", "case", "unit"))
                 and group_of(each["dtype"]) == group_of(line["dtype"])
                 and not is_ours(each) and not each["engine"].endswith(WITH_AMX)]
        choose = max if more_is_better(line["unit"]) else min
        return choose(peers, key=lambda each: float(each[number]), default=None)

    def compare(self):
        """Each line against the best peer (above 1: faster than it) and against the core's own peak."""
        peaks = {line["dtype"]: float(line["best"]) for line in self.find(part="peak")}
        for key, line in self.lines.items():
            if line["part"] in COMPARED:
                for column, number in (("ratio", "best"), ("ratio_of_medians", "median")):
                    peer = self.best_peer(line, number)
                    if peer is not None:
                        value, other = float(line[number]), float(peer[number])
                        line[column] = f"{value / other if more_is_better(line['unit']) else other / value:.3f}"
            if key in self.new and line.get("gop") and peaks.get(group_of(line["dtype"])):
                value = float(line["best"])
                rate = value if more_is_better(line["unit"]) else 1000 / value
                line["share_of_peak"] = f"{float(line['gop']) * rate / peaks[group_of(line['dtype'])]:.3f}"

    def save(self):
        """Whole or not at all, whatever interrupts it."""
        self.compare()
        if self.path is None:
            return
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(self.path + ".new", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.lines.values())
        os.replace(self.path + ".new", self.path)


def accuracy_of(vectors, reference):
    """Lowest and mean cosine, and the largest difference once both have length 1."""
    ours, theirs = (np.array(each, dtype=np.float64) for each in (vectors, reference))
    ours, theirs = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (ours, theirs))
    cosines = (ours * theirs).sum(axis=1)
    return cosines.min(), cosines.mean(), np.abs(ours - theirs).max()

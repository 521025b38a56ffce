"""The measurements: lines of a CSV file, which the charts and the summary are made of."""
import csv
import os

import numpy as np

COLUMNS = ("part", "model", "dtype", "engine", "version", "case", "unit", "best", "median", "p99", "share_of_peak",
           "cosine_lowest", "cosine_mean", "largest_difference")
KEY = ("part", "model", "dtype", "engine", "case", "unit")


class Results:
    def __init__(self, path=None):
        """Of a file of an earlier run, what is not measured again stays."""
        self.path, self.lines = path, {}
        if path is not None and os.path.exists(path):
            with open(path, newline="", encoding="utf-8") as file:
                for line in csv.DictReader(file):
                    self.lines[tuple(line[name] for name in KEY)] = line

    def forget(self, part, models):
        """A part is measured anew: nothing older of these models may stand beside it."""
        self.lines = {key: line for key, line in self.lines.items() if key[0] != part or key[1] not in models}

    def add(self, part, case, unit, values, model="", dtype="", engine="", version="", share=None, accuracy=None):
        """best is the least of the values, or the most where more is better."""
        more_is_better = unit.endswith("/s")
        numbers = [max(values) if more_is_better else min(values), np.median(values),
                   np.percentile(values, 1 if more_is_better else 99)]
        line = {"part": part, "model": model, "dtype": dtype, "engine": engine, "version": version, "case": str(case),
                "unit": unit, "share_of_peak": "" if share is None else f"{share:.3f}"}
        line.update(zip(("best", "median", "p99"), (f"{number:.4g}" for number in numbers)))
        if accuracy is not None:
            line.update(zip(COLUMNS[-3:], (f"{accuracy[0]:.6f}", f"{accuracy[1]:.6f}", f"{accuracy[2]:.2e}")))
        self.lines[tuple(line[name] for name in KEY)] = line
        return numbers

    def find(self, **wanted):
        """Lines with these values, in the order in which they were added."""
        return [line for line in self.lines.values() if all(line[name] == value for name, value in wanted.items())]

    def best(self, **wanted):
        found = self.find(**wanted)
        return float(found[0]["best"]) if found else None

    def save(self):
        if self.path is None:
            return
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(self.path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(self.lines.values())


def accuracy_of(vectors, reference):
    """Lowest and mean cosine, and the largest difference once both have length 1."""
    ours, theirs = (np.array(each, dtype=np.float64) for each in (vectors, reference))
    ours, theirs = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (ours, theirs))
    cosines = (ours * theirs).sum(axis=1)
    return cosines.min(), cosines.mean(), np.abs(ours - theirs).max()

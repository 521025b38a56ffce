#!/usr/bin/env python3
"""Draws the chart of the default preset: score against size and against speed.

    chart_default.py RESULTS DEFAULT_JSON OUTPUT --encoder NAME --table NAME

RESULTS is the folder of the recipe's evaluation (evaluate.py writes NAME.json
there, and NAME-seedN….json of each seed), DEFAULT_JSON what run_default wrote;
OUTPUT names the chart without its ending.  Score: R@1 in percent of the
teacher's, mean of the four retrieval tasks; with several seeds their mean, and
a bar from the least to the most.  What was not measured as a preset is a line.
run_default --chart calls it.
"""
import argparse
import glob
import json
import math
import os

import matplotlib
from matplotlib import pyplot
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from charts import INK, set_style

FOUR = ("package", "manual", "gloss", "example")
TOKENS, WAY = 12, "calls"
SIZES = (2, 4, 8, 16, 32, 64, 128)
SPEEDS = (100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000)
# Of Okabe and Ito's colours, as in charts.py: ours, the teacher, the others.
ORANGE, BLUE, GREEN = "#d55e00", "#0072b2", "#009e73"


class Model:
    """What is drawn: its scores by seed, and its place in run_default's JSON."""

    def __init__(self, title, results, preset, color, marker, below=False):
        self.title, self.results, self.preset, self.color, self.marker = title, results, preset, color, marker
        self.below = below          # its name, so that it keeps clear of that of the model above
        self.scores, self.place = [], {}

    def read(self, folder, teacher, measured):
        paths = sorted(glob.glob(os.path.join(folder, f"{self.results}.json")) +
                       glob.glob(os.path.join(folder, f"{self.results}-seed[0-9]*.json")))
        for values in (read_json(path) for path in paths if not path.endswith(".record.json")):
            self.scores.append(100 * sum(values[task]["R@1"] / teacher[task]["R@1"] for task in FOUR) / len(FOUR))
        preset = measured["presets"].get(self.preset)
        if preset is not None:
            self.place = {"size": preset["archive_mb"],
                          "speed": next(line["texts_per_s"] for line in measured["speed"]
                                        if (line["tokens"], line["way"], line["preset"]) == (TOKENS, WAY, self.preset))}

    def score(self):
        return sum(self.scores) / len(self.scores)


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def label(model):
    return f"{model.title}: {model.score():.1f}%"


def draw_point(axes, model, x):
    mean = model.score()
    error = [[mean - min(model.scores)], [max(model.scores) - mean]]
    ours = model.color == ORANGE
    axes.errorbar([x], [mean], yerr=error if len(model.scores) > 1 else None, color=model.color, marker=model.marker,
                  markersize=11 if ours else 8, capsize=4, linewidth=1.6, zorder=3)
    above = -1 if model.below else 1
    # Near an end of the axis a name stands inwards.
    low, high = (math.log(end) for end in axes.get_xlim())
    at = (math.log(x) - low) / (high - low)
    axes.annotate(label(model), xy=(x, mean), xytext=(0, 11 * above), textcoords="offset points",
                  ha="left" if at < 0.25 else "right" if at > 0.75 else "center", va="top" if model.below else "bottom",
                  color=model.color, fontsize=9, fontweight="bold" if ours else "normal")


def draw_line(axes, model):
    axes.axhline(model.score(), color=model.color, linestyle="--", linewidth=1.4, zorder=2)
    axes.annotate(label(model), xy=(0.99, model.score()), xycoords=("axes fraction", "data"),
                  xytext=(0, -4 if model.below else 3), textcoords="offset points", ha="right",
                  va="top" if model.below else "bottom", fontsize=9, color=model.color)


def number(value, _):
    return f"{value:,.0f}".replace(",", "\u202f")


def draw_panel(axes, models, what, ticks, xlabel):
    axes.set_xscale("log")
    values = [model.place[what] for model in models if model.place]
    axes.set_xlim(min(values) / 1.8, max(values) * 1.8)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(number))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(xlabel)
    scores = [score for model in models for score in model.scores]
    axes.set_ylim(min(scores) - 5, max(scores) + 8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}%"))
    for model in models:
        if model.place:
            draw_point(axes, model, model.place[what])
        else:
            draw_line(axes, model)


def draw(models, dtype):
    figure, (left, right) = pyplot.subplots(1, 2, sharey=True, figsize=(10.5, 4.6))
    draw_panel(left, models, "size", SIZES, f"archive in {dtype}, MB: smaller is to the left")
    draw_panel(right, models, "speed", SPEEDS, f"texts a second, {TOKENS} tokens each: faster is to the right")
    left.set_ylabel("R@1 in percent of the teacher's")
    figure.suptitle("What a model finds, against its size and its speed from SQL on one core", x=0.01, ha="left",
                    fontsize=14, fontweight="bold")
    figure.tight_layout(rect=(0, 0, 0.99, 0.99), w_pad=2)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("results")
    parser.add_argument("default_json")
    parser.add_argument("output")
    parser.add_argument("--encoder", required=True, help="results of the shipped model, without -seedN…")
    parser.add_argument("--table", required=True, help="results of the static table, without -seedN…")
    options = parser.parse_args()
    models = [Model("electra_mini_en_1", options.encoder, "electra_mini_en_1", ORANGE, "o"),
              Model("static table", options.table, "table", GREEN, "^", below=True),
              Model("the teacher, all-MiniLM-L6-v2", "teacher", "minilm", BLUE, "s"),
              Model("BM25", "bm25", None, INK, ""), Model("untrained", "untrained", None, "#888888", "")]
    teacher, measured = read_json(os.path.join(options.results, "teacher.json")), read_json(options.default_json)
    for model in models:
        model.read(options.results, teacher, measured)
        if not model.scores:
            print(f"  without {model.title}: no results {model.results}")
    matplotlib.use("Agg")
    set_style()
    figure = draw([model for model in models if model.scores], measured["presets"]["electra_mini_en_1"]["dtype"])
    figure.savefig(options.output + ".svg", metadata={"Date": None})
    figure.savefig(options.output + ".png", dpi=130)


if __name__ == "__main__":
    main()

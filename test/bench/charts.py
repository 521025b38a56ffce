#!/usr/bin/env python3
"""Draws the README's charts of a results.csv: charts.py RESULTS_CSV FOLDER

relative.svg/png: time of one text in units of ours, by model and length.
cost.svg/png: milliseconds against tokens and against rows.
"""
import os
import sys

import matplotlib
from matplotlib import pyplot
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from results import Results

# Okabe and Ito's colours, which the colour-blind can tell apart; each engine has a shape of its own as well.
COLORS = {"electra": "#d55e00", "ONNX Runtime": "#0072b2", "OpenVINO": "#009e73", "torch": "#b8860b",
          "sentence-transformers": "#b8860b", "Keras-Hub": "#cc79a7"}
MARKERS = {"electra": "o", "ONNX Runtime": "s", "OpenVINO": "^", "torch": "D", "sentence-transformers": "D",
           "Keras-Hub": "v"}
SHORT = {"ONNX Runtime dynamic": "ONNX Runtime", "OpenVINO NNCF": "OpenVINO"}
TITLES = {"small": "ELECTRA small", "minilm": "MiniLM-L6", "base": "ELECTRA base", "large": "ELECTRA large"}
GROUPS = {"float32": "float32", "int8": "int8"}
INK, GRID, SLOWER = "#333333", "#d8d8d8", "#fbf3ee"


def set_style():
    matplotlib.rcParams.update({
        "svg.hashsalt": "electra", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 10,
        "axes.edgecolor": INK, "axes.labelcolor": INK, "axes.titlecolor": INK, "text.color": INK,
        "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True})


def engine_of(line):
    return SHORT.get(line["engine"], line["engine"])


def curves(results, **wanted):
    """engine -> [(x, best)] of engines that have a colour."""
    found = {}
    for line in results.find(**wanted):
        engine = engine_of(line)
        if engine in COLORS:
            found.setdefault(engine, []).append((int(line["case"]), float(line["best"])))
    return {engine: sorted(points) for engine, points in found.items()}


def label_ends(axes, ends, scale):
    """Names at the ends of lines, moved apart where they would touch; in log units of y."""
    low, high = (scale(each) for each in axes.get_ylim())
    gap = 0.062 * (high - low)
    placed = []
    for y, engine in sorted(ends):
        at = scale(y)
        if placed and at < placed[-1][0] + gap:
            at = placed[-1][0] + gap
        placed.append((at, y, engine))
    # What went over the top comes back down.
    excess = max(0, placed[-1][0] - high) if placed else 0
    for at, _, engine in placed:
        axes.annotate(engine, xy=(1.02, (at - excess - low) / (high - low)), xycoords="axes fraction", va="center",
                      color=COLORS[engine], fontsize=9, fontweight="bold" if engine == "electra" else "normal")


def log2(value):
    from math import log2 as logarithm
    return logarithm(value)


def token_axis(axes, lengths):
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(lengths))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))


def value_axis(axes, ticks, form):
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(form))


def milliseconds(value):
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def relative_curves(results, model, dtype):
    """engine -> [(tokens, time in units of ours)], empty if there is none to compare, and our times, tokens -> ms."""
    found = curves(results, part="encoder", model=model, dtype=dtype)
    ours = dict(found.pop("electra", []))
    relative = {engine: [(tokens, value / ours[tokens]) for tokens, value in points if tokens in ours]
                for engine, points in found.items()}
    return {engine: points for engine, points in relative.items() if points}, ours


def draw_relative(results, model, dtype, axes, limits):
    """Returns whether there was anything to draw."""
    found, ours = relative_curves(results, model, dtype)
    if not found:
        return False
    lengths = sorted(ours)
    axes.plot(lengths, [1] * len(lengths), color=COLORS["electra"], marker="o", linewidth=3, zorder=3)
    ends = [(1, "electra")]
    for engine, points in found.items():
        axes.plot(*zip(*points), color=COLORS[engine], marker=MARKERS[engine], markersize=5, linewidth=1.6)
        ends.append((points[-1][1], engine))
    axes.set_title(f"{TITLES[model]}, {dtype}", fontsize=11, loc="left")
    token_axis(axes, lengths)
    value_axis(axes, [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 12, 16, 24, 32], lambda value, _: f"{value:g}×")
    axes.set_ylim(limits)
    axes.axhspan(1, limits[1], color=SLOWER, zorder=0)
    if len(lengths) == 1:
        axes.set_xlim(lengths[0] / 1.5, lengths[0] * 1.5)
    for tokens in lengths:
        axes.annotate(milliseconds(ours[tokens]), xy=(tokens, 0), xycoords=("data", "axes fraction"),
                      xytext=(0, -27), textcoords="offset points", ha="center", fontsize=8, color=COLORS["electra"])
    for name, below, color in (("tokens", -15, INK), ("ms", -27, COLORS["electra"])):
        axes.annotate(name, xy=(0, 0), xycoords="axes fraction", xytext=(-8, below), textcoords="offset points",
                      ha="right", fontsize=8, color=color)
    label_ends(axes, ends, log2)
    return True


def relative_chart(results):
    models = [model for model in TITLES if results.find(part="encoder", model=model, engine="electra")]
    groups = [dtype for dtype in GROUPS if results.find(part="encoder", dtype=dtype, engine="electra")]
    if not models or not groups:
        return None
    widths = [0.35 if len({line["case"] for line in results.find(part="encoder", model=model)}) == 1 else 1
              for model in models]
    figure, grid = pyplot.subplots(len(groups), len(models), squeeze=False, gridspec_kw={"width_ratios": widths},
                                   figsize=(0.4 + 1.3 * len(models) + 2.9 * sum(widths), 0.9 + 3.3 * len(groups)))
    for line, dtype in zip(grid, groups):
        # One scale for a row of panels, so that they can be compared.
        values = [1.5, 1] + [value for model in models for points in relative_curves(results, model, dtype)[0].values()
                             for _, value in points]
        limits = (min(0.85, 0.9 * min(values)), 1.2 * max(values))
        for axes, model in zip(line, models):
            if not draw_relative(results, model, dtype, axes, limits):
                axes.set_axis_off()
        line[0].annotate("slower than electra ↑", xy=(0.97, 0.93), xycoords="axes fraction", ha="right", fontsize=9,
                         color=COLORS["electra"])
    figure.suptitle("How many times electra's time the others take for one text, on one core", x=0.01,
                    ha="left", fontsize=14, fontweight="bold")
    figure.text(0.01, 0.012, "ms: electra's own time, from SQL, tokenizing and pooling included; the others are timed "
                "without.", fontsize=9)
    figure.tight_layout(rect=(0, 0.03, 0.985, 0.99), w_pad=1.2, h_pad=1.6)
    return figure


def draw_cost(results, axes, part, dtypes, title, xlabel, per_row):
    ends, ticks = [], []
    for dtype in dtypes:
        for engine, points in curves(results, part=part, model="minilm", dtype=dtype).items():
            points = [(x, value / (x if per_row else 1)) for x, value in points]
            axes.plot(*zip(*points), color=COLORS[engine], marker=MARKERS[engine], markersize=5,
                      linewidth=3 if engine == "electra" else 1.6)
            ends.append((points[-1][1], engine))
            ticks += [x for x, _ in points]
    if not ends:
        return False
    token_axis(axes, sorted(set(ticks)))
    axes.set_xlabel(xlabel)
    value_axis(axes, [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500], lambda value, _: f"{value:g} ms")
    values = [value for line in axes.lines for value in line.get_ydata()]
    axes.set_ylim(0.8 * min(values), 1.25 * max(values))
    label_ends(axes, ends, log2)
    axes.set_title(title, fontsize=11, loc="left")
    return True


def cost_chart(results):
    groups = [dtype for dtype in GROUPS if results.find(part="encoder", model="minilm", dtype=dtype)]
    if not groups or not results.find(part="counts"):
        return None
    figure, grid = pyplot.subplots(len(groups), 2, squeeze=False, figsize=(10.5, 0.9 + 3.4 * len(groups)))
    for line, dtype in zip(grid, groups):
        draw_cost(results, line[0], "encoder", [dtype], f"{dtype}: one text", "tokens of the text", False)
        draw_cost(results, line[1], "counts", [dtype], f"{dtype}: each row of a call over several",
                  "rows of the call, about 12 tokens each", True)
    figure.suptitle("What a text costs on one core, MiniLM-L6: lower is better", x=0.01, ha="left", fontsize=14,
                    fontweight="bold")
    figure.tight_layout(rect=(0, 0, 0.99, 0.99), w_pad=2, h_pad=1.6)
    return figure


def main():
    results, folder = Results(sys.argv[1]), sys.argv[2]
    matplotlib.use("Agg")
    set_style()
    for name, draw in (("relative", relative_chart), ("cost", cost_chart)):
        figure = draw(results)
        if figure is None:
            print(f"  no {name} chart: not enough was measured")
            continue
        figure.savefig(os.path.join(folder, name + ".svg"), metadata={"Date": None})
        figure.savefig(os.path.join(folder, name + ".png"), dpi=130)
        pyplot.close(figure)


if __name__ == "__main__":
    main()

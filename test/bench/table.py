#!/usr/bin/env python3
"""Prints a results.csv as the README's tables, in Markdown: table.py RESULTS_CSV"""
import sys

from results import Results

MODELS = {"small": "ELECTRA small", "minilm": "MiniLM-L6", "base": "ELECTRA base", "large": "ELECTRA large"}
LENGTHS = ("16", "32", "64", "128", "256", "512")
TEXTS = {"short": "about 12 tokens", "middle": "about 40 tokens", "long": "mixed long texts"}
GROUPS = ("float32", "int8")


def peer_name(line):
    return line["engine"].replace("ONNX Runtime dynamic", "ONNX Runtime").replace("OpenVINO NNCF", "OpenVINO")


def number(text):
    """Three digits are enough, and none are made up."""
    value = float(text)
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def cells(results, **wanted):
    """Ours, the fastest peer and the ratio; empty where one is missing."""
    ours = results.find(engine="electra", **wanted)
    peer = results.best_peer(ours[0]) if ours else None
    if peer is None:
        return [number(ours[0]["best"]) if ours else "", "", ""]
    return [number(ours[0]["best"]), f"{number(peer['best'])} {peer_name(peer)}",
            f"**{float(ours[0]['ratio']):.2f}×**"]


def print_table(heading, lines):
    print(f"| {' | '.join(heading)} |\n|{'---|' * len(heading)}")
    for line in lines:
        print(f"| {' | '.join(line)} |")
    print()


def share(results, **wanted):
    found = results.find(engine="electra", **wanted)
    return f"{float(found[0]['share_of_peak']):.0%}" if found and found[0].get("share_of_peak") else ""


def encoder_table(results):
    lines = []
    for model, title in MODELS.items():
        for tokens in LENGTHS:
            if results.find(part="encoder", model=model, case=tokens):
                lines.append([f"{title}, {tokens}"])
                for dtype in GROUPS:
                    wanted = {"part": "encoder", "model": model, "dtype": dtype, "case": tokens}
                    lines[-1] += cells(results, **wanted) + [share(results, **wanted)]
    if lines:
        print_table(["one text, ms: model, tokens", "float32", "fastest peer", "ratio", "of the core's peak", "int8",
                     "fastest peer", "ratio", "of the core's peak"], lines)


def rows_table(results):
    lines = []
    for kind, title in TEXTS.items():
        for case in ("one by one", "batches"):
            if results.find(part="rows", case=f"{kind}, {case}"):
                lines.append([f"{title}, {case}"])
                for dtype in GROUPS:
                    lines[-1] += cells(results, part="rows", dtype=dtype, case=f"{kind}, {case}")
    if lines:
        print_table(["rows/s, MiniLM-L6", "float32", "fastest peer", "ratio", "int8", "fastest peer", "ratio"], lines)


def accuracy_table(results):
    found = results.find(part="accuracy")
    if found:
        print_table([f"against float32, {found[0]['case']}, MiniLM-L6", "dtype", "lowest cosine", "mean cosine"],
                    [[line["engine"], line["dtype"], f"{float(line['cosine_lowest']):.5f}",
                      f"{float(line['cosine_mean']):.5f}"] for line in found])


def tokenizer_table(results):
    lines = []
    for line in results.find(part="tokenizer"):
        if line["engine"].startswith("electra"):
            peer = results.best_peer(line)
            where = "in a program" if line["engine"] != "electra" else "from SQL"
            lines.append([f"{line['model']}, {line['case']}, {where}", number(line["best"]),
                          f"{number(peer['best'])} {peer['engine']}" if peer else "",
                          f"**{float(line['ratio']):.0f}×**" if peer else ""])
    if lines:
        print_table(["tokenizer, MB/s: pipeline, text", "electra", "peer", "ratio"], lines)


def workers_table(results):
    lines = []
    for dtype in GROUPS:
        for engine, what in (("electra", "electra, rows/s"), ("core", "the machine itself, Gop/s")):
            values = {line["case"]: float(line["best"])
                      for line in results.find(part="workers", dtype=dtype, engine=engine)}
            if len(values) == 2:
                lines.append([f"{dtype}: {what}", number(values["1"]), number(values["2"]),
                              f"{values['2'] / values['1']:.2f}×"])
    if lines:
        print_table(["two at once", "one worker", "two", "ratio"], lines)


def main():
    results = Results(sys.argv[1])
    peaks = results.find(part="peak")
    if peaks:
        print(f"{peaks[0]['engine']}; the core's own peak: "
              + ", ".join(f"{line['dtype']} {float(line['best']):.0f} Gop/s by {line['version']}" for line in peaks)
              + "\n")
    for table in (encoder_table, rows_table, accuracy_table, tokenizer_table, workers_table):
        table(results)


if __name__ == "__main__":
    main()

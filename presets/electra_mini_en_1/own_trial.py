"""What a model of one's own gains: packages as the catalogue of a shop, short descriptions as its searches.

"table" writes rows for COPY: title, description, and whether the row is held
out, because it or a part of it shares its words with a task.  "measure" has a
server's presets embed the tasks and prints R@1 and R@10: the task package is
the domain trained for, the three others say what that costs elsewhere.
"""
import argparse
import os
from pathlib import Path

from cutting import HeldOut, cut
from evaluate import FOUR, TeacherVectors, recalls
from make_tasks import package_descriptions
from teacher_vectors import PresetTeacher
from workplace import WORK, read_json, read_lines, record, replacing, write_json


def write_table(path):
    held_out = HeldOut(read_lines(WORK / "task_texts.txt"))
    with replacing(path) as file:
        for title, description in package_descriptions():
            near = any(text in held_out for text in (title, description, *cut(description)))
            file.write("\t".join((title, description, str(near))).replace("\\", "\\\\") + "\n")


def measure(presets, seconds):
    results = {}
    for name, embedder in [("teacher", TeacherVectors()), *((preset, PresetTeacher(preset)) for preset in presets)]:
        results[name] = {}
        for task in FOUR:
            content = read_json(WORK / "tasks" / f"{task}.json")
            results[name][task] = recalls(embedder.embed(content["queries"]) @ embedder.embed(content["documents"]).T)
        print(f"{name:20}", *(f"{task} {values['R@1']:.1f}/{values['R@10']:.1f}"
                              for task, values in results[name].items()), flush=True)
    write_json(WORK / "own_trial.json", results)
    record(WORK / "own_trial.json", ("torch", "numpy"), seconds=seconds, cores=os.cpu_count(),
           training=read_json(Path(os.environ["ELECTRA_OWN"]) / "own.record.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("table").add_argument("path", type=Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("presets", nargs="+")
    measuring.add_argument("--seconds", type=float, default=0, help="what COPY and training took, for the record")
    options = parser.parse_args()
    if options.command == "table":
        write_table(options.path)
    else:
        measure(options.presets, options.seconds)


if __name__ == "__main__":
    main()

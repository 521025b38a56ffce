"""Stage 8: models on the held-out tasks, WORK/results/NAME.json, and all results as a table.

evaluate.py NAME…: teacher, bm25, untrained, a model of WORK/models without its
.pt, or preset:NAME of the server that psql connects to; --table prints what has
been measured.  Retrieval: the share of queries whose own document comes first
(R@1) or among ten (R@10), in percent.  Judged pairs and the comparison with the
teacher: Spearman's correlation, in percent.
"""
import argparse
import math
import re
from collections import Counter

import numpy as np
import torch

from cutting import words_of
from student import Student, load_student
from teacher_vectors import PresetTeacher, load_vectors
from train_vocabulary import SPECIAL, load_tokenizer
from workplace import SEED, WORK, folder, is_made, made_of, read_json, read_lines, record, write_json

# The four of the rule that decides on depth and width; their mean R@1 is "points".
FOUR = ("package", "manual", "gloss", "example")
COLUMNS = (*FOUR, "points", "paraphrase", "section", "question", "general", "wordsim353", "simlex999", "sentences")
RANKS = (1, 2, 5, 10, 30, 100, 300)


def normalized(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class TeacherVectors:
    """Looks up what stage 5 computed."""

    def __init__(self):
        self.vectors = load_vectors("tasks").astype(np.float32)
        self.number = {text: i for i, text in enumerate(read_lines(WORK / "task_texts.txt"))}

    def embed(self, texts):
        return self.vectors[[self.number[" ".join(text.split())] for text in texts]]


class StudentVectors:
    def __init__(self, student):
        self.student = student.eval()
        self.tokenizer = load_tokenizer()

    @torch.inference_mode()
    def embed(self, texts):
        ids = [e.ids for e in self.tokenizer.encode_batch_fast(list(texts))]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors = np.empty((len(ids), self.student.shape["dimensions"]), dtype=np.float32)
        for start in range(0, len(order), 64):
            batch = order[start:start + 64]
            padded = np.full((len(batch), len(ids[batch[-1]])), SPECIAL.index("[PAD]"), dtype=np.int64)
            for row, text in enumerate(batch):
                padded[row, :len(ids[text])] = ids[text]
            lengths = np.array([len(ids[text]) for text in batch])
            mask = (np.arange(padded.shape[1]) < lengths[:, None]).astype(np.int64)
            vectors[batch] = self.student(torch.from_numpy(padded), torch.from_numpy(mask)).numpy()
        return normalized(vectors)


def bm25_scores(queries, documents, k1=1.2, b=0.75):
    """(queries, documents) scores by the words that they share."""
    counts = [Counter(words_of(document)) for document in documents]
    lengths = np.array([sum(count.values()) for count in counts])
    postings = {}
    for number, count in enumerate(counts):
        for word, times in count.items():
            postings.setdefault(word, []).append((number, times))
    postings = {word: np.array(found) for word, found in postings.items()}
    nowhere = np.empty((0, 2), dtype=np.int64)
    scores = np.zeros((len(queries), len(documents)), dtype=np.float32)
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    for row, query in enumerate(queries):
        for word in words_of(query):
            found = postings.get(word, nowhere)
            weight = math.log(1 + (len(documents) - len(found) + 0.5) / (len(found) + 0.5))
            scores[row, found[:, 0]] += weight * found[:, 1] * (k1 + 1) / (found[:, 1] + norm[found[:, 0]])
    return scores


def recalls(scores):
    """R@1 and R@10; documents with equal scores are placed at the middle of their places."""
    own = np.diagonal(scores)[:, None]
    ranks = (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
    return {"R@1": 100 * float((ranks < 1).mean()), "R@10": 100 * float((ranks < 10).mean())}


def places(values):
    """Ranks of values, the mean rank for equal ones."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def spearman(ours, theirs):
    return 100 * float(np.corrcoef(places(np.asarray(ours)), places(np.asarray(theirs)))[0, 1])


def with_teacher(embed, texts):
    """Correlation over pairs of all degrees of likeness: each text with those at certain ranks of the teacher's."""
    teacher = TeacherVectors().embed(texts)
    likeness = teacher @ teacher.T
    order = np.argsort(-likeness, axis=1, kind="stable")[:, RANKS]
    ours = embed(texts)
    rows = np.arange(len(texts))[:, None]
    return spearman((ours @ ours.T)[rows, order].ravel(), likeness[rows, order].ravel())


def evaluate(name):
    path, model = folder("results") / f"{name}.json", WORK / "models" / f"{name}.pt"
    of = made_of(WORK / "task_texts.txt", *([model] if model.exists() else []))
    if is_made(path, of):
        return
    if name == "teacher":
        embed = TeacherVectors().embed
    elif name == "untrained":
        torch.manual_seed(SEED)
        embed = StudentVectors(Student(1, 256, 384)).embed
    elif name.startswith("preset:"):
        embed = PresetTeacher(name.removeprefix("preset:")).embed
    elif name != "bm25":
        embed = StudentVectors(load_student(model)).embed
    results = {}
    for file in sorted((WORK / "tasks").glob("*.json")):
        task, content = file.stem, read_json(file)
        if content["kind"] == "retrieval":
            queries, documents = content["queries"], content["documents"]
            scores = bm25_scores(queries, documents) if name == "bm25" else embed(queries) @ embed(documents).T
            results[task] = recalls(scores)
        elif name == "bm25":
            continue
        elif content["kind"] == "teacher":
            results[task] = {"spearman": with_teacher(embed, content["texts"])}
        else:
            first, second, judged = zip(*content["pairs"])
            results[task] = {"spearman": spearman((embed(first) * embed(second)).sum(1), judged)}
    record(path, ("torch", "numpy", "tokenizers"), made_of=of)
    write_json(path, summarized(results))


def summarized(results):
    """Each year's sentence sets, and SICK, count alike in the mean of human judgements."""
    results["points"] = {"R@1": float(np.mean([results[task]["R@1"] for task in FOUR]))}
    years = {}
    for task, values in results.items():
        if task.startswith("sts") or task == "sick":
            years.setdefault(task.split("-")[0], []).append(values["spearman"])
    if years:
        results["sentences"] = {"spearman": float(np.mean([np.mean(values) for values in years.values()]))}
    return results


def scores(values, teacher):
    """A line of the table: R@1 and correlations, then the shares of the teacher's, mean over the tasks."""
    line = [next(iter(values.get(task, {"": math.nan}).values())) for task in COLUMNS]
    shares = [values[task]["R@1"] / teacher[task]["R@1"] for task in FOUR]
    line.append(100 * np.mean(shares))
    sentences = values.get("sentences", {"spearman": math.nan})["spearman"] / teacher["sentences"]["spearman"]
    return np.array([*line, 100 * np.mean([*shares, sentences])])


def print_line(name, line):
    print("|", name, "|", " | ".join("" if math.isnan(value) else f"{value:.1f}" for value in line), "|")


def print_table():
    """Markdown: one line a model; of a model with several seeds their mean and spread as well."""
    results = {path.stem: read_json(path) for path in sorted((WORK / "results").glob("*.json"))
               if not path.name.endswith("record.json")}
    print("| |", " | ".join(COLUMNS), "| of the teacher: four | with sentences |")
    print("|---" + "|---:" * (len(COLUMNS) + 2) + "|")
    seeds = {}
    for name, values in results.items():
        line = scores(values, results["teacher"])
        print_line(name, line)
        seeds.setdefault(re.sub(r"-seed\d+", "", name), []).append(line)
    for name, lines in seeds.items():
        if len(lines) > 1:
            print_line(f"{name}, mean of {len(lines)}", np.mean(lines, axis=0))
            print_line("spread", np.ptp(lines, axis=0))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    for name in options.names:
        evaluate(name)
    if options.table:
        print_table()


if __name__ == "__main__":
    main()

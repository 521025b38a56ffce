"""Own stage 2: a trained model goes on learning, on texts of one's own, WORK/models/own.pt.

Loop and loss are those of the layers (stage 7).  The teacher's vectors are turned
by the rotation, or into fewer dimensions, that brings them nearest to what the
model makes of the texts before: so any teacher of 384 dimensions will do, and
what the model knows is of use.
"""
import argparse
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from distillation import Data, train
from evaluate import StudentVectors, normalized
from student import Student, load_student
from teacher_vectors import load_vectors
from train_encoder import parameters
from workplace import SEED, WORK, read_json, read_lines, record

VISITS = 60000          # texts that are learned from, each again and again where there are fewer
EPOCHS = 5              # but not more often than this
ROWS = {"lr": 1.8e-3, "eps": 1e-8}      # a rare word's row has to move, in a few steps
OTHERS = {"lr": 1.5e-4}
ALIGNED = 10000         # texts by which the rotation is found


def load_directory(path):
    """A student from what electra-import --export or stage 9 wrote."""
    electra = read_json(path / "config.json")
    dense = {name.removeprefix("linear."): value.float()
             for name, value in safetensors.torch.load_file(path / "2_Dense" / "model.safetensors").items()}
    student = Student(electra["num_hidden_layers"], electra["hidden_size"], len(dense["weight"]))
    student.dense.load_state_dict(dense)
    weights = {name: value.float()
               for name, value in safetensors.torch.load_file(path / "model.safetensors").items()}
    expected = {name for name, _ in student.electra.named_parameters()}
    if weights.keys() != expected:
        raise ValueError(f"{path} is not made like electra_mini_en_1: {sorted(weights.keys() ^ expected)[0]}")
    student.electra.load_state_dict(weights, strict=False)
    return student


def rotation(teacher, ours):
    """(n, 384) and (n, dimensions) -> (384, dimensions) with orthonormal columns, the nearest (Procrustes)."""
    left, _, right = torch.linalg.svd(teacher.T @ ours, full_matrices=False)
    return left @ right


def compare(student, texts, axes):
    """On held-out texts: the mean cosine to the teacher, and how often both find the same text nearest, in percent."""
    teacher = load_vectors("tasks").astype(np.float32)
    ours = StudentVectors(student).embed(texts)
    cosine = float((ours * normalized(teacher @ axes.numpy())).sum(1).mean())
    nearest = [(vectors @ vectors.T - 2 * np.eye(len(texts), dtype=np.float32)).argmax(1)
               for vectors in (ours, teacher)]
    return {"cosine": cosine, "same nearest": 100 * float((nearest[0] == nearest[1]).mean())}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="the directory of the model to start from")
    parser.add_argument("--seconds", type=float, default=0)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    student = load_directory(options.base)
    data = Data(student.shape["dimensions"], sources=[options.base / "model.safetensors"])
    data.axes = rotation(data.teacher[:ALIGNED].float(), torch.from_numpy(
        StudentVectors(student).embed(read_lines(WORK / "texts.txt")[:ALIGNED])))
    held_out = read_lines(WORK / "task_texts.txt")
    before = compare(student, held_out, data.axes)
    groups = parameters(student)
    groups[0].update(ROWS)
    groups[1].update(OTHERS)
    epochs = min(EPOCHS, max(1, VISITS / len(data.lengths)))
    if not train("own", student, groups, data, seed=SEED, epochs=epochs, texts=128, tokens=3072, warm_up=0.03,
                 near=False, betas=(0.9, 0.98), clip=1.0, seconds=options.seconds):
        return
    after = compare(load_student(WORK / "models" / "own.pt"), held_out, data.axes)
    record(WORK / "own", before=before, after=after, held_out=len(held_out), texts=len(data.lengths))
    for name, unit in (("cosine", ""), ("same nearest", " %")):
        print(f"{len(held_out)} held-out texts, {name}: {before[name]:.4g}{unit} before, {after[name]:.4g}{unit} after")


if __name__ == "__main__":
    main()

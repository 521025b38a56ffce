"""Stage 7: layers on top of the trained table, WORK/models/encoder-….pt."""
import argparse

import torch

from distillation import Data, train
from student import Student, load_student
from train_table import table_name
from workplace import WORK

RATE = 1.5e-4
TABLE_RATE = 3 * RATE


def parameters(student):
    embeddings = student.electra.embeddings.word_embeddings
    # The table's rows are far from their start already and move faster.
    rows = list(embeddings.parameters())
    others = [p for p in student.parameters() if all(p is not row for row in rows)]
    return [{"params": rows, "lr": TABLE_RATE, "weight_decay": 0.01},
            {"params": others, "lr": RATE, "weight_decay": 0.01}]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=float, default=0.5)
    parser.add_argument("--near", action="store_true", help="batches of texts that are like each other")
    parser.add_argument("--texts", type=int, help="only the first so many, to try it out")
    parser.add_argument("--seconds", type=float, default=0)
    options = parser.parse_args()
    tried = f"-try{options.texts}" if options.texts else ""
    table = load_student(WORK / "models" / f"{table_name(options.width, options.dimensions, options.seed)}{tried}.pt")
    name = (f"encoder-{options.layers}-{options.width}-{options.dimensions}-seed{options.seed}"
            + ("-near" if options.near else "") + tried)
    torch.manual_seed(options.seed)
    student = Student(options.layers, options.width, options.dimensions)
    student.start_layers(table)
    train(name, student, parameters(student), Data(options.dimensions, options.texts), seed=options.seed,
          epochs=options.epochs, texts=128, tokens=3072, warm_up=0.03, near=options.near, betas=(0.9, 0.98), clip=1.0,
          seconds=options.seconds)


if __name__ == "__main__":
    main()

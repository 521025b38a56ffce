"""Stage 7: layers on top of the trained table, WORK/models/encoder-….pt."""
import torch

from distillation import Data, train, training_arguments
from student import Student, load_student
from train_table import ROWS_EPSILON, table_name
from workplace import WORK

# Chosen by the cosine to the teacher after 570 steps, see README.md.
RATE = 6e-4
TABLE_RATE = 1.5e-4


def parameters(student):
    embeddings = student.electra.embeddings.word_embeddings
    rows = list(embeddings.parameters())
    others = [p for p in student.parameters() if all(p is not row for row in rows)]
    return [{"params": rows, "lr": TABLE_RATE, "eps": ROWS_EPSILON, "weight_decay": 0.01},
            {"params": others, "lr": RATE, "weight_decay": 0.01}]


def main():
    parser = training_arguments(__doc__, epochs=2)
    parser.add_argument("--layers", type=int, default=1)
    options = parser.parse_args()
    on = table_name(options)
    name = on.replace("table", f"encoder-{options.layers}")
    table = WORK / "models" / f"{on}.pt"
    torch.manual_seed(options.seed)
    student = Student(options.layers, options.width, options.dimensions)
    student.start_layers(load_student(table))
    train(name, student, parameters(student), Data(options.dimensions, options.texts, [table]), seed=options.seed,
          epochs=options.epochs, texts=128, tokens=3072, warm_up=0.03, near=options.near, betas=(0.9, 0.98), clip=1.0,
          seconds=options.seconds)


if __name__ == "__main__":
    main()

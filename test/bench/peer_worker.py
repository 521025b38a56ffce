#!/usr/bin/env python3
"""Runs one peer in a process of its own; peers.py starts it and speaks with it.

    peer_worker.py ENGINE DTYPE DIRECTORY CORE FORMS

FORMS is JSON, form -> path of peer_models.py.  A request a line comes in as
JSON and one goes out.  Times are taken here, without the way to and fro.
"""
import json
import os
import sys
import time


def normalized(vectors):
    import numpy as np
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


class Worker:
    def __init__(self, engine, directory):
        self.engine, self.directory = engine, directory
        self.texts, self.tokenizer = {}, None

    def prepare(self, lengths):
        self.engine.prepare(lengths)

    def time(self, ids):
        """Milliseconds for each text by itself, of ids."""
        import numpy as np
        times = []
        for each in ids:
            each = np.array([each], dtype=np.int64)
            start = time.perf_counter()
            self.engine.hidden(each)
            times.append(1000 * (time.perf_counter() - start))
        return times

    def vectors(self, ids):
        import numpy as np
        return [normalized(self.engine.hidden(np.array([each], dtype=np.int64))[0].mean(axis=0)).tolist()
                for each in ids]

    def keep(self, name, texts):
        self.texts[name] = texts

    def rows(self, name, batch, count, first):
        """Milliseconds to embed texts of that name, a batch at a time."""
        texts = self.texts[name][first:first + count]
        start = time.perf_counter()
        self.embed(texts, batch)
        return 1000 * (time.perf_counter() - start)

    def vectors_of_rows(self, name, batch):
        return normalized(self.embed(self.texts[name], batch)).tolist()

    def tokenize(self, name):
        """Milliseconds to tokenize all texts of that name."""
        start = time.perf_counter()
        self.engine.tokenize(self.texts[name])
        return 1000 * (time.perf_counter() - start)

    def ids(self, name):
        return self.engine.ids(self.texts[name])

    def embed(self, texts, batch):
        """Mean of the tokens, (rows, H); batches of texts of about one length, padded to the longest."""
        import numpy as np
        if hasattr(self.engine, "embed"):
            return self.engine.embed(texts, batch)
        if self.tokenizer is None:
            from tokenizers import Tokenizer
            self.tokenizer = Tokenizer.from_file(os.path.join(self.directory, "tokenizer.json"))
            self.tokenizer.enable_truncation(512)
            self.tokenizer.no_padding()
        if batch == 1:
            return normalized(np.stack([
                self.engine.hidden(np.array([self.tokenizer.encode(text).ids], dtype=np.int64))[0].mean(axis=0)
                for text in texts]))
        encodings = [each.ids for each in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda n: len(encodings[n]))
        vectors = [None] * len(texts)
        for first in range(0, len(order), batch):
            chosen = order[first:first + batch]
            ids = np.zeros((len(chosen), len(encodings[chosen[-1]])), dtype=np.int64)
            mask = np.zeros_like(ids)
            for line, n in enumerate(chosen):
                ids[line, :len(encodings[n])] = encodings[n]
                mask[line, :len(encodings[n])] = 1
            hidden = self.engine.hidden(ids, mask) * mask[:, :, None].astype(np.float32)
            means = hidden.sum(axis=1) / mask.sum(axis=1, keepdims=True)
            for line, n in enumerate(chosen):
                vectors[n] = means[line]
        return normalized(np.stack(vectors))


def main():
    start = time.perf_counter()
    name, dtype, directory, core, forms = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    # Libraries print; only answers go to the parent.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    from peer_engines import ENGINES
    worker = Worker(ENGINES[name](directory, dtype, json.loads(forms).__getitem__), directory)
    answer = {"version": worker.engine.version, "seconds": time.perf_counter() - start}
    while True:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        line = sys.stdin.readline()
        if not line:
            break
        request = json.loads(line)
        try:
            answer = {"result": getattr(worker, request.pop("do"))(**request)}
        except Exception as error:      # what a library raises, the parent shall name
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}


if __name__ == "__main__":
    main()

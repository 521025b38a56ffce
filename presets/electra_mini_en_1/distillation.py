"""What the training stages share: batches, the loss, and a loop that can be killed.

The loss is 1 - cosine to the teacher's vector, and a tenth of the divergence
between the teacher's and the student's similarities of the texts in a batch.
"""
import argparse
import functools
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from teacher_vectors import load_vectors
from train_vocabulary import SPECIAL
from workplace import SEED, WORK, Budget, folder, is_made, made_of, read_json, record

TEMPERATURE = 0.05
RELATIONS = 0.1
CLUSTERS = 256
CHECKPOINT_SECONDS = 60


def training_arguments(description, epochs):
    """The arguments of the stages that train."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=float, default=epochs)
    parser.add_argument("--near", action="store_true", help="batches of texts that are like each other")
    parser.add_argument("--texts", type=int, help="only the first so many, to try it out")
    parser.add_argument("--seconds", type=float, default=0)
    return parser


class Data:
    """Tokens of all texts that have a teacher vector, and the vectors.

    dimensions: fewer than the teacher's turn its vectors into that many by
    their principal axes (without centring), normalized again.
    sources: files that a model trained with this is made of, beside the tokens.
    """

    def __init__(self, dimensions, most=None, sources=()):
        teacher = read_json(WORK / "teacher" / "texts.record.json")["made_of"]["teacher"]
        self.made_of = made_of(WORK / "tokens.npy", *sources, teacher=teacher)
        self.tokens = np.load(WORK / "tokens.npy", mmap_mode="r")
        self.offsets = np.load(WORK / "offsets.npy")
        self.teacher = torch.from_numpy(load_vectors("texts")[:most])
        self.lengths = np.diff(self.offsets)[:len(self.teacher)]
        self.axes = self.principal_axes(dimensions) if dimensions < self.teacher.shape[1] else None

    def principal_axes(self, dimensions):
        """(384, dimensions)"""
        sample = self.teacher[:50000].float()
        return torch.linalg.eigh(sample.T @ sample).eigenvectors.flip(1)[:, :dimensions]

    def batch(self, texts, device):
        """texts: which -> ids and mask (B, T), the target (B, dimensions), the teacher's vector (B, 384)"""
        length = int(self.lengths[texts].max())
        ids = np.full((len(texts), length), SPECIAL.index("[PAD]"), dtype=np.int64)
        for row, text in enumerate(texts):
            ids[row, :self.lengths[text]] = self.tokens[self.offsets[text]:self.offsets[text + 1]]
        mask = torch.from_numpy((np.arange(length) < self.lengths[texts][:, None]).astype(np.int64))
        teacher = self.teacher[torch.from_numpy(texts)].float()
        target = teacher if self.axes is None else teacher @ self.axes
        return [part.to(device) for part in (torch.from_numpy(ids), mask, target, teacher)]

    @functools.cached_property
    def clusters(self):
        """For each text the number of the nearest of CLUSTERS texts, drawn at random."""
        chosen = np.random.default_rng(SEED).choice(len(self.teacher), CLUSTERS, replace=False)
        centres = self.teacher[torch.from_numpy(chosen)].float().T
        return torch.cat([(part.float() @ centres).argmax(1) for part in self.teacher.split(65536)]).numpy()

    def batches(self, seed, texts, tokens, near):
        """One epoch: batches of like length, at most so many texts and tokens, in random order.

        near: all texts of a batch from one cluster, so that they are hard to
        tell apart.
        """
        random = np.random.default_rng(seed)
        shuffled = random.permutation(len(self.lengths))
        # Neighbours in length differ from epoch to epoch: lengths get a little noise.
        length = self.lengths[shuffled] + random.uniform(-1, 1, len(shuffled))
        order = np.lexsort((length, self.clusters[shuffled])) if near else np.argsort(length)
        result, current, longest = [], [], 0
        for text in shuffled[order]:
            longest = max(longest, self.lengths[text])
            if current and (len(current) >= texts or longest * (len(current) + 1) > tokens):
                result.append(np.array(current))
                current, longest = [], self.lengths[text]
            current.append(text)
        result.append(np.array(current))
        return [result[i] for i in random.permutation(len(result))]


def loss_of(output, target, teacher):
    output = F.normalize(output, dim=1)
    cosine = 1 - (output * F.normalize(target, dim=1)).sum(1).mean()
    # A text's similarity to itself says nothing.
    others = torch.eye(len(output), device=output.device) * -1e4
    ours = F.log_softmax(output @ output.T / TEMPERATURE + others, dim=1)
    theirs = F.log_softmax(teacher @ teacher.T / TEMPERATURE + others, dim=1)
    return cosine + RELATIONS * F.kl_div(ours, theirs, log_target=True, reduction="batchmean"), cosine


def train(name, student, groups, data, *, seed, epochs, texts, tokens, warm_up, near, betas, clip, seconds):
    """Trains to WORK/models/NAME.pt; True when that is there, False when the seconds ran out first.

    groups: parameter groups of AdamW; epochs may be less than one; the learning rate rises over the share
    warm_up of the steps and falls to 0 in a straight line.
    """
    final, unfinished = folder("models") / f"{name}.pt", WORK / "models" / f"{name}.checkpoint"
    if is_made(final, data.made_of):
        return True
    budget = Budget(seconds)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # The moments of rows that are seldom met fade into denormal numbers, which are slow and change no weight.
    torch.set_flush_denormal(True)
    student.to(device).train()
    optimizer = torch.optim.AdamW(groups, betas=betas, fused=True)
    plan = data.batches(seed, texts, tokens, near)
    steps = len(plan)
    total = round(epochs * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / max(1, warm_up * total), max(0, 1 - step / total)))
    step, spent, epoch = 0, 0.0, 0
    if is_made(unfinished, data.made_of):
        saved = torch.load(unfinished, weights_only=True, map_location=device)
        student.load_state_dict(saved["state"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        step, spent = saved["step"], saved["spent"]
    else:
        record(unfinished, made_of=data.made_of)

    def save(path, **more):
        temporary = path.with_name(path.name + ".tmp")
        torch.save({"shape": student.shape, "state": student.state_dict(), **more}, temporary)
        os.replace(temporary, path)

    def checkpoint():
        save(unfinished, optimizer=optimizer.state_dict(), schedule=schedule.state_dict(), step=step,
             spent=spent + time.monotonic() - begin)

    begin = last = time.monotonic()
    average = math.nan
    while step < total:
        # An epoch's plan follows from its number, so that a run that was killed goes on alike.
        if step // steps != epoch:
            epoch = step // steps
            plan = data.batches(seed + 1000 * epoch, texts, tokens, near)
        # Plans differ by a batch or two.
        ids, mask, target, teacher = data.batch(plan[step % steps % len(plan)], device)
        loss, cosine = loss_of(student(ids, mask), target, teacher)
        optimizer.zero_grad()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(student.parameters(), clip)
        optimizer.step()
        schedule.step()
        step += 1
        average = cosine.item() if math.isnan(average) else 0.99 * average + 0.01 * cosine.item()
        if budget.over() or time.monotonic() - last > CHECKPOINT_SECONDS:
            last = time.monotonic()
            print(f"{name}: step {step} of {total}, cosine {1 - average:.4f}", flush=True)
            checkpoint()
            if budget.over():
                return False
    record(final, ("torch", "transformers", "numpy"), training_seed=seed, epochs=epochs, steps=total,
           texts=len(data.lengths), cosine=1 - average, seconds=spent + time.monotonic() - begin, near=near,
           device=device.type, made_of=data.made_of, **student.shape)
    save(final)
    for rest in unfinished.parent.glob(f"{unfinished.name}*"):
        rest.unlink()
    print(f"{name}: cosine {1 - average:.4f}", flush=True)
    return True

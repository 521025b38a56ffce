"""Stage 3: WORK/texts.txt, one text a line in random order, and WORK/sources.json.

What is held out by key (holding.py) is left out first, then whatever shares its
words with a task, then what was there before.
"""
import random

from cutting import HeldOut, Seen, cut, is_prose
from holding import held_out, source_files
from sources import SOURCES
from wordnet import read_synsets
from workplace import (SEED, WORK, folder, is_made, made_of, read_json, read_lines, record, replacing, stable_hash,
                       write_json)


def wordnet_texts():
    """Words, glosses, examples; and what a user might ask of them."""
    questions = ("what is {}?", "{} meaning", "what does {} mean?", "definition of {}")
    for synset in read_synsets():
        if held_out("wordnet", synset.key):
            continue
        yield synset.gloss
        yield from synset.examples
        yield f"{synset.words[0]}: {synset.gloss}"
        if len(synset.words) > 1:
            yield ", ".join(synset.words)
        draw = stable_hash(synset.key)
        if draw % 8 == 0:
            yield questions[draw // 8 % len(questions)].format(synset.words[0])
        yield from synset.words


def source_texts(source):
    """The texts of a source, before anything is taken out."""
    if source.name == "wordnet":
        yield from wordnet_texts()
        return
    for path, key in source_files(source):
        if held_out(source.name, key):
            continue
        for kind, block in source.read(path):
            if kind == "title":
                if 2 <= len(block.split()) <= 15 and is_prose(block):
                    yield block
                continue
            for text in cut(block):
                if len(text.split()) >= 4 and is_prose(text):
                    yield text
                    yield from phrase(text)


def phrase(text):
    """Of one text in ten a run of two to eight words: short, like a search."""
    draw = stable_hash(text)
    words = text.split()
    if draw % 10 == 0 and len(words) >= 10:
        start = draw // 10 % (len(words) - 8)
        yield " ".join(words[start:start + 2 + draw // 100 % 7]).strip(".,;:!?()\"'")


def text_path(source):
    return folder("text") / f"{source.name}.txt"


def gather(source, tasks, of):
    """One file of texts for each source; its texts and words are counted beside it."""
    path = text_path(source)
    seen = Seen()
    counts = {"texts": 0, "words": 0, "too alike": 0, "near a task": 0}
    with replacing(path) as file:
        for text in source_texts(source):
            text = " ".join(text.split())
            if seen.add(text):
                counts["too alike"] += 1
            elif text in tasks:
                counts["near a task"] += 1
            else:
                file.write(text + "\n")
                counts["texts"] += 1
                counts["words"] += len(text.split())
        record(path, made_of=of, **counts)
    print(source.name, counts, flush=True)


def join(path, of):
    """All sources in one file, shuffled: the first part of it is a fair sample of the whole."""
    seen, texts, sources = set(), [], []
    for source in SOURCES:
        counts = read_json(f"{text_path(source)}.record.json")
        # What is nearly alike went within each source; between them, only what is the same goes.
        unlike = {text.lower(): text for text in read_lines(text_path(source))}
        own = [text for key, text in unlike.items() if key not in seen]
        seen |= unlike.keys()
        texts += own
        sources.append({"source": source.name, "licence": source.licence, "packages": source.packages,
                        "texts": len(own), "words": sum(len(text.split()) for text in own),
                        "too alike": counts["too alike"] + counts["texts"] - len(own),
                        "near a task": counts["near a task"]})
    random.Random(SEED).shuffle(texts)
    write_json(WORK / "sources.json", sources)
    record(path, texts=len(texts), words=sum(source["words"] for source in sources), made_of=of)
    with replacing(path) as file:
        file.writelines(text + "\n" for text in texts)


def print_table():
    """What the model card says of the text."""
    sources = read_json(WORK / "sources.json")
    print("| source | licence | Debian packages, wheels | texts | words |\n|---|---|---|---:|---:|")
    for source in sorted(sources, key=lambda source: -source["words"]):
        print(f"| {source['source']} | {source['licence']} | {', '.join(source['packages'])} |"
              f" {source['texts']:,} | {source['words']:,} |")
    print(f"| all | | | {sum(s['texts'] for s in sources):,} | {sum(s['words'] for s in sources):,} |")


def main():
    held_out_texts, tasks = WORK / "task_texts.txt", None
    of = made_of(held_out_texts)
    for source in SOURCES:
        if not is_made(text_path(source), of):
            tasks = tasks or HeldOut(read_lines(held_out_texts))
            gather(source, tasks, of)
    texts, of = WORK / "texts.txt", made_of(*map(text_path, SOURCES))
    if not is_made(texts, of):
        join(texts, of)
    print_table()


if __name__ == "__main__":
    main()

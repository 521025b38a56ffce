"""Stage 2: the held-out tasks, WORK/tasks/NAME.json, and all their texts, WORK/task_texts.txt.

A retrieval task is queries, documents, and for each query the number of its
document.  A pair task is pairs of texts with what people said of their
similarity.  Nothing here is chosen by looking at results.
"""
import os
import random
import re
from pathlib import Path

from cutting import cut, is_prose
from documents import dictionary_entries, read_text, squeeze
from holding import held_out, source_files
from sources import EVALUATION, SOURCES
from wordnet import read_synsets
from workplace import SEED, WORK, folder, record, replacing, write_json

MOST = 2000             # queries, and as many documents, of a task
GENERAL = 1000          # texts of the task that compares with the teacher
DOCUMENT = 1000         # characters of a document


def choose(pairs):
    """At most MOST (query, document) pairs, no query and no document twice."""
    pairs = sorted(set(pairs))
    random.Random(SEED).shuffle(pairs)
    queries, documents, chosen = set(), set(), []
    for query, document in pairs:
        if query.lower() not in queries and document.lower() not in documents:
            queries.add(query.lower())
            documents.add(document.lower())
            chosen.append((query, document))
    return chosen[:MOST]


def shorten(text):
    """The beginning of a document, cut at a word."""
    return text if len(text) <= DOCUMENT else text[:DOCUMENT].rsplit(" ", 1)[0]


def package_descriptions():
    """Short description -> long description; other packages of the same source share most of theirs."""
    for entry in (WORK / "Translation-en").read_text(encoding="utf-8").split("\n\n"):
        match = re.search(r"^Description-en: (.*)\n((?: .*\n?)+)", entry, re.MULTILINE)
        if match:
            long = squeeze(re.sub(r"^ \.$", "", match.group(2), flags=re.MULTILINE))
            if len(long.split()) >= 20:
                yield squeeze(match.group(1)), shorten(long)


def plain_roff(text):
    """A section of a manual page without requests and font changes."""
    requests = "TH|so|if|ie|el|de|nr|ds|ft|nf|fi|in|sp|ad|na|hy|nh|PD|TP|IP|RS|RE|PP|P|LP|br|ne|ta"
    text = re.sub(rf"^\.(?:{requests})\b.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^[.'](?:\s*\\\".*|\S*)", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\f(?:\[[^\]]*\]|\(..|.)|\\s[-+]?[0-9]|\\[&|^/,%c:]|\\m\[[^\]]*\]", "", text)
    text = text.replace("\\-", "-").replace("\\(aq", "'").replace("\\(em", "-").replace("\\e", "\\")
    text = re.sub(r"\\\((?:lq|rq|dq)", '"', text)
    return squeeze(re.sub(r"\\\(..|\\\[[^\]]*\]|\\\*\(..|\\ ?", " ", text).replace('"', ""))


def manual_pages():
    """What NAME says of the page, without its name -> the beginning of DESCRIPTION."""
    for package in EVALUATION["manual pages"]:
        for path in sorted((WORK / "unpacked" / package / "usr/share/man").glob("man[1-8]/*.gz")):
            sections = re.split(r'^\.SH\s+"?([A-Z ]+?)"?\s*$', read_text(path), flags=re.MULTILINE)
            by_name = dict(zip(sections[1::2], sections[2::2]))
            name = plain_roff(by_name.get("NAME", ""))
            description = shorten(plain_roff(by_name.get("DESCRIPTION", "")))
            about = re.split(r"\s+-+\s+", name, maxsplit=1)[-1]
            if about != name and len(about.split()) >= 3 and len(description.split()) >= 15:
                yield about, description


def words_and_glosses():
    for synset in read_synsets():
        if held_out("wordnet", synset.key):
            yield synset.words[0], synset.gloss


def examples_and_glosses():
    for synset in read_synsets():
        if held_out("wordnet", synset.key) and synset.examples:
            yield synset.examples[0], synset.gloss


def two_dictionaries():
    """Paraphrase: WordNet's gloss -> Webster's definition, of words that have one sense in either."""
    senses = {}
    for synset in read_synsets():
        for word in synset.words:
            senses.setdefault(word.lower(), []).append(synset)
    file = next((WORK / "unpacked" / "dict-gcide").glob("**/*.dict.dz"))
    webster = {}
    for word, entry in dictionary_entries(file):
        webster.setdefault(word.lower(), []).append(entry)
    for word, entries in sorted(webster.items()):
        if len(entries) != 1 or len(senses.get(word, ())) != 1 or not held_out("wordnet", senses[word][0].key):
            continue
        definition = re.search(r"\n\s*(?:1\. )?((?:\([A-Z][a-z]+\.\) )?[A-Z][^\[]*?)\s*\[1913 Webster\]", entries[0])
        if not definition:
            continue
        text = re.sub(r"^\([A-Z][a-z]+\.\) | -- .*", "", squeeze(re.sub(r"[{}_]", "", definition.group(1))))
        # Webster's may explain a word by itself, and that would be no paraphrase.
        if len(text.split()) >= 5 and word not in text.lower() and "[WordNet" not in entries[0]:
            yield senses[word][0].gloss, shorten(text)


def sections():
    """Search: the title of a section of PostgreSQL's documentation -> the text under it."""
    source = next(source for source in SOURCES if source.name == "postgresql")
    for path, key in source_files(source):
        if not held_out(source.name, key):
            continue
        title, texts = None, []
        for kind, block in [*source.read(path), ("title", "")]:
            if kind == "text":
                texts.append(block)
                continue
            text = shorten(" ".join(t for t in texts if is_prose(t)))
            if title and len(title.split()) >= 2 and len(text.split()) >= 20:
                yield title, text
            title, texts = block, []


def questions_and_answers():
    """Search: a question of Perl's FAQ -> the beginning of its answer."""
    for path in sorted((WORK / "unpacked" / "perl-doc").glob("usr/share/perl/**/perlfaq?.pod")):
        source = next(source for source in SOURCES if source.name == "perl")
        question, texts = None, []
        for kind, block in [*source.read(path), ("title", "")]:
            if kind == "text":
                texts.append(block)
                continue
            if question and question.endswith("?") and texts:
                yield question, shorten(" ".join(texts))
            question, texts = block, []


RETRIEVAL = {"package": package_descriptions, "manual": manual_pages, "gloss": words_and_glosses,
             "example": examples_and_glosses, "paraphrase": two_dictionaries, "section": sections,
             "question": questions_and_answers}


def general_texts():
    """Sentences of held-out files, as many of each source as there are."""
    chosen = []
    for source in SOURCES:
        if source.name == "wordnet":
            continue
        texts = sorted({text for path, key in source_files(source) if held_out(source.name, key)
                        for kind, block in source.read(path) if kind == "text"
                        for text in cut(block) if len(text.split()) >= 5 and is_prose(text)})
        random.Random(SEED).shuffle(texts)
        chosen += texts[:GENERAL // 8]
    random.Random(SEED).shuffle(chosen)
    return chosen[:GENERAL]


def judged_pairs():
    """What people said of pairs: of words, and of sentences where a folder of such data is given.

    ELECTRA_STS names a folder with files of the SemEval tasks (*.test.tsv:
    score, text, text) and SICK_test_annotated.txt.  They may be had for
    research only, so they are evaluated with and never trained on.
    """
    words = WORK / "unpacked" / "gensim" / "gensim/test/test_data"
    for name, file in (("wordsim353", "wordsim353.tsv"), ("simlex999", "simlex999.txt")):
        rows = [line.split("\t") for line in (words / file).read_text(encoding="utf-8").splitlines()
                if line and line[0] != "#"]
        yield name, [(row[0], row[1], float(row[2])) for row in rows if len(row) == 3]
    given = os.environ.get("ELECTRA_STS")
    if not given:
        return
    for year in range(2012, 2017):
        for path in sorted(Path(given).glob(f"**/{year}/*.test.tsv")):
            rows = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")]
            yield f"sts{year}-{path.name.split('.')[0]}", [(row[1], row[2], float(row[0])) for row in rows
                                                           if len(row) >= 3 and row[0].strip()]
    for path in Path(given).glob("**/sick2014/SICK_test_annotated.txt"):
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        yield "sick", [(row[1], row[2], float(row[3])) for row in rows]


def main():
    texts = WORK / "task_texts.txt"
    if texts.exists():
        return
    tasks = folder("tasks")
    counts, everything = {}, set()
    for name, make in RETRIEVAL.items():
        pairs = choose(make())
        counts[name] = len(pairs)
        write_json(tasks / f"{name}.json", {"kind": "retrieval", "queries": [query for query, _ in pairs],
                                            "documents": [document for _, document in pairs]})
        everything |= {text for pair in pairs for text in pair}
    general = general_texts()
    counts["general"] = len(general)
    write_json(tasks / "general.json", {"kind": "teacher", "texts": general})
    everything |= set(general)
    for name, rows in judged_pairs():
        counts[name] = len(rows)
        write_json(tasks / f"{name}.json", {"kind": "judged", "pairs": rows})
        everything |= {squeeze(text) for row in rows for text in row[:2]}
    with replacing(texts) as file:
        file.writelines(" ".join(text.split()) + "\n" for text in sorted(everything))
    record(texts, **counts)
    print(counts)


if __name__ == "__main__":
    main()

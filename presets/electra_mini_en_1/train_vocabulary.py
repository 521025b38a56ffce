"""Stage 4: a WordPiece vocabulary of our own text, and all texts as its numbers.

WORK/vocab.txt, WORK/tokens.npy (uint16, one text after the other, [CLS] and
[SEP] included) and WORK/offsets.npy (where each text begins).
"""
import numpy as np
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from workplace import WORK, is_made, made_of, read_lines, record, replacing

SIZE = 32768
POSITIONS = 256
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert_tokenizer(model):
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def load_tokenizer():
    """The trained tokenizer, that frames each text in [CLS] and [SEP] and cuts it at POSITIONS."""
    tokens = read_lines(WORK / "vocab.txt")
    tokenizer = bert_tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", tokens.index("[SEP]")),
                                                         ("[CLS]", tokens.index("[CLS]")))
    tokenizer.enable_truncation(POSITIONS)
    return tokenizer


def train(path, of):
    """The trainer breaks ties by count in an order of its own; what it learned is sorted by number and kept."""
    tokenizer = bert_tokenizer(models.WordPiece(unk_token="[UNK]"))
    # Symbols that a text now and then has are not worth one of 32,768 rows.
    trainer = trainers.WordPieceTrainer(vocab_size=SIZE, special_tokens=SPECIAL, limit_alphabet=400,
                                        show_progress=False)
    tokenizer.train([str(WORK / "texts.txt")], trainer)
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    record(path, ("tokenizers",), tokens=len(vocabulary), made_of=of)
    with replacing(path) as file:
        file.writelines(token + "\n" for token, _ in vocabulary)


def tokenize(texts):
    """A flat array of token numbers and the place where each text begins."""
    tokenizer = load_tokenizer()
    parts, lengths = [], []
    for start in range(0, len(texts), 20000):
        encoded = [e.ids for e in tokenizer.encode_batch_fast(texts[start:start + 20000])]
        parts.append(np.concatenate([np.asarray(ids, dtype=np.uint16) for ids in encoded]))
        lengths += [len(ids) for ids in encoded]
    return np.concatenate(parts), np.concatenate([[0], np.cumsum(lengths)])


def main():
    texts, vocabulary = WORK / "texts.txt", WORK / "vocab.txt"
    of = made_of(texts)
    if not is_made(vocabulary, of):
        train(vocabulary, of)
    of = made_of(texts, vocabulary)
    if not is_made(WORK / "tokens.npy", of):
        tokens, offsets = tokenize(read_lines(texts))
        record(WORK / "tokens.npy", ("tokenizers", "numpy"), tokens=len(tokens), texts=len(offsets) - 1,
               unknown=int((tokens == SPECIAL.index("[UNK]")).sum()), made_of=of)
        # The tokens come last: where they are, offsets of theirs are too.
        for name, array in (("offsets", offsets), ("tokens", tokens)):
            with replacing(WORK / f"{name}.npy", "wb") as file:
                np.save(file, array)


if __name__ == "__main__":
    main()

"""The parts that good_directories.py and bad_directories.py are made of.

GOOD maps names to builders; BAD maps names to (builder, message, detail), the
exact error text that electra-import must give.  Everything is seeded.
"""
import json
import os
import random
import struct

WORDS = ["the", "quick", "brown", "fox", "##es", "##s", "jump", "over", "lazy", "dog", ",", ".",
         "!", "a", "b", "##b", "c", "caf", "##e", "cafe", "x", "y", "z"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS
VOCAB_SIZE = 32                     # four ids more than the vocabulary has lines

GOOD = {}
BAD = {}

# Where the transformer of a good directory lies, if not in its root.
TRANSFORMER = {"sentence_subfolder": "0_Transformer"}
# The folder to load, if not the directory itself.
LOAD = {"hub_links": "snapshots/0123456789abcdef0123456789abcdef01234567"}


def good(builder):
    GOOD[builder.__name__] = builder
    return builder


def bad(message, detail=None):
    def register(builder):
        BAD[builder.__name__] = (builder, message, detail)
        return builder
    return register


def halves(values):
    return struct.pack("<%de" % len(values), *values)


def bfloats(values):
    return b"".join(struct.pack("<f", v)[2:] for v in values)


PACK = {"F32": lambda v: struct.pack("<%df" % len(v), *v), "F16": halves, "BF16": bfloats,
        "F64": lambda v: struct.pack("<%dd" % len(v), *v),
        "I64": lambda v: struct.pack("<%dq" % len(v), *map(int, v)),
        "I8": lambda v: struct.pack("<%db" % len(v), *map(int, v))}


def safetensors(tensors, dtype="F32", metadata=True):
    """{name: shape or (dtype, shape)} -> bytes of a file with seeded values."""
    header = {"__metadata__": {"format": "pt"}} if metadata else {}
    data = b""
    for name, shape in tensors.items():
        kind = dtype
        if isinstance(shape, tuple):
            kind, shape = shape
        count = 1
        for extent in shape:
            count *= extent
        rng = random.Random(name)
        raw = PACK[kind]([rng.uniform(-1, 1) for _ in range(count)])
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    return frame(json.dumps(header).encode(), data)


def frame(header, data):
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def encoder_tensors(prefix="", vocab=VOCAB_SIZE, hidden=8, embedding=8, layers=2, inner=16, positions=16,
                    gamma=False):
    weight, bias = ("gamma", "beta") if gamma else ("weight", "bias")
    tensors = {
        "embeddings.word_embeddings.weight": [vocab, embedding],
        "embeddings.position_embeddings.weight": [positions, embedding],
        "embeddings.token_type_embeddings.weight": [2, embedding],
        f"embeddings.LayerNorm.{weight}": [embedding],
        f"embeddings.LayerNorm.{bias}": [embedding],
    }
    if embedding != hidden:
        tensors["embeddings_project.weight"] = [hidden, embedding]
        tensors["embeddings_project.bias"] = [hidden]
    for n in range(layers):
        layer = f"encoder.layer.{n}."
        for name, shape in (("attention.self.query", [hidden, hidden]), ("attention.self.key", [hidden, hidden]),
                            ("attention.self.value", [hidden, hidden]),
                            ("attention.output.dense", [hidden, hidden]),
                            ("intermediate.dense", [inner, hidden]), ("output.dense", [hidden, inner])):
            tensors[layer + name + ".weight"] = shape
            tensors[layer + name + ".bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"{layer}{name}.{weight}"] = [hidden]
            tensors[f"{layer}{name}.{bias}"] = [hidden]
    return {prefix + name: shape for name, shape in tensors.items()}


BERT = {"model_type": "bert", "architectures": ["BertModel"], "vocab_size": VOCAB_SIZE, "hidden_size": 8,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "hidden_act": "gelu",
        "layer_norm_eps": 1e-12, "max_position_embeddings": 16, "type_vocab_size": 2, "pad_token_id": 0}
ELECTRA = dict(BERT, model_type="electra", architectures=["ElectraModel"], embedding_size=4)
TOKENIZER_CONFIG = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 12}


def added(index, content, special=True, **flags):
    return dict({"id": index, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": not special, "special": special}, **flags)


def decoder_entry(content, special=True, **flags):
    entry = added(0, content, special, **flags)
    del entry["id"]
    return entry


def tokenizer_json(vocabulary=VOCABULARY, tokens=None, **parts):
    names = [(i, t) for i, t in enumerate(vocabulary) if t.startswith("[")]
    post = {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                               "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}}
    return dict({"version": "1.0", "truncation": None, "padding": None,
                 "added_tokens": [added(i, t) for i, t in names] if tokens is None else tokens,
                 "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                "strip_accents": None, "lowercase": True},
                 "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": post,
                 "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                 "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                           "max_input_chars_per_word": 100,
                           "vocab": {t: i for i, t in enumerate(vocabulary)}}}, **parts)


class Directory:
    """A directory that is being written; starts as a complete small BERT."""

    def __init__(self, path, empty=False):
        self.path = path
        os.makedirs(path, exist_ok=True)
        if not empty:
            self.json("config.json", BERT)
            self.json("tokenizer_config.json", TOKENIZER_CONFIG)
            self.text("vocab.txt", "".join(t + "\n" for t in VOCABULARY))
            self.bytes("model.safetensors", safetensors(encoder_tensors()))

    def bytes(self, name, content):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)

    def text(self, name, content):
        self.bytes(name, content.encode())

    def json(self, name, value):
        self.text(name, json.dumps(value, indent=1))

    def remove(self, *names):
        for name in names:
            os.remove(os.path.join(self.path, name))

    def config(self, **changes):
        self.json("config.json", {k: v for k, v in dict(BERT, **changes).items() if v is not ...})

    def tokenizer_config(self, **changes):
        self.json("tokenizer_config.json",
                  {k: v for k, v in dict(TOKENIZER_CONFIG, **changes).items() if v is not ...})

    def electra(self, head=(), **changes):
        config = dict(ELECTRA, **changes)
        self.json("config.json", config)
        tensors = encoder_tensors("electra." if head else "", embedding=config["embedding_size"])
        tensors.update(head)
        self.bytes("model.safetensors", safetensors(tensors))

    def modules(self, *modules):
        self.json("modules.json", [{"idx": i, "name": str(i), "path": path,
                                    "type": kind if "." in kind else "sentence_transformers.models." + kind}
                                   for i, (path, kind) in enumerate(modules)])

    def sentence(self, pooling=None, *more):
        self.modules(("", "Transformer"), ("1_Pooling", "Pooling"), *more)
        self.json("1_Pooling/config.json", pooling or {"word_embedding_dimension": 8,
                                                        "pooling_mode_mean_tokens": True})

    def dense(self, folder="2_Dense", **changes):
        self.json(folder + "/config.json",
                  dict({"in_features": 8, "out_features": 6, "bias": True,
                        "activation_function": "torch.nn.modules.activation.Tanh"}, **changes))
        self.bytes(folder + "/model.safetensors",
                   safetensors({"linear.weight": [6, 8], "linear.bias": [6]}))

"""Keras-Hub preset directories that load, written with h5py as Keras writes them.

The weights are seeded by their paths, so that test/parity/make_keras_golden.py
and the tests that compare with its golden values have the same ones.  Needs
python3-h5py and python3-numpy.
"""
import os
import zlib

import h5py
import numpy as np

from directory_parts import GOOD, VOCABULARY, Directory, good

SNAPSHOT = "snapshots/0123456789abcdef0123456789abcdef01234567"
VOCAB_SIZE = 32                     # four ids more than the vocabulary has lines
SMALL = {"vocab_size": VOCAB_SIZE, "num_layers": 2, "num_heads": 2, "hidden_dim": 8, "embedding_dim": 4,
         "intermediate_dim": 16, "dropout": 0.1, "max_sequence_length": 16, "num_segments": 2}
NO_PROJECTION = dict(SMALL, embedding_dim=8)
TOKENIZER = {"name": "electra_tokenizer", "trainable": True, "dtype": "int32", "config_file": "tokenizer.json",
             "vocabulary": None, "sequence_length": None, "lowercase": True, "strip_accents": False, "split": True,
             "suffix_indicator": "##", "oov_token": "[UNK]", "special_tokens": None,
             "special_tokens_in_strings": False}
LAYER = [("self_attention_layer/query_dense", "heads"), ("self_attention_layer/key_dense", "heads"),
         ("self_attention_layer/value_dense", "heads"), ("self_attention_layer/output_dense", "from_heads"),
         ("self_attention_layer_norm", "norm"), ("feedforward_intermediate_dense", "up"),
         ("feedforward_output_dense", "down"), ("feedforward_layer_norm", "norm")]
# Groups without datasets, which Keras writes too.
EMPTY = ["layers/add", "layers/dropout", "layers/input_layer", "layers/input_layer_1",
         "layers/transformer_encoder/_self_attention_layer/_softmax", ""]
CANONICAL = {"self_attention_layer/query_dense": "attention.self.query",
             "self_attention_layer/key_dense": "attention.self.key",
             "self_attention_layer/value_dense": "attention.self.value",
             "self_attention_layer/output_dense": "attention.output.dense",
             "self_attention_layer_norm": "attention.output.LayerNorm",
             "feedforward_intermediate_dense": "intermediate.dense", "feedforward_output_dense": "output.dense",
             "feedforward_layer_norm": "output.LayerNorm"}


# ---- weights ----------------------------------------------------------------

def layer_shapes(dims):
    """{"layers/dense": [shape of vars/0, …], …} in the order of Keras's groups."""
    hidden, embedding, heads = dims["hidden_dim"], dims["embedding_dim"], dims["num_heads"]
    size, inner = hidden // heads, dims["intermediate_dim"]
    kinds = {"heads": [(hidden, heads, size), (heads, size)], "from_heads": [(heads, size, hidden), (hidden,)],
             "norm": [(hidden,), (hidden,)], "up": [(hidden, inner), (inner,)], "down": [(inner, hidden), (hidden,)]}
    shapes = {"layers/reversible_embedding": [(dims["vocab_size"], embedding)],
              "layers/position_embedding": [(dims["max_sequence_length"], embedding)],
              "layers/embedding": [(dims["num_segments"], embedding)],
              "layers/layer_normalization": [(embedding,), (embedding,)]}
    if embedding != hidden:
        shapes["layers/dense"] = [(embedding, hidden), (hidden,)]
    shapes["layers/dense_1" if embedding != hidden else "layers/dense"] = [(hidden, hidden), (hidden,)]
    for n in range(dims["num_layers"]):
        for name, kind in LAYER:
            shapes["layers/transformer_encoder%s/_%s" % ("_%d" % n if n else "", name)] = kinds[kind]
    return shapes


def values(path, shape):
    """float32 values of a dataset, seeded by its path: a few bits each, so that bfloat16 holds them."""
    rng = np.random.RandomState(zlib.crc32(path.encode()))
    steps = rng.randint(-64, 65, size=shape).astype(np.float32) / 64
    name, number = path.split("/")[-3], path[-1]
    if "norm" in name:
        return 1 + steps / 2 if number == "0" else steps / 4
    if "embedding" in name:
        return steps
    if number == "1":
        return steps / 4
    fan_in = shape[0] if name != "output_dense" else shape[0] * shape[1]
    return steps * np.float32(2.0 ** -round(np.log2(fan_in) / 2 - 0.5))


def weights(dims):
    """{path of a dataset: float32 values} of a whole preset."""
    return {f"{group}/vars/{i}": values(f"{group}/vars/{i}", shape)
            for group, shapes in layer_shapes(dims).items() for i, shape in enumerate(shapes)}


def underscored(path):
    """As Keras 3.0 calls the layers of the attention, in all published presets."""
    return path.replace("_self_attention_layer/", "_self_attention_layer/_")


def write_dataset(file, path, array, dtype="float32"):
    if dtype != "bfloat16":
        file.create_dataset(path, data=array.astype(dtype))
        return
    halves = (np.ascontiguousarray(array, dtype="<f4").view("<u4") >> 16).astype("<u2").view("V2")
    file.create_dataset(path, data=halves).attrs["dtype"] = "bfloat16"


def write_weights(path, arrays, dtype="float32", names=False, **options):
    with h5py.File(path, "w", **options) as file:
        for name in EMPTY:
            file.require_group((name + "/vars").lstrip("/"))
        for name, array in arrays.items():
            write_dataset(file, name, array, dtype)
            if names:
                file[name].parent.attrs["name"] = name.split("/")[1]


class Keras(Directory):
    """A preset directory that is being written; starts complete."""

    def __init__(self, path, dims=None, dtype="float32", backbone="ElectraBackbone", weights_file=True):
        super().__init__(path, empty=True)
        self.dims = dict(SMALL if dims is None else dims)
        self.backbone = backbone
        self.arrays = weights(self.dims)
        self.dtype = dtype
        self.config(dtype={"module": "keras", "class_name": "DTypePolicy", "config": {"name": dtype},
                           "registered_name": None})
        self.metadata()
        self.tokenizer()
        self.vocabulary()
        if weights_file:
            self.weights(dtype=dtype.replace("mixed_bfloat16", "float32").replace("mixed_float16", "float32"),
                         names=True)

    def config(self, registered=..., **changes):
        arguments = dict({"name": "backbone", "trainable": True}, **self.dims)
        if self.backbone == "BertBackbone":
            arguments["vocabulary_size"] = arguments.pop("vocab_size")
            del arguments["embedding_dim"]
        arguments.update(changes)
        self.json("config.json", {"module": "keras_hub.src.models", "class_name": self.backbone,
                                  "config": {k: v for k, v in arguments.items() if v is not ...},
                                  "registered_name": "keras_hub>" + self.backbone if registered is ...
                                  else registered})

    def metadata(self, **changes):
        self.json("metadata.json", dict({"keras_version": "3.15.1", "keras_hub_version": "0.32.0",
                                         "parameter_count": sum(a.size for a in self.arrays.values()),
                                         "date_saved": "2026-11-22@13:53:51", "tasks": []}, **changes))

    def tokenizer(self, registered="keras_hub>ElectraTokenizer", **changes):
        arguments = dict(TOKENIZER, **changes)
        self.json("tokenizer.json", {"module": "keras_hub.src.models", "class_name": "ElectraTokenizer",
                                     "config": {k: v for k, v in arguments.items() if v is not ...},
                                     "registered_name": registered})

    def vocabulary(self, tokens=VOCABULARY, folder="tokenizer", end="\n"):
        self.text("assets/%s/vocabulary.txt" % folder, "".join(t + end for t in tokens))

    def weights(self, changes=None, name="model.weights.h5", **options):
        """Writes all arrays; changes replaces some (None: leaves out)."""
        arrays = dict(self.arrays, **(changes or {}))
        write_weights(os.path.join(self.path, name), {k: v for k, v in arrays.items() if v is not None}, **options)

    def edit(self, change, name="model.weights.h5"):
        with h5py.File(os.path.join(self.path, name), "a") as file:
            change(file)

    def shards(self, count=3, **options):
        """The datasets dealt out in turn, so that those of one group lie in different shards."""
        files = [{} for _ in range(count)]
        index = {}
        for i, (path, array) in enumerate(self.arrays.items()):
            files[i % count][path] = array
            index.setdefault("/" + path.rsplit("/", 1)[0], []).append("model_%05d.weights.h5" % (i % count))
        for i, arrays in enumerate(files):
            with h5py.File(os.path.join(self.path, "model_%05d.weights.h5" % i), "w") as file:
                for path, array in arrays.items():
                    write_dataset(file, path, array)
        index = {group: names if len(names) > 1 else names[0] for group, names in index.items()}
        index.update(options)
        self.json("model.weights.json", {"metadata": {"total_size": 1234.0}, "weight_map": index})


# ---- what an archive of a directory must hold ---------------------------------

def widened(dataset):
    raw = dataset[...]
    if dataset.attrs.get("dtype") == "bfloat16":
        return (np.ascontiguousarray(raw).view("<u2").astype("<u4") << 16).view("<f4")
    return raw.astype("<f4")


def read_weights(folder):
    """{path, with plain names: float32 array} of a directory's files."""
    names = ["model.weights.h5"]
    if not os.path.exists(os.path.join(folder, names[0])):
        names = sorted(n for n in os.listdir(folder) if n.endswith(".weights.h5"))
    arrays = {}

    def visit(path, item):
        if isinstance(item, h5py.Dataset) and "seed_generator" not in path:
            arrays[path.replace("_self_attention_layer/_", "_self_attention_layer/")] = widened(item)
    for name in names:
        with h5py.File(os.path.join(folder, name), "r") as file:
            file.visititems(visit)
    return arrays


def source_tensors(folder):
    """{canonical name: (shape, F32 bytes)}: kernels transposed to [out, in]."""
    arrays = read_weights(folder)
    tensors = {}
    for path, array in arrays.items():
        group, number = path.split("/vars/")
        parts = group.split("/")
        if parts[1].startswith("transformer_encoder"):
            index = parts[1][len("transformer_encoder_"):] or "0"
            name = "encoder.layer.%s.%s" % (index, CANONICAL["/".join(parts[2:])[1:]])
        else:
            name = {"reversible_embedding": "embeddings.word_embeddings",
                    "position_embedding": "embeddings.position_embeddings",
                    "embedding": "embeddings.token_type_embeddings", "layer_normalization": "embeddings.LayerNorm",
                    "dense": "embeddings_project" if "layers/dense_1/vars/0" in arrays else "pooler.dense",
                    "dense_1": "pooler.dense"}[parts[1]]
        if number == "0" and "embedding" not in parts[1] and "norm" not in parts[-1]:
            rows = array.shape[0] if parts[-1] != "output_dense" else array.shape[0] * array.shape[1]
            array = array.reshape(rows, -1).T
        elif array.ndim == 2 and "embedding" not in parts[1]:
            array = array.reshape(-1)
        tensors[f"{name}.{'weight' if number == '0' else 'bias'}"] = (
            list(array.shape), np.ascontiguousarray(array, dtype="<f4").tobytes())
    return tensors


# ---- directories that load ----------------------------------------------------

EXPECTED = {
    "keras_electra": {"config.activation": "gelu_tanh", "config.has_pooler": "true", "config.embedding_dim": "4",
                      "config.layer_norm_eps": "1e-12", "config.dropout": "0.1", "pipeline.max_length": "16",
                      "pipeline.modules": "pooling:8:8", "pipeline.pooling_modes": "mean",
                      "pipeline.normalize": "false", "pipeline.trained_for_similarity": "false",
                      "pipeline.untrained": "false", "tokenizer.pipeline": "keras", "tokenizer.lowercase": "true",
                      "tokenizer.strip_accents": "false", "tokenizer.tokenize_chinese_chars": "true",
                      "tokenizer.max_word_chars": "100", "tokenizer.unk_token_id": "1", "tokenizer.cls_token_id": "2",
                      "tokenizer.sep_token_id": "3", "tokenizer.pad_token_id": "0", "tokenizer.mask_token_id": "4",
                      "source.architecture": "ElectraBackbone", "source.keras_version": "3.15.1",
                      "source.keras_hub_version": "0.32.0",
                      "source.registered_name": "keras_hub>ElectraBackbone"},
    "keras_published": {"source.keras_nlp_version": "0.8.2", "source.registered_name": "keras_nlp>ElectraBackbone",
                        "source.keras_hub_version": None},
    "keras_bert": {"source.architecture": "BertBackbone", "config.embedding_dim": "8",
                   "config.activation": "gelu_tanh"},
    "keras_no_tokenizer": {"tokenizer.pipeline": "none", "tokenizer.cls_token_id": "-1"},
    "keras_cased": {"tokenizer.lowercase": "false", "tokenizer.strip_accents": "true",
                    "tokenizer.tokenize_chinese_chars": "false", "tokenizer.continuing_prefix": "@@",
                    "tokenizer.unk_token_id": "5", "pipeline.max_length": "9"},
    "keras_special_tokens": {"tokenizer.special_tokens_in_strings": "true", "tokenizer.unk_token_id": "1"},
    "keras_inline_vocabulary": {"tokenizer.mask_token_id": "4"},
}


@good
def keras_electra(path):
    Keras(path)


@good
def keras_no_projection(path):
    Keras(path, NO_PROJECTION)


@good
def keras_published(path):
    """As the presets on Kaggle are: Keras 3.0.2 and KerasNLP."""
    d = Keras(path, weights_file=False)
    d.json("config.json", {"module": "keras_nlp.src.models.electra.electra_backbone", "class_name": "ElectraBackbone",
                           "config": dict({"name": "electra_backbone", "trainable": True}, **d.dims),
                           "registered_name": "keras_nlp>ElectraBackbone", "assets": [],
                           "weights": "model.weights.h5"})
    d.json("metadata.json", {"keras_version": "3.0.2", "keras_nlp_version": "0.8.2",
                             "parameter_count": sum(a.size for a in d.arrays.values()),
                             "date_saved": "2024-03-11@20:50:43"})
    d.tokenizer("keras_nlp>ElectraTokenizer", config_file=..., special_tokens=..., special_tokens_in_strings=...)
    d.arrays = {underscored(k): v for k, v in d.arrays.items()}
    d.weights()


@good
def keras_bert(path):
    d = Keras(path, NO_PROJECTION, backbone="BertBackbone")
    d.tokenizer("keras_hub>BertTokenizer", lowercase=False)


def _dtype(name, policy):
    def builder(path):
        Keras(path, dtype=name).config(dtype=policy)
    builder.__name__ = "keras_" + name
    good(builder)


_dtype("float16", {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float16"},
                   "registered_name": None})
_dtype("bfloat16", "bfloat16")
_dtype("float64", {"module": "keras.dtype_policies", "class_name": "FloatDTypePolicy",
                   "config": {"name": "float64"}, "registered_name": "FloatDTypePolicy"})
_dtype("mixed_bfloat16", {"class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}})
_dtype("mixed_float16", "mixed_float16")


@good
def keras_sharded(path):
    Keras(path, weights_file=False).shards()


@good
def keras_file_beside_shards(path):
    """Keras-Hub prefers the file."""
    d = Keras(path)
    d.json("model.weights.json", {"weight_map": {"/layers/dense/vars": "../elsewhere.h5"}})


@good
def keras_hub_links(path):
    """A snapshot in the Hugging Face cache: symbolic links into blobs."""
    folder = os.path.join(path, SNAPSHOT)
    Keras(folder)
    os.makedirs(os.path.join(path, "blobs"))
    for root, _, names in os.walk(folder):
        for name in names:
            blob = os.path.join(path, "blobs", name)
            os.rename(os.path.join(root, name), blob)
            os.symlink(os.path.relpath(blob, root), os.path.join(root, name))


@good
def keras_new_hdf5(path):
    Keras(path, weights_file=False).weights(libver="latest")


@good
def keras_seed_generator(path):
    d = Keras(path)
    d.edit(lambda f: f.create_dataset("layers/dropout/seed_generator/vars/0", data=np.zeros(2, "u4")))


@good
def keras_no_tokenizer(path):
    d = Keras(path)
    d.remove("tokenizer.json", "assets/tokenizer/vocabulary.txt")


@good
def keras_wrong_count(path):
    """Every tensor fits: only a notice."""
    Keras(path).metadata(parameter_count=17)


@good
def keras_cased(path):
    d = Keras(path)
    d.tokenizer(lowercase=False, strip_accents=True, split_on_cjk=False, suffix_indicator="@@", oov_token="<unk>",
                config_file="second_tokenizer.v2.json", sequence_length=7, dtype={"class_name": "DTypePolicy"})
    d.remove("assets/tokenizer/vocabulary.txt")
    d.vocabulary(["[PAD]", "[UNK] ", "[CLS]\x1c", "[SEP]\u3000", "[MASK]\u0085", "<unk>", "", "  lead"],
                 "second_tokenizer", "\r\n")


@good
def keras_special_tokens(path):
    Keras(path).tokenizer(special_tokens_in_strings=True, special_tokens=["fox", "[MASK]", "dog"])


@good
def keras_unused_special_tokens(path):
    Keras(path).tokenizer(special_tokens=["<nowhere>"])


@good
def keras_inline_vocabulary(path):
    d = Keras(path)
    d.tokenizer(vocabulary=VOCABULARY)
    d.remove("assets/tokenizer/vocabulary.txt")


# The folder to load, if not the directory itself.
LOAD = {"keras_hub_links": SNAPSHOT}

# The good directories of this file.
NAMES = [name for name in GOOD if name.startswith("keras_")]

# What stands in the archive beside numbers: {directory: {tensor: content}}.
CONTENT = {
    "keras_electra": {"tokenizer.vocabulary": "".join(t + "\0" for t in VOCABULARY),
                      "tokenizer.added_tokens": "0 s [PAD]\0" "2 s [CLS]\0" "3 s [SEP]\0" "4 s [MASK]\0"},
    "keras_cased": {"tokenizer.vocabulary": "[PAD]\0[UNK]\0[CLS]\0[SEP]\0[MASK]\0<unk>\0\0  lead\0"},
    "keras_special_tokens": {"tokenizer.added_tokens": "0 s [PAD]\0" "2 s [CLS]\0" "3 s [SEP]\0" "4 s [MASK]\0"
                                                       "8 s fox\0" "14 s dog\0"},
    "keras_unused_special_tokens": {"tokenizer.added_tokens": "0 s [PAD]\0" "2 s [CLS]\0" "3 s [SEP]\0"
                                                              "4 s [MASK]\0"},
    "keras_inline_vocabulary": {"tokenizer.vocabulary": "".join(t + "\0" for t in VOCABULARY)},
    "keras_no_tokenizer": {"tokenizer.vocabulary": ""},
}


def check_content(name, tensors):
    """Returns what is wrong with the texts in an archive, or None."""
    for tensor, content in CONTENT.get(name, {}).items():
        if tensors[tensor][2] != content.encode():
            return f"{tensor} is {tensors[tensor][2]!r}"
    return None

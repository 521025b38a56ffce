"""Keras-Hub preset directories that are refused, each with message and detail of the error."""
import os
import struct

import h5py
import numpy as np

from directory_parts import BAD, VOCABULARY, bad
from keras_directories import Keras, underscored, write_weights

CLASS_DETAIL = ("Expected keras_hub>ElectraBackbone or keras_hub>BertBackbone (or keras_nlp> in the place of "
                "keras_hub>).")
POLICY_DETAIL = "Expected float32, float16, bfloat16, float64, mixed_float16 or mixed_bfloat16."
QUERY = "layers/transformer_encoder/_self_attention_layer/query_dense/vars/0"
DENSE = "layers/dense/vars/0"


def _refused_class(name, registered):
    @bad('model class "%s" in file "config.json" is not supported' % registered, CLASS_DETAIL)
    def builder(path):
        Keras(path).config(registered)
    BAD["keras_class_" + name] = BAD.pop("builder")


_refused_class("gemma", "keras_hub>GemmaBackbone")
_refused_class("roberta", "keras_nlp>RobertaBackbone")
_refused_class("other_package", "mine>ElectraBackbone")
_refused_class("functional", "Functional")


@bad('"registered_name" in file "config.json" must be a string', "It is 7.")
def keras_class_number(path):
    Keras(path).config(7)


def _refused_policy(name, message, policy, detail=POLICY_DETAIL):
    @bad(message, detail)
    def builder(path):
        Keras(path).config(dtype=policy)
    BAD["keras_policy_" + name] = BAD.pop("builder")


_refused_policy("int8", 'dtype policy "int8" in file "config.json" is not supported', "int8")
_refused_policy("int8_name", 'dtype policy "int8_from_float32" in file "config.json" is not supported',
                {"class_name": "DTypePolicy", "config": {"name": "int8_from_float32"}})
_refused_policy("quantized", 'dtype policy "QuantizedDTypePolicy" in file "config.json" is not supported',
                {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}},
                "Expected a DTypePolicy of float32, float16, bfloat16, float64, mixed_float16 or mixed_bfloat16.")
_refused_policy("map", 'dtype policy "DTypePolicyMap" in file "config.json" is not supported',
                {"class_name": "DTypePolicyMap", "config": {"default_policy": None, "policy_map": {}}}, None)
_refused_policy("no_name", '"config.dtype.config.name" is missing in file "config.json"',
                {"class_name": "DTypePolicy", "config": {}}, None)
_refused_policy("list", '"config.dtype" in file "config.json" must be a string or an object', [], "It is a list.")


def _refused_config(name, message, detail, **changes):
    @bad(message, detail)
    def builder(path):
        Keras(path).config(**changes)
    BAD["keras_config_" + name] = BAD.pop("builder")


_refused_config("no_layers", '"config.num_layers" is missing in file "config.json"', None, num_layers=...)
_refused_config("zero_heads", '"config.num_heads" in file "config.json" must be a whole number between 1 and 4096',
                "It is 0.", num_heads=0)
_refused_config("heads", '"config.num_heads" does not divide "config.hidden_dim" in file "config.json"',
                "hidden_dim is 8, num_heads is 3.", num_heads=3)
_refused_config("dropout", '"config.dropout" in file "config.json" must be at least 0 and less than 1', "It is 1.5.",
                dropout=1.5)
_refused_config("vocabulary_size", '"config.vocabulary_size" in file "config.json" is not supported',
                "It is no argument of Keras-Hub's ElectraBackbone.", vocabulary_size=32)
_refused_config("epsilon", '"config.layer_norm_epsilon" in file "config.json" is not supported',
                "It is no argument of Keras-Hub's ElectraBackbone.", layer_norm_epsilon=1e-5)


@bad('"config" is missing in file "config.json"')
def keras_config_nothing(path):
    Keras(path).json("config.json", {"registered_name": "keras_hub>ElectraBackbone"})


def _refused_tokenizer(name, message, detail, **changes):
    @bad(message, detail)
    def builder(path):
        Keras(path).tokenizer(**changes)
    BAD["keras_tokenizer_" + name] = BAD.pop("builder")


_refused_tokenizer("class", 'tokenizer "keras_hub>GPT2Tokenizer" in file "tokenizer.json" is not supported',
                   "Expected keras_hub>ElectraTokenizer or keras_hub>BertTokenizer (or keras_nlp> in the place of "
                   "keras_hub>).", registered="keras_hub>GPT2Tokenizer")
_refused_tokenizer("split", '"config.split" in file "tokenizer.json" is not supported',
                   "It is false: the tokenizer takes words, not texts.", split=False)
_refused_tokenizer("lowercase", '"config.lowercase" in file "tokenizer.json" must be true or false', 'It is "yes".',
                   lowercase="yes")
_refused_tokenizer("suffix", '"config.suffix_indicator" in file "tokenizer.json" must be a string of 1 to 31 bytes',
                   'It is "".', suffix_indicator="")
_refused_tokenizer("oov", 'token "<unk>" is not in the vocabulary in file "assets/tokenizer/vocabulary.txt"', None,
                   oov_token="<unk>")
_refused_tokenizer("special", 'token "<x>" is not in the vocabulary in file "assets/tokenizer/vocabulary.txt"', None,
                   special_tokens=["<x>"], special_tokens_in_strings=True)
_refused_tokenizer("unknown_key", '"config.normalize" in file "tokenizer.json" is not supported',
                   "It is no argument of Keras-Hub's WordPieceTokenizer.", normalize=True)
_refused_tokenizer("vocabulary_path", '"config.vocabulary" in file "tokenizer.json" must be null or a list of strings',
                   'It is "/etc/passwd".', vocabulary="/etc/passwd")
_refused_tokenizer("vocabulary_number", '"config.vocabulary" in file "tokenizer.json" must be a list of strings',
                   "It is 1.", vocabulary=["[PAD]", 1])
_refused_tokenizer("outside", '"config.config_file" in file "tokenizer.json" must be a plain file name',
                   'It is "../x.json".', config_file="../x.json")
_refused_tokenizer("folder", '"config.config_file" in file "tokenizer.json" must be a plain file name',
                   'It is "a/b.json".', config_file="a/b.json")
_refused_tokenizer("length", '"config.sequence_length" in file "tokenizer.json" must be a whole number between 0 and '
                             '1048576', "It is -1.", sequence_length=-1)


@bad('file "assets/tokenizer/vocabulary.txt" does not exist')
def keras_no_vocabulary(path):
    Keras(path).remove("assets/tokenizer/vocabulary.txt")


@bad('token "fox" is twice in file "assets/tokenizer/vocabulary.txt"', "It would have the ids 8 and 28.")
def keras_token_twice(path):
    Keras(path).vocabulary(VOCABULARY + ["fox \t"])


@bad('token "" is twice in file "assets/tokenizer/vocabulary.txt"', "It would have the ids 28 and 30.")
def keras_empty_lines(path):
    Keras(path).vocabulary(VOCABULARY + ["", "q", ""])


@bad('token "[MASK]" is not in the vocabulary in file "assets/tokenizer/vocabulary.txt"')
def keras_no_mask(path):
    Keras(path).vocabulary([t for t in VOCABULARY if t != "[MASK]"])


@bad('file "assets/tokenizer/vocabulary.txt" is not a vocabulary', "The token with id 1 is not UTF-8 text.")
def keras_latin_vocabulary(path):
    Keras(path).bytes("assets/tokenizer/vocabulary.txt", b"[PAD]\ncaf\xe9\n")


@bad('the vocabulary in file "assets/tokenizer/vocabulary.txt" is larger than the one of "config.json"',
     "Expected at most 32 tokens, found 33.")
def keras_large_vocabulary(path):
    Keras(path).vocabulary(VOCABULARY + ["more%d" % i for i in range(33 - len(VOCABULARY))])


@bad('file "metadata.json" is not valid JSON')
def keras_bad_metadata(path):
    Keras(path).text("metadata.json", "{")


# Files of weights.

@bad('file "model.weights.h5" does not exist')
def keras_no_weights(path):
    Keras(path, weights_file=False)


@bad('file "model.weights.h5" is a git-lfs pointer, not the file itself')
def keras_lfs(path):
    Keras(path).text("model.weights.h5", "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12345\n" %
                     ("0" * 64))


@bad('file "model.weights.h5" is not an HDF5 file')
def keras_not_hdf5(path):
    Keras(path).text("model.weights.h5", "PK\3\4 something else")


@bad('file "model.weights.h5" is not an HDF5 file')
def keras_empty_file(path):
    Keras(path).text("model.weights.h5", "")


@bad('file "model.weights.h5" is damaged, or no file that HDF5 can read')
def keras_only_signature(path):
    Keras(path).bytes("model.weights.h5", b"\x89HDF\r\n\x1a\n")


def _content(d):
    with open(os.path.join(d.path, "model.weights.h5"), "rb") as file:
        return file.read()


@bad('file "model.weights.h5" is damaged, or no file that HDF5 can read')
def keras_truncated(path):
    d = Keras(path)
    d.bytes("model.weights.h5", _content(d)[:-1000])


@bad('file "model.weights.h5" is damaged, or no file that HDF5 can read')
def keras_garbled(path):
    """The heap that holds the names of the root group is overwritten."""
    d = Keras(path)
    content = bytearray(_content(d))
    at = content.index(b"HEAP")
    content[at:at + 4] = b"PAEH"
    d.bytes("model.weights.h5", bytes(content))


@bad('"model.weights.h5" is not a regular file')
def keras_weights_folder(path):
    d = Keras(path, weights_file=False)
    os.makedirs(os.path.join(path, "model.weights.h5"))
    d.metadata()


# Datasets.

def _refused_weights(name, message, detail, change):
    @bad(message, detail)
    def builder(path):
        change(Keras(path))
    BAD["keras_" + name] = BAD.pop("builder")


def _replace(name, path, message, detail, make):
    """The dataset of this path is replaced by what make(file, path) writes."""
    def change(d):
        def edit(file):
            del file[path]
            make(file, path)
        d.edit(edit)
    _refused_weights(name, message, detail, change)


_refused_weights("unknown", "the weights hold 2 tensors with unknown names",
                 'They are "layers/transformer_encoder_2/_feedforward_layer_norm/vars/0", "optimizer/vars/0".',
                 lambda d: d.weights({"optimizer/vars/0": np.zeros(3),
                                      "layers/transformer_encoder_2/_feedforward_layer_norm/vars/0": np.zeros(8)}))
_refused_weights("third_variable", "the weights hold 1 tensor with unknown names", 'They are "layers/dense/vars/2".',
                 lambda d: d.weights({"layers/dense/vars/2": np.zeros(3)}))
_refused_weights("missing", "the weights lack 2 tensors",
                 'Missing: "layers/dense_1/vars/1", "%s".' % QUERY,
                 lambda d: d.weights({"layers/dense_1/vars/1": None, QUERY: None}))
_refused_weights("layers_missing", "the weights lack 16 tensors", None,
                 lambda d: d.weights({p: None for p in d.arrays if "transformer_encoder_1" in p}))
_refused_weights("both_dialects", 'tensor "encoder.layer.0.attention.self.query.weight" is given twice', None,
                 lambda d: d.weights({underscored(QUERY): d.arrays[QUERY]}))
_refused_weights("projection_shape", 'tensor "layers/dense/vars/0" in file "model.weights.h5" has the wrong shape',
                 "Expected [4, 8], found [8, 4].", lambda d: d.weights({DENSE: np.zeros((8, 4))}))
_refused_weights("heads_shape", 'tensor "%s" in file "model.weights.h5" has the wrong shape' % QUERY,
                 "Expected [8, 2, 4], found [8, 4, 2].", lambda d: d.weights({QUERY: np.zeros((8, 4, 2))}))
_refused_weights("flat_heads", 'tensor "%s" in file "model.weights.h5" has the wrong shape' % QUERY,
                 "Expected [8, 2, 4], found [8, 8].", lambda d: d.weights({QUERY: np.zeros((8, 8))}))
_refused_weights("vocabulary_shape", 'tensor "layers/reversible_embedding/vars/0" in file "model.weights.h5" has the '
                                     'wrong shape', "Expected [32, 4], found [31, 4].",
                 lambda d: d.weights({"layers/reversible_embedding/vars/0": np.zeros((31, 4))}))
_refused_weights("not_finite", 'tensor "embeddings.LayerNorm.bias" holds a value that is not finite',
                 "It is element 2, counted from 0.",
                 lambda d: d.weights({"layers/layer_normalization/vars/1": np.array([0, 1, np.nan, 0])}))
_refused_weights("tf_keras", 'file "model.weights.h5" was written by TF-Keras, which is not supported',
                 'It has a group "_layer_checkpoint_dependencies" in the place of "layers".',
                 lambda d: write_weights(os.path.join(d.path, "model.weights.h5"), {
                     k.replace("layers/", "_layer_checkpoint_dependencies/"): v for k, v in d.arrays.items()}))

for _name, _array, _type in (("integer", np.zeros((4, 8), "i4"), "an integer"),
                             ("big_endian", np.zeros((4, 8), ">f4"), "a big-endian float"),
                             ("opaque", np.zeros((4, 8), "V2"), "opaque bytes"),
                             ("string", np.zeros((4, 8), "S4"), "a string"),
                             ("complex", np.zeros((4, 8), "c8"), "a type of its own")):
    _replace("dtype_" + _name, DENSE,
             'tensor "layers/dense/vars/0" in file "model.weights.h5" has an unsupported dtype',
             "Expected F32, F16, BF16 or F64, found %s." % _type,
             lambda file, path, array=_array: file.create_dataset(path, data=array))


def _mislabelled(file, path):
    file.create_dataset(path, data=np.zeros((4, 8), "V2")).attrs["dtype"] = np.zeros((3, 3))


_replace("dtype_attribute", DENSE, 'tensor "layers/dense/vars/0" in file "model.weights.h5" has an unsupported dtype',
         "Expected F32, F16, BF16 or F64, found opaque bytes.", _mislabelled)
_replace("null_space", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" is empty', None,
         lambda file, path: file.create_dataset(path, data=h5py.Empty("f4")))
_replace("nine_dimensions", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" has too many dimensions',
         None, lambda file, path: file.create_dataset(path, data=np.zeros((1,) * 9, "f4")))
_replace("never_written", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" holds no data',
         "It declares 128 bytes, none of which are stored.",
         lambda file, path: file.create_dataset(path, shape=(4, 8), dtype="f4"))
_replace("bomb", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" holds no data',
         "It declares 34359738368 bytes, none of which are stored.",
         lambda file, path: file.create_dataset(path, shape=(1 << 20, 1 << 13), dtype="f4"))
_replace("overflow", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" is too large', None,
         lambda file, path: file.create_dataset(path, shape=(1 << 40, 1 << 20), dtype="f4"))
_replace("compressed_bomb", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" is stored in chunks',
         "Keras stores weights uncompressed and in one piece.",
         lambda file, path: file.create_dataset(path, shape=(1 << 20, 1 << 13), dtype="f4", compression="gzip"))
_replace("chunked", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" is stored in chunks',
         "Keras stores weights uncompressed and in one piece.",
         lambda file, path: file.create_dataset(path, data=np.zeros((4, 8), "f4"), chunks=(2, 8)))
_replace("external_file", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" keeps its data in another '
                                 'file', None,
         lambda file, path: file.create_dataset(path, shape=(4, 8), dtype="f4",
                                                external=[("/etc/passwd", 0, 128)]))


def _virtual(file, path):
    layout = h5py.VirtualLayout(shape=(4, 8), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", shape=(4, 8))
    file.create_virtual_dataset(path, layout)


_replace("virtual", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" is virtual, a view of other files',
         None, _virtual)


def _compact(file, path):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(file[path.rsplit("/", 1)[0]].id, b"0", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4, 8)), plist)


_replace("compact", DENSE, 'dataset "layers/dense/vars/0" in file "model.weights.h5" is stored inside its header', None,
         _compact)
_replace("soft_link", DENSE, 'link "layers/dense/vars/0" in file "model.weights.h5" is a soft link', None,
         lambda file, path: file.__setitem__(path, h5py.SoftLink("/layers/dense_1/vars/0")))
_replace("external_link", DENSE, 'link "layers/dense/vars/0" in file "model.weights.h5" leads to another file', None,
         lambda file, path: file.__setitem__(path, h5py.ExternalLink("/etc/passwd", "/data")))
_replace("type_object", DENSE, 'object "layers/dense/vars/0" in file "model.weights.h5" is neither a group nor a '
                               'dataset', None, lambda file, path: file.__setitem__(path, np.dtype("f4")))
_refused_weights("cycle", 'group "layers/dense/again" in file "model.weights.h5" lies inside itself', None,
                 lambda d: d.edit(lambda f: f.__setitem__("layers/dense/again", f["layers"])))
_refused_weights("latin_name", 'group "layers/dense" in file "model.weights.h5" has a link with an impossible name',
                 None, lambda d: d.edit(lambda f: f["layers/dense"].create_group(b"caf\xe9")))
_refused_weights("deep", 'group "layers%s" in file "model.weights.h5" is nested too deeply' % ("/x" * 15), None,
                 lambda d: d.edit(lambda f: f.create_group("layers" + "/x" * 20)))


@bad('dataset "layers/dense/vars/1" in file "model.weights.h5" lies outside the file')
def keras_outside(path):
    """The address of a dataset is moved behind the end of the file."""
    d = Keras(path)
    with h5py.File(os.path.join(path, "model.weights.h5"), "r") as file:
        offset = file["layers/dense/vars/1"].id.get_offset()
    content = bytearray(_content(d))
    at = content.index(struct.pack("<Q", offset))
    content[at:at + 8] = struct.pack("<Q", len(content) - 8)
    d.bytes("model.weights.h5", bytes(content))


# Shards.

def _refused_shards(name, message, detail, change):
    @bad(message, detail)
    def builder(path):
        d = Keras(path, weights_file=False)
        d.shards()
        change(d)
    BAD["keras_shards_" + name] = BAD.pop("builder")


_refused_shards("outside", 'shard "../model_00000.weights.h5" in file "model.weights.json" is not a plain file name',
                'Expected a name like "model_00000.weights.h5".',
                lambda d: d.shards(**{"/layers/dense/vars": "../model_00000.weights.h5"}))
_refused_shards("number", '"weight_map" in file "model.weights.json" must be an object of file names or lists of them',
                "It is 3.", lambda d: d.shards(**{"/layers/dense/vars": ["model_00000.weights.h5", 3]}))
_refused_shards("absent", 'file "model_00001.weights.h5" does not exist', None,
                lambda d: d.remove("model_00001.weights.h5"))
_refused_shards("misplaced", 'tensor "layers/dense/vars/0" of shard "model_00002.weights.h5" is not where file '
                             '"model.weights.json" says', None,
                lambda d: d.shards(**{"/layers/dense/vars": ["model_00000.weights.h5", "model_00001.weights.h5"]}))
_refused_shards("none", 'file "model.weights.json" names no shards', None,
                lambda d: d.json("model.weights.json", {"weight_map": {}}))
_refused_shards("lacking", "the weights lack 1 tensor", 'Missing: "layers/dense/vars/1".',
                lambda d: d.edit(lambda f: f.__delitem__("layers/dense/vars/1"), "model_00000.weights.h5"))

"""Directories that are refused, each with message and detail of the error."""
import os
import struct

from directory_parts import *

WORDPIECE_ONLY = 'Only WordPiece tokenizers are; the model type is "%s".'
OTHER_ENCODER = ("Its tokenizer, WordPiece in file \"vocab.txt\", is of the right kind, but its encoder is neither "
                 "BERT's nor ELECTRA's.")


# ---- tokenizers and models that are not for us ------------------------------

@bad('tokenizer Unigram in file "tokenizer.json" is not supported', WORDPIECE_ONLY % "xlm-roberta")
def judge_unigram(path):
    d = Directory(path)
    d.config(model_type="xlm-roberta")
    d.json("tokenizer.json", {"added_tokens": [], "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<s>", 0.0]]}})


@bad('tokenizer Unigram in file "tokenizer.json" is not supported', WORDPIECE_ONLY % "bert")
def judge_unigram_without_type(path):
    Directory(path).json("tokenizer.json", {"model": {"vocab": [["<s>", 0.0]]}})


@bad('tokenizer BPE in file "tokenizer.json" is not supported', WORDPIECE_ONLY % "roberta")
def judge_bpe(path):
    d = Directory(path)
    d.config(model_type="roberta")
    d.json("tokenizer.json", {"model": {"type": "BPE", "vocab": {}, "merges": []}})


@bad('tokenizer BPE in file "tokenizer.json" is not supported', WORDPIECE_ONLY % "modernbert")
def judge_bpe_without_type(path):
    d = Directory(path)
    d.config(model_type="modernbert")
    d.json("tokenizer.json", {"model": {"vocab": {}, "merges": []}})


@bad('tokenizer WordLevel in file "tokenizer.json" is not supported', WORDPIECE_ONLY % "bert")
def judge_word_level(path):
    Directory(path).json("tokenizer.json", {"model": {"type": "WordLevel", "vocab": {}}})


@bad('tokenizer SentencePiece in file "sentencepiece.bpe.model" is not supported', WORDPIECE_ONLY % "xlm-roberta")
def judge_sentencepiece_bpe(path):
    d = Directory(path)
    d.config(model_type="xlm-roberta")
    d.remove("vocab.txt")
    d.bytes("sentencepiece.bpe.model", b"\n\x0b")


@bad('tokenizer SentencePiece in file "spiece.model" is not supported', WORDPIECE_ONLY % "albert")
def judge_spiece(path):
    d = Directory(path)
    d.config(model_type="albert")
    d.bytes("spiece.model", b"\n\x0b")


@bad('tokenizer SentencePiece in file "spm.model" is not supported', WORDPIECE_ONLY % "deberta-v2")
def judge_spm(path):
    d = Directory(path)
    d.config(model_type="deberta-v2")
    d.bytes("spm.model", b"\n\x0b")


@bad('tokenizer SentencePiece in file "tokenizer.model" is not supported', WORDPIECE_ONLY % "bert")
def judge_tokenizer_model(path):
    Directory(path).bytes("tokenizer.model", b"\n\x0b")


@bad('tokenizer BPE in file "merges.txt" is not supported', WORDPIECE_ONLY % "roberta")
def judge_merges(path):
    d = Directory(path)
    d.config(model_type="roberta")
    d.text("merges.txt", "a b\n")


def _model_type(name):
    @bad('model type "%s" in file "config.json" is not supported' % name, OTHER_ENCODER)
    def builder(path):
        Directory(path).config(model_type=name, auto_map={"AutoModel": "modeling.Model"} if name in
                               ("new", "nomic_bert") else ...)
    BAD["judge_" + name.replace("-", "_")] = BAD.pop("builder")


for _name in ("mpnet", "roberta", "xlm-roberta", "nomic_bert", "modernbert", "new", "distilbert", "albert",
              "deberta", "convbert", "funnel", "mobilebert"):
    _model_type(_name)


@bad('custom code ("auto_map" in file "config.json") is not supported',
     'It names "jina-bert--modeling_bert.JinaBertModel"; the tokenizer is WordPiece in file "vocab.txt".')
def judge_jina(path):
    Directory(path).config(position_embedding_type="alibi",
                           auto_map={"AutoModel": "jina-bert--modeling_bert.JinaBertModel"})


@bad('custom code ("auto_map" in file "tokenizer_config.json") is not supported',
     'It names ""; the tokenizer is WordPiece in file "vocab.txt".')
def judge_tokenizer_code(path):
    Directory(path).tokenizer_config(auto_map=["tokenization.Mine", None])


@bad('"position_embedding_type" in file "config.json" is not supported', 'Expected "absolute", found "alibi".')
def judge_alibi(path):
    Directory(path).config(position_embedding_type="alibi")


@bad('"position_embedding_type" in file "config.json" is not supported',
     'Expected "absolute", found "relative_key_query".')
def judge_relative(path):
    Directory(path).config(position_embedding_type="relative_key_query")


@bad('"is_decoder" in file "config.json" is not supported', "It is true; only encoders are supported.")
def judge_decoder(path):
    Directory(path).config(is_decoder=True)


@bad('"add_cross_attention" in file "config.json" is not supported', "It is true; only encoders are supported.")
def judge_cross_attention(path):
    Directory(path).config(add_cross_attention=True)


@bad('quantized weights ("quantization_config" in file "config.json") are not supported')
def judge_quantized(path):
    Directory(path).config(quantization_config={"quant_method": "bitsandbytes"})


@bad('"pruned_heads" in file "config.json" is not supported', "All layers must have all their attention heads.")
def judge_pruned(path):
    Directory(path).config(pruned_heads={"1": [0]})


@bad('architecture "BertForMultipleChoice" in file "config.json" is not supported')
def judge_multiple_choice(path):
    Directory(path).config(architectures=["BertForMultipleChoice"])


@bad('tokenizer class "BertJapaneseTokenizer" in file "tokenizer_config.json" is not supported',
     "Expected BertTokenizer, ElectraTokenizer or PreTrainedTokenizerFast.")
def judge_japanese(path):
    Directory(path).tokenizer_config(tokenizer_class="BertJapaneseTokenizer")


@bad('"model_type" is missing in file "config.json"', 'Expected "bert" or "electra".')
def judge_no_model_type(path):
    Directory(path).config(model_type=...)


@bad("the directory has no tokenizer", 'Neither "tokenizer.json" nor "vocab.txt" exists beside "config.json".')
def judge_no_tokenizer(path):
    Directory(path).remove("vocab.txt")


# ---- config.json ------------------------------------------------------------

@bad('file "config.json" does not exist')
def config_missing(path):
    Directory(path).remove("config.json")


@bad('file "config.json" is not valid JSON', "Line 1, column 8: '[' or '{' expected near 'nonsense'.")
def config_nonsense(path):
    Directory(path).text("config.json", "nonsense")


@bad('file "config.json" is not valid JSON')
def config_deep(path):
    Directory(path).text("config.json", '{"a":' * 100000)


@bad('file "config.json" is not valid JSON')
def config_not_utf8(path):
    Directory(path).bytes("config.json", b'{"model_type": "\xff\xfe"}')


@bad('file "config.json" does not hold a JSON object')
def config_list(path):
    Directory(path).json("config.json", [1])


@bad('"config.json" is not a regular file')
def config_directory(path):
    d = Directory(path)
    d.remove("config.json")
    d.text("config.json/x", "")


@bad('file "config.json" is a symbolic link to a file that does not exist')
def config_dangling(path):
    d = Directory(path)
    d.remove("config.json")
    os.symlink("../blobs/nowhere", os.path.join(path, "config.json"))


@bad('file "config.json" is a git-lfs pointer, not the file itself')
def config_lfs(path):
    Directory(path).text("config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


@bad('file "config.json" is too large', "It has 20000002 bytes; at most 16777216 are read.")
def config_large(path):
    Directory(path).text("config.json", "{" + " " * 20000000 + "}")


def _size(name, key, value, expected, found):
    @bad('"%s" in file "config.json" must be a whole number between %s' % (key, expected), "It is %s." % found)
    def builder(path):
        Directory(path).config(**{key: value})
    BAD["config_" + name] = BAD.pop("builder")


_size("negative_layers", "num_hidden_layers", -1, "0 and 1024", "-1")
_size("huge_hidden", "hidden_size", 10 ** 30, "1 and 262144", "1e+30")
_size("text_hidden", "hidden_size", "8", "1 and 262144", '"8"')
_size("fraction", "intermediate_size", 16.5, "1 and 262144", "16.5")
_size("null_vocabulary", "vocab_size", None, "1 and 16777216", "null")
_size("list_positions", "max_position_embeddings", [], "2 and 1048576", "a list")
_size("object_segments", "type_vocab_size", {}, "1 and 256", "an object")
_size("true_heads", "num_attention_heads", True, "1 and 4096", "true")


@bad('"num_attention_heads" does not divide "hidden_size" in file "config.json"',
     "hidden_size is 8, num_attention_heads is 3.")
def config_heads(path):
    Directory(path).config(num_attention_heads=3)


@bad('"layer_norm_eps" in file "config.json" must be between 1e-30 and 1', "It is -1.")
def config_eps(path):
    Directory(path).config(layer_norm_eps=-1.0)


@bad('"layer_norm_eps" in file "config.json" must be a number', 'It is "1e-12".')
def config_eps_text(path):
    Directory(path).config(layer_norm_eps="1e-12")


@bad('"hidden_act" in file "config.json" is not supported',
     'It is "xielu"; expected gelu, gelu_new, gelu_fast, gelu_python, gelu_10, quick_gelu, relu, silu, swish, mish, '
     'tanh, sigmoid or linear.')
def config_activation(path):
    Directory(path).config(hidden_act="xielu")


@bad('"model_type" in file "config.json" must be a string', "It is 5.")
def config_type_number(path):
    Directory(path).config(model_type=5)


# ---- weights ----------------------------------------------------------------

def _weights(name, content, message, detail=None):
    @bad(message, detail)
    def builder(path):
        Directory(path).bytes("model.safetensors", content() if callable(content) else content)
    BAD["weights_" + name] = BAD.pop("builder")


def _header(text, size=0):
    return frame(text.encode(), b"\0" * size)


_FILE = 'in file "model.safetensors"'
_weights("truncated", lambda: safetensors(encoder_tensors())[:-100], 'file "model.safetensors" is truncated',
         "Its header describes 6464 bytes of data, the file holds 6364.")
_weights("longer", lambda: safetensors(encoder_tensors()) + b"x" * 8,
         'file "model.safetensors" has data behind its last tensor',
         "Its header describes 6464 bytes of data, the file holds 6472.")
_weights("cut_header", lambda: safetensors(encoder_tensors())[:500], 'file "model.safetensors" is truncated')
_weights("empty", b"", 'file "model.safetensors" is truncated', "It has 0 bytes, a safetensors file has at least 8.")
_weights("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
         'file "model.safetensors" is a git-lfs pointer, not the file itself')
_weights("pickle", b"\x80\x02}q\x00" + b"." * 200, 'file "model.safetensors" is not a safetensors file')
_weights("huge_header", struct.pack("<Q", 2 ** 63) + b"{}", 'file "model.safetensors" is not a safetensors file',
         "It begins with a header size of 9223372036854775808; at most 100000000 is allowed.")
_weights("list_header", _header("[]"), 'the header of file "model.safetensors" is not a JSON object')
_weights("space_header", _header(" {}"), 'the header of file "model.safetensors" is not a JSON object')
_weights("bad_json", _header('{"a":'), 'file "model.safetensors" is not valid JSON')
_weights("duplicate_key", _header('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},'
                                  '"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', 4),
         'file "model.safetensors" is not valid JSON')
_weights("entry_number", _header('{"a":5}'), 'tensor "a" %s has a malformed entry' % _FILE)
_weights("offsets_text", _header('{"a":{"dtype":"F32","shape":[1],"data_offsets":["0","4"]}}', 4),
         'tensor "a" %s has a malformed entry' % _FILE)
_weights("negative_shape", _header('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4),
         'tensor "a" %s has a shape that is not a list of whole numbers' % _FILE)
_weights("fraction_shape", _header('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4),
         'tensor "a" %s has a shape that is not a list of whole numbers' % _FILE)
_weights("overflow", _header('{"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,4]}}', 4),
         'tensor "a" %s has a shape whose size overflows' % _FILE)
_weights("rank", _header('{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}', 4),
         'tensor "a" %s has too many dimensions' % _FILE, "It has 9; at most 8 are read.")
_weights("dtype_unknown", _header('{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}', 4),
         'tensor "a" %s has an unknown dtype' % _FILE, 'It is "F31".')
_weights("wrong_size", _header('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4),
         'tensor "a" %s has offsets that do not fit its shape' % _FILE,
         "Shape and dtype F32 need 8 bytes, its offsets are 0 and 4.")
_weights("backwards", _header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 4),
         'tensor "a" %s has offsets that do not fit its shape' % _FILE)
_weights("hole", _header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
                         '"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}', 12),
         'tensor "b" %s leaves a hole before it' % _FILE, "Its data begin at offset 8, expected 4.")
_weights("first_hole", _header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8),
         'tensor "a" %s leaves a hole before it' % _FILE, "Its data begin at offset 4, expected 0.")
_weights("overlap", _header('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
                            '"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8),
         'tensor "b" %s overlaps the one before it' % _FILE, "Its data begin at offset 4, expected 8.")
_weights("scalar_and_empty", _header('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},'
                                     '"b":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]}}', 4),
         "the weights hold 2 tensors with unknown names", 'They are "a", "b".')


def _changed(name, message, detail=None, **changes):
    """Tensors added (a shape), replaced, or taken away (None)."""
    def content():
        tensors = encoder_tensors()
        for key, shape in changes.items():
            tensors[key] = shape
        return safetensors({k: v for k, v in tensors.items() if v is not None})
    _weights(name, content, message, detail)


_changed("unknown", "the weights hold 1 tensor with unknown names", 'They are "lstm.weight".', **{"lstm.weight": [1]})
_changed("archive_names", "the weights hold 2 tensors with unknown names",
         'They are "tokenizer.vocabulary", "modules.0.linear.weight".',
         **{"tokenizer.vocabulary": [1], "modules.0.linear.weight": [1]})
_changed("many_unknown", "the weights hold 12 tensors with unknown names",
         "They are %s and others." % ", ".join('"x%02d"' % i for i in range(8)),
         **{"x%02d" % i: [1] for i in range(12)})
_changed("missing", "the weights lack 2 tensors",
         'Missing: "encoder.layer.1.attention.self.query.bias", "encoder.layer.1.attention.self.query.weight".',
         **{"encoder.layer.1.attention.self.query.weight": None, "encoder.layer.1.attention.self.query.bias": None})
_changed("more_layers", "the weights hold 1 tensor with unknown names", 'They are "encoder.layer.2.output.dense.bias".',
         **{"encoder.layer.2.output.dense.bias": [8]})
_changed("shape", 'tensor "embeddings.word_embeddings.weight" %s has the wrong shape' % _FILE,
         "Expected [32, 8], found [33, 8].", **{"embeddings.word_embeddings.weight": [33, 8]})
_changed("rank_3", 'tensor "embeddings.LayerNorm.bias" %s has the wrong shape' % _FILE,
         "Expected [8], found [1, 8, 1].", **{"embeddings.LayerNorm.bias": [1, 8, 1]})
_changed("int8", 'tensor "embeddings.LayerNorm.bias" %s has an unsupported dtype' % _FILE,
         "Expected F32, F16, BF16 or F64, found I8.", **{"embeddings.LayerNorm.bias": ("I8", [8])})
_changed("given_twice", 'tensor "embeddings.LayerNorm.weight" is given twice', None,
         **{"embeddings.LayerNorm.gamma": [8]})
_changed("mixed_prefix", 'some encoder tensors have the prefix "bert.", others none',
         'For example "bert.pooler.dense.bias" and "encoder.layer.1.output.LayerNorm.bias".',
         **{"bert.pooler.dense.bias": [8]})
_changed("other_prefix", "the weights hold 1 tensor with unknown names", 'They are "electra.pooler.dense.bias".',
         **{"electra.pooler.dense.bias": [8]})
_changed("label_counts", 'tensors "classifier.weight" and "classifier.bias" do not fit together',
         "They are for 3 and 2 labels.", **{"classifier.weight": [3, 8], "classifier.bias": [2]})
_changed("half_a_head", 'tensor "classifier.bias" is missing beside "classifier.weight"', None,
         **{"classifier.weight": [3, 8]})
_changed("no_labels", 'tensor "classifier.weight" %s has the wrong shape' % _FILE, "Expected [-1, 8], found [0, 8].",
         **{"classifier.weight": [0, 8], "classifier.bias": [2]})


@bad('tensor "classifier.weight" has the wrong number of labels', 'Expected 2 as in file "config.json", found 3.')
def weights_id2label(path):
    d = Directory(path)
    d.config(id2label={"0": "no", "1": "yes"})
    d.bytes("model.safetensors",
            safetensors(dict(encoder_tensors(), **{"classifier.weight": [3, 8], "classifier.bias": [3]})))


@bad('tensor "encoder.layer.0.attention.self.query.weight" holds a value that is not finite')
def weights_not_finite(path):
    d = Directory(path)
    content = bytearray(safetensors(encoder_tensors()))
    (size,) = struct.unpack("<Q", content[:8])
    offset = json.loads(content[8:8 + size])["encoder.layer.0.attention.self.query.weight"]["data_offsets"][0]
    content[8 + size + offset + 20:8 + size + offset + 24] = struct.pack("<f", float("nan"))
    d.bytes("model.safetensors", bytes(content))


@bad('file "model.safetensors" does not exist', 'Nor does "pytorch_model.bin".')
def weights_none(path):
    Directory(path).remove("model.safetensors")


def _index(name, weight_map, message, detail=None):
    @bad(message, detail)
    def builder(path):
        d = Directory(path)
        os.rename(os.path.join(path, "model.safetensors"), os.path.join(path, "model-00001-of-00001.safetensors"))
        mapping = {t: "model-00001-of-00001.safetensors" for t in encoder_tensors()}
        d.json("model.safetensors.index.json", {"weight_map": weight_map(mapping)})
    BAD["index_" + name] = BAD.pop("builder")


_WHERE = 'in file "model.safetensors.index.json"'
_index("outside", lambda m: dict(m, x="../model.safetensors"),
       'shard "../model.safetensors" %s is not a plain file name' % _WHERE,
       'Expected a name like "model-00001-of-00002.safetensors".')
_index("absolute", lambda m: dict(m, x="/etc/x.safetensors"),
       'shard "/etc/x.safetensors" %s is not a plain file name' % _WHERE)
_index("number", lambda m: dict(m, x=1), '"x" %s must be the name of a file' % _WHERE, "It is 1.")
_index("list", lambda m: [m], '"weight_map" %s must be an object' % _WHERE, "It is a list.")
_index("empty", lambda m: {}, 'file "model.safetensors.index.json" names no shards')
_index("absent_shard", lambda m: dict(m, x="model-00002-of-00002.safetensors"),
       'file "model-00002-of-00002.safetensors" does not exist')
_index("too_many_names", lambda m: dict(m, x="model-00001-of-00001.safetensors"),
       'file "model.safetensors.index.json" does not fit its shards', "It names 38 tensors, the shards hold 37.")
_index("too_few_names", lambda m: {k: v for k, v in m.items() if "word" not in k},
       'tensor "embeddings.word_embeddings.weight" of shard "model-00001-of-00001.safetensors" is not where file '
       '"model.safetensors.index.json" says', "It is not in the index.")


# ---- tokenizers that are malformed ------------------------------------------

def _tokenizer(name, value, message, detail=None, as_file=False):
    @bad(message, detail)
    def builder(path):
        d = Directory(path)
        d.json("tokenizer.json", value)
        if as_file:
            d.tokenizer_config(tokenizer_class="PreTrainedTokenizerFast", unk_token="[UNK]")
    BAD["tokenizer_" + name] = BAD.pop("builder")


def _model(**changes):
    value = tokenizer_json()
    value["model"].update(changes)
    return value


_tokenizer("larger", tokenizer_json(VOCABULARY + ["w%d" % i for i in range(6)]),
           'the vocabulary in file "tokenizer.json" is larger than "vocab_size" in file "config.json"',
           "Expected at most 32 tokens, found 34.")
_tokenizer("large_id", _model(vocab={"[UNK]": 1, "a": 40}),
           'the vocabulary in file "tokenizer.json" is larger than "vocab_size" in file "config.json"',
           "Expected at most 32 tokens, found 41.")
_tokenizer("same_id", _model(vocab={"[UNK]": 1, "a": 1}), 'two tokens have id 1 in file "tokenizer.json"',
           'They are "[UNK]" and "a".')
_tokenizer("text_id", _model(vocab={"[UNK]": "1"}), '"[UNK]" in file "tokenizer.json" must be a token id',
           'It is "1".')
_tokenizer("negative_id", _model(vocab={"[UNK]": -1}), '"[UNK]" in file "tokenizer.json" must be a token id',
           'It is -1.')
_tokenizer("no_vocabulary", _model(vocab=None), '"model.vocab" is missing in file "tokenizer.json"')
_tokenizer("no_model", {"added_tokens": []}, '"model.vocab" is missing in file "tokenizer.json"')
_tokenizer("no_unk", _model(vocab={"[CLS]": 0, "[SEP]": 1}),
           'the unknown token "[UNK]" is not in the vocabulary', 'Expected it in "tokenizer.json" or "vocab.txt".')
_tokenizer("added_text", tokenizer_json(tokens="x"), '"added_tokens" in file "tokenizer.json" must be a list',
           'It is "x".')
_tokenizer("added_no_id", tokenizer_json(tokens=[{"content": "x"}]),
           '"added_tokens" in file "tokenizer.json" must be a list of objects with "id" and "content"',
           "It is an object.")
_tokenizer("added_no_content", tokenizer_json(tokens=[{"id": 3}]),
           '"added_tokens" in file "tokenizer.json" must be a string or an object with a string "content"')
_tokenizer("added_flag", tokenizer_json(tokens=[{"id": 3, "content": "x", "special": 1}]),
           '"special" in file "tokenizer.json" must be true or false', "It is 1.")
_tokenizer("normalizer", tokenizer_json(normalizer={"type": "Lowercase"}),
           'the normalizer in file "tokenizer.json" is not supported', "Expected BertNormalizer, found Lowercase.", True)
_tokenizer("pre_tokenizer", tokenizer_json(pre_tokenizer=None),
           'the pre_tokenizer in file "tokenizer.json" is not supported', "Expected BertPreTokenizer, found none.", True)
_tokenizer("post_processor", tokenizer_json(post_processor={"type": "RobertaProcessing"}),
           'the post_processor in file "tokenizer.json" is not supported',
           "Expected TemplateProcessing, found RobertaProcessing.", True)
_tokenizer("template", tokenizer_json(post_processor={"type": "TemplateProcessing", "single": [], "pair": []}),
           'the post_processor in file "tokenizer.json" is not supported',
           "Expected [CLS] A [SEP] and [CLS] A [SEP] B [SEP] with types 0 and 1.", True)


@bad('the vocabulary in file "vocab.txt" is larger than "vocab_size" in file "config.json"',
     "Expected at most 32 tokens, found 38.")
def vocabulary_larger(path):
    Directory(path).text("vocab.txt", "".join(t + "\n" for t in VOCABULARY + ["w%d" % i for i in range(10)]))


@bad('file "vocab.txt" is a git-lfs pointer, not the file itself')
def vocabulary_lfs(path):
    Directory(path).text("vocab.txt", "version https://git-lfs.github.com/spec/v1\n")


@bad('file "vocab.txt" is not a vocabulary', "Line 2 is not UTF-8 text.")
def vocabulary_not_utf8(path):
    Directory(path).bytes("vocab.txt", b"[UNK]\n\xff\xfe\n")


@bad('added token "<e5>" lies outside the vocabulary', 'Its id is 32, "vocab_size" in file "config.json" is 32.')
def added_outside(path):
    Directory(path).tokenizer_config(extra_special_tokens=["<e1>", "<e2>", "<e3>", "<e4>", "<e5>"])


@bad('added token "[MASK]" lies outside the vocabulary', 'Its id is 32, "vocab_size" in file "config.json" is 32.')
def added_default_outside(path):
    d = Directory(path)
    d.text("vocab.txt", "".join(t + "\n" for t in VOCABULARY[:4] + ["w%d" % i for i in range(28)]))


@bad('added token "<new>" is not in file "vocab.txt"',
     "Its id cannot be known, because the file has empty or equal lines.")
def added_unknown_id(path):
    d = Directory(path)
    d.text("vocab.txt", "".join(t + "\n" for t in VOCABULARY + ["", ""]))
    d.tokenizer_config(extra_special_tokens=["<new>"])


@bad('key "one" of "added_tokens_decoder" in file "tokenizer_config.json" is not a token id')
def added_key(path):
    Directory(path).tokenizer_config(added_tokens_decoder={"one": decoder_entry("x")})


@bad('"added_tokens_decoder" in file "tokenizer_config.json" must be an object', "It is a list.")
def added_list(path):
    Directory(path).tokenizer_config(added_tokens_decoder=[])


@bad('"<e>" in file "added_tokens.json" must be a token id', "It is 1.5.")
def added_fraction(path):
    Directory(path).json("added_tokens.json", {"<e>": 1.5})


@bad('"cls_token" in file "tokenizer_config.json" must be a string or an object with a string "content"', "It is 2.")
def special_number(path):
    Directory(path).tokenizer_config(cls_token=2)


@bad('the tokenizer has no "sep_token"',
     'It is null or empty in "tokenizer_config.json" or "special_tokens_map.json".')
def special_null(path):
    Directory(path).tokenizer_config(sep_token=None)


@bad('"do_lower_case" in file "tokenizer_config.json" must be true or false', "It is 1.")
def settings_number(path):
    Directory(path).tokenizer_config(do_lower_case=1)


@bad('"model_max_length" in file "tokenizer_config.json" must be a number', 'It is "512".')
def settings_text(path):
    Directory(path).tokenizer_config(model_max_length="512")


@bad('"model_max_length" in file "tokenizer_config.json" must be at least 2', "It is 1.")
def settings_short(path):
    Directory(path).tokenizer_config(model_max_length=1)


@bad('truncation at the side "left" is not supported',
     'It is asked for in "tokenizer_config.json" or "tokenizer.json".')
def settings_left(path):
    Directory(path).tokenizer_config(truncation_side="left")


@bad('"split_special_tokens" in file "tokenizer_config.json" is not supported', "It is true.")
def settings_split(path):
    Directory(path).tokenizer_config(split_special_tokens=True)


@bad('file "tokenizer.json" does not exist',
     '"tokenizer_class" in file "tokenizer_config.json" is "PreTrainedTokenizerFast", which is defined by that file.')
def settings_no_file(path):
    Directory(path).tokenizer_config(tokenizer_class="PreTrainedTokenizerFast")


# ---- sentence-transformers --------------------------------------------------

_ORDER = "expected one Transformer, then one Pooling, then any Dense and Normalize modules."


def _module(name, kind):
    full = kind if "." in kind else "sentence_transformers.models." + kind

    @bad('module type "%s" in file "modules.json" is not supported' % full,
         "Expected sentence-transformers' Transformer, Pooling, Dense or Normalize.")
    def builder(path):
        d = Directory(path)
        d.modules(("", "Transformer"), ("1_Pooling", kind))
    BAD["modules_" + name] = BAD.pop("builder")


for _kind in ("WordEmbeddings", "CNN", "LSTM", "CLIPModel", "Asym", "BoW", "WeightedLayerPooling", "LayerNorm"):
    _module(_kind.lower(), _kind)
_module("router", "sentence_transformers.base.modules.router.Router")
_module("static", "sentence_transformers.sentence_transformer.modules.StaticEmbedding")
_module("custom", "custom_st.Transformer")


@bad('the order of modules in file "modules.json" is not supported', 'Module 1 is "Normalize"; ' + _ORDER)
def modules_order(path):
    Directory(path).modules(("", "Transformer"), ("1_Normalize", "Normalize"))


@bad('file "modules.json" has no Pooling module', "E" + _ORDER[1:])
def modules_no_pooling(path):
    Directory(path).modules(("", "Transformer"))


@bad('path "../1_Pooling" in file "modules.json" leaves the directory',
     'Expected a relative path without ".." of at most 200 bytes.')
def modules_outside(path):
    Directory(path).modules(("", "Transformer"), ("../1_Pooling", "Pooling"))


@bad('path "/tmp" in file "modules.json" leaves the directory')
def modules_absolute(path):
    Directory(path).modules(("/tmp", "Transformer"), ("1_Pooling", "Pooling"))


@bad('an entry of file "modules.json" lacks "type" or "path"')
def modules_numbers(path):
    Directory(path).json("modules.json", [1, 2])


@bad('file "modules.json" does not hold a JSON list')
def modules_object(path):
    Directory(path).json("modules.json", {})


@bad('file "1_Pooling/config.json" does not exist')
def pooling_missing(path):
    d = Directory(path)
    d.sentence()
    d.remove("1_Pooling/config.json")


_POOLING = 'in file "1_Pooling/config.json"'


def _pooling(name, value, message, detail=None):
    @bad(message, detail)
    def builder(path):
        Directory(path).sentence(value)
    BAD["pooling_" + name] = BAD.pop("builder")


_pooling("mode", {"pooling_mode": "median"},
         '"pooling_mode" %s must be cls, max, mean, mean_sqrt_len_tokens, weightedmean or lasttoken' % _POOLING,
         'It is "median".')
_pooling("order", {"pooling_mode": ["mean", "cls"]}, 'the order of "pooling_mode" %s is not supported' % _POOLING)
_pooling("twice", {"pooling_mode": ["mean", "mean"]}, 'the order of "pooling_mode" %s is not supported' % _POOLING)
_pooling("empty", {"pooling_mode": []}, '"pooling_mode" %s is an empty list' % _POOLING)
_pooling("flag", {"pooling_mode_cls_token": "yes"}, '"pooling_mode_cls_token" %s must be true or false' % _POOLING,
         'It is "yes".')
_pooling("width", {"word_embedding_dimension": 9}, '"word_embedding_dimension" %s does not fit the encoder' % _POOLING,
         "Expected 8, found 9.")


def _dense(name, message, detail=None, **changes):
    @bad(message, detail)
    def builder(path):
        d = Directory(path)
        d.sentence(None, ("2_Dense", "Dense"))
        d.dense(**changes)
    BAD["dense_" + name] = BAD.pop("builder")


_DENSE = 'in file "2_Dense/config.json"'
_dense("width", '"in_features" %s does not fit the module before it' % _DENSE, "Expected 8, found 9.", in_features=9)
_dense("activation", '"activation_function" %s is not supported' % _DENSE,
       'It is "torch.nn.modules.activation.Softmax"; expected torch.nn\'s Tanh, Identity, GELU, ReLU, Sigmoid, SiLU '
       'or Mish.', activation_function="torch.nn.modules.activation.Softmax")
_dense("foreign_activation", '"activation_function" %s is not supported' % _DENSE, None,
       activation_function="mine.Tanh")
_dense("residual", '"use_residual" %s is not supported' % _DENSE, None, use_residual=True)
_dense("input", '"module_input_name" %s is not supported' % _DENSE,
       'Expected "sentence_embedding", found "token_embeddings".', module_input_name="token_embeddings")
_dense("shape", 'tensor "linear.weight" in file "2_Dense/model.safetensors" has the wrong shape',
       "Expected [7, 8], found [6, 8].", out_features=7)
_dense("no_bias", "the weights hold 1 tensor with unknown names", 'They are "linear.bias".', bias=False)


@bad('"max_seq_length" in file "sentence_bert_config.json" must be a whole number between 2 and 2147483647', "It is 0.")
def sentence_zero_length(path):
    d = Directory(path)
    d.sentence()
    d.json("sentence_bert_config.json", {"max_seq_length": 0})


@bad('"transformer_task" in file "sentence_bert_config.json" is not supported',
     'Expected "feature-extraction", found "fill-mask".')
def sentence_task(path):
    d = Directory(path)
    d.sentence()
    d.json("sentence_bert_config.json", {"transformer_task": "fill-mask"})


@bad('"query" in file "config_sentence_transformers.json" must be a string', "It is 3.")
def sentence_prompt_number(path):
    d = Directory(path)
    d.sentence()
    d.json("config_sentence_transformers.json", {"prompts": {"query": 3}})


@bad('prompt "query" in file "config_sentence_transformers.json" is too long',
     "It has 3000 bytes; at most 2047 are allowed.")
def sentence_prompt_long(path):
    d = Directory(path)
    d.sentence()
    d.json("config_sentence_transformers.json", {"prompts": {"query": "x" * 3000}})

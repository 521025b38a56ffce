"""Directories with PyTorch checkpoints, good ones and bad ones.

A good directory has what its archive must hold as safetensors in its folder
"expected".  What a bad one would execute, if it could, leaves a file behind.
"""
import pickle
import struct
import zlib
from collections import OrderedDict

from torch_checkpoints import *

MARKER = "touch executed"


# ---- good ones --------------------------------------------------------------

@good
def torch_zip(path):
    checkpoint(path, BERT_TENSORS, zip_checkpoint(state_dict(BERT_TENSORS)))


@good
def torch_zip_sizes_in_front(path):
    checkpoint(path, BERT_TENSORS, zip_checkpoint(state_dict(BERT_TENSORS), behind=False, comment=b"PK\5\6 a comment"))


@good
def torch_zip64(path):
    checkpoint(path, BERT_TENSORS, zip_checkpoint(state_dict(BERT_TENSORS), zip64=True))


@good
def torch_zip_dtypes(path):
    checkpoint(path, mixed_tensors(), zip_checkpoint(state_dict(mixed_tensors())))


@good
def torch_zip_protocols(path):
    # a plain dictionary, MEMOIZE, frames, STACK_GLOBAL
    checkpoint(path, encoder_tensors(), zip_checkpoint(dict(state_dict(encoder_tensors(), metadata=False)), protocol=4))


@good
def torch_legacy(path):
    checkpoint(path, BERT_TENSORS, legacy_checkpoint(state_dict(BERT_TENSORS)))


@good
def torch_legacy_dtypes(path):
    checkpoint(path, mixed_tensors(), legacy_checkpoint(state_dict(mixed_tensors())))


@good
def torch_legacy_gamma(path):
    tensors = encoder_tensors("bert.", gamma=True)
    checkpoint(path, tensors, legacy_checkpoint(state_dict(tensors, metadata=False)))


def shared_storages(tensors, view=None):
    """One storage that all tensors show parts of; matrices lie transposed, vectors are parameters."""
    data, places = values("before", "F32", [7]), {}
    for name, shape in tensors.items():
        places[name] = len(data) // 4
        raw = values(name, "F32", shape)
        data += transposed("F32", raw, shape) if len(shape) == 2 else raw
    numel = len(data) // 4
    whole = Storage("F32", data)
    result = OrderedDict()
    for name, shape in tensors.items():
        part = whole
        offset = places[name]
        if view:
            part = Storage("F32", data, view=("view of " + name, offset - 5, numel - offset + 5))
            part.key = "whole"
            offset = 5
        strides = (1, shape[0]) if len(shape) == 2 else (1,)
        found = tensor(part, offset, shape, strides, first_version=len(result) % 3 == 0)
        result[name] = Call(REBUILD_PARAMETER, found, True, OrderedDict()) if len(shape) == 1 else found
    return result


@good
def torch_shared(path):
    tensors = encoder_tensors("bert.")
    root = shared_storages(tensors)
    # tied: the same object, and another one with the same storage
    extra = {"cls.predictions.decoder.weight": [VOCAB_SIZE, 8], "cls.predictions.bias": [VOCAB_SIZE],
             "cls.predictions.decoder.bias": [VOCAB_SIZE]}
    shared = Storage("F32", values("cls.predictions.bias", "F32", [VOCAB_SIZE]))
    root["cls.predictions.decoder.weight"] = root["bert.embeddings.word_embeddings.weight"]
    root["cls.predictions.bias"] = tensor(shared, 0, [VOCAB_SIZE])
    root["cls.predictions.decoder.bias"] = tensor(shared, 0, [VOCAB_SIZE])
    d = checkpoint(path, tensors, zip_checkpoint(root))
    content = safetensors(dict(tensors, **extra))
    for tied, source in (("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
                         ("cls.predictions.decoder.bias", "cls.predictions.bias")):
        content = content.replace(values(tied, "F32", extra[tied]), values(source, "F32", extra[tied]))
    d.bytes("expected/model.safetensors", content)


class LegacyViews(list):
    """Storages of which views have been taken: one of them in the file."""

    def append(self, storage):
        storage.key = "whole"
        super().append(storage)

    def __contains__(self, storage):
        return storage.view is not None and len(self) > 0


@good
def torch_legacy_views(path):
    tensors = encoder_tensors()
    checkpoint(path, tensors, b"".join(legacy_parts(shared_storages(tensors, view=True), LegacyViews())))


@good
def torch_rows_apart(path):
    """Matrices that are columns of wider ones, rows that are all the same one, and sizes as torch.Size."""
    tensors = encoder_tensors()
    root = state_dict(tensors)
    for name, shape in tensors.items():
        if len(shape) == 2:
            raw = values(name, "F32", shape)
            row = shape[1] * 4
            wide = b"".join(b"\1\2\3\4" + raw[i:i + row] + b"\5\6" * 4 for i in range(0, len(raw), row))
            call = tensor(Storage("F32", wide), 1, shape, (shape[1] + 3, 1))
            arguments = list(call.value[1])
            arguments[2] = Call(SIZE, tuple(shape))
            root[name] = Call(REBUILD_TENSOR_V2, *arguments)
    checkpoint(path, tensors, zip_checkpoint(root))


def torch_shards(path, write):
    d = Directory(path)
    d.remove("model.safetensors")
    tensors = list(BERT_TENSORS.items())
    parts = {"pytorch_model-00001-of-00002.bin": dict(tensors[:9]), "pytorch_model-00002-of-00002.bin": dict(tensors[9:])}
    for name, part in parts.items():
        d.bytes(name, write(state_dict(part)))
    d.json("pytorch_model.bin.index.json", {"metadata": {"total_size": 1},
                                            "weight_map": {t: name for name, part in parts.items() for t in part}})
    d.bytes("expected/model.safetensors", safetensors(BERT_TENSORS))
    return d


@good
def torch_zip_shards(path):
    torch_shards(path, zip_checkpoint)


@good
def torch_legacy_shards(path):
    torch_shards(path, legacy_checkpoint)


@good
def torch_beside_safetensors(path):
    d = Directory(path)
    d.bytes("pytorch_model.bin", b"never read")
    d.json("pytorch_model.bin.index.json", {})


@good
def torch_dense(path):
    d = checkpoint(path, encoder_tensors(), zip_checkpoint(state_dict(encoder_tensors())))
    d.sentence(None, ("2_Dense", "Dense"))
    d.dense()
    d.remove("2_Dense/model.safetensors")
    dense = {"linear.weight": [6, 8], "linear.bias": [6]}
    d.bytes("2_Dense/pytorch_model.bin", legacy_checkpoint(state_dict(dense)))
    d.bytes("2_Dense/expected/model.safetensors", safetensors(dense))


# ---- names and opcodes that no checkpoint needs -----------------------------

ONLY = "only torch's tensors and storages and collections.OrderedDict are read."
FILE = 'file "pytorch_model.bin"'
PICKLE = 'the pickle in ' + FILE
NO_CHECKPOINT = PICKLE + " is not that of a checkpoint"


def torch_bad(name, content, message, detail=None):
    """A directory whose pytorch_model.bin is content: bytes, or a function that gives them."""
    @bad(message, detail)
    def builder(path):
        checkpoint(path, encoder_tensors(), content() if callable(content) else content)
    BAD["torch_" + name] = BAD.pop("builder")


def raw_zip(raw):
    return lambda: zip_file(zip_entries(None, raw=raw))


def at(raw, where):
    """The place in the file of a zip container (its pickle begins at byte 64) where raw has something."""
    return 64 + raw.index(where)


def refused(name, raw, where, module, function):
    torch_bad(name, raw_zip(raw), f"{PICKLE} names {module}.{function}",
              f"At byte {at(raw, where)}; {ONLY}")
    torch_bad(name + "_legacy", lambda: b"".join(legacy_parts({})[:3]) + raw, f"{PICKLE} names {module}.{function}")


TEXT = b"X" + struct.pack("<I", len(MARKER)) + MARKER.encode()
refused("os_system", b"\x80\2cos\nsystem\nq\0" + TEXT + b"\x85R.", b"cos", "os", "system")
refused("posix_system", b"\x80\2cposix\nsystem\n" + TEXT + b"\x85R.", b"cposix", "posix", "system")
refused("eval", b"\x80\2cbuiltins\neval\n" + TEXT + b"\x85R.", b"cbuilt", "builtins", "eval")
refused("eval_2", b"\x80\2c__builtin__\neval\n" + TEXT + b"\x85R.", b"c__", "__builtin__", "eval")
refused("getattr", b"\x80\2(ccollections\nOrderedDict\ncbuiltins\ngetattr\ncos\nsystem\n.", b"cbuilt", "builtins",
        "getattr")
refused("stack_global", b"\x80\4\x8c\2os\x94\x8c\6system\x94\x93\x94" + TEXT + b"\x85R.", b"\x93", "os", "system")
refused("instance", b"\x80\2(" + TEXT + b"ios\nsystem\n.", b"ios", "os", "system")
refused("subprocess", b"\x80\2csubprocess\nPopen\n" + TEXT + b"\x85R.", b"csub", "subprocess", "Popen")
refused("torch_load", b"\x80\2ctorch\nload\n" + TEXT + b"\x85R.", b"ctorch", "torch", "load")
refused("numpy", b"\x80\2cnumpy.core.multiarray\nscalar\n.", b"cnumpy", "numpy.core.multiarray", "scalar")
refused("nested_attribute", b"\x80\4\x8c\x09torch.hub\x8c\4load\x93.", b"\x93", "torch.hub", "load")
refused("plain_pickle", pickle.dumps(zlib.crc32, 2), b"czlib", "zlib", "crc32")


class Nested:
    """A call inside the arguments of a call that is allowed."""

    def __reduce_ex__(self, protocol):
        return (os.system, (MARKER,))


torch_bad("nested_reduce", lambda: zip_checkpoint(
    {"a": Call(REBUILD_TENSOR_V2, Storage("F32", b"\0" * 4), Nested(), (1,), (1,), False, OrderedDict())}),
    f"{PICKLE} names posix.system")
torch_bad("nested_metadata", lambda: zip_checkpoint(
    {"a": tensor(Storage("F32", b"\0" * 4), 0, (1,), metadata={"neg": True})}), NO_CHECKPOINT)


def malformed(name, raw, where, why):
    """where: what stands in raw at the opcode that is wrong, or its offset."""
    place = where if isinstance(where, int) else raw.index(where)
    torch_bad(name, raw_zip(raw), NO_CHECKPOINT, f"At byte {64 + place}: {why}.")


def opcode(name, raw, place, value):
    torch_bad(name, raw_zip(raw), f"{PICKLE} has an opcode that no checkpoint needs",
              f"At byte {64 + place}: 0x{value:02x}.")


opcode("newobj", b"\x80\2ccollections\nOrderedDict\n)\x81.", 28, 0x81)
opcode("object", b"\x80\2(ccollections\nOrderedDict\no.", 28, 0x6f)
opcode("extension", b"\x80\2\x82\1.", 2, 0x82)
opcode("text_opcode", b"(dp0\nS'a'\np1\n.", 2, 0x70)
opcode("unknown_opcode", b"\x80\2\xff.", 2, 0xff)
opcode("persistent_text", b"\x80\2Pstorage\n.", 2, 0x50)
opcode("next_buffer", b"\x80\5\x97.", 2, 0x97)
opcode("set", b"\x80\4\x8f.", 2, 0x8f)
malformed("protocol", b"\x80\6N.", 0, "its protocol is unknown")
malformed("cycle_list", b"\x80\2}X\1\0\0\0a]q\0h\0as.", 16, "a value holds itself")
malformed("cycle_dict", b"\x80\2}q\0X\1\0\0\0ah\0s.", 14, "a value holds itself")
malformed("cycle_tuple", b"\x80\2}X\1\0\0\0a]q\0h\0\x85as.", 17, "a value holds itself")
malformed("memo_empty", b"\x80\2h\7.", 2, "the memo has no such number")
malformed("memo_far", b"\x80\2Nr\xff\xff\xff\xff.", 3, "the memo is too large")
malformed("memo_self", b"\x80\2}q\0j\1\0\0\0.", 5, "the memo has no such number")
malformed("stack_empty", b"\x80\2a.", 2, "the stack is empty")
malformed("stack_below_mark", b"\x80\2N(R.", 4, "the stack is empty")
malformed("no_mark", b"\x80\2t.", 2, "there is no mark")
malformed("two_values", b"\x80\2NN.", 4, "it does not end with one value")
malformed("no_value", b"\x80\2.", 2, "it does not end with one value")
malformed("open_mark", b"\x80\2N(.", 4, "it does not end with one value")
malformed("many_marks", b"\x80\2" + b"(" * 300, 258, "it is nested too deeply")
malformed("deep_stack", b"\x80\2" + b"]" * 70000 + b"a" * 69999 + b".", 65538, "the stack is too deep")
malformed("call_text", b"\x80\2X\2\0\0\0os)R.", 10, "what is called is no function with its arguments")
malformed("call_result", b"\x80\2ccollections\nOrderedDict\n)R)R.", 30, "what is called is no function with its arguments")
malformed("call_list", b"\x80\2ccollections\nOrderedDict\n]R.", 28, "what is called is no function with its arguments")
malformed("call_storage", b"\x80\2ctorch\nFloatStorage\nK\1\x85R.", 25, "a storage is not a persistent one")
malformed("filled_dict", b"\x80\2ccollections\nOrderedDict\n]\x85R.", 29, "an OrderedDict is not made empty")
malformed("build_none", b"\x80\2N}b.", 4, "attributes are set of what is no dictionary")
malformed("build_state", b"\x80\2}Nb.", 4, "attributes are set of what is no dictionary")
malformed("append_dict", b"\x80\2}Na.", 4, "items are added to what is no list")
malformed("set_list", b"\x80\2]NNs.", 5, "keys are added to what is no dictionary")
malformed("odd_dict", b"\x80\2}(Nu.", 5, "a dictionary has a key without value")
malformed("long_text", b"\x80\2X\xff\xff\xff\x7f.", 2, "a text is longer than the file")
malformed("huge_text", b"\x80\4\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", 2, "a text is longer than the file")
malformed("not_utf8", b"\x80\2X\2\0\0\0\xc3\x28.", 2, "a text is not UTF-8, or holds a NUL")
malformed("nul_text", b"\x80\2X\2\0\0\0a\0.", 2, "a text is not UTF-8, or holds a NUL")
malformed("long_integer", b"\x80\2\x8b\0\0\0\1.", 2, "an integer is too large")
malformed("long_name", b"\x80\2c" + b"a" * 300 + b"\nb\n.", 2, "a name is too long")
malformed("binary_name", b"\x80\2cos\x01\nb\n.", 2, "a name is not plain ASCII")
malformed("number_name", b"\x80\4K\1K\2\x93.", 6, "a name is not a text")
malformed("frame", b"\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", 2, "a frame is longer than the file")
malformed("persistent_module", b"\x80\2X\6\0\0\0moduleK\1\x86Q.", 16, "a persistent id is not that of a storage")
malformed("persistent_number", b"\x80\2K\1Q.", 4, "a persistent id is not that of a storage")


# ---- tensors and storages that do not fit -----------------------------------

def one(shape=(2,), offset=0, strides=None, numel=2, kind="F32", **changes):
    """A state_dict of one tensor."""
    return {"a": tensor(Storage(kind, b"\0" * numel * WIDTHS[kind]), offset, shape, strides, **changes)}


def leaving(name, detail, **changes):
    torch_bad(name, lambda: zip_checkpoint(one(**changes)), 'tensor "a" in %s leaves its storage' % FILE, detail)


leaving("size", "Its shape is [3] from element 0 on, the storage has 2 elements.", shape=(3,))
leaving("offset", "Its shape is [2] from element 1 on, the storage has 2 elements.", offset=1)
leaving("far_offset", "Its shape is [2] from element 9223372036854775807 on, the storage has 2 elements.",
        offset=(1 << 63) - 1)
leaving("strides", "Its shape is [2, 2] from element 0 on, the storage has 4 elements.", shape=(2, 2), strides=(3, 1),
        numel=4)
leaving("huge", "Its shape is [4294967296, 4294967296] from element 0 on, the storage has 2 elements.",
        shape=(1 << 32, 1 << 32))
leaving("huge_strides", "Its shape is [3, 1] from element 0 on, the storage has 2 elements.", shape=(3, 1),
        strides=(1 << 62, 1))
leaving("empty_offset", "Its shape is [0] from element 3 on, the storage has 2 elements.", shape=(0,), offset=3)

NO_TENSOR = "a tensor is not described by storage, offset, size and stride"


def no_tensor(name, root):
    torch_bad(name, lambda: zip_checkpoint(root()), NO_CHECKPOINT)


no_tensor("negative_size", lambda: one(shape=(-1,)))
no_tensor("negative_offset", lambda: one(offset=-1))
no_tensor("negative_stride", lambda: one(strides=(-1,)))
no_tensor("ranks", lambda: one(shape=(2,), strides=(2, 1)))
no_tensor("text_size", lambda: one(shape=("a",), strides=(1,)))
no_tensor("big_size", lambda: one(shape=(1 << 70,), strides=(1,)))
no_tensor("no_storage", lambda: {"a": tensor(None, 0, (1,))})
torch_bad("rank", lambda: zip_checkpoint(one(shape=(1,) * 9)), 'tensor "a" in %s has too many dimensions' % FILE,
          "It has 9; at most 8 are read.")
torch_bad("scattered", lambda: zip_checkpoint(one(shape=(2, 2), strides=(4, 2), numel=8)),
          'tensor "a" in %s has strides that are not supported' % FILE,
          "Its shape is [2, 2], its strides are [4, 2]; rows or columns must lie together.")
torch_bad("unknown_name", lambda: zip_checkpoint(one()), "the weights hold 1 tensor with unknown names",
          'They are "a".')


def dtype_case(write):
    tensors = dict(encoder_tensors(), **{"encoder.layer.1.output.dense.bias": ("I64", [8])})
    return lambda: write(state_dict(tensors))


for _name, _write in (("zip", zip_checkpoint), ("legacy", legacy_checkpoint)):
    torch_bad(_name + "_dtype", dtype_case(_write),
              'tensor "encoder.layer.1.output.dense.bias" in %s has an unsupported dtype' % FILE,
              "Expected F32, F16, BF16 or F64, found I64.")
    torch_bad(_name + "_state_dict", lambda write=_write: write({"epoch": 3, "state_dict": one()}),
              'entry "epoch" of %s is not a tensor' % FILE, "It is a number; expected a state_dict, names and their tensors.")
    torch_bad(_name + "_model", lambda write=_write: write({"model": state_dict(encoder_tensors())}),
              'entry "model" of %s is not a tensor' % FILE,
              "It is a dictionary; expected a state_dict, names and their tensors.")
    torch_bad(_name + "_number_key", lambda write=_write: write({1: one()["a"]}),
              FILE + " has an entry whose name is not a text", "It is a number.")
    torch_bad(_name + "_list", lambda write=_write: write([one()["a"]]), FILE + " does not hold a state_dict",
              "It holds a list; expected a dictionary of names and their tensors.")
    torch_bad(_name + "_empty", lambda write=_write: write({}), "the weights lack 37 tensors")
    torch_bad(_name + "_lacks", lambda write=_write: write(state_dict(
        {n: s for n, s in encoder_tensors().items() if "query" not in n})), "the weights lack 4 tensors",
        'Missing: "encoder.layer.0.attention.self.query.bias", "encoder.layer.0.attention.self.query.weight", '
        '"encoder.layer.1.attention.self.query.bias", "encoder.layer.1.attention.self.query.weight".')
    torch_bad(_name + "_pooler", lambda write=_write: write(state_dict(
        dict(encoder_tensors(), **{"pooler.dense.weight": [8, 8]}))), "the weights lack 1 tensor",
        'Missing: "pooler.dense.bias".')
    torch_bad(_name + "_shape", lambda write=_write: write(state_dict(encoder_tensors(inner=12))),
              'tensor "encoder.layer.0.intermediate.dense.weight" in %s has the wrong shape' % FILE,
              "Expected [16, 8], found [12, 8].")


def two_ways():
    first, second = Storage("F32", b"\0" * 8), Storage("F16", b"\0" * 8)
    raw = pickled({"a": tensor(first, 0, (2,)), "b": tensor(second, 0, (2,))}).replace(b"X\1\0\0\0001", b"X\1\0\0\0000")
    return zip_file([("archive/data.pkl", raw, {}), ("archive/data/0", b"\0" * 8, {}), ("archive/version", b"3\n", {})])


torch_bad("two_ways", two_ways, 'storage "0" of %s is described in two ways' % FILE)


def numel(write, count):
    """A storage that claims another number of elements than it has."""
    def make():
        storage = Storage("F32", b"\0" * 8)
        storage.numel = count
        return write({"a": tensor(storage, 0, (2,))})
    return make


def legacy_claims(root):
    parts = legacy_parts(root)
    parts[-1] = struct.pack("<q", 2) + b"\0" * 8
    return b"".join(parts)


torch_bad("numel", numel(zip_checkpoint, 3), 'storage "0" of %s has the wrong size' % FILE,
          "3 elements of F32 have 12 bytes, found 8.")
torch_bad("huge_numel", numel(zip_checkpoint, 1 << 62), 'storage "0" of %s has a size that overflows' % FILE)
torch_bad("legacy_numel", numel(legacy_claims, 3), 'storage "0" of %s has the wrong size' % FILE,
          "Expected 3 elements, found 2.")
torch_bad("legacy_huge_numel", numel(legacy_checkpoint, 1 << 60), FILE + " is truncated",
          'Its storage "0" has 4611686018427387904 bytes, the file only 8 more.')
torch_bad("view", lambda: b"".join(legacy_parts({"a": tensor(Storage("F32", b"\0" * 8, view=("v", 1, 2)), 0, (1,))})),
          NO_CHECKPOINT)


# ---- containers that are not what they seem ---------------------------------

def changed(name=None, drop=None, more=(), zip64=False, behind=True, **changes):
    """A good zip checkpoint with one entry changed, dropped, or more of them."""
    def make():
        entries = zip_entries(state_dict(encoder_tensors()))
        return zip_file([(n, c, changes if n == name else o) for n, c, o in entries if n != drop] + list(more),
                        zip64=zip64, behind=behind)
    return make


ENTRY = 'entry "archive/data/0" of ' + FILE
DAMAGED = FILE + " is damaged"
torch_bad("zip_bomb", changed("archive/data/0", method=8, size=1 << 31), ENTRY + " is compressed",
          "It has 1024 bytes, unpacked it would have 2147483648; torch.save() stores its entries as they are.")
torch_bad("zip_bomb_pickle", lambda: zip_file([("archive/data.pkl", zlib.compress(b"\0" * 100000), {"method": 8})]),
          'entry "archive/data.pkl" of %s is compressed' % FILE)
torch_bad("zip_encrypted", changed("archive/data/0", flags=0x0809), ENTRY + " is encrypted")
torch_bad("zip_two_sizes", changed("archive/data/0", size=2048), ENTRY + " is stored but has two sizes")
torch_bad("zip_overlap", changed("archive/data/2", offset=0, local_name=b"archive/data/2"),
          'entry "archive/data/2" of %s has a header that does not fit the directory' % FILE)
torch_bad("zip_outside", changed("archive/data/0", offset=1 << 30), ENTRY + " lies outside the file")
torch_bad("zip_outside_64", changed("archive/data/0", offset=1 << 60, zip64=True), ENTRY + " lies outside the file")
torch_bad("zip_local_name", changed("archive/data/0", local_name=b"archive/data/X"),
          ENTRY + " has a header that does not fit the directory")
torch_bad("zip_local_flags", changed("archive/data/0", local_flags=0), ENTRY + " has a header that does not fit the directory")
torch_bad("zip_climbing", changed(more=[("archive/../../data", b"x", {})]),
          'entry "archive/../../data" of %s has a name that is not allowed' % FILE)
torch_bad("zip_absolute", changed(more=[("/etc/passwd", b"x", {})]),
          'entry "/etc/passwd" of %s has a name that is not allowed' % FILE)
torch_bad("zip_control", changed(more=[("archive/a\nb", b"x", {})]),
          'entry "archive/a?b" of %s has a name that is not allowed' % FILE)
torch_bad("zip_twice", changed(more=[("archive/data/0", b"x", {})]), ENTRY + " is there twice")
torch_bad("zip_crc", changed("archive/data.pkl", crc=1), 'entry "archive/data.pkl" of %s is damaged' % FILE)
torch_bad("zip_no_pickle", changed(drop="archive/data.pkl"), FILE + " is not a checkpoint of torch.save()",
          'As a zip container it has 0 entries "NAME/data.pkl", expected one.')
torch_bad("zip_two_pickles", changed(more=[("other/data.pkl", b"x", {})]),
          FILE + " is not a checkpoint of torch.save()",
          'As a zip container it has 2 entries "NAME/data.pkl", expected one.')
torch_bad("zip_program", changed(more=[("archive/constants.pkl", b"x", {})]), FILE + " is a TorchScript program",
          "It holds code, not only a state_dict.")
torch_bad("zip_no_storage", changed(drop="archive/data/3"), 'storage "3" of %s is missing' % FILE)
torch_bad("zip_no_version", changed(drop="archive/version"), FILE + " has an unknown format version",
          'Expected 1 to 10, found "".')
torch_bad("zip_new_version", changed(drop="archive/version", more=[("archive/version", b"11\n", {})]),
          FILE + " has an unknown format version")
torch_bad("zip_big_endian", changed(drop="archive/byteorder", more=[("archive/byteorder", b"big", {})]),
          FILE + " is not little-endian", 'Its byte order is "big".')
torch_bad("zip_truncated", lambda: changed()()[:-1000], DAMAGED,
          "As a zip container it has no end record: it is truncated.")
torch_bad("zip_empty", b"PK\3\4", DAMAGED, "As a zip container it has no end record: it is truncated.")
torch_bad("zip_directory", lambda: changed()().replace(b"PK\1\2", b"PK\1\3", 1), DAMAGED,
          "As a zip container its directory is malformed.")
torch_bad("zip_locator", lambda: changed(zip64=True)().replace(b"PK\6\7", b"PK\6\0"), DAMAGED,
          "As a zip container it lacks its zip64 record.")
torch_bad("zip_record", lambda: changed(zip64=True)().replace(b"PK\6\6", b"PK\6\0"), DAMAGED,
          "As a zip container its zip64 record is malformed.")


def overlapping():
    """The second storage's header lies in the first one's data, and is right in itself."""
    inner = zip_file([("archive/data/1", b"\0" * 8, {})])
    inner = inner[:inner.index(b"PK\1\2")]
    storages = []
    raw = pickled({"a": tensor(Storage("I8", inner), 0, (1,)), "b": tensor(Storage("F32", b"\0" * 8), 0, (2,))},
                  storages=storages)
    storages[0].data = inner
    first = [("archive/data.pkl", raw, {}), ("archive/data/0", inner, {})]
    offset = zip_file(first).index(inner)
    return zip_file(first + [("archive/data/1", b"\0" * 8, {"offset": offset}), ("archive/version", b"3\n", {})])


torch_bad("zip_inside", overlapping, 'entry "archive/data/1" of %s overlaps another one' % FILE)


def legacy_with(place, part):
    """A good legacy checkpoint with one of its parts replaced."""
    def make():
        parts = legacy_parts(state_dict(encoder_tensors()))
        parts[place] = part
        return b"".join(parts)
    return make


torch_bad("legacy_magic", legacy_with(0, pickled(MAGIC + 1)), FILE + " is not a checkpoint of torch.save()",
          "It is a pickle without torch's magic number.")
torch_bad("legacy_plain", pickled({"a": 1}), FILE + " is not a checkpoint of torch.save()",
          "It is a pickle without torch's magic number.")
torch_bad("legacy_protocol", legacy_with(1, pickled(1002)), FILE + " has an unknown protocol",
          "Expected torch's protocol 1001.")
torch_bad("legacy_big_endian", legacy_with(2, pickled({"little_endian": False})), FILE + " is not little-endian",
          "Only checkpoints of little-endian machines are read.")
torch_bad("legacy_few_keys", legacy_with(4, pickled(["0", "1"])), FILE + " has a wrong list of storages",
          "Its list is not as long as its tensors need.")
torch_bad("legacy_same_keys", lambda: b"".join(
    legacy_parts({"a": one()["a"], "b": one()["a"]})).replace(b"X\1\0\0\0000q\2e", b"X\1\0\0\0001q\2e"),
          FILE + " has a wrong list of storages", "A storage is listed twice, or no tensor has it.")
torch_bad("legacy_no_keys", legacy_with(4, pickled(None)), FILE + " has a wrong list of storages")
torch_bad("legacy_behind", lambda: legacy_checkpoint(state_dict(encoder_tensors())) + b"\0",
          FILE + " has data behind its last storage")
torch_bad("legacy_truncated", lambda: legacy_checkpoint(state_dict(encoder_tensors()))[:-1], FILE + " is truncated")
torch_bad("legacy_cut", lambda: b"".join(legacy_parts(state_dict(encoder_tensors()))[:4])[:-1], FILE + " is truncated")
torch_bad("lfs_pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
          FILE + " is a git-lfs pointer, not the file itself")
torch_bad("tar", b"\0" * 257 + b"ustar\0" + b"\0" * 250, FILE + " is not a checkpoint of torch.save()",
          "It is a tar archive, as torch wrote before 0.1.10.")
torch_bad("empty", b"", FILE + " is not a checkpoint of torch.save()",
          "It begins neither as a zip container nor as a pickle.")
torch_bad("text", b"<html>not found</html>", FILE + " is not a checkpoint of torch.save()",
          "It begins neither as a zip container nor as a pickle.")


# ---- the directory around it ------------------------------------------------

@bad('shard "model.safetensors" in file "pytorch_model.bin.index.json" is not a plain file name',
     'Expected a name like "pytorch_model-00001-of-00002.bin".')
def torch_shard_name(path):
    torch_shards(path, zip_checkpoint).json("pytorch_model.bin.index.json", {"weight_map": {"a": "model.safetensors"}})


@bad('file "pytorch_model-00002-of-00002.bin" does not exist')
def torch_shard_missing(path):
    torch_shards(path, zip_checkpoint).remove("pytorch_model-00002-of-00002.bin")


@bad('file "pytorch_model.bin.index.json" is a git-lfs pointer, not the file itself')
def torch_index_pointer(path):
    torch_shards(path, zip_checkpoint).text("pytorch_model.bin.index.json", "version https://git-lfs.github.com/spec/v1\n")


@bad('tensor "bert.embeddings.word_embeddings.weight" of shard "pytorch_model-00001-of-00002.bin" is not where '
     'file "pytorch_model.bin.index.json" says', "It is not in the index.")
def torch_shard_unmapped(path):
    torch_shards(path, zip_checkpoint).json("pytorch_model.bin.index.json",
                                            {"weight_map": {"a": "pytorch_model-00001-of-00002.bin"}})


def _only(name, file):
    @bad('weights in file "%s" are not supported' % file,
         'Expected file "model.safetensors" or "pytorch_model.bin", or the shards of either with their index.')
    def builder(path):
        d = Directory(path)
        d.remove("model.safetensors")
        d.bytes(file, b"x")
    BAD["torch_only_" + name] = BAD.pop("builder")


_only("tensorflow", "tf_model.h5")
_only("flax", "flax_model.msgpack")
_only("onnx", "onnx/model.onnx")


@bad('the pickle in file "2_Dense/pytorch_model.bin" names os.system')
def torch_dense_system(path):
    d = Directory(path)
    d.sentence(None, ("2_Dense", "Dense"))
    d.dense()
    d.remove("2_Dense/model.safetensors")
    d.bytes("2_Dense/pytorch_model.bin", zip_file(zip_entries(None, raw=b"\x80\2cos\nsystem\n" + TEXT + b"\x85R.")))


def _dropout(name, value, detail):
    @bad('"hidden_dropout_prob" in file "config.json" must be %s' % detail[0], detail[1])
    def builder(path):
        Directory(path).config(hidden_dropout_prob=value)
    BAD["dropout_" + name] = BAD.pop("builder")


_dropout("one", 1, ("at least 0 and less than 1", "It is 1."))
_dropout("negative", -0.1, ("at least 0 and less than 1", "It is -0.1."))
_dropout("text", "0.1", ("a number", 'It is "0.1".'))

"""PyTorch checkpoints, written without torch: the parts of torch_directories.py.

The names that torch's pickles use are stood in for by modules of this file;
both containers, zip and legacy, are written here byte by byte.  Seeded.
"""
import io
import pickle
import struct
import sys
import types
import zlib
from collections import OrderedDict

from directory_parts import *

MAGIC = 0x1950a86a20f9469cfc6c
CLASSES = {"F32": "Float", "F16": "Half", "BF16": "BFloat16", "F64": "Double", "I64": "Long", "I8": "Char"}
WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I8": 1}


# ---- the parts of torch -----------------------------------------------------

def stand_in(module, name):
    """A class that pickles as the global module.name."""
    sys.modules.setdefault(module, types.ModuleType(module))
    found = type(name, (), {"__module__": module, "__qualname__": name})
    setattr(sys.modules[module], name, found)
    return found


REBUILD_TENSOR = stand_in("torch._utils", "_rebuild_tensor")
REBUILD_TENSOR_V2 = stand_in("torch._utils", "_rebuild_tensor_v2")
REBUILD_PARAMETER = stand_in("torch._utils", "_rebuild_parameter")
SIZE = stand_in("torch", "Size")
STORAGES = {kind: stand_in("torch", name + "Storage") for kind, name in CLASSES.items()}


class Storage:
    """Bytes of one dtype; in a legacy view its key is the whole's."""

    def __init__(self, kind, data, view=None):
        self.kind, self.data, self.view = kind, data, view
        self.numel = len(data) // WIDTHS[kind]
        self.key = None


class Call:
    """What a pickle calls, and with what."""

    def __init__(self, function, *arguments):
        self.value = (function, arguments)

    def __reduce_ex__(self, protocol):
        return self.value


def tensor(storage, offset, shape, strides=None, **changes):
    if strides is None:
        strides, step = [], 1
        for extent in reversed(shape):
            strides.insert(0, step)
            step *= extent
    arguments = [storage, offset, tuple(shape), tuple(strides), False, OrderedDict()]
    if changes.get("metadata") is not None:
        arguments.append(changes["metadata"])
    if changes.get("first_version"):
        return Call(REBUILD_TENSOR, *arguments[:4])
    return Call(REBUILD_TENSOR_V2, *arguments)


def pickled(value, protocol=2, storages=None):
    """The pickle of a value; numbers its storages in the list."""
    out = io.BytesIO()
    storages = [] if storages is None else storages

    class Pickler(pickle.Pickler):
        def persistent_id(self, found):
            if not isinstance(found, Storage):
                return None
            if found not in storages:
                found.key = str(len(storages))
                storages.append(found)
            return ("storage", STORAGES[found.kind], found.key, "cuda:0", found.numel) + \
                (() if found.view is None else (found.view,))

    Pickler(out, protocol=protocol).dump(value)
    return out.getvalue()


# ---- the containers ---------------------------------------------------------

def zip_file(entries, zip64=False, behind=True, comment=b""):
    """[(name, bytes, changes)] -> a zip file.  behind: sizes only in the directory, as torch writes."""
    data, directory = b"", b""
    for name, content, changes in entries:
        name = name.encode()
        crc = changes.get("crc", zlib.crc32(content))
        size = changes.get("size", len(content))
        method = changes.get("method", 0)
        flags = changes.get("flags", 0x0808 if behind else 0x0800)
        offset = changes.get("offset", len(data))
        in_local = (0, 0, 0) if behind else (crc, len(content), len(content))
        padding = -(len(data) + 30 + len(name) + 4) % 64
        data += struct.pack("<4s5H3I2H", b"PK\3\4", 0, changes.get("local_flags", flags), method, 0, 0, *in_local,
                            len(name), padding + 4)
        data += changes.get("local_name", name) + b"FB" + struct.pack("<H", padding) + b"Z" * padding + content
        if behind:
            data += struct.pack("<4s3I", b"PK\7\10", crc, len(content), len(content))
        extra = struct.pack("<2H3Q", 1, 24, size, len(content), offset) if zip64 else b""
        places = (0xffffffff,) * 3 if zip64 else (len(content), size, offset)
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", 0, 0, flags, method, 0, 0, crc, *places[:2], len(name),
                                 len(extra), 0, 0, 0, 0, places[2]) + name + extra
    begin, end = len(data), len(data) + len(directory)
    data += directory
    count, size, place = len(entries), len(directory), begin
    if zip64:
        data += struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 0, 0, 0, 0, count, count, size, begin)
        data += struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
        count, size, place = 0xffff, 0xffffffff, 0xffffffff
    return data + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, place, len(comment)) + comment


def zip_entries(root, protocol=2, storages=None, raw=None):
    storages = [] if storages is None else storages
    content = pickled(root, protocol, storages) if raw is None else raw
    return [("archive/data.pkl", content, {}), ("archive/byteorder", b"little", {})] + \
        [(f"archive/data/{s.key}", s.data, {}) for s in storages] + [("archive/version", b"3\n", {})]


def zip_checkpoint(root, protocol=2, **options):
    return zip_file(zip_entries(root, protocol), **options)


def legacy_parts(root, storages=None):
    """The five pickles and the storages, as a list of bytes."""
    storages = [] if storages is None else storages
    described = pickled(root, storages=storages)
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    keys = sorted(s.key for s in storages)[::-1]
    by_key = {s.key: s for s in storages}
    return [pickled(MAGIC), pickled(1001), pickled(info), described, pickled(keys)] + \
        [struct.pack("<q", by_key[key].numel) + by_key[key].data for key in keys]


def legacy_checkpoint(root):
    return b"".join(legacy_parts(root))


# ---- state_dicts ------------------------------------------------------------

def values(name, kind, shape):
    """The seeded values that directory_parts.safetensors gives a tensor."""
    count = 1
    for extent in shape:
        count *= extent
    rng = random.Random(name)
    return PACK[kind]([rng.uniform(-1, 1) for _ in range(count)])


def described(shape, kind="F32"):
    return shape if isinstance(shape, tuple) else (kind, shape)


def state_dict(tensors, metadata=True):
    """{name: shape or (dtype, shape)} -> OrderedDict as torch has it, each tensor with a storage of its own."""
    result = OrderedDict()
    for name, shape in tensors.items():
        kind, shape = described(shape)
        result[name] = tensor(Storage(kind, values(name, kind, shape)), 0, shape)
    if metadata:
        result._metadata = OrderedDict([("", {"version": 1}), ("encoder", {"version": 1})])
    return result


def transposed(kind, data, shape):
    """The bytes of a matrix, column by column."""
    width = WIDTHS[kind]
    rows, columns = shape
    return b"".join(data[(i * columns + j) * width:(i * columns + j + 1) * width]
                    for j in range(columns) for i in range(rows))


def checkpoint(path, tensors, content, name="pytorch_model.bin"):
    """A complete directory whose weights are a checkpoint."""
    d = Directory(path)
    d.remove("model.safetensors")
    d.bytes(name, content)
    d.bytes("expected/model.safetensors", safetensors(tensors))
    return d


BERT_TENSORS = dict(encoder_tensors("bert."), **{
    "bert.embeddings.position_ids": ("I64", [1, 16]), "bert.pooler.dense.weight": [8, 8],
    "bert.pooler.dense.bias": [8], "classifier.weight": [3, 8], "classifier.bias": [3]})
KINDS = ["F16", "BF16", "F64", "F32"]


def mixed_tensors():
    return {name: (KINDS[i % 4], shape) for i, (name, shape) in enumerate(encoder_tensors().items())}

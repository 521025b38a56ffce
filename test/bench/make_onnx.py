"""Writes the encoder of a BERT or ELECTRA directory as an ONNX graph for ONNX Runtime.

The graph is the one that ONNX Runtime's own optimizer arrives at for BERT: one
Attention, SkipLayerNormalization and BiasGelu node each, so that the peer runs
at its best without PyTorch to export it.
"""
import json
import os
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def read_safetensors(path):
    """name -> float32 array"""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        body = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(body[begin:end], dtype="<f4").reshape(entry["shape"])
    return tensors


class Graph:
    """Collects nodes and constants; each method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator, inputs, output, domain="", **attributes):
        outputs = [output] if isinstance(output, str) else output
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[0], domain=domain, **attributes))
        return outputs[0]


def make_onnx(directory, path, masked=False):
    """Input ids (B, T) int64 and, if masked, mask (B, T) int32 with 0 for padding; output hidden (B, T, H) float32."""
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    weights = read_safetensors(os.path.join(directory, "model.safetensors"))
    prefix = next(prefix for prefix in ("", "bert.", "electra.")
                  if prefix + "embeddings.word_embeddings.weight" in weights)
    epsilon = config["layer_norm_eps"]
    graph = Graph()

    def weight(name):
        return graph.constant(name, weights[prefix + name])

    def transposed(name):
        return graph.constant(name, weights[prefix + name].T)

    # Everything that does not depend on the id goes into one table of positions.
    positions = weights[prefix + "embeddings.position_embeddings.weight"] + \
        weights[prefix + "embeddings.token_type_embeddings.weight"][0]
    graph.constant("zero", np.array([0], dtype=np.int64))
    graph.constant("one", np.array([1], dtype=np.int64))
    graph.constant("two", np.array([2], dtype=np.int64))
    graph.node("Shape", ["ids"], "shape")
    graph.node("Slice", ["shape", "one", "two"], "length")
    graph.node("Slice", [graph.constant("positions", positions), "zero", "length", "zero"], "position_rows")
    graph.node("Gather", [weight("embeddings.word_embeddings.weight"), "ids"], "word_rows")
    graph.node("Add", ["word_rows", "position_rows"], "sum")
    hidden = graph.node("LayerNormalization", ["sum", weight("embeddings.LayerNorm.weight"),
                                               weight("embeddings.LayerNorm.bias")], "embedded",
                        axis=-1, epsilon=epsilon)
    if prefix + "embeddings_project.weight" in weights:
        graph.node("MatMul", [hidden, transposed("embeddings_project.weight")], "projected_rows")
        hidden = graph.node("Add", ["projected_rows", weight("embeddings_project.bias")], "projected")

    for n in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{n}."
        parts = [layer + "attention.self." + part for part in ("query", "key", "value")]
        qkv = np.concatenate([weights[prefix + part + ".weight"].T for part in parts], axis=1)
        qkv_bias = np.concatenate([weights[prefix + part + ".bias"] for part in parts])
        attended = graph.node("Attention", [hidden, graph.constant(layer + "qkv", qkv),
                                            graph.constant(layer + "qkv_bias", qkv_bias)] + ["mask"] * masked,
                              layer + "attended", domain="com.microsoft", num_heads=config["num_attention_heads"])
        projected = graph.node("MatMul", [attended, transposed(layer + "attention.output.dense.weight")],
                               layer + "projected")
        middle = graph.node("SkipLayerNormalization",
                            [projected, hidden, weight(layer + "attention.output.LayerNorm.weight"),
                             weight(layer + "attention.output.LayerNorm.bias"),
                             weight(layer + "attention.output.dense.bias")], layer + "middle",
                            domain="com.microsoft", epsilon=epsilon)
        wide = graph.node("MatMul", [middle, transposed(layer + "intermediate.dense.weight")], layer + "wide")
        active = graph.node("BiasGelu", [wide, weight(layer + "intermediate.dense.bias")], layer + "active",
                            domain="com.microsoft")
        narrow = graph.node("MatMul", [active, transposed(layer + "output.dense.weight")], layer + "narrow")
        hidden = graph.node("SkipLayerNormalization",
                            [narrow, middle, weight(layer + "output.LayerNorm.weight"),
                             weight(layer + "output.LayerNorm.bias"), weight(layer + "output.dense.bias")],
                            layer + "hidden", domain="com.microsoft", epsilon=epsilon)

    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])]
    if masked:
        inputs.append(helper.make_tensor_value_info("mask", TensorProto.INT32, ["batch", "length"]))
    result = helper.make_tensor_value_info(hidden, TensorProto.FLOAT, ["batch", "length", config["hidden_size"]])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "encoder", inputs, [result], graph.constants),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    onnx.save(model, path)

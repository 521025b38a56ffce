"""The peers, each behind the same three calls; peer_worker.py runs one of them in a process.

An engine is made of a model directory, a dtype and form(NAME), which returns
the path of the model in that form of peer_models.py.  prepare(lengths) does
what may be done once for texts of a known length, hidden(ids) and
hidden(ids, mask) give the last layer's output, (B, T) -> (B, T, H).
"""
import importlib.metadata
import json
import os

import numpy as np


class OnnxRuntime:
    def __init__(self, directory, dtype, form):
        import onnxruntime
        self.version = onnxruntime.__version__
        self.form, self.suffix = form, "-int8" if dtype == "int8" else ""
        self.sessions = {}
        self.session("onnx")

    def session(self, name):
        import onnxruntime
        if name not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = 3
            self.sessions[name] = onnxruntime.InferenceSession(self.form(name + self.suffix), options,
                                                               providers=["CPUExecutionProvider"])
        return self.sessions[name]

    def prepare(self, lengths):
        pass

    def hidden(self, ids, mask=None):
        if mask is None:
            return self.session("onnx").run(None, {"ids": ids})[0]
        return self.session("onnx-masked").run(None, {"ids": ids, "mask": mask.astype(np.int32)})[0]


class OpenVino:
    def __init__(self, directory, dtype, form):
        import openvino
        self.version = openvino.__version__.split("-")[0]
        self.form, self.suffix = form, "-int8" if dtype == "int8" else ""
        self.core, self.requests = openvino.Core(), {}
        self.request("openvino", None)

    def request(self, name, length):
        """One for texts of any length, faster ones for a length that is known."""
        if (name, length) not in self.requests:
            model = self.core.read_model(self.form(name + self.suffix))
            if length is not None:
                model.reshape({each: [1, length] for each in model.inputs})
            compiled = self.core.compile_model(model, "CPU", {
                "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"})
            self.requests[name, length] = compiled.create_infer_request()
        return self.requests[name, length]

    def prepare(self, lengths):
        self.requests.clear()
        for length in lengths:
            self.request("openvino", length)

    def hidden(self, ids, mask=None):
        if mask is not None:
            return self.request("openvino-masked", None).infer([ids, mask])[0]
        known = ("openvino", ids.shape[1]) if len(ids) == 1 else None
        return self.request("openvino", ids.shape[1] if known in self.requests else None).infer([ids])[0]


class Torch:
    def __init__(self, directory, dtype, form):
        import torch
        import transformers
        torch.set_num_threads(1)
        self.torch = torch
        self.version = torch.__version__.split("+")[0]
        self.model = transformers.AutoModel.from_pretrained(directory, attn_implementation="sdpa").eval()

    def prepare(self, lengths):
        pass

    def hidden(self, ids, mask=None):
        with self.torch.inference_mode():
            mask = None if mask is None else self.torch.from_numpy(mask)
            return self.model(input_ids=self.torch.from_numpy(ids), attention_mask=mask).last_hidden_state.numpy()


class SentenceTransformers:
    """Embeds texts by itself."""

    def __init__(self, directory, dtype, form):
        import sentence_transformers
        import torch
        torch.set_num_threads(1)
        self.version = sentence_transformers.__version__
        self.model = sentence_transformers.SentenceTransformer(directory, device="cpu")
        self.model.max_seq_length = 512

    def prepare(self, lengths):
        pass

    def embed(self, texts, batch):
        return self.model.encode(texts, batch_size=batch, show_progress_bar=False, convert_to_numpy=True,
                                 normalize_embeddings=True)


class KerasHub:
    """Compiled by JAX, which is faster than Keras' own predict; one program for each shape."""

    def __init__(self, directory, dtype, form):
        import jax
        import keras_hub
        self.version = importlib.metadata.version("keras-hub")
        with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        shape = {"num_layers": config["num_hidden_layers"], "num_heads": config["num_attention_heads"],
                 "hidden_dim": config["hidden_size"], "intermediate_dim": config["intermediate_size"],
                 "max_sequence_length": config["max_position_embeddings"]}
        if config["model_type"] == "electra":
            self.model = keras_hub.models.ElectraBackbone(vocab_size=config["vocab_size"],
                                                          embedding_dim=config["embedding_size"], **shape)
        else:
            self.model = keras_hub.models.BertBackbone(vocabulary_size=config["vocab_size"], **shape)
        self.prepared = set()
        self.assign(directory)
        self.values = ([each.value for each in self.model.trainable_variables],
                       [each.value for each in self.model.non_trainable_variables])
        self.call = jax.jit(lambda trainable, fixed, inputs: self.model.stateless_call(
            trainable, fixed, inputs, training=False)[0]["sequence_output"])

    def assign(self, directory):
        """Keras-Hub reads no ELECTRA of Hugging Face's, so the weights are put into its variables here."""
        from make_onnx import read_safetensors
        weights = {name.split(".", 1)[1] if name.startswith(("electra.", "bert.")) else name: value
                   for name, value in read_safetensors(os.path.join(directory, "model.safetensors")).items()}

        def put(variable, name):
            value = weights[name]
            matrix = name.endswith(".weight") and value.ndim == 2 and "embeddings." not in name
            variable.assign((value.T if matrix else value).reshape(variable.shape))

        def put_both(layer, name, first="kernel", second="bias"):
            put(getattr(layer, first), name + ".weight")
            put(getattr(layer, second), name + ".bias")

        layer = self.model.get_layer
        put(layer("token_embedding").embeddings, "embeddings.word_embeddings.weight")
        put(layer("position_embedding").position_embeddings, "embeddings.position_embeddings.weight")
        put(layer("segment_embedding").embeddings, "embeddings.token_type_embeddings.weight")
        put_both(layer("embeddings_layer_norm"), "embeddings.LayerNorm", "gamma", "beta")
        if "embeddings_project.weight" in weights:
            put_both(layer("embeddings_projection"), "embeddings_project")
        for n in range(self.model.num_layers):
            block, name = layer(f"transformer_layer_{n}"), f"encoder.layer.{n}."
            attention = block._self_attention_layer
            for part, dense in (("self.query", attention.query_dense), ("self.key", attention.key_dense),
                                ("self.value", attention.value_dense), ("output.dense", attention.output_dense)):
                put_both(dense, name + "attention." + part)
            put_both(block._self_attention_layer_norm, name + "attention.output.LayerNorm", "gamma", "beta")
            put_both(block._feedforward_intermediate_dense, name + "intermediate.dense")
            put_both(block._feedforward_output_dense, name + "output.dense")
            put_both(block._feedforward_layer_norm, name + "output.LayerNorm", "gamma", "beta")

    def prepare(self, lengths):
        self.prepared.update(lengths)
        for length in lengths:
            self.hidden(np.ones((1, length), dtype=np.int64))

    def hidden(self, ids, mask=None):
        # Few shapes but those that were prepared, so that compiling comes to an end.
        length = ids.shape[1]
        mask = np.ones_like(ids) if mask is None else mask
        step = 8 if length <= 64 else 128
        padded = length if length in self.prepared and len(ids) == 1 else -(-length // step) * step
        wider = ((0, 0), (0, padded - length))
        ids, mask = (np.pad(each, wider).astype(np.int32) for each in (ids, mask))
        inputs = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": mask}
        return np.asarray(self.call(*self.values, inputs))[:, :length]


class Tokenizers:
    """Hugging Face's; the fastest of its calls."""

    def __init__(self, directory, dtype, form):
        import tokenizers
        self.version = tokenizers.__version__
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def tokenize(self, texts):
        return self.tokenizer.encode_batch_fast(texts)

    def ids(self, texts):
        return [each.ids for each in self.tokenize(texts)]


class KerasTokenizer:
    """Keras-Hub's, of a preset that Keras-Hub saved; it adds no special tokens."""

    def __init__(self, directory, dtype, form):
        import keras_hub
        self.version = importlib.metadata.version("keras-hub")
        self.tokenizer = keras_hub.models.Tokenizer.from_preset(form("keras-preset"))

    def tokenize(self, texts):
        return self.tokenizer(texts)

    def ids(self, texts):
        ids = self.tokenize(texts)
        return ids.to_list() if hasattr(ids, "to_list") else [list(map(int, each)) for each in ids]


ENGINES = {"ONNX Runtime": OnnxRuntime, "OpenVINO": OpenVino, "torch": Torch,
           "sentence-transformers": SentenceTransformers, "Keras-Hub": KerasHub,
           "tokenizers": Tokenizers, "Keras-Hub tokenizer": KerasTokenizer}

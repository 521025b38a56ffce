#!/usr/bin/env python3
"""Writes a directory's encoder in the form that a peer reads: peer_models.py FORM DIRECTORY PATH

Forms: onnx, onnx-masked (for padded batches) and openvino, openvino-masked, each
also with -int8 at the end, and keras-preset, a tiny ELECTRA that has the
directory's vocabulary.  int8 is what each peer's own tool makes with its
defaults: ONNX Runtime's dynamic quantization, NNCF's post-training quantization
of a transformer, calibrated on prose.  A process of its own, so that what
conversion needs is not counted as the peer's memory.
"""
import json
import os
import sys

from workloads import paragraphs

# Of real weights, and of random ones, which have nothing to be calibrated.
CALIBRATION_TEXTS = {"bert": 64, "electra": 8}
CALIBRATION_TOKENS = 64


def calibration(directory, masked, count):
    """Inputs in the order of the model's own."""
    import numpy as np
    from tokenizers import BertWordPieceTokenizer
    tokenizer = BertWordPieceTokenizer(os.path.join(directory, "vocab.txt"))
    tokenizer.enable_truncation(CALIBRATION_TOKENS)
    for text in paragraphs()[:count]:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        yield [ids, np.ones_like(ids)] if masked else [ids]


def openvino_model(directory, masked):
    import openvino
    import torch
    import transformers

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            # The attention that OpenVINO recognizes and fuses best.
            self.model = transformers.AutoModel.from_pretrained(directory, attn_implementation="eager")

        def forward(self, ids, mask=None):
            return self.model(input_ids=ids, attention_mask=mask).last_hidden_state

    example = (torch.ones((2, 9), dtype=torch.int64),) * (2 if masked else 1)
    with torch.no_grad():
        model = openvino.convert_model(Encoder().eval(), example_input=example)
    model.reshape({each: openvino.PartialShape([-1, -1]) for each in model.inputs})
    return model


def write_keras_preset(directory, path):
    import keras_hub
    with open(os.path.join(directory, "vocab.txt"), encoding="utf-8") as file:
        vocabulary = file.read().splitlines()
    keras_hub.models.ElectraBackbone(vocab_size=len(vocabulary), num_layers=1, num_heads=1, hidden_dim=8,
                                     embedding_dim=8, intermediate_dim=8).save_to_preset(path)
    keras_hub.tokenizers.ElectraTokenizer(vocabulary=vocabulary, lowercase=True).save_to_preset(path)


def main():
    form, directory, path = sys.argv[1:]
    if form == "keras-preset":
        write_keras_preset(directory, path)
        return
    masked, int8 = "masked" in form, form.endswith("int8")
    if form.startswith("onnx"):
        from make_onnx import make_onnx
        make_onnx(directory, path + ".fp32" if int8 else path, masked)
        if int8:
            from onnx import TensorProto
            from onnxruntime.quantization import QuantType, quantize_dynamic
            # Types of what the fused nodes give are not inferred.
            quantize_dynamic(path + ".fp32", path, weight_type=QuantType.QInt8,
                             extra_options={"DefaultTensorType": TensorProto.FLOAT})
            os.remove(path + ".fp32")
    else:
        import openvino
        model = openvino_model(directory, masked)
        if int8:
            import nncf
            with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
                count = CALIBRATION_TEXTS[json.load(file)["model_type"]]
            model = nncf.quantize(model, nncf.Dataset(list(calibration(directory, masked, count))),
                                  model_type=nncf.ModelType.TRANSFORMER, subset_size=count)
        openvino.save_model(model, path, compress_to_fp16=False)


if __name__ == "__main__":
    main()

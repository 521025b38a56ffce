#!/usr/bin/env python3
"""Saves presets of full size with Keras-Hub, and what it computes for them.

Usage: save_keras_presets.py FOLDER PRESET
       save_keras_presets.py FOLDER --convert DIRECTORY
       save_keras_presets.py --list

For keras_parity.py.  PRESET is the name of one of Keras-Hub's shapes; its
weights are random, seeded and far from their initial values.  Each variant
becomes FOLDER/VARIANT (save_to_preset of backbone and tokenizer),
FOLDER/VARIANT.npz (both outputs of the backbone rebuilt with dtype float32 and
the stored weights widened) and a line of JSON on standard output.

DIRECTORY is one of Hugging Face's; Keras-Hub's own converter makes a preset of
it (it has one for BERT, none for ELECTRA), which becomes FOLDER.

Needs keras, keras_hub with TensorFlow.
"""
import json
import os
import sys

# name: (backbone, heads, hidden_dim, embedding_dim, intermediate_dim, [(variant, layers, dtype, shards)])
PRESETS = {
    "electra_small_discriminator_uncased_en": ("Electra", 4, 256, 128, 1024, [
        ("small_discriminator", 12, "float32", None), ("small_discriminator_float16", 12, "float16", None),
        ("small_discriminator_bfloat16", 12, "bfloat16", None),
        ("small_discriminator_mixed", 12, "mixed_bfloat16", None),
        ("small_discriminator_sharded", 12, "float32", 0.02)]),
    "electra_small_generator_uncased_en": ("Electra", 4, 256, 128, 1024, [
        ("small_generator", 12, "float32", None), ("small_generator_bfloat16_sharded", 12, "bfloat16", 0.01)]),
    "electra_base_discriminator_uncased_en": ("Electra", 12, 768, 768, 3072, [
        ("base_discriminator", 12, "float32", None), ("base_discriminator_float16", 12, "float16", None),
        ("base_discriminator_bfloat16", 12, "bfloat16", None),
        ("base_discriminator_sharded", 12, "float32", 0.1)]),
    "electra_base_generator_uncased_en": ("Electra", 4, 256, 768, 1024, [
        ("base_generator", 12, "float32", None), ("base_generator_float16", 12, "float16", None),
        ("base_generator_bfloat16", 12, "bfloat16", None)]),
    "electra_large_discriminator_uncased_en": ("Electra", 16, 1024, 1024, 4096, [
        ("large_discriminator_2_layers", 2, "float32", None),
        ("large_discriminator_2_layers_float16", 2, "float16", None),
        ("large_discriminator_2_layers_sharded", 2, "float32", 0.15),
        ("large_discriminator_bfloat16", 24, "bfloat16", None)]),
    "electra_large_generator_uncased_en": ("Electra", 4, 256, 1024, 1024, [
        ("large_generator", 24, "float32", None), ("large_generator_float16", 24, "float16", None)]),
    "bert_base_en": ("Bert", 12, 768, 768, 3072, [("bert_base_2_layers", 2, "float32", None)]),
}
VOCABULARY_SIZE = 30522


def batches(np):
    """Without padding, padded, and pairs with segments."""
    rng = np.random.RandomState(7)
    ids = rng.randint(5, VOCABULARY_SIZE, size=(3, 4, 48))
    ids[:, :, 0] = 2
    lengths = np.array([[48] * 4, [48, 31, 7, 1], [48, 40, 12, 5]])
    firsts = np.array([[48] * 4, [48] * 4, [20, 33, 6, 3]])
    places = np.arange(48)
    mask = places < lengths[..., None]
    segments = (places >= firsts[..., None]) & mask
    return [{"token_ids": np.where(m, i, 0).tolist(), "segment_ids": s.astype(int).tolist(),
             "padding_mask": m.astype(int).tolist()} for i, s, m in zip(ids, segments, mask)]


def randomize(backbone, np):
    """Weights with which attention is not uniform and LayerNorms are not the identity."""
    rng = np.random.RandomState(len(backbone.weights))
    for variable in backbone.weights:
        noise = rng.standard_normal(variable.shape).astype("float32")
        if variable.name == "gamma":
            value = 1 + noise / 4
        elif len(variable.shape) == 1 or variable.name == "bias":
            value = noise / 8
        elif "embedding" in variable.path:
            value = noise / 2
        else:
            fan_in = np.prod(variable.shape[:2]) if "attention_output" in variable.path else variable.shape[0]
            value = noise / np.sqrt(fan_in)
        variable.assign(value)


def save(folder, preset, variant, layers, dtype, shards):
    import keras_hub
    import numpy as np

    kind, heads, hidden, embedding, inner, _ = PRESETS[preset]
    shape = {"num_layers": layers, "num_heads": heads, "hidden_dim": hidden, "intermediate_dim": inner}
    shape.update({"vocab_size": VOCABULARY_SIZE, "embedding_dim": embedding} if kind == "Electra"
                 else {"vocabulary_size": VOCABULARY_SIZE})
    backbone = getattr(keras_hub.models, kind + "Backbone")(dtype=dtype, **shape)
    randomize(backbone, np)
    path = os.path.join(folder, variant)
    backbone.save_to_preset(path, max_shard_size=shards or 10)
    assert os.path.exists(os.path.join(path, "model.weights.json")) == bool(shards)
    parameters = backbone.count_params()
    del backbone
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + ["t%d" % i for i in range(5, VOCABULARY_SIZE)]
    getattr(keras_hub.tokenizers, kind + "Tokenizer")(vocabulary=vocabulary, lowercase=True).save_to_preset(path)

    backbone = keras_hub.models.Backbone.from_preset(path, dtype="float32")
    outputs = {}
    for number, batch in enumerate(batches(np)):
        out = backbone({key: np.array(value, "int32") for key, value in batch.items()})
        outputs.update({"%s_%d" % (key, number): np.asarray(value) for key, value in out.items()})
    np.savez(path + ".npz", **outputs)
    print(json.dumps({"variant": variant, "layers": layers, "parameters": int(parameters), "hidden_dim": hidden,
                      "batches": batches(np)}), flush=True)


def main():
    os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")
    if sys.argv[1:] == ["--list"]:
        print("\n".join(PRESETS))
    elif len(sys.argv) == 4 and sys.argv[2] == "--convert":
        import keras_hub
        keras_hub.models.Backbone.from_preset(sys.argv[3]).save_to_preset(sys.argv[1])
    elif len(sys.argv) == 3 and sys.argv[2] in PRESETS:
        for variant in PRESETS[sys.argv[2]][-1]:
            save(sys.argv[1], sys.argv[2], *variant)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

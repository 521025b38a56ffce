"""Stage 9: a trained model as a sentence-transformers directory, which electra-import reads.

ELECTRA, mean pooling, Dense, Normalize: plain files of the Hugging Face layout.
"""
import argparse
import shutil

import safetensors.torch
import torch

from student import config, load_student
from train_vocabulary import POSITIONS, SPECIAL, load_tokenizer
from workplace import WORK, record, write_json

MODULES = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize"))


@torch.no_grad()
def share_edges(embeddings):
    """+c and -c of all rows go to the type that all tokens have: the same sums, and the rows' int8 loses less.

    int8 gives a group of 64 values one scale, and +c leaves few steps to what
    tells a row from others.
    """
    edge = embeddings.word_embeddings.weight[:, -2:]
    common = edge.mean(0)
    edge.sub_(common)
    embeddings.token_type_embeddings.weight[:, -2:].add_(common)


def write_directory(name, target):
    student = load_student(WORK / "models" / f"{name}.pt")
    share_edges(student.electra.embeddings)
    shape = student.shape
    shutil.rmtree(target, ignore_errors=True)
    for folder, _ in MODULES[1:]:
        (target / folder).mkdir(parents=True)
    electra = config(shape["layers"], shape["width"]).to_dict()
    write_json(target / "config.json", {**electra, "architectures": ["ElectraModel"], "torch_dtype": "float32"})
    safetensors.torch.save_file({key: value.contiguous() for key, value in student.electra.state_dict().items()
                                 if not key.endswith("position_ids") and not key.endswith("token_type_ids")},
                                target / "model.safetensors", metadata={"format": "pt"})
    write_json(target / "modules.json",
               [{"idx": i, "name": str(i), "path": folder, "type": f"sentence_transformers.models.{kind}"}
                for i, (folder, kind) in enumerate(MODULES)])
    write_json(target / "sentence_bert_config.json", {"max_seq_length": POSITIONS, "do_lower_case": False})
    write_json(target / "1_Pooling" / "config.json",
               {"word_embedding_dimension": shape["width"], "pooling_mode_cls_token": False,
                "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False,
                "pooling_mode_mean_sqrt_len_tokens": False})
    write_json(target / "2_Dense" / "config.json",
               {"in_features": shape["width"], "out_features": shape["dimensions"], "bias": True,
                "activation_function": "torch.nn.modules.linear.Identity"})
    safetensors.torch.save_file({f"linear.{key}": value.contiguous()
                                 for key, value in student.dense.state_dict().items()},
                                target / "2_Dense" / "model.safetensors", metadata={"format": "pt"})
    shutil.copy(WORK / "vocab.txt", target / "vocab.txt")
    load_tokenizer().save(str(target / "tokenizer.json"))
    special = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL))
    write_json(target / "special_tokens_map.json", special)
    write_json(target / "tokenizer_config.json",
               {**special, "tokenizer_class": "ElectraTokenizer", "do_lower_case": True, "tokenize_chinese_chars": True,
                "strip_accents": None, "model_max_length": POSITIONS})
    for path in target.rglob("*.safetensors"):
        # safetensors lets only the owner read them; a server has another one.
        path.chmod(0o644)
    record(target / "config.json", ("torch", "transformers", "tokenizers", "safetensors"), model=name)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model of WORK/models, without its .pt")
    options = parser.parse_args()
    write_directory(options.model, WORK / "directories" / options.model)
    print(WORK / "directories" / options.model)


if __name__ == "__main__":
    main()

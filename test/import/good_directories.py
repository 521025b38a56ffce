"""Directories that load.  Each builder's name is the directory's."""
import os

from directory_parts import *


@good
def bert_plain(path):
    Directory(path)


@good
def bert_prefixed_heads(path):
    d = Directory(path)
    tensors = encoder_tensors("bert.")
    tensors.update({"bert.embeddings.position_ids": ("I64", [1, 16]),
                    "bert.pooler.dense.weight": [8, 8], "bert.pooler.dense.bias": [8],
                    "classifier.weight": [3, 8], "classifier.bias": [3]})
    d.config(architectures=["BertForSequenceClassification"], id2label={"0": "a", "1": "b", "2": "c"})
    d.bytes("model.safetensors", safetensors(tensors))


@good
def bert_pretraining_heads(path):
    d = Directory(path)
    tensors = encoder_tensors("bert.")
    tensors.update({"cls.predictions.bias": [VOCAB_SIZE], "cls.predictions.transform.dense.weight": [8, 8],
                    "cls.predictions.transform.dense.bias": [8],
                    "cls.predictions.transform.LayerNorm.weight": [8],
                    "cls.predictions.transform.LayerNorm.bias": [8],
                    "cls.predictions.decoder.weight": [VOCAB_SIZE, 8],
                    "cls.predictions.decoder.bias": [VOCAB_SIZE]})
    d.bytes("model.safetensors", safetensors(tensors))


@good
def bert_gamma_beta(path):
    Directory(path).bytes("model.safetensors", safetensors(encoder_tensors("bert.", gamma=True)))


@good
def bert_no_tokenizer_config(path):
    Directory(path).remove("tokenizer_config.json")


@good
def electra_discriminator(path):
    d = Directory(path)
    d.electra({"discriminator_predictions.dense.weight": [8, 8], "discriminator_predictions.dense.bias": [8],
               "discriminator_predictions.dense_prediction.weight": [1, 8],
               "discriminator_predictions.dense_prediction.bias": [1]})


@good
def electra_generator(path):
    d = Directory(path)
    d.electra({"generator_predictions.dense.weight": [4, 8], "generator_predictions.dense.bias": [4],
               "generator_predictions.LayerNorm.weight": [4], "generator_predictions.LayerNorm.bias": [4],
               "generator_lm_head.bias": [VOCAB_SIZE]}, hidden_act="gelu_new")


@good
def electra_classifier(path):
    d = Directory(path)
    d.electra({"classifier.dense.weight": [8, 8], "classifier.dense.bias": [8],
               "classifier.out_proj.weight": [2, 8], "classifier.out_proj.bias": [2]})


@good
def electra_no_projection(path):
    Directory(path).electra(embedding_size=8)


@good
def half_types(path):
    d = Directory(path)
    kinds = ["F16", "BF16", "F64", "F32"]
    d.bytes("model.safetensors",
            safetensors({name: (kinds[i % 4], shape) for i, (name, shape) in enumerate(encoder_tensors().items())}))


@good
def shards(path):
    d = Directory(path)
    d.remove("model.safetensors")
    tensors = list(encoder_tensors().items())
    parts = {"model-00001-of-00002.safetensors": dict(tensors[:9]),
             "model-00002-of-00002.safetensors": dict(tensors[9:])}
    for name, part in parts.items():
        d.bytes(name, safetensors(part))
    d.json("model.safetensors.index.json",
           {"metadata": {"total_size": 1.0},
            "weight_map": {t: name for name, part in parts.items() for t in part}})


@good
def hub_links(path):
    d = Directory(os.path.join(path, "blobs"))
    snapshot = os.path.join(path, "snapshots", "0123456789abcdef0123456789abcdef01234567")
    os.makedirs(snapshot, exist_ok=True)
    for name in os.listdir(d.path):
        os.symlink(os.path.join("..", "..", "blobs", name), os.path.join(snapshot, name))


@good
def unusual_numbers(path):
    d = Directory(path)
    d.tokenizer_config(model_max_length=1000000000000000019884624838656)
    d.json("config.json", dict(BERT, unknown_key={"deep": [1, {"er": None}]}, torch_dtype="float32"))


@good
def crlf_vocabulary(path):
    Directory(path).text("vocab.txt", "".join(t + "  \r\n" for t in VOCABULARY))


@good
def duplicate_vocabulary(path):
    d = Directory(path)
    d.text("vocab.txt", "".join(t + "\n" for t in VOCABULARY[:10] + ["the", "quick"] + VOCABULARY[10:]))


# ---- tokenizers -------------------------------------------------------------

@good
def tokenizer_json_beats_vocab(path):
    d = Directory(path)
    d.json("tokenizer.json", tokenizer_json(VOCABULARY + ["more"]))
    d.text("vocab.txt", "nonsense\n")


@good
def tokenizer_json_rebuilt(path):
    d = Directory(path)
    value = tokenizer_json(normalizer={"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": False,
                                       "strip_accents": False, "lowercase": False})
    value["model"]["max_input_chars_per_word"] = 5
    del value["model"]["type"]
    d.json("tokenizer.json", value)


@good
def tokenizer_json_as_file(path):
    d = Directory(path)
    value = tokenizer_json(normalizer={"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": False,
                                       "strip_accents": True, "lowercase": False})
    value["model"]["max_input_chars_per_word"] = 5
    d.json("tokenizer.json", value)
    d.tokenizer_config(tokenizer_class="PreTrainedTokenizerFast", unk_token="[UNK]", mask_token="[MASK]",
                       pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")


@good
def tokenizer_json_bert_processing(path):
    d = Directory(path)
    d.json("tokenizer.json", tokenizer_json(post_processor={"type": "BertProcessing", "sep": ["[SEP]", 3],
                                                            "cls": ["[CLS]", 2]}))
    d.tokenizer_config(tokenizer_class="PreTrainedTokenizerFast", unk_token="[UNK]")


@good
def tokenizer_json_added(path):
    d = Directory(path)
    names = [added(i, t) for i, t in enumerate(VOCABULARY[:4])]
    names.append(added(4, "[MASK]", lstrip=True))
    d.json("tokenizer.json", tokenizer_json(tokens=names + [
        added(28, "<e1>", special=False, single_word=True), added(29, "<E2>", special=False, normalized=False),
        added(30, "<s3>", rstrip=True)]))


@good
def added_tokens_decoder(path):
    d = Directory(path)
    d.tokenizer_config(cls_token="[CLS]", added_tokens_decoder={
        "4": decoder_entry("[MASK]", lstrip=True), "30": decoder_entry("<late>", special=False),
        "28": decoder_entry("<early>", special=False, single_word=True), "7": decoder_entry("brown", special=False),
        "0": {"content": "[PAD]"}})
    # superseded by added_tokens_decoder
    d.json("special_tokens_map.json", {"cls_token": "[MASK]", "additional_special_tokens": ["<never>"]})
    d.json("added_tokens.json", {"<never>": 31})


@good
def special_tokens_map(path):
    d = Directory(path)
    d.json("special_tokens_map.json", {
        "cls_token": "[CLS]", "sep_token": {"content": "[SEP]", "lstrip": False, "normalized": False,
                                            "rstrip": False, "single_word": False},
        "mask_token": {"content": "[MASK]", "lstrip": True, "normalized": True, "rstrip": False,
                       "single_word": False},
        "additional_special_tokens": ["<x1>", "[MASK]", "<x2>"]})


@good
def added_twice(path):
    d = Directory(path)
    d.tokenizer_config(mask_token="[MASK]", extra_special_tokens=["<x>"], added_tokens_decoder={
        "28": decoder_entry("<x>", lstrip=True), "29": decoder_entry("<x>", special=False),
        "30": {"content": "[MASK]", "normalized": True}})


@good
def as_file_and_decoder(path):
    d = Directory(path)
    d.json("tokenizer.json", tokenizer_json())
    d.tokenizer_config(tokenizer_class="PreTrainedTokenizerFast", mask_token="[MASK]", sep_token="[SEP]",
                       boi_token="<boi>", extra_special_tokens=["<x>", "[SEP]"],
                       added_tokens_decoder={"4": decoder_entry("[MASK]", lstrip=True),
                                             "3": decoder_entry("[SEP]"), "29": decoder_entry("New", special=False)})


@good
def added_outside_model(path):
    # neither is in the model's vocabulary, so neither is a piece of a word: SEP1 is found only as it is written
    d = Directory(path)
    d.tokenizer_config(extra_special_tokens=["sep1"],
                       added_tokens_decoder={"28": decoder_entry("covid", special=False, single_word=True)})


@good
def other_special_tokens(path):
    d = Directory(path)
    names = ["<unk>", "<s>", "</s>", "<pad>", "<mask>"]
    d.text("vocab.txt", "".join(t + "\n" for t in names + WORDS))
    d.tokenizer_config(unk_token="<unk>", cls_token="<s>", sep_token="</s>", pad_token="<pad>",
                       mask_token={"__type": "AddedToken", "content": "<mask>", "lstrip": True, "normalized": True,
                                   "rstrip": False, "single_word": False})


@good
def added_tokens_json(path):
    d = Directory(path)
    d.tokenizer_config(extra_special_tokens=["<extra>"])
    d.json("added_tokens.json", {"<extra>": 28, "New": 29, "[MASK]": 4})
    d.json("special_tokens_map.json", {"mask_token": "[MASK]"})


@good
def null_tokens(path):
    d = Directory(path)
    d.text("vocab.txt", "".join(t + "\n" for t in VOCABULARY if t not in ("[PAD]", "[MASK]")))
    d.tokenizer_config(pad_token=None, mask_token=None)


@good
def cased(path):
    Directory(path).tokenizer_config(do_lower_case=False, tokenize_chinese_chars=False)


@good
def cased_stripped(path):
    Directory(path).tokenizer_config(do_lower_case=False, strip_accents=True)


@good
def electra_tokenizer(path):
    d = Directory(path)
    d.electra()
    d.json("tokenizer_config.json", {"tokenizer_class": "ElectraTokenizerFast", "strip_accents": False,
                                     "max_len": 9})


# ---- sentence-transformers --------------------------------------------------

@good
def sentence_plain(path):
    d = Directory(path)
    d.sentence(None, ("2_Normalize", "Normalize"))
    d.json("sentence_bert_config.json", {"max_seq_length": 7, "do_lower_case": False})


@good
def sentence_subfolder(path):
    d = Directory(os.path.join(path, "0_Transformer"))
    d.json("sentence_bert_config.json", {"max_seq_length": None, "do_lower_case": True})
    d.tokenizer_config(do_lower_case=False)
    root = Directory(path, empty=True)
    root.modules(("0_Transformer", "Transformer"), ("1_Pooling", "Pooling"))
    root.json("1_Pooling/config.json", {"word_embedding_dimension": 8, "pooling_mode_cls_token": True,
                                        "pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": True,
                                        "pooling_mode_mean_sqrt_len_tokens": True,
                                        "pooling_mode_weightedmean_tokens": True,
                                        "pooling_mode_lasttoken": True, "include_prompt": False})


@good
def sentence_new_names(path):
    d = Directory(path)
    base = "sentence_transformers.base.modules."
    d.modules(("", base + "transformer.Transformer"),
              ("1_Pooling", "sentence_transformers.sentence_transformer.modules.pooling.Pooling"),
              ("2_Dense", base + "dense.Dense"), ("3_Normalize", base + "normalize.Normalize"))
    d.json("1_Pooling/config.json", {"embedding_dimension": 8, "pooling_mode": "cls", "include_prompt": True})
    d.dense(activation_function="torch.nn.modules.linear.Identity")
    d.json("3_Normalize/config.json", {"module_input_name": "sentence_embedding",
                                       "module_output_name": "sentence_embedding"})
    d.json("sentence_bert_config.json", {
        "transformer_task": "feature-extraction", "module_output_name": "token_embeddings",
        "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}})
    d.json("config_sentence_transformers.json", {
        "model_type": "SentenceTransformer", "prompts": {"query": "query: ", "document": "", "passage": "passage: "},
        "default_prompt_name": None, "similarity_fn_name": "cosine", "truncate_dim": 3})


@good
def sentence_mode_list(path):
    Directory(path).sentence({"embedding_dimension": 8, "pooling_mode": ["cls", "mean"]})


@good
def sentence_only_cls(path):
    # 6.2: an absent mean key counts only when no mode is true
    Directory(path).sentence({"word_embedding_dimension": 8, "pooling_mode_cls_token": True})


@good
def sentence_no_mode(path):
    Directory(path).sentence({"word_embedding_dimension": 8})


@good
def sentence_two_dense(path):
    d = Directory(path)
    d.sentence({"word_embedding_dimension": 8}, ("2_Dense", "Dense"), ("3_Dense", "Dense"))
    d.dense()
    d.json("3_Dense/config.json", {"in_features": 6, "out_features": 5, "bias": False,
                                   "activation_function": "torch.nn.modules.activation.GELU"})
    d.bytes("3_Dense/model.safetensors", safetensors({"linear.weight": ("F16", [5, 6])}))


@good
def sentence_long(path):
    d = Directory(path)
    d.sentence()
    d.json("sentence_bert_config.json", {"max_seq_length": 512})

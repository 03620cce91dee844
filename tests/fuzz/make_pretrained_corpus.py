"""make_pretrained_corpus.py: writes tests/fuzz/corpus/pretrained: Hugging Face folders of a few hundred weights, each
in one file as fuzz_pretrained.c reads it, whole ones and damaged ones.

    python3 tests/fuzz/make_pretrained_corpus.py
"""
import json
import pathlib
import random
import struct

from make_tokenizer_corpus import BERT, PIECE, WORDS, added, template, tokenizer

FOLDER = pathlib.Path(__file__).parent / "corpus" / "pretrained"
NAMES = ["config.json", "model.safetensors", "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json",
         "vocab.txt", "modules.json", "1_Pooling/config.json", "a.safetensors", "b.safetensors", "vocab.json",
         "merges.txt", "special_tokens_map.json", "added_tokens.json", "spiece.model", "textclf.json",
         "adapter_config.json", "adapter_model.safetensors"]
ROWS, WIDTH, INNER, POSITIONS = 17, 4, 6, 12
TOKENIZER = json.dumps(tokenizer(PIECE, BERT, {"type": "BertPreTokenizer"}, template("[CLS]", "[SEP]"),
                                 [added("[MASK]", 4), added("[CLS]", 2), added("[SEP]", 3)]))
MODULES = json.dumps([{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
                      {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                      {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])


def linear(name, out, inner, bias=True):
    return {name + ".weight": [out, inner], **({name + ".bias": [out]} if bias else {})}


def norm(name):
    return {name + ".weight": [WIDTH], name + ".bias": [WIDTH]}


def bert(prefix="bert.", head=True):
    layer = prefix + "encoder.layer.0."
    tensors = {prefix + "embeddings.word_embeddings.weight": [ROWS, WIDTH],
               prefix + "embeddings.position_embeddings.weight": [POSITIONS, WIDTH],
               prefix + "embeddings.token_type_embeddings.weight": [2, WIDTH], **norm(prefix + "embeddings.LayerNorm")}
    for name in ("query", "key", "value"):
        tensors.update(linear(f"{layer}attention.self.{name}", WIDTH, WIDTH))
    tensors.update({**linear(layer + "attention.output.dense", WIDTH, WIDTH),
                    **norm(layer + "attention.output.LayerNorm"), **linear(layer + "intermediate.dense", INNER, WIDTH),
                    **linear(layer + "output.dense", WIDTH, INNER), **norm(layer + "output.LayerNorm"),
                    **linear(prefix + "pooler.dense", WIDTH, WIDTH)})
    return {**tensors, **(linear("classifier", 2, WIDTH) if head else {})}


def gpt2(prefix="transformer."):
    layer = prefix + "h.0."
    return {prefix + "wte.weight": [ROWS, WIDTH], prefix + "wpe.weight": [POSITIONS, WIDTH], **norm(layer + "ln_1"),
            layer + "attn.c_attn.weight": [WIDTH, 3 * WIDTH], layer + "attn.c_attn.bias": [3 * WIDTH],
            layer + "attn.c_proj.weight": [WIDTH, WIDTH], layer + "attn.c_proj.bias": [WIDTH], **norm(layer + "ln_2"),
            layer + "mlp.c_fc.weight": [WIDTH, INNER], layer + "mlp.c_fc.bias": [INNER],
            layer + "mlp.c_proj.weight": [INNER, WIDTH], layer + "mlp.c_proj.bias": [WIDTH], **norm(prefix + "ln_f"),
            "score.weight": [2, WIDTH]}


def safetensors(tensors, dtype="F32", seed=1):
    chosen, header, data = random.Random(seed), {}, b""
    for name, shape in tensors.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = [chosen.uniform(-0.5, 0.5) for _ in range(count)]
        part = struct.pack(f"<{count}{'e' if dtype == 'F16' else 'f'}", *values)
        if dtype == "BF16":
            part = b"".join(part[i + 2:i + 4] for i in range(0, len(part), 4))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def config(kind="bert", **keys):
    sizes = {"n_embd": WIDTH, "n_layer": 1, "n_head": 2, "n_inner": INNER, "n_positions": POSITIONS} if kind == "gpt2" \
        else {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": INNER,
              "max_position_embeddings": POSITIONS}
    return json.dumps({"model_type": kind, "vocab_size": ROWS, "id2label": {"0": "a", "1": "b"}, **sizes, **keys})


def shards(tensors, lost=False):
    names = list(tensors)
    half = len(names) // 2
    parts = {"a.safetensors": {name: tensors[name] for name in names[:half]},
             "b.safetensors": {name: tensors[name] for name in names[half + lost:]}}
    index = {"metadata": {"total_size": 1}, "weight_map": {name: "a.safetensors" if number < half else "b.safetensors"
                                                           for number, name in enumerate(names)}}
    return {"model.safetensors.index.json": json.dumps(index), **{name: safetensors(part) for name, part in
                                                                  parts.items()}}


def adapters(tensors, rank=2, **keys):
    """Of the weights named: a folder of PEFT's beside WHOLE."""
    pairs = {}
    for name, (inner, out) in tensors.items():
        pairs.update({f"base_model.model.{name}.lora_A.weight": [rank, inner],
                      f"base_model.model.{name}.lora_B.weight": [out, rank]})
    pairs.update({"base_model.model." + name: shape for name, shape in linear("classifier", 3, WIDTH).items()})
    settings = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": rank, "lora_alpha": 3, "bias": "none",
                "target_modules": ["query"], "modules_to_save": ["classifier"], "fan_in_fan_out": False, **keys}
    return {"adapter_config.json": json.dumps(settings), "adapter_model.safetensors": safetensors(pairs, seed=3)}


QUERY = {"bert.encoder.layer.0.attention.self.query": (WIDTH, WIDTH)}
DOWN = {"bert.encoder.layer.0.attention.output.dense": (WIDTH, WIDTH),
        "bert.encoder.layer.0.output.dense": (INNER, WIDTH)}
SETTINGS = json.dumps({"format_version": 1, "labels": ["x", "y", "z"], "thresholds": [0.25, 0.5, 1],
                       "options": {"task": "multilabel", "max_length": "8", "pooling": "mean", "pooler": "none"}})
WHOLE = {"config.json": config(), "model.safetensors": safetensors(bert()), "tokenizer.json": TOKENIZER}
FOLDERS = {
    "bert": WHOLE,
    "bert_bf16": {**WHOLE, "model.safetensors": safetensors(bert(), "BF16")},
    "bert_f16_body": {**WHOLE, "model.safetensors": safetensors(bert("", False), "F16")},
    "bert_shards": {"config.json": config(), "tokenizer.json": TOKENIZER, **shards(bert())},
    "bert_shard_lost": {"config.json": config(), "tokenizer.json": TOKENIZER, **shards(bert(), True)},
    "bert_vocab": {"config.json": config(), "model.safetensors": WHOLE["model.safetensors"],
                   "vocab.txt": "".join(word + "\n" for word in WORDS),
                   "tokenizer_config.json": '{"do_lower_case": true}'},
    "bert_older": {"config.json": config(), "model.safetensors": WHOLE["model.safetensors"],
                   "vocab.txt": "".join(word + "\n" for word in WORDS[:-2]),
                   "tokenizer_config.json": '{"do_lower_case": true}',
                   "special_tokens_map.json": '{"mask_token": {"content": "<m>", "lstrip": true}, "pad_token": "[PAD]",'
                                              ' "additional_special_tokens": ["<x>"]}',
                   "added_tokens.json": '{"alone": 15, "<m>": 16}'},
    "bert_sentencepiece": {"config.json": config(), "model.safetensors": WHOLE["model.safetensors"],
                           "spiece.model": "x"},
    "bert_mean": {**WHOLE, "modules.json": MODULES, "1_Pooling/config.json": '{"pooling_mode_mean_tokens": true}'},
    "bert_dense": {**WHOLE, "modules.json": MODULES.replace("Normalize", "Dense"),
                   "1_Pooling/config.json": '{"pooling_mode_cls_token": true}'},
    "bert_short": {**WHOLE, "model.safetensors": WHOLE["model.safetensors"][:-1]},
    "bert_layers": {**WHOLE, "config.json": config(num_hidden_layers=128)},
    "bert_wide": {**WHOLE, "config.json": config(hidden_size=16384)},
    "bert_settings": {**WHOLE, "textclf.json": '{"options":{"max_length":"6","truncate":"both"},"untrained_head":true}'},
    "bert_adapters": {**WHOLE, **adapters(QUERY)},
    "bert_adapters_settings": {**WHOLE, **adapters(DOWN), "textclf.json": SETTINGS},
    "bert_adapters_outside": {**WHOLE, **adapters({**QUERY, "bert.pooler.dense": (WIDTH, WIDTH)})},
    "bert_adapters_rank": {**WHOLE, **adapters(QUERY, r=1000)},
    "bert_adapters_dora": {**WHOLE, **adapters(QUERY, use_dora=True)},
    "gpt2": {"config.json": config("gpt2"), "model.safetensors": safetensors(gpt2()), "tokenizer.json": TOKENIZER},
}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, files in FOLDERS.items():
        packed = b""
        for file, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            packed += bytes([NAMES.index(file)]) + len(content).to_bytes(3, "little") + content
        (FOLDER / name).write_bytes(packed)


if __name__ == "__main__":
    main()

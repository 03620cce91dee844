"""Writes what transformers computes in float64 for small models of each family, with random weights.

usage: make_transformer_golden.py FOLDER [CASE ...]     one file transformer_CASE.safetensors per case

Tensors of a file, rows being texts and P a parameter's name in transformers:
  init.P F32 · ids I32 (tokens) · offsets I64 (rows + 1) · weights F32 (rows), the sample weights · labels I32 (rows)
  hidden F64 (tokens, width), what the last layer gives · pooled F64 (rows, width) · logits F64 (rows, labels)
  loss F64 (1) · grad.P F32 · after.P F32, the weights after STEPS steps of AdamW on all rows
Metadata: the options by their names in the library, label_count and vocab_size; `steps`, and `training`, the options of
those steps as "key=value key=value ...".
Each text goes through the model alone, so that there is no padding. Made with transformers 5.24 and torch 2.15; cases
with adapters with peft, whose matrices are named BODY.lora_A.weight and BODY.lora_B.weight. A tensor that is frozen has
no grad.
"""
import argparse
from pathlib import Path

import numpy as np
import peft
import torch
import transformers
from torch.nn import functional

from tensor_file import write_tensors

STEPS = 5
LEARNING_RATE, WEIGHT_DECAY = 0.002, 0.05
WIDTH, INNER, WORDS, POSITIONS, LABELS = 20, 28, 13, 18, 3
LENGTHS = (5, 1, 18, 3, 11, 16, 2)
TOLERANCE = 1e-4
MAX_SHARE = 0.25            # of the tolerance, used up by PyTorch's own float32
ENCODER = dict(vocab_size=WORDS, hidden_size=WIDTH, num_hidden_layers=2, intermediate_size=INNER, num_labels=LABELS)

# {case: (class, config, options of the library, how it is pooled)}
CASES = {
    "bert": ("Bert", dict(ENCODER, num_attention_heads=2, max_position_embeddings=POSITIONS),
             dict(family="bert", num_heads=2, segments=2, pooling="cls", pooler="tanh"), "cls"),
    "mean": ("Bert", dict(ENCODER, num_attention_heads=4, max_position_embeddings=POSITIONS, hidden_act="gelu_new"),
             dict(family="bert", num_heads=4, segments=2, pooling="mean", pooler="none", activation="gelu_tanh"),
             "mean"),
    "roberta": ("Roberta", dict(ENCODER, num_attention_heads=2, max_position_embeddings=POSITIONS + 2,
                                type_vocab_size=1, pad_token_id=1),
                dict(family="roberta", num_heads=2, segments=1, position_offset=2, pooling="cls", pooler="tanh"),
                "cls"),
    "xlm_roberta": ("XLMRoberta", dict(ENCODER, num_attention_heads=5, max_position_embeddings=POSITIONS + 2,
                                       type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5),
                    dict(family="xlm_roberta", num_heads=5, segments=1, position_offset=2, pooling="cls",
                         pooler="tanh", layer_norm_epsilon="0.00001"), "cls"),
    "distilbert": ("DistilBert", dict(vocab_size=WORDS, dim=WIDTH, n_layers=2, n_heads=2, hidden_dim=INNER,
                                      max_position_embeddings=POSITIONS, num_labels=LABELS),
                   dict(family="distilbert", num_heads=2, segments=0, pooling="cls", pooler="relu"), "cls"),
    "gpt2": ("GPT2", dict(vocab_size=WORDS, n_embd=WIDTH, n_layer=2, n_head=2, n_inner=INNER, n_positions=POSITIONS,
                          num_labels=LABELS),
             dict(arch="gpt", family="gpt2", num_heads=2, pooling="last", activation="gelu_tanh",
                  layer_norm_epsilon="0.00001"), "last"),
}
# {case: (case it is like, adapters, more options of the library)}; the pooler belongs to the library's head.
ADAPTED = {
    "lora_bert": ("bert", dict(r=3, lora_alpha=6, target_modules=["query", "value", "intermediate.dense"],
                               modules_to_save=["classifier", "pooler"]),
                  dict(lora_rank=3, lora_alpha=6, lora_targets="query,value,intermediate.dense")),
    "lora_gpt2": ("gpt2", dict(r=2, lora_alpha=5, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True),
                  dict(lora_rank=2, lora_alpha=5, lora_targets="c_attn,c_proj")),
}
# {case: (case it is like, parameters that are trained begin with one of these, more options)}
FROZEN = {"frozen_bert": ("bert", ("bert.encoder.layer.1.", "bert.pooler.", "classifier."), "freeze=layers=1")}
CASES |= {case: (*CASES[like][:2], CASES[like][2] | more, CASES[like][3])
          for case, (like, _, more) in ADAPTED.items()}
CASES |= {case: CASES[like] for case, (like, _, _) in FROZEN.items()}


def new_model(case, dtype, init=None):
    name, keywords, _, pooling = CASES[case]
    config = getattr(transformers, f"{name}Config")(**keywords, attn_implementation="eager")
    model = getattr(transformers, f"{name}ForSequenceClassification")(config)
    if pooling == "mean":
        model.bert.pooler = None
    if case in ADAPTED:
        model = peft.get_peft_model(model, peft.LoraConfig(task_type="SEQ_CLS", lora_dropout=0, **ADAPTED[case][1]))
    for parameter_name, parameter in model.named_parameters() if case in FROZEN else ():
        parameter.requires_grad_(parameter_name.startswith(FROZEN[case][1]))
    if init is None:
        with torch.no_grad():
            for parameter_name, parameter in model.named_parameters():
                gain = parameter.ndim == 1 and parameter_name.endswith("weight")
                parameter.normal_(1.0 if gain else 0.0, 0.3 if parameter.ndim > 1 else 0.2)
    else:
        model.load_state_dict(init)
    return model.to(dtype).eval()


def named(model):
    """Parameters by the library's names, without those that peft keeps beside the ones that it trains."""
    for name, parameter in model.named_parameters():
        if "original_module" not in name:
            for part in ("base_model.model.", ".base_layer", ".default", ".modules_to_save"):
                name = name.replace(part, "")
            yield name, parameter


def run_row(model, case, ids):
    """(tokens, width), (width), (labels) of one text"""
    model = model.get_base_model() if case in ADAPTED else model
    body = getattr(model, model.base_model_prefix)
    ids = torch.from_numpy(ids.astype(np.int64))[None]
    hidden = body(input_ids=ids).last_hidden_state[0]
    pooled = {"cls": hidden[0], "mean": hidden.mean(dim=0), "last": hidden[-1]}[CASES[case][3]]
    if CASES[case][3] == "mean":
        return hidden, pooled, model.classifier(pooled)
    return hidden, pooled, model(input_ids=ids).logits[0]


def loss_of(model, case, batch):
    logits = torch.stack([run_row(model, case, row)[2] for row in batch["rows"]])
    weights = torch.from_numpy(batch["weights"]).to(logits)
    each = functional.cross_entropy(logits, torch.from_numpy(batch["labels"]).long(), reduction="none")
    return (weights * each).sum() / weights.sum()


def compute(case, batch, init, dtype):
    model = new_model(case, dtype, init)
    parts = [run_row(model, case, row) for row in batch["rows"]]
    loss = loss_of(model, case, batch)
    loss.backward()
    tensors = {"hidden": torch.cat([part[0] for part in parts]), "pooled": torch.stack([part[1] for part in parts]),
               "logits": torch.stack([part[2] for part in parts]), "loss": loss.reshape(1)}
    tensors |= {f"grad.{name}": parameter.grad for name, parameter in named(model) if parameter.requires_grad}
    model = new_model(case, dtype, init)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trained if parameter.ndim > 1]
    others = [parameter for parameter in trained if parameter.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": WEIGHT_DECAY},
                                   {"params": others, "weight_decay": 0.0}], lr=LEARNING_RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_of(model, case, batch).backward()
        optimizer.step()
    tensors |= {f"after.{name}": parameter for name, parameter in named(model)}
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def has_no_gradient(name):
    """A key's bias shifts all scores of a query alike: its gradient is rounding, which Adam makes a whole step of."""
    return name.endswith(("key.bias", "k_lin.bias", "c_attn.bias"))


def check_in_reach(exact, rounded):
    """PyTorch's own float32 must meet the tolerance, or the case asks more of the library than float32 can give."""
    norm = np.sqrt(sum((array ** 2).sum() for key, array in exact.items() if key.startswith("grad.")))
    for key, array in exact.items():
        distance = np.abs(array - rounded[key])
        if key.startswith("grad."):
            share = np.linalg.norm(distance) / (TOLERANCE * norm)
        elif key.startswith("after."):
            share = 0 if has_no_gradient(key) else np.linalg.norm(distance) / (TOLERANCE * np.linalg.norm(array))
        else:
            share = (distance / (TOLERANCE * np.maximum(1, np.abs(array)))).max()
        assert share <= MAX_SHARE, f"float32 uses {share:.2f} of the tolerance of {key}"


def make_case(path, case, seed):
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    batch = {"rows": [random.integers(2, WORDS, length) for length in LENGTHS],     # 1 is RoBERTa's padding
             "weights": random.uniform(0.25, 2, len(LENGTHS)).astype(np.float32),
             "labels": random.integers(0, LABELS, len(LENGTHS)).astype(np.int32)}
    begin = new_model(case, torch.float32)
    init = begin.state_dict()
    exact = compute(case, batch, init, torch.float64)
    check_in_reach(exact, compute(case, batch, init, torch.float32))
    narrow = {key: array.astype(np.float32) if key.startswith(("grad.", "after.")) else array
              for key, array in exact.items()}
    tensors = {f"init.{name}": parameter.detach().numpy() for name, parameter in named(begin)}
    tensors |= {"ids": np.concatenate(batch["rows"]).astype(np.int32),
                "offsets": np.cumsum([0, *LENGTHS]).astype(np.int64), "weights": batch["weights"],
                "labels": batch["labels"]} | narrow
    options = {"task": "classify", "arch": "bert", "num_layers": 2, "hidden_dim": WIDTH, "intermediate_dim": INNER,
               "positions": POSITIONS, "max_length": POSITIONS, "position_offset": 0, "dropout": 0,
               "embedding_dropout": 0, "attention_dropout": 0, "head_dropout": 0} | CASES[case][2]
    metadata = {key: str(value) for key, value in options.items()}
    metadata |= {"label_count": str(LABELS), "vocab_size": str(WORDS), "steps": str(STEPS), "training":
                 f"optimizer=adamw schedule=constant warmup_ratio=0 clip_norm=0 learning_rate={LEARNING_RATE} "
                 f"weight_decay={WEIGHT_DECAY} {FROZEN[case][2] if case in FROZEN else ''}".rstrip()}
    write_tensors(path, tensors, metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for case in arguments.cases:
        number = list(CASES).index(case)
        path = arguments.folder / f"transformer_{case}.safetensors"
        make_case(path, case, 77 + number)
        print(f"{path.name} {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

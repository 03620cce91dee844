"""fine_tuning.py: test accuracy after fine-tuning all-MiniLM-L6-v2, the program beside transformers, over three seeds.

usage: fine_tuning.py --results FILE.jsonl [--sets trec mr ...] [--way full frozen lora] [--threads 2] [--table] [--json]
  full     the whole model, [CLS] and pooler as in ...ForSequenceClassification; transformers trains with the same epochs,
           batches of 32, AdamW, linear schedule after a tenth of warm-up, clipping at 1, dropout of the checkpoint
  frozen   the encoder as it is, mean pooling, our head with its defaults; beside scikit-learn's logistic regression on the
           same embeddings of transformers, normalized, C of {1, 10, 100} chosen on a tenth of train
  lora     ours with adapters of rank 8 beside ours in full
Texts are cut at 128 tokens (frozen: 256) on both sides. The bars are those of seeds.py.
"""
import json
import tempfile
import time
from pathlib import Path

import common
import seeds
import transformer_folder
from processes import run

SETS = {
    "trec": {"seeds": 3, "epochs": 3, "rate": 5e-5},
    "mr": {"seeds": 3, "epochs": 3, "rate": 5e-5},
    "banking77": {"seeds": 3, "epochs": 5, "rate": 1e-4},
    "waimai": {"seeds": 3, "epochs": 3, "rate": 5e-5},
}
FROZEN_SETS = {name: {"seeds": 1} for name in ("trec", "mr", "agnews_small", "banking77")}
BATCH, CAP, FROZEN_CAP, DECAY, WARMUP, CLIP = 32, 128, 256, 0.01, 0.1, 1.0
LORA = ["--lora-rank", "8", "--learning-rate", "1e-3"]


class Data:
    """A set, and the folder of MiniLM with an output layer for its labels."""

    def __init__(self, name, options, settings):
        self.name, self.settings, self.threads, self.program = name, settings, options.threads, options.program
        self.train, self.test, self.names = common.read_set(name)
        self.files = [common.data_folder() / f"{name}.{part}.tsv.gz" for part in ("train", "test")]


def ours(data, seed, arguments):
    """The program from raw text to accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/model.safetensors"
        trained = run([data.program, "train", "--pretrained", str(transformer_folder.minilm_folder()), "--input",
                       str(data.files[0]), "--output", model, "--seed", str(seed), "--threads", str(data.threads),
                       *arguments])
        judged = json.loads(run([data.program, "eval", "--model", model, "--input", str(data.files[1]), "--threads",
                                 str(data.threads), "--json"]).text)
    return {"accuracy": judged["accuracy"], "train_seconds": round(trained.seconds, 1),
            "resident_mb": round(trained.resident_mb)}


def budget(data):
    return ["--pooling", "cls", "--epochs", str(data.settings["epochs"]), "--batch-size", str(BATCH), "--optimizer",
            "adamw", "--learning-rate", str(data.settings["rate"]), "--weight-decay", str(DECAY), "--schedule", "linear",
            "--warmup-ratio", str(WARMUP), "--clip-norm", str(CLIP), "--max-length", str(CAP), "--truncate", "head"]


def run_full(data, seed):
    return ours(data, seed, budget(data))


def run_lora(data, seed):
    arguments = budget(data)
    at = arguments.index("--learning-rate")
    return ours(data, seed, arguments[:at] + arguments[at + 2:] + LORA)


def run_frozen(data, seed):
    return ours(data, seed, ["--freeze", "encoder", "--pooling", "mean", "--max-length", str(FROZEN_CAP), "--truncate",
                             "head"])


def encoded(tokenizer, texts, cap):
    return tokenizer(texts, truncation=True, max_length=cap)["input_ids"]


def padded(rows, torch):
    length = max(map(len, rows))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for at, row in enumerate(rows):
        ids[at, :len(row)], mask[at, :len(row)] = torch.tensor(row), 1
    return ids, mask


def run_transformers(data, seed):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup
    transformer_folder.be_quiet()
    torch.set_num_threads(data.threads)
    torch.manual_seed(seed)
    source = transformer_folder.minilm_folder()
    tokenizer = AutoTokenizer.from_pretrained(source)
    module = AutoModelForSequenceClassification.from_pretrained(source, num_labels=len(data.names))
    ids, labels = encoded(tokenizer, data.train.texts, CAP), torch.tensor(data.train.labels)
    optimizer = torch.optim.AdamW(module.parameters(), data.settings["rate"], weight_decay=DECAY, fused=True)
    steps = -(-len(ids) // BATCH) * data.settings["epochs"]
    schedule = get_linear_schedule_with_warmup(optimizer, round(WARMUP * steps), steps)
    start = time.perf_counter()
    module.train()
    for _ in range(data.settings["epochs"]):
        order = torch.randperm(len(ids)).tolist()
        for at in range(0, len(order), BATCH):
            rows = order[at:at + BATCH]
            inputs, mask = padded([ids[row] for row in rows], torch)
            optimizer.zero_grad()
            module(inputs, attention_mask=mask, labels=labels[rows]).loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), CLIP)
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - start
    module.eval()
    ids, right = encoded(tokenizer, data.test.texts, CAP), 0
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    with torch.inference_mode():
        for at in range(0, len(order), 64):
            rows = order[at:at + 64]
            inputs, mask = padded([ids[row] for row in rows], torch)
            right += (module(inputs, attention_mask=mask).logits.argmax(1)
                      == torch.tensor([data.test.labels[row] for row in rows])).sum().item()
    return {"accuracy": right / len(order), "train_seconds": round(seconds, 1)}


def embeddings(texts, threads):
    import numpy
    import torch
    from transformers import AutoModel, AutoTokenizer
    transformer_folder.be_quiet()
    torch.set_num_threads(threads)
    source = transformer_folder.minilm_folder()
    tokenizer, module = AutoTokenizer.from_pretrained(source), AutoModel.from_pretrained(source).eval()
    ids = encoded(tokenizer, texts, FROZEN_CAP)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    out = numpy.empty((len(ids), module.config.hidden_size), numpy.float32)
    with torch.inference_mode():
        for at in range(0, len(order), 64):
            rows = order[at:at + 64]
            inputs, mask = padded([ids[row] for row in rows], torch)
            states, kept = module(inputs, attention_mask=mask).last_hidden_state, mask.unsqueeze(-1)
            out[rows] = torch.nn.functional.normalize((states * kept).sum(1) / kept.sum(1), dim=1).numpy()
    return out


def run_regression(data, seed):
    from sklearn.linear_model import LogisticRegression
    start = time.perf_counter()
    train, test = (embeddings(part.texts, data.threads) for part in (data.train, data.test))
    kept, held_out = common.held_out_split(data.name, len(data.train.texts))
    labels = data.train.labels

    def score(strength):
        fitted = LogisticRegression(C=strength, max_iter=1000).fit(train[kept], [labels[row] for row in kept])
        return fitted.score(train[held_out], [labels[row] for row in held_out])
    best = LogisticRegression(C=max((1, 10, 100), key=score), max_iter=1000).fit(train, labels)
    return {"accuracy": best.score(test, data.test.labels), "train_seconds": round(time.perf_counter() - start, 1)}


WAYS = {"full": (SETS, {"ours": run_full, "transformers": run_transformers}),
        "frozen": (FROZEN_SETS, {"ours frozen": run_frozen, "regression": run_regression}),
        "lora": (SETS, {"ours lora": run_lora, "ours": run_full})}


def main():
    parser = seeds.parser(__doc__, {**SETS, **FROZEN_SETS})
    parser.set_defaults(sets=None)
    parser.add_argument("--way", choices=WAYS, default="full")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--program", default=str(common.ROOT / "build" / "src" / "textclf"))
    options = parser.parse_args()
    sets, sides = WAYS[options.way]
    options.sets = [name for name in options.sets or sets if name in sets]
    if not Path(options.program).exists():
        raise SystemExit(f"{options.program} is not there; --program names the textclf program")
    seeds.run_and_print(options, sets, sides, lambda name: Data(name, options, sets[name]))


if __name__ == "__main__":
    main()

"""Ten optimizer steps of a PyTorch module, for the optimizers whose weights afterwards are golden values.

OPTIMIZERS names each by the library's own option names and values; that text is stored beside the values. Options that
it leaves out are at the library's defaults, except that every value an optimizer uses is spelled out (Adagrad's
epsilon is PyTorch's 1e-10). weight_decay is added to the gradient, except in adamw, where it shrinks the weight.
The rate of step s = 1, 2, ... is learning_rate times s / warmup_steps up to warmup_steps, then falls to 0 at
total_steps: linearly, or as half a cosine.
Every step takes all rows of the batch, but *_halves take its first half and its last half by turns: words of the other
half then have no gradient, and dense Adam moves them all the same, sparse Adam does not.
"""
import math

import torch

STEPS = 10
_ADAM = "optimizer=adam learning_rate=0.01 beta1=0.9 beta2=0.999 epsilon=1e-8"
OPTIMIZERS = {
    "sgd": "optimizer=sgd learning_rate=0.1 momentum=0 weight_decay=0",
    "sgd_momentum": "optimizer=sgd learning_rate=0.1 momentum=0.9 weight_decay=0.01",
    "sgd_clip": "optimizer=sgd learning_rate=0.1 momentum=0 weight_decay=0 clip_norm=0.1",
    "adam": f"{_ADAM} weight_decay=0",
    "adam_decay": f"{_ADAM} weight_decay=0.01",
    "adamw": f"{_ADAM.replace('adam', 'adamw')} weight_decay=0.1",
    "adagrad": "optimizer=adagrad learning_rate=0.1 epsilon=1e-10 weight_decay=0",
    "sparse_adam": f"{_ADAM} weight_decay=0 sparse_embedding=true",
    "adam_halves": f"{_ADAM} weight_decay=0",
    "sparse_adam_halves": f"{_ADAM} weight_decay=0 sparse_embedding=true",
    "adam_clip": f"{_ADAM} weight_decay=0 clip_norm=0.1",
    "adam_cosine": f"{_ADAM} weight_decay=0 schedule=cosine warmup_steps=3 total_steps=10",
    "adam_linear": f"{_ADAM} weight_decay=0 schedule=linear warmup_steps=3 total_steps=10",
}


def rows_of_steps(name, row_count):
    """The rows that each step takes: STEPS lists of indices"""
    half = row_count // 2
    if name.endswith("_halves"):
        return [list(range(half)) if step % 2 else list(range(row_count - half, row_count))
                for step in range(1, STEPS + 1)]
    return [list(range(row_count))] * STEPS


def take_steps(model, name, row_count, loss_function):
    """Moves the model STEPS steps; returns the loss before each. loss_function takes a list of rows."""
    options = dict(pair.split("=") for pair in OPTIMIZERS[name].split())
    optimizers, losses = _optimizers(model, options), []
    for step, rows in enumerate(rows_of_steps(name, row_count), 1):
        model.zero_grad()
        loss = loss_function(rows)
        loss.backward()
        if "clip_norm" in options:
            torch.nn.utils.clip_grad_norm_(model.parameters(), float(options["clip_norm"]))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = (float(options["learning_rate"]) * schedule_factor(options, step)
                               * group.get("layer_factor", 1.0))
            optimizer.step()
        losses.append(loss.item())
    return losses


def schedule_factor(options, step):
    if "schedule" not in options:
        return 1.0
    warmup, total = int(options["warmup_steps"]), int(options["total_steps"])
    if step <= warmup:
        return step / warmup
    if options["schedule"] == "linear":
        return max(0.0, (total - step) / (total - warmup))
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def _optimizers(model, options):
    """More than one where the embedding has its own"""
    kind, rate = options["optimizer"], float(options["learning_rate"])
    if kind == "sgd":
        return [torch.optim.SGD(model.parameters(), rate, float(options["momentum"]),
                                weight_decay=float(options["weight_decay"]))]
    keywords = {"lr": rate, "eps": float(options["epsilon"])}
    if kind == "adagrad":
        return [torch.optim.Adagrad(model.parameters(), **keywords, weight_decay=float(options["weight_decay"]))]
    keywords["betas"] = (float(options["beta1"]), float(options["beta2"]))
    if options.get("sparse_embedding") == "true":
        rest = [parameter for name, parameter in model.named_parameters() if name != "embedding.weight"]
        return [torch.optim.SparseAdam([model.embedding.weight], **keywords), torch.optim.Adam(rest, **keywords)]
    family = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    if "layer_decay" in options:
        levels, decay = {"embedding.weight": 2, "fc.weight": 1, "fc.bias": 0}, float(options["layer_decay"])
        groups = [{"params": [parameter], "layer_factor": decay ** levels[name],
                   "weight_decay": 0.0 if name == "fc.bias" else float(options["weight_decay"])}
                  for name, parameter in model.named_parameters()]
        return [family(groups, **keywords)]
    return [family(model.parameters(), **keywords, weight_decay=float(options["weight_decay"]))]

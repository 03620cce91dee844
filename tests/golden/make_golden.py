"""Writes what PyTorch computes in float64 for small models: logits, loss, gradients and ten optimizer steps.

usage: make_golden.py FOLDER        one safetensors file per case of CASES

Tensors of a file, rows being texts and P a parameter's name in PyTorch (embedding.weight, lstm.weight_ih_l0, ...):
  init.P F32 · ids I32 (tokens) · offsets I64 (rows + 1) · weights F32 (rows), the sample weights
  labels I32 (rows) or targets F32 (rows, labels) · class_weights F32 (labels), only where used
  logits F64 (rows, labels) · loss F64 (1) · grad.P F64
  for every optimizer O where ten steps were taken, each from init: rows.O I32 (10, rows of a step), the rows that each
  step takes · losses.O F64 (10), the loss before each step · after.O.P F64, the weights after the tenth
Metadata: the options by their names in the library, label_count, and `opt.O` = "key=value key=value ...".
"""
import argparse
import itertools
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from golden_steps import OPTIMIZERS, STEPS, rows_of_steps, take_steps
from tensor_file import read_tensors, write_tensors
from torch_model import TextClassifier, pad_rows

TOLERANCE = 1e-5            # of the library against these values
MAX_POOLING_MARGIN = 1e-5   # least distance of the two greatest outputs: float32 must pick the same token
MAX_SHARE = 0.25            # of the tolerance, used up by PyTorch's own float32
TOTAL_BYTES = 1_200_000

SMALL = {"vocab_size": 13, "embedding_dim": 5, "hidden_dim": 6, "label_count": 3}
LOSSES = {"classify": "cross_entropy", "multilabel": "bce", "regress": "mse"}


class Unsuitable(Exception):
    """These random values make a poor case; the next seed may not."""


def cases():
    """{name: settings}"""
    table = {}
    for num_layers in (1, 2):
        for bidirectional in (False, True):
            for pooling in ("last", "mean", "max"):
                name = f"ce_l{num_layers}_{'bi' if bidirectional else 'uni'}_{pooling}"
                table[name] = {"num_layers": num_layers, "bidirectional": bidirectional, "pooling": pooling,
                               "empty_row": pooling != "max" or bidirectional}
    table["ce_l2_bi_mean"]["steps"] = True
    table["ce_h20_last"] = {"vocab_size": 29, "embedding_dim": 17, "hidden_dim": 20, "steps": True}
    table["ce_h33_bi_mean"] = {"vocab_size": 29, "embedding_dim": 9, "hidden_dim": 33, "bidirectional": True,
                               "pooling": "mean"}
    table["ce_weighted"] = {"class_weights": [0.5, 2.0, 1.25], "label_smoothing": 0.1, "weighted": True}
    table["bce"] = {"task": "multilabel", "label_count": 4, "weighted": True}
    table["mse"] = {"task": "regress", "weighted": True}
    defaults = {**SMALL, "task": "classify", "num_layers": 1, "bidirectional": False, "pooling": "last",
                "empty_row": True, "weighted": False, "class_weights": None, "label_smoothing": 0.0, "steps": False}
    return {name: {**defaults, **case} for name, case in table.items()}


def new_model(case, dtype, init=None, **keywords):
    sizes = ("vocab_size", "embedding_dim", "hidden_dim", "label_count", "num_layers", "bidirectional", "pooling")
    model = TextClassifier(**{key: case[key] for key in sizes}, **keywords)
    if init is None:
        with torch.no_grad():
            model.embedding.weight[0] = 0       # <unk>
    else:
        model.load_state_dict(init)
    return model.to(dtype)


def new_batch(case, random):
    """A ragged batch of 6 to 9 texts of 1 to 9 tokens, the longest not first, ids repeated within and across texts."""
    lengths = random.permutation(9)[:int(random.integers(6, 10))] + 1
    if case["empty_row"]:
        lengths[len(lengths) // 2] = 0
    rows = [torch.from_numpy(random.integers(0, case["vocab_size"], length)) for length in lengths]
    rows[-1][:] = rows[-1][0]                   # one text is one word over and over
    count = len(rows)
    weights = random.uniform(0.25, 2, count).astype(np.float32) if case["weighted"] else np.ones(count, np.float32)
    if case["weighted"]:
        weights[1] = 0
    if case["task"] == "classify":
        truth = np.concatenate([np.arange(case["label_count"]),
                                random.integers(0, case["label_count"], count - case["label_count"])]).astype(np.int32)
        random.shuffle(truth)
    elif case["task"] == "multilabel":
        truth = (random.random((count, case["label_count"])) < 0.4).astype(np.float32)
    else:
        truth = random.normal(0, 1.5, (count, case["label_count"])).astype(np.float32)
    return {"rows": rows, "weights": weights, "truth": truth}


def loss_of(logits, batch, case):
    """The weighted mean over rows; classify divides by the sum of weight x class weight."""
    weights, truth = torch.from_numpy(batch["weights"]).to(logits), torch.from_numpy(batch["truth"])
    if case["task"] == "classify":
        classes = logits.new_ones(case["label_count"])
        if case["class_weights"] is not None:
            classes = torch.tensor(case["class_weights"], dtype=torch.float32).to(logits)
        each = functional.cross_entropy(logits, truth.long(), weight=classes, reduction="none",
                                        label_smoothing=case["label_smoothing"])
        return (weights * each).sum() / (weights * classes[truth.long()]).sum()
    function = {"multilabel": functional.binary_cross_entropy_with_logits, "regress": functional.mse_loss}[case["task"]]
    each = function(logits, truth.to(logits), reduction="none").mean(dim=1)
    return (weights * each).sum() / weights.sum()


def loss_of_rows(model, rows, batch, case):
    part = {"rows": [batch["rows"][row] for row in rows], "weights": batch["weights"][rows],
            "truth": batch["truth"][rows]}
    return loss_of(model(*pad_rows(part["rows"])), part, case)


def check_loss_of(logits, batch, case):
    """On unit weights it must be what PyTorch's own mean reduction gives, class weights and smoothing included."""
    unit = {**batch, "weights": np.ones_like(batch["weights"])}
    truth = torch.from_numpy(batch["truth"])
    if case["task"] == "classify":
        classes = case["class_weights"] and torch.tensor(case["class_weights"], dtype=logits.dtype)
        expected = functional.cross_entropy(logits, truth.long(), weight=classes,
                                            label_smoothing=case["label_smoothing"])
    elif case["task"] == "multilabel":
        expected = functional.binary_cross_entropy_with_logits(logits, truth.to(logits))
    else:
        expected = functional.mse_loss(logits, truth.to(logits))
    assert abs(loss_of(logits, unit, case) - expected) < 1e-14, "the loss is not PyTorch's"


def check_max_pooling(model, batch):
    """A near tie would let float32 route the gradient to another token than float64 does."""
    for row in batch["rows"]:
        if len(row) > 1:
            outputs, _ = model.lstm(model.embedding(row[None]))
            greatest = outputs[0].topk(2, dim=0).values
            if (greatest[0] - greatest[1]).min() < MAX_POOLING_MARGIN:
                raise Unsuitable("max pooling is near a tie")


def compute(case, batch, init, dtype):
    """{tensor name: array}: everything that depends on the arithmetic's precision"""
    model = new_model(case, dtype, init)
    ids, lengths = pad_rows(batch["rows"])
    logits = model(ids, lengths)
    loss = loss_of(logits, batch, case)
    loss.backward()
    if dtype == torch.float64:
        check_loss_of(logits.detach(), batch, case)
        if case["pooling"] == "max":
            check_max_pooling(model, batch)
    tensors = {"logits": logits.detach().numpy(), "loss": loss.detach().numpy().reshape(1)}
    tensors |= {f"grad.{name}": parameter.grad.numpy() for name, parameter in model.named_parameters()}
    for optimizer in OPTIMIZERS if case["steps"] else ():
        stepped = new_model(case, dtype, init, sparse_embedding="sparse_embedding=true" in OPTIMIZERS[optimizer])
        losses = take_steps(stepped, optimizer, len(ids), lambda rows: loss_of_rows(stepped, rows, batch, case))
        tensors[f"losses.{optimizer}"] = np.array(losses, tensors["loss"].dtype)
        tensors |= {f"after.{optimizer}.{name}": value.numpy() for name, value in stepped.state_dict().items()}
    return tensors


def check_in_reach(exact, rounded):
    """PyTorch's own float32 must meet the tolerance, or the case asks more of the library than float32 can give."""
    norm = np.sqrt(sum((array ** 2).sum() for key, array in exact.items() if key.startswith("grad.")))
    for key, array in exact.items():
        distance = np.abs(array - rounded[key])
        if key.startswith("grad."):
            share = np.linalg.norm(distance) / (TOLERANCE * norm)
        elif key.startswith("after."):
            share = np.linalg.norm(distance) / (TOLERANCE * np.linalg.norm(array))
        else:
            share = (distance / (TOLERANCE * np.maximum(1, np.abs(array)))).max()
        if share > MAX_SHARE:
            raise Unsuitable(f"float32 uses {share:.2f} of the tolerance of {key}")


def check_optimizers_differ(exact):
    """An optimizer whose weights are another's proves nothing, such as a clip_norm that never clips."""
    ends = {}
    for key, array in exact.items():
        if key.startswith("after.") and key.endswith(".embedding.weight"):
            ends[key] = array
    for one, other in itertools.combinations(ends, 2):
        distance = np.linalg.norm(ends[one] - ends[other]) / np.linalg.norm(ends[other])
        assert distance > 10 * TOLERANCE, f"{one} and {other} differ by {distance:.1e} only"


def make_case(path, case, seed):
    torch.manual_seed(seed)
    batch = new_batch(case, np.random.default_rng(seed))
    init = new_model(case, torch.float32).state_dict()
    exact = compute(case, batch, init, torch.float64)
    check_optimizers_differ(exact)
    check_in_reach(exact, compute(case, batch, init, torch.float32))

    tensors = {f"init.{name}": value.numpy() for name, value in init.items()}
    tensors["ids"] = torch.cat(batch["rows"]).numpy().astype(np.int32)
    tensors["offsets"] = np.cumsum([0] + [len(row) for row in batch["rows"]]).astype(np.int64)
    tensors["weights"] = batch["weights"]
    tensors["labels" if case["task"] == "classify" else "targets"] = batch["truth"]
    if case["class_weights"] is not None:
        tensors["class_weights"] = np.array(case["class_weights"], np.float32)
    for name in OPTIMIZERS if case["steps"] else ():
        tensors[f"rows.{name}"] = np.array(rows_of_steps(name, len(batch["rows"])), np.int32)
    tensors |= exact
    keys = ("task", "num_layers", "pooling", "embedding_dim", "hidden_dim", "vocab_size", "label_count",
            "label_smoothing")
    metadata = {key: str(case[key]) for key in keys}
    metadata |= {"bidirectional": str(case["bidirectional"]).lower(), "loss": LOSSES[case["task"]]}
    metadata |= {f"opt.{name}": text for name, text in OPTIMIZERS.items() if case["steps"]}
    write_tensors(path, tensors, metadata)

    again, metadata_again = read_tensors(path)
    assert metadata_again == metadata and again.keys() == tensors.keys()
    for name, array in tensors.items():
        assert again[name].dtype == array.dtype and np.array_equal(again[name], array), f"{path}: {name} differs"
        assert np.isfinite(array).all(), f"{path}: {name} is not finite"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    total = 0
    for number, (name, case) in enumerate(cases().items()):
        path = folder / f"{name}.safetensors"
        for seed in itertools.count(1000 * (number + 1)):
            try:
                make_case(path, case, seed)
                break
            except Unsuitable as reason:
                print(f"{name}: seed {seed} passed over, {reason}")
        total += path.stat().st_size
        print(f"{path.name} {path.stat().st_size} bytes")
    assert total < TOTAL_BYTES, f"{total} bytes in all"
    print(f"{total} bytes in {len(cases())} files, {STEPS} steps each of {len(OPTIMIZERS)} optimizers")


if __name__ == "__main__":
    main()

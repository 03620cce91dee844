"""Writes gradients of ten steps and what PyTorch's optimizers make of them in float64.

usage: make_optimizer_golden.py OUTPUT.safetensors

Tensors: init.P F32 and grad.S.P F32 (S = 1 to 10) for P in embedding.weight (9, 5), fc.weight (13, 7), fc.bias (6);
touched.S U8 (9), the embedding rows that have a gradient in step S; after.O.P F64 for every optimizer O of
golden_steps.py and of MORE below; state.O.BLOCK.P F64, the optimizer's state after the tenth step.
With layer_decay the optimizer has parameter groups: embedding.weight at level 2, fc.weight at level 1, fc.bias at level
0 and without weight decay.
norms F64 (10): the norm of all gradients of each step. Metadata: `opt.O` = "key=value key=value ...".
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

import golden_steps
from tensor_file import write_tensors

MORE = {
    "sgd_nodecay_momentum": "optimizer=sgd learning_rate=0.05 momentum=0.5 weight_decay=0",
    "sgd_decay": "optimizer=sgd learning_rate=0.05 momentum=0 weight_decay=0.1",
    "adagrad_decay": "optimizer=adagrad learning_rate=0.1 epsilon=1e-8 weight_decay=0.05",
    "adam_slow": "optimizer=adam learning_rate=0.01 beta1=0.5 beta2=0.9 epsilon=0.001 weight_decay=0",
    "sparse_adam_epsilon": "optimizer=adam learning_rate=0.01 beta1=0.9 beta2=0.999 epsilon=0.001 weight_decay=0 "
                           "sparse_embedding=true",
    "adamw_warmup": "optimizer=adamw learning_rate=0.01 beta1=0.9 beta2=0.999 epsilon=1e-8 weight_decay=0.1 "
                    "schedule=linear warmup_steps=4 total_steps=20 clip_norm=0.5",
    "adamw_groups": "optimizer=adamw learning_rate=0.01 beta1=0.9 beta2=0.999 epsilon=1e-8 weight_decay=0.1 "
                    "layer_decay=0.5",
}
SHAPES = {"embedding.weight": (9, 5), "fc.weight": (13, 7), "fc.bias": (6,)}
STEPS = golden_steps.STEPS


class Given(nn.Module):
    """A module whose gradients in step S are the ones given: its loss is the sum of parameter x gradient."""

    def __init__(self, init, touched, gradients, sparse):
        super().__init__()
        self.embedding = nn.Embedding(*SHAPES["embedding.weight"], sparse=sparse)
        self.fc = nn.Linear(7, 13)
        self.fc.bias = nn.Parameter(torch.zeros(6))
        self.load_state_dict({name: torch.from_numpy(value) for name, value in init.items()})
        self.double()
        self.touched, self.gradients, self.step = touched, gradients, 0

    def loss(self, _rows):
        gradient = {name: torch.from_numpy(value).double() for name, value in self.gradients[self.step].items()}
        rows = torch.from_numpy(np.flatnonzero(self.touched[self.step]))
        self.step += 1
        return ((self.embedding(rows) * gradient["embedding.weight"][rows]).sum()
                + (self.fc.weight * gradient["fc.weight"]).sum() + (self.fc.bias * gradient["fc.bias"]).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    random = np.random.default_rng(7)
    init = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in SHAPES.items()}
    touched, gradients = [], []
    for _ in range(STEPS):
        touched.append((random.random(9) < 0.4).astype(np.uint8))
        touched[-1][0], touched[-1][8] = 0, 1           # one row is never touched, one always
        gradients.append({name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in SHAPES.items()})
        gradients[-1]["embedding.weight"][touched[-1] == 0] = 0
    tensors = {f"init.{name}": value for name, value in init.items()}
    for step in range(STEPS):
        tensors[f"touched.{step + 1}"] = touched[step]
        tensors |= {f"grad.{step + 1}.{name}": value for name, value in gradients[step].items()}
    tensors["norms"] = np.array([np.sqrt(sum((value.astype(np.float64) ** 2).sum() for value in step.values()))
                                 for step in gradients])
    golden_steps.OPTIMIZERS |= MORE
    made, make_optimizers = [], golden_steps._optimizers

    def remember(model, options):
        made[:] = make_optimizers(model, options)
        return made

    golden_steps._optimizers = remember
    metadata = {}
    for name, text in golden_steps.OPTIMIZERS.items():
        if name.endswith("_halves"):
            continue                                    # the touched rows change from step to step anyway
        model = Given(init, touched, gradients, "sparse_embedding=true" in text)
        golden_steps.take_steps(model, name, 1, model.loss)
        metadata[f"opt.{name}"] = text
        tensors |= {f"after.{name}.{key}": value.numpy() for key, value in model.state_dict().items()}
        for key, parameter in model.named_parameters():
            for optimizer in made:
                for block, value in optimizer.state.get(parameter, {}).items():
                    if block != "step" and value is not None:
                        value = value.to_dense() if value.is_sparse else value
                        tensors[f"state.{name}.{block}.{key}"] = value.numpy()
    write_tensors(output, tensors, metadata)
    print(f"{output.name} {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""Writes narrow.safetensors: logits of the golden models with bf16 and int8 weights, computed in float64.

usage: make_narrow_golden.py        reads init.*, ids and offsets of the files that make_golden.py wrote; needs NumPy

The arithmetic is docs/file-format.md's and lib/kernel/kernel.h's: weights are narrowed in float32 as written there; with
int8 each step's hidden state is quantized by its own largest size, q = round(h · 127 / max) to even, and
z = b + (q_x · w_x) s_x s_w + (q_h · w_h) s_h s_w. Floats never come as near to float64 as a tie of a rounding may ask for:
models in which a number lies within MARGIN of a tie are left out.

Tensors: CASE.bf16 and CASE.int8, F64 (rows, labels).
"""
from pathlib import Path

import numpy as np

from tensor_file import read_tensors, write_tensors

FOLDER = Path(__file__).resolve().parent
MARGIN = 1e-4  # steps of a quantized number
F32 = np.float32


def bf16(values):
    bits = values.view(np.uint32)
    return (((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) << 16).astype(np.uint32).view(F32).astype(np.float64)


def int8(matrix):
    """-> numbers (rows, columns) and scales (rows), both as float64"""
    most = np.abs(matrix).max(axis=1)
    numbers, scales = np.zeros(matrix.shape), np.ones(len(matrix))
    for row in np.nonzero(most)[0]:
        numbers[row] = np.rint(matrix[row] * (F32(127) / most[row]))
        scales[row] = most[row] / F32(127)
    return numbers, scales


class Narrow:
    """The network's products with weights of one kind."""

    def __init__(self, init, kind):
        self.kind, self.margin, self.weights = kind, 1.0, {}
        for name, values in init.items():
            matrix = name == "embedding.weight" or name.startswith("lstm.weight")
            narrow = {"bf16": bf16, "int8": int8}[kind] if matrix else lambda wide: wide.astype(np.float64)
            self.weights[name] = narrow(values)

    def embed(self, token):
        if self.kind == "bf16":
            return self.weights["embedding.weight"][token]
        numbers, scales = self.weights["embedding.weight"]
        return numbers[token], scales[token]

    def quantize(self, vector):
        if self.kind == "bf16":
            return vector
        most = np.abs(vector).max()
        if most == 0:
            return np.zeros(len(vector)), 0.0
        exact = vector * 127 / most
        self.margin = min(self.margin, np.abs(np.abs(exact - np.floor(exact)) - 0.5).min())
        return np.rint(exact), most / 127

    def product(self, name, operand, columns=slice(None)):
        if self.kind == "bf16":
            return self.weights[name][:, columns] @ operand
        (numbers, scales), (quantized, scale) = self.weights[name], operand
        return (numbers[:, columns] @ quantized) * scales * scale


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def direction(net, end, inputs, hidden, reverse):
    """Outputs (steps, hidden) of one direction; inputs: per step a list of operands side by side."""
    h, c, outputs = np.zeros(hidden), np.zeros(hidden), [None] * len(inputs)
    steps = range(len(inputs))
    for number, t in enumerate(reversed(steps) if reverse else steps):
        z = net.weights["lstm.bias_ih" + end] + net.weights["lstm.bias_hh" + end]
        first = 0
        for operand in inputs[t]:
            width = len(operand) if net.kind == "bf16" else len(operand[0])
            z = z + net.product("lstm.weight_ih" + end, operand, slice(first, first + width))
            first += width
        if number > 0:
            z = z + net.product("lstm.weight_hh" + end, net.quantize(h))
        i, f, g, o = np.split(z, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs[t] = h
    return outputs


def logits(net, tokens, options):
    layers, ends = int(options["num_layers"]), ["", "_reverse"] if options["bidirectional"] == "true" else [""]
    hidden = int(options["hidden_dim"])
    inputs = [[net.embed(token)] for token in tokens]
    for layer in range(layers):
        outputs = [direction(net, f"_l{layer}{end}", inputs, hidden, end != "") for end in ends]
        inputs = [[net.quantize(output[t]) for output in outputs] for t in range(len(tokens))] if layer + 1 < layers else None
    pooled = np.zeros(hidden * len(ends))
    if len(tokens):
        kinds = {"last": lambda output, end: output[0 if end else -1], "mean": lambda output, end: np.mean(output, axis=0),
                 "max": lambda output, end: np.max(output, axis=0)}
        pooled = np.concatenate([kinds[options["pooling"]](output, end) for output, end in zip(outputs, ends)])
    return net.weights["fc.weight"] @ pooled + net.weights["fc.bias"]


def main():
    result = {}
    for path in sorted(FOLDER.glob("*.safetensors")):
        tensors, options = read_tensors(path)
        if "ids" not in tensors or "logits" not in tensors:
            continue
        init = {name[5:]: values for name, values in tensors.items() if name.startswith("init.")}
        rows = np.split(tensors["ids"], tensors["offsets"][1:-1])
        for kind in ("bf16", "int8"):
            net = Narrow(init, kind)
            values = np.array([logits(net, row, options) for row in rows])
            change = np.abs(values - tensors["logits"]).max()
            kept = net.margin > MARGIN
            print(f"{path.stem:16} {kind}: margin {net.margin:.1e}, changed by {change:.1e}{'' if kept else ', left out'}")
            if kept:
                result[f"{path.stem}.{kind}"] = values
    write_tensors(FOLDER / "narrow.safetensors", result, {})


if __name__ == "__main__":
    main()

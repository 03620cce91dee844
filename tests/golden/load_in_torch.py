"""Loads a model file of the library into a PyTorch module and prints its logits: the file is safetensors, no more.

usage: load_in_torch.py MODEL.safetensors [--pooling mean] < IDS
IDS: one text a line, its token ids separated by spaces; an empty line is a text of no tokens. Prints one line a text,
its logits separated by spaces, nine digits. Sizes come from the tensors' shapes; pooling cannot be seen in shapes.
Tensors named textclf.*, optim.* and best.* are left out; every other one must belong to the module.
"""
import argparse
import sys

import torch

from tensor_file import read_tensors
from torch_model import POOLINGS, TextClassifier, load_tensors, module_tensors, pad_rows, sizes_of


def load(path, pooling="last"):
    """-> the module with the file's weights, in evaluation mode"""
    tensors = module_tensors(read_tensors(path)[0])
    model = TextClassifier(**sizes_of(tensors), pooling=pooling)
    load_tensors(model, tensors)
    return model.eval()


def logits(model, rows):
    """lists of ids -> one list of logits a row; each row goes alone, so nothing is padded"""
    with torch.inference_mode():
        return [model(*pad_rows([torch.tensor(row, dtype=torch.int64)]))[0].tolist() for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--pooling", choices=POOLINGS, default="last")
    options = parser.parse_args()
    rows = [list(map(int, line.split())) for line in sys.stdin]
    for row in logits(load(options.model, options.pooling), rows):
        print(" ".join(f"{logit:.9g}" for logit in row))


if __name__ == "__main__":
    main()

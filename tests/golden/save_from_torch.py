"""Writes a PyTorch module's random weights as a plain safetensors file, for tc_model_load_weights to read.

usage: save_from_torch.py OUTPUT.safetensors --vocab-size N --label-count N [--embedding-dim N] [--hidden-dim N]
                          [--num-layers N] [--bidirectional] [--seed N] [--dtype float32|float64]
Initialized as nn.Embedding, nn.LSTM and nn.Linear do it, nothing zeroed; names are those of the module's state_dict.
"""
import argparse

import torch

from tensor_file import write_tensors
from torch_model import TextClassifier


def save(model, path):
    write_tensors(path, {name: value.numpy() for name, value in model.state_dict().items()}, {"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--vocab-size", type=int, required=True)
    parser.add_argument("--label-count", type=int, required=True)
    parser.add_argument("--embedding-dim", type=int, default=128)
    parser.add_argument("--hidden-dim", type=int, default=256)
    parser.add_argument("--num-layers", type=int, default=1)
    parser.add_argument("--bidirectional", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    save(TextClassifier(options.vocab_size, options.embedding_dim, options.hidden_dim, options.label_count,
                        options.num_layers, options.bidirectional).to(getattr(torch, options.dtype)), options.output)


if __name__ == "__main__":
    main()

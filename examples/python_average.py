"""python_average.py: processes that each learn from a share of the texts, and the mean of their models.

    python3 examples/python_average.py [--processes N]

Each process counts the features of all texts, so that all models have the same rows of weights in the same order, and
trains on its share with optimizer adagrad. The mean of their tensors goes back into one of the models.
Needs the package textclf (`pip install .` at the top of the tree) and NumPy.
"""
import argparse
import json
import multiprocessing
import os
import tempfile

import numpy

import textclf
from textclf import Config, Examples, Model, Trainer, Vocabulary

from python_train import read

EPOCHS, BATCH = 5, 8


def train(job):
    share, shares, path = job
    texts, labels = read("train")
    names = sorted(set(labels))
    config = Config(arch="ngram", optimizer="adagrad", buckets=65536)
    model = Model(config, Vocabulary(config, texts), names)
    examples = Examples(model)
    for text, label in zip(texts, labels):
        examples.add(text, names.index(label))
    trainer = Trainer(model, config)
    trainer.count(examples)
    rows = list(range(share, len(texts), shares))
    for _ in range(EPOCHS):
        for first in range(0, len(rows), BATCH):
            trainer.step(examples, rows[first:first + BATCH])
    trainer.close()
    model.save(path)


def write_safetensors(path, tensors):
    header, end = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [end, end + values.nbytes]}
        end += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in tensors.values():
            file.write(values.astype("<f4").tobytes())


def accuracy(model):
    texts, labels = read("test")
    examples = Examples(model)
    for text, label in zip(texts, labels):
        examples.add(text, model.labels.index(label))
    return model.evaluate(examples).accuracy


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=2)
    count = parser.parse_args().processes
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"share-{share}") for share in range(count)]
        with multiprocessing.get_context("spawn").Pool(count) as pool:
            pool.map(train, [(share, count, path) for share, path in enumerate(paths)])
        states = [textclf.state_dict(path) for path in paths]
        mean = {name: numpy.mean([state[name] for state in states], axis=0) for name in states[0]}
        write_safetensors(os.path.join(folder, "mean"), mean)
        for path in paths:
            print(f"{os.path.basename(path)}: accuracy {accuracy(Model.load(path)):.3f}")
        model = Model.load(paths[0])
        model.load_weights(os.path.join(folder, "mean"))
        print(f"mean: accuracy {accuracy(model):.3f}")


if __name__ == "__main__":
    main()

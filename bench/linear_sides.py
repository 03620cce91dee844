"""linear_sides.py: who trains and predicts IMDB with n-grams, each as a side (sides.py): the program, Vowpal Wabbit and
fastText, all on the files that `write_files` puts into a folder.

Ours starts a process and reads raw text; the peers are called in theirs, packages imported, with texts that were cut into
tokens before. Every method gives seconds.
"""
import ctypes
import time
from pathlib import Path

import common
import linear_peers
import sides
from processes import run

PARTS = ("train", "test")


def write_files(folder):
    """Raw lines for ours, tokens for the peers, of both parts -> labels of the test part, by name"""
    train, test, names = common.read_set("imdb")
    for part, rows in zip(PARTS, (train, test)):
        with open(folder / f"{part}.tsv", "w", encoding="utf-8", newline="\n") as out:
            out.writelines(f"{names[label]}\t{text}\n" for text, label in zip(rows.texts, rows.labels))
        texts = [linear_peers.tokens(text) for text in rows.texts]
        linear_peers.write_fasttext(folder / f"{part}.fasttext", texts, rows.labels)
        linear_peers.write_vowpal(folder / f"{part}.vowpal", texts, rows.labels)
        with open(folder / f"{part}.plain", "w", encoding="utf-8", newline="\n") as out:
            out.writelines(text + "\n" for text in texts)
    return [names[label] for label in test.labels]


class Program:
    def __init__(self, threads, folder, program):
        self.folder, self.program, self.threads = Path(folder), program, str(threads)
        self.resident = 0

    def train(self):
        trained = run([self.program, "train", "--arch", "ngram", "--threads", self.threads, "--input",
                       f"{self.folder}/train.tsv", "--output", f"{self.folder}/ours.model"])
        self.resident = trained.resident_mb
        return trained.seconds

    def predict(self):
        """The text column of the file, one line of label and score a text."""
        return run([self.program, "predict", "--threads", self.threads, "--model", f"{self.folder}/ours.model",
                    "--input", f"{self.folder}/test.tsv"], f"{self.folder}/ours.labels").seconds

    def accuracy(self, truth):
        lines = (self.folder / "ours.labels").read_text(encoding="utf-8").splitlines()
        return linear_peers.accuracy(truth, [line.split("\t")[0] for line in lines])

    def cost(self):
        return {"resident_mb": self.resident, "model_mb": (self.folder / "ours.model").stat().st_size / 1e6}

    def one_text(self, text, seconds):
        """Median seconds of a call of tc_predict_with, text in, scores out."""
        import textclf
        from textclf import _structs as s
        from textclf._library import lib
        model = textclf.Model.load(f"{self.folder}/ours.model", textclf.Config(threads=1))
        scratch, count = ctypes.POINTER(s.tc_scratch)(), ctypes.c_size_t()
        lib.tc_scratch_create(model.pointer, ctypes.byref(scratch))
        columns, data = len(model.labels), text.encode()
        scores, length = (ctypes.c_float * columns)(), len(data)
        call, counted = lib.tc_predict_with, ctypes.byref(count)
        return sides.median_call([lambda: call(model.pointer, scratch, data, length, columns, scores, counted, None)],
                                 seconds)


class VowpalWabbit:
    def __init__(self, threads, folder):
        """`threads` is nothing that it could be asked for: it reads on one and learns on another."""
        import vowpalwabbit  # what is timed comes after the import
        self.folder, self.threads, self.version = Path(folder), threads, vowpalwabbit.__version__

    @staticmethod
    def _timed(arguments):
        start = time.perf_counter()
        linear_peers.vowpal(arguments)
        return time.perf_counter() - start

    def train(self, passes=3):
        return self._timed(f"-d {self.folder}/train.vowpal --oaa 2 --loss_function logistic -b 22 --ngram t2 "
                           f"--passes {passes} --holdout_off -c -k --cache_file {self.folder}/vowpal.cache "
                           f"-f {self.folder}/vowpal.model")

    def predict(self):
        return self._timed(f"-d {self.folder}/test.vowpal -t -i {self.folder}/vowpal.model "
                           f"-p {self.folder}/vowpal.labels")

    def accuracy(self, truth):
        lines = (self.folder / "vowpal.labels").read_text(encoding="ascii").splitlines()
        names = sorted(set(truth))
        return linear_peers.accuracy(truth, [names[round(float(line.split()[0])) - 1] for line in lines])

    def cost(self):
        return {"model_mb": (self.folder / "vowpal.model").stat().st_size / 1e6}


class FastText:
    """The settings of its own text-classification guide, at 100 dimensions."""

    def __init__(self, threads, folder):
        import fasttext
        self.fasttext, self.threads, self.folder, self.model = fasttext, threads, Path(folder), None
        self.lines = (self.folder / "test.plain").read_text(encoding="utf-8").splitlines()
        self.found = []

    def train(self):
        start = time.perf_counter()
        self.model = self.fasttext.train_supervised(f"{self.folder}/train.fasttext", wordNgrams=2, dim=100, epoch=5,
                                                    lr=0.5, minCount=2, thread=self.threads, verbose=0)
        return time.perf_counter() - start

    def predict(self):
        start = time.perf_counter()
        self.found = self.model.predict(self.lines)[0]
        return time.perf_counter() - start

    def accuracy(self, truth):
        names = sorted(set(truth))
        return linear_peers.accuracy(truth, [names[int(row[0][len("__label__"):])] for row in self.found])

    def cost(self):
        return {}

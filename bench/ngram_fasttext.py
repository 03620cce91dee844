"""ngram_fasttext.py: averaged embeddings trained here and by fastText, with fastText's settings, on the same file.

usage: ngram_fasttext.py [--build build] [--set NAME] [--threads N ...] [--runs N]
Texts of NAME.train.tsv.gz are lower-cased and cut into words and punctuation, once, before; both read the file that
comes of it. dim 100, wordNgrams 2, epoch 5, lr 0.5, minCount 2, bucket 2,000,000 for both. Runs are interleaved, each
in a process of its own; figures are medians, with the least and the greatest. Seconds: of the whole process, file in to
saved model, on the clock and of the processors; and of what trains in it: for fastText its call train_supervised (which
reads the file), here the passes alone. Needs the package fasttext (or fasttext-wheel) beside this Python.
"""
import argparse
import gzip
import hashlib
import json
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

import common
from processes import run

PEER = """
import sys, time, fasttext
start = time.perf_counter()
model = fasttext.train_supervised(sys.argv[1], dim=100, wordNgrams=2, epoch=5, lr=0.5, minCount=2, bucket=2000000,
                                  thread=int(sys.argv[3]), verbose=0)
seconds = time.perf_counter() - start
model.save_model(sys.argv[2])
print(seconds)
"""
TEST = "import sys, fasttext\nfasttext.FastText.eprint = lambda x: None\n" \
       "print(fasttext.load_model(sys.argv[1]).test(sys.argv[2])[1])"
WORDS = re.compile(r"\w+|[^\w\s]")
OURS = ("--arch", "ngram", "--embedding-dim", "100", "--word-ngrams", "2", "--epochs", "5", "--learning-rate", "0.5",
        "--min-count", "2", "--buckets", "2000000", "--tokenizer", "space", "--json")
COLUMNS = (("whole", 2), ("cpu", 2), ("training", 2), ("accuracy", 2), ("memory", 0), ("model", 0))


def write_lines(source, target):
    with gzip.open(source, "rt", encoding="utf-8", newline="\n") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            label, text = line.rstrip("\n").split("\t", 1)
            out.write(f"__label__{label} {' '.join(WORDS.findall(text.lower()))}\n")


def costs(trained, model):
    return {"whole": trained.seconds, "cpu": trained.processor_seconds, "memory": trained.resident_mb,
            "model": os.path.getsize(model) / 1e6}


def peer(train, test, model, threads):
    trained = run([sys.executable, "-c", PEER, train, model, str(threads)])
    accuracy = float(run([sys.executable, "-c", TEST, model, test]).text)
    return {**costs(trained, model), "training": float(trained.text), "accuracy": 100 * accuracy, "digest": ""}


def ours(program, train, test, model, threads):
    trained = run([program, "train", *OURS, "--threads", str(threads), "--input", train, "--output", model])
    accuracy = json.loads(run([program, "eval", "--model", model, "--input", test, "--json"]).text)["accuracy"]
    digest = hashlib.sha256(Path(model).read_bytes()).hexdigest()
    training = sum(epoch["seconds"] for epoch in json.loads(trained.text)["epochs"])
    return {**costs(trained, model), "training": training, "accuracy": 100 * accuracy, "digest": digest}


def spread(runs, key, digits):
    values = [run[key] for run in runs]
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=common.ROOT / "build")
    parser.add_argument("--set", default="imdb")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    program = options.build / "src" / "textclf"
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        train, test = (os.path.join(name, f"{part}.txt") for part in ("train", "test"))
        model = os.path.join(name, "model")
        for part, path in (("train", train), ("test", test)):
            write_lines(common.data_folder() / f"{options.set}.{part}.tsv.gz", path)
        for _ in range(options.runs):
            for threads in options.threads:
                figures.setdefault(("fastText", threads), []).append(peer(train, test, model + ".bin", threads))
                figures.setdefault(("textclf", threads), []).append(ours(program, train, test, model, threads))
    print("| | threads | whole process, s | of processors, s | training, s | accuracy | peak memory, MB | model, MB |\n"
          "|---|---|---|---|---|---|---|---|")
    for (who, threads), runs in figures.items():
        cells = [spread(runs, key, digits) for key, digits in COLUMNS]
        print(f"| {who} | {threads} | {' | '.join(cells)} |")
    for threads in options.threads:
        sides = [figures[who, threads] for who in ("fastText", "textclf")]
        for key in ("whole", "cpu", "training"):
            ratio = statistics.median(run[key] for run in sides[0]) / statistics.median(run[key] for run in sides[1])
            print(f"{threads} threads, {key}: {ratio:.2f} times fastText's speed")
    files = {run["digest"] for (who, _), runs in figures.items() if who == "textclf" for run in runs}
    print("one file in all runs here" if len(files) == 1 else f"{len(files)} different files here")


if __name__ == "__main__":
    main()

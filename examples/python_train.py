"""python_train.py: trains a classifier on the bundled corpus, judges it, keeps it, and asks it about new sentences.

    python3 examples/python_train.py [--epochs N] [--threads N] [--model FILE]

Needs the package textclf (`pip install .` at the top of the tree) and nothing else.
"""
import argparse
import os
import sys
import tempfile

from textclf import Error, TextClassifier

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
NEW = [
    "Shares of the drone maker Halvorsen start trading in Oslo on Monday.",
    "A rival from Lyon has bought the whole of the bakery app Mieline.",
    "The bike courier gave up deliveries and now sells route software to cities.",
    "The founder says that a listing is not planned, now or later.",
    "芯片公司青岚科技将于下周在科创板挂牌交易。",
    "一家欧洲集团买下了这家语音初创公司的全部股份。",
]


def read(part):
    """The texts and labels of one part of the corpus."""
    with open(os.path.join(DATA, f"exits.{part}.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t", 1) for line in file]
    return [text for _, text in rows], [label for label, _ in rows]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", help="where the model goes; a temporary file by default")
    options = parser.parse_args()

    texts, labels = read("train")
    test_texts, test_labels = read("test")
    classifier = TextClassifier(embedding_dim=64, hidden_dim=64, bidirectional=True, pooling="max", dropout=0.3,
                                epochs=options.epochs, validation_split=0.1, learning_rate=0.002, seed=1,
                                threads=options.threads)

    def progress(epoch):
        print(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, validation accuracy {epoch.validation_score:.3f}")

    classifier.fit(texts, labels, on_epoch=progress)

    result = classifier.evaluate(test_texts, test_labels)
    print(f"\ntest accuracy {result.accuracy:.3f}, macro F1 {result.macro_f1:.3f}")
    for label, figures in result.labels.items():
        print(f"  {label:<12} precision {figures.precision:.3f}  recall {figures.recall:.3f}  of {figures.support}")

    with tempfile.TemporaryDirectory() as folder:
        path = options.model or os.path.join(folder, "exits.safetensors")
        classifier.save(path)
        loaded = TextClassifier.load(path)
        print(f"\n{os.path.basename(path)}: {os.path.getsize(path)} bytes")
        scores = loaded.predict_proba(NEW)
        for text, label, row in zip(NEW, loaded.predict(NEW), scores):
            print(f"  {max(row):.2f} {label:<12} {text}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Error as reason:
        sys.exit(f"python_train.py: {reason}")

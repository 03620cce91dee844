"""python_fine_tune.py: from a pretrained BERT or GPT-2 in a folder of Hugging Face's to a classifier of one's own labels.

    python3 examples/python_fine_tune.py FOLDER [--freeze none|encoder|layers=N] [--lora-rank R] [--epochs N] [--output NAME]

The data are the bundled sentences about how a start-up ends. Needs the package textclf (`pip install .` at the top of the
tree) and nothing else: no transformers, no PyTorch. The folder that it writes is one that transformers loads.
"""
import argparse
import os
import sys
import tempfile

from textclf import Error, TextClassifier

from python_train import NEW, read


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="with config.json, model.safetensors and tokenizer.json")
    parser.add_argument("--freeze", help="none, encoder (the output layer alone learns) or layers=N")
    parser.add_argument("--lora-rank", type=int, help="train small additions of this rank in place of the weights")
    parser.add_argument("--epochs", type=int, help="3 by default, 20 of the output layer alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", help="the folder to write; a temporary one by default")
    options = parser.parse_args()

    texts, labels = read("train")
    classifier = TextClassifier(pretrained=options.folder, freeze=options.freeze, lora_rank=options.lora_rank,
                                epochs=options.epochs, threads=options.threads, validation_split=0.1)
    classifier.fit(texts, labels, on_epoch=lambda epoch: print(
        f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, validation accuracy {epoch.validation_score:.3f}"))
    result = classifier.evaluate(*read("test"))
    print(f"\ntest accuracy {result.accuracy:.3f}, macro F1 {result.macro_f1:.3f}")

    with tempfile.TemporaryDirectory() as folder:
        output = options.output or os.path.join(folder, "exits")
        classifier.model_.export(output, "hugging_face")
        print(f"\n{os.path.basename(output)}: {', '.join(sorted(os.listdir(output)))}")
        loaded = TextClassifier.load(output)
        for text, label in zip(NEW, loaded.predict(NEW)):
            print(f"  {label:<12} {text}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Error as reason:
        sys.exit(f"python_fine_tune.py: {reason}")

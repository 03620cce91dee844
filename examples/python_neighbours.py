"""python_neighbours.py: the bundled sentences that mean most nearly what a question says, by a sentence encoder.

    python3 examples/python_neighbours.py FOLDER [QUESTION]

FOLDER is one of Hugging Face's, all-MiniLM-L6-v2, say. Needs the package textclf (`pip install .` at the top of the tree)
and nothing else.
"""
import math
import sys

from textclf import Error, Model

from python_train import read


def embed(model, text):
    """The vector of a text, of length 1: two are as near as their product is large (cosine)."""
    vector = model.embed(text)
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def main(folder, question="The firm was bought by a rival."):
    with Model.from_pretrained(folder, mapped=True) as model:
        wanted = embed(model, question)
        found = []
        for text in read("test")[0]:
            found.append((sum(map(float.__mul__, wanted, embed(model, text))), text))
        for nearness, text in sorted(found, reverse=True)[:5]:
            print(f"{nearness:.3f}  {text}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python_neighbours.py FOLDER [QUESTION]")
    try:
        main(*sys.argv[1:])
    except Error as reason:
        sys.exit(f"python_neighbours.py: {reason}")

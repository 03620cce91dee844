"""conftest.py: small data, and classifiers that learn it in a moment."""
import os
import random
import signal

import pytest

import textclf

# What was started in the background ignores Ctrl-C, and so would the tests about it and the processes that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMALL = dict(embedding_dim=8, hidden_dim=8, epochs=12, learning_rate=0.02, batch_size=8, vocab_size=200, seed=3)
WORDS = {
    "fruit": "apple pear plum cherry 苹果 grape melon fig".split(),
    "metal": "iron copper zinc 铜 silver lead nickel tin".split(),
    "river": "danube rhine 长江 nile volga thames elbe seine".split(),
}


def sentences(count, seed=5, classes=("fruit", "metal", "river")):
    """`count` texts of a few words each, and the class of each; shuffled, balanced."""
    numbers = random.Random(seed)
    rows = []
    for index in range(count):
        label = classes[index % len(classes)]
        words = numbers.choices(WORDS[label], k=numbers.randint(3, 7)) + ["the", "and"]
        numbers.shuffle(words)
        rows.append((" ".join(words), label))
    numbers.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


@pytest.fixture(scope="session")
def data():
    return sentences(90)


@pytest.fixture(scope="session")
def fitted(data):
    """A classifier that has learned; tests must not change it."""
    return textclf.TextClassifier(**SMALL).fit(*data)


@pytest.fixture(scope="session")
def model_file(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    fitted.save(path)
    return path

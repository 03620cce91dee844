"""test_ngram.py: the n-gram architecture through the package."""
import pickle

import pytest
from conftest import WORDS, sentences

import textclf
from textclf import Batcher, Config, Examples, Model, TextClassifier, Trainer, Vocabulary


def test_classifier_learns_and_pickles():
    texts, labels = sentences(240)
    classifier = TextClassifier(arch="ngram").fit(texts, labels)
    assert classifier.score(*sentences(60)) > 0.95
    again = pickle.loads(pickle.dumps(classifier))
    assert list(map(list, again.predict_proba(texts[:5]))) == list(map(list, classifier.predict_proba(texts[:5])))


def test_trainer_counts_before_it_steps():
    texts, labels = sentences(60)
    names = sorted(WORDS)
    config = Config(arch="ngram", buckets=4096)
    model = Model(config, Vocabulary(config, texts), names)
    examples = Examples(model)
    for text, label in zip(texts, labels):
        examples.add(text, names.index(label))
    trainer = Trainer(model, config)
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


def test_batcher_counts_by_itself_and_clones_predict_the_same():
    texts, labels = sentences(90)
    names = sorted(WORDS)
    config = Config(arch="ngram", validation_split=0.2)
    model = Model(config, Vocabulary(config, texts), names)
    examples = Examples(model)
    for text, label in zip(texts, labels):
        examples.add(text, names.index(label))
    trainer = Trainer(model, config)
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
    with pytest.raises(textclf.Error, match="checkpoint"):
        trainer.save("unused")

"""test_tasks.py: multilabel (sets of labels) and regress (values) through TextClassifier."""
import pickle

import pytest
from conftest import SMALL, WORDS, sentences

import textclf
from textclf import TextClassifier


def sets(count=90):
    """Texts that speak of none, one or two of three things."""
    texts, labels = [], []
    for index in range(count):
        names = [name for bit, name in enumerate(sorted(WORDS)) if index >> bit & 1][:2]
        words = [WORDS[name][(index + i) % 8] for name in names for i in range(3)]
        texts.append(" ".join(words + ["the", "and"]))
        labels.append(set(names))
    return texts, labels


@pytest.fixture(scope="module")
def tagger():
    return TextClassifier(**{**SMALL, "epochs": 30}, task="multilabel").fit(*sets())


def test_multilabel_learns_sets(tagger):
    texts, labels = sets()
    assert tagger.score(texts, labels) > 0.9
    guess = tagger.predict(["apple plum fig iron zinc tin", "the and"])
    assert guess == [{"fruit", "metal"}, set()]
    assert list(tagger.classes_) == ["fruit", "metal", "river"]
    assert tagger.evaluate(texts, labels).micro_f1 > 0.9
    assert len(tagger.predict_proba(texts)[0]) == 3


def test_multilabel_takes_any_collection(tagger):
    texts, labels = sets()
    for kind in (list, tuple, sorted, frozenset):
        other = TextClassifier(**{**SMALL, "epochs": 30}, task="multilabel").fit(texts, [kind(row) for row in labels])
        assert other.model_.labels == tagger.model_.labels
    assert TextClassifier(**SMALL, task="multilabel").fit(["a b", "c"], [[1, 1, 2], []]).classes_[1] == 2


def test_multilabel_threshold(tagger):
    low = TextClassifier(**SMALL, task="multilabel", threshold=0.0).fit(*sets())
    assert low.predict(["apple"]) == [{"fruit", "metal", "river"}]
    scores = list(map(float, low.predict_proba(["apple"])[0]))
    exact = TextClassifier(**SMALL, task="multilabel", threshold=sorted(scores)[1]).fit(*sets())
    assert len(exact.predict(["apple"])[0]) == 2  # at the threshold counts


def test_multilabel_refuses_what_is_no_set():
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match="element 1 is of type str"):
        TextClassifier(task="multilabel").fit(["a", "b"], [["x"], "y"])
    with pytest.raises(ValueError, match="matrix"):
        TextClassifier(task="multilabel").fit(["a", "b"], numpy.eye(2))
    with pytest.raises(textclf.Error, match="comma|,"):
        TextClassifier(task="multilabel").fit(["a", "b"], [["x,y"], ["z"]])


def test_multilabel_partial_fit_pickles_and_loads(tagger, tmp_path):
    classifier = TextClassifier(**SMALL, task="multilabel")
    classifier.partial_fit(*sets(), classes=["fruit", "metal", "river"]).partial_fit(*sets())
    assert classifier.model_.labels == tagger.model_.labels
    assert pickle.loads(pickle.dumps(tagger)).predict(["apple fig plum"]) == tagger.predict(["apple fig plum"])
    tagger.save(tmp_path / "m")
    loaded = TextClassifier.load(tmp_path / "m")
    assert loaded.task == "multilabel" and loaded.predict(sets()[0]) == tagger.predict(sets()[0])


def numbers():
    texts, labels = sentences(90)
    value = {"fruit": -1.0, "metal": 0.0, "river": 2.0}
    return texts, [value[label] for label in labels]


def test_regress_learns_values():
    texts, values = numbers()
    classifier = TextClassifier(**{**SMALL, "epochs": 40}, task="regress").fit(texts, values)
    assert classifier.score(texts, values) > 0.9
    assert classifier.predict(["danube nile rhine"])[0] == pytest.approx(2, abs=0.7)
    assert classifier.evaluate(texts, values).r2 == pytest.approx(classifier.score(texts, values), abs=1e-5)
    with pytest.raises(textclf.UnsupportedError, match="predict"):
        classifier.predict_proba(texts)
    assert not hasattr(classifier, "classes_")
    other = pickle.loads(pickle.dumps(classifier))
    assert list(other.predict(texts)) == list(classifier.predict(texts))
    classifier.partial_fit(texts, values)


def test_regress_score_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    texts, values = numbers()
    classifier = TextClassifier(**{**SMALL, "epochs": 3}, task="regress").fit(texts, values)
    weights = [1 + index % 3 for index in range(len(texts))]
    expected = metrics.r2_score(values, classifier.predict(texts), sample_weight=weights)
    assert classifier.score(texts, values, weights) == pytest.approx(expected, abs=1e-9)


def test_regress_several_targets(tmp_path):
    texts, values = numbers()
    pairs = [(value, 1 - value) for value in values]
    classifier = TextClassifier(**{**SMALL, "epochs": 40}, task="regress").fit(texts, pairs)
    assert classifier.model_.labels == ("target1", "target2")
    assert len(classifier.predict(texts)[0]) == 2 and classifier.score(texts, pairs) > 0.8
    classifier.save(tmp_path / "m")
    assert TextClassifier.load(tmp_path / "m").score(texts, pairs) == classifier.score(texts, pairs)
    with pytest.raises(textclf.Error):
        classifier.fit(texts, [(0.0, float("nan"))] * len(texts))
    with pytest.raises(textclf.Error):
        classifier.fit(texts[:2], [(0.0, 1.0), (0.0,)])


@pytest.mark.parametrize("threads", [1, 3])
def test_texts_added_in_one_call_are_those_added_one_by_one(threads):
    texts, labels = sets()
    weights = [1.0 + number % 2 for number in range(len(texts))]
    kinds = {"classify": [len(row) for row in labels], "multilabel": [sorted(row) for row in labels],
             "regress": [[float(len(row)), 1.0, number] for number, row in enumerate(labels)]}
    for task, answers in kinds.items():
        config = textclf.Config(task=task, hidden_dim=4, embedding_dim=4, threads=threads)
        model = textclf.Model(config, textclf.Vocabulary(config, texts), ["fruit", "metal", "river"])
        one, many = textclf.Examples(model), textclf.Examples(model)
        add = {"classify": one.add, "multilabel": one.add_labels, "regress": one.add_targets}[task]
        for row in zip(texts, answers, weights):
            add(*row)
        if task == "regress":
            many.add_batch(texts, targets=answers, weights=weights)
        else:
            many.add_batch(texts, answers, weights=weights)
        assert len(many) == len(one) == len(texts)
        assert [many.tokens(row) for row in range(len(texts))] == [one.tokens(row) for row in range(len(texts))]
        assert str(model.evaluate(many)) == str(model.evaluate(one))  # NaN is not itself
        assert many.to_bytes() == one.to_bytes()
        assert textclf.Examples.from_bytes(one.to_bytes(), model).to_bytes() == one.to_bytes()


def test_a_batch_of_texts_that_does_not_fit_is_refused():
    config = textclf.Config(task="regress", hidden_dim=4, embedding_dim=4)
    model = textclf.Model(config, textclf.Vocabulary(config), ["a", "b"])
    examples = textclf.Examples(model)
    for answers in ({"targets": [[1.0, 2.0]]}, {"targets": [[1.0], [2.0, 3.0, 4.0]]}, {},
                    {"targets": [[1.0, 2.0]] * 2, "weights": [1.0]}, {"labels": ["a", "b"], "targets": [[1, 2]] * 2}):
        with pytest.raises(ValueError):
            examples.add_batch(["x", "y"], **answers)
    with pytest.raises(textclf.Error, match="text 1: the weight"):
        examples.add_batch(["x", "y"], targets=[[1.0, 2.0]] * 2, weights=[1.0, -1.0])
    assert len(examples) == 0


def test_thresholds_of_labels(tagger):
    model = tagger.model_.clone()
    assert model.thresholds == [0.5] * len(model.labels) and model.info()["thresholds"] is None
    scores = model.predict("apple")
    model.thresholds = scores
    with textclf.Examples(model) as examples:
        for text, labels in zip(*sets()):
            examples.add_labels(text, labels)
        assert model.evaluate(examples).examples == len(examples)
        tuned = model.tune_thresholds(examples)
        assert tuned == model.thresholds == model.clone().thresholds and tuned != scores
        best = model.evaluate(examples).macro_f1
        model.thresholds = None
        assert model.evaluate(examples).macro_f1 <= best and model.thresholds == [0.5] * len(tuned)
    for wrong in ([0.5], [2.0] * len(tuned)):
        with pytest.raises(textclf.ArgumentError):
            model.thresholds = wrong


def test_a_classifier_tunes_and_goes_by_its_thresholds():
    texts, labels = sets()
    tagger = TextClassifier(**SMALL, task="multilabel", tune_thresholds=True).fit(texts, labels, validation=(texts, labels))
    least = tagger.model_.thresholds
    for text, given in zip(texts, tagger.predict(texts)):
        scores = tagger.model_.predict(text)
        assert given == {label for label, score, own in zip(tagger.model_.labels, scores, least) if score >= own}
    with pytest.raises(textclf.OptionError, match="validation"):
        TextClassifier(**SMALL, task="multilabel", tune_thresholds=True).fit(texts, labels)

"""test_classifier.py: TextClassifier: fit, partial_fit, predict, score, save, load, pickling, what goes in and comes out."""
import copy
import pickle

import pytest
from conftest import SMALL, sentences

import textclf
from textclf import StateError, TextClassifier

TEXTS = ["apple plum fig", "iron zinc tin", "danube 长江 nile"]


def scores(classifier, texts=TEXTS):
    return [list(map(float, row)) for row in classifier.predict_proba(texts)]


def test_learns_and_predicts(fitted, data):
    assert fitted.score(*data) > 0.95
    assert list(fitted.predict(TEXTS)) == ["fruit", "metal", "river"]
    assert list(fitted.classes_) == ["fruit", "metal", "river"]
    assert all(abs(sum(row) - 1) < 1e-5 for row in scores(fitted))
    assert [epoch.epoch for epoch in fitted.history_] == list(range(1, 13))
    assert fitted.history_[-1].loss < fitted.history_[0].loss


def test_evaluate_and_score_agree(fitted, data):
    assert fitted.evaluate(*data).accuracy == pytest.approx(fitted.score(*data), abs=1e-12)
    assert fitted.evaluate(["apple"], ["cheese"]).unknown_labels == 1


def test_same_seed_same_bytes(fitted, data):
    again = TextClassifier(**SMALL).fit(*data)
    assert again.model_.to_bytes() == fitted.model_.to_bytes()
    other = TextClassifier(**{**SMALL, "seed": 4}).fit(*data)
    assert other.model_.to_bytes() != fitted.model_.to_bytes()


def test_fit_starts_anew(fitted, data):
    classifier = TextClassifier(**SMALL).fit(["a b"] * 4, ["x", "y"] * 2)
    assert classifier.fit(*data).model_.to_bytes() == fitted.model_.to_bytes()


def test_unfitted_says_so():
    classifier = TextClassifier()
    for call in (lambda: classifier.predict(["a"]), lambda: classifier.predict_proba(["a"]),
                 lambda: classifier.save("nowhere"), lambda: classifier.score(["a"], ["b"])):
        with pytest.raises(StateError, match="fit"):
            call()
    assert not hasattr(classifier, "classes_")


def test_save_and_load(fitted, model_file):
    loaded = TextClassifier.load(model_file)
    assert scores(loaded) == scores(fitted) and list(loaded.classes_) == list(fitted.classes_)
    assert loaded.hidden_dim == 8 and loaded.learning_rate == 0.02 and loaded.threads is None
    assert TextClassifier.load(str(model_file), threads=2).threads == 2
    with pytest.raises(textclf.OptionError):
        TextClassifier.load(model_file, thread=2)


def test_loaded_trains_like_the_one_that_was_saved(fitted, model_file, data):
    loaded = TextClassifier.load(model_file)
    copied = copy.deepcopy(fitted)
    for classifier in (loaded, copied):
        classifier.partial_fit(*data)
    assert loaded.model_.to_bytes() == copied.model_.to_bytes()
    assert loaded.model_.to_bytes() != fitted.model_.to_bytes()


@pytest.mark.parametrize("through", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["copy", "pickle"])
def test_copies_hold_everything(fitted, through):
    other = through(fitted)
    assert scores(other) == scores(fitted)
    assert other.get_params() == fitted.get_params() and other.history_ == fitted.history_
    assert list(other.predict(TEXTS)) == list(fitted.predict(TEXTS))


def test_unfitted_pickles():
    other = pickle.loads(pickle.dumps(TextClassifier(hidden_dim=5)))
    assert other.hidden_dim == 5
    with pytest.raises(StateError):
        other.predict(["a"])


@pytest.mark.parametrize("labels", [(3, 20, 100), (True, False, True), ("1", "2", "3"), ("鱼", "熊掌", "ß")])
def test_labels_come_back_in_their_type(labels, tmp_path):
    texts, names = sentences(60)
    given = [labels[("fruit", "metal", "river").index(name)] for name in names]
    classifier = TextClassifier(**SMALL).fit(texts, given)
    assert list(classifier.classes_) == sorted(set(labels))
    assert classifier.score(texts, given) > 0.9
    for other in (classifier, pickle.loads(pickle.dumps(classifier))):
        guess = other.predict(texts[:1])[0]
        assert (guess.item() if hasattr(guess, "item") else guess) == given[0]
        assert guess in set(labels)
    classifier.save(tmp_path / "m")
    loaded = TextClassifier.load(tmp_path / "m", label_type=type(labels[0]))
    assert sorted(loaded.classes_) == sorted(set(labels))
    assert loaded.score(texts, given) == classifier.score(texts, given)


def test_bad_labels_are_refused():
    with pytest.raises(TypeError, match="float"):
        TextClassifier().fit(["a", "b"], [1.5, 2.5])
    with pytest.raises(TypeError, match="int and str"):
        TextClassifier().fit(["a", "b"], [1, "b"])
    with pytest.raises(ValueError, match="True is not among"):
        TextClassifier(**SMALL).partial_fit(["a", "b"], [0, True], classes=[0, 1])
    with pytest.raises(textclf.Error, match="TAB|tab|control|label"):
        TextClassifier().fit(["a", "b"], ["x\ty", "b"])


def test_containers(fitted, data):
    expected = fitted.model_.to_bytes()
    texts, labels = data
    assert TextClassifier(**SMALL).fit(tuple(texts), tuple(labels)).model_.to_bytes() == expected
    assert TextClassifier(**SMALL).fit([text.encode() for text in texts], labels).model_.to_bytes() == expected
    numpy = pytest.importorskip("numpy")
    for kind in (object, None):
        classifier = TextClassifier(**SMALL).fit(numpy.array(texts, dtype=kind), numpy.array(labels, dtype=kind))
        assert classifier.model_.to_bytes() == expected
    assert isinstance(classifier.predict(TEXTS), numpy.ndarray)
    assert isinstance(classifier.classes_, numpy.ndarray)
    assert classifier.predict_proba(TEXTS).shape == (3, 3) and classifier.predict_proba(TEXTS).dtype == numpy.float32
    assert classifier.predict_proba([]).shape == (0, 3) and len(classifier.predict([])) == 0


def test_pandas(fitted, data):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": data[0], "label": data[1]}, index=range(500, 500 + len(data[0])))
    classifier = TextClassifier(**SMALL).fit(frame.text, frame.label)
    assert classifier.model_.to_bytes() == fitted.model_.to_bytes()
    assert classifier.score(frame.text, frame.label) > 0.9
    assert TextClassifier(**SMALL).fit(frame.text, frame.label.astype("category")).predict(["tin"])[0] == "metal"
    with pytest.raises(ValueError, match="2 dimensions"):
        classifier.predict(frame)
    frame.loc[503, "text"] = None
    with pytest.raises(TypeError, match="text 3 "):
        classifier.predict(frame.text)


def test_what_is_not_a_list_of_texts_is_refused(fitted):
    with pytest.raises(TypeError, match="X is of type str"):
        fitted.predict("one text")
    with pytest.raises(TypeError, match="text 1 is of type int"):
        fitted.predict(["a", 5])
    with pytest.raises(TypeError, match="y is of type str"):
        TextClassifier().fit(["a", "b"], "ab")
    with pytest.raises(ValueError, match="1 elements for 2 texts"):
        TextClassifier().fit(["a", "b"], ["x"])
    with pytest.raises(ValueError, match="sample_weight has 3"):
        TextClassifier().fit(["a", "b"], ["x", "y"], sample_weight=[1, 2, 3])


def test_generators_are_taken(fitted):
    assert list(fitted.predict(text for text in TEXTS)) == ["fruit", "metal", "river"]


def test_weight_zero_is_no_example(data):
    texts, labels = data
    wrong = ["apple plum"] * 30 + texts
    given = ["metal"] * 30 + labels
    classifier = TextClassifier(**SMALL).fit(wrong, given, sample_weight=[0] * 30 + [1] * len(texts))
    assert classifier.predict(["apple plum"])[0] == "fruit"
    assert classifier.score(["apple plum", "tin"], ["metal", "metal"], sample_weight=[0, 2]) == 1
    with pytest.raises(textclf.ArgumentError):
        classifier.fit(texts, labels, sample_weight=[-1.0] * len(texts))


def test_validation_data_and_split_choose_the_best_epoch(data):
    seen = []
    classifier = TextClassifier(**SMALL)
    classifier.fit(*data, validation=sentences(30, seed=9), on_epoch=seen.append)
    assert classifier.history_ == seen and len(seen) == 12
    assert all(epoch.validation_score is not None for epoch in seen)
    assert seen[-1].best_score == max(epoch.validation_score for epoch in seen)
    split = TextClassifier(**SMALL, validation_split=0.2, patience=2).fit(*data)
    assert split.history_[-1].validation_score is not None
    odd = TextClassifier(**{**SMALL, "epochs": 1}).fit(*data, validation=(["a"], ["no such label"]))
    assert odd.history_[0].validation_score == 0


def test_the_best_epoch_is_kept(data):
    texts, labels = sentences(40, seed=9)
    noise = labels[1:] + labels[:1]  # nothing to be learned: the score wanders
    classifier = TextClassifier(**{**SMALL, "learning_rate": 0.05}).fit(*data, validation=(texts, noise))
    best = max(epoch.validation_score for epoch in classifier.history_)
    assert classifier.history_[-1].validation_score < best
    assert classifier.score(texts, noise) == pytest.approx(best)


def test_class_weights_as_a_dict(data):
    classifier = TextClassifier(**SMALL, class_weights={"fruit": 2.0, "metal": 1, "river": 0.5}).fit(*data)
    assert classifier.score(*data) > 0.9
    with pytest.raises(textclf.Error, match="cheese"):
        TextClassifier(**SMALL, class_weights={"cheese": 2.0}).fit(*data)


def test_after_a_failed_fit_the_classifier_is_as_it_was(data):
    classifier = TextClassifier(**SMALL).fit(*data)
    before = scores(classifier)
    with pytest.raises(textclf.OptionError):
        classifier.set_params(hidden_dim=0).fit(*data)
    with pytest.raises(RuntimeError, match="stop"):
        def stop(epoch):
            raise RuntimeError("stop")
        classifier.set_params(hidden_dim=4).fit(*data, on_epoch=stop)
    assert scores(classifier) == before


def test_partial_fit_learns(data):
    classifier = TextClassifier(**SMALL)
    with pytest.raises(ValueError, match="classes"):
        classifier.partial_fit(*data)
    for _ in range(12):
        assert classifier.partial_fit(*data, classes=["river", "metal", "fruit"]) is classifier
    assert classifier.score(*data) > 0.9 and list(classifier.classes_) == ["fruit", "metal", "river"]
    model = classifier.model_
    before = model.to_bytes()
    with pytest.raises(ValueError, match="cheese"):
        classifier.partial_fit(["a"], ["cheese"])
    with pytest.raises(ValueError, match="classes differ"):
        classifier.partial_fit(*data, classes=["a", "b"])
    assert classifier.model_.to_bytes() == before
    classifier.partial_fit(["tin"], ["river"])
    assert model.to_bytes() == before and classifier.model_.to_bytes() != before


def test_partial_fit_is_one_optimizer_in_many_calls(data):
    texts, labels = data
    whole = TextClassifier(**SMALL).partial_fit(texts, labels, classes=sorted(set(labels)))
    parts = TextClassifier(**SMALL)
    parts.partial_fit(texts, labels, classes=sorted(set(labels)), sample_weight=None)
    for first in range(0, 32, 8):
        parts.partial_fit(texts[first:first + 8], labels[first:first + 8])
    whole.partial_fit(texts[:32], labels[:32])
    assert parts.model_.to_bytes() == whole.model_.to_bytes()


def test_partial_fit_goes_on_after_fit(fitted, data):
    other = copy.deepcopy(fitted)
    model = other.model_
    other.partial_fit(["xyzzy apple"] * 8, ["metal"] * 8)
    assert model.to_bytes() == fitted.model_.to_bytes()  # what other threads hold stays as it is
    assert scores(other) != scores(fitted) and len(other.history_) == len(fitted.history_)
    pickled = pickle.loads(pickle.dumps(other))
    assert scores(pickled) == scores(other)


def test_threads_give_the_same_bits(fitted, data):
    classifier = TextClassifier(**SMALL, threads=2).fit(*data)
    assert classifier.model_.to_bytes() == fitted.model_.to_bytes()
    assert scores(classifier) == scores(fitted)


def test_empty_text_and_unknown_words_have_scores(fitted):
    rows = scores(fitted, ["", "xyzzy qwerty", "   "])
    assert rows[0] == rows[2] and all(abs(sum(row) - 1) < 1e-5 for row in rows)

"""test_narrow.py: models with bf16 and int8 weights: convert, the option `weights`, files, state_dict."""
import copy
import pickle

import pytest

import textclf
from conftest import SMALL

TEXTS = ["apple and iron", "nile", "", "plum grape 苹果"]


def near(one, other):
    return all(list(map(float, a)) == pytest.approx(list(map(float, b)), abs=0.02) for a, b in zip(one, other))


@pytest.mark.parametrize("weights", ["bf16", "int8"])
def test_convert_predicts_alike_and_saves_small(fitted, tmp_path, weights):
    model = fitted.model_
    narrow = model.convert(weights)
    assert narrow.option("weights") == weights and model.option("weights") == "f32"
    assert near(narrow.predict_batch(TEXTS), model.predict_batch(TEXTS))
    assert len(narrow.to_bytes()) < len(model.to_bytes())
    for twin in (narrow.clone(), copy.deepcopy(narrow), pickle.loads(pickle.dumps(narrow)), narrow.convert(weights)):
        assert twin.to_bytes() == narrow.to_bytes()
    wide = narrow.convert()
    assert wide.option("weights") == "f32" and near(wide.predict_batch(TEXTS), narrow.predict_batch(TEXTS))


def test_convert_keeps_run_options_unless_given(fitted):
    assert fitted.model_.convert("int8", threads=3).option("threads") == 3
    assert fitted.model_.convert("int8").option("threads") == fitted.model_.option("threads")
    with pytest.raises(textclf.OptionError, match="f32.bf16.int8"):
        fitted.model_.convert("int4")
    with pytest.raises(textclf.MismatchError, match="threshold"):
        fitted.model_.convert("int8", threshold=0.125)


def test_narrow_models_are_not_trained(fitted):
    with pytest.raises(textclf.UnsupportedError, match="int8"):
        textclf.Trainer(fitted.model_.convert("int8"))


@pytest.mark.parametrize("weights", ["bf16", "int8"])
def test_a_classifier_trains_in_f32_and_keeps_what_was_asked_for(fitted, data, tmp_path, weights):
    narrow = textclf.TextClassifier(weights=weights, **SMALL).fit(*data)
    wide = textclf.TextClassifier(**SMALL).fit(*data)
    assert narrow.model_.to_bytes() == wide.model_.convert(weights).to_bytes()
    assert list(narrow.predict(data[0])) == list(wide.predict(data[0]))
    narrow.save(tmp_path / "narrow")
    loaded = textclf.TextClassifier.load(tmp_path / "narrow")
    assert loaded.weights == weights and loaded.model_.to_bytes() == narrow.model_.to_bytes()
    assert pickle.loads(pickle.dumps(narrow)).model_.to_bytes() == narrow.model_.to_bytes()
    assert textclf.TextClassifier.load(tmp_path / "narrow", weights="f32").model_.option("weights") == "f32"
    assert list(loaded.fit(*data).predict(data[0])) == list(wide.predict(data[0]))


def test_a_classifier_of_ngrams_keeps_the_features_that_were_asked_for(data, tmp_path):
    whole = textclf.TextClassifier(arch="ngram").fit(*data)
    small = textclf.TextClassifier(arch="ngram", max_features=40, weights="int8").fit(*data)
    assert small.model_.to_bytes() == whole.model_.convert("int8", max_features=40).to_bytes()
    assert small.model_.option("max_features") == 40 and whole.model_.option("max_features") == 0
    small.save(tmp_path / "small"), whole.save(tmp_path / "whole")
    assert textclf.TextClassifier.load(tmp_path / "small").max_features == 40
    assert textclf.TextClassifier.load(tmp_path / "small").model_.to_bytes() == small.model_.to_bytes()
    assert textclf.TextClassifier.load(tmp_path / "whole", max_features=30).model_.option("max_features") == 30
    assert (tmp_path / "small").stat().st_size < (tmp_path / "whole").stat().st_size
    with pytest.raises(textclf.OptionError, match="max_features"):
        textclf.TextClassifier(max_features=40, **SMALL).fit(*data)


def test_state_dict_widens_the_columns_of_ngrams(tmp_path):
    numpy = pytest.importorskip("numpy")
    texts = [f"{word} {other}" for word in ("ham", "spam", "eggs") for other in ("a", "b", "c", "d")]
    model = textclf.TextClassifier(arch="ngram").fit(texts, [text.split()[0] for text in texts]).model_
    model.convert("int8", max_features=3).save(tmp_path / "square")  # as many rows as columns
    model.convert(max_features=3).save(tmp_path / "wide")
    narrow, wide = (textclf.state_dict(tmp_path / name)["embedding.weight"] for name in ("square", "wide"))
    assert narrow.shape == wide.shape == (3, 3) and abs(narrow - wide).max() <= abs(wide).max() / 250


def test_a_bad_value_is_told_before_training(data):
    with pytest.raises(textclf.OptionError, match="weights"):
        textclf.TextClassifier(weights="int4", **SMALL).fit(*data)


def test_partial_fit_goes_on_in_f32(data):
    texts, labels = data
    narrow, wide = textclf.TextClassifier(weights="int8", **SMALL), textclf.TextClassifier(**SMALL)
    for first in (0, 45):
        for classifier in (narrow, wide):
            classifier.partial_fit(texts[first:first + 45], labels[first:first + 45], classes=sorted(set(labels)))
    assert narrow.model_.to_bytes() == wide.model_.convert("int8").to_bytes()
    narrow = textclf.TextClassifier(weights="int8", **SMALL).fit(texts, labels)
    before = narrow.model_
    with pytest.raises(textclf.UnsupportedError):  # the f32 weights are gone
        narrow.partial_fit(texts, labels)
    assert narrow.model_ is before


def test_state_dict_gives_floats(fitted, tmp_path):
    numpy = pytest.importorskip("numpy")
    fitted.save(tmp_path / "wide")
    wanted = textclf.state_dict(tmp_path / "wide")
    for weights in ("bf16", "int8"):
        fitted.model_.convert(weights).save(tmp_path / weights)
        tensors = textclf.state_dict(tmp_path / weights)
        assert set(tensors) == set(wanted)
        assert all(tensor.dtype == numpy.float32 and tensor.flags.writeable for tensor in tensors.values())
        fitted.model_.convert(weights).convert("f32").save(tmp_path / "again")
        again = textclf.state_dict(tmp_path / "again")
        for name, tensor in tensors.items():
            assert (tensor == again[name]).all() and abs(tensor - wanted[name]).max() < 0.02

"""test_sklearn.py: TextClassifier inside scikit-learn; skipped where that is missing."""
import pytest
from conftest import SMALL, sentences

pytest.importorskip("sklearn")
from sklearn.base import clone, is_classifier, is_regressor  # noqa: E402
from sklearn.metrics import f1_score, log_loss  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer  # noqa: E402
from sklearn.utils.validation import check_is_fitted  # noqa: E402

import textclf  # noqa: E402
from textclf import TextClassifier  # noqa: E402


def strip_all(texts):
    return [text.strip() for text in texts]


def test_clone_takes_options_and_nothing_learned(fitted):
    weights = {"fruit": 1.0}
    original = TextClassifier(hidden_dim=12, class_weights=weights)
    copy = clone(original)
    assert copy.get_params() == original.get_params() and copy is not original
    with pytest.raises(textclf.StateError):
        clone(fitted).predict(["a"])


def test_kind_and_fitted_state(fitted):
    assert is_classifier(fitted) and not is_regressor(fitted)
    assert is_regressor(TextClassifier(task="regress"))
    check_is_fitted(fitted)
    with pytest.raises(Exception):
        check_is_fitted(TextClassifier())


def test_cross_validation(data):
    scores = cross_val_score(TextClassifier(**SMALL), *data, cv=3)
    assert len(scores) == 3 and scores.mean() > 0.8
    guesses = cross_val_predict(TextClassifier(**SMALL), *data, cv=3, method="predict_proba")
    assert guesses.shape == (90, 3)


def test_metrics_and_scorers(fitted, data):
    assert f1_score(data[1], fitted.predict(data[0]), average="macro") == pytest.approx(
        fitted.evaluate(*data).macro_f1, abs=1e-9)
    assert log_loss(data[1], fitted.predict_proba(data[0])) < 0.5
    scores = cross_val_score(TextClassifier(**SMALL), *data, cv=2, scoring="neg_log_loss")
    assert (scores > -1.1).all()


def test_grid_search_with_two_processes(data):
    grid = {"hidden_dim": [4, 8], "pooling": ["last", "max"]}
    search = GridSearchCV(TextClassifier(**{**SMALL, "epochs": 6}), grid, cv=2, n_jobs=2)
    search.fit(*data)
    assert search.best_params_["hidden_dim"] in (4, 8)
    assert search.score(*sentences(30, seed=8)) > 0.6
    assert list(search.classes_) == ["fruit", "metal", "river"]


def test_grid_search_reports_a_bad_value(data):
    search = GridSearchCV(TextClassifier(**SMALL), {"hidden_dim": [0]}, cv=2, error_score="raise")
    with pytest.raises(textclf.OptionError, match="hidden_dim"):
        search.fit(*data)


def test_pipeline(data):
    pipeline = make_pipeline(FunctionTransformer(strip_all), TextClassifier(**SMALL))
    pipeline.set_params(textclassifier__epochs=8)
    assert pipeline.fit(*data).score(*data) > 0.9


def test_regression_cross_validation():
    texts, labels = sentences(60)
    values = [float(len(label == "fruit" and "x" or "")) for label in labels]
    scores = cross_val_score(TextClassifier(**SMALL, task="regress"), texts, values, cv=2)
    assert len(scores) == 2 and (scores <= 1).all()

"""test_options.py: the option table, keywords, and how values become the library's text."""
import inspect

import pytest

import textclf
from textclf import Config, OptionError, TextClassifier
from textclf.config import option_text


def test_keywords_for_type_checkers_are_the_options_of_the_library():
    assert list(textclf.OptionKeywords.__annotations__) == [row.key for row in textclf.options()]


def test_signature_and_docstring_hold_every_option():
    parameters = list(inspect.signature(TextClassifier).parameters)
    assert parameters == ["pretrained", *(row.key for row in textclf.options())]
    for row in textclf.options():
        assert f"    {row.key}: {row.range}" in TextClassifier.__doc__
        assert row.help in TextClassifier.__doc__


def test_defaults_have_python_types():
    table = {row.key: row for row in textclf.options()}
    assert table["hidden_dim"].default == 256 and type(table["hidden_dim"].default) is int
    assert table["learning_rate"].default == 0.001
    assert table["lowercase"].default is True
    assert table["tokenizer"].default == "word"
    assert {row.option_class for row in table.values()} == {"model", "training", "run"}
    assert table["threads"].option_class == "run"


def test_every_default_may_be_set():
    with Config(**{row.key: row.default for row in textclf.options()}) as config:
        for row in textclf.options():
            assert config[row.key] == row.default, row.key


@pytest.mark.parametrize("value, text", [
    (True, "true"), (False, "false"), (7, "7"), (0.5, "0.5"), (1e-8, "1e-08"), ("adam", "adam"),
    ({"a": 1.5, "b,c=d": 2}, "a=1.5,b\\,c\\=d=2.0"), ({3: 0.25}, "3=0.25")])
def test_values_become_text(value, text):
    assert option_text(value) == text


def test_numbers_come_back_as_they_went_in():
    with Config() as config:
        for value in (1e-8, 0.1, 1 / 3, 1.2345678901234567e-29, 0.25):
            config["epsilon"] = value
            assert config["epsilon"] == value


def test_numpy_values_are_taken():
    numpy = pytest.importorskip("numpy")
    with Config(hidden_dim=numpy.int64(32), dropout=numpy.float64(0.25), lowercase=numpy.bool_(False)) as config:
        assert (config["hidden_dim"], config["dropout"], config["lowercase"]) == (32, 0.25, False)


def test_unknown_keyword_is_the_librarys_sentence_with_the_nearest_key():
    with pytest.raises(OptionError, match="hidden_dimm.*hidden_dim'"):
        TextClassifier(hidden_dimm=3)
    with pytest.raises(OptionError, match="hiden_dim"):
        TextClassifier().set_params(hiden_dim=3)
    with pytest.raises(OptionError, match="not known"):
        Config(entirely_made_up=1)
    with pytest.raises(OptionError, match="not known"):
        Config()["entirely_made_up"]


def test_bad_value_names_key_value_and_range():
    with pytest.raises(OptionError, match="optimizer.*newton.*adam"):
        Config(optimizer="newton")
    with pytest.raises(OptionError, match="hidden_dim.*-3"):
        TextClassifier(hidden_dim=-3).fit(["a b", "c d"], ["x", "y"])
    with pytest.raises(OptionError, match="hidden_dim.*object"):
        Config(hidden_dim=object())


def test_a_failed_set_leaves_the_config_as_it_was():
    with Config(hidden_dim=12) as config:
        with pytest.raises(OptionError):
            config["hidden_dim"] = 0
        assert config["hidden_dim"] == 12


def test_nul_in_a_value_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        Config(optimizer="adam\0w")
    with pytest.raises(ValueError, match="NUL"):
        Config().set("hidden_dim\0", 3)


def test_none_is_the_default():
    assert Config(hidden_dim=None)["hidden_dim"] == 256
    with pytest.raises(TypeError, match="None"):
        Config().set("hidden_dim", None)


def test_repr_shows_what_differs():
    assert repr(Config(hidden_dim=12)) == "Config(hidden_dim=12)"
    assert repr(TextClassifier(hidden_dim=12, lowercase=False)) == "TextClassifier(lowercase=False, hidden_dim=12)"


def test_params_are_attributes():
    classifier = TextClassifier(hidden_dim=12)
    assert classifier.hidden_dim == 12 and classifier.epochs is None
    assert classifier.set_params(epochs=3) is classifier
    assert classifier.get_params()["epochs"] == 3

"""test_vectors.py: pretrained vectors as an option, and into a model that is there."""
import pathlib

import pytest

import textclf
from conftest import SMALL

VECTORS = "3 8\napple " + "1 " * 8 + "\nnowhere " + "2 " * 8 + "\niron " + "0.5 " * 8 + "\n"


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "words.vec"
    path.write_text(VECTORS, encoding="utf-8")
    return path


def row(model, tmp_path, word):
    """A word's row of the embedding, as the file has it."""
    model.save(tmp_path / "model")
    number = model.encode(word)[0][0]
    weight = textclf.state_dict(tmp_path / "model")["embedding.weight"]
    return [float(value) for value in weight[number]]


def test_an_option_names_the_file(data, vectors, tmp_path):
    pytest.importorskip("numpy")
    for path in (vectors, str(vectors)):
        frozen = textclf.TextClassifier(**SMALL, pretrained_vectors=path, freeze_embedding=True).fit(*data)
        assert frozen.model_.info()["pretrained_words"] == 2
        assert row(frozen.model_, tmp_path, "apple") == [1.0] * 8
        assert row(frozen.model_, tmp_path, "iron") == [0.5] * 8
        assert frozen.score(*data) > 0.5
        assert b"words.vec" not in pathlib.Path(tmp_path / "model").read_bytes()


def test_a_model_that_is_there_takes_them(fitted, vectors, tmp_path):
    pytest.importorskip("numpy")
    model = fitted.model_.clone()
    assert model.load_vectors(vectors) == 2
    assert row(model, tmp_path, "apple") == [1.0] * 8
    assert row(model, tmp_path, "plum") == row(fitted.model_, tmp_path, "plum")
    vectors.write_text("apple 1 2 nan 4 5 6 7 8\n", encoding="utf-8")
    with pytest.raises(textclf.FormatError, match="line 1, byte 11: 'nan'"):
        model.load_vectors(vectors)

"""test_fasttext.py: fastText's model files through the package."""
import pathlib

import pytest

import textclf

MODELS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "fasttext_models"


def expected(name):
    """Texts as bytes, and what fastText's scores of them are."""
    lines = iter((MODELS / "expected.txt").read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith(f"file {name} "):
            break
    found = []
    for line in lines:
        if line.startswith("file "):
            break
        if line.startswith("text "):
            found.append((bytes.fromhex(line[5:]), [float(score) for score in next(lines).split()]))
    return found


@pytest.mark.parametrize("name", ["softmax.bin", "hs.bin", "ova.bin", "ns.bin", "hs_cutoff.ftz"])
def test_a_model_predicts_as_fasttext_does(name, tmp_path):
    model = textclf.Model.load(MODELS / name)
    assert set(model.labels) == {"sport", "food", "music", "money", "travel"}
    assert model.info()["format"] == "fasttext" and model.info()["checksum"] is None
    model.save(tmp_path / "native.safetensors")
    native = textclf.Model.load(tmp_path / "native.safetensors")
    for twin in (model, textclf.Model.load(MODELS / name, mapped=True), native):
        texts, scores = zip(*expected(name))
        for row, wanted in zip(twin.predict_batch(list(texts)), scores):
            assert [float(score) for score in row] == pytest.approx(wanted, abs=1e-6)


def test_a_classifier_takes_the_file():
    classifier = textclf.TextClassifier.load(MODELS / "grams.bin")
    assert list(classifier.predict(["the ball", "soup and bread"])) == ["sport", "food"]


def test_encode_gives_rows_and_bytes():
    rows, ranges = textclf.Model.load(MODELS / "softmax.bin").encode("the ball")
    assert len(rows) == 3 and list(ranges) == [(0, 3), (4, 8), (8, 8)]


def test_a_damaged_file_is_refused(tmp_path):
    data = (MODELS / "grams_q.ftz").read_bytes()
    for damaged in (data[:-1], data + b"\0", data[:8] + b"\xff" * 4 + data[12:]):
        with pytest.raises(textclf.FormatError, match="byte"):
            textclf.Model.from_bytes(damaged)

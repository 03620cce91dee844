"""test_pretrained.py: models of folders that transformers wrote: their vectors and scores, training, folders written."""
import json
import math
import os
import pickle
import subprocess
import sys

import pytest
from conftest import ROOT

import textclf

GOLDEN = os.path.join(ROOT, "tests", "golden")
NAMES = ("tiny_bert", "tiny_gpt2")
TEXTS = ["the lion and the tiger", "meeting report", "free cash", "zebra cage", "lunch on tuesday", "click the prize"] * 8
LABELS = ["zoo", "ham", "spam"] * 16


def folder(name):
    return os.path.join(GOLDEN, name)


def rows(name):
    """What transformers computed, of the texts that fit."""
    with open(folder(name) + ".json", encoding="utf-8") as file:
        return [row for row in json.load(file) if "logits" in row]


def close(found, wanted):
    return all(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4) for a, b in zip(found, wanted)) and \
        len(found) == len(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_ids_vectors_and_logits_are_those_of_transformers(name):
    for mapped in (False, True):
        with textclf.Model.from_pretrained(folder(name), mapped=mapped) as model:
            assert model.labels == ("ham", "spam", "zoo")
            for row in rows(name):
                assert model.encode(row["text"])[0] == row["ids"]
                assert close(model.embed(row["text"]), row["pooled"])
                assert close(model.predict_details(row["text"]).logits, row["logits"])


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_of_the_states_is_a_pooling(name):
    with textclf.Config(pooling="mean") as config, \
            textclf.Model.from_pretrained(folder(name), ["a", "b"], config) as model:
        assert model.labels == ("a", "b")
        for row in rows(name):
            assert close(model.embed(row["text"]), row["mean"])


def test_a_text_that_is_cut_says_so():
    long = rows("tiny_bert")[0]["text"] + " the zebra" * 60
    with textclf.Model.from_pretrained(folder("tiny_bert")) as model:
        whole = model.predict_details(long)
        assert whole.tokens_used == whole.tokens > 48  # windows
    with textclf.Config(truncate="head") as config, \
            textclf.Model.from_pretrained(folder("tiny_bert"), config=config) as model:
        cut = model.predict_details(long)
        assert cut.tokens_used == 48 < cut.tokens == whole.tokens


@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_begins_with_a_folder_and_writes_one(name, tmp_path):
    classifier = textclf.TextClassifier(pretrained=folder(name), epochs=8, learning_rate=0.01)
    classifier.fit(TEXTS, LABELS)
    assert classifier.score(TEXTS, LABELS) > 0.9
    assert classifier.get_params()["pretrained"] == folder(name) and "pretrained=" in repr(classifier)
    classifier.model_.export(tmp_path / "out", "hugging_face")
    classifier.save(tmp_path / "file")
    for path in ("out", "file"):
        loaded = textclf.TextClassifier.load(tmp_path / path)
        assert list(loaded.predict(TEXTS)) == list(classifier.predict(TEXTS))
        assert [list(row) for row in loaded.predict_proba(TEXTS)] == [list(row) for row in classifier.predict_proba(TEXTS)]
    copy = pickle.loads(pickle.dumps(classifier))
    assert list(copy.predict(TEXTS)) == list(classifier.predict(TEXTS)) and copy.pretrained == folder(name)


def test_a_head_of_another_task_is_not_taken_for_one_of_labels(tmp_path):
    values = [float(index % 3) for index in range(len(TEXTS))]
    classifier = textclf.TextClassifier(pretrained=folder("tiny_bert"), task="regress", epochs=1).fit(TEXTS, values)
    classifier.model_.export(tmp_path / "out", "hugging_face")
    with pytest.raises(textclf.OptionError, match="is a model of task regress; say task='regress'"):
        textclf.TextClassifier(pretrained=tmp_path / "out", epochs=1).fit(TEXTS, LABELS)
    for task, truth in (("regress", values), ("classify", LABELS)):
        textclf.TextClassifier(pretrained=tmp_path / "out", epochs=1, task=task).fit(TEXTS, truth)


def test_folders_that_are_none_are_named(tmp_path):
    with pytest.raises(textclf.Error, match="config.json"):
        textclf.Model.from_pretrained(tmp_path)
    with pytest.raises(textclf.Error, match="nowhere"):
        textclf.TextClassifier(pretrained=tmp_path / "nowhere").fit(["a", "b"], ["x", "y"])


@pytest.mark.parametrize("words", [("python_fine_tune.py", "--epochs", "1"), ("python_neighbours.py",)])
def test_examples_run(words):
    done = subprocess.run([sys.executable, os.path.join(ROOT, "examples", words[0]), folder("tiny_bert"), *words[1:]],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 5

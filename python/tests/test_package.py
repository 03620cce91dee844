"""test_package.py: finding the library, working without NumPy, tensors for PyTorch."""
import json
import os
import re
import struct
import subprocess
import sys
import textwrap

import pytest
from conftest import SMALL

import textclf
from textclf import _library

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(textclf.__file__))


def python(script, **environment):
    clean = {**os.environ, "TEXTCLF_LIBRARY": _library.path, "PYTHONPATH": PACKAGE, **environment}
    return subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=120,
                          env=clean)


def test_named_library_that_is_missing_is_said_by_name():
    done = python("import textclf", TEXTCLF_LIBRARY="/nowhere/libtextclf.so")
    assert done.returncode == 1 and "ImportError" in done.stderr and "/nowhere/libtextclf.so" in done.stderr
    assert "libtextclf.so.0" not in done.stderr  # nothing else is tried


def test_another_library_is_refused():
    import ctypes.util
    other = ctypes.util.find_library("z") or ctypes.util.find_library("m")
    done = python("import textclf", TEXTCLF_LIBRARY=other)
    assert done.returncode == 1 and "is no libtextclf" in done.stderr


def test_everything_works_without_numpy():
    done = python(f"""
        import sys
        for name in ("numpy", "sklearn", "pandas"):
            sys.modules[name] = None  # import fails
        sys.path.insert(0, {HERE!r})
        sys.modules["pytest"] = type(sys)("pytest")
        sys.modules["pytest"].fixture = lambda *a, **k: (lambda f: f)
        from conftest import SMALL, sentences
        import pickle, textclf
        texts, labels = sentences(60)
        clf = textclf.TextClassifier(**SMALL).fit(texts, labels)
        assert clf.score(texts, labels) > 0.9
        guess, scores = clf.predict(texts[:3]), clf.predict_proba(texts[:3])
        assert type(guess) is list and guess == labels[:3] and clf.classes_ == ["fruit", "metal", "river"]
        assert type(scores) is list and type(scores[0]) is list and abs(sum(scores[0]) - 1) < 1e-5
        assert clf.predict_proba([]) == [] and clf.predict([]) == []
        assert pickle.loads(pickle.dumps(clf)).predict(texts[:3]) == guess
        clf = textclf.TextClassifier(**SMALL, task="regress").fit(texts, [len(label) for label in labels])
        assert type(clf.predict(texts)[0]) is float and clf.score(texts, [len(label) for label in labels]) < 1
        clf = textclf.TextClassifier(**SMALL, task="multilabel").fit(texts, [[label] for label in labels])
        assert type(clf.predict(texts)[0]) is set
        try:
            textclf.state_dict("x")
        except ImportError as reason:
            print(reason)
    """)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout == "state_dict needs NumPy\n"


def test_import_does_not_import_numpy():
    assert python("import sys, textclf; print('numpy' in sys.modules)").stdout == "False\n"


def test_example_is_short_and_has_no_other_needs():
    path = os.path.join(os.path.dirname(os.path.dirname(HERE)), "examples", "python_train.py")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count("\n") < 120 and "import numpy" not in text


def test_the_pages_code_runs(data, tmp_path, monkeypatch):
    path = os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs", "python.md")
    with open(path, encoding="utf-8") as file:
        blocks = re.findall(r"```python\n(.*?)```", file.read(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    labels = ["ham" if label == "fruit" else "spam" for label in data[1]]
    space = {"texts": data[0], "labels": labels, "test_texts": data[0], "test_labels": labels}
    for block in blocks[:2]:  # the third needs a PyTorch module
        exec(compile(block, path, "exec"), space)
    assert os.path.exists("model.safetensors") and space["finished"]


def test_package_is_typed():
    assert os.path.exists(os.path.join(os.path.dirname(textclf.__file__), "py.typed"))


def test_state_dict_has_the_modules_tensors(fitted, model_file):
    numpy = pytest.importorskip("numpy")
    tensors = textclf.state_dict(model_file)
    assert list(sorted(tensors)) == ["embedding.weight", "fc.bias", "fc.weight", "lstm.bias_hh_l0", "lstm.bias_ih_l0",
                                     "lstm.weight_hh_l0", "lstm.weight_ih_l0"]
    assert tensors["lstm.weight_ih_l0"].shape == (32, 8) and tensors["fc.weight"].shape == (3, 8)
    assert all(tensor.dtype == numpy.float32 and tensor.flags.writeable for tensor in tensors.values())
    bias = tensors["fc.bias"] - tensors["fc.bias"].max()
    softmax = numpy.exp(bias) / numpy.exp(bias).sum()
    assert fitted.predict_proba([""])[0] == pytest.approx(softmax, abs=1e-6)


def test_state_dict_of_a_checkpoint_is_the_models(fitted, data, tmp_path):
    pytest.importorskip("numpy")
    config = textclf.Config(**SMALL)
    model = fitted.model_.clone()
    examples = textclf.Examples(model)
    for text, label in zip(*data):
        examples.add(text, label)
    with textclf.Trainer(model, config) as trainer:
        trainer.step(examples, range(8))
        trainer.save(tmp_path / "check")
        model.save(tmp_path / "model")
    one, two = textclf.state_dict(tmp_path / "check"), textclf.state_dict(tmp_path / "model")
    assert set(one) == set(two) and all((one[name] == two[name]).all() for name in one)


def test_state_dict_of_damaged_files(model_file, tmp_path):
    pytest.importorskip("numpy")
    data = bytearray(model_file.read_bytes())
    data[-1] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises(textclf.ChecksumError):
        textclf.state_dict(tmp_path / "damaged")
    for content in (b"", b"abc", struct.pack("<Q", 1 << 60), struct.pack("<Q", 2) + b"[]"):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(textclf.FormatError):
            textclf.state_dict(tmp_path / "bad")


def test_state_dict_of_plain_safetensors(tmp_path):
    numpy = pytest.importorskip("numpy")
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
                         "b": {"dtype": "F64", "shape": [1, 1], "data_offsets": [4, 12]}}).encode()
    data = struct.pack("<Q", len(header)) + header + b"\x80\x3f\x00\xc0" + struct.pack("<d", 0.1)
    (tmp_path / "plain").write_bytes(data)
    tensors = textclf.state_dict(tmp_path / "plain")
    assert tensors["a"].tolist() == [1.0, -2.0] and tensors["b"].tolist() == [[0.1]]
    assert tensors["a"].dtype == numpy.float32
    (tmp_path / "cut").write_bytes(data[:-1])
    with pytest.raises(textclf.FormatError, match="outside the file"):
        textclf.state_dict(tmp_path / "cut")


def test_torch_takes_the_tensors(fitted, model_file):
    torch = pytest.importorskip("torch")
    tensors = {name: torch.from_numpy(array) for name, array in textclf.state_dict(model_file).items()}

    class Net(torch.nn.Module):
        def __init__(self, words, labels):
            super().__init__()
            self.embedding = torch.nn.Embedding(words, 8)
            self.lstm = torch.nn.LSTM(8, 8, batch_first=True)
            self.fc = torch.nn.Linear(8, labels)

        def forward(self, ids):
            return self.fc(self.lstm(self.embedding(ids))[1][0][-1])
    net = Net(*tensors["embedding.weight"].shape[:1], 3)
    net.load_state_dict(tensors)
    ids, _ = fitted.model_.encode("apple 苹果 tin and the nile")
    logits = net(torch.tensor([ids]))[0].tolist()
    assert fitted.model_.predict_details("apple 苹果 tin and the nile").logits == pytest.approx(logits, abs=1e-5)

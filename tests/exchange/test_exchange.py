"""test_exchange.py: weights go between the library and PyTorch through files, both ways, with the same logits to 1e-5.

Prints "skipped: ..." where the interpreter lacks torch or NumPy. Needs TEXTCLF_LIBRARY, and python/ and tests/golden/
on PYTHONPATH.
"""
import importlib.util
import itertools
import os
import subprocess
import sys
import tempfile
import unittest

TOLERANCE = 1e-5  # of max(1, |logit|)
WORDS = "the market list ipo of a start up was cancelled today 公司 上市 取消 收购 转型".split()
TEXTS = ["", "the", "unheard words alone", "the start up was cancelled today", "公司上市取消 a start up 转型",
         " ".join(WORDS * 9)]
LABELS = ["acquisition", "ipo", "none"]
SHAPES = [{"num_layers": layers, "bidirectional": bidirectional, "pooling": pooling}
          for layers, bidirectional, pooling in itertools.product((1, 2), (False, True), ("last", "mean", "max"))]
SIZES = {"embedding_dim": 12, "hidden_dim": 20}


def new_model(**options):
    config = textclf.Config(**SIZES, **options)
    return textclf.Model(config, textclf.Vocabulary(config, [" ".join(WORDS)]), LABELS)


def vocab_size(model):
    return model.info()["tensors"][0]["shape"][0]


class Exchange(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "weights.safetensors")

    def assert_same_logits(self, model, module):
        self.assert_close(model, load_in_torch.logits(module, [model.encode(text)[0] for text in TEXTS]))

    def assert_close(self, model, theirs):
        for text, row in zip(TEXTS, theirs, strict=True):
            for ours, expected in zip(model.predict_details(text).logits, row, strict=True):
                self.assertLessEqual(abs(ours - expected), TOLERANCE * max(1, abs(expected)), text)

    def test_torch_takes_a_model_file(self):
        for shape in SHAPES:
            with self.subTest(**shape):
                model = new_model(**shape)
                model.save(self.path)
                self.assert_same_logits(model, load_in_torch.load(self.path, shape["pooling"]))

    def test_torch_takes_a_checkpoint(self):
        config = textclf.Config(learning_rate=0.05)
        model = new_model(pooling="mean")
        examples = textclf.Examples(model)
        for number, text in enumerate(TEXTS):
            examples.add(text, number % len(LABELS))
        trainer = textclf.Trainer(model, config)
        for _ in range(3):
            trainer.step(examples, range(len(TEXTS)))
        trainer.save(self.path)
        self.assert_same_logits(model, load_in_torch.load(self.path, "mean"))

    def test_the_package_gives_torch_its_tensors(self):
        model = new_model(bidirectional=True)
        model.save(self.path)
        tensors = {name: torch.from_numpy(array) for name, array in textclf.state_dict(self.path).items()}
        module = torch_model.TextClassifier(vocab_size(model), *SIZES.values(), len(LABELS), bidirectional=True)
        module.load_state_dict(tensors, strict=True)
        self.assert_same_logits(model, module)

    def test_the_library_takes_weights_saved_by_torch(self):
        for number, shape in enumerate(SHAPES):
            with self.subTest(**shape):
                torch.manual_seed(number)
                model = new_model(**shape)
                module = torch_model.TextClassifier(vocab_size(model), *SIZES.values(), len(LABELS), **shape)
                save_from_torch.save(module, self.path)
                model.load_weights(self.path)
                self.assert_same_logits(model, module)

    def test_the_scripts_do_the_same(self):
        model, folder = new_model(num_layers=2), os.path.dirname(load_in_torch.__file__)
        run = [sys.executable, "-B", os.path.join(folder, "save_from_torch.py"), self.path, "--dtype", "float64",
               "--num-layers", "2", "--vocab-size", str(vocab_size(model)), "--label-count", str(len(LABELS))]
        run += [part for name, size in SIZES.items() for part in (f"--{name.replace('_', '-')}", str(size))]
        subprocess.run(run, check=True)
        model.load_weights(self.path)
        model.save(self.path)
        ids = "".join(" ".join(map(str, model.encode(text)[0])) + "\n" for text in TEXTS)
        printed = subprocess.run([sys.executable, "-B", os.path.join(folder, "load_in_torch.py"), self.path], input=ids,
                                 stdout=subprocess.PIPE, encoding="ascii", check=True).stdout
        self.assert_close(model, [list(map(float, line.split())) for line in printed.splitlines()])


if __name__ == "__main__":
    for needed in ("torch", "numpy"):
        if importlib.util.find_spec(needed) is None:
            print(f"skipped: {needed} cannot be imported; TEXTCLF_TORCH_PYTHON may name an interpreter that has it")
            raise SystemExit(0)
    import load_in_torch
    import save_from_torch
    import textclf
    import torch
    import torch_model
    unittest.main()

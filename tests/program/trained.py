"""A trained model for the tests of the program: three kinds of little texts, and a model of them."""
import pathlib
import random
import tempfile

from harness import PROGRAM, Case, run

SMALL = ("--embedding-dim", "8", "--hidden-dim", "8", "--epochs", "6", "--learning-rate", "0.02", "--threads", "2")
WORDS = {"ham": "meeting report lunch project thanks tuesday notes", "spam": "prize winner free cash click offer money",
         "zoo": "lion tiger zebra cage monkey parrot keeper"}


def texts(count, seed=1):
    chosen = random.Random(seed)
    for i in range(count):
        label = ("spam", "zoo", "ham")[i % 3]
        yield label, " ".join(chosen.choices(WORDS[label].split() + ["the", "a", "you"], k=chosen.randrange(3, 12)))


def tsv(count, seed=1):
    return "".join(f"{label}\t{text}\n" for label, text in texts(count, seed))


class Trained(Case):
    """With a model that has been trained, and the data for it."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.shared = pathlib.Path(folder.name)
        cls.train_file = cls.shared / "train.tsv"
        cls.train_file.write_text(tsv(240))
        cls.test_file = cls.shared / "test.tsv"
        cls.test_file.write_text(tsv(60, 2))
        cls.model = cls.shared / "model.safetensors"
        done = run([PROGRAM, "train", "--input", cls.train_file, "--output", cls.model, *SMALL])
        assert done.code == 0 and done.out == "", done.err

    def train(self, *words, code=0, output="m", **more):
        model = self.folder / output
        result = self.textclf("train", "--output", model, *SMALL, *words, **more)
        self.assertEqual(result.code, code, result.err)
        return model, result

    def predict(self, *words, model=None, **more):
        result = self.textclf("predict", "--model", model or self.model, *words, **more)
        self.assertEqual(result.code, 0, result.err)
        return result

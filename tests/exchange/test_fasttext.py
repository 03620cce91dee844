"""test_fasttext.py: models that the library writes as fastText files, read by fastText itself: the same labels and
probabilities, to 1e-5 beyond the 1e-5 that fastText adds; word and sentence vectors to 1e-6.

Prints "skipped: ..." where the interpreter lacks fasttext or NumPy. Needs TEXTCLF_LIBRARY, and python/ on PYTHONPATH.
"""
import importlib.util
import pathlib
import random
import sys
import tempfile
import unittest

MODELS = pathlib.Path(__file__).resolve().parent.parent / "golden" / "fasttext_models"
ADDED = 1e-5  # by fastText, to every probability
WORDS = "the market list ipo of a start up was cancelled today 公司 上市 取消 收购 转型 naïve café resumé co-op".split()
UNHEARD = "marketplace listing upstart 公司上市 cafés zebra".split()
LABELS = ["acquisition", "ipo", "none", "其他", "list.of"]
SHAPES = [
    {"buckets": 500},
    {"word_ngrams": 2, "buckets": 1000},
    {"word_ngrams": 3, "min_char_ngram": 2, "max_char_ngram": 4, "buckets": 333},
    {"head": "sigmoid", "min_char_ngram": 3, "max_char_ngram": 6, "buckets": 5000},
    {"head": "tree", "word_ngrams": 2, "buckets": 200},
    {"task": "multilabel", "word_ngrams": 2, "buckets": 77},
]


def texts(count, words, seed=3):
    chosen = random.Random(seed)
    yield ""
    for _ in range(count):
        yield " ".join(chosen.choices(words + UNHEARD, k=chosen.randrange(1, 30)))


class FastText(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def model(self, **options):
        """A trained model whose tokens are what fastText makes of a text, too."""
        known = list(texts(200, WORDS))
        labels = [LABELS[(len(text) // 3) % len(LABELS)] for text in known]
        if options.get("task") == "multilabel":
            labels = [{label, LABELS[len(text) % 2]} for text, label in zip(known, labels)]
        classifier = textclf.TextClassifier(arch="ngram", embedding_dim=11, tokenizer="space", normalize="none",
                                            lowercase=False, clean_controls=False, learning_rate=0.5, epochs=8, **options)
        return classifier.fit(known, labels).model_

    def assert_near(self, vector, wanted, text):
        numpy.testing.assert_allclose(vector, wanted, atol=1e-6, rtol=1e-6, err_msg=text)

    def compare_words(self, model, theirs, words):
        for word in [*words, *UNHEARD, "</s>", "a" * 100]:
            self.assert_near(model.word_vector(word), theirs.get_word_vector(word), word)

    def compare(self, model, theirs, words, added=ADDED, tolerance=1e-5):
        for text in texts(300, words):
            labels = len(model.labels)
            found = dict((label, score) for score, label in theirs.f.predict(text + "\n", labels, -1.0, "strict"))
            wanted = dict(zip(model.labels, model.predict(text)))
            for label, score in found.items():
                self.assertAlmostEqual(score - added, wanted[label.removeprefix("__label__")], delta=tolerance, msg=text)
            self.assert_near(model.embed(text), theirs.get_sentence_vector(text), text)
            best = max(wanted.values())
            first = next(iter(found)).removeprefix("__label__")
            self.assertAlmostEqual(wanted[first], best, delta=2 * tolerance)

    def test_fasttext_predicts_as_the_model_that_was_written(self):
        for shape in SHAPES:
            with self.subTest(**shape):
                model, path = self.model(**shape), self.folder / "model.bin"
                model.export(path)
                theirs = fasttext.load_model(str(path))
                # its sigmoids come from a table of 512 steps
                sigmoid = "sigmoid" in (shape.get("head"), shape.get("task") == "multilabel" and "sigmoid")
                self.compare(model, theirs, WORDS, tolerance=8e-3 if sigmoid else 1e-5)
                self.compare(textclf.Model.load(path), theirs, WORDS, added=0, tolerance=1e-6)
                self.compare_words(model, theirs, WORDS)

    def test_a_model_of_fasttext_goes_through_our_files_and_back(self):
        for path in sorted([*MODELS.glob("*.bin"), *MODELS.glob("*.ftz")]):
            with self.subTest(path.name):
                theirs = fasttext.load_model(str(path))
                textclf.Model.load(path).save(self.folder / "ours.safetensors")
                model = textclf.Model.load(self.folder / "ours.safetensors")
                model.export(self.folder / "back")
                back = fasttext.load_model(str(self.folder / "back"))
                words = theirs.get_words()
                self.assertEqual(back.get_words(), words)
                for found in (theirs, back):
                    self.compare(model, found, words, added=0, tolerance=1e-6)
                    self.compare_words(model, found, words)
                self.compare_words(textclf.Model.load(self.folder / "back"), back, words)


if __name__ == "__main__":
    missing = [name for name in ("numpy", "fasttext") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"skipped: {sys.executable} has no {' and no '.join(missing)}; set TEXTCLF_FASTTEXT_PYTHON")
        sys.exit(0)
    import fasttext
    import numpy

    import textclf
    fasttext.FastText.eprint = lambda *_: None
    unittest.main()

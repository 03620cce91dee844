"""textclf convert, and train --weights: files in and out, what they predict, what is refused."""
import pathlib
import tempfile
import unittest

from harness import PROGRAM, Case, run

SMALL = ("--embedding-dim", "16", "--hidden-dim", "24", "--epochs", "4", "--learning-rate", "0.02", "--threads", "2")
DATA = "".join(f"{label}\t{text} {number % 7}\n" for number in range(60)
               for label, text in [("ham", "the meeting notes of tuesday"), ("spam", "win cash now, click the offer")])


class Convert(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.shared = pathlib.Path(folder.name)
        cls.data = cls.shared / "data.tsv"
        cls.data.write_text(DATA)
        cls.model, cls.checkpoint = cls.shared / "model.safetensors", cls.shared / "checkpoint"
        done = run([PROGRAM, "train", "--input", cls.data, "--output", cls.model, "--checkpoint", cls.checkpoint,
                    *SMALL])
        assert done.code == 0, done.err

    def convert(self, *words, source=None, output="out.safetensors"):
        path = self.folder / output
        result = self.textclf("convert", source or self.model, path, *words)
        self.assertEqual((result.code, result.out), (0, ""), result.err)
        self.assertEqual(len(result.messages), 1)
        self.assertIn(str(path), result.messages[0])
        return path

    def weights(self, path):
        return self.textclf("info", path, "--json").json()["options"]["weights"]

    def predict(self, path):
        result = self.textclf("predict", "--model", path, "--top", "2", "--json", "the offer of tuesday")
        self.assertEqual(result.code, 0, result.err)
        return {entry["label"]: entry["score"] for entry in result.json()["predictions"][0]["labels"]}

    def test_narrow_models_are_smaller_and_predict_alike(self):
        wanted, sizes = self.predict(self.model), [self.model.stat().st_size]
        for weights in ("bf16", "int8"):
            path = self.convert("--weights", weights, output=weights)
            self.assertEqual(self.weights(path), weights)
            for label, score in self.predict(path).items():
                self.assertAlmostEqual(score, wanted[label], delta=0.01)
            sizes.append(path.stat().st_size)
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        info = self.textclf("info", self.folder / "int8").out
        for part in ("I8", "textclf.scale.lstm.weight_hh_l0", "int8"):
            self.assertIn(part, info)

    def test_without_weights_the_file_is_written_anew(self):
        self.assertEqual(self.convert().read_bytes(), self.model.read_bytes())
        narrow = self.convert("--weights", "int8", output="int8")
        self.assertEqual(self.convert(source=narrow).read_bytes(), narrow.read_bytes())

    def test_a_checkpoint_becomes_its_model(self):
        self.assertGreater(self.checkpoint.stat().st_size, 2 * self.model.stat().st_size)
        self.assertEqual(self.convert(source=self.checkpoint).read_bytes(), self.model.read_bytes())

    def test_a_file_may_replace_itself(self):
        path = self.convert("--weights", "bf16")
        wanted = self.predict(path)
        self.convert("--weights", "f32", source=path)
        self.assertEqual((self.weights(path), self.predict(path)), ("f32", wanted))

    def test_training_writes_what_convert_writes(self):
        for weights in ("int8", "bf16"):
            path = self.folder / "trained"
            result = self.textclf("train", "--input", self.data, "--output", path, "--weights", weights, *SMALL)
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(path.read_bytes(), self.convert("--weights", weights).read_bytes())

    def test_a_resumed_training_may_ask_for_other_weights(self):
        path = self.folder / "trained"
        result = self.textclf("train", "--input", self.data, "--output", path, "--resume", self.checkpoint,
                              "--weights", "int8")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(path.read_bytes(), self.convert("--weights", "int8").read_bytes())

    def test_narrow_models_are_evaluated_on_any_number_of_threads(self):
        path = self.convert("--weights", "int8")
        outcomes = []
        for threads in ("1", "3"):
            figures = self.textclf("eval", "--model", path, "--input", self.data, "--threads", threads, "--json").json()
            outcomes.append({key: value for key, value in figures.items() if "second" not in key})
        self.assertEqual(*outcomes)
        self.assertEqual(outcomes[0]["accuracy"], 1)

    def test_wrong_use_is_told(self):
        self.fails(self.textclf("convert"), 2, "name the model file")
        self.fails(self.textclf("convert", self.model), 2, "name the model file")
        self.fails(self.textclf("convert", "a", "b", "c"), 2, "one model file to read")
        self.fails(self.textclf("convert", self.model, "b", "--weights", "int4"), 2, "f32|bf16|int8")
        self.fails(self.textclf("convert", self.model, "b", "--hidden-dim", "3"), 2, "textclf train")
        self.fails(self.textclf("predict", "--model", self.model, "--weights", "int8", "x"), 2, "--weights")

    def test_failures_are_told_and_leave_no_file(self):
        output = self.folder / "out"
        header = b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'.ljust(64)
        plain = self.file("plain.safetensors", (64).to_bytes(8, "little") + header)
        for source, part in [(self.folder / "none", "cannot open"), (self.data, "not a model file"),
                             (plain, "tc_model_load_weights"),
                             (self.file("cut", self.model.read_bytes()[:-9]), "damaged")]:
            self.fails(self.textclf("convert", source, output), 1, source.name, part)
            self.assertFalse(output.exists())
        self.fails(self.textclf("convert", self.model, self.folder / "no" / "m"), 1, "no such file or folder")
        self.fails(self.textclf("convert", self.model, output, "--max-file-bytes", "10"), 1, "max_file_bytes")

    def test_training_with_narrow_weights_alone_is_refused(self):
        narrow = self.convert("--weights", "int8")
        self.fails(self.textclf("train", "--input", self.data, "--output", self.folder / "m", "--resume", narrow), 1,
                   "int8", "textclf convert")


if __name__ == "__main__":
    unittest.main()

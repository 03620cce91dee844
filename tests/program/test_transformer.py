"""Transformers trained from scratch through the program: they learn, go on from checkpoints, and read long texts whole."""
import itertools
import re

from trained import Trained, tsv

SIZES = ("--hidden-dim", "16", "--num-heads", "2", "--positions", "24", "--epochs", "6", "--learning-rate", "0.01",
         "--threads", "2")


class Transformer(Trained):
    def learn(self, arch, *words, output="m", code=0):
        model = self.folder / output
        result = self.textclf("train", "--arch", arch, "--input", self.train_file, "--output", model, *SIZES, *words)
        self.assertEqual(result.code, code, result.err)
        return model, result

    def test_both_learn(self):
        for arch, family in (("bert", "bert"), ("gpt", "gpt2")):
            model, result = self.learn(arch)
            figures = self.textclf("eval", "--model", model, "--input", self.test_file, "--json").json()
            self.assertGreater(figures["accuracy"], 0.9, arch)
            info = self.textclf("info", model, "--json").json()
            self.assertEqual((info["architecture"], info["options"]["family"], info["options"]["max_length"]),
                             (arch, family, 24))

    def test_a_training_that_is_resumed_gives_the_same_file(self):
        constant = ("--schedule", "constant", "--warmup-ratio", "0")
        for arch in ("bert", "gpt"):
            whole, _ = self.learn(arch, *constant)
            checkpoint = self.folder / "c"
            self.learn(arch, *constant, "--epochs", "2", "--checkpoint", checkpoint, output="part")
            resumed = self.folder / "r"
            result = self.textclf("train", "--resume", checkpoint, "--input", self.train_file, "--output", resumed,
                                  "--epochs", "6", "--threads", "1")
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(resumed.read_bytes(), whole.read_bytes(), arch)

    def test_the_end_of_a_long_text_counts_unless_it_is_cut(self):
        begin = " ".join(itertools.islice(itertools.cycle(["report", "the"]), 60))
        for truncate, same in (("windows", False), ("head", True)):
            model, _ = self.learn("bert", "--truncate", truncate, "--window-overlap", "4")
            lines = self.predict("--top", "3", begin + " lion tiger", begin + " prize cash", model=model).lines
            self.assertEqual(lines[0] == lines[1], same, truncate)

    def test_training_in_chunks(self):
        big = self.file("big.tsv", tsv(6000, 3))
        model, result = self.learn("gpt", "--input", big, "--max-memory", "4000000", "--epochs", "2")
        self.assertEqual(len(re.findall(r"epoch \d of 2", result.err)), 2)
        figures = self.textclf("eval", "--model", model, "--input", self.test_file, "--json").json()
        self.assertGreater(figures["accuracy"], 0.9)

    def test_what_does_not_fit_is_told_before_training(self):
        train = ("train", "--input", self.train_file, "--output", self.folder / "m")
        for words, parts in ((("--arch", "bert", "--num-heads", "5"), ("num_heads", "hidden_dim")),
                             (("--arch", "bert", "--max-length", "600"), ("max_length", "positions")),
                             (("--arch", "gpt", "--pooling", "cls"), ("pooling",)),
                             (("--arch", "bert", "--weights", "int8"), ("--weights int8", "f32"))):
            result = self.textclf(*train, *words)
            self.assertEqual((result.code, result.out), (1, ""), words)
            for part in parts:
                self.assertIn(part, result.messages[-1])
            self.assertNotIn("epoch", result.err)
        self.assertEqual([path.name for path in self.folder.iterdir()], [])


if __name__ == "__main__":
    import unittest
    unittest.main()

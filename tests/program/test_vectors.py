"""textclf train --pretrained-vectors, --freeze-embedding."""
from trained import Trained

VECTORS = "3 4\nlion 1 0 0 0 \nnowhere 0 1 0 0 \nprize 0 0 1 0 \n"
SMALL = ("--hidden-dim", "4", "--epochs", "1")


class Vectors(Trained):
    def train(self, *words, output="m"):
        model = self.folder / output
        return model, self.textclf("train", "--input", self.train_file, "--output", model, *SMALL, *words)

    def test_says_how_many_words_were_found_and_takes_their_dimension(self):
        path = self.file("words.vec", VECTORS)
        model, result = self.train("--pretrained-vectors", path, "--freeze-embedding", "true")
        self.assertEqual(result.code, 0, result.err)
        self.assertRegex(result.err, r"vectors of 2 of \d+ words were found")
        info = self.textclf("info", model, "--json").json()
        self.assertEqual((info["options"]["embedding_dim"], info["options"]["freeze_embedding"]), (4, True))
        self.assertNotIn("pretrained_vectors", info["options"])
        self.assertNotIn("pretrained_words", info)
        self.assertNotIn(b"words.vec", model.read_bytes())

    def test_a_bad_file_is_named_with_its_line(self):
        path = self.file("words.vec", VECTORS.replace("1 0 0 0", "1 0 0 z"))
        _, result = self.train("--pretrained-vectors", path)
        self.fails(result, 1, "words.vec", "line 2, byte 12: 'z'")
        _, result = self.train("--pretrained-vectors", self.folder / "none.vec")
        self.fails(result, 1, "none.vec", "no such file")


if __name__ == "__main__":
    import unittest
    unittest.main()

"""fastText's files through the program: predict, info, convert to the library's own format and back."""
import pathlib

from harness import Case

MODELS = pathlib.Path(__file__).resolve().parent.parent / "golden" / "fasttext_models"
TEXTS = "the team was very loud on the stage\nbread soup\n\nthe unknownword and the ball\n"


class FastText(Case):
    def predict(self, model):
        result = self.textclf("predict", "--model", model, "--top", "3", stdin=TEXTS)
        self.assertEqual(result.code, 0, result.err)
        return result.out

    def test_a_model_goes_to_our_format_and_back(self):
        for path in sorted([*MODELS.glob("*.bin"), *MODELS.glob("*.ftz")]):
            with self.subTest(path.name):
                ours, back = self.folder / "ours.safetensors", self.folder / f"back{path.suffix}"
                for source, target in ((path, ours), (ours, back)):
                    result = self.textclf("convert", source, target)
                    self.assertEqual(result.code, 0, result.err)
                self.assertEqual(back.read_bytes()[:4], path.read_bytes()[:4])
                self.assertNotEqual(ours.read_bytes()[:4], path.read_bytes()[:4])
                wanted = self.predict(path)
                self.assertEqual(len(wanted.splitlines()), 4)
                self.assertEqual(self.predict(ours), wanted)
                self.assertEqual(self.predict(back), wanted)

    def test_what_the_format_has_no_place_for_is_refused(self):
        data = self.file("data.tsv", "a\tgood film\nb\tbad film\n" * 8)
        model = self.folder / "linear.safetensors"
        self.assertEqual(self.textclf("train", "--arch", "ngram", "--input", data, "--output", model).code, 0)
        result = self.textclf("convert", model, self.folder / "linear.bin")
        self.fails(result, 1, "fastText's format has no place for this model", "embedding_dim 0")
        self.assertEqual([path.name for path in self.folder.glob("*.bin")], [])


if __name__ == "__main__":
    import unittest
    unittest.main()

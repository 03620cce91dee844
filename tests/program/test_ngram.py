"""textclf train --arch ngram: a model of n-grams, trained, evaluated, asked, kept in a file."""
import json

from trained import WORDS, Trained, texts, tsv


class Ngram(Trained):
    def ngram(self, *words, data=None, output="m"):
        model = self.folder / output
        result = self.textclf("train", "--input", data or self.train_file, "--output", model, "--arch", "ngram", *words)
        self.assertEqual(result.code, 0, result.err)
        return model, result

    def test_learns_without_further_options(self):
        model, result = self.ngram("--json")
        self.assertEqual(len(result.json()["epochs"]), 3)
        figures = self.textclf("eval", "--model", model, "--input", self.test_file, "--json").json()
        self.assertGreater(figures["accuracy"], 0.97)
        self.assertLess(figures["loss"], 0.2)
        for label, words in WORDS.items():
            line = self.textclf("predict", "--model", model, " ".join(words.split()[:3])).lines[0].split("\t")
            self.assertEqual(line[0], label)
            self.assertGreater(float(line[1]), 0.5)
            self.assertLessEqual(float(line[1]), 1.0)

    def test_thread_count_does_not_show_in_the_model(self):
        one, _ = self.ngram("--threads", "1", output="one")
        two, _ = self.ngram("--threads", "2", output="two")
        self.assertEqual(one.read_bytes(), two.read_bytes())

    def test_info_names_what_it_reads(self):
        model, _ = self.ngram("--word-ngrams", "2")
        options = self.textclf("info", model, "--json").json()["options"]
        self.assertEqual((options["arch"], str(options["word_ngrams"]), str(options["max_char_ngram"])), ("ngram", "2", "5"))
        self.assertNotIn("hidden_dim", options)
        self.assertIn("word_ngrams", self.textclf("info", model).out)

    def test_characters_are_left_out_of_a_large_corpus(self):
        path = self.file("large.tsv", tsv(240) + "a\t" + "x " * (4 << 20) + "\n" + "b\ty\n" * 8)
        model, _ = self.ngram(data=path)
        options = self.textclf("info", model, "--json").json()["options"]
        self.assertEqual((str(options["word_ngrams"]), str(options["max_char_ngram"])), ("2", "0"))

    def test_a_small_model_is_judged_as_it_is_written(self):
        held_out = ["--validation-split", "0.2"]
        whole, _ = self.ngram(*held_out)
        small, result = self.ngram("--max-features", "60", "--weights", "int8", "--json", *held_out, output="small")
        self.assertLess(small.stat().st_size, whole.stat().st_size)
        self.assertIn("in the file: validation loss", result.err)
        judged = result.json()["file_validation"]
        self.assertNotEqual(judged["loss"], result.json()["epochs"][-1]["validation"]["loss"])
        self.assertGreater(judged["accuracy"], 0.9)
        options = self.textclf("info", small, "--json").json()["options"]
        self.assertEqual((options["max_features"], options["weights"]), (60, "int8"))

    def test_convert_keeps_the_features_that_matter(self):
        whole, _ = self.ngram()
        for words in (["--max-features", "60"], ["--max-features", "60", "--weights", "int8"]):
            path = self.folder / "converted"
            self.assertEqual(self.textclf("convert", whole, path, *words).code, 0)
            tensors = {tensor["name"]: tensor["shape"] for tensor in self.textclf("info", path, "--json").json()["tensors"]}
            self.assertEqual(tensors["embedding.weight"][0], 60)
            figures = self.textclf("eval", "--model", path, "--input", self.test_file, "--json").json()
            self.assertGreater(figures["accuracy"], 0.9)
        again = self.folder / "again"
        self.assertEqual(self.textclf("convert", path, again).code, 0)
        self.assertEqual(again.read_bytes(), path.read_bytes())

    def test_options_of_another_architecture_are_refused(self):
        for words, parts in ((["--arch", "ngram", "--hidden-dim", "9"], ["hidden_dim", "lstm"]),
                             (["--word-ngrams", "2"], ["word_ngrams", "ngram"]),
                             (["--optimizer", "dcd"], ["optimizer", "dcd"]),
                             (["--arch", "ngram", "--optimizer", "adam"], ["optimizer", "dcd"]),
                             (["--arch", "ngram", "--min-char-ngram", "6"], ["min_char_ngram"]),
                             (["--max-features", "9"], ["max_features", "ngram"])):
            result = self.textclf("train", "--input", self.train_file, "--output", self.folder / "m", *words)
            self.assertEqual(result.code, 1, words)
            for part in parts:
                self.assertIn(part, result.messages[-1])

    def test_a_resumed_training_writes_the_same_model(self):
        straight, _ = self.ngram()
        wanted = straight.read_bytes()
        checkpoint, output = self.folder / "c", self.folder / "m"
        common = ["train", "--input", self.train_file, "--output", output, "--checkpoint", checkpoint]
        self.assertEqual(self.textclf(*common, "--arch", "ngram", "--epochs", "1").code, 0)
        result = self.textclf(*common, "--resume", checkpoint, "--epochs", "3")
        self.assertEqual(result.code, 0)
        self.assertNotIn("epoch 1 ", result.err)
        ours, theirs = (self.textclf("eval", "--model", model, "--input", self.train_file, "--json").json()
                        for model in (output, straight))
        self.assertEqual((ours["loss"], ours["accuracy"]), (theirs["loss"], theirs["accuracy"]))
        self.assertEqual(output.read_bytes(), wanted)

    def test_thresholds_are_tuned_and_gone_by(self):
        # "rare" is true for one in 16 texts and is hinted at by a word that as many others hold
        def sets(first):
            return "".join(json.dumps({"text": f"{text} {'comet' if n % 16 in (3, 7) else ''}",
                                       "labels": [label] + ["rare"] * (n % 16 == 3)}) + "\n"
                           for n, (label, text) in enumerate(texts(480), first))
        data, held_out = self.file("sets.jsonl", sets(0)), self.file("held_out.jsonl", sets(5))
        multilabel = ["--task", "multilabel", "--validation", held_out]
        plain, _ = self.ngram(*multilabel, data=data, output="plain")
        tuned, _ = self.ngram(*multilabel, "--tune-thresholds", "true", data=data, output="tuned")
        least = dict(zip(*(self.textclf("info", tuned, "--json").json()[key] for key in ("labels", "thresholds"))))
        self.assertLess(least["rare"], 0.5)
        self.assertIsNone(self.textclf("info", plain, "--json").json()["thresholds"])
        found = {}
        for model in (plain, tuned):
            figures = self.textclf("eval", "--model", model, "--input", held_out, "--json").json()
            found[model] = {row["label"]: row["f1"] for row in figures["labels"]}
            given = {line for text in ("comet", "stone") for line in
                     self.textclf("predict", "--model", model, text).lines[0].split("\t")[::2] if line}
            every = [self.textclf("predict", "--model", model, "--top", "9", "comet").lines[0].split("\t")]
            scores = {label: float(score) for label, score in zip(every[0][::2], every[0][1::2])}
            self.assertEqual("rare" in given, scores["rare"] >= (least["rare"] if model == tuned else 0.5))
        self.assertGreater(found[tuned]["rare"], found[plain]["rare"])

    def test_tuning_needs_sets_and_validation(self):
        for words, part in ((["--validation-split", "0.2"], "multilabel"), ([], "multilabel")):
            result = self.textclf("train", "--input", self.train_file, "--output", self.folder / "m", "--arch", "ngram",
                                  "--tune-thresholds", "true", *words)
            self.assertEqual(result.code, 1)
            self.assertIn(part, result.messages[-1])
        sets = self.file("sets.jsonl", "".join(json.dumps({"text": text, "labels": [label]}) + "\n"
                                               for label, text in texts(20)))
        result = self.textclf("train", "--input", sets, "--output", self.folder / "m", "--arch", "ngram",
                              "--tune-thresholds", "true", "--task", "multilabel")
        self.assertEqual(result.code, 1)
        self.assertIn("validation", result.messages[-1])

    def test_sets_and_values(self):
        sets = "".join(json.dumps({"text": text, "labels": [label] if number % 4 else []}) + "\n"
                       for number, (label, text) in enumerate(texts(240)))
        model, _ = self.ngram("--task", "multilabel", data=self.file("sets.jsonl", sets))
        words = next(iter(WORDS.items()))
        scores = self.textclf("predict", "--model", model, "--top", "1", " ".join(words[1].split()[:3])).lines[0].split("\t")
        self.assertEqual(scores[0], words[0])
        values = "".join(json.dumps({"text": text, "targets": [len(label)]}) + "\n" for label, text in texts(240))
        path = self.file("values.jsonl", values)
        model, _ = self.ngram("--task", "regress", data=path)
        figures = self.textclf("eval", "--model", model, "--input", path, "--json").json()
        self.assertLess(figures["loss"], 0.15)  # of a variance of 0.22


if __name__ == "__main__":
    import unittest
    unittest.main()

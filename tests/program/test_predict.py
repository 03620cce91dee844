"""textclf eval, predict and info: every format and task, pipes, locales."""
import json
import random
import struct
import subprocess
import threading
import unittest

from harness import PROGRAM, run
from trained import Trained, texts, tsv


class Predict(Trained):
    # eval

    def test_eval_json_has_the_figures(self):
        figures = self.textclf("eval", "--model", self.model, "--input", self.test_file, "--json").json()
        self.assertEqual(figures["examples"], 60)
        self.assertGreater(figures["accuracy"], 0.9)
        self.assertEqual([label["label"] for label in figures["labels"]], ["ham", "spam", "zoo"])
        self.assertEqual([label["support"] for label in figures["labels"]], [20, 20, 20])
        self.assertEqual([sum(row) for row in figures["confusion"]], [20, 20, 20])
        right = sum(figures["confusion"][i][i] for i in range(3))
        self.assertAlmostEqual(figures["accuracy"], right / 60)
        for key in ("loss", "macro_f1", "micro_f1", "seconds", "tokens_per_second"):
            self.assertIsInstance(figures[key], (int, float), key)
        for key in ("mean_squared_error", "r2"):
            self.assertIsNone(figures[key])

    def test_eval_prints_a_table(self):
        result = self.textclf("eval", "--model", self.model, "--input", self.test_file)
        self.assertEqual((result.code, result.err), (0, ""))
        for part in ("examples", "accuracy", "macro F1", "precision", "confusion", "spam"):
            self.assertIn(part, result.out)
        self.assertNotIn("nan", result.out)

    def test_eval_counts_unknown_labels_as_wrong_and_reports_them(self):
        path = self.file("t.tsv", tsv(30, 2) + "new\tprize\nother\tlion\nnew\tx\n")
        result = self.textclf("eval", "--model", self.model, "--input", path, "--json")
        self.assertEqual(result.code, 0)
        figures = result.json()
        self.assertEqual((figures["examples"], figures["unknown_labels"]), (33, 3))
        self.assertEqual(figures["unknown_label_names"], ["new", "other"])
        self.assertLessEqual(figures["accuracy"], 30 / 33)
        self.assertIn('3 texts counted as wrong: the model has no label "new", "other"', result.err)

    def test_eval_of_nothing_fails(self):
        self.fails(self.textclf("eval", "--model", self.model, "--input", self.file("t.tsv", "")), 1, "no texts")

    def test_a_file_that_is_no_model_is_told(self):
        for path in (self.train_file, self.folder / "none", self.folder):
            self.fails(self.textclf("eval", "--model", path, "--input", self.test_file), 1, str(path))
            self.fails(self.textclf("info", path), 1, str(path))
            self.fails(self.textclf("predict", "--model", path, "x"), 1, str(path))

    # predict

    def test_predict_prints_a_line_a_text_in_order(self):
        result = self.predict("lion tiger", "free prize", "", "meeting\nnotes")
        self.assertEqual(result.err, "")
        self.assertEqual(len(result.lines), 4)
        self.assertEqual([line.split("\t")[0] for line in result.lines[:2]], ["zoo", "spam"])
        for line in result.lines:
            self.assertRegex(line, r"^[a-z]+\t(0\.\d+|1)$")

    def test_predict_reads_what_eval_reads(self):
        rows = list(texts(60, 2))
        expected = self.predict("--input", self.test_file).lines
        self.assertEqual(len(expected), 60)
        for name, content in (("t.txt", "".join(text + "\n" for _, text in rows)), ("t.tsv.gz", tsv(60, 2)),
                              ("t.csv", "text\n" + "".join(text + "\n" for _, text in rows)),
                              ("t.jsonl", "".join(json.dumps({"text": text}) + "\n" for _, text in rows))):
            self.assertEqual(self.predict("--input", self.file(name, content)).lines, expected, name)
        plain = "".join(text + "\n" for _, text in rows)
        self.assertEqual(self.predict(stdin=plain).lines, expected)
        self.assertEqual(self.predict("--input", "-", stdin=plain).lines, expected)
        self.assertEqual(self.predict("--format", "tsv", stdin=tsv(60, 2)).lines, expected)
        self.assertEqual(self.predict(*[text for _, text in rows]).lines, expected)
        self.assertEqual(self.predict("--threads", "1", stdin=plain).lines, expected)

    def test_empty_texts_have_a_line_too(self):
        self.assertEqual(len(self.predict(stdin="\n\nx\n\n").lines), 4)
        self.assertEqual(len(self.predict(stdin="\n\nx\n ").lines), 4)
        self.assertEqual(self.predict(stdin="").lines, [])
        lines = self.predict("", " ", stdin="").lines
        self.assertEqual(lines[0], lines[1])

    def test_top_prints_falling_scores(self):
        for top, count in (("2", 2), ("3", 3), ("99", 3)):
            parts = self.predict("--top", top, "prize").lines[0].split("\t")
            self.assertEqual(len(parts), 2 * count)
            scores = [float(score) for score in parts[1::2]]
            self.assertEqual(scores, sorted(scores, reverse=True))
            self.assertEqual(len(set(parts[0::2])), count)

    def test_ties_are_in_label_order(self):
        # Weight decay that cancels each weight every step leaves the balanced labels with the very same score.
        path = self.file("a.tsv", "b\t\na\t\nc\t\nd\t\n")
        model, _ = self.train("--input", path, "--optimizer", "sgd", "--learning-rate", "0.5", "--weight-decay", "2",
                              "--epochs", "100")
        self.assertEqual(self.predict("", model=model).lines, ["a\t0.25"])
        self.assertEqual(self.predict("--top", "4", "", model=model).lines, ["a\t0.25\tb\t0.25\tc\t0.25\td\t0.25"])

    def test_scores_are_the_shortest_decimals_of_their_floats(self):
        for line in self.predict("--top", "3", "--input", self.test_file).lines:
            for score in line.split("\t")[1::2]:
                self.assertNotIn("e", score)
                as_float = struct.unpack("<f", struct.pack("<f", float(score)))[0]
                shorter = "%.*g" % (max(len(score.lstrip("0.")) - 1, 1), as_float)
                again = struct.unpack("<f", struct.pack("<f", float(shorter)))[0]
                self.assertTrue(again != as_float or len(score.lstrip("0.")) == 1, score)

    def test_json_of_predict_is_one_object_on_one_line(self):
        figures = self.predict("--json", "--top", "2", stdin="prize\n\n").json()
        self.assertEqual((len(figures["predictions"]), figures["examples"]), (2, 2))
        first = figures["predictions"][0]["labels"]
        self.assertEqual((len(first), first[0]["label"]), (2, "spam"))
        self.assertEqual(self.predict("--json", stdin="").json()["predictions"], [])
        line = self.predict("prize").lines[0].split("\t")
        self.assertEqual(float(line[1]), first[0]["score"])

    def test_a_text_that_begins_with_a_dash_follows_two_dashes(self):
        self.fails(self.textclf("predict", "--model", self.model, "-x"), 2, "follows --")
        self.assertEqual(len(self.predict("--", "-x", "--top").lines), 2)
        self.assertEqual(len(self.predict("-").lines), 1)

    def test_arbitrary_bytes_are_texts(self):
        chosen = random.Random(3)
        lines = [bytes(chosen.choices([b for b in range(256) if b not in (10,)], k=40)) for _ in range(200)]
        self.assertEqual(len(self.predict(stdin=b"\n".join(lines) + b"\n").lines), 200)
        self.assertEqual(len(self.predict(stdin=b"\xff\xfe\xfd\n").lines), 1)

    def test_many_texts_keep_their_order(self):
        rows = list(texts(5000, 4))
        lines = self.predict(stdin="".join(text + "\n" for _, text in rows)).lines
        self.assertEqual(len(lines), 5000)
        right = sum(line.split("\t")[0] == label for line, (label, _) in zip(lines, rows))
        self.assertGreater(right, 4500)
        self.assertEqual(lines[4321], self.predict("--", rows[4321][1]).lines[0])

    def test_a_writer_that_waits_for_its_answer_gets_it(self):
        process = subprocess.Popen([PROGRAM, "predict", "--model", self.model], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        watch = threading.Timer(30, process.kill)
        watch.start()
        for label, text in (("spam", b"free prize\n"), ("zoo", b"lion\n")):
            process.stdin.write(text)
            process.stdin.flush()
            self.assertTrue(process.stdout.readline().startswith(label.encode()))
        process.stdin.close()
        self.assertEqual((process.stdout.read(), process.wait()), (b"", 0))
        process.stdout.close()
        watch.cancel()

    def test_a_closed_pipe_is_a_failure_in_one_sentence(self):
        data = self.file("t.txt", "free prize\n" * 100_000)
        process = subprocess.Popen([PROGRAM, "predict", "--model", self.model, "--input", data], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        self.assertEqual(process.wait(), 1)
        self.assertEqual(err, b"textclf: cannot write to standard output: the program that reads it has ended\n")

    def test_a_full_disk_is_a_failure_in_one_sentence(self):
        for words in (("predict", "--model", self.model, "x"), ("options",), ("train", "--help"), ("--version",),
                      ("eval", "--model", self.model, "--input", self.test_file), ("info", self.model),
                      ("predict", "--json", "--model", self.model, "x")):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stderr),
                             (1, b"textclf: cannot write to standard output: No space left on device\n"), words)

    def test_bad_lines_of_predict(self):
        path = self.file("t.tsv", "x\tprize\nno tab\nx\tlion\n")
        result = self.textclf("predict", "--model", self.model, "--input", path)
        self.assertEqual(result.code, 1)
        self.assertIn("t.tsv, line 2: no TAB", result.err)
        result = self.predict("--input", path, "--skip-bad-lines")
        self.assertEqual(len(result.lines), 2)
        self.assertIn("skipped 1 bad line;", result.err)

    def test_strict_models_name_the_line_that_is_not_utf8(self):
        model, _ = self.train("--input", self.train_file, "--strict-utf8", "true")
        stdin = b"prize\n\xff\nlion\n"
        result = self.textclf("predict", "--model", model, stdin=stdin)
        self.assertEqual((result.code, len(result.lines)), (1, 1))
        self.assertIn("standard input, line 2:", result.err)
        result = self.textclf("predict", "--model", model, "--skip-bad-lines", stdin=stdin)
        self.assertEqual((result.code, len(result.lines)), (0, 2))

    # other tasks

    def test_multilabel_end_to_end(self):
        rows = "".join(f"{a},{b}\t{x} {y}\n" if a != b else f"{a}\t{x} {y}\n"
                       for (a, x), (b, y) in zip(texts(300, 1), list(texts(301, 5))[1:])) + "\tthe a\n" * 20
        model, result = self.train("--task", "multilabel", "--input", self.file("a.tsv", rows), "--validation-split", "0.2",
                                   "--json", "--epochs", "15")
        self.assertIn("micro_f1", result.json()["epochs"][0]["validation"])
        figures = self.textclf("eval", "--model", model, "--input", self.folder / "a.tsv", "--json").json()
        self.assertIsNone(figures["confusion"])
        self.assertGreater(figures["micro_f1"], 0.8)
        lines = self.predict("prize lion", "the", model=model).lines
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertTrue(line == "" or all(float(score) >= 0.5 for score in line.split("\t")[1::2]))
        self.assertIn("spam", lines[0])
        top = self.predict("--top", "3", "the", model=model).lines[0].split("\t")
        self.assertEqual(len(top), 6)
        self.assertEqual(lines[1].count("\t") + 1 if lines[1] else 0, 2 * sum(float(s) >= 0.5 for s in top[1::2]))
        figures = self.predict("--json", "the", model=model).json()
        self.assertIn("labels", figures["predictions"][0])

    def test_regress_end_to_end(self):
        value = {"ham": "0,1", "spam": "1,-1", "zoo": "2.5,0"}
        rows = "".join(f"{value[label]}\t{text}\n" for label, text in texts(240))
        model, result = self.train("--task", "regress", "--input", self.file("a.tsv", rows), "--validation-split", "0.2",
                                   "--json", "--epochs", "30")
        self.assertIn("mean_squared_error", result.json()["epochs"][0]["validation"])
        parts = self.predict("lion tiger", model=model).lines[0].split("\t")
        self.assertEqual(parts[0::2], ["target1", "target2"])
        self.assertAlmostEqual(float(parts[1]), 2.5, delta=0.7)
        figures = self.textclf("eval", "--model", model, "--input", self.folder / "a.tsv", "--json").json()
        self.assertLess(figures["mean_squared_error"], 0.5)
        self.assertIsNone(figures["accuracy"])
        table = self.textclf("eval", "--model", model, "--input", self.folder / "a.tsv")
        self.assertIn("mean squared error", table.out)
        self.fails(self.textclf("predict", "--model", model, "--top", "1", "x"), 2, "--top does not apply")
        self.fails(self.textclf("eval", "--model", model, "--input", self.file("b.tsv", "1\tx\n")), 1,
                   "line 1: 1 target where the model has 2")
        single, _ = self.train("--task", "regress", "--input", self.file("c.jsonl", '{"text":"a","targets":[3]}\n'), output="s")
        self.assertTrue(self.predict("a", model=single).lines[0].startswith("target\t"))

    # info, locales

    def test_info_describes_the_model(self):
        figures = self.textclf("info", self.model, "--json").json()
        self.assertEqual(figures["labels"], ["ham", "spam", "zoo"])
        self.assertIn("checksum", figures)
        self.assertEqual(str(figures["options"]["hidden_dim"]), "8")
        result = self.textclf("info", self.model)
        self.assertEqual((result.code, result.err), (0, ""))
        for part in ("hidden_dim", "spam", "checksum", "embedding.weight"):
            self.assertIn(part, result.out)

    def test_the_locale_changes_nothing(self):
        german = {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"}
        self.assertEqual(self.predict("prize", env=german).out, self.predict("prize").out)
        model, _ = self.train("--input", self.train_file, env=german)
        self.assertEqual(model.read_bytes(), self.model.read_bytes())
        path = self.file("r.tsv", "1.5\tx\n")
        model, _ = self.train("--task", "regress", "--input", path, env=german)
        self.assertNotIn(",", self.predict("x", model=model, env=german).out)

    def test_run_options_are_read_everywhere(self):
        self.predict("--max-isa", "scalar", "prize")
        self.fails(self.textclf("predict", "--model", self.model, "--max-file-bytes", "10", "x"), 1, "max_file_bytes")
        self.fails(self.textclf("info", self.model, "--max-file-bytes", "10"), 1, "max_file_bytes")


if __name__ == "__main__":
    unittest.main()

"""The program end to end: train, eval, predict and info in every format and task, interrupts, pipes, locales."""
import json
import os
import pathlib
import pty
import random
import signal
import struct
import subprocess
import threading
import time
import unittest

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


class Program(Case):
    @classmethod
    def setUpClass(cls):
        import tempfile
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

    # train

    def test_formats_of_the_same_data_give_the_same_model(self):
        rows = list(texts(240))
        self.train_csv = "text,n,label\r\n" + "".join(f'"{text}",1,{label}\r\n' for label, text in rows)
        files = [self.file("a.csv", self.train_csv), self.file("a.tsv.gz", tsv(240)),
                 self.file("a.jsonl", "".join(json.dumps({"text": text, "label": label}) + "\n" for label, text in rows)),
                 self.file("a.txt", "".join(f"__label__{label} {text}\n" for label, text in rows))]
        for path in files:
            model, _ = self.train("--input", path)
            self.assertEqual(model.read_bytes(), self.model.read_bytes(), path)
        for stdin in (tsv(240), files[1].read_bytes()):
            model, _ = self.train("--input", "-", "--format", "tsv", stdin=stdin)
            self.assertEqual(model.read_bytes(), self.model.read_bytes())

    def test_thread_count_does_not_show_in_the_model(self):
        model, _ = self.train("--input", self.train_file, "--threads", "1")
        self.assertEqual(model.read_bytes(), self.model.read_bytes())

    def test_labels_are_ordered_by_bytes(self):
        path = self.file("a.tsv", "b\tx\n\u00e9\ty\nB\tz\na\tw\n\U0001f600\tv\n")
        model, _ = self.train("--input", path)
        self.assertEqual(json.loads(self.textclf("info", model, "--json").out)["labels"], ["B", "a", "b", "\u00e9", "\U0001f600"])

    def test_plain_lines_where_standard_error_is_no_terminal(self):
        _, result = self.train("--input", self.train_file, "--validation", self.test_file)
        self.assertNotIn("\r", result.err)
        self.assertNotIn("\x1b", result.err)
        self.assertEqual(len([line for line in result.messages if "epoch" in line and " of 6: loss" in line]), 6)
        self.assertIn("240 texts, 3 labels", result.messages[0])
        self.assertIn("accuracy", result.err)
        self.assertIn("wrote the best model, of epoch", result.messages[-1])

    def test_a_terminal_gets_a_progress_line(self):
        main, side = pty.openpty()
        words = [PROGRAM, "train", "--input", self.train_file, "--output", self.folder / "m", *SMALL, "--epochs", "40"]
        process = subprocess.Popen(words, stderr=side, stdout=subprocess.PIPE)
        os.close(side)
        shown = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(main)
        self.assertEqual((process.wait(), process.stdout.read()), (0, b""))
        process.stdout.close()
        self.assertRegex(shown.decode(), r"\repoch \d+ of 40, +\d+ %, \d+ tokens/s, loss \d+\.\d{4}, \d+:\d\d left")
        self.assertTrue(shown.rstrip().endswith(b"/m"))

    def test_json_is_one_object_on_one_line(self):
        _, result = self.train("--input", self.train_file, "--validation-split", "0.25", "--json")
        figures = result.json()
        self.assertEqual((figures["examples"], figures["validation_examples"]), (240, 60))
        self.assertEqual([epoch["epoch"] for epoch in figures["epochs"]], [1, 2, 3, 4, 5, 6])
        for epoch in figures["epochs"]:
            self.assertTrue(epoch["seconds"] > 0 and epoch["tokens_per_second"] > 0)
            self.assertEqual(set(epoch["validation"]), {"loss", "accuracy", "best"})
        best = max(figures["epochs"], key=lambda e: (e["validation"]["accuracy"], -e["validation"]["loss"], -e["epoch"]))
        self.assertEqual(figures["best_epoch"], best["epoch"])
        self.assertIs(figures["interrupted"], False)

    def test_without_validation_there_is_none_in_json(self):
        _, result = self.train("--input", self.train_file, "--json")
        figures = result.json()
        self.assertNotIn("validation", figures["epochs"][0])
        self.assertIsNone(figures["best_epoch"])

    def test_bad_training_data_is_told_and_no_model_is_written(self):
        for name, content, code, part in (
                ("a.tsv", "x\t1\nbad\n", 1, "a.tsv, line 2:"), ("a.tsv", "", 1, "no texts"),
                ("a.tsv", "\n\n", 1, "line 1"), ("a.dat", "x\t1\n", 2, "--format"), ("a.csv", "a,b\n1,2\n", 1, "column")):
            result = self.textclf("train", "--input", self.file(name, content), "--output", self.folder / "m")
            self.fails(result, code, part)
            self.assertFalse((self.folder / "m").exists())
        result = self.textclf("train", "--input", self.file("a.tsv", "\n\n"), "--output", self.folder / "m", "--skip-bad-lines")
        self.assertEqual(result.code, 1)
        self.assertIn("no texts", result.err)

    def test_bad_lines_are_skipped_where_asked(self):
        model, result = self.train("--input", self.file("a.tsv", "bad\n" + tsv(240) + "\n"), "--skip-bad-lines", "--json")
        self.assertEqual(model.read_bytes(), self.model.read_bytes())
        self.assertEqual(result.json()["skipped_lines"], 2)
        self.assertIn("skipped 2 bad lines; the first is line 1", result.err)

    def test_text_that_is_not_utf8_is_a_bad_line_where_the_model_is_strict(self):
        path = self.file("a.tsv", tsv(6).encode() + b"ham\t\xff\n")
        self.train("--input", path)
        result = self.textclf("train", "--input", path, "--output", self.folder / "m", *SMALL, "--strict-utf8", "true")
        self.fails(result, 1, "a.tsv, line 7:")
        _, result = self.train("--input", path, "--strict-utf8", "true", "--skip-bad-lines")
        self.assertIn("skipped 1 bad line; the first is line 7", result.err)

    def test_weights_of_texts_come_from_jsonl(self):
        for task, label in (("classify", "label"), ("multilabel", "labels"), ("regress", "targets")):
            models = []
            for weight in (1, 9):
                rows = [{"text": text, label: name if task == "classify" else [name] if task == "multilabel" else [len(text)]}
                        for name, text in texts(60)]
                rows[0]["weight"] = weight
                path = self.file("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
                model, _ = self.train("--input", path, "--task", task)
                models.append(model.read_bytes())
            self.assertNotEqual(*models, task)

    def test_the_model_of_the_best_epoch_is_written(self):
        chosen = random.Random(6)
        noisy = "".join(f"{chosen.choice(sorted(WORDS)) if chosen.random() < 0.5 else label}\t{text}\n"
                        for label, text in texts(120))
        words = ("--input", self.file("a.tsv", noisy), "--validation-split", "0.3", "--json", "--epochs")
        model, result = self.train(*words, "12")
        best = result.json()["best_epoch"]
        self.assertLess(best, 12)
        again, _ = self.train(*words, str(best), output="again")
        self.assertEqual(self.tensors(again), self.tensors(model))

    def test_validation_labels_that_are_unknown_are_told(self):
        _, result = self.train("--input", self.train_file, "--validation", self.file("v.tsv", "new\ttext\nham\tlunch\n"))
        self.assertIn('the label "new" does not occur in the training data', result.err)

    def test_data_on_standard_input_with_validation_by_its_own_extension(self):
        rows = "text,label\n" + "".join(f"{text},{label}\n" for label, text in texts(60, 2))
        one, _ = self.train("--input", "-", "--format", "tsv", "--validation", self.file("v.csv", rows), stdin=tsv(240))
        two, _ = self.train("--input", self.train_file, "--validation", self.test_file, output="two")
        self.assertEqual(one.read_bytes(), two.read_bytes())

    # checkpoints and interrupts

    def test_a_resumed_run_writes_the_file_of_one_that_never_stopped(self):
        whole, _ = self.train("--input", self.train_file, "--validation-split", "0.2", output="whole")
        point = self.folder / "point"
        part, result = self.train("--input", self.train_file, "--validation-split", "0.2", "--epochs", "3",
                                  "--checkpoint", point)
        words = ("train", "--input", self.train_file, "--output", part, "--resume", point, "--epochs", "6")
        result = self.textclf(*words)
        self.assertEqual(result.code, 0, result.err)
        self.assertNotIn("epoch 3 of", result.err)
        self.assertIn("epoch 4 of 6", result.err)
        self.assertEqual(self.tensors(part), self.tensors(whole))

    def tensors(self, path):
        """What follows the header of a model file."""
        content = path.read_bytes()
        length = struct.unpack("<Q", content[:8])[0]
        return content[8 + length:]

    def test_resuming_a_run_that_was_over_writes_its_model(self):
        point = self.folder / "point"
        model, _ = self.train("--input", self.train_file, "--checkpoint", point)
        result = self.textclf("train", "--input", self.train_file, "--output", self.folder / "again", "--resume", point)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("training was over", result.err)
        self.assertEqual((self.folder / "again").read_bytes(), model.read_bytes())

    def test_resuming_on_other_data_or_options_is_refused(self):
        point = self.folder / "point"
        self.train("--input", self.train_file, "--checkpoint", point)
        words = ("train", "--output", self.folder / "again", "--resume", point)
        result = self.textclf(*words, "--input", self.test_file)
        self.assertEqual(result.code, 1)
        self.assertIn("other training or validation examples", result.err)
        self.fails(self.textclf(*words, "--input", self.train_file, "--hidden-dim", "9"), 1, "hidden_dim", "checkpoint")
        result = self.textclf(*words, "--input", self.train_file, "--batch-size", "9")
        self.assertEqual(result.code, 1)
        self.assertIn("batch_size", result.err)
        self.fails(self.textclf(*words[:3], "--resume", self.folder / "none", "--input", self.train_file), 1, "none")

    def start_training(self, *words, wait_for=b"epoch 2 of"):
        process = subprocess.Popen([PROGRAM, "train", "--input", self.train_file, "--output", self.folder / "m", *SMALL,
                                    "--epochs", "100000", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        seen = b""
        while wait_for not in seen:
            line = process.stderr.readline()
            self.assertTrue(line, seen)
            seen += line
        return process

    def test_ctrl_c_writes_the_current_model(self):
        process = self.start_training("--json")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn(b"interrupted: wrote the model as it is", err)
        self.assertIs(json.loads(out)["interrupted"], True)
        self.assertEqual(out.count(b"\n"), 1)
        self.predict("prize", model=self.folder / "m")

    def test_ctrl_c_writes_the_best_model_and_the_checkpoint_and_resuming_goes_on(self):
        split = ("--validation-split", "0.2")
        process = self.start_training(*split, "--checkpoint", self.folder / "c", "--checkpoint-every", "1000000000")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn(b"interrupted: wrote the best model, of epoch", err)
        self.assertIn(b"and the checkpoint to", err)
        process = subprocess.Popen([PROGRAM, "train", "--input", self.train_file, "--output", self.folder / "m",
                                    "--resume", self.folder / "c"], stderr=subprocess.PIPE)
        lines = [process.stderr.readline() for _ in range(2)]
        process.kill()
        process.communicate()
        self.assertRegex(lines[0].decode(), r"epoch [2-9]\d* of 100000")

    def test_killed_or_interrupted_and_resumed_gives_the_same_file(self):
        words = ("--epochs", "400", "--dropout", "0.3", "--batch-size", "16", "--accumulate-steps", "4",
                 "--validation-split", "0.1")
        whole, _ = self.train("--input", self.train_file, *words, output="whole")
        for signal_number in (signal.SIGKILL, signal.SIGINT):
            point = self.folder / f"point{int(signal_number)}"
            process = subprocess.Popen([PROGRAM, "train", "--input", self.train_file, "--output", self.folder / "m", *SMALL,
                                        *words, "--checkpoint", point, "--checkpoint-every", "3"],
                                       stderr=subprocess.DEVNULL)
            while not point.exists() and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal_number)
            self.assertEqual(process.wait(), 130 if signal_number == signal.SIGINT else -signal.SIGKILL)
            result = self.textclf("train", "--input", self.train_file, "--output", self.folder / "m", "--resume", point)
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual((self.folder / "m").read_bytes(), whole.read_bytes())

    def test_ctrl_c_before_training_leaves_nothing(self):
        process = subprocess.Popen([PROGRAM, "train", "--input", "-", "--format", "tsv", "--output", self.folder / "m"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b"x\ty\n")
        process.stdin.flush()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (130, b"textclf: interrupted before training began; nothing was written\n"))
        self.assertFalse((self.folder / "m").exists())

    def test_the_second_ctrl_c_ends_at_once(self):
        path = self.file("a.tsv", "".join(f"{label}\t{(text + ' ') * 1000}\n" for label, text in texts(64)))
        process = subprocess.Popen([PROGRAM, "train", "--input", path, "--output", self.folder / "m", "--max-length", "0",
                                    "--threads", "1", "--max-isa", "scalar"], stderr=subprocess.PIPE)
        self.assertIn(b"64 texts", process.stderr.readline())
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=5), (None, b""))
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertEqual(os.listdir(self.folder), ["a.tsv"])

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

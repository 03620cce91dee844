"""textclf train: formats, tasks, validation, resuming, interrupts."""
import json
import os
import pty
import random
import signal
import struct
import subprocess
import time
import unittest

from harness import EMULATED, PROGRAM
from trained import SMALL, WORDS, Trained, texts, tsv


class Train(Trained):
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

    def test_pieces_of_words_are_learned_from_the_texts(self):
        for tokenizer, size in (("wordpiece", "60"), ("bpe", "270")):
            words = ["--input", self.train_file, "--tokenizer", tokenizer, "--vocab-size", size]
            model, _ = self.train(*words)
            again, _ = self.train(*words, "--threads", "1", output="again")
            self.assertEqual(model.read_bytes(), again.read_bytes())
            self.assertEqual(json.loads(self.textclf("info", model, "--json").out)["options"]["tokenizer"], tokenizer)
            found = json.loads(self.textclf("eval", "--model", model, "--input", self.test_file, "--json").out)
            self.assertGreater(found["accuracy"], 0.5)
        result = self.textclf("train", "--input", self.train_file, "--output", self.folder / "m", "--arch", "ngram",
                              "--tokenizer", "bpe")
        self.fails(result, 1, "option 'tokenizer': arch ngram takes word, char or space")

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
        if EMULATED:
            self.skipTest("the signals are timed for a faster machine")
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


if __name__ == "__main__":
    unittest.main()

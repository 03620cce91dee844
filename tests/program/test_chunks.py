"""textclf train with texts that do not fit --max-memory: they come in chunks, read again for each pass or kept in the file
that --cache names."""
import json
import os
import struct
import subprocess
import unittest
import zlib

from harness import EMULATED, PROGRAM
from trained import WORDS, Trained, texts, tsv

# Chunks are of 1 MB at least: some thousand texts in each.
SMALL = ["--max-memory", "8000000", "--buckets", "65536", "--word-ngrams", "2", "--skip-ngrams", "false",
         "--min-char-ngram", "0", "--max-char-ngram", "0"]
NGRAM = ["--arch", "ngram", *SMALL]
LSTM = ["--max-memory", "8000000", "--hidden-dim", "8", "--embedding-dim", "8", "--epochs", "2"]


class Chunks(Trained):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.large = tsv(12000, 3) * 4

    def setUp(self):
        super().setUp()
        self.data = self.file("large.tsv", self.large)
        self.cache = self.folder / "texts.cache"

    def train(self, *words, data=None, code=0, output="m", **more):
        model = self.folder / output
        result = self.textclf("train", "--input", data or self.data, "--output", model, *words, **more)
        self.assertEqual(result.code, code, result.err)
        return (model.read_bytes() if code == 0 else None), result

    def accuracy(self, output="m"):
        return self.textclf("eval", "--model", self.folder / output, "--input", self.test_file, "--json").json()["accuracy"]

    def test_the_model_is_the_same_however_the_texts_come_back(self):
        wanted, result = self.train(*NGRAM, "--threads", "1", "--json")
        self.assertRegex(result.err, r"48000 texts come in [2-9] chunks\n")
        self.assertEqual(result.json()["examples"], 48000)
        self.assertEqual(len(result.json()["epochs"]), 3)
        self.assertGreater(self.accuracy(), 0.97)
        cached = ["--cache", self.cache]
        packed = self.file("packed.tsv.gz", self.large)
        self.assertEqual(self.train(*NGRAM, "--threads", "3")[0], wanted)
        self.assertEqual(self.train(*NGRAM, data=packed)[0], wanted)
        self.assertEqual(self.train(*NGRAM, *cached)[0], wanted)
        kept = self.cache.read_bytes()
        self.assertEqual(self.train(*NGRAM, *cached, "--threads", "1")[0], wanted)
        self.assertEqual(self.train(*NGRAM, *cached, data=packed)[0], wanted)
        self.assertEqual(self.cache.read_bytes(), kept)
        self.assertEqual(sorted(os.listdir(self.folder)), ["large.tsv", "m", "packed.tsv.gz", "texts.cache"])

    def test_what_fits_is_not_cut(self):
        wide = ["4000000000" if word == "8000000" else word for word in NGRAM]
        whole, result = self.train(*wide)
        self.assertNotIn("chunks", result.err)
        self.assertNotEqual(self.train(*NGRAM)[0], whole)

    def test_standard_input_is_kept_beside_the_cache(self):
        wanted, _ = self.train(*NGRAM)
        more = {"data": "-", "stdin": self.large}
        got, _ = self.train(*NGRAM, "--format", "tsv", "--cache", self.cache, **more)
        self.assertEqual(got, wanted)
        self.assertEqual(sorted(os.listdir(self.folder)), ["large.tsv", "m", "texts.cache"])
        self.cache.unlink()
        (self.folder / "m").unlink()
        _, result = self.train(*NGRAM, "--format", "tsv", code=1, data="-", stdin=self.large * 3)
        self.fails(result, 1, "standard input", "--cache")

    def test_one_epoch_and_other_tasks(self):
        sets, values = [], []
        for number, (label, text) in enumerate(texts(48000, 5)):
            sets.append(json.dumps({"text": text, "labels": [label] if number % 4 else [], "weight": number % 3}))
            values.append(json.dumps({"text": text, "targets": [list(WORDS).index(label), 1.5]}))
        for task, lines in (("multilabel", sets), ("regress", values)):
            path = self.file(f"{task}.jsonl", "\n".join(lines) + "\n")
            plain, result = self.train(*NGRAM, "--task", task, "--epochs", "1", data=path)
            self.assertRegex(result.err, "come in [2-9] chunks")
            self.cache.unlink(missing_ok=True)
            for _ in range(2):
                self.assertEqual(self.train(*NGRAM, "--task", task, "--epochs", "1", "--cache", self.cache, data=path)[0], plain)

    def test_an_lstm_learns_in_chunks_and_the_best_epoch_is_kept(self):
        wanted, result = self.train(*LSTM, "--validation", self.test_file, "--accumulate-steps", "7", "--schedule", "linear",
                                    "--learning-rate", "0.02", "--json")
        epochs = result.json()["epochs"]
        self.assertEqual([epoch["epoch"] for epoch in epochs], [1, 2])
        best = max(epochs, key=lambda epoch: (epoch["validation"]["accuracy"], -epoch["validation"]["loss"]))
        self.assertEqual(result.json()["best_epoch"], best["epoch"])
        self.assertGreater(best["validation"]["accuracy"], 0.95)
        self.assertAlmostEqual(self.accuracy(), best["validation"]["accuracy"])
        batches = sum(-(-rows // 32) for rows in self.chunk_rows(LSTM))
        self.assertEqual(result.json()["steps"], 2 * -(-batches // 7))
        again, _ = self.train(*LSTM, "--validation", self.test_file, "--accumulate-steps", "7", "--schedule", "linear",
                              "--learning-rate", "0.02", "--threads", "2", "--cache", self.cache)
        self.assertEqual(again, wanted)

    def chunk_rows(self, words):
        """Rows of each chunk, out of a cache."""
        path = self.folder / "rows.cache"
        self.train(*words, "--cache", path, "--epochs", "1", output="rows")
        data, at, rows = path.read_bytes(), 80, []
        while at < len(data):
            size, count = struct.unpack_from("<QQ", data, at)
            rows.append(count)
            at += 16 + size
        self.assertEqual(sum(rows), 48000)
        self.assertGreater(len(rows), 1)
        return rows

    def test_thresholds_are_tuned_on_the_validation_texts(self):
        def sets(count, seed):
            return "".join(f"{label if number % 4 else ''}\t{text}\n" for number, (label, text) in enumerate(texts(count, seed)))
        data, held_out = self.file("sets.tsv", sets(48000, 3)), self.file("held.tsv", sets(60, 2))
        words = [*NGRAM, "--task", "multilabel", "--validation", held_out]
        plain, result = self.train(*words, data=data)
        self.assertIn("chunks", result.err)
        self.assertNotEqual(self.train(*words, "--tune-thresholds", "true", data=data)[0], plain)
        _, result = self.train(*words[:-2], "--tune-thresholds", "true", data=data, code=1)
        self.assertIn("--validation", result.messages[-1])

    def test_gradients_of_ngrams_count_all_chunks_first(self):
        words = [*NGRAM, "--optimizer", "adagrad", "--epochs", "1"]
        wanted, result = self.train(*words)
        self.assertRegex(result.err, "come in [2-9] chunks")
        self.assertGreater(self.accuracy(), 0.97)
        self.assertEqual(self.train(*words, "--cache", self.cache, "--threads", "1")[0], wanted)

    def test_patience_ends_the_epochs(self):
        _, result = self.train(*NGRAM, "--epochs", "9", "--patience", "1", "--validation", self.test_file, "--json")
        self.assertLess(len(result.json()["epochs"]), 9)

    def test_checkpoints_are_refused(self):
        _, result = self.train(*LSTM, "--checkpoint", self.folder / "c", code=1)
        self.assertIn("--checkpoint", result.messages[-1])
        self.assertIn("--max-memory", result.messages[-1])

    def test_balanced_weights_are_those_of_all_texts(self):
        lines = [f"{label}\t{text}" for number, (label, text) in enumerate(texts(60000, 4)) if label != "zoo" or number < 9000]
        data = self.file("skewed.tsv", "\n".join(lines) + "\n")
        wide = ["4000000000" if word == "8000000" else word for word in NGRAM]
        self.train(*wide, "--class-weights", "balanced", data=data, output="whole")
        given = self.textclf("info", self.folder / "whole", "--json").json()["options"]["class_weights"]
        wanted, result = self.train(*NGRAM, "--class-weights", given, data=data)
        self.assertIn("chunks", result.err)
        self.assertIn("zoo=4.7", given)
        self.assertEqual(self.train(*NGRAM, "--class-weights", "balanced", data=data)[0], wanted)
        self.assertNotEqual(self.train(*NGRAM, data=data)[0], wanted)

    def test_a_part_is_held_out_by_line(self):
        words = [*NGRAM, "--validation-split", "0.1", "--json"]
        wanted, result = self.train(*words)
        figures = result.json()
        self.assertIn("chunks", result.err)
        self.assertEqual(figures["examples"], 48000)
        self.assertTrue(4500 < figures["validation_examples"] < 5100, figures["validation_examples"])
        self.assertTrue(all(epoch["validation"]["accuracy"] > 0.95 for epoch in figures["epochs"]))
        for _ in range(2):
            got, again = self.train(*words, "--cache", self.cache)
            self.assertEqual(got, wanted)
            self.assertEqual(again.json()["validation_examples"], figures["validation_examples"])
        _, result = self.train(*NGRAM, "--validation-split", "0.2", "--cache", self.cache, code=1)
        self.assertIn("--validation-split", result.messages[-1])
        _, other = self.train(*words, "--seed", "2")
        self.assertNotEqual(other.json()["validation_examples"], figures["validation_examples"])
        _, result = self.train(*NGRAM, "--validation-split", "0.9", code=1)
        self.assertIn("--validation FILE", result.messages[-1])

    def test_bad_lines_are_passed_over_in_every_pass(self):
        lines = self.large.split("\n")
        for place in (7, 9000, 20000):
            lines[place] = "no tab"
        bad = self.file("bad.tsv", "\n".join(lines))
        for more in ([], ["--cache", self.cache], ["--cache", self.cache]):
            _, result = self.train(*NGRAM, *more, "--skip-bad-lines", "--json", data=bad)
            self.assertEqual((result.json()["examples"], result.json()["skipped_lines"]), (47997, 3))

    def refused_cache(self, content, *parts):
        self.cache.write_bytes(content)
        _, result = self.train(*NGRAM, "--cache", self.cache, code=1)
        for part in parts:
            self.assertIn(part, result.messages[-1])
        self.assertEqual(self.cache.read_bytes(), content)

    def test_a_damaged_cache_is_an_error_and_stays(self):
        self.train(*NGRAM, "--cache", self.cache)
        good = self.cache.read_bytes()
        size, = struct.unpack_from("<Q", good, 80)
        for length in (17, 79, 80, 81, 95, 96, 97, 96 + size - 1, 96 + size, 96 + size + 1, len(good) // 2, len(good) - 1):
            self.refused_cache(good[:length], "the cache")
        for tail in (b"\0", b"\0" * 16, good[80:]):
            self.refused_cache(good + tail, "the cache")
        for place in (*range(16, 80, 5), 80, 83, 88, 96, 100, 120, 130, 200, 96 + size // 2, 96 + size, 100 + size, len(good) - 1):
            self.refused_cache(good[:place] + bytes([good[place] ^ 4]) + good[place + 1:], "the cache")
        for place in range(16):
            self.refused_cache(good[:place] + bytes([good[place] ^ 4]) + good[place + 1:], "not a cache")
        self.refused_cache(b"", "not a cache")
        self.refused_cache(b"my diary\n" * 30, "not a cache")
        for value in (0, 1, 2**31, 2**63, 2**64 - 1):  # a head that is whole and says what is not so
            for word in range(7):
                head = good[:16 + 8 * word] + struct.pack("<Q", value) + good[24 + 8 * word:72]
                if head != good[:72] and word != 6:
                    self.refused_cache(head + struct.pack("<Q", zlib.crc32(head)) + good[80:], "the cache")

    def test_a_cache_of_other_data_or_of_another_model_is_an_error(self):
        self.train(*NGRAM, "--cache", self.cache)
        kept = self.cache.read_bytes()
        lines = self.large.split("\n")
        lines[5000] = lines[5000][:-1] + "z"
        for words, data, part in ((NGRAM, self.file("other.tsv", "\n".join(lines)), "other texts"),
                                  (NGRAM, self.file("fewer.tsv", "\n".join(lines[:40000])), "other texts"),
                                  ([*NGRAM, "--lowercase", "false"], self.data, "text options"),
                                  ([*NGRAM, "--task", "multilabel"], self.data, "another task"),
                                  (["--max-memory", "80000000", *NGRAM[4:], "--arch", "ngram"], self.data, "--max-memory")):
            _, result = self.train(*words, "--cache", self.cache, data=data, code=1)
            self.assertIn(part, result.messages[-1])
            self.assertIn(str(self.cache), result.messages[-1])
        self.assertEqual(self.cache.read_bytes(), kept)

    def test_a_cache_cannot_go_with_a_resumed_training(self):
        self.fails(self.textclf("train", "--input", self.data, "--output", self.folder / "m", "--resume", "c", "--cache",
                                self.cache), 2, "--resume", "--cache")
        _, result = self.train(*NGRAM, "--cache", self.folder / "no" / "cache", code=1)
        self.assertIn("--cache", result.err)

    @unittest.skipIf(EMULATED or os.environ.get("TEXTCLF_SANITIZED"), "emulators and sanitizers have memory of their own")
    def test_peak_memory_does_not_grow_with_the_texts(self):
        peaks = []
        for times in (1, 4):
            path = self.file("many.tsv", self.large * times)
            command = [PROGRAM, "train", "--input", os.fspath(path), "--output", os.fspath(self.folder / "m"), *NGRAM,
                       "--epochs", "1", "--threads", "2"]
            code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL);"
                    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
            peaks.append(int(subprocess.run(["python3", "-c", code, *command], check=True, capture_output=True).stdout))
        self.assertLess(peaks[1], 1.1 * peaks[0])
        self.assertLess(peaks[1], 8000 + 16000)  # KB: max_memory, and what the program and its libraries are


if __name__ == "__main__":
    unittest.main()

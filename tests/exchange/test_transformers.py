"""test_transformers.py: BERT, RoBERTa, XLM-R, DistilBERT and GPT-2 with random weights of transformers, ids given
straight: logits, pooled vectors, gradients and weights after five steps of AdamW are the same to 1e-4; and transformers
takes the weights that come back.

usage: test_transformers.py [--full] [CASE ...]     sizes of real models, which takes minutes and up to 12 GB; prints
                                                    the greatest differences as shares of the tolerance

Prints "skipped: ..." where the interpreter lacks torch, transformers or NumPy. Needs TEXTCLF_LIBRARY, and python/ on
PYTHONPATH.
"""
import importlib.util
import os
import sys
import tempfile
import unittest

TOLERANCE = 1e-4
STEPS, LEARNING_RATE, WEIGHT_DECAY = 5, 5e-5, 0.01
LABELS = ("a", "b", "c")
LENGTHS = (7, 1, 16, 40, 3)
FULL_LENGTHS = (128, 17, 1, 300)

# {case: (class, family, options, smaller sizes, usual sizes); sizes: words, width, layers, heads, between}
CASES = {
    "minilm": ("Bert", "bert", {"pooling": "cls", "pooler": "tanh"}, (90, 48, 2, 4, 96), (30522, 384, 6, 12, 1536)),
    "bert": ("Bert", "bert", {"pooling": "cls", "pooler": "tanh"}, (90, 40, 3, 5, 100), (30522, 768, 12, 12, 3072)),
    "roberta": ("Roberta", "roberta", {"pooling": "cls", "pooler": "tanh"}, (90, 48, 2, 4, 96),
                (50265, 768, 12, 12, 3072)),
    "xlm_roberta": ("XLMRoberta", "xlm_roberta", {"pooling": "cls", "pooler": "tanh"}, (90, 48, 2, 4, 96),
                    (250002, 768, 12, 12, 3072)),
    "distilbert": ("DistilBert", "distilbert", {"pooling": "cls", "pooler": "relu"}, (90, 48, 2, 4, 96),
                   (30522, 768, 6, 12, 3072)),
    "gpt2": ("GPT2", "gpt2", {"arch": "gpt", "pooling": "last"}, (90, 48, 2, 4, 96), (50257, 768, 12, 12, 3072)),
}
FULL = False
POSITIONS = 512
SHIFTED = ("roberta", "xlm_roberta")


def new_module(case):
    name, family, _, small, usual = CASES[case]
    words, width, layers, heads, between = usual if FULL else small
    positions = POSITIONS + 2 if family in SHIFTED else POSITIONS
    if family == "gpt2":
        sizes = dict(n_embd=width, n_layer=layers, n_head=heads, n_inner=between, n_positions=positions,
                     bos_token_id=0, eos_token_id=0)
    elif family == "distilbert":
        sizes = dict(dim=width, n_layers=layers, n_heads=heads, hidden_dim=between, max_position_embeddings=positions)
    else:
        sizes = dict(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                     intermediate_size=between, max_position_embeddings=positions)
    if family in SHIFTED:
        sizes.update(type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5)
    torch.manual_seed(3)
    config = getattr(transformers, f"{name}Config")(vocab_size=words, num_labels=len(LABELS), **sizes)
    module = getattr(transformers, f"{name}ForSequenceClassification")(config).eval()
    with torch.no_grad():   # the library's own are as good as 0 for biases, and a head whose logits are all alike
        for parameter_name, parameter in module.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.05)
            elif parameter.shape[0] == len(LABELS):
                parameter.mul_(5)
    return module


def new_model(case, words):
    """The same with our own vocabulary, in which word number i has id i."""
    _, family, options, small, usual = CASES[case]
    _, width, layers, heads, between = usual if FULL else small
    options = {"arch": "bert", "family": family, "hidden_dim": width, "num_layers": layers, "num_heads": heads,
               "intermediate_dim": between, "positions": POSITIONS, "vocab_size": words, "dropout": 0,
               "attention_dropout": 0, "head_dropout": 0, "threads": 2} | options
    if family in SHIFTED:
        options["layer_norm_epsilon"] = 1e-5
    config = textclf.Config(**options)
    return textclf.Model(config, textclf.Vocabulary(config, [word_of(number) for number in range(1, words)]), LABELS)


def word_of(number):
    return f"w{number:07d}"


def text_of(row):
    return " ".join(word_of(number) for number in row)


def logits_of(module, rows):
    return torch.stack([module(input_ids=torch.tensor([row])).logits[0] for row in rows])


def hidden_of(module, row):
    return getattr(module, module.base_model_prefix)(input_ids=torch.tensor([row])).last_hidden_state[0]


def take_steps(module, rows, labels, count):
    groups = [{"params": [p for p in module.parameters() if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
              {"params": [p for p in module.parameters() if p.ndim == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE)
    for _ in range(count):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits_of(module, rows), torch.tensor(labels)).backward()
        optimizer.step()


def is_key_bias(name):
    """It shifts all scores of a query alike: its gradient is rounding, which Adam makes a whole step of."""
    return name.endswith(("key.bias", "k_lin.bias"))


class Transformers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "model.safetensors")

    def assert_share(self, case, what, distance, bound):
        """Prints the greatest share of the tolerance with --full."""
        share = float(distance) / (TOLERANCE * float(bound))
        self.shares[what] = max(self.shares.get(what, 0.0), share)
        self.assertLessEqual(share, 1, f"{case}: {what}")

    def check(self, case):
        self.shares = {}
        module = new_module(case)
        words = module.config.vocab_size
        random = numpy.random.default_rng(5)
        rows = [random.integers(2, words, length).tolist() for length in (FULL_LENGTHS if FULL else LENGTHS)]
        labels = [number % len(LABELS) for number in range(len(rows))]
        safetensors.torch.save_file({name: value.contiguous() for name, value in module.state_dict().items()},
                                    self.path)
        model = new_model(case, words)
        model.load_weights(self.path)
        self.check_prediction(case, module, model, rows)
        self.check_gradients(case, module, rows, labels)
        self.check_steps(case, module, model, rows, labels)
        if FULL:
            print(f"{case}: " + ", ".join(f"{what} {share:.3f}" for what, share in self.shares.items()), flush=True)

    def check_prediction(self, case, module, model, rows):
        with torch.no_grad():
            theirs = logits_of(module, rows).numpy()
            for row, expected in zip(rows, theirs):
                details = model.predict_details(text_of(row))
                self.assertEqual(details.tokens, len(row))
                for one, other in zip(details.logits, expected):
                    self.assert_share(case, "logits", abs(one - other), max(1, abs(other)))
                hidden = hidden_of(module, row)
                pooled = (hidden[-1] if model.option("pooling") == "last" else hidden[0]).numpy()
                difference = numpy.abs(numpy.array(model.embed(text_of(row))) - pooled)
                self.assert_share(case, "vectors", (difference / numpy.maximum(1, numpy.abs(pooled))).max(), 1)

    def train(self, model, rows, labels, count, **options):
        examples = textclf.Examples(model)
        for row, label in zip(rows, labels):
            examples.add(text_of(row), label)
        trainer = textclf.Trainer(model, textclf.Config(schedule="constant", warmup_ratio=0, clip_norm=0, threads=2,
                                                        **options))
        for _ in range(count):
            trainer.step(examples, list(range(len(rows))))
        trainer.close()
        model.save(self.path)
        return textclf.state_dict(self.path)

    def check_gradients(self, case, module, rows, labels):
        """By a step of SGD whose learning rate is 1."""
        before = {name: value.numpy().copy() for name, value in module.state_dict().items()}
        model = new_model(case, module.config.vocab_size)
        model.load_weights(self.path)
        after = self.train(model, rows, labels, 1, optimizer="sgd", learning_rate=1, weight_decay=0)
        module.zero_grad()
        torch.nn.functional.cross_entropy(logits_of(module, rows), torch.tensor(labels)).backward()
        gradients = {name: parameter.grad.numpy() for name, parameter in module.named_parameters()}
        norm = numpy.sqrt(sum(float((gradient.astype(numpy.float64) ** 2).sum()) for gradient in gradients.values()))
        for name, gradient in gradients.items():
            self.assert_share(case, "gradients", numpy.linalg.norm(before[name] - after[name] - gradient), norm)

    def check_steps(self, case, module, model, rows, labels):
        ours = self.train(model, rows, labels, STEPS, optimizer="adamw", learning_rate=LEARNING_RATE,
                          weight_decay=WEIGHT_DECAY)
        take_steps(module, rows, labels, STEPS)
        for name, value in module.state_dict().items():
            theirs, mine = value.numpy(), ours[name].copy()
            if is_key_bias(name):
                continue
            if name.endswith("c_attn.bias"):
                keys = slice(len(mine) // 3, 2 * len(mine) // 3)
                mine[keys] = theirs[keys]
            self.assert_share(case, "weights after steps", numpy.linalg.norm(mine - theirs), numpy.linalg.norm(theirs))
        module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in ours.items()})
        with torch.no_grad():
            theirs = logits_of(module, rows).numpy()
        for row, expected in zip(rows, theirs):
            for one, other in zip(model.predict_details(text_of(row)).logits, expected):
                self.assert_share(case, "logits of weights that come back", abs(one - other), max(1, abs(other)))


def add_test(case):
    setattr(Transformers, f"test_{case}", lambda self: self.check(case))


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--full"]
    FULL = "--full" in sys.argv[1:]
    for package in ("torch", "transformers", "numpy", "safetensors"):
        if not importlib.util.find_spec(package):
            print(f"skipped: {sys.executable} has no {package}")
            sys.exit(0)
    import numpy
    import safetensors.torch
    import textclf
    import torch
    import transformers
    torch.set_num_threads(2)
    transformers.utils.logging.set_verbosity_error()
    for chosen in arguments or CASES:
        add_test(chosen)
    unittest.main(argv=sys.argv[:1])

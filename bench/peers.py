"""peers.py: PyTorch and ONNX Runtime as sides, as a careful user would run them, at their best.

PyTorch: oneDNN on, as many threads as asked for, one between operations, inference_mode, denormals flushed; nothing in
the modules but embedding, LSTM and linear layer. ONNX Runtime: all graph optimizations, intra_op = threads, spinning,
denormals as zeros. Raw text comes in by the faster of a regular expression with a dict and Hugging Face's tokenizers,
tried when a side starts.
"""
import os
import re
import tempfile
import time

import prepared
import sides

WORDS = re.compile(r"\w+|[^\w\s]")
BATCHES = (32, 64, 128, 256)  # tried for texts sorted by length; the fastest is taken


def prepare_torch(torch, threads):
    """Ahead of all work: its threads inherit how denormals are treated. Vanishing gradients of long texts are full of
    them, and some processors are ten times slower on them."""
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)


def tensors_of(data):
    import common  # noqa: F401 (puts python/ on the path)
    import textclf
    return textclf.state_dict(data.model)


class Tokenizer:
    """Text -> ids by the peer's fastest way; its words are the model's, its rules nearly so."""

    def __init__(self, words, cap, threads):
        self.numbers = {word.decode("utf-8", "replace"): number for number, word in enumerate(words)}
        self.cap, self.threads = cap, threads

    def pattern(self, texts):
        get, cap = self.numbers.get, self.cap
        return [[get(word, 0) for word in WORDS.findall(text.lower())[:cap]] for text in texts]

    def hugging_face(self, texts):
        return [encoding.ids for encoding in self._fast.encode_batch_fast(texts)]

    def choose(self, sample):
        """The faster of the two on these texts; ids -> function of texts"""
        os.environ["TOKENIZERS_PARALLELISM"] = "true" if self.threads > 1 else "false"
        os.environ["RAYON_NUM_THREADS"] = str(self.threads)
        from tokenizers import Tokenizer as Fast, models, normalizers, pre_tokenizers
        self._fast = Fast(models.WordLevel(self.numbers, unk_token="<unk>"))
        self._fast.normalizer = normalizers.Lowercase()
        self._fast.pre_tokenizer = pre_tokenizers.Whitespace()
        if self.cap:
            self._fast.enable_truncation(self.cap)
        times = {way: sides.median_call([lambda way=way: way(sample)], 0.05)
                 for way in (self.pattern, self.hugging_face)}
        return min(times, key=times.get)


class Peer:
    """What both peers do alike; a peer runs ids (longest, rows) with lengths, or one text of ids."""

    def __init__(self, threads, folder, model="model.safetensors"):
        import numpy
        self.numpy, self.threads, self.data = numpy, threads, prepared.Prepared(folder, model)
        self.texts = None
        self._ways, self._batch = {}, {}

    def _text_way(self, rows):
        """How text becomes ids: chosen once for short and once for many texts."""
        if self.texts is None:
            self.texts = [self.data.text(row).decode("utf-8", "replace") for row in range(len(self.data))]
            self._tokenizer = Tokenizer(self.data.words(), int(max(self.data.lengths())), self.threads)
        kind = "one" if len(rows) == 1 else "many"
        if kind not in self._ways:
            self._ways[kind] = self._tokenizer.choose([self.texts[row] for row in rows[:256]])
        return self._ways[kind]

    def one_row(self, rows, seconds):
        """Ids in -> median seconds of a call"""
        return sides.median_call([self.call_for(self.data.ids(row)) for row in rows], seconds)

    def one_text(self, rows, seconds):
        """Text in"""
        way, run = self._text_way(rows[:1]), self.run_one
        return sides.median_call([lambda text=[self.texts[row]]: run(way(text)[0]) for row in rows], seconds)

    def tokenizer_name(self, rows):
        return self._text_way(rows).__name__

    def _encode_many(self, rows, text_in):
        if text_in:
            return self._text_way(rows)([self.texts[row] for row in rows])
        return [self.data.ids(row) for row in rows]

    def _padded(self, ids):
        """-> ids (longest, rows) as an array, lengths"""
        lengths = [len(row) for row in ids]
        array = self.numpy.zeros((len(ids), max(lengths)), self.numpy.int64)
        for at, row in enumerate(ids):
            array[at, :len(row)] = row
        return array, self.numpy.array(lengths, self.numpy.int32)

    def _run_all(self, ids, batch):
        for start in range(0, len(ids), batch):
            self.run_many(*self._padded(ids[start:start + batch]))

    def best_batch(self):
        """Texts in one batch when they are sorted by length, by trial on a sample of the rows."""
        if "best" not in self._batch:
            sample = range(0, len(self.data), max(1, len(self.data) // 512))
            ids, times = sorted((self.data.ids(row) for row in sample), key=len), {}
            for batch in BATCHES:
                self._run_all(ids[:batch], batch)
                start = time.perf_counter()
                self._run_all(ids, batch)
                times[batch] = time.perf_counter() - start
            self._batch["best"] = min(times, key=times.get)
        return self._batch["best"]

    def many(self, batches, text_in):
        """Seconds for lists of rows, each batched as it is."""
        self._run_all(self._encode_many(batches[0], False), len(batches[0]))
        if text_in:
            self._text_way(batches[0])
        start = time.perf_counter()
        for rows in batches:
            self._run_all(self._encode_many(rows, text_in), len(rows))
        return time.perf_counter() - start

    def many_sorted(self, rows, text_in):
        """Seconds for rows that are sorted by length here, in batches of the best size."""
        batch = self.best_batch()
        if text_in:
            self._text_way(rows)
        start = time.perf_counter()
        ids = sorted(self._encode_many(rows, text_in), key=len)
        self._run_all(ids, batch)
        return time.perf_counter() - start

    def logits(self, row):
        return [float(value) for value in self.run_one(self.data.ids(row)).reshape(-1)]


class PyTorch(Peer):
    def __init__(self, threads, folder, model="model.safetensors", traced=False):
        super().__init__(threads, folder, model)
        import torch
        self.torch = torch
        prepare_torch(torch, threads)
        self.module = classifier(tensors_of(self.data)).eval()
        self.one = self.module.last_state
        if traced:
            import warnings
            warnings.simplefilter("ignore")  # the tracer is deprecated, and still the faster way for short texts
            self.module.forward = self.module.last_state
            self.one = torch.jit.freeze(torch.jit.trace(self.module, torch.zeros(1, 9, dtype=torch.int64)))

    def call_for(self, ids):
        tensor = self.torch.from_numpy(self.numpy.ascontiguousarray(ids))[None]

        def call():
            with self.torch.inference_mode():
                return self.one(tensor)
        return call

    def run_one(self, ids):
        with self.torch.inference_mode():
            return self.one(self.torch.as_tensor(ids, dtype=self.torch.int64)[None]).numpy()

    def run_many(self, ids, lengths):
        with self.torch.inference_mode():
            return self.module(self.torch.from_numpy(ids), self.torch.from_numpy(lengths)).numpy()


class OnnxRuntime(Peer):
    def __init__(self, threads, folder, int8=False):
        super().__init__(threads, folder)
        import onnxruntime
        import onnx_classifier
        import logging
        logging.getLogger().setLevel(logging.ERROR)  # the quantizer's advice
        choices = onnxruntime.SessionOptions()
        choices.intra_op_num_threads, choices.inter_op_num_threads = threads, 1
        choices.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        choices.add_session_config_entry("session.intra_op.allow_spinning", "1")
        choices.add_session_config_entry("session.set_denormal_as_zero", "1")
        tensors = tensors_of(self.data)
        with tempfile.TemporaryDirectory() as folder:
            paths = [onnx_classifier.write(f"{folder}/{lengths}.onnx", tensors, lengths, int8)
                     for lengths in (False, True)]
            self.one, self.many_rows = (
                onnxruntime.InferenceSession(path, choices, providers=["CPUExecutionProvider"]) for path in paths)

    def call_for(self, ids):
        feed = {"ids": self.numpy.ascontiguousarray(ids)[:, None]}
        return lambda: self.one.run(None, feed)

    def run_one(self, ids):
        return self.one.run(None, {"ids": self.numpy.array(ids, self.numpy.int64)[:, None]})[0]

    def run_many(self, ids, lengths):
        return self.many_rows.run(None, {"ids": self.numpy.ascontiguousarray(ids.T), "lengths": lengths})[0]


def classifier(tensors, sparse=False):
    """The module with the weights of a model file; forward takes the state at each row's last real step."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(*tensors["embedding.weight"].shape, sparse=sparse)
            width, hidden = tensors["lstm.weight_ih_l0"].shape[1], tensors["lstm.weight_hh_l0"].shape[1]
            self.lstm = nn.LSTM(width, hidden, batch_first=True)
            self.fc = nn.Linear(hidden, tensors["fc.bias"].shape[0])

        def forward(self, ids, lengths):  # padded
            outputs, _ = self.lstm(self.embedding(ids))
            return self.fc(outputs[torch.arange(len(lengths)), lengths - 1])

        def packed(self, ids, lengths):
            rows = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
            return self.fc(self.lstm(rows)[1][0][-1])

        def last_state(self, ids):  # rows of one length
            return self.fc(self.lstm(self.embedding(ids))[1][0][-1])

    module = Classifier()
    module.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return module


class PyTorchTrainer:
    """Real tokens a second of training. Adam in PyTorch's fused form; `sparse`: SparseAdam on the embedding."""

    def __init__(self, threads, folder, model="model.safetensors", sparse=False):
        import torch
        self.torch, self.data = torch, prepared.Prepared(folder, model)
        prepare_torch(torch, threads)
        self.module = classifier(tensors_of(self.data), sparse)
        parameters = list(self.module.parameters())
        rate = 1e-3
        if sparse:
            self.optimizers = [torch.optim.SparseAdam(parameters[:1], rate),
                               torch.optim.Adam(parameters[1:], rate, fused=True)]
        else:
            self.optimizers = [torch.optim.Adam(parameters, rate, fused=True)]
        self.ids = [torch.from_numpy(self.data.ids(row)) for row in range(len(self.data))]

    def _logits(self, rows, way):
        torch, ids = self.torch, [self.ids[row] for row in rows]
        if way == "equal":
            return self.module.last_state(torch.stack(ids))
        lengths = torch.tensor([len(row) for row in ids])
        padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
        return self.module.packed(padded, lengths) if way == "packed" else self.module(padded, lengths)

    def train(self, batches, way="padded"):
        """Seconds for these batches; way: padded, packed, equal"""
        torch, loss_of = self.torch, self.torch.nn.functional.cross_entropy
        start = time.perf_counter()
        for rows in batches:
            for optimizer in self.optimizers:
                optimizer.zero_grad()
            loss = loss_of(self._logits(rows, way), torch.tensor([self.data.labels[row] for row in rows]))
            loss.backward()
            for optimizer in self.optimizers:
                optimizer.step()
            loss.item()
        return time.perf_counter() - start

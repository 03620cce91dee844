"""transformer_peers.py: transformers (PyTorch) and ONNX Runtime as sides for BERT and GPT, at their best.

PyTorch: the ...ForSequenceClassification module with scaled_dot_product_attention, inference_mode, no mask where a
batch has rows of one length. ONNX Runtime: the exported graph with all graph optimizations, and, as another side, the same
graph after onnxruntime.transformers.optimizer, which fuses attention, layer norm and GELU. Text becomes ids by the
`tokenizers` package, on as many threads as the side has.
"""
import os
import tempfile
import time

import numpy
import peers
import sides
import transformer_folder


class Peer(peers.Peer):
    def __init__(self, threads, folder, cap=None):
        os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
        os.environ["RAYON_NUM_THREADS"] = str(threads)
        transformer_folder.be_quiet()
        super().__init__(threads, folder, transformer_folder.MODEL)
        self._tokenizer = transformer_folder.tokenizer_of(self.data.model, cap)

    def _text_way(self, rows):
        if self.texts is None:
            self.texts = [self.data.text(row).decode("utf-8", "replace") for row in range(len(self.data))]
        return self.hugging_face

    def hugging_face(self, texts):
        if len(texts) == 1:
            return [self._tokenizer.encode(texts[0]).ids]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]

    @staticmethod
    def mask_of(ids, lengths):
        return (numpy.arange(ids.shape[1])[None] < lengths[:, None]).astype(numpy.int64)


def module_of(folder):
    from transformers import AutoModelForSequenceClassification
    return AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="sdpa")


class PyTorch(Peer):
    def __init__(self, threads, folder, cap=None):
        import torch
        self.torch = torch
        peers.prepare_torch(torch, threads)
        super().__init__(threads, folder, cap)
        self.module = module_of(self.data.model).eval()

    def call_for(self, ids):
        tensor = self.torch.from_numpy(numpy.ascontiguousarray(ids))[None]

        def call():
            with self.torch.inference_mode():
                return self.module(tensor).logits
        return call

    def run_one(self, ids):
        with self.torch.inference_mode():
            return self.module(self.torch.as_tensor(ids, dtype=self.torch.int64)[None]).logits.numpy()

    def run_many(self, ids, lengths):
        torch, mask = self.torch, None
        if (lengths != ids.shape[1]).any():
            mask = torch.from_numpy(self.mask_of(ids, lengths))
        with torch.inference_mode():
            return self.module(torch.from_numpy(ids), attention_mask=mask).logits.numpy()


class OnnxRuntime(Peer):
    def __init__(self, threads, folder, cap=None, fused=False, int8=False):
        import onnxruntime
        super().__init__(threads, folder, cap)
        choices = onnxruntime.SessionOptions()
        choices.intra_op_num_threads, choices.inter_op_num_threads = threads, 1
        choices.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        choices.add_session_config_entry("session.intra_op.allow_spinning", "1")
        choices.add_session_config_entry("session.set_denormal_as_zero", "1")
        with tempfile.TemporaryDirectory() as place:
            path = export(self.data.model, f"{place}/plain.onnx")
            if fused or int8:
                path = fuse(path, f"{place}/fused.onnx", self.data.model)
            if int8:
                from onnxruntime.quantization import quantize_dynamic
                quantize_dynamic(path, f"{place}/int8.onnx",
                                 extra_options={"DefaultTensorType": 1})  # float, of what fused nodes give
                path = f"{place}/int8.onnx"
            self.session = onnxruntime.InferenceSession(path, choices, providers=["CPUExecutionProvider"])

    def call_for(self, ids):
        feed = self._feed(numpy.ascontiguousarray(ids)[None])
        return lambda: self.session.run(None, feed)

    @staticmethod
    def _feed(ids, mask=None):
        return {"ids": ids, "mask": numpy.ones_like(ids) if mask is None else mask}

    def run_one(self, ids):
        return self.session.run(None, self._feed(numpy.array(ids, numpy.int64)[None]))[0]

    def run_many(self, ids, lengths):
        return self.session.run(None, self._feed(ids, self.mask_of(ids, lengths)))[0]


def export(folder, path):
    import torch
    from transformers import AutoModelForSequenceClassification
    module = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    module.config.use_cache = False

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, ids, mask):
            return self.module(ids, attention_mask=mask).logits

    ids = torch.randint(1000, 2000, (2, 16))
    axes = {0: "rows", 1: "length"}
    torch.onnx.export(Logits().eval(), (ids, torch.ones_like(ids)), path, input_names=["ids", "mask"],
                      output_names=["logits"], dynamic_axes={"ids": axes, "mask": axes}, opset_version=17, dynamo=False)
    return path


def fuse(path, fused, folder):
    from onnxruntime.transformers import optimizer
    from transformers import AutoConfig
    config = AutoConfig.from_pretrained(folder)
    kind = "gpt2" if config.model_type == "gpt2" else "bert"
    optimizer.optimize_model(path, model_type=kind, num_heads=config.num_attention_heads,
                             hidden_size=config.hidden_size).save_model_to_file(fused)
    return fused


class PyTorchTrainer:
    """Seconds of training: forward, backward, fused AdamW; dropout as the model's configuration has it."""

    def __init__(self, threads, folder, cap=None):
        import torch
        self.torch = torch
        peers.prepare_torch(torch, threads)
        side = Peer(threads, folder, cap)
        self.data, self.mask_of, self.padded = side.data, side.mask_of, side._padded
        self.module = module_of(self.data.model).train()
        self.optimizer = torch.optim.AdamW(self.module.parameters(), 2e-5, weight_decay=0.01, fused=True)

    def train(self, batches, way=None):
        torch = self.torch
        start = time.perf_counter()
        for rows in batches:
            ids, lengths = self.padded([self.data.ids(row) for row in rows])
            mask = None if (lengths == ids.shape[1]).all() else torch.from_numpy(self.mask_of(ids, lengths))
            self.optimizer.zero_grad()
            loss = self.module(torch.from_numpy(ids), attention_mask=mask,
                               labels=torch.tensor([self.data.labels[row] for row in rows])).loss
            loss.backward()
            self.optimizer.step()
            loss.item()
        return time.perf_counter() - start

    def peak_mb(self):
        """The largest resident size of this side's process so far."""
        return sides.own_peak_mb()

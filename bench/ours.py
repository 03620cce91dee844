"""ours.py: the library as a side: prediction and training through its C functions, called by ctypes with arguments that
stand ready, as a C host would have them.
"""
import ctypes
import time

import common  # puts python/ on the path
import prepared
import sides
import textclf
from textclf import _structs as s
from textclf._library import lib


class Predictor:
    def __init__(self, threads, folder, model="model.safetensors", weights="f32", two_threads="scratch"):
        self.data = prepared.Prepared(folder, model)
        path = self.data.model if weights == "f32" else f"{self.data.model}.{weights}"
        self.threads, self.two_threads = threads, two_threads
        self.model = textclf.Model.load(path, textclf.Config(threads=threads))
        self.columns, self.count = len(self.model.labels), ctypes.c_size_t()
        self.scratch = ctypes.POINTER(s.tc_scratch)()
        lib.tc_scratch_create(self.model.pointer, ctypes.byref(self.scratch))
        self.texts = [self.data.text(row) for row in range(len(self.data))]
        self.examples = None

    def _encoded(self):
        if self.examples is None:
            self.examples = textclf.Examples(self.model)
            for text, label in zip(self.texts, self.data.labels):
                self.examples.add(text, label)
        return self.examples

    def one_text(self, rows, seconds):
        """Bytes in, scores out -> median seconds of a call"""
        if self.threads > 1 and self.two_threads == "examples":
            return self.one_row(rows, seconds)
        scores = (ctypes.c_float * self.columns)()
        predict, scratch, count = lib.tc_predict_with, self.scratch, ctypes.byref(self.count)

        def call_for(text):
            length = len(text)
            return lambda: predict(self.model.pointer, scratch, text, length, self.columns, scores, count, None)
        return sides.median_call([call_for(self.texts[row]) for row in rows], seconds)

    def one_row(self, rows, seconds):
        """Ids in, scores out"""
        examples = self._encoded()
        scores = (ctypes.c_float * self.columns)()

        def call_for(row):
            array = (ctypes.c_size_t * 1)(row)
            return lambda: lib.tc_predict_examples(self.model.pointer, examples.pointer, array, 1, self.columns, scores,
                                                   ctypes.byref(self.count))
        return sides.median_call([call_for(row) for row in rows], seconds)

    def many(self, batches, text_in):
        """Seconds for all batches of rows, one call each."""
        examples, calls = self._encoded(), []
        for rows in batches:
            scores = (ctypes.c_float * (len(rows) * self.columns))()
            if text_in:
                texts = [self.texts[row] for row in rows]
                calls.append((lib.tc_predict_batch, (self.model.pointer, (ctypes.c_char_p * len(rows))(*texts),
                                                     (ctypes.c_size_t * len(rows))(*map(len, texts)), len(rows),
                                                     len(scores), scores, ctypes.byref(self.count))))
            else:
                calls.append((lib.tc_predict_examples, (self.model.pointer, examples.pointer,
                                                        (ctypes.c_size_t * len(rows))(*rows), len(rows), len(scores),
                                                        scores, ctypes.byref(self.count))))
        call, arguments = calls[0]
        call(*arguments)
        start = time.perf_counter()
        for call, arguments in calls:
            call(*arguments)
        return time.perf_counter() - start

    def logits(self, row):
        return self.model.predict_details(self.texts[row]).logits


class Trainer:
    """Real tokens a second of training; the options are the library's, by name."""

    def __init__(self, threads, folder, model="model.safetensors", **options):
        self.data = prepared.Prepared(folder, model)
        config = textclf.Config(**{**common.SEED_MODEL, **options}, threads=threads)
        self.model = textclf.Model.load(self.data.model, textclf.Config(threads=threads))
        self.trainer = textclf.Trainer(self.model, config)
        self.examples = textclf.Examples(self.model)
        for row in range(len(self.data)):
            self.examples.add(self.data.text(row), self.data.labels[row])

    def peak_mb(self):
        """The largest resident size of this side's process so far."""
        return sides.own_peak_mb()

    def train(self, batches, way=None):
        """Seconds for these batches; `way` is for sides that have several."""
        step, count = s.sized(s.tc_step), len(batches)
        arrays = [(ctypes.c_size_t * len(rows))(*rows) for rows in batches]
        start = time.perf_counter()
        for number in range(count):
            lib.tc_train_step(self.trainer.pointer, self.examples.pointer, arrays[number], len(arrays[number]),
                              ctypes.byref(step))
        return time.perf_counter() - start

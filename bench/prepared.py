"""prepared.py: a model and texts for both sides, written once into a folder that every side's process reads.

The model has random weights (speed does not depend on their values) and the words of the set's train part; the ids are
the library's. Texts without tokens are left out: PyTorch's LSTM has no answer for them.
"""
import ctypes
import itertools
import json
import random
import shutil
import tempfile
from pathlib import Path

import common
import numpy as np

SEED_HIDDEN = 256


def encode(model, data, room):
    """Ids of a text and, for each, the byte behind its token."""
    from textclf._library import lib
    ids, ranges, count = (ctypes.c_uint32 * room)(), (ctypes.c_uint64 * (2 * room))(), ctypes.c_size_t()
    lib.tc_encode(model.pointer, data, len(data), room, ids, ranges, ctypes.byref(count))
    return np.array(ids[:count.value], np.int64), np.array(ranges[1:2 * count.value:2], np.int64)


def _flat(parts, kind):
    ends = np.cumsum([0] + [len(part) for part in parts])
    return np.concatenate([np.asarray(part, kind) for part in parts]) if parts else np.zeros(0, kind), ends


class Prepared:
    """What a folder holds, read in a side's process: texts (bytes), ids, labels, the model's path."""

    def __init__(self, folder, model="model.safetensors"):
        self.folder = Path(folder)
        self.model = str(self.folder / model)
        with np.load(self.folder / "rows.npz") as arrays:
            self._ids, self._id_ends = arrays["ids"], arrays["id_ends"]
            self._text, self._text_ends = arrays["text"].tobytes(), arrays["text_ends"]
            self.labels = arrays["labels"].tolist()

    def __len__(self):
        return len(self.labels)

    def text(self, row):
        return self._text[self._text_ends[row]:self._text_ends[row + 1]]

    def ids(self, row):
        return self._ids[self._id_ends[row]:self._id_ends[row + 1]]

    def lengths(self):
        return np.diff(self._id_ends)

    def words(self):
        """The words of the ids, as bytes."""
        data = Path(self.model).read_bytes()
        length = int.from_bytes(data[:8], "little")
        first, last = json.loads(data[8:8 + length])["textclf.vocab"]["data_offsets"]
        return data[8 + length + first:8 + length + last].split(b"\n")[:-1]

    def close(self):
        shutil.rmtree(self.folder)


def new_folder(texts, ids, labels):
    """A folder with the rows, yet without a model."""
    folder = Path(tempfile.mkdtemp(prefix="textclf-bench-"))
    flat_ids, id_ends = _flat(ids, np.int64)
    flat_text, text_ends = _flat([np.frombuffer(text, np.uint8) for text in texts], np.uint8)
    np.savez(folder / "rows.npz", ids=flat_ids, id_ends=id_ends, text=flat_text, text_ends=text_ends,
             labels=np.array(labels, np.int64))
    return folder


def _write(model, texts, ids, labels):
    folder = new_folder(texts, ids, labels)
    model.save(folder / "model.safetensors")
    return Prepared(folder)


def new_models(train, names, variants):
    """One model for each {option: value} of `variants`, all with one vocabulary."""
    import textclf
    configs = [textclf.Config(**{**common.SEED_MODEL, **options}) for options in variants]
    words = textclf.Vocabulary(configs[0], train.texts)
    return [textclf.Model(config, words, names) for config in configs]


def rows_of_set(name, part="train", at_least=1, most=None, **options):
    """Texts of a set as they are, those of `at_least` tokens, the first `most` of them."""
    train, test, names = common.read_set(name)
    (model,), rows = new_models(train, names, [options]), train if part == "train" else test
    texts, ids, labels = [], [], []
    for text, label in zip(rows.texts, rows.labels):
        if most is not None and len(texts) == most:
            break
        data = text.encode()
        encoded, _ = encode(model, data, model.option("max_length"))
        if len(encoded) >= at_least:
            texts.append(data), ids.append(encoded), labels.append(label)
    return _write(model, texts, ids, labels)


def rows_of_lengths(counts, hidden=()):
    """{tokens: texts}: texts of exactly these numbers of tokens, in this order, cut from IMDB's test texts put end to
    end. A model hidden-N.safetensors for each N of `hidden` stands beside the seed model."""
    train, test, names = common.read_set("imdb")
    variants = [{"max_length": 0, "hidden_dim": size} for size in (SEED_HIDDEN, *hidden)]
    model, *others = new_models(train, names, variants)
    texts, ids, labels = [], [], []
    order = list(range(len(test.texts)))
    random.Random("exact lengths").shuffle(order)
    sources = itertools.cycle(order)
    for length, count in counts.items():
        for _ in range(count):
            data, known, ends = b"", np.zeros(0, np.int64), np.zeros(0, np.int64)
            while len(known) < length:
                source = next(sources)
                data += (b" " if data else b"") + test.texts[source].encode()
                known, ends = encode(model, data, len(data))
            data = data[:ends[length - 1]]
            again, _ = encode(model, data, length)
            if not np.array_equal(again, known[:length]):
                raise SystemExit("prepared.py: a text cut behind a token has other ids than the whole text's first")
            texts.append(data), ids.append(again), labels.append(test.labels[source])
    data = _write(model, texts, ids, labels)
    for size, other in zip(hidden, others):
        other.save(data.folder / f"hidden-{size}.safetensors")
    return data

"""speed_training.py: real tokens a second of training, ours beside PyTorch, by turns on the same batches.

usage: speed_training.py [--quick] [--threads 1 2] [--only equal imdb.buckets imdb.file trec thucnews] [--json FILE]
The seed model, batches of 32 encoded beforehand; forward, backward and Adam. What PyTorch computes for padding
counts as time only.
  equal          rows of exactly 200 tokens of IMDB texts
  imdb.buckets   IMDB, cap 400, texts of like length together; PyTorch pads (which beats packing there)
  imdb.file      IMDB in file order; PyTorch padded and packed, the faster counts; its buckets are printed beside
  trec, thucnews in buckets; dense Adam against Adam, sparse_embedding against SparseAdam on the embedding
PyTorch's Adam is the fused one. By formula a token of the seed model is 6 · 4H · (E + H) = 2.36 MFLOP: the LSTM's
products forward and backward; words that a batch holds twice and that a side computes once count as done twice.
"""
import random

import common
import machine
import prepared
import results
from sides import Side, Sides

BATCH = common.SEED_MODEL["batch_size"]
BUCKET_BATCHES = 50
HIDDEN, EMBEDDING = 256, 128
BARS = {"equal": {1: 1.85, 2: 2.0}, "imdb.buckets": 2.1, "imdb.file": 3.8, "trec": 2.0, "thucnews": 2.0}


def flops_per_token(embedding=EMBEDDING, hidden=HIDDEN):
    return 6 * 4 * hidden * (embedding + hidden)


def bucketed(lengths, seed):
    """An epoch: shuffled, texts of like length together, the batches shuffled -> lists of row numbers"""
    dice = random.Random(seed)
    order, batches = list(range(len(lengths))), []
    dice.shuffle(order)
    for start in range(0, len(order), BATCH * BUCKET_BATCHES):
        bucket = sorted(order[start:start + BATCH * BUCKET_BATCHES], key=lambda row: lengths[row])
        batches += [bucket[at:at + BATCH] for at in range(0, len(bucket), BATCH)]
    dice.shuffle(batches)
    return batches


def in_order(lengths):
    return [list(range(at, min(at + BATCH, len(lengths)))) for at in range(0, len(lengths), BATCH)]


class Stretches:
    """The same batches for every side in one round, others in the next. PyTorch's ways are sides by name; a way with
    other batches (`others`: buckets), or with fewer because it is slow (`counts`), has its own."""

    def __init__(self, data, batches, count, others=None, counts=None):
        self.lengths, self.batches, self.count, self.turn = data.lengths(), batches, count, {}
        self.others, self.counts = others or {}, counts or {}

    def rate(self, name, side, way):
        turn, batches = self.turn.get(name, 0), self.others.get(name, self.batches)
        self.turn[name] = turn + 1
        count = self.counts.get(name, self.count)
        part = [batches[at % len(batches)] for at in range(turn * self.count, turn * self.count + count)]
        return float(sum(self.lengths[row] for batch in part for row in batch)) / side.ask("train", part, way)


class Way:
    """One side's process under the name of one way of it."""

    def __init__(self, name, side, way):
        self.name, self.side, self.way = name, side, way


def compare(options, limits, threads, data, key, what, bar, ways, stretches, counted, sparse=False):
    with Sides([Side("ours", "ours:Trainer", threads, folder=data.folder, sparse_embedding=sparse),
                Side("PyTorch", "peers:PyTorchTrainer", threads, folder=data.folder, sparse=sparse)]) as sides:
        entries = [Way("ours", sides[0], None)] + [Way(name, sides[1], way) for name, way in ways.items()]
        for entry in entries:  # warm-up: the longest batch, so that no round allocates
            longest = max(stretches.batches, key=lambda rows: max(stretches.lengths[row] for row in rows))
            entry.side.ask("train", [longest] + stretches.batches[:2], entry.way)

        def rate(entry):
            return stretches.rate(entry.name, entry.side, entry.way)
        return results.measured(
            entries, options, limits, rate, counted, True, bar, key=key, what=what, unit="tokens/s", threads=threads,
            limit=lambda rate: limits.multiply_adds(threads, rate * flops_per_token()))


def equal(options, limits):
    data = prepared.rows_of_set("imdb", at_least=200, most=2000, max_length=200)
    try:
        for threads in options.threads:
            stretches = Stretches(data, in_order(data.lengths())[:-1], 4 if options.quick else 10)
            yield compare(options, limits, threads, data, "equal", "training, 32 texts of 200 tokens",
                          BARS["equal"].get(threads), {"PyTorch": "equal"}, stretches, ["PyTorch"])
    finally:
        data.close()


def imdb(options, limits):
    data = prepared.rows_of_set("imdb", most=4000 if options.quick else None)
    buckets, order = bucketed(data.lengths(), "imdb"), in_order(data.lengths())
    try:
        for threads in options.threads:
            if results.wanted(options, "imdb.buckets"):
                stretches = Stretches(data, buckets, 8 if options.quick else 12 * threads)
                yield compare(options, limits, threads, data, "imdb.buckets", "training, IMDB in length buckets",
                              BARS["imdb.buckets"], {"PyTorch": "padded"}, stretches, ["PyTorch"])
            if results.wanted(options, "imdb.file"):
                stretches = Stretches(data, order, 3 if options.quick else 4 * threads, {"PyTorch buckets": buckets},
                                      {"PyTorch packed": 1 if options.quick else 2})
                yield compare(options, limits, threads, data, "imdb.file", "training, IMDB in file order",
                              BARS["imdb.file"], {"PyTorch padded": "padded", "PyTorch packed": "packed",
                                                  "PyTorch buckets": "padded"},
                              stretches, ["PyTorch padded", "PyTorch packed"])
    finally:
        data.close()


def short_texts(options, limits, key, name, tokenizer):
    data = prepared.rows_of_set(name, tokenizer=tokenizer)
    batches = bucketed(data.lengths(), name)
    try:
        for threads in options.threads:
            for sparse in (False, True):
                word = "sparse" if sparse else "dense"
                if not results.wanted(options, f"{key}.{word}"):
                    continue
                stretches = Stretches(data, batches, 30 if options.quick else min(120, len(batches)))
                what = "sparse_embedding, PyTorch SparseAdam" if sparse else "Adam"
                yield compare(options, limits, threads, data, f"{key}.{word}", f"training, {name} in buckets, {what}",
                              BARS[key], {"PyTorch": "padded"}, stretches, ["PyTorch"], sparse)
    finally:
        data.close()


def main():
    options = results.parse(results.parser(__doc__))
    limits, rows = machine.Limits(options.build), []

    def asked_for(*keys):
        return any(results.wanted(options, key) for key in keys)
    if asked_for("equal"):
        rows += equal(options, limits)
    if asked_for("imdb.buckets", "imdb.file"):
        rows += imdb(options, limits)
    for key, name, tokenizer in (("trec", "trec", "word"), ("thucnews", "thucnews_title", "char")):
        if asked_for(f"{key}.dense", f"{key}.sparse"):
            rows += short_texts(options, limits, key, name, tokenizer)
    results.write("training", options, rows, limits)


if __name__ == "__main__":
    main()

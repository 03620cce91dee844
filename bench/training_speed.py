"""training_speed.py: tokens a second of training, the library beside PyTorch, in one run on the same batches.

usage: training_speed.py [--threads 2] [--batches 120] [--stretches 7] [--set imdb] [--peak PROGRAM] [--json]
The seed model, batches of 32 from length buckets (encoded beforehand), forward, backward and Adam. Stretches of
--batches batches (0: a whole epoch) are taken by turns, both sides the same batches, and who begins alternates. A token
is a real one: what PyTorch computes for padding counts as time only. PyTorch at its best: padding within buckets, which
beats packing, fused Adam, oneDNN, a warm-up. --threads 1 pins the process to one core.
--peak names the built bench_kernels: its multiply-add peak is printed before and after, with each side's share of it.
Work by formula: 6 · 4H · (E + H) operations a token, products of the LSTM forward and backward.
Run it on a machine that does nothing else; a ratio whose range crosses the bar is measured again.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import common


def peak_of(program):
    """GFLOP/s of one core, the highest that one run of bench_kernels prints."""
    text = subprocess.run([program], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return max(float(rate) for rate in re.findall(r"peak(?:, 8 wide)?: ([0-9.]+) GFLOP/s", text))


class Ours:
    name = "ours"

    def __init__(self, config, model, rows):
        import textclf
        self.trainer, self.examples = textclf.Trainer(model, config), common.examples(model, rows)

    def train(self, batches):
        for batch in batches:
            self.trainer.step(self.examples, batch)


class PyTorch:
    name = "PyTorch"

    def __init__(self, model, rows, fused):
        import torch
        self.ids, self.labels = common.id_tensors(model, rows.texts), rows.labels
        self.module = common.torch_model_for(model)
        self.optimizer = torch.optim.Adam(self.module.parameters(), common.SEED_MODEL["learning_rate"], fused=fused)

    def train(self, batches):
        import torch_reference
        for batch in batches:
            torch_reference.train_step(self.module, self.optimizer, [self.ids[row] for row in batch],
                                       [self.labels[row] for row in batch])


def timed(side, batches):
    start = time.perf_counter()
    side.train(batches)
    return time.perf_counter() - start


def stretches(sides, lengths, options):
    """-> [{side name: tokens a second}], one a stretch"""
    import torch_reference
    order, rates = [], []
    for number in range(options.stretches + 1):
        count = options.batches or -(-len(lengths) // options.batch)
        while len(order) < count:
            order += torch_reference.bucketed_batches(lengths, range(len(lengths)), options.batch)
        part, order = order[:count], order[count:]
        if number == 0:  # warm-up
            part = part[:12]
        tokens = sum(lengths[row] for batch in part for row in batch)
        pair = sides if number % 2 else sides[::-1]
        rate = {side.name: tokens / timed(side, part) for side in pair}
        if number:
            rates.append(rate)
            print("  ".join(f"{name} {value:8.0f} tokens/s" for name, value in sorted(rate.items())), file=sys.stderr,
                  flush=True)
    return rates


def spread(values):
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}


def report(rates, options, flops, peaks):
    figures = {"set": options.set, "threads": options.threads, "batches": options.batches, "stretches": len(rates),
               "flops_per_token": flops, "peak_gflops_per_core": peaks}
    for name in ("ours", "PyTorch"):
        figures[name] = spread([rate[name] for rate in rates])
    figures["ratio"] = spread([rate["ours"] / rate["PyTorch"] for rate in rates])
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{options.set}, {options.threads} thread(s), median of {len(rates)} stretches (lowest to highest)")
    for name in ("ours", "PyTorch"):
        row, rate = figures[name], figures[name]["median"] * flops * 1e-9
        share = f", {100 * rate / max(peaks) / options.threads:.0f} % of the peak" if peaks else ""
        print(f"{name:8} {row['median']:8.0f} tokens/s ({row['lowest']:.0f} to {row['highest']:.0f}) = "
              f"{rate:.1f} GFLOP/s{share}")
    row = figures["ratio"]
    print(f"ratio    {row['median']:8.3f}, stretch by stretch ({row['lowest']:.3f} to {row['highest']:.3f})")
    if peaks:
        print(f"multiply-add peak of one core, before and after: {peaks[0]:.1f}, {peaks[1]:.1f} GFLOP/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, default=120, help="of a stretch; 0: a whole epoch")
    parser.add_argument("--stretches", type=int, default=7)
    parser.add_argument("--set", default="imdb")
    parser.add_argument("--tokenizer", default="word")
    parser.add_argument("--adam", choices=("fused", "default"), default="fused", help="PyTorch's form of Adam")
    parser.add_argument("--peak", help="the built bench_kernels")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.batch = common.SEED_MODEL["batch_size"]
    if options.threads == 1:  # before any thread is made
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import textclf
    import torch
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)

    train, _, names = common.read_set(options.set)
    config = textclf.Config(**common.SEED_MODEL, tokenizer=options.tokenizer, threads=options.threads)
    model = textclf.Model(config, textclf.Vocabulary(config, train.texts), names)
    sides = [Ours(config, model, train), PyTorch(model, train, options.adam == "fused")]
    lengths = [len(ids) for ids in sides[1].ids]
    embedding_dim, hidden_dim = config["embedding_dim"], config["hidden_dim"]
    peaks = [peak_of(options.peak)] if options.peak else []
    rates = stretches(sides, lengths, options)
    if options.peak:
        peaks.append(peak_of(options.peak))
    report(rates, options, 6 * 4 * hidden_dim * (embedding_dim + hidden_dim), peaks)


if __name__ == "__main__":
    main()

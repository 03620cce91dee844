"""learned.py: test accuracy after training, the library beside PyTorch, over several seeds.

usage: learned.py --results FILE.jsonl [--sets trec mr ...] [--threads 1] [--json]    runs what FILE lacks, then the table
       learned.py --results FILE.jsonl --table [--json]                              the table of what is there

Both sides train the seed model (Embedding(10000, 128), LSTM(256), Linear) with batches of 32 and Adam 1e-3 on the same
ids, keep the epoch that is best on the same held-out tenth of train, and are tested once. Each side has its own random
initialization and shuffling, by seed. Each run is one line of FILE, and a run that was cut goes on where it stopped.
Nothing in FILE tells one library from another of its version: begin a new file for a changed library.
A set's bar is met if our mean is not below PyTorch's by more than the larger of 0.5 points and two standard errors of
the difference; all sets together if the mean of the differences is not below -0.5 points.
"""
import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path

import common

SETS = {  # in the order in which they run: the quick ones first
    "trec": {"tokenizer": "word", "epochs": 8, "seeds": 5},
    "mr": {"tokenizer": "word", "epochs": 8, "seeds": 5},
    "thucnews_title": {"tokenizer": "char", "epochs": 8, "seeds": 5},
    "imdb": {"tokenizer": "word", "epochs": 3, "seeds": 5},
}
SIDES = ("ours", "pytorch")
BAR = 0.005


class Prepared:
    """A set, split, and what both sides need of it; the words are those of the part that is trained on."""

    def __init__(self, name, threads):
        import textclf
        self.settings, self.threads = SETS[name], threads
        rows, self.test, self.names = common.read_set(name)
        kept, held_out = common.held_out_split(name, len(rows.texts))
        self.train, self.held_out = rows.part(kept), rows.part(held_out)
        self.words = textclf.Vocabulary(self.config(1), self.train.texts)
        model = self.model(1)
        self.ids = [common.id_tensors(model, part.texts) for part in (self.train, self.held_out, self.test)]

    def config(self, seed):
        import textclf
        return textclf.Config(**common.SEED_MODEL, tokenizer=self.settings["tokenizer"],
                              epochs=self.settings["epochs"], seed=seed, threads=self.threads)

    def model(self, seed):
        import textclf
        return textclf.Model(self.config(seed), self.words, self.names)


def run_ours(data, seed):
    import textclf
    config, model = data.config(seed), data.model(seed)
    train, held_out, test = (common.examples(model, part) for part in (data.train, data.held_out, data.test))
    trainer = textclf.Trainer(model, config)
    batcher, accuracies, finished = textclf.Batcher(trainer, train, held_out), [], False
    while not finished:
        for batch in batcher:
            trainer.step(train, batch.rows)
        epoch = batcher.finish_epoch()
        accuracies.append(epoch.validation_score)
        finished = epoch.finished
    batcher.restore_best()
    return {"accuracy": model.evaluate(test).accuracy, "best_epoch": epoch.best_epoch, "held_out": accuracies,
            "version": textclf.__version__}


def run_pytorch(data, seed):
    import torch
    import torch_reference
    torch.set_num_threads(data.threads)
    torch.manual_seed(seed)
    module = common.torch_model_for(data.model(1))
    train, held_out, test = data.ids
    best, accuracies = torch_reference.train_epochs(
        module, train, data.train.labels, held_out, data.held_out.labels, data.settings["epochs"],
        common.SEED_MODEL["batch_size"], common.SEED_MODEL["learning_rate"])
    return {"accuracy": torch_reference.evaluate(module, test, data.test.labels)[1], "best_epoch": best,
            "held_out": accuracies, "version": torch.__version__}


def read_results(path):
    """-> {(set, side, seed): result}"""
    lines = path.read_text().splitlines() if path.exists() else []
    return {(row["set"], row["side"], row["seed"]): row for row in map(json.loads, lines)}


def run_missing(path, names, threads):
    done = read_results(path)
    for name in names:
        missing = [(seed, side) for seed in range(1, SETS[name]["seeds"] + 1) for side in SIDES
                   if (name, side, seed) not in done]
        data = Prepared(name, threads) if missing else None
        for seed, side in missing:
            start = time.perf_counter()
            result = (run_ours if side == "ours" else run_pytorch)(data, seed)
            seconds = time.perf_counter() - start
            row = {"set": name, "side": side, "seed": seed, **result, "seconds": round(seconds, 1), "threads": threads}
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{name} seed {seed} {side:8} accuracy {row['accuracy']:.4f} (epoch {row['best_epoch']}, "
                  f"{seconds:.0f} s)", file=sys.stderr, flush=True)


def mean_and_error(values):
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return statistics.fmean(values), error


def summary(results):
    """One row a set that has results of both sides."""
    rows = []
    for name, settings in SETS.items():
        values = {side: [row["accuracy"] for key, row in results.items() if key[:2] == (name, side)] for side in SIDES}
        if not all(values.values()):
            continue
        (ours, our_error), (theirs, their_error) = (mean_and_error(values[side]) for side in SIDES)
        error = math.hypot(our_error, their_error)
        slack = max(BAR, 2 * error) if error == error else BAR
        complete = all(len(values[side]) == settings["seeds"] for side in SIDES)
        rows.append({"set": name, "ours": ours, "ours_error": our_error, "pytorch": theirs,
                     "pytorch_error": their_error, "difference": ours - theirs, "difference_error": error,
                     "allowed": -slack, "met": ours - theirs >= -slack, "complete": complete,
                     "runs": [len(values[side]) for side in SIDES]})
    return rows


def print_table(rows):
    def verdict(met, complete):
        return ("met" if met else "NOT MET") + ("" if complete else " so far")

    print("set             ours (s.e.)       PyTorch (s.e.)    difference (s.e.)    at least   verdict")
    for row in rows:
        print(f"{row['set']:15} {row['ours']:.4f} ({row['ours_error']:.4f})   {row['pytorch']:.4f} "
              f"({row['pytorch_error']:.4f})   {row['difference']:+.4f} ({row['difference_error']:.4f})     "
              f"{row['allowed']:+.4f}    {verdict(row['met'], row['complete'])}, "
              f"{row['runs'][0]} and {row['runs'][1]} runs")
    if rows:
        mean = statistics.fmean(row["difference"] for row in rows)
        complete = len(rows) == len(SETS) and all(row["complete"] for row in rows)
        print(f"{'mean':50}   {mean:+.4f}              {-BAR:+.4f}    {verdict(mean >= -BAR, complete)}, "
              f"{len(rows)} of {len(SETS)} sets")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--json", action="store_true", help="the table as JSON, one object a line")
    options = parser.parse_args()
    if not options.table:
        run_missing(options.results, options.sets, options.threads)
    rows = summary(read_results(options.results))
    if options.json:
        for row in rows:
            print(json.dumps({key: None if value != value else value for key, value in row.items()}))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()

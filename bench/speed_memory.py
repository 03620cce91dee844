"""speed_memory.py: the largest resident size of one epoch of training on IMDB, ours and PyTorch's.

usage: speed_memory.py [--quick] [--threads 2] [--json FILE]
Ours is `textclf train` (seed model, cap 400); PyTorch is the part of this file below `PYTORCH`: it reads the same file,
counts words, keeps ids and trains in length buckets. Each is a process of its own that this small one starts; the
kernel tells its largest resident size at its end. The file is read whole; --quick takes its first 2,000 lines. A run
of more epochs is no larger. This figure needs no quiet machine.
"""
import gzip
import itertools
import os
import sys
import tempfile
from pathlib import Path

import common
import results

BAR = 1 / 3
QUICK_LINES = 2000

PYTORCH = r'''
import collections, gzip, random, re, sys
import torch
from torch import nn
path, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads), torch.set_num_interop_threads(1), random.seed(1)
words = re.compile(r"\w+|[^\w\s]")
def rows():
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            label, text = line.rstrip("\n").split("\t", 1)
            yield label, words.findall(text.lower())
counts, labels = collections.Counter(), set()
for label, found in rows():
    counts.update(found), labels.add(label)
numbers = {word: at + 1 for at, (word, _) in enumerate(counts.most_common(9999))}
labels = {label: at for at, label in enumerate(sorted(labels))}
data = [(torch.tensor([numbers.get(word, 0) for word in found[:400]] or [0]), labels[label]) for label, found in rows()]
del counts
class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(10000, 128), nn.LSTM(128, 256, batch_first=True)
        self.fc = nn.Linear(256, 2)
    def forward(self, ids, lengths):
        outputs, _ = self.lstm(self.embedding(ids))
        return self.fc(outputs[torch.arange(len(lengths)), lengths - 1])
module = Classifier()
optimizer = torch.optim.Adam(module.parameters(), 1e-3, fused=True)
order = list(range(len(data)))
random.shuffle(order)
batches = []
for start in range(0, len(order), 1600):
    bucket = sorted(order[start:start + 1600], key=lambda row: len(data[row][0]))
    batches += [bucket[at:at + 32] for at in range(0, len(bucket), 32)]
random.shuffle(batches)
for batch in batches:
    ids = [data[row][0] for row in batch]
    optimizer.zero_grad()
    logits = module(nn.utils.rnn.pad_sequence(ids, batch_first=True), torch.tensor([len(row) for row in ids]))
    loss = nn.functional.cross_entropy(logits, torch.tensor([data[row][1] for row in batch]))
    loss.backward()
    optimizer.step()
'''


def peak_of(command):
    """The largest resident size of a process, in MB."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    child = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1),
                                                                         (os.POSIX_SPAWN_DUP2, quiet, 2)])
    os.close(quiet)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(command[:2])} ... failed with wait status {status}")
    return usage.ru_maxrss / 1024


def first_lines(path, count, folder):
    part = Path(folder) / path.name
    with gzip.open(path, "rb") as lines, gzip.open(part, "wb") as out:
        out.writelines(itertools.islice(lines, count))
    return part


def main():
    options = results.parse(results.parser(__doc__, threads=(2,)))
    data, rows = common.data_folder() / "imdb.train.tsv.gz", []
    if not data.is_file():
        raise SystemExit(f"TEXTCLF_DATA: {data} is not there")
    with tempfile.TemporaryDirectory() as folder:
        if options.quick:
            data = first_lines(data, QUICK_LINES, folder)
        for threads in options.threads:
            commands = {
                "ours": [str(options.build / "src" / "textclf"), "train", "--input", str(data), "--epochs", "1",
                         "--output", f"{folder}/model.safetensors", "--max-length", "400", "--threads", str(threads)],
                "PyTorch": [sys.executable, "-c", PYTORCH, str(data), str(threads)]}
            taken = {name: peak_of(command) for name, command in commands.items()}
            row = results.figure("imdb", "largest resident size, one epoch of IMDB", "MB", threads, [taken],
                                 higher=False)
            row.update(peer="PyTorch", ratio=results.spread([taken["ours"] / taken["PyTorch"]]), bar=BAR,
                       bar_of="at most")
            row["note"] = (f"importing torch alone {peak_of([sys.executable, '-c', 'import torch']):.0f} MB"
                           + (f"; first {QUICK_LINES} lines" if options.quick else ""))
            row["verdict"] = results.verdict(row)
            results.print_row(row)
            print(f"    {row['note']}")
            rows.append(row)
    results.write("memory", options, rows, None)


if __name__ == "__main__":
    main()

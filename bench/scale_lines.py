"""scale_lines.py: any number of labelled lines, made of the sentences of real reviews.

usage: scale_lines.py LINES FILE [--part train] [--seed N]
Sentences of the sets imdb, mr and waimai (pos and neg; English and Chinese), drawn at random, as many of one label and
one set as make a line of some 310 bytes: 3 GB for 10 million lines. The first lines are the same whatever LINES is.
"""
import argparse
import gzip
import random
import re
from pathlib import Path

import common

SETS = ("imdb", "mr", "waimai")
END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？，])")
BYTES = 370  # a line ends before the sentence that would pass them


def sentences(data, part):
    """[[sentence]], one list for each set and label, and their labels"""
    pools = {}
    for name in SETS:
        with gzip.open(data / f"{name}.{part}.tsv.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                label, _, text = line.rstrip("\n").partition("\t")
                pools.setdefault((name, label), []).extend(s for s in END.split(text) if s and len(s) < BYTES)
    return [pools[key] for key in sorted(pools)], [label for _, label in sorted(pools)]


def lines(pools, labels, count, seed):
    """As bytes, a label and its text each."""
    draw = random.Random(seed).random
    pools = [[sentence.encode() for sentence in pool] for pool in pools]
    heads = [label.encode() + b"\t" for label in labels]
    for _ in range(count):
        which = int(draw() * len(pools))
        pool, parts, size = pools[which], [], 0
        while True:
            part = pool[int(draw() * len(pool))]
            size += len(part) + 1
            if size > BYTES and parts:
                break
            parts.append(part)
        yield heads[which] + b" ".join(parts) + b"\n"


def write(path, count, part="train", seed=1):
    pools, labels = sentences(common.data_folder(), part)
    with open(path, "wb", buffering=1 << 20) as out:
        out.writelines(lines(pools, labels, count, seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--part", choices=("train", "test"), default="train")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.file, options.lines, options.part, options.seed)


if __name__ == "__main__":
    main()

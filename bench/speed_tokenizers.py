"""speed_tokenizers.py: text to ids and ranges by tokenizers of every kind, ours beside the tokenizers package, one thread.

usage: speed_tokenizers.py [--quick] [--only KIND ...] [--folder TOKENIZERS] [--json FILE]
The kinds are those of tests/tokenizers/train_tokenizers.py, trained first (minutes) unless --folder has KIND.json of each.
A round is a pass over some of the real texts of TEXTCLF_DATA by each side, on the same core: ours is what
tests/tokenizers/encode_texts prints behind a first pass, theirs the faster of encode in a loop and encode_batch. That both
give the same is what tests/tokenizers/compare_tokenizers.py is for.
"""
import os
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path

import common
import processes
import results
from sides import Side, Sides, rounds_of

sys.path.append(str(common.ROOT / "tests" / "tokenizers"))
import tokenizer_texts  # noqa: E402  (where it is stands in the line above)

BAR = 5
CHARACTERS = 400_000


def texts_of(characters):
    return tokenizer_texts.sample(tokenizer_texts.complete(common.data_folder()), characters)


class Ours:
    def __init__(self, threads, program, tokenizer, characters):
        self.file = tempfile.NamedTemporaryFile(prefix="textclf-bench-")
        for text in texts_of(characters):
            data = text.encode()
            self.file.write(struct.pack("<I", len(data)) + data)
        self.file.flush()
        self.command = [program, tokenizer, self.file.name, "seconds", "4"]

    def seconds(self):
        return statistics.median(map(float, processes.run(self.command).text.split()[1:]))


class Package:
    def __init__(self, threads, tokenizer, characters):
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        from tokenizers import Tokenizer
        self.texts = texts_of(characters)
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.one_by_one, self.in_a_batch = (self._taken(way) for way in (self._loop, self._batch))

    def _loop(self):
        for text in self.texts:
            self.tokenizer.encode(text)

    def _batch(self):
        self.tokenizer.encode_batch(self.texts)

    def _taken(self, way):
        way()
        start = time.perf_counter()
        way()
        return time.perf_counter() - start

    def seconds(self):
        start = time.perf_counter()
        (self._loop if self.one_by_one < self.in_a_batch else self._batch)()
        return time.perf_counter() - start


def compare(kind, folder, options, size):
    tokenizer = str(folder / f"{kind}.json")
    program = str(options.build / "tests" / "tokenizers" / "encode_texts")
    with Sides([Side("ours", "speed_tokenizers:Ours", 1, program=program, tokenizer=tokenizer,
                     characters=options.characters),
                Side("tokenizers", "speed_tokenizers:Package", 1, tokenizer=tokenizer,
                     characters=options.characters)]) as sides:
        rounds = rounds_of(sides, options.rounds, lambda side: size / 1e6 / side.ask("seconds"))
    row = results.figure(kind, f"{kind}, text to ids and ranges", "MB/s", 1, rounds, ("tokenizers",), bar=BAR)
    results.print_row(row)
    return row


def main():
    parser = results.parser(__doc__, threads=None)
    parser.add_argument("--folder", type=Path, help="has KIND.json, as train_tokenizers.py writes them")
    options = results.parse(parser, rounds=7)
    options.characters = CHARACTERS // 4 if options.quick else CHARACTERS
    size = sum(len(text.encode()) for text in texts_of(options.characters))
    with tempfile.TemporaryDirectory(prefix="textclf-bench-") as made:
        folder = options.folder or Path(made)
        if not options.folder:
            import train_tokenizers
            train_tokenizers.train(folder, [kind for kind in train_tokenizers.KINDS if results.wanted(options, kind)])
        kinds = [path.stem for path in sorted(folder.glob("*.json"))]
        rows = [compare(kind, folder, options, size) for kind in kinds if kind in (options.only or kinds)]
    results.write("tokenizers", options, rows, None)


if __name__ == "__main__":
    main()

"""compare_tokenizers.py: ids and offsets of the library against those of the package tokenizers, text by text.

    python3 compare_tokenizers.py FILTER [--folder FOLDER] [--only KIND ...] [--random N] [--characters N | --all]
                                  [--points] [--answers FOLDER] [--show N]

FILTER is build/tests/tokenizers/encode_texts, which reads tokenizer.json and texts and writes ids and byte ranges.
FOLDER has KIND.json files; without it tokenizers of every kind are trained first (train_tokenizers.py). Compared are the
real texts of TEXTCLF_DATA (a part of them, or --all), random ones, and with --points every code point. Offsets are
compared in characters. --answers keeps what the package said, for the next time. Prints "skipped: ..." where data or
packages are missing; ends with 1 where something differs.
"""
import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import tokenizer_texts


def ours(program, tokenizer, texts):
    """-> [(ids, byte ranges) of each text], as arrays; an error is told as text"""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "texts", Path(folder) / "tokens"
        with open(source, "wb") as file:
            for text in texts:
                data = text.encode()
                file.write(len(data).to_bytes(4, "little") + data)
        run = subprocess.run([program, str(tokenizer), str(source), str(target)], stderr=subprocess.PIPE, text=True)
        if run.returncode:
            return run.stderr.strip() or f"ended with status {run.returncode}"
        stream = numpy.fromfile(target, dtype="<u4")
    found, at = [], 0
    for _ in texts:
        count = int(stream[at])
        found.append(stream[at + 1:at + 1 + 3 * count].reshape(count, 3))
        at += 1 + 3 * count
    return found


def in_characters(text, rows):
    """Byte ranges of ours as ranges of characters: from the one with the first byte to the one with the last."""
    if text.isascii():
        return rows
    sizes = numpy.frombuffer(text.encode(), dtype=numpy.uint8)
    begins = numpy.concatenate(([0], numpy.cumsum((sizes & 0xC0) != 0x80)))  # characters that began before byte i
    starts = (sizes & 0xC0) != 0x80
    moved = rows.astype(numpy.int64)
    inside = numpy.append(~starts, False)
    moved[:, 1] = begins[rows[:, 1]] - inside[rows[:, 1]]
    moved[:, 2] = begins[rows[:, 2]]
    return moved


def theirs(tokenizer, texts):
    """The same of the package's, in characters, one array for all: counts, and rows behind each other."""
    counts, parts = [], []
    for at in range(0, len(texts), 1000):
        for encoding in tokenizer.encode_batch(texts[at:at + 1000]):
            counts.append(len(encoding.ids))
            offsets = numpy.array(encoding.offsets, dtype=numpy.uint32).reshape(len(encoding.ids), 2)
            parts.append(numpy.column_stack((numpy.array(encoding.ids, dtype=numpy.uint32), offsets)))
    return numpy.array(counts), numpy.concatenate(parts).astype(numpy.uint32)


def known_answers(path, texts, answers):
    """What the package says, from a file of an earlier run where there is one for this tokenizer and these texts."""
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    if not answers:
        return theirs(tokenizer, texts)
    digest = hashlib.sha256(path.read_bytes())
    for text in texts:
        digest.update(text.encode() + b"\xff")
    kept = Path(answers) / f"{path.stem}.{digest.hexdigest()[:16]}.npz"
    if kept.exists():
        with numpy.load(kept) as arrays:
            return arrays["counts"], arrays["rows"]
    counts, rows = theirs(tokenizer, texts)
    Path(answers).mkdir(parents=True, exist_ok=True)
    numpy.savez(kept, counts=counts, rows=rows)
    return counts, rows


def compare(program, path, texts, options):
    """-> texts that differ; None where the tokenizer could not be read"""
    found = ours(program, path, texts)
    if isinstance(found, str):
        print(f"{path.stem}: not read: {found}", flush=True)
        return None
    counts, rows = known_answers(path, texts, options.answers)
    wrong, only_offsets, shown = 0, 0, 0
    ends = numpy.cumsum(counts)
    for text, mine, begin, end in zip(texts, found, ends - counts, ends):
        right, mine = rows[begin:end], in_characters(text, mine)
        if numpy.array_equal(mine, right):
            continue
        wrong += 1
        same_ids = len(mine) == len(right) and numpy.array_equal(mine[:, 0], right[:, 0])
        only_offsets += same_ids
        if shown < options.show:
            shown += 1
            at = next((i for i, (a, b) in enumerate(zip(mine, right)) if tuple(a) != tuple(b)),
                      min(len(mine), len(right)))
            low = int(right[max(at - 1, 0)][1]) if len(right) else 0
            print(f"  {path.stem}: {ascii(text[max(0, low - 10):low + 30])} token {at} of {len(mine)}, {len(right)}: "
                  f"ours {mine[at:at + 3].tolist()}, wanted {right[at:at + 3].tolist()}", flush=True)
    print(f"{path.stem}: {len(texts)} texts, {int(counts.sum())} tokens, {wrong} texts differ"
          f"{f' ({only_offsets} in offsets alone)' if wrong else ''}", flush=True)
    return wrong


def texts_for(options, data):
    texts = tokenizer_texts.complete(data)
    if not options.all:
        texts = tokenizer_texts.sample(texts, options.characters)
    if options.points:
        texts += tokenizer_texts.every_point(4)
    return texts + tokenizer_texts.random_texts(options.random)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="+", metavar="KIND")
    parser.add_argument("--random", type=int, default=100_000)
    parser.add_argument("--characters", type=int, default=3_000_000, help="of the real texts, in all")
    parser.add_argument("--all", action="store_true", help="all real texts")
    parser.add_argument("--points", action="store_true", help="every code point, too")
    parser.add_argument("--answers", metavar="FOLDER")
    parser.add_argument("--show", type=int, default=5, help="differences shown of a kind")
    options = parser.parse_args()
    data = tokenizer_texts.data_folder()
    if not data:
        print("skipped: TEXTCLF_DATA is not set to the folder of the data sets")
        return 0
    texts = texts_for(options, data)
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        if not options.folder:
            try:
                import train_tokenizers
                import sentencepiece.sentencepiece_model_pb2  # noqa: F401
            except ImportError as reason:
                print(f"skipped: {reason}")
                return 0
            sys.argv = ["train_tokenizers.py", made, *(options.only or ())]
            train_tokenizers.main()
        paths = [folder / f"{kind}.json" for kind in options.only] if options.only else sorted(folder.glob("*.json"))
        results = [compare(options.filter, path, texts, options) for path in paths]
    return 1 if any(result is None or result > 0 for result in results) or not results else 0


if __name__ == "__main__":
    try:
        import numpy
        import tokenizers
    except ImportError as reason:
        print(f"skipped: {reason}")
        raise SystemExit(0)
    raise SystemExit(main())

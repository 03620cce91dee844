"""ngram_sets.py: models of n-grams with the defaults of the program, on every data set: what they reach and cost.

usage: ngram_sets.py [--build build] [--threads N] [--only SET ...] [--option KEY=VALUE ...] [--json]
For each set: `textclf train --arch ngram` on NAME.train.tsv.gz, `textclf eval` on NAME.test.tsv.gz. Seconds are those of
the whole training process, raw text to model file; memory is its peak resident size.
"""
import argparse
import json
import tempfile
from pathlib import Path

import common
from processes import run

SETS = ("imdb", "trec", "mr", "agnews_small", "sms_spam", "banking77", "thucnews_title", "waimai")


def measure(program, data, name, more, folder):
    model = folder / "model.safetensors"
    trained = run([program, "train", "--arch", "ngram", "--input", data / f"{name}.train.tsv.gz",
                   "--output", model, *more])
    evaluated = run([program, "eval", "--model", model, "--input", data / f"{name}.test.tsv.gz", "--json"])
    figures = json.loads(evaluated.text)
    return {"set": name, "accuracy": figures["accuracy"], "loss": figures["loss"],
            "calibration_error": figures["calibration_error"], "seconds": trained.seconds,
            "resident_mb": trained.resident_mb,
            "model_mb": model.stat().st_size / 1e6}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=common.ROOT / "build")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--option", nargs="+", default=[], metavar="KEY=VALUE", help="options of the library")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    more = ["--threads", str(options.threads)] if options.threads else []
    for pair in options.option:
        key, _, value = pair.partition("=")
        more += [f"--{key.replace('_', '-')}", value]
    with tempfile.TemporaryDirectory() as name:
        rows = [measure(options.build / "src" / "textclf", common.data_folder(), each, more, Path(name))
                for each in options.only]
    mean = sum(row["accuracy"] for row in rows) / len(rows)
    if options.json:
        print(json.dumps({"sets": rows, "mean_accuracy": mean}))
        return
    print("| set | accuracy | loss | calibration error | seconds | peak memory, MB | model, MB |\n|---|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['set']} | {100 * row['accuracy']:.2f} | {row['loss']:.3f} | {row['calibration_error']:.3f} | "
              f"{row['seconds']:.2f} | {row['resident_mb']:.0f} | {row['model_mb']:.1f} |")
    print(f"| mean | {100 * mean:.2f} | | | | | |")


if __name__ == "__main__":
    main()

"""ngram_small.py: what models of n-grams lose and how small they get with fewer features and narrow weights.

usage: ngram_small.py [--build build] [--only SET ...] [--features N ...] [--json]
For each set: `textclf train --arch ngram` with the defaults on NAME.train.tsv.gz, as it is and with --max-features and
--weights, `textclf eval` on NAME.test.tsv.gz. "file" are models converted from the whole one's file, which does not say
in how many texts a feature occurs.
"""
import argparse
import json
import tempfile
from pathlib import Path

import common
from ngram_sets import SETS
from processes import run


def variants(features):
    """-> [(name, options, whether converted from a file)]"""
    cut = [(f"{count // 1000} k", ["--max-features", str(count)]) for count in features]
    rows = [("whole", [], False), ("bf16", ["--weights", "bf16"], False), ("int8", ["--weights", "int8"], False)]
    rows += [(name, options, False) for name, options in cut]
    rows += [(f"{name} int8", options + ["--weights", "int8"], False) for name, options in cut]
    return rows + [(f"{name} int8, file", options + ["--weights", "int8"], True) for name, options in cut]


def evaluate(program, model, data, name):
    evaluated = run([program, "eval", "--model", model, "--input", data / f"{name}.test.tsv.gz", "--json"])
    figures = json.loads(evaluated.text)
    return {"accuracy": figures["accuracy"], "loss": figures["loss"], "bytes": model.stat().st_size}


def measure(program, data, name, rows, folder):
    whole, other, found = folder / "whole", folder / "other", {}
    for title, options, converted in rows:
        model = whole if title == "whole" else other
        command = [program, "convert", whole, other] if converted else [
            program, "train", "--arch", "ngram", "--input", data / f"{name}.train.tsv.gz", "--output", model]
        run(command + options)
        found[title] = evaluate(program, model, data, name)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=common.ROOT / "build")
    parser.add_argument("--only", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--features", nargs="+", type=int, default=[200000, 50000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = variants(options.features)
    with tempfile.TemporaryDirectory() as folder:
        found = {name: measure(options.build / "src" / "textclf", common.data_folder(), name, rows, Path(folder))
                 for name in options.only}
    if options.json:
        print(json.dumps(found))
        return
    titles = [title for title, _, _ in rows]
    print("| set | " + " | ".join(titles) + " |\n|" + "---|" * (len(titles) + 1))
    for name, figures in found.items():
        cells = [f"{100 * figures[title]['accuracy']:.2f}, {figures[title]['bytes'] / 1e6:.1f} MB" for title in titles]
        print(f"| {name} | " + " | ".join(cells) + " |")
    for key, scale, digits in (("accuracy", 100, 2), ("loss", 1, 4)):
        means = [scale * sum(figures[title][key] for figures in found.values()) / len(found) for title in titles]
        print(f"| mean {key} | " + " | ".join(f"{mean:.{digits}f}" for mean in means) + " |")


if __name__ == "__main__":
    main()

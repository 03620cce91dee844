"""ngram_accuracy.py: test accuracy of n-gram models with one set of defaults beside peers whose settings are chosen.

usage: ngram_accuracy.py [--build build] [--only SET ...] [--json FILE]
For each data set each peer (linear_peers.py) is fitted with every setting of its grid on nine tenths of train, and with
the best one on the last tenth again on all of train. Ours is `textclf train --arch ngram` with nothing chosen. Nothing
is timed. With --json, sets that the file has are not measured again.
"""
import argparse
import json
import tempfile
from pathlib import Path

import common
import linear_peers
import ngram_sets

BARS = {"mean": 0.5, "set": -1.0, "trec": -2.0}  # points against the best peer


def peers_on(name, folder):
    train, test, labels = common.read_set(name)
    characters = name in linear_peers.CHINESE
    texts = [linear_peers.tokens(text, characters) for text in train.texts]
    asked = [linear_peers.tokens(text, characters) for text in test.texts]

    def part(members):
        return [texts[i] for i in members], [train.labels[i] for i in members]
    kept, held = map(part, common.held_out_split(name, len(texts)))
    found = {}
    for kind in linear_peers.PEERS:
        peer = kind(folder, characters)
        setting, held_out = linear_peers.best_setting(peer, kept, held, len(labels))
        predict = linear_peers.fit_patiently(peer, texts, train.labels, len(labels), **setting)
        found[peer.name] = {"setting": setting, "held_out": held_out,
                            "accuracy": linear_peers.accuracy(test.labels, predict(asked))}
        print(f"  {name}: {peer.name} {setting} {100 * found[peer.name]['accuracy']:.2f}", flush=True)
    return found


def measure(name, program):
    with tempfile.TemporaryDirectory(prefix="textclf-bench-") as folder:
        ours = ngram_sets.measure(program, common.data_folder(), name, [], Path(folder))
        return {"set": name, "ours": ours["accuracy"], "peers": peers_on(name, Path(folder))}


def best(row):
    return max(peer["accuracy"] for peer in row["peers"].values())


def print_table(rows):
    names = [kind.name for kind in linear_peers.PEERS]
    print(f"| set | ours | {' | '.join(names)} | ours less the best |\n|---|---|{'---|' * len(names)}---|")
    for row in rows:
        peers = " | ".join(f"{100 * row['peers'][name]['accuracy']:.2f}" for name in names)
        print(f"| {row['set']} | **{100 * row['ours']:.2f}** | {peers} | {100 * (row['ours'] - best(row)):+.2f} |")

    def mean(values):
        return 100 * sum(values) / len(rows)
    peers = " | ".join(f"{mean([row['peers'][name]['accuracy'] for row in rows]):.2f}" for name in names)
    lead = mean([row["ours"] - best(row) for row in rows])
    print(f"| mean | **{mean([row['ours'] for row in rows]):.2f}** | {peers} | {lead:+.2f} |")
    print(f"\nMean lead {lead:+.2f}, bar {BARS['mean']:+.1f}: {'met' if lead >= BARS['mean'] else 'NOT MET'}")
    for row in rows:
        bar = BARS.get(row["set"], BARS["set"])
        if 100 * (row["ours"] - best(row)) < bar:
            print(f"{row['set']}: more than {-bar:.0f} point(s) below its best peer: NOT MET")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=common.ROOT / "build")
    parser.add_argument("--only", nargs="+", choices=ngram_sets.SETS, default=ngram_sets.SETS)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    there = {}
    if options.json and options.json.exists():
        there = {row["set"]: row for row in json.loads(options.json.read_text(encoding="utf-8"))}
    for name in options.only:
        if name not in there:
            there[name] = measure(name, options.build / "src" / "textclf")
            if options.json:
                options.json.write_text(json.dumps(list(there.values()), indent=1) + "\n", encoding="utf-8")
    print_table([there[name] for name in options.only])


if __name__ == "__main__":
    main()

"""seeds.py: results of training over several seeds, ours beside a peer: running what is missing, means, the table.

Each run is one line of a JSONL file, and runs that were cut go on where they stopped. A set's bar is met if our mean is
not below the peer's by more than the larger of 0.5 points and two standard errors of the difference; all sets together
if the mean of the differences is not below -0.5 points.
"""
import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path

BAR = 0.005


def parser(description, sets):
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--results", type=Path, required=True)
    made.add_argument("--sets", nargs="+", choices=sets, default=list(sets))
    made.add_argument("--table", action="store_true", help="run nothing")
    made.add_argument("--json", action="store_true", help="the table as JSON, one object a line")
    return made


def read_results(path):
    """-> {(set, side, seed): result}"""
    lines = path.read_text().splitlines() if path.exists() else []
    return {(row["set"], row["side"], row["seed"]): row for row in map(json.loads, lines)}


def run_missing(options, sets, sides, prepare):
    """`sides` are {name: function of what `prepare` makes of a set's name, and the seed}."""
    done = read_results(options.results)
    for name in options.sets:
        missing = [(seed, side) for seed in range(1, sets[name]["seeds"] + 1) for side in sides
                   if (name, side, seed) not in done]
        data = prepare(name) if missing else None
        for seed, side in missing:
            start = time.perf_counter()
            result = sides[side](data, seed)
            seconds = time.perf_counter() - start
            row = {"set": name, "side": side, "seed": seed, **result, "seconds": round(seconds, 1),
                   "threads": options.threads}
            with options.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{name} seed {seed} {side:8} accuracy {row['accuracy']:.4f} ({seconds:.0f} s)", file=sys.stderr,
                  flush=True)


def mean_and_error(values):
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return statistics.fmean(values), error


def summary(results, sets, sides):
    """One row a set that has results of both sides, ours first."""
    rows = []
    for name, settings in sets.items():
        values = {side: [row["accuracy"] for key, row in results.items() if key[:2] == (name, side)] for side in sides}
        if not all(values.values()):
            continue
        (ours, our_error), (theirs, their_error) = (mean_and_error(values[side]) for side in sides)
        error = math.hypot(our_error, their_error)
        slack = max(BAR, 2 * error) if error == error else BAR
        complete = all(len(values[side]) == settings["seeds"] for side in sides)
        rows.append({"set": name, "ours": ours, "ours_error": our_error, "peer": theirs, "peer_error": their_error,
                     "difference": ours - theirs, "difference_error": error, "allowed": -slack,
                     "met": ours - theirs >= -slack, "complete": complete,
                     "runs": [len(values[side]) for side in sides]})
    return rows


def print_table(rows, sets, peer):
    def verdict(met, complete):
        return ("met" if met else "NOT MET") + ("" if complete else " so far")

    print(f"set             ours (s.e.)       {peer + ' (s.e.)':17} difference (s.e.)    at least   verdict")
    for row in rows:
        print(f"{row['set']:15} {row['ours']:.4f} ({row['ours_error']:.4f})   {row['peer']:.4f} "
              f"({row['peer_error']:.4f})   {row['difference']:+.4f} ({row['difference_error']:.4f})     "
              f"{row['allowed']:+.4f}    {verdict(row['met'], row['complete'])}, "
              f"{row['runs'][0]} and {row['runs'][1]} runs")
    if rows:
        mean = statistics.fmean(row["difference"] for row in rows)
        complete = len(rows) == len(sets) and all(row["complete"] for row in rows)
        print(f"{'mean':50}   {mean:+.4f}              {-BAR:+.4f}    {verdict(mean >= -BAR, complete)}, "
              f"{len(rows)} of {len(sets)} sets")


def run_and_print(options, sets, sides, prepare):
    """`sides`: ours, then the peer."""
    if not options.table:
        run_missing(options, sets, sides, prepare)
    rows = summary(read_results(options.results), sets, sides)
    if options.json:
        for row in rows:
            print(json.dumps({key: None if value != value else value for key, value in row.items()}))
    else:
        print_table(rows, sets, list(sides)[1])

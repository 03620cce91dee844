"""results.py: figures of a part: rows with medians, spreads, ratios and verdicts; the common command line; output.

A row: what was measured, on how many threads, every side's median with its lowest and highest round, the ratio of ours
to the fastest of the peers that count (round by round), the bar, the machine's own limit. A ratio above 1 is for us.
A bar is met by the median of the ratios, or where the figure stands at the share of the machine's limit that is enough.
"""
import argparse
import json
import os
import statistics
import sys
from pathlib import Path

import common
import machine
import sides as asked


def spread(values):
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values), "rounds": len(values)}


def _ratios(rounds, peer, higher):
    return [row["ours"] / row[peer] if higher else row[peer] / row["ours"] for row in rounds]


def fastest(rounds, peers, higher):
    median = {peer: statistics.median(row[peer] for row in rounds) for peer in peers}
    return (max if higher else min)(median, key=median.get)


def verdict(row):
    """met, met at the limit, NOT MET; `spread crosses` where single rounds stand on the bar's other side.

    `bar_of` says what the bar is for: the ratio (at least), `at most` (the ratio), or the share of the limit."""
    bar, limit = row.get("bar"), row.get("limit")
    if bar is None:
        return ""
    values = {"median": limit["share"], **limit} if row["bar_of"] == "share" else row["ratio"]
    good = values["median"] <= bar if row["bar_of"] == "at most" else values["median"] >= bar
    at_limit = row["bar_of"] == "ratio" and limit is not None and limit["share"] >= limit["enough"]
    crosses = values.get("lowest", bar) < bar < values.get("highest", bar)
    return ("met" if good else "met at the limit" if at_limit else "NOT MET") + (", spread crosses" if crosses else "")


def figure(key, what, unit, threads, rounds, peers=(), higher=True, bar=None, bar_of="ratio", limit=None, note=None):
    """A row of rounds [{side: value}]; `limit` is made by a function of our median."""
    names = list(rounds[0])
    row = {"key": key, "what": what, "unit": unit, "threads": threads, "higher_is_better": higher,
           "sides": {name: spread([values[name] for values in rounds]) for name in names}, "bar": bar, "bar_of": bar_of}
    if note:
        row["note"] = note
    peers = [peer for peer in peers if peer in names]
    if peers:
        row["peer"] = fastest(rounds, peers, higher)
        row["ratio"] = spread(_ratios(rounds, row["peer"], higher))
    if limit is not None:
        row["limit"] = limit(row["sides"]["ours"]["median"])
    row["verdict"] = verdict(row)
    return row


def measured(sides, options, limits, measure, peers, higher, bar, limit=None, **more):
    """Rounds of all sides, then the row; where the ratio's spread crosses the bar, as many rounds again.

    `limit` makes our median's share of what `limits`, the machine's, allow. On two threads the row tells how far apart
    the two cores were in each round."""
    exchanges, rounds = [], []
    before = (lambda: exchanges.append(limits.exchange())) if more["threads"] == 2 else None
    for attempt in range(1 if options.quick else 2):
        rounds += asked.rounds_of(sides, options.rounds, measure, attempt * options.rounds, before)
        limits.again()
        row = figure(rounds=rounds, peers=peers, higher=higher, bar=bar, limit=limit, **more)
        if "spread crosses" not in row["verdict"]:
            break
    if exchanges:
        row["exchange_ns"] = spread(exchanges)
    print_row(row)
    return row


def number(value):
    for limit, digits in ((100, 0), (10, 1), (1, 2), (0, 3)):
        if abs(value) >= limit:
            return f"{value:,.{digits}f}"
    return "0"


def span(values):
    if values["rounds"] == 1:
        return number(values["median"])
    return f"{number(values['median'])} ({number(values['lowest'])} to {number(values['highest'])})"


def bar_text(row):
    if row["bar"] is None:
        return ""
    if row["bar_of"] == "share":
        return f"at least {100 * row['bar']:.0f} %"
    return f"{'at most' if row['bar_of'] == 'at most' else 'at least'} {row['bar']:.3g}"


def print_row(row, file=sys.stdout):
    print(f"{row['what']}{', %d thread(s)' % row['threads'] if row['threads'] else ''}", file=file)
    for name, values in row["sides"].items():
        print(f"    {name:32} {span(values)} {row['unit']}", file=file)
    bar = f"   {bar_text(row)}   {row['verdict']}" if row["bar"] is not None else ""
    if row.get("ratio"):
        met = "" if row["bar_of"] == "share" else bar
        print(f"    {'against ' + row['peer']:32} {span(row['ratio'])}{met}", file=file)
    if row.get("limit"):
        limit = row["limit"]
        amounts = f"{number(limit['reached'])} of {number(limit['value'])} {limit['unit']}"
        print(f"    {'of the ' + limit['of']:32} {amounts}: "
              f"{100 * limit['share']:.1f} %{bar if row['bar_of'] == 'share' else ''}", file=file)
    if row.get("exchange_ns"):
        print(f"    {'to the other core and back':32} {span(row['exchange_ns'])} ns", file=file)
    file.flush()


def parser(description, threads=(1, 2)):
    common_options = argparse.ArgumentParser(description=description,
                                             formatter_class=argparse.RawDescriptionHelpFormatter)
    common_options.add_argument("--quick", action="store_true", help="few and short rounds: to see that it runs")
    common_options.add_argument("--rounds", type=int, help="default: 7 or 9, with --quick 3")
    common_options.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    common_options.add_argument("--only", nargs="+", metavar="KEY", help="cases whose key begins so")
    common_options.add_argument("--build", type=Path, default=common.ROOT / "build", help="the library's build folder")
    if threads:
        common_options.add_argument("--threads", type=int, nargs="+", default=list(threads))
    return common_options


def parse(common_options, data=True, rounds=9):
    options = common_options.parse_args()
    if data:
        common.data_folder()
    options.rounds = options.rounds or (3 if options.quick else rounds)
    library = options.build / "lib" / "libtextclf.so"
    if not common.LIBRARY_NAMED and library.exists():
        os.environ["TEXTCLF_LIBRARY"] = str(library.resolve())
    return options


def wanted(options, key):
    """Whether --only asks for this key, for a part of it, or for what it is part of."""
    return not options.only or any(key.startswith(start) or start.startswith(key) for start in options.only)


def write(part, options, rows, limits):
    """The part's figures as JSON. Where the file is there from a run of the same kind, quick or not, rows of the same
    key and threads are replaced and the others stay: a part may be measured in pieces."""
    if not options.json:
        return
    old = []
    if options.json.exists():
        before = json.loads(options.json.read_text(encoding="utf-8"))
        old = before["rows"] if before["quick"] == options.quick else []
    new = {(row["key"], row["threads"]): row for row in rows}
    kept = [new.pop((row["key"], row["threads"]), row) for row in old]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"part": part, "quick": options.quick, "machine": machine.description(),
                                        "limits": limits.as_json() if limits else None, "versions": versions(),
                                        "rows": kept + list(new.values())}, indent=1) + "\n", encoding="utf-8")


def versions():
    """Of the library and the peers, without importing them."""
    from importlib import metadata
    found = {"textclf": (common.ROOT / "VERSION").read_text(encoding="ascii").strip()}
    for name in ("torch", "onnxruntime", "tokenizers", "transformers", "numpy", "vowpalwabbit", "fasttext-numpy2-wheel",
                 "scikit-learn"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found

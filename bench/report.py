"""report.py: the figures of all parts as one JSON file and as tables in Markdown.

usage: report.py [--folder build/bench] [--write docs/performance.md]
Reads PART.json of the folder, writes results.json and results.md beside them. --write puts the same tables between the
two markers of a page.
"""
import argparse
import json
from pathlib import Path

import common
import results
from speed_growth import AXES, NAMES

PARTS = ("kernels", "training", "prediction", "memory", "busy", "growth", "ngram", "transformer")
TITLES = {"kernels": "Kernels, one core", "training": "Training", "prediction": "Prediction", "memory": "Memory",
          "busy": "A busy host: one of two cores is taken", "growth": "How cost grows", "ngram": "Models of n-grams",
          "transformer": "BERT and GPT"}
BEGIN, END = "<!-- bench: begin, written by bench/report.py -->", "<!-- bench: end -->"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(cells) + " |" for cells in rows]


def share(limit):
    if not limit:
        return ""
    return f"{100 * limit['share']:.0f} % of {results.number(limit['value'])} {limit['unit']} ({limit['of']})"


def ratio(row):
    if not row.get("ratio"):
        return ""
    one, spread = row["ratio"], row["ratio"]["rounds"] > 1
    return f"**{one['median']:.2f}**" + (f" ({one['lowest']:.2f} to {one['highest']:.2f})" if spread else "")


def general(rows):
    """Training, prediction, memory, busy: one row a figure."""
    cells = []
    for row in rows:
        peer = row.get("peer")
        beside = [f"{name} {results.number(values['median'])}" for name, values in row["sides"].items()
                  if name not in ("ours", peer)]
        beside += [f"{name} against itself {results.span(values)}"
                   for name, values in row.get("peers_slower", {}).items()]
        beside += [row["note"]] if row.get("note") else []
        theirs = f"{peer} {results.span(row['sides'][peer])}" if peer in row["sides"] else peer or ""
        cells.append([f"{row['what']}, {row['unit']}", str(row["threads"]), results.span(row["sides"]["ours"]), theirs,
                      ratio(row), " ".join([results.bar_text(row), row["verdict"]]).strip(), share(row.get("limit")),
                      "; ".join(beside)])
    return table(["what", "threads", "ours", "peer", "ratio", "bar", "of the machine's limit", "beside"], cells)


def kernels(rows):
    """A row a kernel, a column a compiler."""
    names, found = [], {}
    for row in rows:
        key, _, compiler = row["key"].rpartition(".")
        if key not in found:
            names.append(key)
        found.setdefault(key, {})[compiler] = row
    compilers = sorted({row["key"].rpartition(".")[2] for row in rows}, reverse=True)
    products, functions = [], []
    for key in names:
        by = found[key]
        what = next(iter(by.values()))["what"].rpartition(",")[0]
        if "limit" not in next(iter(by.values())):
            functions.append([what] + [results.span(by[name]["sides"]["ours"]) if name in by else ""
                                       for name in compilers])
            continue
        cells = [what]
        for name in compilers:
            row = by.get(name)
            cells.append(f"{row['sides']['ours']['median']:.1f}: **{100 * row['limit']['share']:.1f} %** "
                         f"({100 * row['limit']['lowest']:.1f} to {100 * row['limit']['highest']:.1f})"
                         f"{' ' + row['limit']['of'] if 'reading' in row['limit']['of'] else ''}"
                         f"{'; ' + row['verdict'] if row['bar'] else ''}" if row else "")
        first = next(iter(by.values()))
        theirs = results.number(first["sides"]["PyTorch"]["median"]) if "PyTorch" in first["sides"] else ""
        products.append([*cells, theirs, results.bar_text(first)])
    head = ["rows × depth × columns", *(f"{name}, GFLOP/s: share of the peak" for name in compilers), "PyTorch", "bar"]
    return table(head, products) + [""] + table(["ns for 8 floats", *compilers], functions)


def growth(rows):
    """A row a size; ours, PyTorch's and the ratio for each kind and thread count."""
    found = {(row["key"], row["threads"]): row for row in rows}
    columns = [(kind, threads) for kind in ("training", "prediction") for threads in (1, 2)
               if any(row["key"].startswith(kind) and row["threads"] == threads for row in rows)]

    def cell(row):
        if row is None:
            return ""
        ours, theirs = (results.number(row["sides"][name]["median"]) for name in ("ours", "PyTorch"))
        return f"{ours} / {theirs}: {row['ratio']['median']:.2f}"
    lines = []
    for axis, values in AXES.items():
        cells = [[str(value)] + [cell(found.get((f"{kind}.{axis}.{value}", threads))) for kind, threads in columns]
                 for value in values]
        cells = [row for row in cells if any(row[1:])]
        if cells:
            lines += table([NAMES[axis], *(f"{kind}, {threads} thread{'s' if threads > 1 else ''}" for kind, threads in
                                           columns)], cells) + [""]
    return ["Tokens a second, ours / PyTorch: ratio.", ""] + lines[:-1]


def machine_lines(parts):
    part = max(parts.values(), key=lambda part: part["limits"] is not None)
    machine = part["machine"]
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    lines = [f"{machine['processor']}, family {machine['family']} model {machine['model']}, {machine['cores']} cores; "
             f"caches of a core: {caches}; {machine['system']}; Python {machine['python']}; "
             + ", ".join(f"{name} {version}" for name, version in part["versions"].items()) + "."]
    for limits in part["limits"] or []:
        reads = ", ".join(f"{read['kib']} KB {max(read['forward_gbs'], read['turning_gbs']):.0f}"
                          for read in limits["read"])
        lines.append(f"{limits['threads']} core{'s' if limits['threads'] > 1 else ''}: multiply-adds "
                     f"{max(limits['fma_gflops'].values()):.0f} GFLOP/s; reading blocks, GB/s: {reads}"
                     + (f"; a number to the other core and back {limits['exchange_ns']:.0f} ns" if limits["exchange_ns"]
                        else "") + ".")
    if any(part["quick"] for part in parts.values()):
        lines.append("**A quick run: few and short rounds.**")
    return lines


def markdown(parts):
    lines = []
    for line in machine_lines(parts):
        lines += [line, ""]
    for name, part in parts.items():
        make = {"kernels": kernels, "growth": growth}.get(name, general)
        lines += [f"### {TITLES[name]}", ""] + make(part["rows"]) + [""]
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=common.ROOT / "build" / "bench")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args()
    files = {name: options.folder / f"{name}.json" for name in PARTS}
    parts = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items() if path.exists()}
    if not parts:
        raise SystemExit(f"{options.folder} has no figures; bench/run.sh makes them")
    text = markdown(parts)
    (options.folder / "results.json").write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")
    (options.folder / "results.md").write_text(text, encoding="utf-8")
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        before, begin, rest = page.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise SystemExit(f"{options.write} has no lines `{BEGIN}` and `{END}` for the tables to stand between")
        options.write.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()

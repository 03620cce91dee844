"""speed_kernels.py: the kernels' rates with gcc and with clang, beside what one core can do and PyTorch's products.

usage: speed_kernels.py [--quick] [--build build] [--clang FOLDER] [--json FILE]
bench_kernels of both builds and PyTorch's torch.mm by turns, all on one core. A product counts 2 · rows · depth ·
columns operations; its share is that of the multiply-add peak measured in the same run. For up to 8 rows the reading
of the weights may bound: there the limit shown is the one that the figure is nearer to. Functions and the LSTM's cell are
nanoseconds for 8 floats.
"""
import json
import os
import statistics
import subprocess

import machine
import results
from sides import Side, rounds_of

BARS = {(512, 512, 512): 0.93, (1024, 1024, 1024): 0.93, (32, 256, 1024): 0.93, (8, 256, 1024): 0.88}


class Program:
    """bench_kernels of one compiler: a run gives {key: its row}."""

    def __init__(self, name, build):
        self.name, self.path = name, build / "bench" / "bench_kernels"
        if not self.path.exists():
            raise SystemExit(f"{self.path} is not there; build with -DTEXTCLF_BENCH=ON")

    def run(self):
        text = subprocess.run([self.path, "--json"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
        return {key_of(row): row for row in json.loads(text)["rows"]}


class Products:
    """The same products by PyTorch, in a side's process."""

    def __init__(self, threads):
        import torch
        self.torch = torch
        torch.set_num_threads(threads)

    def seconds(self, shapes):
        import sides
        torch, taken = self.torch, {}
        with torch.inference_mode():
            for rows, depth, columns in shapes:
                a, b = torch.rand(rows, depth), torch.rand(depth, columns)
                c = torch.empty(rows, columns)
                taken[rows, depth, columns] = sides.median_call([lambda: torch.mm(a, b, out=c)], 0.02)
        return taken


def shape_of(row):
    return row["rows"], row["depth"], row["columns"]


def key_of(row):
    return (row["kernel"], *shape_of(row)) if "rows" in row else (row["kernel"],)


def share_limit(rows):
    """Of the runs of one product: the limit that it is nearer to, with the spread of the share."""
    kinds = [{"of": "multiply-add peak", "unit": "GFLOP/s", "enough": 0.88,
              "pairs": [(row["gflops"], row["peak_gflops"]) for row in rows]}]
    if "gbs" in rows[0]:
        size = rows[0]["depth"] * rows[0]["columns"] * 4 // 1024
        kinds.append({"of": f"reading {size} KB", "unit": "GB/s", "enough": 0.85,
                      "pairs": [(row["gbs"], max(row["forward_gbs"], row["turning_gbs"])) for row in rows]})
    for kind in kinds:
        pairs = kind.pop("pairs")
        shares = [reached / value for reached, value in pairs]
        kind.update(reached=statistics.median(pair[0] for pair in pairs), lowest=min(shares), highest=max(shares),
                    value=statistics.median(pair[1] for pair in pairs), share=statistics.median(shares))
    return max(kinds, key=lambda kind: kind["share"])


def product_row(compiler, key, runs, peers):
    kernel, *shape = key
    rounds = [{"ours": run[key]["gflops"]} for run in runs]
    if tuple(shape) in peers[0] and kernel == "gemm":
        work = 2 * shape[0] * shape[1] * shape[2]
        for values, peer in zip(rounds, peers):
            values["PyTorch"] = work / peer[tuple(shape)] * 1e-9
    limit = share_limit([run[key] for run in runs])
    name = {"gemm": "product", "transposed": "weight gradient"}[kernel]
    sizes = list(map(str, shape))
    return results.figure(
        f"{kernel}.{'x'.join(sizes)}.{compiler}", f"{name} {'×'.join(sizes)}, {compiler}", "GFLOP/s", 1, rounds,
        ["PyTorch"], True, BARS.get(tuple(shape)) if kernel == "gemm" else None, "share", lambda _: limit)


def main():
    parser = results.parser(__doc__, threads=None)
    parser.add_argument("--clang", type=results.Path, metavar="FOLDER", help="the build folder of a clang build")
    options = results.parse(parser, data=False)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    programs = [Program("gcc", options.build)] + ([Program("clang", options.clang)] if options.clang else [])
    peer = Side("PyTorch", "speed_kernels:Products", 1)
    shapes = sorted({shape_of(row) for row in programs[0].run().values() if row["kernel"] == "gemm"})
    by_name = {"PyTorch": [], **{program.name: [] for program in programs}}

    def measure(side):
        by_name[side.name].append(side.ask("seconds", shapes) if side is peer else side.run())
        return len(by_name[side.name])
    rounds_of([*programs, peer], options.rounds, measure)
    peer.close()
    rows = []
    for key in by_name["gcc"][0]:
        for program in programs:
            runs = by_name[program.name]
            if len(key) > 1:
                rows.append(product_row(program.name, key, runs, by_name["PyTorch"]))
            else:
                rows.append(results.figure(f"{key[0]}.{program.name}", f"{key[0]}, {program.name}", "ns for 8", 1,
                                           [{"ours": run[key]["nanoseconds_for_8"][1]} for run in runs], higher=False))
            results.print_row(rows[-1])
    results.write("kernels", options, rows, machine.Limits(options.build))


if __name__ == "__main__":
    main()

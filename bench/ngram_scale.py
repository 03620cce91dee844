"""ngram_scale.py: training on 1, 3 and 10 million lines in bounded memory: seconds and peak memory.

usage: ngram_scale.py [--build build] [--millions 1 3 10] [--threads N] [--max-memory BYTES] [--folder FOLDER]
                      [--json FILE] [--plot FILE] [--draw]
`textclf train --arch ngram --epochs 1 --max-memory BYTES` on the first lines of what scale_lines.py writes, and
`textclf eval` on 20,000 lines of the test parts. Bars: seconds grow as lines do; peak memory within 10 %. --folder (with
3 GB left) keeps the lines for another time; --draw draws the figures of --json and measures nothing.
"""
import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import common
import scale_lines
from processes import run


def prepare(folder, millions):
    """Paths of training lines, by millions, and of test lines; what is there already stays."""
    largest = folder / f"{max(millions):g}.tsv"
    if not largest.exists():
        scale_lines.write(largest, int(max(millions) * 1e6))
    for each in millions:
        path = folder / f"{each:g}.tsv"
        if not path.exists():
            with open(largest, "rb") as source, open(path, "wb") as out:
                subprocess.run(["head", "-n", str(int(each * 1e6))], stdin=source, stdout=out, check=True)
    test = folder / "test.tsv"
    if not test.exists():
        scale_lines.write(test, 20000, "test", 2)
    return {each: folder / f"{each:g}.tsv" for each in millions}, test


def measure(options, millions, path, test, folder):
    program, model = options.build / "src" / "textclf", folder / "model.safetensors"
    command = [program, "train", "--arch", "ngram", "--epochs", "1", "--input", path, "--output", model, "--max-memory",
               str(options.max_memory), "--threads", str(options.threads)]
    trained = run(command)
    evaluated = run([program, "eval", "--model", model, "--input", test, "--json"])
    chunks = [line for line in trained.messages.split("\n") if "chunks" in line]
    row = {"millions": millions, "megabytes": path.stat().st_size / 1e6, "seconds": trained.seconds,
           "processor_seconds": trained.processor_seconds, "resident_mb": trained.resident_mb,
           "model_mb": model.stat().st_size / 1e6, "accuracy": json.loads(evaluated.text)["accuracy"],
           "chunks": int(chunks[0].split(" chunks")[0].split()[-1]) if chunks else 1, "threads": options.threads,
           "max_memory": options.max_memory}
    print("{millions:g} million lines, {megabytes:.0f} MB: {seconds:.1f} s ({processor_seconds:.1f} s of processors), "
          "{resident_mb:.0f} MB at most, {chunks} chunks, accuracy {accuracy:.4f}".format(**row), flush=True)
    model.unlink()
    return row


def judge(rows):
    """Whether the bars are met."""
    first = rows[0]
    each = [row["processor_seconds"] / row["millions"] for row in rows]
    memory = [row["resident_mb"] for row in rows]
    print(f"processor seconds a million lines: {', '.join(f'{value:.2f}' for value in each)}; "
          f"memory {max(memory) / min(memory) - 1:.1%} apart; "
          f"{'met' if max(memory) <= 1.1 * min(memory) and max(each) <= 1.15 * first['processor_seconds'] / first['millions'] else 'MISSED'}")


def plot(rows, path):
    """Seconds and memory over lines; a straight line through 0 beside the seconds."""
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "textclf", "font.size": 8})
    from matplotlib import pyplot
    figure, (time_panel, memory_panel) = pyplot.subplots(1, 2, figsize=(7, 2.6))
    millions = [row["millions"] for row in rows]
    slope = rows[-1]["processor_seconds"] / millions[-1]
    time_panel.plot([0, millions[-1]], [0, slope * millions[-1]], "--", color="#888888", linewidth=1, label="straight")
    time_panel.plot(millions, [row["processor_seconds"] for row in rows], color="#1f5fa8", marker="o", markersize=3,
                    linewidth=1, label="processors")
    time_panel.set(xlabel="million lines", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    time_panel.legend(frameon=False)
    memory_panel.plot(millions, [row["resident_mb"] for row in rows], color="#1f5fa8", marker="o", markersize=3, linewidth=1)
    memory_panel.set(xlabel="million lines", ylabel="peak memory, MB", xlim=(0, None),
                     ylim=(0, 1.3 * max(row["resident_mb"] for row in rows)))
    for panel in (time_panel, memory_panel):
        panel.grid(linewidth=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if str(path).endswith(".svg") else None)
    print(f"{path}: {path.stat().st_size // 1024} KB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=common.ROOT / "build")
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 3, 10])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-memory", type=int, default=500_000_000)
    parser.add_argument("--folder", type=Path, help="where the lines are, or are written")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="an SVG or PNG to draw")
    parser.add_argument("--draw", action="store_true", help="measure nothing, draw what --json has")
    options = parser.parse_args()
    if options.draw:
        rows = json.loads(options.json.read_text(encoding="utf-8"))
    else:
        with tempfile.TemporaryDirectory() as name:
            folder = options.folder or Path(name)
            paths, test = prepare(folder, options.millions)
            rows = [measure(options, each, path, test, folder) for each, path in sorted(paths.items())]
    if options.json and not options.draw:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    judge(rows)
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()

"""speed_growth.py: how cost grows: tokens a second over rows of a batch, hidden size, length of the texts, threads.

usage: speed_growth.py [--quick] [--threads 1 2] [--only rows hidden length] [--json FILE] [--plot FILE]
Around the seed model's 32 rows of 200 tokens, one size at a time: 1 to 256 rows, hidden 64 to 1024, 10 to 2000 tokens,
all real text. Training (forward, backward, Adam) and prediction (ids in, the batch in one call), ours and PyTorch's by
turns.
--plot draws the figures of --json; with --draw nothing is measured before.
"""
import json

import machine
import prepared
import results
import speed_training
from sides import Side, Sides

EMBEDDING, BATCH, LENGTH, HIDDEN = 128, 32, 200, 256
AXES = {"rows": (1, 2, 4, 8, 16, 32, 64, 128, 256), "hidden": (64, 128, 256, 512, 1024),
        "length": (10, 20, 50, 100, 200, 400, 1000, 2000)}
QUICK = {"rows": (1, 32, 256), "hidden": (64, 256, 1024), "length": (10, 200, 2000)}
NAMES = {"rows": "rows of a batch", "hidden": "hidden size", "length": "tokens of a text"}
WORK = {"training": 3, "prediction": 1}  # times the products of the forward pass


def text_counts(axes):
    """{tokens: texts} that the points need"""
    counts = {length: BATCH for length in axes["length"]}
    counts[LENGTH] = max(axes["rows"] + (BATCH,))
    return counts


def rows_of(counts, length, rows):
    first = sum(count for other, count in list(counts.items())[:list(counts).index(length)])
    return list(range(first, first + rows))


class Kind:
    """Training or prediction of one side: seconds for one batch of rows."""

    def __init__(self, kind, side):
        self.kind, self.name, self.side = kind, side.name, side

    def seconds(self, rows, times):
        batches = [rows] * times
        if self.kind == "training":
            return self.side.ask("train", batches, "equal") / times
        return self.side.ask("many", batches, False) / times


def sides_for(threads, data, hidden):
    def side(name, kind):
        return Side(name, kind, threads, folder=data.folder, model=f"hidden-{hidden}.safetensors")
    return {"training": [side("ours", "ours:Trainer"), side("PyTorch", "peers:PyTorchTrainer")],
            "prediction": [side("ours", "ours:Predictor"), side("PyTorch", "peers:PyTorch")]}


def point(options, limits, threads, axis, value, kinds, rows, length, hidden):
    for kind, sides in kinds.items():
        entries, times = [Kind(kind, side) for side in sides], {}
        for entry in entries:  # warm-up, and how many batches make a round long enough
            entry.seconds(rows, 1)
            times[entry.name] = max(1, min(200, int((0.02 if options.quick else 0.1) / entry.seconds(rows, 1))))
        work = WORK[kind] * 2 * 4 * hidden * (EMBEDDING + hidden)

        def rate(entry):
            return len(rows) * length / entry.seconds(rows, times[entry.name])
        yield results.measured(
            entries, options, limits, rate, ["PyTorch"], True, None, key=f"{kind}.{axis}.{value}",
            what=f"{kind}, {len(rows)} rows of {length} tokens, hidden {hidden}", unit="tokens/s",
            threads=threads, limit=lambda rate: limits.multiply_adds(threads, rate * work))


def measure(options, limits):
    axes = QUICK if options.quick else AXES
    axes = {axis: values for axis, values in axes.items() if results.wanted(options, axis)}
    counts = text_counts({"rows": (), "length": (), **axes})
    data = prepared.rows_of_lengths(counts, sorted({HIDDEN, *axes.get("hidden", ())}))
    try:
        for threads in options.threads:
            for hidden in sorted({HIDDEN, *axes.get("hidden", ())}, key=lambda size: size != HIDDEN):
                kinds = sides_for(threads, data, hidden)
                with Sides(sum(kinds.values(), [])):
                    for axis, values in axes.items():
                        for value in values:
                            sizes = {"rows": BATCH, "length": LENGTH, "hidden": HIDDEN, axis: value}
                            if sizes["hidden"] == hidden:
                                rows = rows_of(counts, sizes["length"], sizes["rows"])
                                yield from point(options, limits, threads, axis, value, kinds, rows, sizes["length"],
                                                 hidden)
    finally:
        data.close()


def plot(rows, path):
    """Three sizes across, training above prediction; ours in blue, PyTorch in grey; one thread dashed."""
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "textclf", "font.size": 8})
    from matplotlib import pyplot
    figure, panels = pyplot.subplots(2, 3, figsize=(9, 5), sharey="row")
    for down, kind in enumerate(WORK):
        for across, axis in enumerate(AXES):
            panel, start = panels[down][across], f"{kind}.{axis}."
            points = [row for row in rows if row["key"].startswith(start)]
            for threads, style in ((2, "-"), (1, "--")):
                for name, colour in (("ours", "#1f5fa8"), ("PyTorch", "#888888")):
                    line = sorted((int(row["key"][len(start):]), row["sides"][name]["median"]) for row in points
                                  if row["threads"] == threads)
                    if line:
                        panel.plot(*zip(*line), style, color=colour, marker="o", markersize=2.5, linewidth=1,
                                   label=f"{name}, {threads} thread{'s' if threads > 1 else ''}")
            panel.set(xscale="log", yscale="log", title=f"{kind}" if across == 1 else "", xlabel=NAMES[axis])
            ticks = [value for value in AXES[axis] if value in [int(row["key"][len(start):]) for row in points]]
            panel.set_xticks(ticks, [str(value) for value in ticks])
            panel.minorticks_off()
            panel.grid(linewidth=0.3)
        panels[down][0].set_ylabel("tokens a second")
    panels[0][0].legend(frameon=False, fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if str(path).endswith(".svg") else None)
    print(f"{path}: {path.stat().st_size // 1024} KB")


def main():
    parser = results.parser(__doc__)
    parser.add_argument("--plot", type=results.Path, metavar="FILE", help="an SVG or PNG to draw")
    parser.add_argument("--draw", action="store_true", help="measure nothing, draw what --json has")
    options = results.parse(parser, rounds=7)
    if not options.draw:
        limits = machine.Limits(options.build)
        results.write("growth", options, list(measure(options, limits)), limits)
    if options.plot:
        plot(json.loads(options.json.read_text(encoding="utf-8"))["rows"], options.plot)


if __name__ == "__main__":
    main()

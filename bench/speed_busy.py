"""speed_busy.py: training and prediction on two threads while another process keeps one of two cores busy.

usage: speed_busy.py [--quick] [--json FILE]
A process that does nothing but count stays on the last core; it is stopped and let go again, so that each round has
every side alone and with it. The figure is how many times slower a side is than alone: 2 would be one core of two gone,
more is what a side's own waiting costs.
"""
import os
import signal
import subprocess
import sys

import machine
import prepared
import results
import speed_training
from sides import Side, Sides, rounds_of

BAR = 2.2


class Busy:
    """The other process; it counts only inside `with`."""

    def __init__(self):
        core = max(os.sched_getaffinity(0))
        self.process = subprocess.Popen([  # and it ends when this process does, however that comes
            sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{core}}})\nparent = os.getppid()\n"
            "while os.getppid() == parent:\n    for _ in range(100000):\n        pass"])
        os.kill(self.process.pid, signal.SIGSTOP)

    def __enter__(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def __exit__(self, *unused):
        os.kill(self.process.pid, signal.SIGSTOP)

    def close(self):
        self.process.kill()
        self.process.wait()


def compare(options, limits, key, what, unit, sides, higher, measure):
    """`measure` gives a side's value; each side is taken alone and busy in every round."""
    rounds, busy, exchanges = [], Busy(), []
    try:
        for number in range(options.rounds):
            values = rounds_of(sides, 1, measure, number, lambda: exchanges.append(limits.exchange()))[0]
            with busy:
                values.update({f"{name}, busy": value for name, value in rounds_of(
                    sides, 1, measure, number)[0].items()})
            rounds.append(values)
    finally:
        busy.close()
    row = results.figure(key, what, unit, 2, rounds, higher=higher, bar=None)

    def slower(name):
        pairs = [(values[name], values[f"{name}, busy"]) for values in rounds]
        return results.spread([alone / taken if higher else taken / alone for alone, taken in pairs])
    row.update(bar=BAR, bar_of="at most", peer="itself alone", ratio=slower("ours"),
               exchange_ns=results.spread(exchanges),
               peers_slower={side.name: slower(side.name) for side in sides if side.name != "ours"})
    row["verdict"] = results.verdict(row)
    results.print_row(row)
    for name, values in row["peers_slower"].items():
        print(f"    {name + ' against itself':32} {results.span(values)}", flush=True)
    return row


def training(options, limits):
    data = prepared.rows_of_set("imdb", most=2000)
    try:
        batches = speed_training.bucketed(data.lengths(), "busy")
        stretches = speed_training.Stretches(data, batches, 2 if options.quick else 4)
        with Sides([Side("ours", "ours:Trainer", 2, folder=data.folder),
                    Side("PyTorch", "peers:PyTorchTrainer", 2, folder=data.folder)]) as sides:
            for side in sides:
                side.ask("train", batches[:6], "padded")
            return compare(options, limits, "training", "training, IMDB in length buckets, one core busy", "tokens/s",
                           sides, True, lambda side: stretches.rate(side.name, side, "padded"))
    finally:
        data.close()


def prediction(options, limits):
    data, rows, seconds = prepared.rows_of_lengths({100: 16}), [], 0.1 if options.quick else 0.4
    many = prepared.rows_of_set("imdb", "test", most=640)
    members = list(range(len(data)))

    def sides_for(folder):
        return Sides([Side("ours", "ours:Predictor", 2, folder=folder),
                      Side("PyTorch", "peers:PyTorch", 2, folder=folder),
                      Side("ONNX Runtime", "peers:OnnxRuntime", 2, folder=folder)])
    try:
        with sides_for(data.folder) as sides:
            rows.append(compare(options, limits, "one", "one text of 100 tokens, one core busy", "ms", sides, False,
                                lambda side: 1e3 * side.ask("one_text" if side.name == "ours" else "one_row", members,
                                                            seconds)))
        everything, lengths = list(range(len(many))), many.lengths()

        def rate(side):
            ask = ("many", [everything]) if side.name == "ours" else ("many_sorted", everything)
            return float(lengths.sum()) / side.ask(*ask, False)
        with sides_for(many.folder) as sides:
            rows.append(compare(options, limits, "many", f"{len(many)} IMDB test texts, one core busy", "tokens/s",
                                sides, True, rate))
    finally:
        data.close()
        many.close()
    return rows


def main():
    options = results.parse(results.parser(__doc__, threads=None))
    limits, rows = machine.Limits(options.build), []
    if len(os.sched_getaffinity(0)) != 2:
        print("speed_busy.py: made for two cores; keeping one busy of more leaves room", file=sys.stderr)
    if results.wanted(options, "training"):
        rows.append(training(options, limits))
    if results.wanted(options, "prediction"):
        rows += prediction(options, limits)
    results.write("busy", options, rows, limits)


if __name__ == "__main__":
    main()

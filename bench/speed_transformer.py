"""speed_transformer.py: BERT and GPT, ours beside PyTorch (transformers) and ONNX Runtime: prediction and training.

usage: speed_transformer.py [--quick] [--threads 1 2] [--only one batch real train gpt2 start] [--json FILE]
  one      all-MiniLM-L6-v2's shape and weights, one text of 16 and 128 tokens: ours text in, theirs ids in
  batch    8 and 32 texts of 128 tokens, ids in
  real     banking77, mr and imdb (cap 256) test texts, raw text in: batches of 32 as they come, and sorted by length
  train    a step of AdamW on 32 texts of 128 tokens, and on the texts of mr as they are; largest resident size
  gpt2     GPT-2 of 124 million parameters, one text of 128 tokens
  start    a process of its own maps that model and predicts 16 tokens, page cache warm; memory of its own
By formula a token of a layer of width d takes 24 d² + 4 d n operations in a text of n tokens.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import common
import machine
import results
import transformer_folder
from prepared import Prepared
from sides import Side, Sides

CAP = 256
TEXTS = 16  # of each length, by turns
ONE_BARS = {16: 1.3, 128: 1.15}
BATCH_BARS = {8: 1.1, 32: 1.15}
REAL_BARS = {"file order": 2.0, "sorted": 1.1}
TRAIN_BARS = {"equal": 1.5, "mr": 2.5}
MEMORY_BAR = 0.5
GPT2_BAR = 1.1
START_MS, START_MB = 400, 64
COUNTED = ("PyTorch", "ONNX Runtime", "ONNX Runtime fused")

START = r'''
import sys, time
sys.path[:0] = [sys.argv[2]]
import textclf
start = time.perf_counter()
model = textclf.Model.load(sys.argv[1], textclf.Config(threads=int(sys.argv[3])), mapped=True)
scores = model.predict(sys.argv[4])
taken = 1e3 * (time.perf_counter() - start)
private = sum(int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("Private_")) / 1024
print(taken, private, flush=True)
sys.stdin.read()
'''


def flops_per_token(config, length):
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    return layers * (8 * width * width + 4 * width * config["intermediate_size"] + 4 * width * length)


def config_of(data):
    config = json.loads((Path(data.model) / "config.json").read_text(encoding="utf-8"))
    if config["model_type"] == "gpt2":
        config.update(hidden_size=config["n_embd"], num_hidden_layers=config["n_layer"],
                      intermediate_size=4 * config["n_embd"])
    return config


def sides_for(data, threads, int8=False):
    more = {"folder": data.folder, "cap": CAP}
    peers = [Side("PyTorch", "transformer_peers:PyTorch", threads, **more),
             Side("ONNX Runtime", "transformer_peers:OnnxRuntime", threads, **more),
             Side("ONNX Runtime fused", "transformer_peers:OnnxRuntime", threads, fused=True, **more)]
    if int8:
        peers.append(Side("ONNX Runtime int8", "transformer_peers:OnnxRuntime", threads, int8=True, **more))
    return Sides([Side("ours", "ours:Predictor", threads, folder=data.folder, model=transformer_folder.MODEL)] + peers)


def check_same(sides, row=0):
    logits = {side.name: side.ask("logits", row) for side in sides}
    for name, values in logits.items():
        allowed = 0.2 if "int8" in name else 1e-3
        if max(abs(a - b) for a, b in zip(values, logits["PyTorch"])) > allowed:
            raise SystemExit(f"{name} computes something else than PyTorch: {logits}")


def one_text(threads, options, limits, data, config, name, key, length, members, bar):
    with sides_for(data, threads, int8=name == "MiniLM") as sides:
        check_same(sides, members[0])

        def measure(side):
            seconds = 0.1 if options.quick else 0.25
            return 1e3 * side.ask("one_text" if side.name == "ours" else "one_row", members, seconds)
        return results.measured(
            sides, options, limits, measure, COUNTED, False, bar, key=key, threads=threads, unit="ms",
            what=f"{name}, one text of {length} tokens: ours text in, theirs ids in",
            limit=lambda ms: limits.multiply_adds(threads, length * flops_per_token(config, length) / (ms * 1e-3)))


def one(threads, options, limits):
    data = transformer_folder.rows_of_lengths("minilm", transformer_folder.minilm_folder(),
                                              dict.fromkeys(ONE_BARS, TEXTS))
    try:
        for number, (length, bar) in enumerate(ONE_BARS.items()):
            members = list(range(number * TEXTS, (number + 1) * TEXTS))
            yield one_text(threads, options, limits, data, config_of(data), "MiniLM", f"one.{length}", length, members,
                           bar if threads == 2 else 1.0)
    finally:
        data.close()


def batch(threads, options, limits):
    length = 128
    data = transformer_folder.rows_of_lengths("minilm", transformer_folder.minilm_folder(), {length: 64})
    config = config_of(data)
    try:
        with sides_for(data, threads) as sides:
            check_same(sides)
            for rows, bar in BATCH_BARS.items():
                batches = [list(range(at, at + rows)) for at in range(0, 64, rows)]
                batches = batches[:1] if options.quick else batches

                def measure(side):
                    return 1e3 * side.ask("many", batches, False) / len(batches)
                yield results.measured(
                    sides, options, limits, measure, COUNTED, False, bar if threads == 2 else 1.0, key=f"batch.{rows}",
                    what=f"MiniLM, {rows} texts of {length} tokens, ids in", unit="ms", threads=threads,
                    limit=lambda ms: limits.multiply_adds(
                        threads, rows * length * flops_per_token(config, length) / (ms * 1e-3)))
    finally:
        data.close()


def real(threads, options, limits):
    for name, count in (("banking77", 1536), ("mr", 1024), ("imdb", 256)):
        if not results.wanted(options, f"real.{name}"):
            continue
        count = count // 8 if options.quick else count
        data = transformer_folder.rows_of_set("minilm", transformer_folder.minilm_folder(), name, most=count, cap=CAP)
        lengths, rows = data.lengths(), list(range(len(data)))
        try:
            with sides_for(data, threads) as sides:
                check_same(sides, max(rows, key=lambda row: len(data.text(row))))  # one that is cut
                for way, bar in REAL_BARS.items():
                    def measure(side):
                        if way == "file order":
                            taken = side.ask("many", [rows[at:at + 32] for at in range(0, len(rows), 32)], True)
                        elif side.name == "ours":
                            taken = side.ask("many", [rows], True)
                        else:
                            taken = side.ask("many_sorted", rows, True)
                        return float(sum(lengths)) / taken
                    yield results.measured(
                        sides, options, limits, measure, COUNTED, True, bar, unit="tokens/s", threads=threads,
                        key=f"real.{name}.{way.replace(' ', '_')}",
                        what=f"MiniLM, {count} test texts of {name}, {way}, text in")
        finally:
            data.close()


def train(threads, options, limits):
    source = transformer_folder.minilm_folder()
    for key, name in (("equal", "32 texts of 128 tokens"), ("mr", "batches of 32 texts of mr as they come")):
        if not results.wanted(options, f"train.{key}"):
            continue
        if key == "equal":
            data = transformer_folder.rows_of_lengths("minilm", source, {128: 32})
        else:
            data = transformer_folder.rows_of_set("minilm", source, "mr", "train", most=32 * 9)
        lengths, turns = data.lengths(), {}
        batches = [list(range(at, at + 32)) for at in range(0, len(lengths), 32)]
        config = config_of(data)
        flops = [sum(3 * lengths[row] * flops_per_token(config, lengths[row]) for row in rows) for rows in batches]
        try:
            with Sides([Side("ours", "ours:Trainer", threads, folder=data.folder, model=transformer_folder.MODEL,
                             optimizer="adamw", learning_rate=2e-5, weight_decay=0.01, schedule="constant",
                             warmup_ratio=0),
                        Side("PyTorch", "transformer_peers:PyTorchTrainer", threads, folder=data.folder)]) as sides:
                for side in sides:
                    side.ask("train", batches[:1])
                count = 1 if key == "equal" else 3

                def measure(side):
                    at = turns[side.name] = turns.get(side.name, -count) + count
                    part = [batches[(at + step) % len(batches)] for step in range(count)]
                    return float(sum(lengths[row] for rows in part for row in rows)) / side.ask("train", part)
                mean_flops = sum(flops) / float(sum(lengths))
                yield results.measured(
                    sides, options, limits, measure, ["PyTorch"], True, TRAIN_BARS[key], key=f"train.{key}",
                    what=f"MiniLM, training, {name}", unit="tokens/s", threads=threads,
                    limit=lambda rate: limits.multiply_adds(threads, rate * mean_flops))
                peaks = [{side.name: side.ask("peak_mb") for side in sides}]
                row = results.figure(f"memory.{key}", f"MiniLM, training, {name}: largest resident size", "MB", threads,
                                     peaks, ["PyTorch"], higher=False)
                row.update(ratio=results.spread([peaks[0]["ours"] / peaks[0]["PyTorch"]]), bar=MEMORY_BAR,
                           bar_of="at most")
                row["verdict"] = results.verdict(row)
                results.print_row(row)
                yield row
        finally:
            data.close()


def gpt2(threads, options, limits):
    with tempfile.TemporaryDirectory() as source:
        transformer_folder.write_gpt2(source)
        data = transformer_folder.rows_of_lengths("gpt2", source, {128: TEXTS})
    try:
        yield one_text(threads, options, limits, data, config_of(data), "GPT-2", "gpt2", 128, list(range(TEXTS)),
                       GPT2_BAR if threads == 2 else None)
    finally:
        data.close()


def start(threads, options, limits):
    with tempfile.TemporaryDirectory() as source:
        transformer_folder.write_gpt2(source)
        data = transformer_folder.rows_of_lengths("gpt2", source, {16: 1})
    try:
        command = [sys.executable, "-c", START, str(Prepared(data.folder, transformer_folder.MODEL).model),
                   str(common.ROOT / "python"), str(threads), data.text(0).decode()]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
            first.stdout.readline()  # it has the model mapped while the others, one by one, do what it did
            runs = [[float(value) for value in subprocess.check_output(command, stdin=subprocess.DEVNULL).split()]
                    for _ in range(options.rounds)]
            first.communicate()
        for number, (what, unit, bar) in enumerate((("mapped load and first prediction of 16 tokens", "ms", START_MS),
                                                    ("memory of a second process's own", "MB", START_MB))):
            taken = [{"ours": run[number]} for run in runs]
            row = results.figure(f"start.{unit}", f"GPT-2, {what}", unit, threads, taken, higher=False)
            row["note"] = f"bar: at most {bar} {unit}"
            results.print_row(row)
            print(f"    {row['note']}")
            yield row
    finally:
        data.close()


def main():
    options = results.parse(results.parser(__doc__))
    limits, rows = machine.Limits(options.build), []
    for part in (one, batch, real, train, gpt2, start):
        if results.wanted(options, part.__name__):
            for threads in options.threads:
                rows += part(threads, options, limits)
    results.write("transformer", options, rows, limits)


if __name__ == "__main__":
    main()

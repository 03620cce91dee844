"""speed_prediction.py: prediction, ours beside PyTorch and ONNX Runtime: time of one text, texts a second of many.

usage: speed_prediction.py [--quick] [--threads 1 2] [--only one many] [--weights f32 ...] [--json FILE]
One text of 10, 100, 400 tokens of IMDB: ours takes text and gives scores; against the peers with ids in (theirs is then
less work) and, a row of its own, with text in. On one thread ours with ids in stands beside it.
Many: IMDB test texts, cap 400; a round is 1,000 of the 10,000, dealt by length so that rounds are alike. `sorted`: all
at once, the peers sort them by length and take the batch size that is best for them; `file order`: batches of 32 as
they come, ours 32 a call too. Ids in, and text in. ONNX Runtime's int8 is printed and does not count as a peer of f32.
"""
import functools
import random

import conversion
import machine
import prepared
import results
from sides import Side, Sides

# How ours predicts one text on two threads. scratch: tc_predict_with and a scratch made of a model with threads = 2;
# examples: tc_predict_examples with one row.
TWO_THREADS = ("scratch", "examples")
LENGTHS = (10, 100, 400)
TEXTS = 16  # of each length, by turns
BARS = {"f32": {(10, 1): 3.0, (10, 2): 3.0, (100, 1): 1.7, (400, 1): 1.7, (100, 2): 2.1, (400, 2): 2.1},
        "bf16": dict.fromkeys([(length, threads) for length in LENGTHS for threads in (1, 2)], 2.7),
        "int8": dict.fromkeys([(length, threads) for length in LENGTHS for threads in (1, 2)], 4.5)}
MANY_BARS = {"sorted": 1.6, "file order": 3.0}
WEIGHT_BYTES = {"f32": 4, "bf16": 2, "int8": 1}
COUNTED = ("PyTorch", "PyTorch traced", "ONNX Runtime")
EMBEDDING, HIDDEN = 128, 256
FLOPS_PER_TOKEN = 2 * 4 * HIDDEN * (EMBEDDING + HIDDEN)


def sides_for(threads, data, options, weights="f32"):
    peers = [Side("PyTorch", "peers:PyTorch", threads, folder=data.folder),
             Side("ONNX Runtime", "peers:OnnxRuntime", threads, folder=data.folder),
             Side("ONNX Runtime int8", "peers:OnnxRuntime", threads, folder=data.folder, int8=True)]
    return Sides([Side("ours", "ours:Predictor", threads, folder=data.folder, weights=weights,
                       two_threads=options.two_threads)] + peers)


def check_same(sides):
    """Both compute the same: the logits of one text agree."""
    logits = {side.name: side.ask("logits", 0) for side in sides}
    for name, values in logits.items():
        allowed = 0.05 if "int8" in name or logits["ours"] == values else 1e-4
        if max(abs(a - b) for a, b in zip(values, logits["PyTorch"])) > allowed:
            raise SystemExit(f"{name} computes something else than PyTorch: {logits}")


def recurrent_limit(limits, threads, weights, length, seconds):
    """The recurrent weights are read once a token: by each core its part."""
    size = 4 * HIDDEN * HIDDEN * WEIGHT_BYTES[weights]
    return limits.reading(threads, size / threads / 1024, size * length / seconds)


def one_text(threads, options, limits, weights):
    data, rows, seconds = prepared.rows_of_lengths(dict.fromkeys(LENGTHS, TEXTS)), [], 0.05 if options.quick else 0.12
    try:
        conversion.convert(data.model, weights, options.build)
        with sides_for(threads, data, options, weights) as sides:
            traced = Side("PyTorch traced", "peers:PyTorch", threads, folder=data.folder, traced=True)
            traced.wait()
            sides.insert(2, traced)
            check_same(sides)
            for number, length in enumerate(LENGTHS):
                members = list(range(number * TEXTS, (number + 1) * TEXTS))
                key, name = f"one.{length}.{weights}", f"one text of {length} tokens, {weights}"
                limit = functools.partial(recurrent_limit, limits, threads, weights, length)

                def with_ids(side):
                    return 1e3 * side.ask("one_text" if side.name == "ours" else "one_row", members, seconds)

                def with_text(side):
                    return 1e3 * side.ask("one_text", members, seconds)

                def only_ids(side):
                    return 1e3 * side.ask("one_row", members, seconds)
                for suffix, what, measure, bar in (
                        ("", "ours text in, theirs ids in", with_ids, BARS[weights].get((length, threads))),
                        (".text", "text in", with_text, None), (".ids", "ids in", only_ids, None)):
                    if suffix == ".ids" and threads > 1:
                        continue  # a call for rows starts threads each time: it is made for many
                    rows.append(results.measured(sides, options, limits, measure, COUNTED, False, bar, key=key + suffix,
                                                 what=f"{name}: {what}", unit="ms", threads=threads,
                                                 limit=lambda ms: limit(ms * 1e-3)))
    finally:
        data.close()
    return rows


def stretches(data, options):
    """Rows of each round: dealt by length, shuffled within -> [[row]]"""
    rounds, count = (10, 300) if options.quick else (10, 1000)
    order = sorted(range(len(data)), key=lambda row: (len(data.ids(row)), row))
    dealt = [order[start::rounds][:count] for start in range(rounds)]
    for number, rows in enumerate(dealt):
        random.Random(number).shuffle(rows)  # dealt rows are sorted; a file is not
    return dealt


def many(threads, options, limits, weights):
    data, rows = prepared.rows_of_set("imdb", "test", most=3000 if options.quick else 10000), []
    try:
        conversion.convert(data.model, weights, options.build)
        lengths, dealt = data.lengths(), stretches(data, options)
        with sides_for(threads, data, options, weights) as sides:
            for way in ("sorted", "file order"):
                if not results.wanted(options, f"many.{way.replace(' ', '_')}"):
                    continue
                for text_in in (False, True):
                    turn = {side.name: 0 for side in sides}

                    def measure(side):
                        members = dealt[turn[side.name] % len(dealt)]
                        turn[side.name] += 1
                        if way == "file order":
                            batches = [members[at:at + 32] for at in range(0, len(members), 32)]
                            taken = side.ask("many", batches, text_in)
                        elif side.name == "ours":
                            taken = side.ask("many", [members], text_in)
                        else:
                            taken = side.ask("many_sorted", members, text_in)
                        return float(sum(lengths[row] for row in members)) / taken
                    rows.append(results.measured(
                        sides, options, limits, measure, COUNTED, True, MANY_BARS[way] if weights == "f32" else None,
                        key=f"many.{way.replace(' ', '_')}.{'text' if text_in else 'ids'}.{weights}",
                        what=f"10,000 IMDB test texts, {way}, {'text' if text_in else 'ids'} in, {weights}",
                        unit="tokens/s", threads=threads,
                        limit=lambda rate: limits.multiply_adds(threads, rate * FLOPS_PER_TOKEN)))
    finally:
        data.close()
    return rows


def main():
    parser = results.parser(__doc__)
    parser.add_argument("--weights", nargs="+", choices=tuple(WEIGHT_BYTES),
                        help="default: f32, and bf16 and int8 where the library has the option `weights`")
    parser.add_argument("--two-threads", choices=TWO_THREADS, default="scratch",
                        help="how ours predicts one text on two threads (see above)")
    options = results.parse(parser)
    kinds = options.weights or ["f32"] + (["bf16", "int8"] if conversion.has_weights(options.build) else [])
    limits, rows = machine.Limits(options.build), []
    for part in (one_text, many):
        if not results.wanted(options, part.__name__.split("_")[0]):
            continue
        for weights in kinds:
            for threads in options.threads:
                rows += part(threads, options, limits, weights)
    results.write("prediction", options, rows, limits)


if __name__ == "__main__":
    main()

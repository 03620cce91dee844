"""speed_ngram.py: n-grams on IMDB, ours, Vowpal Wabbit and fastText by turns: training, prediction, one short text.

usage: speed_ngram.py [--quick] [--threads 1 2] [--no-fasttext] [--json FILE]
Training: ours is the whole process of `textclf train --arch ngram`, raw .tsv to saved model, from exec to exit; Vowpal
Wabbit makes 3 passes (logistic loss, 22 bits, bigrams) from the creation of its workspace to its end, fastText 5 epochs of
100 dimensions and bigrams, both in Python on texts that were prepared, imports excluded. Prediction of the 25,000
test texts: ours is the whole process of `textclf predict`, raw text in, labels out; Vowpal Wabbit reads its model and
writes its labels, fastText has its model in memory. With one thread all stay on one core.
"""
import tempfile
from pathlib import Path

import linear_sides
import results
import sides

SHORT = "a dull film, badly acted"
BARS = {"train": {"Vowpal Wabbit": 1, "fastText": 10}, "predict": {"Vowpal Wabbit": 1.2, "fastText": 8}}


def sides_for(threads, folder, options):
    made = [sides.Side("ours", "linear_sides:Program", threads, folder=folder,
                       program=str(options.build / "src" / "textclf")),
            sides.Side("Vowpal Wabbit", "linear_sides:VowpalWabbit", threads, folder=folder)]
    if not options.no_fasttext:
        made.append(sides.Side("fastText", "linear_sides:FastText", threads, folder=folder))
    return sides.Sides(made)


def against(rounds, peer, bar, **more):
    """A row of ours beside one peer."""
    kept = [{name: values[name] for name in ("ours", peer)} for values in rounds]
    row = results.figure(rounds=kept, peers=(peer,), bar=bar, **more)
    results.print_row(row)
    return row


def notes(made, truth):
    """What each side's last model reaches and costs."""
    found = []
    for side in made:
        cost = {"accuracy, %": 100 * side.ask("accuracy", truth), **side.ask("cost")}
        found.append(f"{side.name}: " + ", ".join(f"{what} {value:.4g}" for what, value in cost.items()))
    return "; ".join(found)


def compare(threads, options, folder, truth):
    rows = []
    with sides_for(threads, folder, options) as made:
        trained = sides.rounds_of(made, options.rounds, lambda side: side.ask("train"))
        predicted = sides.rounds_of(made, options.rounds, lambda side: len(truth) / side.ask("predict"))
        note = notes(made, truth)
        for side in made[1:]:
            peer = side.name
            rows.append(against(trained, peer, BARS["train"][peer], key=f"train.{peer}", higher=False, unit="s",
                                what="IMDB, raw text to saved model", threads=threads, note=note))
            rows.append(against(predicted, peer, BARS["predict"][peer], key=f"predict.{peer}", unit="texts/s",
                                what="IMDB test, texts to labels", threads=threads))
        if threads == 1:
            micros = [{"ours": 1e6 * made[0].ask("one_text", SHORT, 0.3)} for _ in range(options.rounds)]
            rows.append(results.figure("one", f"one text, \"{SHORT}\"", "us", 1, micros, higher=False))
            results.print_row(rows[-1])
    print(f"    {note}")
    return rows


def main():
    parser = results.parser(__doc__)
    parser.add_argument("--no-fasttext", action="store_true", help="it takes most of the time")
    options = results.parse(parser, rounds=7)
    rows = []
    with tempfile.TemporaryDirectory(prefix="textclf-bench-") as name:
        truth = linear_sides.write_files(Path(name))
        for threads in options.threads:
            rows += compare(threads, options, name, truth)
    results.write("ngram", options, rows, None)


if __name__ == "__main__":
    main()

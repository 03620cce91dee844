"""Writes what scikit-learn's metrics say of random predictions, as plain text that needs no parser.

usage: make_metrics_golden.py OUTPUT.txt        the format stands at the top of the file, see FORMAT
Single-label and multi-label cases have 7 labels; in the cases named *_gaps label 2 is never predicted, 4 never true
and 6 neither.
"""
import argparse
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics

ROWS, LABELS = 200, 7
NEVER_PREDICTED, NEVER_TRUE, NEITHER = 2, 4, 6
THRESHOLD = 0.5

FORMAT = """\
# Written by make_metrics_golden.py from scikit-learn {version}. Words are separated by one space.
# Lines that begin with # are comments. A case:
#   case NAME TASK ROWS LABELS       TASK: classify, multilabel, regress
#   row ...                          ROWS lines, by TASK:
#     classify    row TRUTH PREDICTED SCORE*LABELS       label indices; the prediction is the greatest score
#     multilabel  row TRUTH*LABELS SCORE*LABELS          0 or 1; predicted where score >= 0.5
#     regress     row TRUTH*LABELS VALUE*LABELS
#   METRIC VALUE                     accuracy (multilabel: the exact set), macro_f1 (over the labels seen in truth or
#                                    prediction), micro_f1, log_loss (classify: mean of -log of the true label's score;
#                                    multilabel: mean binary cross-entropy over rows and labels); regress: mse, mae,
#                                    r2, each the plain mean over targets
#   label INDEX PRECISION RECALL F1 SUPPORT        classify, multilabel; 0 where the denominator is 0
#   confusion TRUTH COUNT*LABELS     classify: how often a text of label TRUTH was given each label
#   target INDEX MSE MAE R2          regress
#   end
# Inputs are float32 values written with 9 digits and read back exactly; results are float64 with 17 digits.
"""


def number(value):
    return f"{value:.9g}" if isinstance(value, np.float32) else f"{value:.17g}"


def words(*groups):
    """A line of the file: strings and integers as they are, arrays value by value"""
    parts = []
    for group in groups:
        for value in np.atleast_1d(group) if isinstance(group, np.ndarray) else [group]:
            parts.append(number(value) if isinstance(value, (float, np.floating)) else str(value))
    return " ".join(parts)


def label_lines(truth, predicted, labels):
    """macro F1, micro F1 and one line a label, for both kinds of classification"""
    if truth.ndim == 1:
        seen = np.union1d(truth, predicted)
    else:
        seen = np.flatnonzero(truth.any(axis=0) | predicted.any(axis=0))
    scored = {"y_true": truth, "y_pred": predicted, "zero_division": 0}
    lines = [words("macro_f1", float(metrics.f1_score(**scored, labels=seen, average="macro"))),
             words("micro_f1", float(metrics.f1_score(**scored, labels=labels, average="micro")))]
    table = metrics.precision_recall_fscore_support(**scored, labels=labels)
    lines += [words("label", label, *(float(column[label]) for column in table[:3]), int(table[3][label]))
              for label in labels]
    return lines


def classify_case(name, random, gaps):
    labels = list(range(LABELS))
    allowed_truth = [label for label in labels if not (gaps and label in (NEVER_TRUE, NEITHER))]
    truth = random.choice(allowed_truth, ROWS, p=random.dirichlet([5.0] * len(allowed_truth)))
    logits = random.normal(0, 1, (ROWS, LABELS))
    logits[np.arange(ROWS), truth] += 1.5
    if gaps:
        logits[:, [NEVER_PREDICTED, NEITHER]] -= 8
    scores = np.exp(logits)
    scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    predicted = scores.argmax(axis=1)
    if gaps:
        assert not np.isin(predicted, [NEVER_PREDICTED, NEITHER]).any() and (predicted == NEVER_TRUE).any()
        assert (truth == NEVER_PREDICTED).any()

    log_loss = -np.log(scores[np.arange(ROWS), truth].astype(np.float64)).mean()
    normalized = scores.astype(np.float64) / scores.astype(np.float64).sum(axis=1, keepdims=True)
    assert abs(log_loss - metrics.log_loss(truth, normalized, labels=labels)) < 1e-7
    lines = [f"case {name} classify {ROWS} {LABELS}"]
    lines += [words("row", truth[row], predicted[row], scores[row]) for row in range(ROWS)]
    lines += [words("accuracy", float(metrics.accuracy_score(truth, predicted))), words("log_loss", float(log_loss))]
    lines += label_lines(truth, predicted, labels)
    confusion = metrics.confusion_matrix(truth, predicted, labels=labels)
    return lines + [words("confusion", label, confusion[label]) for label in labels] + ["end"]


def multilabel_case(name, random, gaps):
    labels = list(range(LABELS))
    truth = (random.random((ROWS, LABELS)) < 0.3).astype(int)
    truth[::10] = 0                                         # texts without a label, some predicted so
    logits = random.normal(-2.5, 1, (ROWS, LABELS)) + 4 * truth
    if gaps:
        truth[:, [NEVER_TRUE, NEITHER]] = 0
        logits[:, [NEVER_PREDICTED, NEITHER]] = -3 + random.random((ROWS, 2))
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    predicted = (scores >= THRESHOLD).astype(int)
    if gaps:
        assert not predicted[:, [NEVER_PREDICTED, NEITHER]].any() and predicted[:, NEVER_TRUE].any()
    assert ((truth.sum(axis=1) == 0) & (predicted.sum(axis=1) == 0)).any()

    exact = scores.astype(np.float64)
    log_loss = -np.where(truth == 1, np.log(exact), np.log1p(-exact)).mean()
    assert abs(log_loss - metrics.log_loss(truth.ravel(), exact.ravel())) < 1e-12
    lines = [f"case {name} multilabel {ROWS} {LABELS}"]
    lines += [words("row", truth[row], scores[row]) for row in range(ROWS)]
    lines += [words("accuracy", float(metrics.accuracy_score(truth, predicted))), words("log_loss", float(log_loss))]
    return lines + label_lines(truth, predicted, labels) + ["end"]


def regress_case(name, random, targets):
    truth = (random.normal(0, 2, (ROWS, targets)) + 10 * np.arange(targets)).astype(np.float32)
    values = (truth + random.normal(0, 1, (ROWS, targets)) * (1 + np.arange(targets))).astype(np.float32)
    functions = (metrics.mean_squared_error, metrics.mean_absolute_error, metrics.r2_score)
    exact_truth, exact_values = truth.astype(np.float64), values.astype(np.float64)
    table = [function(exact_truth, exact_values, multioutput="raw_values") for function in functions]
    lines = [f"case {name} regress {ROWS} {targets}"]
    lines += [words("row", truth[row], values[row]) for row in range(ROWS)]
    lines += [words(metric, float(function(exact_truth, exact_values)))
              for metric, function in zip(("mse", "mae", "r2"), functions)]
    return lines + [words("target", target, *(float(column[target]) for column in table))
                    for target in range(targets)] + ["end"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    random = np.random.default_rng(1)
    lines = [*classify_case("classify_full", random, gaps=False), *classify_case("classify_gaps", random, gaps=True),
             *multilabel_case("multilabel_full", random, gaps=False),
             *multilabel_case("multilabel_gaps", random, gaps=True),
             *regress_case("regress_one", random, targets=1), *regress_case("regress_three", random, targets=3)]
    output.write_text(FORMAT.format(version=sklearn.__version__) + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

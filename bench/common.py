"""common.py: what the Python benches share: where things are, the data sets, texts encoded once for both sides.

Puts python/ and tests/golden/ of this tree on the path. TEXTCLF_LIBRARY names the library (else build/lib/ of this
tree), TEXTCLF_DATA the folder with NAME.train.tsv.gz and NAME.test.tsv.gz, one `label TAB text` a line.
"""
import gzip
import os
import random
import sys
import zlib
from pathlib import Path
from typing import List, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests" / "golden")]
LIBRARY_NAMED = "TEXTCLF_LIBRARY" in os.environ
os.environ.setdefault("TEXTCLF_LIBRARY", str(ROOT / "build" / "lib" / "libtextclf.so"))

SEED_MODEL = {"vocab_size": 10000, "max_length": 400, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3}


class Rows(NamedTuple):
    """Texts with their labels as numbers."""

    texts: List[str]
    labels: List[int]

    def part(self, members):
        return Rows([self.texts[i] for i in members], [self.labels[i] for i in members])


def data_folder():
    folder = os.environ.get("TEXTCLF_DATA")
    if not folder:
        raise SystemExit("TEXTCLF_DATA is not set; set it to the folder that holds NAME.train.tsv.gz and "
                         "NAME.test.tsv.gz")
    if not Path(folder).is_dir():
        raise SystemExit(f"TEXTCLF_DATA: {folder} is not a folder; the one that holds NAME.train.tsv.gz and "
                         "NAME.test.tsv.gz is wanted")
    return Path(folder)


def read_rows(path):
    """-> [[label, text]]; whatever is wrong with the file is one sentence and the end"""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            rows = [line.rstrip("\n").split("\t", 1) for line in lines]
    except FileNotFoundError:
        raise SystemExit(f"TEXTCLF_DATA: {path} is not there") from None
    except (OSError, EOFError, zlib.error) as reason:
        raise SystemExit(f"TEXTCLF_DATA: {path} cannot be read: {reason}") from None
    except UnicodeDecodeError as reason:
        raise SystemExit(f"TEXTCLF_DATA: {path} is not UTF-8: {reason}") from None
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not row[0]:
            raise SystemExit(f"TEXTCLF_DATA: {path}, line {number}: not `label TAB text`")
    if not rows:
        raise SystemExit(f"TEXTCLF_DATA: {path} has no lines")
    return rows


def read_set(name):
    """-> (train, test, label names in the library's order)"""
    parts = [read_rows(data_folder() / f"{name}.{part}.tsv.gz") for part in ("train", "test")]
    names = sorted({label for label, _ in parts[0]}, key=str.encode)
    numbers = {label: number for number, label in enumerate(names)}
    for label in {label for label, _ in parts[1]} - set(names):
        raise SystemExit(f"TEXTCLF_DATA: {name}.test.tsv.gz has a label {label!r} that {name}.train.tsv.gz lacks")
    train, test = (Rows([text for _, text in rows], [numbers[label] for label, _ in rows]) for rows in parts)
    return train, test, names


def held_out_split(name, count, share=0.1):
    """-> (row numbers to train on, row numbers held out): one split of a set, whatever the seed of a run"""
    members = list(range(count))
    random.Random(f"held out of {name}").shuffle(members)
    kept = count - round(count * share)
    return members[:kept], members[kept:]


def examples(model, rows):
    import textclf
    encoded = textclf.Examples(model)
    for text, label in zip(rows.texts, rows.labels):
        encoded.add(text, label)
    return encoded


def id_tensors(model, texts):
    """The library's ids as PyTorch wants them."""
    import torch
    return [torch.tensor(model.encode(text)[0], dtype=torch.int64) for text in texts]


def torch_model_for(model, packed=False):
    """A PyTorch module of the model's shape with PyTorch's own random weights."""
    from torch_model import TextClassifier
    shapes = {tensor["name"]: tensor["shape"] for tensor in model.info()["tensors"]}
    return TextClassifier(*shapes["embedding.weight"], shapes["lstm.weight_hh_l0"][1], shapes["fc.weight"][0],
                          packed=packed)

"""_data.py: what callers hand in (lists, tuples, NumPy arrays, pandas Series) as what the library takes.

Nothing here guesses: a single str where many texts belong, a table where a column belongs, labels of two types, are
refused with a sentence that says what is accepted.
"""
from __future__ import annotations

import operator
from typing import Any, Iterable, List, Optional, Sequence, Union

from .model import Examples, Model, texts_bytes

Label = Union[str, int, bool]
TEXTS_A_CALL = 4096  # between two calls Python answers Ctrl-C


def column(values: Any, name: str) -> List[Any]:
    """The elements of a one-dimensional collection."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is of type {type(values).__name__}; a list, a tuple, a NumPy array or a pandas Series "
                        "is accepted")
    dimensions = getattr(values, "ndim", 1)
    if dimensions != 1:
        raise ValueError(f"{name} has {dimensions} dimensions; one is accepted")
    return list(values)


def texts(values: Any) -> List[bytes]:
    """The texts as UTF-8."""
    return texts_bytes(column(values, "X"))


def weights(values: Any, count: int) -> List[float]:
    """One weight per text; None means 1 for all."""
    if values is None:
        return [1.0] * count
    given = [float(value) for value in column(values, "sample_weight")]
    same_length(len(given), count, "sample_weight")
    return given


def same_length(length: int, count: int, name: str) -> None:
    if length != count:
        raise ValueError(f"{name} has {length} elements for {count} texts; as many as texts are accepted")


def plain_label(label: Any) -> Label:
    """A label as str, int or bool, whatever NumPy or pandas made of it."""
    if isinstance(label, str):
        return str(label)
    if isinstance(label, bool) or type(label).__name__ in ("bool_", "bool"):
        return bool(label)
    try:
        return operator.index(label)
    except TypeError:
        raise TypeError(f"label {label!r} is of type {type(label).__name__}; str, int and bool are accepted") from None


def label_set(labels: Any, number: int) -> List[Label]:
    """The labels of one text of a multilabel task, each once."""
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        raise TypeError(f"y: element {number} is of type {type(labels).__name__}; with task multilabel each element is "
                        "a list, tuple or set of labels")
    return list(dict.fromkeys(plain_label(label) for label in labels))


def ordered(labels: Iterable[Label]) -> List[Label]:
    """Different labels in rising order: numbers by value, text by code point (which is the order of its UTF-8)."""
    different = set(labels)
    kinds = sorted({type(label).__name__ for label in different})
    if len(kinds) > 1:
        raise TypeError(f"the labels are of types {' and '.join(kinds)}; one type is accepted")
    return sorted(different)


class Labels:
    """task classify: one label per text."""

    def __init__(self, classes: Sequence[Label]) -> None:
        self.classes = list(classes)
        self.names = [str(label) for label in self.classes]
        self._index = {label: index for index, label in enumerate(self.classes)}

    @staticmethod
    def read(y: Any) -> List[Any]:
        return [plain_label(label) for label in column(y, "y")]

    @classmethod
    def of(cls, y: List[Any]) -> "Labels":
        return cls(ordered(y))

    def index(self, label: Label, strict: bool) -> Optional[int]:
        """Number of a label; one that the model lacks is refused in training and None in evaluation."""
        index = self._index.get(label)
        # True == 1 and hash(True) == hash(1): a bool is no int here.
        if index is not None and type(self.classes[index]) is not type(label):
            index = None
        if index is None and strict:
            raise ValueError(f"label {label!r} is not among the classes: {_some(self.classes)}")
        return index

    def add(self, examples: Examples, data: Sequence[bytes], y: Sequence[Any], weight: Sequence[float],
            strict: bool) -> None:
        """Adds texts with their answers."""
        examples.add_batch(data, [self.index(label, strict) for label in y], weights=weight)


class LabelSets(Labels):
    """task multilabel: any number of labels per text."""

    @staticmethod
    def read(y: Any) -> List[Any]:
        if getattr(y, "ndim", 1) == 2:
            raise ValueError("y is a matrix; with task multilabel each element is a list, tuple or set of labels")
        return [label_set(labels, number) for number, labels in enumerate(column(y, "y"))]

    @classmethod
    def of(cls, y: List[Any]) -> "LabelSets":
        return cls(ordered(label for labels in y for label in labels))

    def add(self, examples: Examples, data: Sequence[bytes], y: Sequence[Any], weight: Sequence[float],
            strict: bool) -> None:
        examples.add_batch(data, [[self.index(label, strict) for label in labels] for labels in y], weights=weight)


class Targets(Labels):
    """task regress: one value per target."""

    @staticmethod
    def read(y: Any) -> List[Any]:
        if isinstance(y, (str, bytes)) or not isinstance(y, Iterable):
            raise TypeError(f"y is of type {type(y).__name__}; numbers, or lists of as many numbers each, are accepted")
        return [[float(value) for value in row] if isinstance(row, Iterable) else [float(row)] for row in y]

    @classmethod
    def of(cls, y: List[Any]) -> "Targets":
        width = len(y[0]) if y else 1
        return cls(["target"] if width == 1 else [f"target{number}" for number in range(1, width + 1)])

    def add(self, examples: Examples, data: Sequence[bytes], y: Sequence[Any], weight: Sequence[float],
            strict: bool) -> None:
        examples.add_batch(data, targets=y, weights=weight)


BY_TASK = {"classify": Labels, "multilabel": LabelSets, "regress": Targets}


def fill(model: Model, codec: Labels, data: Sequence[bytes], y: Sequence[Any], weight: Sequence[float],
         strict: bool = True) -> Examples:
    """Encoded examples of all texts."""
    same_length(len(y), len(data), "y")
    examples = Examples(model)
    for first in range(0, len(data), TEXTS_A_CALL):
        part = slice(first, first + TEXTS_A_CALL)
        codec.add(examples, data[part], y[part], weight[part], strict)
    return examples


def _some(labels: Sequence[Label]) -> str:
    shown = ", ".join(repr(label) for label in labels[:8])
    return shown + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")

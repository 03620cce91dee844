"""model.py: words, models and examples, each a thin handle over the library's object of that name.

Texts are str or bytes. A str with lone surrogates goes to the library as it is, which replaces them or, under
strict_utf8, refuses them with their byte. A model may be shared by any number of threads, except while it is trained.
"""
from __future__ import annotations

import array
import ctypes as c
import itertools
import json
import os
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import _arrays
from . import _structs as s
from . import errors
from ._handle import Handle, optional
from ._library import lib, read_text, terminated
from .config import Config, OptionValue, option

Text = Union[str, bytes]
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
BATCH = 1024  # texts a call: between two calls Python answers Ctrl-C


def text_bytes(text: Text, place: str = "") -> bytes:
    """UTF-8 of a text; anything else than str or bytes is refused by name."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, bytes):
        return text
    raise TypeError(f"text{place and ' ' + place} is of type {type(text).__name__}; str and bytes are accepted")


def texts_bytes(texts: Iterable[Text]) -> List[bytes]:
    """The same of many; a number says which is refused. What is plain str or bytes costs no call of this module's."""
    return [text.encode("utf-8", "surrogatepass") if type(text) is str else text if type(text) is bytes
            else text_bytes(text, str(number)) for number, text in enumerate(texts)]


def path_bytes(path: Path) -> bytes:
    """A path for the library."""
    return terminated(os.fsencode(path), "the path")


def size_array(rows: Optional[Sequence[int]]) -> Tuple[Any, int]:
    """Row numbers for the library; None stays NULL, which means all."""
    if rows is None:
        return None, 0
    numbers = [int(row) for row in rows]
    if any(row < 0 for row in numbers):
        raise ValueError(f"row {min(numbers)} is below 0; rows are numbered from 0")
    return (c.c_size_t * len(numbers))(*numbers), len(numbers)


class Vocabulary(Handle):
    """Counts words: one pass over the training texts, under the text options of a config."""

    def __init__(self, config: Config, texts: Iterable[Text] = ()) -> None:
        pointer = c.POINTER(s.tc_vocab_builder)()
        lib.tc_vocab_builder_create(config.pointer, c.byref(pointer))
        self._own(pointer, lib.tc_vocab_builder_free)
        for text in texts:
            self.add(text)

    def add(self, text: Text) -> None:
        """Counts the words of one text."""
        data = text_bytes(text)
        lib.tc_vocab_builder_add(self.pointer, data, len(data))

    def __len__(self) -> int:
        """Different words seen so far."""
        count = c.c_size_t()
        lib.tc_vocab_builder_count(self.pointer, c.byref(count))
        return count.value


class LabelMetrics(NamedTuple):
    """Figures of one label."""

    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(NamedTuple):
    """How good a model is on examples; what the task does not have is NaN."""

    examples: int
    unknown_labels: int
    tokens: int
    loss: float
    accuracy: float
    macro_f1: float
    micro_f1: float
    calibration_error: float
    mean_squared_error: float
    mean_absolute_error: float
    r2: float
    labels: Dict[str, LabelMetrics]
    confusion: List[List[int]]
    """classify: counts by (true label, predicted label), in the model's label order"""


class Prediction(NamedTuple):
    """One text's scores and what they were made of."""

    scores: List[float]
    logits: List[float]
    tokens: int
    tokens_used: int


class Model(Handle):
    """A text classifier: text pipeline, network and labels. Pickles and deep-copies through its file's bytes."""

    def __init__(self, config: Config, vocabulary: Vocabulary, labels: Sequence[str]) -> None:
        names = [terminated(label, "label") for label in labels]
        pointer = c.POINTER(s.tc_model)()
        array = (c.c_char_p * len(names))(*names)
        lib.tc_model_create(config.pointer, vocabulary.pointer, array, len(names), c.byref(pointer))
        self._adopt(pointer)

    def _adopt(self, pointer: Any) -> "Model":
        self._own(pointer, lib.tc_model_free)
        self._labels: Optional[Tuple[str, ...]] = None
        return self

    @classmethod
    def _of(cls, pointer: Any) -> "Model":
        return cls.__new__(cls)._adopt(pointer)

    @classmethod
    def from_pretrained(cls, folder: Path, labels: Optional[Sequence[str]] = None, config: Optional[Config] = None,
                        mapped: bool = False) -> "Model":
        """A model from a folder of Hugging Face's, to be trained, or for its vectors (embed). `labels`: those of its
        output layer, which is new, with random weights, unless the folder has one of these labels; None: the folder's.
        `config`: options of training and run, and how texts are pooled and cut. `mapped`: as with load."""
        pointer = c.POINTER(s.tc_model)()
        names = [terminated(label, "label") for label in labels or ()]
        array = None if labels is None else (c.c_char_p * len(names))(*names)
        with Config() as plain:
            lib.tc_model_create_pretrained((config or plain).pointer, path_bytes(folder), array, len(names),
                                           s.LOAD_MAPPED if mapped else 0, c.byref(pointer))
        return cls._of(pointer)

    @classmethod
    def load(cls, path: Path, config: Optional[Config] = None, mapped: bool = False) -> "Model":
        """A model from its file, or a folder of Hugging Face's; `config` gives run options (threads, limits). `mapped` shares the file's pages between
        processes, but a file cut short under the map ends the process."""
        pointer = c.POINTER(s.tc_model)()
        lib.tc_model_load_with(path_bytes(path), optional(config), s.LOAD_MAPPED if mapped else 0, c.byref(pointer))
        return cls._of(pointer)

    @classmethod
    def from_bytes(cls, data: bytes, config: Optional[Config] = None) -> "Model":
        """A model from the bytes of its file."""
        pointer = c.POINTER(s.tc_model)()
        lib.tc_model_load_memory(bytes(data), len(data), optional(config), c.byref(pointer))
        return cls._of(pointer)

    def load_weights(self, path: Path) -> None:
        """Takes the weights of any safetensors file, for example one that PyTorch wrote, by tensor name."""
        lib.tc_model_load_weights(self.pointer, path_bytes(path))

    def load_vectors(self, path: Path) -> int:
        """Takes pretrained vectors (text of fastText, word2vec or GloVe) into the embedding, of the words that the
        vocabulary has; answers how many that were."""
        found = c.c_size_t()
        lib.tc_model_load_vectors(self.pointer, path_bytes(path), c.byref(found))
        return found.value

    def save(self, path: Path) -> None:
        """Writes the model file; an old one is replaced only when the new one is whole."""
        lib.tc_model_save(self.pointer, path_bytes(path))

    def export(self, path: Path, format: str = "fasttext") -> None:
        """Writes the model for another program: "fasttext", a .bin that fastText reads (arch ngram with embedding_dim);
        "hugging_face", a folder that transformers loads (arch bert and gpt); or "peft", a folder of its adapters alone
        (lora_rank), which PEFT loads beside the base model, and load() with option `adapter`."""
        if format not in s.FORMATS:
            raise ValueError(f"format {format!r}; accepted are {', '.join(map(repr, s.FORMATS))}")
        lib.tc_model_export(self.pointer, path_bytes(path), s.FORMATS[format])

    def to_bytes(self) -> bytes:
        """The bytes that save() would write."""
        from .errors import CapacityError
        size = c.c_size_t()
        try:
            lib.tc_model_save_memory(self.pointer, 0, None, c.byref(size))
        except CapacityError:
            pass
        buffer = c.create_string_buffer(size.value)
        lib.tc_model_save_memory(self.pointer, size.value, buffer, c.byref(size))
        return buffer.raw[:size.value]

    def __reduce__(self) -> Tuple[Any, ...]:
        return _model_from_bytes, (type(self), self.to_bytes())

    def clone(self) -> "Model":
        """A model of its own with the same weights; examples serve both."""
        pointer = c.POINTER(s.tc_model)()
        lib.tc_model_clone(self.pointer, c.byref(pointer))
        return type(self)._of(pointer)

    def convert(self, weights: str = "f32", max_features: int = 0, **run: OptionValue) -> "Model":
        """A copy with weights of another kind: "bf16" and "int8" take half and a quarter of the bytes and predict faster,
        "f32" widens them again. It predicts and saves, but only f32 weights can be trained. `max_features`: how many
        features a model of n-grams keeps, those that matter most (0: all). `run`: run options
        of the copy (threads, limits) that differ from the model's; and `lora_rank`: 0 merges adapters into the weights,
        more puts new ones beside the weights of a model that has none."""
        pointer = c.POINTER(s.tc_model)()
        more: Dict[str, OptionValue] = {"max_features": max_features} if max_features else {}
        with Config(weights=weights, **more, **run) as config:
            lib.tc_model_convert(self.pointer, config.pointer, c.byref(pointer))
        return type(self)._of(pointer)

    def add_label(self, label: str) -> None:
        """Appends a label to a model of n-grams; the others keep their numbers and logits, examples made before stay
        usable. A training that goes on teaches it."""
        lib.tc_model_add_label(self.pointer, terminated(label, "label"))
        self._labels = None

    def info(self) -> Dict[str, Any]:
        """Options, labels, tensors, sizes, checksum."""
        return json.loads(read_text(lambda *room: lib.tc_model_info(self.pointer, *room), 4096))

    def option(self, key: str) -> Union[str, int, float, bool]:
        """A stored option as the model resolved it."""
        name = terminated(key, "an option's key")
        return option(key).parse(read_text(lambda *room: lib.tc_model_option(self.pointer, name, *room)))

    @property
    def labels(self) -> Tuple[str, ...]:
        """The labels (target names of a regression), in the order of scores."""
        if self._labels is None:
            count, names, name = c.c_size_t(), [], c.c_char_p()
            lib.tc_model_label_count(self.pointer, c.byref(count))
            for index in range(count.value):
                lib.tc_model_label(self.pointer, index, c.byref(name))
                names.append((name.value or b"").decode("utf-8"))
            self._labels = tuple(names)
        return self._labels

    @property
    def thresholds(self) -> List[float]:
        """The score from which on each label is given (task multilabel). Set a list of them, or None for the option
        `threshold` again; not while another thread uses the model."""
        values, count = (c.c_double * len(self.labels))(), c.c_size_t()
        lib.tc_model_thresholds(self.pointer, len(values), values, c.byref(count))
        return list(values)

    @thresholds.setter
    def thresholds(self, values: Optional[Sequence[float]]) -> None:
        numbers = [float(value) for value in values or ()]
        array = (c.c_double * len(numbers))(*numbers)
        lib.tc_model_set_thresholds(self.pointer, None if values is None else array, len(numbers))

    def tune_thresholds(self, examples: "Examples", rows: Optional[Sequence[int]] = None) -> List[float]:
        """Sets the thresholds with which each label's F1 on examples that the model has not learned from is best."""
        array, row_count = size_array(rows)
        lib.tc_tune_thresholds(self.pointer, examples.pointer, array, row_count)
        return self.thresholds

    def predict(self, text: Text) -> List[float]:
        """One score per label: softmax (classify), sigmoid (multilabel) or values (regress)."""
        data, columns, count = text_bytes(text), len(self.labels), c.c_size_t()
        scores = (c.c_float * columns)()
        lib.tc_predict(self.pointer, data, len(data), columns, scores, c.byref(count))
        return list(scores)

    def predict_details(self, text: Text) -> Prediction:
        """Scores with logits and token counts; tokens_used below tokens says that the text was cut."""
        data, columns, count = text_bytes(text), len(self.labels), c.c_size_t()
        scores, logits = (c.c_float * columns)(), (c.c_float * columns)()
        more = s.sized(s.tc_prediction)
        more.logits_capacity, more.logits = columns, logits
        lib.tc_predict_with(self.pointer, None, data, len(data), columns, scores, c.byref(count), c.byref(more))
        return Prediction(list(scores), list(logits), more.tokens, more.tokens_used)

    def predict_batch(self, texts: Sequence[Text]) -> Any:
        """Scores (texts, labels), on the model's threads; a NumPy array, or lists without NumPy."""
        columns, data, count = len(self.labels), texts_bytes(texts), c.c_size_t()
        scores = _arrays.Room(len(data), columns)
        for first in range(0, len(data), BATCH):
            part = data[first:first + BATCH]
            offsets = array.array("Q", itertools.accumulate(map(len, part), initial=0))
            lib.tc_predict_block(self.pointer, b"".join(part), offsets[-1], offsets.buffer_info()[0], len(part),
                                 len(part) * columns, scores.row(first), c.byref(count))
        return scores.matrix()

    def predict_examples(self, examples: "Examples", rows: Optional[Sequence[int]] = None) -> Any:
        """Scores of encoded examples, of all or of the given rows."""
        array, row_count = size_array(rows)
        total, columns, count = len(examples) if rows is None else row_count, len(self.labels), c.c_size_t()
        scores = (c.c_float * (total * columns))()
        lib.tc_predict_examples(self.pointer, examples.pointer, array, row_count, len(scores), scores, c.byref(count))
        return _arrays.matrix(scores, total, columns)

    def embed(self, text: Text) -> List[float]:
        """The vector that a text's scores are computed of: the pooled state of an LSTM or of a transformer (the sentence
        embedding, where it was trained to be one), the mean of the rows of averaged embeddings (fastText's sentence
        vector of a supervised model)."""
        return self._vector(lib.tc_embed, text)

    def word_vector(self, word: Text) -> List[float]:
        """A word's row of the embedding; with averaged embeddings the mean of that and of its n-grams of characters."""
        return self._vector(lib.tc_word_vector, word)

    def _vector(self, function: Any, text: Text) -> List[float]:
        from .errors import CapacityError
        data, dim = text_bytes(text), c.c_size_t()
        try:
            function(self.pointer, data, len(data), 0, None, c.byref(dim))
        except CapacityError:
            pass
        vector = (c.c_float * dim.value)()
        function(self.pointer, data, len(data), dim.value, vector, c.byref(dim))
        return list(vector)

    def encode(self, text: Text) -> Tuple[List[int], List[Tuple[int, int]]]:
        """Ids of a text after truncation, and for each the byte range of its token in the text's UTF-8."""
        from .errors import CapacityError
        data, count = text_bytes(text), c.c_size_t()
        try:
            lib.tc_encode(self.pointer, data, len(data), 0, None, None, c.byref(count))
        except CapacityError:
            pass
        ids, ranges = (c.c_uint32 * count.value)(), (c.c_uint64 * (2 * count.value))()
        lib.tc_encode(self.pointer, data, len(data), count.value, ids, ranges, c.byref(count))
        return list(ids), list(zip(ranges[0::2], ranges[1::2]))

    def evaluate(self, examples: "Examples", rows: Optional[Sequence[int]] = None) -> Evaluation:
        """Figures over examples with known labels, of all or of the given rows."""
        array, row_count = size_array(rows)
        names = self.labels
        result, metrics = s.sized(s.tc_evaluation), (s.tc_label_metrics * len(names))()
        result.label_capacity, result.labels = len(names), metrics
        counts = (c.c_uint64 * (len(names) ** 2 if self.option("task") == "classify" else 0))()
        if len(counts):
            result.confusion_capacity, result.confusion = len(counts), counts
        lib.tc_evaluate(self.pointer, examples.pointer, array, row_count, c.byref(result))
        figures = {name: getattr(result, name) for name in Evaluation._fields[:-2]}
        labels = {name: LabelMetrics(row.precision, row.recall, row.f1, row.support)
                  for name, row in zip(names, metrics)}
        confusion = [counts[i:i + len(names)] for i in range(0, len(counts), len(names))]
        return Evaluation(**figures, labels=labels, confusion=confusion)


def _model_from_bytes(kind: Any, data: bytes) -> Model:
    return kind.from_bytes(data)


class Examples(Handle):
    """Texts with labels or targets, encoded once and reused every epoch."""

    def __init__(self, model: Model) -> None:
        pointer = c.POINTER(s.tc_examples)()
        lib.tc_examples_create(model.pointer, c.byref(pointer))
        self._own(pointer, lib.tc_examples_free)
        self._index = {label: index for index, label in enumerate(model.labels)}

    def _label(self, label: Union[int, str, None]) -> int:
        if isinstance(label, str):
            return self._index.get(label, s.LABEL_UNKNOWN)
        if label is None:
            return s.LABEL_UNKNOWN
        if not 0 <= label < s.LABEL_UNKNOWN:
            raise ValueError(f"label number {label} is outside 0 to {len(self._index) - 1}")
        return label

    def add(self, text: Text, label: Union[int, str, None], weight: float = 1.0) -> None:
        """Adds a text with one label, by name or number. A name that the model lacks, or None, is an unknown label:
        evaluation counts it as wrong, training refuses it."""
        data = text_bytes(text)
        lib.tc_examples_add_label(self.pointer, data, len(data), self._label(label), weight)

    def add_labels(self, text: Text, labels: Iterable[Union[int, str, None]], weight: float = 1.0) -> None:
        """Adds a text with any number of labels (task multilabel)."""
        data, numbers = text_bytes(text), [self._label(label) for label in labels]
        array = (c.c_uint32 * len(numbers))(*numbers)
        lib.tc_examples_add_labels(self.pointer, data, len(data), array, len(numbers), weight)

    def add_targets(self, text: Text, targets: Sequence[float], weight: float = 1.0) -> None:
        """Adds a text with one value per target (task regress)."""
        data, values = text_bytes(text), [float(value) for value in targets]
        array = (c.c_float * len(values))(*values)
        lib.tc_examples_add_targets(self.pointer, data, len(data), array, len(values), weight)

    def add_batch(self, texts: Iterable[Text], labels: Optional[Iterable[Any]] = None,
                  targets: Optional[Iterable[Sequence[float]]] = None,
                  weights: Optional[Iterable[float]] = None) -> None:
        """Adds many texts at once, encoded on all of the model's threads: with one label each, or a list of labels each
        (task multilabel), or a list of values each (task regress). None is added when one cannot be."""
        data = texts_bytes(texts)
        answers = list(labels if labels is not None else targets if targets is not None else ())
        factors = None if weights is None else [float(weight) for weight in weights]
        if (labels is None) == (targets is None):
            raise ValueError("add_batch takes either labels or targets")
        if len(answers) != len(data) or (factors is not None and len(factors) != len(data)):
            raise ValueError(f"{len(data)} texts, but {len(answers)} answers"
                             + ("" if factors is None else f" and {len(factors)} weights"))
        size = len(data)
        array, lengths = (c.c_char_p * size)(*data), (c.c_size_t * size)(*map(len, data))
        numbers: Any = None
        counts: Any = None
        values: Any = None
        if labels is None:
            rows = [[float(value) for value in row] for row in answers]
            for number, row in enumerate(rows):
                if len(row) != len(self._index):
                    raise errors.ArgumentError(f"text {number}: {len(row)} targets for a model of {len(self._index)}")
            values = (c.c_float * (size * len(self._index)))(*(value for row in rows for value in row))
        elif any(isinstance(answer, (list, tuple, set, frozenset)) for answer in answers):
            lists = [[self._label(label) for label in answer] for answer in answers]
            counts = (c.c_size_t * size)(*map(len, lists))
            numbers = (c.c_uint32 * sum(map(len, lists)))(*(number for row in lists for number in row))
        else:
            numbers = (c.c_uint32 * size)(*map(self._label, answers))
        lib.tc_examples_add_batch(self.pointer, array, lengths, size, numbers, counts, values,
                                  None if factors is None else (c.c_float * size)(*factors))

    def to_bytes(self) -> bytes:
        """The encoded texts with their labels as bytes, to be kept in a file."""
        size = c.c_size_t()
        try:
            lib.tc_examples_save_memory(self.pointer, 0, None, c.byref(size))
        except errors.CapacityError:
            pass
        buffer = c.create_string_buffer(size.value)
        lib.tc_examples_save_memory(self.pointer, size.value, buffer, c.byref(size))
        return buffer.raw[:size.value]

    @classmethod
    def from_bytes(cls, data: bytes, model: Model) -> "Examples":
        """Examples from what to_bytes() gave, for models of the same text options, vocabulary, task and labels."""
        pointer = c.POINTER(s.tc_examples)()
        lib.tc_examples_load_memory(bytes(data), len(data), model.pointer, c.byref(pointer))
        made = cls.__new__(cls)
        made._own(pointer, lib.tc_examples_free)
        made._index = {label: index for index, label in enumerate(model.labels)}
        return made

    def __len__(self) -> int:
        count = c.c_size_t()
        lib.tc_examples_count(self.pointer, c.byref(count))
        return count.value

    def tokens(self, row: int) -> int:
        """Tokens of a row after truncation."""
        count = c.c_size_t()
        lib.tc_examples_tokens(self.pointer, row, c.byref(count))
        return count.value

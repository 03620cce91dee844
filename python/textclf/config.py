"""config.py: the option table of the library, and a set of options.

The table comes from the library (tc_option_at), so a newer library brings its new options; OptionKeywords repeats the
keys for type checkers and editors only.
"""
from __future__ import annotations

import ctypes as c
import functools
import operator
import os
from typing import Any, Dict, Mapping, NamedTuple, Tuple, TypedDict, Union

from . import _structs as s
from ._handle import Handle
from ._library import lib, read_text, terminated

OptionValue = Union[str, int, float, bool, Mapping[Any, float], "os.PathLike[str]", None]


class OptionKeywords(TypedDict, total=False):
    """The options as keywords. None leaves an option to the library."""

    task: Union[str, None]
    arch: Union[str, None]
    tokenizer: Union[str, None]
    normalize: Union[str, None]
    lowercase: Union[bool, None]
    strict_utf8: Union[bool, None]
    clean_controls: Union[bool, None]
    collapse_spaces: Union[bool, None]
    vocab_size: Union[int, None]
    min_count: Union[int, None]
    max_length: Union[int, None]
    truncate: Union[str, None]
    window_overlap: Union[int, None]
    word_ngrams: Union[int, None]
    skip_ngrams: Union[bool, None]
    min_char_ngram: Union[int, None]
    max_char_ngram: Union[int, None]
    char_ngrams: Union[str, None]
    buckets: Union[int, None]
    max_features: Union[int, None]
    embedding_dim: Union[int, None]
    hidden_dim: Union[int, None]
    num_layers: Union[int, None]
    num_heads: Union[int, None]
    intermediate_dim: Union[int, None]
    positions: Union[int, None]
    position_offset: Union[int, None]
    segments: Union[int, None]
    activation: Union[str, None]
    layer_norm_epsilon: Union[float, None]
    family: Union[str, None]
    lora_rank: Union[int, None]
    lora_alpha: Union[float, None]
    lora_targets: Union[str, None]
    bidirectional: Union[bool, None]
    pooling: Union[str, None]
    pooler: Union[str, None]
    dropout: Union[float, None]
    embedding_dropout: Union[float, None]
    attention_dropout: Union[float, None]
    head_dropout: Union[float, None]
    threshold: Union[float, None]
    weights: Union[str, None]
    head: Union[str, None]
    fasttext_scores: Union[bool, None]
    pq_width: Union[int, None]
    pq_norms: Union[bool, None]
    pq_output_width: Union[int, None]
    pq_output_norms: Union[bool, None]
    loss: Union[str, None]
    optimizer: Union[str, None]
    learning_rate: Union[float, None]
    layer_decay: Union[float, None]
    beta1: Union[float, None]
    beta2: Union[float, None]
    epsilon: Union[float, None]
    momentum: Union[float, None]
    weight_decay: Union[float, None]
    sparse_embedding: Union[bool, None]
    freeze_embedding: Union[bool, None]
    freeze: Union[str, None]
    gradient_checkpointing: Union[bool, None]
    schedule: Union[str, None]
    warmup_steps: Union[int, None]
    warmup_ratio: Union[float, None]
    total_steps: Union[int, None]
    clip_norm: Union[float, None]
    label_smoothing: Union[float, None]
    class_weights: Union[str, Mapping[Any, float], None]
    batch_size: Union[int, None]
    accumulate_steps: Union[int, None]
    epochs: Union[int, None]
    validation_split: Union[float, None]
    patience: Union[int, None]
    seed: Union[int, None]
    tune_thresholds: Union[bool, None]
    threads: Union[int, None]
    max_isa: Union[str, None]
    max_file_bytes: Union[int, None]
    max_memory: Union[int, None]
    max_tensors: Union[int, None]
    max_vocab: Union[int, None]
    pretrained_vectors: Union[str, "os.PathLike[str]", None]
    adapter: Union[str, "os.PathLike[str]", None]


class Option(NamedTuple):
    """One row of the option table."""

    key: str
    type: str
    """choice, integer, number, boolean or text"""
    range: str
    """what is accepted, for people"""
    default: Union[str, int, float, bool]
    option_class: str
    """model and training (stored with the model) or run (never stored)"""
    applies_to: str
    """architectures, with commas between, or all; ngram:linear and ngram:embedding are the forms of ngram"""
    help: str

    def is_of(self, arch: str, form: str = "") -> bool:
        """Whether a model of this architecture, and of this form of it, has the option."""
        names = self.applies_to.split(",")
        return self.applies_to == "all" or arch in names or f"{arch}:{form}" in names or (
            not form and any(name.startswith(f"{arch}:") for name in names))

    def parse(self, text: str) -> Union[str, int, float, bool]:
        """The Python value of the library's text."""
        if self.type == "integer":
            return int(text)
        if self.type == "number":
            return float(text)
        return text == "true" if self.type == "boolean" else text


@functools.lru_cache(maxsize=None)
def _table() -> Dict[str, Option]:
    table = {}
    for index in range(lib.tc_option_count()):
        row = s.sized(s.tc_option)
        lib.tc_option_at(index, c.byref(row))
        key, kind, span, default, applies_to, sentence = (
            value.decode("utf-8")
            for value in (row.key, row.type, row.range, row.default_value, row.applies_to, row.help))
        found = Option(key, kind, span, default, s.OPTION_CLASSES[row.option_class], applies_to, sentence)
        table[key] = found._replace(default=found.parse(default))
    return table


def options() -> Tuple[Option, ...]:
    """Every option of the library, in the library's order."""
    return tuple(_table().values())


def option(key: str) -> Option:
    """The option `key`; an unknown key is the library's OptionError, which names the nearest known one."""
    known = _table().get(key)
    if known is None:
        with Config() as config:
            lib.tc_config_set(config.pointer, terminated(key, "an option's key"), b"")
        raise AssertionError(f"the library sets an option '{key}' that it does not list")
    return known


def options_text() -> str:
    """The table as text for docstrings."""
    lines = []
    for row in options():
        default = f"'{row.default}'" if isinstance(row.default, str) else str(row.default)
        lines.append(f"    {row.key}: {row.range}; default {default}\n        {row.help} ({row.option_class})")
    return "\n".join(lines)


def option_text(value: OptionValue) -> str:
    """The text of a value as the library reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):  # numpy's, without importing it
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ",".join(f"{_escaped(str(label))}={float(weight)!r}" for label, weight in value.items())
    try:
        return str(operator.index(value))  # type: ignore[arg-type]
    except TypeError:
        pass
    try:
        return repr(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)  # the library says what it would accept


def _escaped(label: str) -> str:
    return label.replace(",", "\\,").replace("=", "\\=")


class Config(Handle):
    """A set of options: Config(hidden_dim=64, lowercase=False). What is not given is the library's default."""

    def __init__(self, **values: OptionValue) -> None:
        pointer = c.POINTER(s.tc_config)()
        lib.tc_config_create(c.byref(pointer))
        self._own(pointer, lib.tc_config_free)
        for key, value in values.items():
            if value is not None:
                self.set(key, value)

    def set(self, key: str, value: OptionValue) -> None:
        """Sets one option. None is refused here, for there is no way back to the default."""
        if value is None:
            raise TypeError(f"option '{key}': None is no value; leave the option out for its default")
        lib.tc_config_set(self.pointer, terminated(key, "an option's key"),
                          terminated(option_text(value), f"option '{key}': the value"))

    def get(self, key: str) -> Union[str, int, float, bool]:
        """What was set, or the default."""
        name = terminated(key, "an option's key")
        return option(key).parse(read_text(lambda *room: lib.tc_config_get(self.pointer, name, *room)))

    def __setitem__(self, key: str, value: OptionValue) -> None:
        self.set(key, value)

    def __getitem__(self, key: str) -> Union[str, int, float, bool]:
        return self.get(key)

    def __repr__(self) -> str:
        if self.closed:
            return "Config(closed)"
        changed = [f"{row.key}={self.get(row.key)!r}" for row in options() if self.get(row.key) != row.default]
        return f"Config({', '.join(changed)})"

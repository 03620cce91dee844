"""_structs.py: the public structs and constants of include/textclf/, field by field.

The library only ever adds fields at the end and reads `struct_size` to know how many a caller has, so what stands here
goes on working with a newer library. python/tests/test_abi.py compares it with the headers through a C compiler.
"""
from __future__ import annotations

import ctypes as c
from typing import Dict, Type, TypeVar

LABEL_UNKNOWN = 0xFFFFFFFF  # TC_LABEL_UNKNOWN
LOAD_MAPPED = 1  # TC_LOAD_MAPPED
FORMATS = {"fasttext": 1, "hugging_face": 2, "peft": 3}  # TC_FORMAT_*
OPTION_CLASSES = ("model", "training", "run")  # TC_OPTION_MODEL, _TRAINING, _RUN


class tc_config(c.Structure):
    """Opaque."""


class tc_vocab_builder(c.Structure):
    """Opaque."""


class tc_model(c.Structure):
    """Opaque."""


class tc_examples(c.Structure):
    """Opaque."""


class tc_trainer(c.Structure):
    """Opaque."""


class tc_batcher(c.Structure):
    """Opaque."""


class tc_scratch(c.Structure):
    """Opaque."""


class tc_allocator(c.Structure):
    _fields_ = [
        ("alloc", c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_size_t)),
        ("realloc", c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t)),
        ("free", c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)),
        ("ctx", c.c_void_p),
    ]


class tc_option(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t),
        ("key", c.c_char_p),
        ("type", c.c_char_p),
        ("range", c.c_char_p),
        ("default_value", c.c_char_p),
        ("option_class", c.c_int32),
        ("applies_to", c.c_char_p),
        ("help", c.c_char_p),
    ]


class tc_step(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t),
        ("step", c.c_uint64),
        ("loss", c.c_double),
        ("weight", c.c_double),
        ("gradient_norm", c.c_double),
        ("learning_rate", c.c_double),
        ("tokens", c.c_uint64),
    ]


class tc_batch(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t),
        ("rows", c.POINTER(c.c_size_t)),
        ("row_count", c.c_size_t),
        ("epoch", c.c_uint64),
        ("position", c.c_uint64),
        ("batches", c.c_uint64),
    ]


class tc_epoch(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t),
        ("epoch", c.c_uint64),
        ("loss", c.c_double),
        ("tokens", c.c_uint64),
        ("validated", c.c_int32),
        ("validation_loss", c.c_double),
        ("validation_score", c.c_double),
        ("improved", c.c_int32),
        ("finished", c.c_int32),
        ("best_epoch", c.c_uint64),
        ("best_score", c.c_double),
    ]


class tc_prediction(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t),
        ("logits_capacity", c.c_size_t),
        ("logits", c.POINTER(c.c_float)),
        ("tokens", c.c_uint64),
        ("tokens_used", c.c_uint64),
    ]


class tc_label_metrics(c.Structure):
    _fields_ = [
        ("precision", c.c_double),
        ("recall", c.c_double),
        ("f1", c.c_double),
        ("support", c.c_uint64),
    ]


class tc_evaluation(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t),
        ("label_capacity", c.c_size_t),
        ("labels", c.POINTER(tc_label_metrics)),
        ("confusion_capacity", c.c_size_t),
        ("confusion", c.POINTER(c.c_uint64)),
        ("examples", c.c_uint64),
        ("unknown_labels", c.c_uint64),
        ("tokens", c.c_uint64),
        ("loss", c.c_double),
        ("accuracy", c.c_double),
        ("macro_f1", c.c_double),
        ("micro_f1", c.c_double),
        ("calibration_error", c.c_double),
        ("mean_squared_error", c.c_double),
        ("mean_absolute_error", c.c_double),
        ("r2", c.c_double),
    ]


OPAQUE = (tc_config, tc_vocab_builder, tc_model, tc_examples, tc_trainer, tc_batcher, tc_scratch)
PLAIN = (tc_allocator, tc_option, tc_step, tc_batch, tc_epoch, tc_prediction, tc_label_metrics, tc_evaluation)
CONSTANTS: Dict[str, int] = {
    "TC_LABEL_UNKNOWN": LABEL_UNKNOWN,
    "TC_LOAD_MAPPED": LOAD_MAPPED,
    "TC_FORMAT_FASTTEXT": FORMATS["fasttext"],
    "TC_FORMAT_HUGGING_FACE": FORMATS["hugging_face"],
    "TC_FORMAT_PEFT": FORMATS["peft"],
    "TC_OPTION_MODEL": OPTION_CLASSES.index("model"),
    "TC_OPTION_TRAINING": OPTION_CLASSES.index("training"),
    "TC_OPTION_RUN": OPTION_CLASSES.index("run"),
}

Sized = TypeVar("Sized", tc_option, tc_step, tc_batch, tc_epoch, tc_prediction, tc_evaluation)


def sized(kind: Type[Sized]) -> Sized:
    """A zeroed struct that says its size, as the TC_*_INIT macros do."""
    return kind(struct_size=c.sizeof(kind))

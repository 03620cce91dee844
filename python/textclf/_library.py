"""_library.py: finds libtextclf, loads it, and declares every public function.

Looked for in this order: the file that the environment variable TEXTCLF_LIBRARY names, the library inside this package
(where a wheel puts it), the system's. A function that answers a status raises it as an exception (errors.py). ctypes
releases the interpreter lock during every call, so other threads go on.
"""
from __future__ import annotations

import ctypes as c
import ctypes.util
import os
import sys
from typing import Any, Callable, Dict, List, Tuple

from . import _structs as s
from . import errors

ABI = 0  # the number in the library's SONAME that this package is written for
INSIDE = {"win32": "textclf.dll", "darwin": "libtextclf.dylib"}.get(sys.platform, "libtextclf.so")
INSTALLED = {"win32": "textclf.dll", "darwin": f"libtextclf.{ABI}.dylib"}.get(sys.platform, f"libtextclf.so.{ABI}")

P = c.POINTER
TEXT, SIZE, OUT_SIZE, FLOATS, SIZES = c.c_char_p, c.c_size_t, P(c.c_size_t), P(c.c_float), P(c.c_size_t)
CONFIG, WORDS, MODEL, EXAMPLES = P(s.tc_config), P(s.tc_vocab_builder), P(s.tc_model), P(s.tc_examples)
TRAINER, BATCHER, SCRATCH = P(s.tc_trainer), P(s.tc_batcher), P(s.tc_scratch)

# Functions that answer a tc_status: name -> parameters.
STATUS: Dict[str, List[Any]] = {
    "tc_config_create": [P(CONFIG)],
    "tc_config_create_with": [P(s.tc_allocator), P(CONFIG)],
    "tc_config_set": [CONFIG, TEXT, TEXT],
    "tc_config_get": [CONFIG, TEXT, SIZE, TEXT, OUT_SIZE],
    "tc_option_at": [SIZE, P(s.tc_option)],
    "tc_vocab_builder_create": [CONFIG, P(WORDS)],
    "tc_vocab_builder_add": [WORDS, TEXT, SIZE],
    "tc_vocab_builder_count": [WORDS, OUT_SIZE],
    "tc_model_create": [CONFIG, WORDS, P(TEXT), SIZE, P(MODEL)],
    "tc_model_create_pretrained": [CONFIG, TEXT, P(TEXT), SIZE, c.c_int32, P(MODEL)],
    "tc_model_load": [TEXT, P(MODEL)],
    "tc_model_load_with": [TEXT, CONFIG, c.c_int32, P(MODEL)],
    "tc_model_load_memory": [c.c_void_p, SIZE, CONFIG, P(MODEL)],
    "tc_model_load_weights": [MODEL, TEXT],
    "tc_model_load_vectors": [MODEL, TEXT, OUT_SIZE],
    "tc_model_save": [MODEL, TEXT],
    "tc_model_export": [MODEL, TEXT, c.c_int32],
    "tc_model_save_memory": [MODEL, SIZE, c.c_void_p, OUT_SIZE],
    "tc_model_clone": [MODEL, P(MODEL)],
    "tc_model_convert": [MODEL, CONFIG, P(MODEL)],
    "tc_model_add_label": [MODEL, c.c_char_p],
    "tc_model_info": [MODEL, SIZE, TEXT, OUT_SIZE],
    "tc_model_label_count": [MODEL, OUT_SIZE],
    "tc_model_label": [MODEL, SIZE, P(TEXT)],
    "tc_model_thresholds": [MODEL, SIZE, P(c.c_double), OUT_SIZE],
    "tc_model_set_thresholds": [MODEL, P(c.c_double), SIZE],
    "tc_model_option": [MODEL, TEXT, SIZE, TEXT, OUT_SIZE],
    "tc_examples_create": [MODEL, P(EXAMPLES)],
    "tc_examples_add_label": [EXAMPLES, TEXT, SIZE, c.c_uint32, c.c_float],
    "tc_examples_add_labels": [EXAMPLES, TEXT, SIZE, P(c.c_uint32), SIZE, c.c_float],
    "tc_examples_add_targets": [EXAMPLES, TEXT, SIZE, FLOATS, SIZE, c.c_float],
    "tc_examples_add_batch": [EXAMPLES, P(TEXT), SIZES, SIZE, P(c.c_uint32), SIZES, FLOATS, FLOATS],
    "tc_examples_save_memory": [EXAMPLES, SIZE, c.c_void_p, OUT_SIZE],
    "tc_examples_load_memory": [c.c_void_p, SIZE, MODEL, P(EXAMPLES)],
    "tc_examples_count": [EXAMPLES, OUT_SIZE],
    "tc_examples_tokens": [EXAMPLES, SIZE, OUT_SIZE],
    "tc_trainer_create": [MODEL, CONFIG, P(TRAINER)],
    "tc_train_step": [TRAINER, EXAMPLES, SIZES, SIZE, P(s.tc_step)],
    "tc_trainer_backward": [TRAINER, EXAMPLES, SIZES, SIZE, P(s.tc_step)],
    "tc_trainer_count": [TRAINER, EXAMPLES],
    "tc_trainer_count_chunk": [TRAINER, EXAMPLES],
    "tc_trainer_begin_chunk": [TRAINER, EXAMPLES, SIZE],
    "tc_trainer_apply": [TRAINER, P(s.tc_step)],
    "tc_trainer_save": [TRAINER, TEXT],
    "tc_trainer_load": [TEXT, CONFIG, P(MODEL), P(TRAINER)],
    "tc_batcher_create": [TRAINER, EXAMPLES, EXAMPLES, P(BATCHER)],
    "tc_batcher_next": [BATCHER, P(s.tc_batch)],
    "tc_batcher_finish_epoch": [BATCHER, P(s.tc_epoch)],
    "tc_batcher_validation_rows": [BATCHER, P(SIZES), OUT_SIZE],
    "tc_batcher_restore_best": [BATCHER],
    "tc_predict": [MODEL, TEXT, SIZE, SIZE, FLOATS, OUT_SIZE],
    "tc_scratch_create": [MODEL, P(SCRATCH)],
    "tc_predict_with": [MODEL, SCRATCH, TEXT, SIZE, SIZE, FLOATS, OUT_SIZE, P(s.tc_prediction)],
    "tc_predict_batch": [MODEL, P(TEXT), SIZES, SIZE, SIZE, FLOATS, OUT_SIZE],
    "tc_predict_block": [MODEL, TEXT, SIZE, c.c_void_p, SIZE, SIZE, c.c_void_p, OUT_SIZE],
    "tc_predict_examples": [MODEL, EXAMPLES, SIZES, SIZE, SIZE, FLOATS, OUT_SIZE],
    "tc_embed": [MODEL, TEXT, SIZE, SIZE, FLOATS, OUT_SIZE],
    "tc_word_vector": [MODEL, TEXT, SIZE, SIZE, FLOATS, OUT_SIZE],
    "tc_encode": [MODEL, TEXT, SIZE, SIZE, P(c.c_uint32), P(c.c_uint64), OUT_SIZE],
    "tc_evaluate": [MODEL, EXAMPLES, SIZES, SIZE, P(s.tc_evaluation)],
    "tc_tune_thresholds": [MODEL, EXAMPLES, SIZES, SIZE],
}

# All others: name -> result, parameters.
OTHER: Dict[str, Tuple[Any, List[Any]]] = {
    "tc_last_error": (TEXT, []),
    "tc_status_text": (TEXT, [c.c_int32]),
    "tc_library_version": (TEXT, []),
    "tc_option_count": (SIZE, []),
    "tc_config_free": (None, [CONFIG]),
    "tc_vocab_builder_free": (None, [WORDS]),
    "tc_model_free": (None, [MODEL]),
    "tc_examples_free": (None, [EXAMPLES]),
    "tc_trainer_free": (None, [TRAINER]),
    "tc_batcher_free": (None, [BATCHER]),
    "tc_scratch_free": (None, [SCRATCH]),
}


def _candidates() -> List[str]:
    named = os.environ.get("TEXTCLF_LIBRARY")
    if named:
        return [named]  # who names a file means that file: no quiet fallback
    found = [os.path.join(os.path.dirname(os.path.abspath(__file__)), INSIDE)]
    if not os.path.exists(found[0]):
        found = [INSTALLED]
        system = ctypes.util.find_library("textclf")
        if system:
            found.append(system)
    return found


def _open() -> c.CDLL:
    reasons = []
    for path in _candidates():
        try:
            return c.CDLL(path)
        except OSError as reason:
            reasons.append(str(reason))
    raise ImportError("libtextclf was not found (" + "; ".join(reasons) + "); install the wheel, install the library, "
                      "or let the environment variable TEXTCLF_LIBRARY name the library's file")


def _raise_failure(status: int, function: Any, arguments: Any) -> int:
    # Same thread, right after the call: the sentence is still this call's own.
    if status:
        sentence = lib.tc_last_error().decode("utf-8", "replace")
        kind = errors.BY_STATUS.get(status, errors.Error)
        error = kind(sentence or lib.tc_status_text(status).decode("utf-8", "replace"))
        error.status = status
        raise error
    return status


def _load() -> c.CDLL:
    library = _open()
    try:
        for name, parameters in STATUS.items():
            function = getattr(library, name)
            function.argtypes, function.restype, function.errcheck = parameters, c.c_int32, _raise_failure
        for name, (result, parameters) in OTHER.items():
            function = getattr(library, name)
            function.argtypes, function.restype = parameters, result
    except AttributeError as reason:
        raise ImportError(f"{library._name} is no libtextclf that this package can use: {reason}") from None
    version = library.tc_library_version().decode("ascii")
    if int(version.split(".")[0]) != ABI:
        raise ImportError(f"{library._name} is libtextclf {version}; this package is for {ABI}.x")
    return library


lib = _load()
version: str = lib.tc_library_version().decode("ascii")
path: str = lib._name


def read_text(call: Callable[[int, Any, Any], Any], capacity: int = 512) -> str:
    """The text of a call(capacity, buffer, length) that says how much room it needs when there is too little."""
    while True:
        buffer, length = c.create_string_buffer(capacity), c.c_size_t()
        try:
            call(capacity, buffer, c.byref(length))
        except errors.CapacityError:
            if length.value < capacity:
                raise
            capacity = length.value + 1
        else:
            return buffer.raw[:length.value].decode("utf-8")


def terminated(text: Any, what: str) -> bytes:
    """UTF-8 for a parameter that ends at a NUL; a NUL inside would cut it silently."""
    data = text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogatepass")
    if b"\0" in data:
        raise ValueError(f"{what} {text!r} holds a NUL character, which it may not")
    return data

"""textclf: train and run text classifiers inside the Python process, through libtextclf.

    from textclf import TextClassifier

    classifier = TextClassifier(epochs=20).fit(texts, labels)
    classifier.predict(["a new text"])
    classifier.save("model.safetensors")

TextClassifier is the way in. Config, Vocabulary, Model, Examples, Trainer and Batcher are the library's own objects,
for loops of one's own. Failures are exceptions, textclf.Error and its subclasses, with the library's sentence.
"""
from ._library import path as library_path
from ._library import version as __version__
from .classifier import TextClassifier
from .config import Config, Option, OptionKeywords, options
from .errors import (ArgumentError, BusyError, CapacityError, ChecksumError, EncodingError, Error, FileError,
                     FormatError, InternalError, LimitError, MismatchError, NumericError, OptionError,
                     OutOfMemoryError, StateError, UnsupportedError, VersionError)
from .model import Evaluation, Examples, LabelMetrics, Model, Prediction, Vocabulary
from .training import Batch, Batcher, Epoch, Step, Trainer
from .weights import state_dict

__all__ = [
    "ArgumentError", "Batch", "Batcher", "BusyError", "CapacityError", "ChecksumError", "Config", "EncodingError",
    "Epoch", "Error", "Evaluation", "Examples", "FileError", "FormatError", "InternalError", "LabelMetrics",
    "LimitError", "MismatchError", "Model", "NumericError", "Option", "OptionError", "OptionKeywords",
    "OutOfMemoryError", "Prediction", "StateError", "Step", "TextClassifier", "Trainer", "UnsupportedError",
    "VersionError", "Vocabulary", "__version__", "library_path", "options", "state_dict",
]

"""errors.py: one exception per status of the library.

The text of each is the library's own sentence: what was wrong, where, and what would be accepted. Every class is a
textclf.Error; most are also the built-in exception that Python code expects in that place.
"""
from __future__ import annotations

from typing import Dict, Type


class Error(Exception):
    """A call of the library failed; `status` is its number."""

    status: int = -1


class ArgumentError(Error, ValueError):
    """An argument is missing or outside its range."""

    status = 1


class OptionError(Error, ValueError):
    """An option's key or value is not accepted."""

    status = 2


class OutOfMemoryError(Error, MemoryError):
    """The allocator gave no memory."""

    status = 3


class LimitError(Error, ValueError):
    """A limit (max_memory, max_file_bytes, max_tensors, max_vocab) would be passed."""

    status = 4


class CapacityError(Error, ValueError):
    """A buffer is too small; the package handles this itself."""

    status = 5


class FileError(Error, OSError):
    """A file operation failed."""

    status = 6


class FormatError(Error, ValueError):
    """A file or text is not of the expected form."""

    status = 7


class ChecksumError(Error, ValueError):
    """A file is damaged: its checksum is wrong."""

    status = 8


class VersionError(Error, ValueError):
    """A file was written by a newer library."""

    status = 9


class NumericError(Error, ArithmeticError):
    """A value is not finite."""

    status = 10


class StateError(Error, RuntimeError):
    """The object is not in a state for this call; an unfitted classifier says so by this one."""

    status = 11


class BusyError(Error, RuntimeError):
    """Another trainer holds the model."""

    status = 12


class MismatchError(Error, ValueError):
    """The objects do not belong together."""

    status = 13


class UnsupportedError(Error, NotImplementedError):
    """This combination is not supported."""

    status = 14


class EncodingError(Error, ValueError):
    """The text is not valid UTF-8, and strict_utf8 is on."""

    status = 15


class InternalError(Error, RuntimeError):
    """The library contradicts itself; please report it."""

    status = 16


BY_STATUS: Dict[int, Type[Error]] = {kind.status: kind for kind in Error.__subclasses__()}

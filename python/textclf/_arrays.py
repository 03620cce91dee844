"""_arrays.py: numbers that come from the library, as NumPy arrays where NumPy is there, else as lists.

NumPy is imported at first use, so that `import textclf` stays quick and works without it.
"""
from __future__ import annotations

import ctypes
import functools
from typing import Any, List, Sequence, Union


@functools.lru_cache(maxsize=None)
def numpy() -> Any:
    """The module, or None."""
    try:
        import numpy as module  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    return module


def vector(values: Sequence[Any]) -> Union[Any, List[Any]]:
    """A list as an array of one dimension; a ctypes array of floats is taken as it is, without a copy."""
    module = numpy()
    if module is None:
        return list(values)
    if hasattr(values, "_length_"):
        return module.frombuffer(values, dtype=module.float32)
    return module.array(values)


def matrix(values: Any, rows: int, columns: int) -> Union[Any, List[List[float]]]:
    """A ctypes array of floats as an array (rows, columns)."""
    module = numpy()
    if module is not None:
        return module.frombuffer(values, dtype=module.float32).reshape(rows, columns)
    return [list(values[row * columns:(row + 1) * columns]) for row in range(rows)]


class Room:
    """A matrix of floats (rows, columns) for the library to fill, some rows a call."""

    def __init__(self, rows: int, columns: int) -> None:
        module = numpy()
        self._rows, self._columns = rows, columns
        if module is not None:
            self._values = module.empty((rows, columns), dtype=module.float32)
            self._address = self._values.ctypes.data
        else:
            self._values = (ctypes.c_float * (rows * columns))()
            self._address = ctypes.addressof(self._values)

    def row(self, number: int) -> int:
        """Where a row begins."""
        return int(self._address + number * self._columns * ctypes.sizeof(ctypes.c_float))

    def matrix(self) -> Union[Any, List[List[float]]]:
        """As matrix()."""
        return self._values if numpy() is not None else matrix(self._values, self._rows, self._columns)

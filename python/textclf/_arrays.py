"""_arrays.py: numbers that come from the library, as NumPy arrays where NumPy is there, else as lists.

NumPy is imported at first use, so that `import textclf` stays quick and works without it.
"""
from __future__ import annotations

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


def stack(parts: List[Any], columns: int) -> Union[Any, List[List[float]]]:
    """Matrices of as many columns, one under the other."""
    module = numpy()
    if module is None:
        return [row for part in parts for row in part]
    return module.concatenate(parts) if parts else module.zeros((0, columns), dtype=module.float32)

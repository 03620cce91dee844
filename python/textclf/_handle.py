"""_handle.py: who owns an object of the library, and when it is freed.

A handle frees its object once: in close(), at the end of a `with` block, or when Python lets go of it. What the object
leans on (a batcher on its trainer) is held until then, also inside a reference cycle, and closing a handle closes first
what leans on it, so the library never sees a pointer that is gone.
"""
from __future__ import annotations

import weakref
from typing import Any, Callable, Optional, Sequence, TypeVar

Self = TypeVar("Self", bound="Handle")


def _free(free: Callable[[Any], None], pointer: Any, keeps: Sequence["Handle"]) -> None:
    free(pointer)  # `keeps` only had to live until here


def optional(handle: "Optional[Handle]") -> Any:
    """The pointer of a handle that may be missing."""
    return None if handle is None else handle.pointer


class Handle:
    """An object of the library, freed exactly once."""

    def _own(self, pointer: Any, free: Callable[[Any], None], keeps: Sequence["Handle"] = ()) -> None:
        self._pointer = pointer
        self._leaning: "weakref.WeakSet[Handle]" = weakref.WeakSet()
        self._finalizer = weakref.finalize(self, _free, free, pointer, tuple(keeps))
        for keep in keeps:
            keep._leaning.add(self)

    @property
    def pointer(self) -> Any:
        """The library's pointer, for a call."""
        if not self._finalizer.alive:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    @property
    def closed(self) -> bool:
        """Whether the object was freed."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Frees the object and what leans on it; a second call does nothing."""
        for other in list(self._leaning):
            other.close()
        self._finalizer()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

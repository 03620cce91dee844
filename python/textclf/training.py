"""training.py: the trainer (one step on rows that the host chooses) and the batcher (whole epochs).

    trainer = Trainer(model, config)
    batcher = Batcher(trainer, examples)
    while True:
        for batch in batcher:
            trainer.step(examples, batch.rows)
        if batcher.finish_epoch().finished:
            break
    batcher.restore_best()
"""
from __future__ import annotations

import ctypes as c
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from . import _structs as s
from ._handle import Handle, optional
from ._library import lib
from .config import Config
from .model import Examples, Model, Path, path_bytes, size_array


class Step(NamedTuple):
    """What a step did."""

    step: int
    loss: float
    weight: float
    gradient_norm: float
    learning_rate: float
    tokens: int


class BatchRows(List[int]):
    """Row numbers that know the batcher they come from, so that the library can tell when they were trained on."""

    source: "Optional[Batcher]" = None

    def array(self) -> Tuple[Any, int]:
        """The library's own rows while they are the latest, else a copy."""
        source = self.source
        if source is None or source.closed or source._latest is not self:
            return size_array(self)
        return source._latest_rows, len(self)


class Batch(NamedTuple):
    """The rows of one step; give `rows` itself to Trainer.step or backward, or the batch will come again."""

    rows: BatchRows
    epoch: int
    position: int
    batches: int


class Epoch(NamedTuple):
    """What an epoch gave; the validation figures are None where nothing was validated."""

    epoch: int
    loss: float
    tokens: int
    validation_loss: Optional[float]
    validation_score: Optional[float]
    improved: bool
    finished: bool
    best_epoch: int
    best_score: Optional[float]


class Trainer(Handle):
    """Optimizer state, gradients and random state of one model's training; holds the model. One thread at a time;
    between steps that thread may also predict, evaluate and save, others use a clone of the model."""

    def __init__(self, model: Model, config: Optional[Config] = None) -> None:
        pointer = c.POINTER(s.tc_trainer)()
        lib.tc_trainer_create(model.pointer, optional(config), c.byref(pointer))
        self._own(pointer, lib.tc_trainer_free)
        self.model = model

    @classmethod
    def load(cls, path: Path, config: Optional[Config] = None) -> "Trainer":
        """The trainer of a checkpoint; its model is `.model`. Going on gives the bits of a run that never stopped."""
        pointer, model = c.POINTER(s.tc_trainer)(), c.POINTER(s.tc_model)()
        lib.tc_trainer_load(path_bytes(path), optional(config), c.byref(model), c.byref(pointer))
        trainer = cls.__new__(cls)
        trainer.model = Model._of(model)
        trainer._own(pointer, lib.tc_trainer_free)
        return trainer

    def step(self, examples: Examples, rows: Sequence[int]) -> Step:
        """One optimizer step: backward(), and apply() once accumulate_steps of them have gathered."""
        array, count = rows.array() if isinstance(rows, BatchRows) else size_array(rows)
        result = s.sized(s.tc_step)
        lib.tc_train_step(self.pointer, examples.pointer, array, count, c.byref(result))
        return _step(result)

    def count(self, examples: Examples) -> None:
        """Shows optimizer dcd the texts that it is going to learn from, before the first step; a batcher does it by
        itself."""
        lib.tc_trainer_count(self.pointer, examples.pointer)

    def count_chunk(self, examples: Examples) -> None:
        """As count(), for texts that come in chunks, too many to be held at once; the examples are not kept."""
        lib.tc_trainer_count_chunk(self.pointer, examples.pointer)

    def begin_chunk(self, examples: Examples, first_row: int) -> None:
        """Makes ready to learn from a chunk that was counted, whose first row has this number among all."""
        lib.tc_trainer_begin_chunk(self.pointer, examples.pointer, first_row)

    def backward(self, examples: Examples, rows: Sequence[int]) -> Step:
        """Adds the gradients of these rows."""
        array, count = rows.array() if isinstance(rows, BatchRows) else size_array(rows)
        result = s.sized(s.tc_step)
        lib.tc_trainer_backward(self.pointer, examples.pointer, array, count, c.byref(result))
        return _step(result)

    def apply(self) -> Step:
        """Divides by the gathered weight, clips, and updates the parameters."""
        result = s.sized(s.tc_step)
        lib.tc_trainer_apply(self.pointer, c.byref(result))
        return _step(result)

    def save(self, path: Path) -> None:
        """Writes a checkpoint."""
        lib.tc_trainer_save(self.pointer, path_bytes(path))


def _step(result: s.tc_step) -> Step:
    return Step(*(getattr(result, name) for name in Step._fields))


class Batcher(Handle):
    """Epochs over examples: validation part, shuffling, length buckets, best weights. Iterating gives the batches that
    are left of the current epoch."""

    def __init__(self, trainer: Trainer, examples: Examples, validation: Optional[Examples] = None) -> None:
        pointer = c.POINTER(s.tc_batcher)()
        lib.tc_batcher_create(trainer.pointer, examples.pointer, optional(validation), c.byref(pointer))
        keeps = [trainer, examples] + ([validation] if validation is not None else [])
        self._own(pointer, lib.tc_batcher_free, keeps)
        self._latest: Optional[BatchRows] = None

    def next(self) -> Optional[Batch]:
        """The next batch, or None at the end of the epoch. A batch counts as done when it was trained on; until then the
        same one comes again."""
        result = s.sized(s.tc_batch)
        lib.tc_batcher_next(self.pointer, c.byref(result))
        if result.row_count == 0:
            return None
        rows = BatchRows(result.rows[:result.row_count])
        rows.source, self._latest, self._latest_rows = self, rows, result.rows
        return Batch(rows, result.epoch, result.position, result.batches)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            batch = self.next()
            if batch is None:
                return
            yield batch

    def finish_epoch(self) -> Epoch:
        """Ends the epoch whose batches are used up: validates, keeps the best weights, shuffles."""
        self._latest = None
        result = s.sized(s.tc_epoch)
        lib.tc_batcher_finish_epoch(self.pointer, c.byref(result))
        seen = bool(result.validated)
        return Epoch(result.epoch, result.loss, result.tokens, result.validation_loss if seen else None,
                     result.validation_score if seen else None, bool(result.improved), bool(result.finished),
                     result.best_epoch, result.best_score if result.best_epoch else None)

    def validation_rows(self) -> List[int]:
        """The rows held out for validation."""
        rows, count = c.POINTER(c.c_size_t)(), c.c_size_t()
        lib.tc_batcher_validation_rows(self.pointer, c.byref(rows), c.byref(count))
        return rows[:count.value] if count.value else []

    def restore_best(self) -> None:
        """Puts the best epoch's weights into the model."""
        lib.tc_batcher_restore_best(self.pointer)

"""sides.py: what is compared, each side in a process of its own, asked by turns.

A side is an object of ours.py or peers.py in a process that does nothing until it is asked, so that no side's waiting
threads, caches or allocator stand in another's way. One thread means: the process stays on one core, all on the same.
"""
import importlib
import multiprocessing
import os
import sys
import time
import traceback


def _prepare_process(threads):
    """Before anything that makes threads is imported."""
    if threads == 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # both make a peer slower or faster than as installed
        os.environ.pop(name, None)


def own_peak_mb():
    """The largest resident size of this process since it began as this program. (ru_maxrss is no such figure: a new
    program takes over that of the process that started it, here one that has imported torch.)"""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _serve(pipe, kind, threads, arguments):
    try:
        _prepare_process(threads)
        module, _, name = kind.partition(":")
        side = getattr(importlib.import_module(module), name)(threads=threads, **arguments)
        pipe.send((True, None))
        while True:
            method, positional, named = pipe.recv()
            pipe.send((True, getattr(side, method)(*positional, **named)))
    except EOFError:
        pass
    except BaseException as reason:  # the parent tells it and ends
        text = str(reason) if isinstance(reason, SystemExit) else traceback.format_exc()
        pipe.send((False, text))


class Side:
    """`kind` is "module:Class"; the class gets `threads` and the other arguments by name."""

    def __init__(self, name, kind, threads, **arguments):
        self.name, self.threads, self._starting = name, threads, True
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, kind, threads, arguments), daemon=True)
        self._process.start()
        other.close()

    @property
    def pid(self):
        return self._process.pid

    def _receive(self):
        try:
            good, value = self._pipe.recv()
        except EOFError:
            raise SystemExit(f"{self.name}: its process ended with status {self._process.exitcode}") from None
        if not good:
            raise SystemExit(f"{self.name}: {value}")
        return value

    def wait(self):
        """Until the side stands."""
        if self._starting:
            self._starting = False
            self._receive()

    def ask(self, method, *positional, **named):
        """What the side's method answers."""
        self.wait()
        self._pipe.send((method, positional, named))
        return self._receive()

    def close(self):
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class Sides(list):
    """Sides that end together: `with Sides([...]) as sides`."""

    def __enter__(self):
        for side in self:
            side.wait()
        return self

    def __exit__(self, *unused):
        for side in self:
            side.close()


def rounds_of(sides, count, measure, first=0, before=None):
    """`count` rounds, every side once in each, who begins alternates; `before` is called ahead of each
    -> [{side name: measure(side)}]"""
    rounds = []
    for number in range(first, first + count):
        if before:
            before()
        values = {side.name: measure(side) for side in (sides if number % 2 == 0 else sides[::-1])}
        rounds.append(values)
        print("  " + "   ".join(f"{side.name} {values[side.name]:.6g}" for side in sides), file=sys.stderr, flush=True)
    return rounds


def median_call(calls, seconds):
    """Makes the calls by turns for so long, each at least once before the clock runs -> median seconds of a call"""
    for call in calls:
        call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 7:
        call = calls[len(times) % len(calls)]
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]

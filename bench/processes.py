"""processes.py: a process from its start to its end: what it said, how long it took, how large it grew."""
import os
import subprocess
import tempfile
import time
from typing import NamedTuple


class Ended(NamedTuple):
    text: str  # standard output
    messages: str  # standard error
    seconds: float
    processor_seconds: float
    resident_mb: float  # at most; not below what this process had, which a new program takes over


def run(command, out=None):
    """-> Ended; a process that fails is the end. `out` names a file that takes standard output, which is then no text
    here."""
    start = time.perf_counter()
    with (open(out, "wb") if out else tempfile.TemporaryFile()) as output, tempfile.TemporaryFile() as messages:
        child = subprocess.Popen(command, stdout=output, stderr=messages)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        said = [""] if out else []
        for file in (messages,) if out else (output, messages):
            file.seek(0)
            said.append(file.read().decode("utf-8", "replace"))
    if status:
        raise SystemExit(f"{' '.join(map(str, command))}\n{said[1]}")
    return Ended(said[0], said[1], seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

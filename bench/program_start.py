"""program_start.py: `textclf predict` from exec to exit, its memory, and the size of the library.

usage: program_start.py [--build build] [--runs 21] [--json]
A model of IMDB's shape (words of IMDB's train part, vocabulary 10000, Embedding 128, LSTM 256, random weights) is
saved, then `textclf predict` runs on one review of 400 tokens, the cache warm. Time: from the spawn to the exit seen by
the parent. Memory: the kernel's peak resident size of the child. Size: libtextclf.so stripped, and the shared libraries
that it needs beside the C library. This script imports nothing large: a child counts its parent's size at the spawn as
its own.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common

MAKE_MODEL = """
import common, sys, textclf
train, _, names = common.read_set("imdb")
config = textclf.Config(**common.SEED_MODEL)
textclf.Model(config, textclf.Vocabulary(config, train.texts), names).save(sys.argv[1])
open(sys.argv[2], "w", encoding="utf-8").write(train.texts[0])
"""
LIBC = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "ld-linux", "linux-vdso", "libgcc_s.so")
BARS = {"milliseconds": 15, "resident_mb": 40, "library_kb": 760, "with_needed_kb": 1024}


def run_once(command, quiet):
    """-> (seconds, seconds of processor time, peak resident bytes)"""
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1)])
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command[:4])} ... failed with wait status {status}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def sizes(library, folder):
    """-> (bytes of the stripped library, {file name: bytes} of what it needs beside the C library)"""
    stripped = folder / "stripped.so"
    shutil.copy(library, stripped)
    subprocess.run(["strip", str(stripped)], check=True)
    needed = {}
    ldd = subprocess.run(["ldd", str(library)], check=True, stdout=subprocess.PIPE, encoding="utf-8")
    for line in ldd.stdout.splitlines():
        name, _, path = line.strip().partition(" => ")
        if path and not name.startswith(LIBC):
            needed[name] = os.path.getsize(path.rsplit(" (", 1)[0])
    return stripped.stat().st_size, needed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=common.ROOT / "build")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    library, program = options.build / "lib" / "libtextclf.so", options.build / "src" / "textclf"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, review = folder / "model.safetensors", folder / "review.txt"
        environment = {**os.environ, "TEXTCLF_LIBRARY": str(library.resolve()),
                       "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}
        subprocess.run([sys.executable, "-B", "-c", MAKE_MODEL, str(model), str(review)], check=True, env=environment)
        command = [str(program.resolve()), "predict", "--model", str(model), review.read_text(encoding="utf-8")]
        quiet = os.open(os.devnull, os.O_WRONLY)
        runs = [run_once(command, quiet) for _ in range(options.runs + 1)][1:]
        library_bytes, needed = sizes(library, folder)
        model_bytes = model.stat().st_size
    times = [1e3 * seconds for seconds, _, _ in runs]
    figures = {"milliseconds": statistics.median(times), "resident_mb": max(run[2] for run in runs) / 2**20,
               "library_kb": library_bytes / 1024, "with_needed_kb": (library_bytes + sum(needed.values())) / 1024}
    if options.json:
        print(json.dumps({**figures, "fastest": min(times), "slowest": max(times), "needed": needed}))
        return
    print(f"textclf predict, model of {model_bytes / 2**20:.1f} MB, {len(runs)} runs: "
          f"{min(times):.1f} to {max(times):.1f} ms")
    print(f"processor time of a run, median: {1e3 * statistics.median(run[1] for run in runs):.1f} ms")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"this script's own resident size, below which none can be seen: {own:.1f} MB")
    names = {"milliseconds": "median time, ms", "resident_mb": "largest resident size, MB",
             "library_kb": "libtextclf.so stripped, KB",
             "with_needed_kb": f"with {', '.join(needed) or 'nothing more'}, KB"}
    for key, what in names.items():
        verdict = "met" if figures[key] <= BARS[key] else "NOT MET"
        print(f"{what:40} {figures[key]:8.1f}   at most {BARS[key]:5}   {verdict}")


if __name__ == "__main__":
    main()

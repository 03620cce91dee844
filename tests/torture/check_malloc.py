"""check_malloc.py: every call of malloc in a process fails once; the library answers a status and gives everything back.

The host makes every kind of call and passes over those that fail. It must end well, leave no block of the library's and
no temporary file, and what files there are must load.
"""
import concurrent.futures
import os
import re
import subprocess

import torture


def starve(options, fail_at, onwards):
    """How many calls of malloc there were."""
    environment = dict(os.environ, LD_PRELOAD=options.preload, TORTURE_FAIL_AT=str(fail_at))
    if onwards:
        environment["TORTURE_ONWARDS"] = "1"
    what = f"call {fail_at} of malloc {'and all later ones fail' if onwards else 'fails'}"
    with torture.Folder() as folder:
        done = subprocess.run([options.host, "all", folder.path], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            torture.fail(f"{what}: the host ended with {done.returncode}: {done.stderr}")
        counts = re.search(r"^calls (\d+) left (-?\d+)$", done.stderr, re.MULTILINE)
        if not counts:
            torture.fail(f"{what}: nothing was counted: {done.stderr}")
        if counts.group(2) != "0":
            torture.fail(f"{what}: {counts.group(2)} blocks are left: {done.stderr}")
        for name in folder.names():
            if name not in ("model", "checkpoint"):
                torture.fail(f"{what}: a file is left over: {name}")
            if fail_at % 10 == 0:
                torture.run([options.host, "predict", folder.file(name), "a good film"])
        return int(counts.group(1))


def main():
    options = torture.arguments(__doc__, "host", "preload")
    calls = starve(options, -1, False)
    print(f"{calls} calls of malloc")
    if calls < 100:
        torture.fail("too few calls: the preload does not see the library's")
    trials = [(n, False) for n in range(calls)] + [(n, True) for n in range(0, calls, 11)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for future in concurrent.futures.as_completed([pool.submit(starve, options, *trial) for trial in trials]):
            if future.exception():
                pool.shutdown(cancel_futures=True)
                raise future.exception()


main()

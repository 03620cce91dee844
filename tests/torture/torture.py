"""torture.py: what the scripts of this folder share: running the host, reading its files, ending with a sentence."""
import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile


def arguments(description, *names):
    parser = argparse.ArgumentParser(description=description)
    for name in names:
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


def run(command, **options):
    """The standard output of a command that must work."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n"
             f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def fail(sentence):
    print(sentence, file=sys.stderr)
    sys.exit(1)


class Folder:
    """A temporary folder for a `with`."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="textclf-torture-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def names(self):
        return sorted(os.listdir(self.path))


def seeded(default):
    """Random moments differ from run to run; TEXTCLF_TORTURE_SEED makes them the same, and a failure says it."""
    seed = int(os.environ.get("TEXTCLF_TORTURE_SEED", default))
    print(f"TEXTCLF_TORTURE_SEED={seed}")
    return random.Random(seed)

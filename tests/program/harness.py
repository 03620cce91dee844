"""What the tests of the program share: running it, and a folder of its own for each test."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BINARIES = pathlib.Path(os.environ["TEXTCLF_TEST_BINARIES"])
PROGRAM = os.environ["TEXTCLF_PROGRAM"]
EMULATED = os.environ.get("TEXTCLF_EMULATED") == "1"  # a tenth of the speed


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8", "replace")
        self.lines = self.out.split("\n")[:-1]
        self.messages = self.err.split("\n")[:-1]

    def json(self):
        assert self.out.count("\n") == 1 and self.out.endswith("\n"), self.out[:300]
        return json.loads(self.out)


def run(words, stdin=b"", env=None, timeout=120):
    words = [os.fspath(word) for word in words]
    timeout *= 10 if EMULATED else 1
    if isinstance(stdin, str):
        stdin = stdin.encode()
    done = subprocess.run(words, input=stdin, capture_output=True, env={**os.environ, **(env or {})}, timeout=timeout)
    return Result(done)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content):
        if isinstance(content, str):
            content = content.encode()
        if name.endswith(".gz"):
            content = gzip.compress(content)
        path = self.folder / name
        path.write_bytes(content)
        return path

    def textclf(self, *words, **more):
        return run([PROGRAM, *words], **more)

    def fails(self, result, code, *parts):
        """The exit code, nothing on standard output, and one line on standard error with these parts."""
        self.assertEqual((result.code, result.out), (code, ""), result.err)
        self.assertEqual(len(result.messages), 1, result.err)
        self.assertTrue(result.messages[0].startswith("textclf"), result.err)
        for part in parts:
            self.assertIn(part, result.messages[0])

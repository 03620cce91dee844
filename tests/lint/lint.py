"""lint.py: what the checks of this folder share: a view of the tree, C text without comments, and the runner.

A check is a function check(tree, options) that returns a list of sentences, "path:line: what is wrong". A script
hands it to main() with a clean little tree and a list of planted violations; `--self-test` builds each of them in a
temporary folder and sees that the clean one passes and every planted one is caught.
"""
import argparse
import bisect
import fnmatch
import functools
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED_FOLDERS = {".git", "build", "dist", "__pycache__", ".venv"}


class Tree:
    """The files of a source tree: what git would keep, or every file where there is no repository."""

    def __init__(self, root):
        self.root = os.path.abspath(root)

    @functools.cached_property
    def files(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            listing = subprocess.run(["git", "-C", self.root, "ls-files", "-z", "--cached", "--others",
                                      "--exclude-standard"], capture_output=True)
            if listing.returncode == 0:
                names = listing.stdout.decode("utf-8").split("\0")
                return sorted({name for name in names if name and os.path.isfile(os.path.join(self.root, name))})
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            found += [os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/") for name in names]
        return sorted(found)

    def matching(self, *patterns):
        """Paths that match a pattern; `*` crosses folders."""
        return [path for path in self.files if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)]

    def has(self, path):
        return os.path.isfile(os.path.join(self.root, path))

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace", newline="") as file:
            return file.read()

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        return strip_c(self.text(path))


C_TOKEN = re.compile(r"""//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)


def strip_c(text):
    """C text with comments and the insides of string and character literals blanked; line numbers stay.

    The file name of an #include "..." stays, for it is no string.
    """
    def blank(match):
        token = match.group()
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        line = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        if re.fullmatch(r"\s*#\s*include\s*", line):
            return token
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
    return C_TOKEN.sub(blank, text)


def includes(code):
    """(line, name, quoted) of every #include in stripped C text."""
    found = []
    for number, line in enumerate(code.split("\n"), 1):
        match = re.match(r"""\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)""", line)
        if match:
            found.append((number, match.group(1) or match.group(2), match.group(1) is not None))
    return found


def functions(code):
    """(name, first line, last line) of every function defined at file level in stripped C text."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group()), code,
                  flags=re.MULTILINE)
    code = re.sub(r'extern\s*"[^"\n]*"\s*\{', lambda m: re.sub(r"[^\n]", " ", m.group()), code)
    line_starts = [0] + [match.end() for match in re.finditer("\n", code)]
    found, depth, start, name = [], 0, 0, None
    for match in re.finditer(r"[{};]", code):
        sign, at = match.group(), match.start()
        if sign == "{":
            if depth == 0:
                head = code[start:at]
                called = re.search(r"(\w+)\s*\(", re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head, flags=re.DOTALL))
                name = called.group(1) if head.rstrip().endswith(")") and called else None
            depth += 1
        elif sign == "}":
            depth = max(depth - 1, 0)
            if depth == 0:
                if name:
                    first = start + len(code[start:at]) - len(code[start:at].lstrip())
                    found.append((name, bisect.bisect_right(line_starts, first), bisect.bisect_right(line_starts, at)))
                start, name = match.end(), None
        elif depth == 0:
            start = match.end()
    return found


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def data_lines(text):
    """The lines of a data file: no comments (# ...), no blank lines, as (line number, line)."""
    lines = ((number, line.split("#", 1)[0].strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in lines if line]


def data_file(tree, name):
    """A data file of this folder: the tree's own where it has one (the planted trees do), else ours."""
    path = "tests/" + name
    if tree.has(path):
        return tree.text(path)
    with open(os.path.join(HERE, "..", name), encoding="utf-8") as file:
        return file.read()


def write_tree(root, files):
    for path, text in files.items():
        if text is None:
            continue
        target = os.path.join(root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)


def self_test(check, clean, planted, options, prepare=None):
    """Runs the check on the clean tree and on each (name, changed files, words that the finding must hold)."""
    failures = []
    for name, changes, expected in [("the clean tree", {}, None)] + planted:
        with tempfile.TemporaryDirectory() as root:
            write_tree(root, {**clean, **changes})
            if prepare:
                prepare(root, options)
            found = check(Tree(root), options)
        if expected is None and found:
            return [f"{name}: reported although nothing is wrong: {found}"]
        elif expected is not None and not any(expected in sentence for sentence in found):
            failures.append(f"{name}: not caught (looked for {expected!r}, found {found})")
        elif expected is not None and len(found) > 1:
            failures.append(f"{name}: one violation, several findings: {found}")
    return failures


def main(check, clean, planted, arguments=None, prepare=None):
    """Runs a check script; `arguments` is a list of option names, for example ["--objects"]."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.join(HERE, "..", ".."), help="top of the source tree")
    parser.add_argument("--self-test", action="store_true", help="plant violations and see them caught")
    for argument in arguments or []:
        parser.add_argument(argument, default="")
    options = parser.parse_args()
    if options.self_test:
        findings = self_test(check, clean, planted, options, prepare)
    else:
        findings = check(Tree(options.root), options)
    for sentence in findings:
        print(sentence)
    count = len(findings)
    print("ok" if count == 0 else f"{count} finding{'s' if count > 1 else ''}")
    sys.exit(1 if count else 0)

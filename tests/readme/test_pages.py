"""test_pages.py: the pages name what is there, and the two READMEs show the same code.

Checked in every page: links to files of the tree; names in code type that look like paths of the tree; in README.zh.md:
the same fenced blocks as in README.md. `--self-test` sees each fault caught.
"""
import glob
import os
import re
import sys

import pages

LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
FOLDERS = ("lib/", "include/", "src/", "tests/", "docs/", "examples/", "scripts/", "bench/", "cmake/", "python/", "api/",
           "base/", "kernel/", "tensor/", "layer/", "optimizer/", "text/", "model/", "train/", "metric/", "serialization/")
MODULES = FOLDERS[10:]  # named without lib/ in running text
GROWING = re.compile(r"NAME|FILE|RULE|\*|build/")  # patterns and outputs, not files


def strip_blocks(text):
    return pages.BLOCK.sub("", text)


def is_there(path):
    return os.path.exists(os.path.join(pages.ROOT, path))


def check_paths(name, text):
    found = []
    for match in LINK.finditer(strip_blocks(text)):
        if not is_there(os.path.normpath(os.path.join(os.path.dirname(name), match[1]))):
            found.append(f"{name}: link to {match[1]}, which is not there")
    for match in CODE.finditer(strip_blocks(text)):
        path = match[1]
        if not path.startswith(FOLDERS) or " " in path or GROWING.search(path):
            continue
        if not is_there(path) and not (path.startswith(MODULES) and is_there("lib/" + path)):
            found.append(f"{name}: `{path}`, which is not there")
    return found


def check_same_blocks(english, chinese):
    theirs = [block for block in pages.blocks(english)]
    ours = [block for block in pages.blocks(chinese)]
    if len(theirs) != len(ours):
        return [f"README.zh.md has {len(ours)} fenced blocks, README.md {len(theirs)}"]
    return [f"README.zh.md: block {number} is not the one of README.md" for number, pair in enumerate(zip(theirs, ours), 1)
            if pair[0] != pair[1]]


def self_test():
    missing = "see [it](docs/nothing.md) and `lib/base/nothing.c`, `base/memory.h`, `tests/test_*.c`, `text/plain words`\n"
    assert len(check_paths("README.md", missing)) == 2, check_paths("README.md", missing)
    assert check_paths("docs/x.md", "[up](../LICENSE) [out](https://x.org/a) [here](#a)\n") == []
    one, two = "```c\nint a;\n```\n", "```c\nint b;\n```\n"
    assert check_same_blocks(one, one) == []
    assert len(check_same_blocks(one, two)) == 1
    assert len(check_same_blocks(one + two, one)) == 1


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    names = [os.path.relpath(path, pages.ROOT) for pattern in ("*.md", "docs/*.md")
             for path in sorted(glob.glob(os.path.join(pages.ROOT, pattern)))]
    found = [fault for name in names for fault in check_paths(name, pages.read(name))]
    found += check_same_blocks(pages.read("README.md"), pages.read("README.zh.md"))
    if found:
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()

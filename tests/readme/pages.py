"""pages.py: what the tests of the pages share: the tree's root and the fenced blocks of a page.

A comment `<!-- check: KIND ARGUMENT -->` before a block says what a test does with it; readers do not see it.
"""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"(?:<!-- check: (\w+) ?(\S*) -->\n)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def blocks(text):
    """(kind, argument, language, content) of every fenced block, in order; kind is "" where there is no comment."""
    return [match.groups(default="") for match in BLOCK.finditer(text)]

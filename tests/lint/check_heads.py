"""check_heads.py: every source file opens with a comment that names it and says what it is.

One line does for a file of up to 200 lines; a longer file of lib says more: what it must not know, the formula or
format that it implements. A test program says its labels in the first line, and need not repeat its name.
"""
import os
import re

import lint

LONG_FILE, LONG_HEAD, SHORTEST = 200, 130, 25
LABELS = {"quick", "long", "threads", "exhaustive"}


def head_of(path, text):
    """The comment that a file opens with, without its signs, or None."""
    if path.endswith((".c", ".h", ".cpp", ".hpp", ".h.in")):
        block = re.match(r"/\*(.*?)\*/", text, re.DOTALL)
        if block:
            return re.sub(r"^\s*\*+ ?", "", block.group(1), flags=re.MULTILINE).strip("* \n")
        lines = re.match(r"(?:[ \t]*//[^\n]*\n)+", text)
        return re.sub(r"^\s*// ?", "", lines.group(), flags=re.MULTILINE).strip() if lines else None
    text = re.sub(r"\A#![^\n]*\n", "", text)
    if path.endswith(".py"):
        quoted = re.match(r'\s*"""(.*?)"""', text, re.DOTALL)
        if quoted:
            return quoted.group(1).strip()
    lines = re.match(r"(?:#[^\n]*\n)+", text)
    return re.sub(r"^# ?", "", lines.group(), flags=re.MULTILINE).strip() if lines else None


def check(tree, options):
    found = []
    for path in tree.matching("*.c", "*.h", "*.cpp", "*.hpp", "*.h.in", "*.py", "*.sh", "*.cmake", "*CMakeLists.txt"):
        text = tree.text(path)
        head = head_of(path, text)
        name = re.sub(r"\.in$", "", os.path.basename(path))
        if head is None:
            found.append(f"{path}:1: does not open with a comment that says what it is")
            continue
        if len(head) < SHORTEST and name != "CMakeLists.txt" and not path.startswith("tests/test_"):
            found.append(f"{path}:1: the opening comment is too short to say what the file is")
        elif path.endswith((".c", ".h", ".h.in")) and name not in head and not path.startswith("tests/test_"):
            found.append(f"{path}:1: the opening comment does not name {name}")
        elif path.startswith("lib/") and text.count("\n") > LONG_FILE and len(head) < LONG_HEAD:
            found.append(f"{path}:1: over {LONG_FILE} lines, and the opening comment is one short line: say what the file "
                         f"must not know, its formula or format")
        if re.fullmatch(r"tests/test_\w+\.c", path):
            labels = re.search(r"labels: ([a-z ]+)", text.split("\n", 1)[0])
            unknown = set(labels.group(1).split()) - LABELS if labels else {"none"}
            if unknown:
                found.append(f"{path}:1: the first line says no `labels: ` of {', '.join(sorted(LABELS))} "
                             f"(has {', '.join(sorted(unknown))})")
    return found


HEAD = "/* a.c: adds one to what it is given. */\n"
CLEAN = {
    "lib/base/a.c": HEAD + "\n" * 150,
    "lib/base/b.c": "/* b.c: adds two, by the rule of the primer: one is added, and then one is added to what came out.\n"
                    " *\n * Knows no other number. Source: the primer. */\n" + "\n" * 300,
    "include/textclf/c.h": "/**\n * @file c.h\n * @brief What is counted, and how.\n */\n",
    "examples/hello.cpp": "// hello.cpp: says hello in C++.\n",
    "tests/test_a.c": "/* One more is one more. labels: quick threads */\n",
    "scripts/go.sh": "#!/bin/sh\n# go.sh: goes where it is told to.\n",
    "tests/t.py": '"""t.py: counts the lines of every file."""\n',
    "CMakeLists.txt": "# The tree.\n",
}
PLANTED = [
    ("no comment", {"lib/base/a.c": "#include <stdio.h>\n"}, "lib/base/a.c:1: does not open with a comment"),
    ("code first", {"lib/base/a.c": "int a;\n" + HEAD}, "does not open with a comment"),
    ("another file's name", {"lib/base/x.c": HEAD}, "does not name x.c"),
    ("nothing said", {"lib/base/a.c": "/* a.c */\n"}, "too short"),
    ("one line over a long file", {"lib/base/a.c": HEAD + "\n" * 250}, "one short line"),
    ("a test without labels", {"tests/test_a.c": "/* test_a.c: one more is one more. */\n"}, "no `labels: `"),
    ("a test with a label of its own", {"tests/test_a.c": "/* test_a.c: more is more. labels: slow */\n"}, "has slow"),
    ("a silent script", {"scripts/go.sh": "#!/bin/sh\necho\n"}, "scripts/go.sh:1: does not open"),
    ("a silent Python file", {"tests/t.py": "import os\n"}, "tests/t.py:1: does not open"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED)

"""check_arrows.py: the #include lines of the tree against the table of arrows.txt: who may know whom."""
import os
import re

import lint

SEARCHED = ("", "lib/", "include/", "tests/", "src/")


class Table:
    def __init__(self, text):
        self.may, self.private, self.apart, self.outside = {}, [], {}, {}
        for number, line in lint.data_lines(text):
            kind, rest = line.split(None, 1)
            left, _, right = (part.strip() for part in rest.partition(":"))
            if kind == "may":
                self.may[left] = right.split()
            elif kind == "private":
                self.private.append(left)
            elif kind == "apart":
                self.apart[left] = right.split()
            elif kind == "outside":
                self.outside.update({header: right.split() for header in left.split()})
            else:
                raise SystemExit(f"arrows.txt:{number}: {kind!r} is not may, private, apart or outside")

    def row(self, path):
        """The longest row that names the file's folder or the beginning of its path."""
        rows = [row for row in self.may if path.startswith(row + "/") or (row.endswith("_") and path.startswith(row))]
        return max(rows, key=len, default=None)


def resolve(tree, path, name):
    """The file of the tree that an #include names, or None."""
    for folder in (os.path.dirname(path) + "/",) + SEARCHED:
        candidate = os.path.normpath(folder + name).replace(os.sep, "/").lstrip("/")
        if tree.has(candidate) or tree.has(candidate + ".in"):
            return candidate
    return None


def stem(path):
    return os.path.splitext(os.path.basename(path))[0].split("_")[0]


def judge(table, path, target):
    """Why `path` must not include `target`, or None."""
    folder = os.path.dirname(path)
    target_folder = os.path.dirname(target)
    for private in table.private:
        if target_folder == private and folder != private and not path.startswith("tests/"):
            return f"{private} is included by nothing"
    if target.startswith("include/"):
        return None
    if target_folder == folder and folder in table.apart:
        shared = table.apart[folder]
        if stem(path) != stem(target) and stem(target) not in shared and stem(path) not in shared:
            return f"the files of {folder} do not include each other (only {', '.join(shared)})"
    row = table.row(path)
    if row is None or target_folder == folder or target_folder.startswith(row + "/"):
        return None
    if not any(target.startswith(allowed + "/") for allowed in table.may[row]):
        return f"{row} may include only {', '.join(table.may[row]) or 'itself'} and the public headers"
    return None


def check(tree, options):
    table = Table(lint.data_file(tree, "lint/arrows.txt"))
    found = []
    for path in tree.matching("*.c", "*.h", "*.cpp", "*.hpp", "*.h.in"):
        if path.startswith("lib/") and path.count("/") == 2 and os.path.dirname(path) not in table.may:
            found.append(f"{path}:1: the folder {os.path.dirname(path)} has no row in tests/lint/arrows.txt")
            continue
        for line, name, quoted in lint.includes(tree.code(path)):
            target = resolve(tree, path, name) if quoted or name.startswith("textclf/") else None
            if target:
                reason = judge(table, path, target)
            elif quoted:
                reason = "no such file in the tree"
            elif path.startswith("lib/"):
                folders = table.outside.get(name, [])
                allowed = any(path.startswith(folder + "/") for folder in folders)
                where = f"only in {', '.join(folders)}" if folders else "not a header that lib may include"
                reason = None if allowed else where
            elif path.startswith("include/") and not re.fullmatch(r"std(int|def)\.h", name):
                reason = "public headers need only stddef.h and stdint.h"
            else:
                reason = None
            if reason:
                found.append(f"{path}:{line}: includes {name}: {reason}")
    return found


CLEAN = {
    "include/textclf/model.h": "#include <stdint.h>\n",
    "include/textclf/version.h.in": '#include "textclf/model.h"\n',
    "lib/base/memory.h": '#include <stdlib.h>\n#include "textclf/model.h"\n',
    "lib/text/clean.c": '#include <utf8proc.h>\n#include "base/memory.h"\n// #include "model/a.h"\n',
    "lib/model/model.h": '#include "base/memory.h"\n',
    "lib/serialization/native.h": '#include "model/model.h"\n',
    "lib/serialization/safetensors.h": '#include "base/memory.h"\n',
    "lib/serialization/native_read.c": '#include "serialization/native.h"\n#include "serialization/safetensors.h"\n',
    "lib/serialization/fasttext.c": '#include "serialization/safetensors.h"\n',
    "lib/serialization/format.c": '#include "serialization/native.h"\n',
    "lib/api/handle.h": '#include "model/model.h"\n',
    "lib/api/model.c": '#include "api/handle.h"\n#include "textclf/version.h"\n',
    "src/reader.h": "#include <jansson.h>\n",
    "src/main.c": '#include <textclf/model.h>\n#include "reader.h"\n',
    "examples/train.c": "#include <textclf/model.h>\n#include <math.h>\n",
    "tests/support/testing.h": "#include <setjmp.h>\n",
    "tests/test_model.c": '#include "support/testing.h"\n#include "model/model.h"\n#include "api/handle.h"\n',
    "tests/test_api_model.c": '#include "support/testing.h"\n#include "textclf/model.h"\n',
}
PLANTED = [
    ("base knows the model", {"lib/base/a.c": '#include "model/model.h"\n'}, "lib/base/a.c:1: includes model/model.h"),
    ("a relative way round", {"lib/base/a.c": '#include "../model/model.h"\n'}, "lib/base may include only itself"),
    ("somebody includes api", {"bench/a.c": '#include "api/handle.h"\n'}, "lib/api is included by nothing"),
    ("api from below", {"lib/model/a.c": '#include "api/handle.h"\n'}, "lib/api is included by nothing"),
    ("formats know each other", {"lib/serialization/fasttext.c": '\n#include "serialization/native.h"\n'},
     "fasttext.c:2: includes serialization/native.h: the files of"),
    ("the program reaches inside", {"src/main.c": '#include "base/memory.h"\n'}, "src may include only itself"),
    ("an example reaches inside", {"examples/a.c": '#include "model/model.h"\n'}, "examples may include only itself"),
    ("an api test reaches inside", {"tests/test_api_model.c": '#include "model/model.h"\n'}, "tests/test_api_ may"),
    ("a header of the locale", {"lib/model/a.c": "#include <ctype.h>\n"}, "ctype.h: not a header that lib may include"),
    ("threads outside base", {"lib/model/a.c": "#include <pthread.h>\n"}, "pthread.h: only in lib/base"),
    ("a library that another wraps", {"lib/model/a.c": "#include <utf8proc.h>\n"}, "only in lib/text"),
    ("a public header that includes more", {"include/textclf/a.h": "#include <stdio.h>\n"}, "need only stddef.h"),
    ("a public header that reaches inside",
     {"include/textclf/a.h": '#include "base/memory.h"\n'}, "include/textclf may"),
    ("a file that is not there", {"lib/base/a.c": '#include "base/gone.h"\n'}, "no such file"),
    ("a folder without a row", {"lib/new/a.c": "int a;\n"}, "has no row"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED)

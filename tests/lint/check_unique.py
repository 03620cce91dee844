"""check_unique.py: a file's name says which one is meant: no two .c files share one, and no two .h files of lib do."""
import os

import lint


def check(tree, options):
    found = []
    for paths in (tree.matching("*.c"), tree.matching("lib/*.h")):
        first = {}
        for path in paths:
            name = os.path.basename(path)
            if name in first:
                found.append(f"{path}:1: {first[name]} has the same name; give one of them a name of its own")
            first.setdefault(name, path)
    return found


CLEAN = {
    "lib/model/model.c": "", "lib/model/model.h": "", "lib/text/clean.c": "", "src/main.c": "",
    "include/textclf/model.h": "", "tests/support/main.h": "", "src/main.h": "",
}
PLANTED = [
    ("two .c files of lib", {"lib/api/model.c": ""}, "lib/model/model.c:1: lib/api/model.c has the same name"),
    ("a .c file outside lib", {"src/clean.c": ""}, "clean.c:1"),
    ("two headers of lib", {"lib/api/model.h": ""}, "model.h:1"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED)

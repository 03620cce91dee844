"""check_symbols.py: the shared library exports what tests/abi/symbols.txt lists, no more and no less.

The list is the promise to hosts: it grows, and a name leaves it only with a new SONAME. The public headers declare
exactly these names. A line `NAME pending` stands for a function that is declared and not written yet.
"""
import lint
import symbols


def golden(tree):
    """{name: (line, pending)}"""
    rows = [(number, line.split()) for number, line in lint.data_lines(lint.data_file(tree, "abi/symbols.txt"))]
    return {words[0]: (number, words[1:] == ["pending"]) for number, words in rows}


def check(tree, options):
    found = []
    listed = golden(tree)
    names = [name for name in listed]
    if names != sorted(names):
        found.append("tests/abi/symbols.txt:1: the names are not sorted")
    exported = {name for _, name, letter in symbols.defined([options.library], dynamic=True) if letter != "A"}
    declared = symbols.declared(tree)
    for name in sorted(exported - set(listed)):
        found.append(f"tests/abi/symbols.txt:1: the library exports {name}, which is not listed")
    for name in sorted(set(listed) - exported):
        number, pending = listed[name]
        if not pending:
            found.append(f"tests/abi/symbols.txt:{number}: the library does not export {name}")
    for name in sorted(set(declared) - set(listed)):
        if name not in exported:
            found.append(f"{declared[name]}: {name} is declared and not listed in tests/abi/symbols.txt")
    for name in sorted(set(listed) - set(declared)):
        found.append(f"tests/abi/symbols.txt:{listed[name][0]}: no public header declares {name}")
    return found


def prepare(root, options):
    import os
    symbols.compile_c(root, "lib/api/a.c", "liba.so", "-shared", "-fPIC", "-fvisibility=hidden",
                      "-Wl,--version-script=" + os.path.join(root, "a.map"))
    options.library = os.path.join(root, "liba.so")


SHOWN = '__attribute__((visibility("default"))) '
CLEAN = {
    "a.map": "V_0 { global: *; local: tc_hidden; };\n",
    "lib/api/a.c": SHOWN + "int tc_one(int a) { return a; }\n" + SHOWN + "int tc_two(int a) { return a; }\n"
                   "int tci_inside(int a) { return a; }\n",
    "include/textclf/a.h": "#define TC_EXPORT\n/* TC_EXPORT int tc_none(int a); */\nTC_EXPORT int tc_one(int a);\n"
                           "TC_EXPORT const char *tc_later(int a,\n    int b);\nTC_EXPORT int\ntc_two(int a);\n",
    "tests/abi/symbols.txt": "# the list\ntc_later pending\ntc_one\ntc_two\n",
}
PLANTED = [
    ("one too many", {"lib/api/a.c": CLEAN["lib/api/a.c"] + SHOWN + "int tc_more(void) { return 1; }\n"},
     "exports tc_more, which is not listed"),
    ("an internal one that shows", {"lib/api/a.c": CLEAN["lib/api/a.c"] + SHOWN + "int tci_x(void) { return 1; }\n"},
     "exports tci_x"),
    ("one that is gone", {"lib/api/a.c": SHOWN + "int tc_one(int a) { return a; }\n"}, "does not export tc_two"),
    ("one declared and not listed",
     {"include/textclf/b.h": "TC_EXPORT int tc_more(void);\n"}, "include/textclf/b.h:1: tc_more is declared"),
    ("one listed and not declared",
     {"tests/abi/symbols.txt": CLEAN["tests/abi/symbols.txt"] + "tc_zero pending\n"}, "symbols.txt:5: no public header"),
    ("a list out of order", {"tests/abi/symbols.txt": "tc_later pending\ntc_two\ntc_one\n"}, "not sorted"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED, ["--library"], prepare)

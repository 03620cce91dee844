"""check_reserved.py: no public name is one that libtcmalloc exports, no macro one that a system header defines.

tests/abi/reserved.txt lists the dynamic symbols of libtcmalloc that begin with tc_ (a process may hold both libraries,
and the first definition wins), and the prefixes of macros of the Linux headers as `macro PREFIX`.
"""
import re

import lint
import symbols


def check(tree, options):
    found = []
    rows = [line.split() for _, line in lint.data_lines(lint.data_file(tree, "abi/reserved.txt"))]
    names = {words[0] for words in rows if words[0] != "macro"}
    prefixes = tuple(words[1] for words in rows if words[0] == "macro")
    listed = lint.data_lines(lint.data_file(tree, "abi/symbols.txt"))
    for number, line in listed:
        if line.split()[0] in names:
            found.append(f"tests/abi/symbols.txt:{number}: {line.split()[0]} is a name of libtcmalloc's")
    for name, place in symbols.declared(tree).items():
        if name in names and name not in {line.split()[0] for _, line in listed}:
            found.append(f"{place}: {name} is a name of libtcmalloc's")
    for path in tree.matching("include/*.h", "include/*.h.in"):
        code = tree.code(path)
        for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+)|\b(TC_\w+)", code, re.MULTILINE):
            name = match.group(1) or match.group(2)
            place = f"{path}:{lint.line_of(code, match.start())}"
            if name.startswith(prefixes):
                found.append(f"{place}: {name} begins like a macro of <linux/pkt_sched.h>")
            elif not name.startswith(("TC_", "TEXTCLF_")):
                found.append(f"{place}: {name}: macros of public headers begin with TC_ (guards with TEXTCLF_)")
    return found


CLEAN = {
    "include/textclf/a.h": "#ifndef TEXTCLF_A_H\n#define TEXTCLF_A_H\n#define TC_EXPORT\n/* tc_free TC_ACT_ */\n"
                           "TC_EXPORT int tc_model_free(int a);\nenum { TC_ERROR_IO = 1 };\n#endif\n",
    "tests/abi/symbols.txt": "tc_model_free\n",
    "tests/abi/reserved.txt": "tc_free\ntc_malloc\nmacro TC_ACT_\nmacro TC_H_\n",
}
PLANTED = [
    ("a reserved function", {"include/textclf/b.h": "TC_EXPORT void tc_free(void *p);\n"}, "b.h:1: tc_free is a name"),
    ("a reserved name in the list", {"tests/abi/symbols.txt": "tc_malloc\n"}, "symbols.txt:1: tc_malloc is a name"),
    ("a macro of the system's", {"include/textclf/b.h": "#define TC_ACT_NONE 0\n"}, "b.h:1: TC_ACT_NONE begins"),
    ("an enumerator of the system's", {"include/textclf/b.h": "enum { TC_H_NONE };\n"}, "TC_H_NONE begins"),
    ("a macro of nobody's", {"include/textclf/b.h": "#define MAXIMUM 3\n"}, "MAXIMUM: macros of public headers"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED)

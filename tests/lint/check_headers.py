"""check_headers.py: each public header compiles alone, as C11, C17 and C++17, with gcc and clang, without a warning.

Every TC_..._INIT is used once too: a host's own warnings must not stumble over it. --include names the folder of the
generated headers. A compiler that is not there is passed over; none at all is an error.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile

import lint

WARNINGS = ["-fsyntax-only", "-Werror", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion"]
COMPILERS = [("gcc", "c", "c11"), ("gcc", "c", "c17"), ("g++", "cpp", "c++17"),
             ("clang", "c", "c11"), ("clang", "c", "c17"), ("clang++", "cpp", "c++17")]


def stub(tree, path, name):
    """A file that includes the header first and alone, and uses its initializers."""
    text = f'#include "{name}"\n'
    for match in re.finditer(r"#[ \t]*define[ \t]+TC_(\w+)_INIT\b", tree.code(path)):
        kind = "tc_" + match.group(1).lower()
        text += f"void use_{kind}(void);\nvoid use_{kind}(void)\n{{\n    {kind} made = {match.group()[8:].strip()};\n" \
                f"    (void)made;\n}}\n"
    return text + "int end_of_file;\n"


def compile_with(compiler, standard, folders, sources):
    """What the compiler says against the files, each compiled by itself; None when nothing."""
    command = [compiler, "-std=" + standard, *WARNINGS, *(f"-I{folder}" for folder in folders), *sources]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stderr if result.returncode else None


def check(tree, options):
    folders = [os.path.join(tree.root, "include")] + ([options.include] if options.include else [])
    compilers = [row for row in COMPILERS if shutil.which(row[0])]
    if not compilers:
        return ["tests/lint/check_headers.py:1: found none of gcc, g++, clang, clang++"]
    found = []
    headers = tree.matching("include/*.h", "include/*.h.in")
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, path in enumerate(headers):
            name = re.sub(r"\.in$", "", path[len("include/"):])
            lint.write_tree(scratch, {f"{number}.{kind}": stub(tree, path, name) for kind in ("c", "cpp")})

        def run(row):
            compiler, kind, standard = row
            sources = [os.path.join(scratch, f"{number}.{kind}") for number in range(len(headers))]
            if compile_with(compiler, standard, folders, sources) is None:
                return []
            # Which ones? Each by itself once more.
            complaints = []
            for path, source in zip(headers, sources):
                text = compile_with(compiler, standard, folders, [source])
                if text:
                    line = re.search(r"error: ([^\n]*)", text)
                    complaints.append(f"{path}:1: does not compile alone as {standard} with {compiler}: "
                                      f"{line.group(1) if line else text[:300]}")
            return complaints
        for complaints in pool.map(run, compilers):
            found += complaints
    return found[:1] if options.self_test else found


CLEAN = {
    "include/textclf/a.h": "#ifndef A_H\n#define A_H\n#include <stddef.h>\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                           "typedef struct tc_a { size_t struct_size; int b; } tc_a;\n"
                           "#define TC_A_INIT {sizeof(tc_a), 0}\nint tc_get(tc_a *a);\n"
                           "#ifdef __cplusplus\n}\n#endif\n#endif\n",
}
PLANTED = [
    ("a header that needs another", {"include/textclf/b.h": "int tc_more(size_t n);\n"}, "b.h:1: does not compile"),
    ("a C++ keyword", {"include/textclf/b.h": "int tc_more(int class);\n"}, "as c++17"),
    ("a warning", {"include/textclf/b.h": "static inline char tc_b(int n) { return n; }\n"}, "as c11 with"),
    ("an initializer that says too little",
     {"include/textclf/a.h": CLEAN["include/textclf/a.h"].replace("(tc_a), 0}", "(tc_a)}")}, "missing"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED, ["--include"])

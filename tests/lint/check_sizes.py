"""check_sizes.py: files up to 600 lines, functions up to 100, examples under 120; lines of C up to 120 columns.

Exempt from the number of lines: the tables of data listed with a reason in exempt_sizes.txt; and a hot kernel in lib/kernel whose head comment
says `over 100 lines: NAME: the reason`.
"""
import ast
import re

import lint

FILE_LINES, FUNCTION_LINES, EXAMPLE_LINES, COLUMNS = 600, 100, 120, 120
MARKER = re.compile(r"over 100 lines: *(\w+): *([^\n*]{15,})")
C_SOURCES = ("*.c", "*.h", "*.cpp", "*.hpp")
SOURCES = ("*.c", "*.h", "*.cpp", "*.hpp", "*.h.in", "*.py", "*.sh", "*.cmake", "*CMakeLists.txt")


def function_sizes(tree, path):
    if path.endswith((".c", ".h", ".h.in")):
        return lint.functions(tree.code(path))
    if path.endswith(".py"):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [(node.name, node.lineno, node.end_lineno) for node in ast.walk(ast.parse(tree.text(path)))
                if isinstance(node, kinds)]
    return []


def excused(tree, path):
    """Names of the functions that the head comment lets pass the limit."""
    if not path.startswith("lib/kernel/"):
        return set()
    head = tree.text(path).split("*/", 1)[0]
    return {match.group(1) for match in MARKER.finditer(head)}


def check(tree, options):
    found = []
    exempt = {}
    for number, line in lint.data_lines(lint.data_file(tree, "lint/exempt_sizes.txt")):
        path, _, reason = line.partition(" ")
        exempt[path] = number
        if len(reason.strip()) < 15:
            found.append(f"tests/lint/exempt_sizes.txt:{number}: {path}: say why in a few words")
    for path in tree.matching(*SOURCES):
        lines = tree.text(path).count("\n")
        limit = EXAMPLE_LINES - 1 if re.fullmatch(r"examples/[^/]+\.(c|cpp|py)", path) else FILE_LINES
        if lines > limit:
            if exempt.pop(path, None) is None:
                found.append(f"{path}:{limit + 1}: {lines} lines; at most {limit}: split it")
        names = excused(tree, path)
        for name, first, last in function_sizes(tree, path):
            length = last - first + 1
            if length > FUNCTION_LINES and name not in names:
                found.append(f"{path}:{first}: {name} has {length} lines; at most {FUNCTION_LINES}")
            elif length > FUNCTION_LINES:
                names.discard(name)
        for name in sorted(names):
            found.append(f"{path}:1: {name} is excused from the limit without need")
    for path in tree.matching(*C_SOURCES):
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            if len(line) > COLUMNS:
                found.append(f"{path}:{number}: {len(line)} columns; at most {COLUMNS}")
    for path, number in exempt.items():
        found.append(f"tests/lint/exempt_sizes.txt:{number}: {path} is exempt without need")
    return found


def function_of(lines, name="work"):
    return f"static int {name}(int a)\n{{\n" + "    a++;\n" * (lines - 4) + "    return a;\n}\n"


EXCUSE = "/* k.c: a kernel.\n * over 100 lines: %s: one block of registers, unrolled by hand\n */\n"
CLEAN = {
    "lib/base/a.c": "int x[] = {\n" + "1,\n" * 400 + "};\n" + function_of(100) + function_of(90, "again"),
    "lib/kernel/k.c": EXCUSE % "work" + function_of(130),
    "lib/text/table.c": "1,\n" * 700,
    "examples/e.c": "\n" * 119,
    "lib/base/b.c": "/* " + "\u00b7" * 114 + " */\n",
    "tests/t.py": "def f():\n" + "    x = 1\n" * 99 + "#" * 120,
    "tests/lint/exempt_sizes.txt": "lib/text/table.c  categories of every code point\n",
}
PLANTED = [
    ("a long file", {"lib/base/b.c": "\n" * 601}, "lib/base/b.c:601: 601 lines"),
    ("a long function", {"lib/base/b.c": "\n" + function_of(101)}, "lib/base/b.c:2: work has 101 lines"),
    ("a long function behind a brace in a string",
     {"lib/base/b.c": 'char *s = "{";\n/* } */\n' + function_of(101)}, "b.c:3: work has 101 lines"),
    ("a long function after a macro with a body",
     {"lib/base/b.c": "#define M(x) do { \\\n x; \\\n } while (0)\n" + function_of(101)}, "b.c:4: work has"),
    ("a long function in extern C", {"lib/base/b.h": 'extern "C" {\n' + function_of(101) + "}\n"}, "b.h:2: work"),
    ("an excuse outside the kernels", {"lib/base/b.c": EXCUSE % "work" + function_of(101)}, "work has 101 lines"),
    ("an excuse for another", {"lib/kernel/k.c": EXCUSE % "work" + function_of(130) + function_of(101, "more")},
     "more has 101 lines"),
    ("an excuse without need", {"lib/kernel/k.c": EXCUSE % "work" + function_of(30)}, "excused from the limit without"),
    ("a long Python function", {"tests/t.py": "def f():\n" + "    x = 1\n" * 100}, "f has 101 lines"),
    ("a long example", {"examples/e.c": "\n" * 120}, "examples/e.c:120: 120 lines"),
    ("a long line", {"lib/base/b.h": "\n/* " + "wide " * 24 + "*/\n"}, "lib/base/b.h:2: 125 columns"),
    ("a row without need", {"lib/text/table.c": "1,\n"}, "table.c is exempt without need"),
    ("a row without a reason", {"tests/lint/exempt_sizes.txt": "lib/text/table.c\n"}, "say why"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED)

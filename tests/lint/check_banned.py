"""check_banned.py: lib/ calls nothing of banned.txt, formats no floating number and keeps no mutable static.

Comments and strings are blanked first, except that the formats of printf-like calls are read for %f, %g, %e, %a.
"""
import re

import lint

FORMAT = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?L?[fFgGeEaA]")
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)")
FORMATTING = re.compile(r"\b(?:snprintf|vsnprintf|tci_fail|tci_fail_prefix)\s*\(")


def banned_names(text):
    """{name: (file that may use it or None, why)}"""
    names = {}
    for _, line in lint.data_lines(text):
        if " : " in line:
            left, _, why = line.partition(" : ")
            names.update({name: (None, why.strip()) for name in left.split()})
        else:
            name, _, path, why = line.split(None, 3)
            names[name] = (path, why)
    return names


def declared(code, name):
    """True where the file has a variable, parameter or member of that name."""
    return re.search(rf"\b(?!return\b)[A-Za-z_]\w*\s*(?:\s|\*)\s*{name}\s*[;,=)\[:]", code) is not None


def uses(code, names):
    """(position, name) of every banned identifier that is called, or has its address taken."""
    for match in re.finditer(r"\b[A-Za-z_]\w*", code):
        name = match.group()
        if name not in names:
            continue
        before = code[max(0, match.start() - 80):match.start()].rstrip()
        after = code[match.end():match.end() + 80].lstrip()
        if before.endswith((".", "->")):
            continue
        # A parameter, member or local of that name (`float exp;`, `(*exp)(...)`) is no call of the function.
        if after.startswith("(") and not re.search(r"\bdefine\s*$", before):
            if re.search(r"\(\s*\*$", before):
                continue
            yield match.start(), name
        elif name in ("stdout", "stderr", "stdin"):
            yield match.start(), name
        elif re.match(r"[,;)}]", after) and re.search(r"[=,({&]$|\breturn$", before):
            if not declared(code, name):
                yield match.start(), name


def calls_with_text(text, code):
    """(position, argument text with its strings) of every call that formats."""
    for match in FORMATTING.finditer(code):
        depth, at = 1, match.end()
        while depth and at < len(code):
            depth += {"(": 1, ")": -1}.get(code[at], 0)
            at += 1
        yield match.start(), text[match.end():at]


def check(tree, options):
    names = banned_names(lint.data_file(tree, "lint/banned.txt"))
    found = []
    for path in tree.matching("lib/*.c", "lib/*.h"):
        text = tree.text(path)
        code = ATTRIBUTE.sub(lambda match: " " * len(match.group()), tree.code(path))
        for at, name in uses(code, names):
            allowed, why = names[name]
            if allowed != path:
                found.append(f"{path}:{lint.line_of(code, at)}: {name} is banned: {why}")
        for at, arguments in calls_with_text(text, code):
            formats = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)).replace("%%", "")
            if FORMAT.search(formats):
                found.append(f"{path}:{lint.line_of(code, at)}: formats a floating number: base/number.h prints "
                             f"decimals, the locale has no say")
    return found


CLEAN = {
    "lib/base/memory.c": "void *a(int n) { return malloc(n); }\nfree_it f = {malloc, free};\n",
    "lib/base/ok.c": '/* exit(1) */\nchar *s = "printf(";\nvoid f(void) { host.free(p); file->time(x); tci_exit(1); '
                     'snprintf(b, n, "%zu %d %%f %s", a, b, "%f" + 1); }\n'.replace('"%f" + 1', 'c'),
    "lib/kernel/k.h": "struct k { void (*exp)(int, float *); };\nstatic float log_of(float log, double exp);\n",
    "lib/base/error.h": "#define LIKE(a, b) __attribute__((format(printf, a, b)))\n",
    "lib/base/random.c": "void f(const state *random) { g(1, random); random->x = sqrtf(2); }\n",
    "lib/kernel/k.c": "const struct k t = {.exp = exp_avx2};\n"
                      "void g(void) { t->exp(3, a); double exp = 1.0; h(1, 2); }\n",
    "src/main.c": "int main(void) { printf(\"x\"); exit(1); }\n",
}


def call(name, arguments="x"):
    return {"lib/base/a.c": f"void f(void)\n{{\n    {name}({arguments});\n}}\n"}


PLANTED = [(f"a call of {name}", call(name), f"lib/base/a.c:3: {name} is banned") for name in
           ("exit", "abort", "assert", "printf", "strcpy", "sprintf", "strtok", "malloc", "calloc", "realloc", "free",
            "alloca", "strtod", "strtof", "atof", "atoi", "isalpha", "setlocale", "localeconv", "newlocale",
            "uselocale", "getenv", "time", "rand", "signal", "sigaction", "fork", "system", "tmpnam", "setjmp",
            "qsort", "expf", "tanhf")]
PLANTED += [
    ("fprintf to stderr", {"lib/base/a.c": "FILE *f = stderr;\n"}, "stderr is banned"),
    ("space before the bracket", {"lib/base/a.c": "int f(void) { exit (1); }\n"}, "exit is banned"),
    ("a pointer to malloc", {"lib/base/a.c": "host h = {malloc};\n"}, "malloc is banned"),
    ("after a comment", {"lib/base/a.c": "int f(void) { /* no */ free(p); }\n"}, "free is banned"),
    ("a returned pointer to malloc", {"lib/base/a.c": "f *f(void) { return malloc; }\n"}, "malloc is banned"),
    ("in a header", {"lib/base/a.h": "static inline void f(void) { free(p); }\n"}, "lib/base/a.h:1: free"),
    ("a formatted float", call("snprintf", 'b, n, "%s %.3f", s, 1.0'), "a.c:3: formats a floating number"),
    ("a formatted float in an error", call("tci_fail", '1,\n "%zu "\n "%g", n, x'), "formats a floating number"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED)

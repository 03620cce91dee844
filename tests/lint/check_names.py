"""check_names.py: non-static functions and objects of lib are called tci_..., those of lib/api tc_...

Reads the symbols of the compiled objects, so that no macro hides a name. --objects names a file with one object a line.
"""
import os
import re

import lint
import symbols

# Put there by the compiler's instrumentation (sanitizers, coverage), not by us.
INSTRUMENTATION = re.compile(r"^(__|_GLOBAL_|\.|asan\.|mangled)")


def check(tree, options):
    found = []
    with open(options.objects, encoding="utf-8") as file:
        objects = [line.strip() for line in file if line.strip()]
    if not objects:
        found.append(f"{options.objects}:1: names no object")
    for path, name, letter in symbols.defined(objects) if objects else []:
        match = re.search(r"(?:^|/)(\w+/\w+\.c)\.o(?:bj)?$", path.replace(os.sep, "/"))
        source = "lib/" + match.group(1) if match else path
        public = name.startswith("tc_")
        if INSTRUMENTATION.match(name) or name.startswith("tci_"):
            continue
        if public and not source.startswith("lib/api/"):
            found.append(f"{source}:1: defines {name}: public functions are defined in lib/api")
        elif not public:
            found.append(f"{source}:1: defines {name}: make it static, or call it tci_{name}")
    return found


def prepare(root, options):
    """Compiles every planted source and lists the objects."""
    objects = []
    for path in lint.Tree(root).matching("lib/*.c"):
        target = os.path.join("build", path + ".o")
        os.makedirs(os.path.dirname(os.path.join(root, target)), exist_ok=True)
        symbols.compile_c(root, path, target, "-c")
        objects.append(os.path.join(root, target))
    options.objects = os.path.join(root, "objects.txt")
    lint.write_tree(root, {"objects.txt": "\n".join(objects) + "\n"})


CLEAN = {
    "lib/base/memory.c": "int tci_take(void) { return 1; }\nconst int tci_limit = 3;\nint tci_take(void);\n"
                         "static int local(void) { return 2; }\nint (*tci_pointer)(void) = local;\n",
    "lib/api/predict.c": "int tc_predict(void) { return 1; }\nint tci_help(void) { return 1; }\n",
}
PLANTED = [
    ("a function with a bare name", {"lib/base/a.c": "int take(void) { return 1; }\n"}, "lib/base/a.c:1: defines take"),
    ("an object with a bare name", {"lib/base/a.c": "int limit = 3;\n"}, "defines limit"),
    ("a name made by a macro", {"lib/base/a.c": "#define F(x) int x##_it(void) { return 1; }\nF(take)\n"}, "take_it"),
    ("a public function outside api", {"lib/base/a.c": "int tc_take(void) { return 1; }\n"}, "defined in lib/api"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED, ["--objects"], prepare)

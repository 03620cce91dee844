"""symbols.py: what the checks of built files share: nm, the declarations of public headers, a compiler for tests."""
import os
import re
import shutil
import subprocess

import lint


def defined(paths, dynamic=False):
    """(path, name, letter) of every global symbol that objects, archives or shared libraries define."""
    nm = shutil.which("nm") or shutil.which("llvm-nm")
    if nm is None:
        raise SystemExit("nm was not found; it comes with binutils")
    command = [nm, "-A", "--defined-only", "--format=posix"] + (["-D"] if dynamic else ["-g"]) + paths
    listing = subprocess.run(command, capture_output=True, text=True)
    if listing.returncode != 0:
        raise SystemExit(f"nm: {listing.stderr.strip()}")
    rows = re.findall(r"^(.*): (\S+) (\w)\b", listing.stdout, re.MULTILINE)
    return [(path, name.split("@")[0], letter) for path, name, letter in rows]


def declared(tree):
    """{name: "path:line"} of every function and object that the public headers declare with TC_EXPORT."""
    found = {}
    for path in tree.matching("include/*.h", "include/*.h.in"):
        code = tree.code(path)
        code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group()), code,
                      flags=re.MULTILINE)
        for match in re.finditer(r"\bTC_EXPORT\b[^;]*?(\w+)\s*(?:\(|\[|;)", code):
            found[match.group(1)] = f"{path}:{lint.line_of(code, match.start(1))}"
    return found


def compile_c(root, source, target, *flags):
    """Compiles a file of a planted tree; the compiler is CC or cc."""
    compiler = os.environ.get("CC") or "cc"
    command = [*compiler.split(), *flags, "-o", os.path.join(root, target), os.path.join(root, source)]
    subprocess.run(command, check=True)

"""check_version.py: the file VERSION has the version; header, library, SONAME, .pc file, Python package follow it.

--printer is the built program print_version, --library the shared library, --pc the generated libtextclf.pc; what is
not given is not compared. The tree itself may write the number down in no other place than VERSION and CHANGELOG.md.
"""
import os
import re
import subprocess

import lint


def built(options):
    """(place, version) of everything that was generated or compiled."""
    if options.printer:
        printed = subprocess.run([options.printer], capture_output=True, text=True, check=True).stdout
        for line in printed.splitlines():
            kind, version = line.split()
            yield f"textclf/version.h ({kind})" if kind != "library" else "tc_library_version()", version
    if options.pc:
        with open(options.pc, encoding="utf-8") as file:
            match = re.search(r"^Version:\s*(\S+)", file.read(), re.MULTILINE)
        yield os.path.basename(options.pc), match.group(1) if match else "no line Version:"


def in_tree(tree):
    """(place, version) of every version that a file of the tree spells out."""
    if tree.has("pyproject.toml"):
        project = re.search(r"^\[project\](.*?)(?=^\[|\Z)", tree.text("pyproject.toml"), re.MULTILINE | re.DOTALL)
        match = re.search(r"""^version\s*=\s*["']([^"']+)""", project.group(1) if project else "", re.MULTILINE)
        if match:
            yield "pyproject.toml", match.group(1)
    for path in tree.matching("python/*.py"):
        for match in re.finditer(r"""^__version__\s*=\s*["']([^"']+)""", tree.text(path), re.MULTILINE):
            yield f"{path}:{lint.line_of(tree.text(path), match.start())}", match.group(1)
    if tree.has("CHANGELOG.md"):
        match = re.search(r"^## \[?(\d[^\s\]]*)", tree.text("CHANGELOG.md"), re.MULTILINE)
        yield "CHANGELOG.md (first heading)", match.group(1) if match else "none"


def check(tree, options):
    version = tree.text("VERSION").strip()
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return [f"VERSION:1: {version!r} is not major.minor.patch"]
    found = [f"{place}: says {other}, VERSION says {version}"
             for place, other in list(built(options)) + list(in_tree(tree)) if other != version]
    if options.library:
        header = subprocess.run(["objdump", "-p", options.library], capture_output=True, text=True, check=True).stdout
        soname = re.search(r"SONAME\s+(\S+)", header)
        expected = "libtextclf.so." + version.split(".")[0]
        if not soname or soname.group(1) != expected:
            found.append(f"{os.path.basename(options.library)}: SONAME is {soname.group(1) if soname else 'missing'}, "
                         f"not {expected}")
    return found


def prepare(root, options):
    """Stands for the built things by what the planted tree says of them."""
    options.printer = os.path.join(root, "printer")
    os.chmod(options.printer, 0o755)
    options.pc = os.path.join(root, "libtextclf.pc")
    options.library = os.path.join(root, "libtextclf.so")
    with open(os.path.join(root, "soname"), encoding="utf-8") as file:
        soname = file.read().strip()
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "/dev/null", "-o", options.library, "-Wl,-soname," + soname],
                   check=True)


PRINTER = "#!/bin/sh\necho text 1.2.3\necho numbers 1.2.3\necho library 1.2.3\n"
CLEAN = {
    "VERSION": "1.2.3\n", "printer": PRINTER, "libtextclf.pc": "Name: textclf\nVersion: 1.2.3\n",
    "soname": "libtextclf.so.1\n", "pyproject.toml": '[project]\nname = "textclf"\ndynamic = ["version"]\n',
    "python/textclf/__init__.py": '__version__ = "1.2.3"\n', "CHANGELOG.md": "# Changes\n\n## 1.2.3 (unreleased)\n",
}
PLANTED = [
    ("VERSION alone", {"VERSION": "1.2\n"}, "not major.minor.patch"),
    ("the header", {"printer": PRINTER.replace("numbers 1.2.3", "numbers 1.2.4")}, "version.h (numbers): says 1.2.4"),
    ("the library", {"printer": PRINTER.replace("library 1.2.3", "library 1.2.4")}, "tc_library_version(): says 1.2.4"),
    ("the .pc file", {"libtextclf.pc": "Version: 1.0\n"}, "libtextclf.pc: says 1.0"),
    ("the SONAME", {"soname": "libtextclf.so.2\n"}, "SONAME is libtextclf.so.2, not libtextclf.so.1"),
    ("pyproject.toml", {"pyproject.toml": '[project]\nversion = "1.2.4"\n[tool.x]\nversion = "9"\n'}, "says 1.2.4"),
    ("the package", {"python/textclf/__init__.py": '\n__version__ = "0.1"\n'}, "__init__.py:2: says 0.1"),
    ("the change log", {"CHANGELOG.md": "## 1.2.2\n## 1.2.3\n"}, "CHANGELOG.md (first heading): says 1.2.2"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED, ["--printer", "--library", "--pc"], prepare)

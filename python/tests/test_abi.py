"""test_abi.py: structs, constants, functions and statuses of the package are those of the public headers."""
import ctypes
import glob
import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

import textclf
from textclf import _library, _structs, errors

HEADERS = os.path.join(ROOT, "include", "textclf")
COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def header_text():
    text = ""
    for path in sorted(glob.glob(os.path.join(HEADERS, "*.h*"))):
        with open(path, encoding="utf-8") as file:
            text += file.read()
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def version_in_tree():
    with open(os.path.join(ROOT, "VERSION"), encoding="utf-8") as file:
        return file.read().strip()


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What a C compiler says of every struct, field and constant that the package knows."""
    if not COMPILER or not shutil.which(COMPILER):
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("abi")
    os.mkdir(folder / "textclf")
    major, minor, patch = version_in_tree().split(".")
    with open(os.path.join(HEADERS, "version.h.in"), encoding="utf-8") as file:
        version = re.sub(r"@PROJECT_VERSION(_\w+)?@", lambda match: {
            "_MAJOR": major, "_MINOR": minor, "_PATCH": patch, None: version_in_tree()}[match.group(1)], file.read())
    (folder / "textclf" / "version.h").write_text(version)
    lines = ["#include <stddef.h>", "#include <stdio.h>", "#include <textclf/textclf.h>", "int main(void)", "{"]
    for struct in _structs.PLAIN:
        name = struct.__name__
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field in struct._fields_:
            lines.append(f'printf("{name}.{field[0]} %zu\\n", offsetof({name}, {field[0]}));')
            lines.append(f'printf("{name}.{field[0]}:size %zu\\n", sizeof((({name} *)0)->{field[0]}));')
    for name in _structs.CONSTANTS:
        lines.append(f'printf("{name} %lld\\n", (long long)({name}));')
    lines.append('#define ROW(name, value, text) printf("status:" #name " %d\\n", (int)(name));')
    lines += ["TC_STATUS_LIST(ROW)", "return 0;", "}"]
    (folder / "sizes.c").write_text("\n".join(lines) + "\n")
    program = str(folder / "sizes")
    include = ["-I" + str(folder), "-I" + os.path.join(ROOT, "include")]
    subprocess.run([COMPILER, "-std=c11", *include, str(folder / "sizes.c"), "-o", program], check=True)
    clean = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    printed = subprocess.run([program], check=True, capture_output=True, text=True, env=clean).stdout
    return {name: int(value) for name, value in (line.split() for line in printed.splitlines())}


@pytest.mark.parametrize("struct", _structs.PLAIN, ids=lambda struct: struct.__name__)
def test_struct_has_the_layout_of_the_header(measured, struct):
    name = struct.__name__
    assert ctypes.sizeof(struct) == measured[name]
    for field in struct._fields_:
        assert getattr(struct, field[0]).offset == measured[f"{name}.{field[0]}"]
        assert getattr(struct, field[0]).size == measured[f"{name}.{field[0]}:size"]


def test_constants_are_those_of_the_header(measured):
    for name, value in _structs.CONSTANTS.items():
        assert value & 0xFFFFFFFF == measured[name] & 0xFFFFFFFF, name


def test_every_status_has_an_exception(measured):
    statuses = {name: value for name, value in measured.items() if name.startswith("status:") and value}
    assert {kind.status for kind in errors.BY_STATUS.values()} == set(statuses.values())
    assert len(errors.BY_STATUS) == len(statuses)
    assert errors.BY_STATUS[measured["status:TC_ERROR_CHECKSUM"]] is textclf.ChecksumError
    assert errors.BY_STATUS[measured["status:TC_ERROR_ENCODING"]] is textclf.EncodingError


def test_every_struct_of_the_headers_is_known():
    named = set(re.findall(r"typedef struct (tc_\w+)", header_text()))
    assert named == {struct.__name__ for struct in _structs.OPAQUE + _structs.PLAIN}


def test_every_public_function_is_declared_with_its_parameters():
    declared = re.findall(r"TC_EXPORT\s+[\w\s*]*?\b(tc_\w+)\(([^)]*)\)", header_text())
    assert {name for name, _ in declared} == set(_library.STATUS) | set(_library.OTHER)
    for name, parameters in declared:
        count = 0 if parameters.strip() in ("void", "") else parameters.count(",") + 1
        known = _library.STATUS[name] if name in _library.STATUS else _library.OTHER[name][1]
        assert len(known) == count, name


def test_versions_agree():
    assert textclf.__version__ == _library.lib.tc_library_version().decode() == version_in_tree()


def test_a_struct_says_its_size():
    assert _structs.sized(_structs.tc_step).struct_size == ctypes.sizeof(_structs.tc_step)


def test_names_are_exported():
    for name in textclf.__all__:
        assert hasattr(textclf, name), name

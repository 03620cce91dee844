"""check_install.py: installs the build into a temporary prefix and builds hosts outside the tree against it.

A C and a C++ host, each through pkg-config and through find_package, each with the shared and the static library, are
compiled and run. The installed tree is moved before it is used: nothing in it may know where it was made.
"""
import argparse
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = os.path.join(HERE, "host")


def run(*command, **options):
    """Runs a command and shows everything when it fails; answers what it printed."""
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{result.stdout}{result.stderr}\nfailed with {result.returncode}")
    return result.stdout


def greeted(output, language):
    if not output.startswith(f"{language} host of libtextclf "):
        raise SystemExit(f"the host printed {output!r}")


def with_pkg_config(prefix, scratch, options, environment):
    flags = run("pkg-config", "--cflags", "--libs", "libtextclf", env=environment).split()
    static = run("pkg-config", "--static", "--cflags", "--libs", "libtextclf", env=environment).split()
    archive = os.path.join(prefix, options.libdir, "libtextclf.a")
    static = [archive if flag == "-ltextclf" else flag for flag in static]
    for compiler, source, language in ((options.cc, "host.c", "C"), (options.cxx, "host.cpp", "C++")):
        for kind, linked in (("shared", flags), ("static", static)):
            program = os.path.join(scratch, f"{source}.{kind}")
            run(compiler, "-Wall", "-Wextra", "-Werror", os.path.join(HOST, source), *linked, "-o", program)
            greeted(run(program, env=environment), language)
            needed = run("readelf", "-d", program)
            if ("libtextclf.so" in needed) != (kind == "shared"):
                raise SystemExit(f"{program} was to be {kind}, and is not:\n{needed}")
            print(f"pkg-config, {language}, {kind}: ok")


def with_find_package(prefix, scratch, options):
    build = os.path.join(scratch, "build")
    run("cmake", "-S", HOST, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={options.cc}",
        f"-DCMAKE_CXX_COMPILER={options.cxx}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", build)
    for program, language in (("host_c", "C"), ("host_cpp", "C++")):
        for library in ("textclf", "textclf_static"):
            greeted(run(os.path.join(build, f"{program}_{library}")), language)
            print(f"find_package, {language}, {library}: ok")


def headers_are_whole(prefix, source):
    """Every public header of the source tree stands in the installed one, the generated one included, and no other."""
    expected = {name.removesuffix(".in") for name in os.listdir(os.path.join(source, "include", "textclf"))}
    there = set(os.listdir(os.path.join(prefix, "include", "textclf")))
    if expected != there:
        raise SystemExit(f"installed headers differ from the tree's: {sorted(expected ^ there)}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--source", "--build", "--cc", "--cxx", "--libdir"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        first = os.path.join(scratch, "first")
        prefix = os.path.join(scratch, "moved", "prefix")
        run("cmake", "--install", options.build, "--prefix", first)
        os.makedirs(os.path.dirname(prefix))
        shutil.move(first, prefix)
        headers_are_whole(prefix, options.source)
        libraries = os.path.join(prefix, options.libdir)
        pkg_config = os.path.join(libraries, "pkgconfig")
        environment = {**os.environ, "LD_LIBRARY_PATH": libraries,
                       "PKG_CONFIG_PATH": os.pathsep.join(filter(None, [pkg_config, os.environ.get("PKG_CONFIG_PATH")]))}
        with_pkg_config(prefix, scratch, options, environment)
        with_find_package(prefix, scratch, options)


if __name__ == "__main__":
    main()

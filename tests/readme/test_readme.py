"""test_readme.py: what README.md and docs/tour.md print works as printed.

The build is installed into a temporary prefix. There the C program is compiled as the page says, and once more with
every warning an error; the shell lines, the CMake lines and the Python lines are run. The Chinese page holds the same
blocks (test_pages.py). The fragments of the tour are compiled with the variables that they speak of.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import pages

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]


FRAGMENT = """#include <stdio.h>
#include <textclf/textclf.h>
static void check(tc_status status) { if (status != TC_OK) fprintf(stderr, "%%s\\n", tc_last_error()); }
void fragment(tc_config *config, tc_model *model, tc_trainer *trainer, const tc_examples *examples,
              const tc_examples *held_out, tc_batcher *batcher, const size_t *rows, size_t row_count);
void fragment(tc_config *config, tc_model *model, tc_trainer *trainer, const tc_examples *examples,
              const tc_examples *held_out, tc_batcher *batcher, const size_t *rows, size_t row_count)
{
    (void)config, (void)model, (void)trainer, (void)examples, (void)held_out;
    (void)batcher, (void)rows, (void)row_count;
%s}
"""


class Page:
    """A reader who types the page in, block by block, in a folder of its own."""

    def __init__(self, options, scratch):
        self.options = options
        self.folder = os.path.join(scratch, "reader")
        self.prefix = os.path.join(scratch, "prefix")
        os.mkdir(self.folder)
        for name, path in (("examples", "examples"), ("all-MiniLM-L6-v2", "tests/golden/tiny_bert")):
            os.symlink(os.path.join(pages.ROOT, path), os.path.join(self.folder, name))
        self.printed = ""
        libraries = os.path.join(self.prefix, options.libdir)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": libraries,
                            "PKG_CONFIG_PATH": os.pathsep.join(filter(None, [os.path.join(libraries, "pkgconfig"),
                                                                             os.environ.get("PKG_CONFIG_PATH")])),
                            "PATH": os.path.join(self.prefix, "bin") + os.pathsep + os.environ["PATH"]}
        self.run("cmake", "--install", options.build, "--prefix", self.prefix)

    def run(self, *command, **environment):
        result = subprocess.run(command, cwd=self.folder, env={**self.environment, **environment}, capture_output=True,
                                text=True)
        if result.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{result.stdout}{result.stderr}\nfailed with {result.returncode}")
        return result.stdout

    def write(self, name, content):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(content)

    def c(self, name, content):
        self.write(name, content)
        flags = self.run("pkg-config", "--cflags", "--libs", "libtextclf").split()
        self.run(self.options.cc, *STRICT, name, *flags, "-o", "strict")

    def fragment(self, _, content):
        self.write("fragment.c", FRAGMENT % content)
        flags = self.run("pkg-config", "--cflags", "libtextclf").split()
        self.run(self.options.cc, *STRICT, "-c", "fragment.c", *flags, "-o", "fragment.o")

    def shell(self, _, content):
        self.printed = self.run("sh", "-euc", content)

    def output(self, _, content):
        """Labels and texts are compared; scores are not, for they differ in their last bits between instruction sets."""
        def words(text):
            return [[word for word in line.split() if not word.replace(".", "").isdigit()] for line in text.splitlines()]
        if words(self.printed) != words(content):
            raise SystemExit(f"the page promises\n{content}\nand the program printed\n{self.printed}")

    def cmake(self, _, content):
        self.write("CMakeLists.txt", content)
        self.run("cmake", "-S", ".", "-B", "made", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                 f"-DCMAKE_C_COMPILER={self.options.cc}")
        self.run("cmake", "--build", "made")
        if self.run("./made/mail") == "":
            raise SystemExit("the program that CMake made prints nothing")

    def python(self, _, content):
        if not os.path.isdir(os.path.join(pages.ROOT, "python", "textclf")):
            raise SystemExit("there is no python/textclf")
        self.write("page.py", content)
        printed = self.run(sys.executable, "-B", "page.py", PYTHONPATH=os.path.join(pages.ROOT, "python"),
                           TEXTCLF_LIBRARY=os.path.join(self.prefix, self.options.libdir, "libtextclf.so"))
        if "spam" not in printed or "ham" not in printed:
            raise SystemExit(f"the Python lines printed {printed!r}")

    def build(self, _, content):
        """Every test has been built by these lines in another folder already; that the options exist is seen here."""
        table = pages.read("CMakeLists.txt")
        for word in content.split():
            if word.startswith("-DTEXTCLF_") and f"option({word[2:].split('=')[0]} " not in table:
                raise SystemExit(f"CMakeLists.txt has no option {word}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--build", "--cc", "--libdir"):
        parser.add_argument(name, required=True)
    done = set()
    with tempfile.TemporaryDirectory() as scratch:
        page = Page(parser.parse_args(), scratch)
        for name in ("README.md", "docs/tour.md", "docs/from-fasttext.md", "docs/pretrained.md"):
            for kind, argument, _, content in pages.blocks(pages.read(name)):
                if kind:
                    getattr(page, kind)(argument, content)
                    done.add(kind)
    missing = {"c", "shell", "output", "cmake", "python", "build", "fragment"} - done
    if missing:
        raise SystemExit(f"the pages have no block of kind {sorted(missing)}")


if __name__ == "__main__":
    main()

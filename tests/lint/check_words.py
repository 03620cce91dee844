"""check_words.py: no tracked file holds the path of one machine, or a word of words.txt.

Binary files and the two files of this check itself are passed over.
"""
import fnmatch
import re

import lint

OWN = {"tests/lint/words.txt", "tests/lint/check_words.py"}


def rules(text):
    found = []
    for number, line in lint.data_lines(text.replace("#?", "\0")):
        parts = [part.strip().replace("\0", "#?") for part in line.split(" : ")]
        if len(parts) not in (2, 3):
            raise SystemExit(f"words.txt:{number}: not `expression : why` or `expression : why : where`")
        where = parts[2].split(None, 2) if len(parts) == 3 else ["not", "in", ""]
        found.append((re.compile(parts[0]), parts[1], where[0] == "only", where[2] if len(where) > 2 else ""))
    return found


def check(tree, options):
    found = []
    table = rules(lint.data_file(tree, "lint/words.txt"))
    for path in tree.files:
        if path in OWN:
            continue
        text = tree.text(path)
        if "\0" in text[:8192]:
            continue
        for expression, why, only, pattern in table:
            if fnmatch.fnmatchcase(path, pattern) != only:
                continue
            for match in expression.finditer(text):
                found.append(f"{path}:{lint.line_of(text, match.start())}: {match.group()!r}: {why}")
    return found


CLEAN = {
    "lib/base/a.c": "/* a path/work/thing, in the home folder; see docs/work/x */\n",
    "scripts/go.sh": "mktemp -d \"${TMPDIR:-/tmp}/x.XXXXXX\"\n",
    ".ci/run": "TEXTCLF_DATA=../shared/data\n",
    "docs/tour.md": "cd /tmp/try\n",
    "tests/support/s.c": "mkdtemp(\"/tmp/x-XXXXXX\")\n",
    "examples/data/x.tsv": "none\tAnthropic raised money\n",
    "tests/bytes.bin": "\0/work/main",
}
PLANTED = [
    ("a path of one machine", {"lib/base/a.c": "/* made in\n/work/main */\n"}, "lib/base/a.c:2: '/work/m'"),
    ("a home", {"docs/a.md": "see /home/ann\n"}, "docs/a.md:1"),
    ("a fixed temporary path", {"tests/a.c": "open(\"/tmp/x\")\n"}, "make one with mktemp"),
    ("what stands beside", {"scripts/go.sh": "ls ../shared/data\n"}, "beside one checkout"),
    ("a page that is not there", {"lib/a.h": "/* CONTRACT.md section 2 */\n"}, "does not have"),
    ("a number that means nothing", {"lib/a.h": "/* for issue 3 */\n"}, "means nothing"),
    ("work left over", {"lib/a.h": "/* TODO: more */\n"}, "do it now"),
    ("the name of a tool", {"README.md": "with ChatGPT\n"}, "which tool"),
]

if __name__ == "__main__":
    lint.main(check, CLEAN, PLANTED)

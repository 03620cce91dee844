"""make_scripts.py: writes lib/text/scripts_data.c: which code points are of one script to the `tokenizers` package.

Its UnicodeScripts splits between scripts, of tables older than ours. Here each code point is shown to it: alone (some
are of any script, and give no piece), and beside others (those of one script stay together).

    python3 tests/golden/make_scripts.py > lib/text/scripts_data.c
"""
import sys

import tokenizers
from tokenizers import pre_tokenizers

stage = pre_tokenizers.UnicodeScripts()


def is_any(code):
    return 0xD800 <= code < 0xE000 or not stage.pre_tokenize_str(chr(code))


def alike(first, second):
    return len(stage.pre_tokenize_str(chr(first) + chr(second))) == 1


def runs():
    """[length, script] of each run, from U+0000 up; script 0: any."""
    found, known, last_any = [], [], None
    for code in range(0x110000):
        now_any = is_any(code)
        if found and now_any == last_any and (now_any or alike(code - 1, code)):
            found[-1][0] += 1
            continue
        script = 0
        if not now_any:
            script = next((i for i, first in enumerate(known, 1) if alike(first, code)), len(known) + 1)
            if script > len(known):
                known.append(code)
        found.append([1, script])
        last_any = now_any
    return found


def varint(value):
    out = []
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return out + [value]


def main():
    found = runs()
    data = [byte for length, script in found for byte in (*varint(length), script)]
    print(f"""/* scripts_data.c: written by tests/golden/make_scripts.py from what tokenizers {tokenizers.__version__} does
 * with each code point. Runs from U+0000 up: the length in 7-bit groups, the lowest first, and a number for the script;
 * 0 is any script. */
#include "text/scripts.h"

const uint8_t tci_script_data[] = {{""")
    line = "   "
    for byte in data:
        if len(line) + len(f" {byte},") > 118:
            print(line)
            line = "   "
        line += f" {byte},"
    print(line)
    print("};")
    print(f"TCI_SCRIPT_RUNS of text/scripts.h: {len(found)}", file=sys.stderr)


main()

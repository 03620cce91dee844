"""make_code_sets.py: writes lib/text/code_sets_data.c: the sets of code points that the `tokenizers` package goes by.

Its parts bring Unicode tables of different ages (normalization and marks: Unicode 9; punctuation and categories: older
still; letter case, white space and word characters: those of its compiler). Here each code point is shown to the package
itself, and what it did is written down, so that our ids are its ids whatever version utf8proc has.

    python3 tests/golden/make_code_sets.py > lib/text/code_sets_data.c
"""
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

POINTS = [code for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]

clean = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
strip = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
nfd, nfkd = normalizers.NFD(), normalizers.NFKD()
lower = normalizers.Lowercase()
accents = normalizers.StripAccents()
bert, digits = pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(True)
words, spaces = pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit()


def reorders(code):
    """Canonical ordering moves it before a mark of class 240, or behind one of class 1: it is no starter."""
    if chr(code) != nfd.normalize_str(chr(code)):
        return False
    return (nfd.normalize_str("\u0345" + chr(code)) != "\u0345" + chr(code)
            or nfd.normalize_str(chr(code) + "\u0334") != chr(code) + "\u0334" or code == 0x334)


def is_nonspacing(code):
    return nfd.normalize_str(chr(code)) == chr(code) and strip.normalize_str("a" + chr(code)) == "a"


SETS = [
    ("SPACE", lambda code: spaces.pre_tokenize_str("a" + chr(code) + "b")[0][0] == "a"),
    ("OTHER", lambda code: clean.normalize_str("a" + chr(code) + "b") == "ab"),
    ("PUNCTUATION", lambda code: len(bert.pre_tokenize_str("a" + chr(code) + "b")) == 3),
    ("NONSPACING", is_nonspacing),
    ("MARK", lambda code: accents.normalize_str("a" + chr(code)) == "a"),
    ("NUMERIC", lambda code: len(digits.pre_tokenize_str("a" + chr(code) + "b")) == 3),
    ("WORD", lambda code: len(words.pre_tokenize_str("a" + chr(code) + "b")) == 1),
    ("DECOMPOSES", lambda code: nfkd.normalize_str(chr(code)) != chr(code)),
    ("REORDERS", reorders),
    ("UPPER", lambda code: lower.normalize_str(chr(code)) != chr(code)),
]


def ranges(member):
    found = []
    for code in POINTS:
        if not member(code):
            continue
        if found and found[-1][1] == code:
            found[-1][1] = code + 1
        else:
            found.append([code, code + 1])
    return found


def varint(value):
    out = []
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return out + [value]


def packed(found):
    out, at = [], 0
    for begin, end in found:
        out += varint(begin - at) + varint(end - begin)
        at = end
    return out


def younger_letters():
    """Letters that Unicode 14 has not lowered: runs of (upper, lower, how many, step)."""
    pairs = [(code, ord(lower.normalize_str(chr(code)))) for code in POINTS
             if lower.normalize_str(chr(code)) != chr(code).lower() and len(lower.normalize_str(chr(code))) == 1]
    runs = []
    for upper, low in pairs:
        if runs and upper == runs[-1][0] + runs[-1][2] and low == runs[-1][1] + runs[-1][2]:
            runs[-1][2] += 1
        else:
            runs.append([upper, low, 1])
    return runs


def main():
    assert unicodedata.unidata_version == "14.0.0", "younger_letters() is what Unicode 14 lacks"
    print(f"""/* code_sets_data.c: written by tests/golden/make_code_sets.py from what tokenizers {tokenizers.__version__} does with each
 * code point. Of each set, in the order of text/code_sets.h: its ranges from the lowest up, each as the distance from
 * the end of the one before and its length, both in 7-bit groups, the lowest first; then two zeros. */
#include "text/code_sets.h"

const uint8_t tci_code_set_data[] = {{""")
    for name, member in SETS:
        print(f"    /* {name} */")
        data = packed(ranges(member)) + [0, 0]
        line = "   "
        for value in data:
            text = f" {value},"
            if len(line) + len(text) > 118:
                print(line)
                line = "   "
            line += text
        print(line)
    print("};\n")
    print("const tci_letter_run tci_younger_letters[TCI_YOUNGER_LETTERS] = {")
    for upper, low, count in younger_letters():
        print(f"    {{0x{upper:04X}, 0x{low:04X}, {count}}},")
    print("};")


main()

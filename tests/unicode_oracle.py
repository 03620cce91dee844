"""Compares the library's normalization and case folding with Python's unicodedata.

    unicode_oracle.py FILTER UNICODE_VERSION

FILTER FORM FOLD answers each line with its normalized form, spaces left out (tests/test_unicode_oracle.c). What must
agree: normalize(form, casefold(normalize(form, line))), White_Space removed. Code points that only one of the two Unicode versions assigns
are left out; for all others normalization and case folding are stable between versions.
"""
import random
import subprocess
import sys
import unicodedata

# Unicode's White_Space; str.isspace() would add U+001C..U+001F.
SPACES = {c: None for c in [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
                            0x205F, 0x3000]}


def expected(line, form, fold):
    if form != "none":
        line = unicodedata.normalize(form.upper(), line)
    if fold:
        line = line.casefold()
        if form != "none":
            line = unicodedata.normalize(form.upper(), line)
    return line.translate(SPACES)


def run_filter(program, form, fold, lines):
    data = "\n".join(lines).encode() + b"\n"
    answer = subprocess.run([program, form, str(int(fold))], input=data, stdout=subprocess.PIPE, check=True).stdout
    return answer.decode().split("\n")[:-1]


def compare(program, what, lines, wanted=expected):
    wrong = 0
    for form in ("none", "nfc", "nfkc"):
        for fold in (False, True):
            answers = run_filter(program, form, fold, lines)
            assert len(answers) == len(lines), (what, form, fold, len(answers), len(lines))
            for line, answer in zip(lines, answers):
                right = wanted(line, form, fold)
                if answer != right:
                    wrong += 1
                    if wrong <= 20:
                        print(f"{what}, {form}, fold {fold}: {ascii(line)} gives {ascii(answer)}, not {ascii(right)}")
    print(f"{what}: {len(lines)} lines, {wrong} wrong")
    return wrong


def sequences(points, count):
    """Random sequences, from pools in which things happen, never 31 non-starters in a row."""
    draw = random.Random(5)
    marks = [c for c in points if unicodedata.combining(c)]
    spacing = [c for c in points if unicodedata.category(c) in ("Mc", "Mn", "Me") and not unicodedata.combining(c)]
    bases = [c for c in points if unicodedata.decomposition(c) and "<" not in unicodedata.decomposition(c)]
    firsts = sorted({chr(int(unicodedata.decomposition(c).split()[0], 16)) for c in bases})
    seconds = sorted({chr(int(unicodedata.decomposition(c).split()[-1], 16)) for c in bases})
    compat = [c for c in points if "<" in unicodedata.decomposition(c)]
    folding = [c for c in points if c.casefold() != c]
    jamo = [chr(c) for c in [*range(0x10FF, 0x1115), *range(0x1160, 0x1178), *range(0x11A6, 0x11C5)]]
    syllables = [chr(0xAC00 + 28 * i + j) for i in range(0, 399, 7) for j in (0, 1, 27)]
    few_marks = [chr(c) for c in (0x300, 0x301, 0x308, 0x316, 0x323, 0x327, 0x345, 0x3099, 0x309A, 0xFF9E, 0x34F)]
    plain = list("aAeEiIoOuUsS kK\u00df\u0130\u212a") + ["\u1100\u1161", "\ufdfa", "\ufb01", "\u0344", "\u0f73"]
    pools = [marks, spacing, bases, firsts, seconds, compat, folding, jamo, jamo, syllables, few_marks, few_marks, plain,
             plain, points]
    lines = []
    for _ in range(count):
        some = draw.choices(pools, k=2)
        line = "".join(draw.choice(draw.choice(some)) for _ in range(draw.randint(2, 9)))
        lines.append(line)
    return lines


def stream_safe(line, form, fold):
    """A base and many marks: the 31st mark in a row begins a segment, which stands for itself."""
    if form == "none":
        return expected(line, form, fold)
    done, piece, marks = "", "", 0
    for c in line:
        marks = marks + 1 if unicodedata.combining(c) else 0
        if marks > 30:
            done += expected(piece, form, fold)
            piece, marks = "", 1
        piece += c
    return done + expected(piece, form, fold)


def main():
    program, version = sys.argv[1:]
    print(f"utf8proc knows Unicode {version}, Python {unicodedata.unidata_version}")
    listing = subprocess.run([program, "assigned"], stdout=subprocess.PIPE, check=True).stdout
    assigned = {chr(int(c)) for c in listing.split()}
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and c != 0x0A]
    points = [c for c in points if (c in assigned) == (unicodedata.category(c) != "Cn")]
    wrong = compare(program, "every code point", points)
    known = [c for c in points if unicodedata.category(c) not in ("Cn", "Co")]
    wrong += compare(program, "sequences", sequences(known, 150000))
    draw = random.Random(6)
    many = ["a" + "".join(draw.choice("\u0300\u0316\u0301\u0323\u0308\u0327\u0331") for _ in range(length))
            for length in range(200)]
    wrong += compare(program, "many marks", many, stream_safe)
    sys.exit(1 if wrong else 0)


main()

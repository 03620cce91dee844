#!/usr/bin/env python3
"""Writes corpus/vectors/: word vectors in text, good and bad, and cut short. Usage: make_vectors_corpus.py"""
import pathlib
import shutil

FOLDER = pathlib.Path(__file__).resolve().parent / "corpus" / "vectors"
FASTTEXT = b"4 3\nthe 1 2 3 \ngood -0.5 1e-2 +7 \nelse 1 1 1 \nfilm 0.25 0 -0 \n"
GLOVE = b"good -0.5 1e-2 +7\nthe 1 2 3\n. . . 5 5 5\nelse 1 1 1\n"
LONG = b"a" * 3000

FILES = {
    "fasttext": FASTTEXT,
    "glove": GLOVE,
    "crlf_tabs": GLOVE.replace(b"\n", b"\r\n").replace(b" ", b"\t"),
    "twice": b"a 1 2 3\na 4 5 6\n",
    "spaced": b"the 1 2 3\ngood at name@example.org 1 2 3\n",
    "spaced_first": b"good at name@example.org 1 2 3\n",
    "long_word": LONG + b" 1 2 3\nthe 1 2 3\n",
    "long_number": b"the 0." + b"1" * 900 + b" 2 3\ngood 1 " + b"0" * 3000 + b" 3\n",
    "empty": b"",
    "line_end": b"\n",
    "blank_line": b"a 1 2 3\n\nthe 1 2 3\n",
    "space_first": b"a 1 2 3\n the 1 2 3\n",
    "no_values": b"a\n",
    "few": b"a 1 2 3\nthe 1 2\n",
    "few_of_another": b"a 1 2 3\nelse 1 2\n",
    "many": b"a 1 2 3\nthe 1 2 3 4\n",
    "many_of_another": b"a 1 2 3\nelse 1 2 3 4\n",
    "nan": b"a nan 2 3\n",
    "infinite": b"a 1 -inf 3\n",
    "overflow": b"a 1 2 1e39\n",
    "hexadecimal": b"a 0x1 2 3\n",
    "comma": b"a 1,5 2 3\n",
    "nul": b"a\0 1 2 3\nthe 1\0002 3\n",
    "announces_more": b"3 3\na 1 2 3\n",
    "announces_less": b"0 3\na 1 2 3\n",
    "announces_int_min": b"2 -2147483648\na 1 2 3\n",
    "announces_huge": b"18446744073709551615 18446744073709551615\n",
    "announces_overflow": b"18446744073709551616 3\n",
    "other_dimension": b"1 300\na 1\n",
    "not_utf8": b"a 1 2 3\n\xff\xfe 1 2 3\nthe \xff 2 3\n",
}
for cut in range(1, len(FASTTEXT), 7):
    FILES[f"cut_{cut}"] = FASTTEXT[:cut]

if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name, content in FILES.items():
        (FOLDER / name).write_bytes(content)
    print(f"{len(FILES)} files, {sum(map(len, FILES.values()))} bytes")

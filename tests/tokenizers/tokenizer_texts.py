"""tokenizer_texts.py: the texts that tokenizers are compared on: the real ones of TEXTCLF_DATA, and random ones.

Random texts come from one seed and from pools in which things happen: every plane of Unicode, spaces of all sorts, marks,
letters that change under folding and decomposition, ideographs, signs, halves of words, and the special tokens of all
tokenizer kinds, written out.
"""
import csv
import gzip
import io
import os
import random
import sys
import unicodedata
from pathlib import Path

SPECIAL = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "<s>", "</s>", "<mask>", "<pad>", "<unk>", "<|endoftext|>",
           " <mask> ", "[mask]", "<0x41>", "▁", "▁▁", "##ing", "Ġ", "Ċ", "joined word", "ﬁrst Token", "alone", "tight"]
PIECES = ["don't", "I'LL", "we've", "it's", "12345", "3.14", "e-mail", "http://a.b/c?d=e&f", "naïve", "ﬁx", "½", "②", "™",
          "Straße", "İstanbul", "ΑΣ", "ǆ", "한국어", "ภาษาไทย", "हिन्दी", "日本語", "カタカナ", "ｶﾞ", "中文，句子。", "العربية", "שלום",
          "👩‍👩‍👧", "🇨🇳", "👍🏽", "a\u0301", "\u1100\u1161\u11a8", "\u0344", "ﷺ", "㎞", "…", "—", "“x”", "\u00ad", "\u200b",
          "\ufeff", "\ufffd", "\r\n", "\n\n", "\t", "   ", "\u00a0", "\u3000", "\u2028", "\x00", "\x7f", "\x85", "\x1c",
          "_", "__init__", "C++", "$5", "50%", "#tag", "@you", "x"*30, "The", "the", "ing", "tion", "不错", "公司"]


def complete(folder):
    """Every file `*.tsv.gz` and `bias/*.csv.gz` of the folder, once each text, in a fixed order."""
    texts = {}
    for path in sorted(Path(folder).glob("*.tsv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            texts.update((line.rstrip("\n").partition("\t")[2], None) for line in lines)
    csv.field_size_limit(1 << 24)
    for path in sorted(Path(folder).glob("bias/*.csv.gz")):
        data = gzip.decompress(path.read_bytes()).decode("utf-8")
        for row in csv.reader(io.StringIO(data, newline="")):
            texts.update((cell, None) for cell in row if len(cell) > 12)
    return list(texts)


def sample(texts, characters, seed=1):
    """Some of the texts, that many characters in all."""
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    kept, held = [], 0
    for number in order:
        if held >= characters:
            break
        kept.append(number)
        held += len(texts[number])
    return [texts[number] for number in sorted(kept)]


def _scalar(draw, low, high):
    while True:
        code = draw.randrange(low, high)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def random_texts(count, seed=20250601):
    """Texts of 0 to about 60 characters: all planes, and what breaks tokenizers."""
    draw = random.Random(seed)
    assigned = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cn", "Co", "Cs")]
    marks = [c for c in assigned if unicodedata.combining(c)]
    decomposing = [c for c in assigned if unicodedata.decomposition(c)]
    folding = [c for c in assigned if c.casefold() != c or c.lower() != c]
    spaces = [c for c in assigned if unicodedata.category(c) in ("Zs", "Zl", "Zp", "Cc", "Cf")]
    signs = [c for c in assigned if unicodedata.category(c)[0] in "PS"]
    numbers = [c for c in assigned if unicodedata.category(c)[0] == "N"]
    ascii_ = [chr(c) for c in range(128)]
    letters = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ  ''.,!?")
    ideographs = [chr(c) for c in range(0x4E00, 0x5200)] + ["，", "。"]
    pools = [assigned, marks, decomposing, folding, spaces, signs, numbers, ascii_, letters, letters, ideographs]
    texts = []
    for _ in range(count):
        some = draw.choices(pools, k=draw.randint(1, 3))
        parts = []
        for _ in range(draw.randint(0, draw.choice((4, 12, 40)))):
            kind = draw.random()
            if kind < 0.06:
                parts.append(_scalar(draw, 0, 0x110000))
            elif kind < 0.10:
                parts.append(_scalar(draw, 0, 0x10000))
            elif kind < 0.12:
                parts.append(draw.choice(SPECIAL))
            elif kind < 0.20:
                parts.append(draw.choice(PIECES))
            elif kind < 0.28:
                parts.append(draw.choice((" ", " ", "  ", "\n", "\t")))
            else:
                parts.append(draw.choice(draw.choice(some)))
        texts.append("".join(parts))
    return texts


def every_point(per_text=1):
    """Every code point, between letters: a text each, for where a table differs."""
    points = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    return ["".join(f"a{point}b {point} " for point in points[at:at + per_text])
            for at in range(0, len(points), per_text)]


def data_folder():
    folder = os.environ.get("TEXTCLF_DATA", "")
    return folder if Path(folder).is_dir() and folder else None

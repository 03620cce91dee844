"""make_charsmap.py: writes charsmap.json: a Unigram tokenizer with a small charsmap of sentencepiece's, texts, and what
the package tokenizers makes of them: ids and ranges in bytes, one text a line in charsmap.txt.

    python3 make_charsmap.py

Needs tokenizers.
"""
import struct
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers

FOLDER = Path(__file__).parent
RULES = {"ａ": "a", "½": "1/2", "ｶ": "カ", "ｶﾞ": "ガ", "\u0001": "", "\r": " ", "e\u0301": "é", "Q": "q", "\u0345": "ι",
         "㎞": "km"}
TEXTS = ["plain", "ａ½b", "ｶﾞｶ", "a\u0001b", "\u0001ab", "\u0001\u0001½a", "½\u0001a", "x\r\ny", "e\u0301x", "Q\u0301Q",
         "㎞㎞", "ae\u0301\u0345", "\u0600½", "", "👩\u200d👧ａ", "a\ra"]


def double_array(values):
    """Keys (bytes) to numbers, as Darts has it: unit = label | 256 if a key ends | offset of the children << 10"""
    units, used = [0], {0}

    def place(node, prefix):
        labels = sorted({key[len(prefix)] for key in values if len(key) > len(prefix) and key.startswith(prefix)})
        labels = ([0] if prefix in values else []) + labels
        base = next(b for b in range(1, 1 << 16) if all(b ^ label not in used for label in labels))
        used.update(base ^ label for label in labels)
        units.extend([0] * (max(used) + 1 - len(units)))
        units[node] |= (node ^ base) << 10 | (256 if prefix in values else 0)
        for label in labels:
            child = base ^ label
            units[child] = values[prefix] | 1 << 31 if label == 0 else label
            if label:
                place(child, prefix + bytes([label]))

    place(0, b"")
    return units + [0] * (256 - len(units) % 256)


def charsmap():
    texts, values = b"", {}
    for source, target in sorted(RULES.items()):
        values[source.encode()] = len(texts)
        texts += target.encode() + b"\0"
    units = double_array(values)
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + texts


def main():
    tokens = ["<unk>", *"aborxyq1/2カガé ιkm", "ab", "km/"]
    tokenizer = Tokenizer(models.Unigram([(token, -1.0 - 0.25 * i) for i, token in enumerate(tokens)], 0))
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    tokenizer.save(str(FOLDER / "charsmap.json"), pretty=False)
    with open(FOLDER / "charsmap.txt", "w", encoding="utf-8") as file:
        for text in TEXTS:
            encoding = tokenizer.encode(text)
            bytes_before = [len(text[:i].encode()) for i in range(len(text) + 1)]
            ranges = (f"{i} {bytes_before[a]} {bytes_before[b]}" for i, (a, b) in zip(encoding.ids, encoding.offsets))
            file.write(text.encode().hex() + "\t" + ", ".join(ranges) + "\n")


if __name__ == "__main__":
    main()

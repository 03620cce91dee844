"""make_stage_values.py: writes tests/golden/stages.tsv: what stages of the `tokenizers` package make of texts.

    python3 tests/golden/make_stage_values.py > tests/golden/stages.tsv

A line is: stage, option, the text in UTF-8 as hexadecimal digits, then a triple `code:begin:end` for each code point of
the normalized text, or `begin:end` for each piece, in bytes of the text.
"""
import random
import sys
import unicodedata

from tokenizers import Regex, Tokenizer, models, normalizers as N, pre_tokenizers as P

BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
REPLACED = [(" ", "▁"), (";;", "\""), (Regex("\\s+"), " "), (Regex(" {2,}"), "▁x"), (Regex("e?"), "-"), ("", "-")]
TEXTS = ["", "plain text", "  Two  spaces\t\n", "e\u0301 é ế \u0301x", "a\u0323\u0301 á\u0323 q\u0307\u0323",
         "\u1100\u1161\u11a8 한국 \u1112\u1161\u11ab", "ﬁx ½ ②Å ﷺ", "\u0344\u0345\u0f73\u0f75\u0301", "İI\u0307 ǅ ΑΣ ẞ",
         "x,y;;z. --!", "１２3 ٣½Ⅷ4五", "_a_b 'c' $5 ”q“", "\u00a0nbsp\u3000wide\u2028", "\x01\x7f\x8f\x9f\x85\u200bz\ufeff",
         "a" + "\u0316\u0301" * 14 + "b", "\U0001d15e\U000110ab\U0001f600", "\u0928\u093c\u0929 \u09c7\u09be",
         "字，句。 かな", "\u1e9b\u0323 \u212b\u2126", "\U0001e900\U00010400\u1c89"]


def random_texts(count):
    draw = random.Random(1)
    points = [chr(c) for c in range(sys.maxunicode) if unicodedata.category(chr(c)) not in ("Cn", "Co", "Cs")]
    marks = [c for c in points if unicodedata.combining(c)]
    forms = [c for c in points if unicodedata.decomposition(c)]
    pools = (points, marks, forms, [chr(c) for c in range(32, 127)])
    return ["".join(draw.choice(draw.choice(pools)) for _ in range(draw.randint(4, 12))) for _ in range(count)]


def main():
    texts = TEXTS + random_texts(12)
    every = {chr(c): c for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000}
    tokenizer = Tokenizer(models.WordLevel(every, unk_token="a"))
    tokenizer.pre_tokenizer = P.FixedLength(1)
    stages = [(name, 0, getattr(N, name)()) for name in
              ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")]
    stages += [("Strip", sides, N.Strip(bool(sides & 1), bool(sides & 2))) for sides in (1, 2, 3)]
    stages += [("Prepend", 0, N.Prepend("▁x"))]
    stages += [("Replace", i, N.Replace(pattern, content)) for i, (pattern, content) in enumerate(REPLACED)]
    stages += [("Punctuation", i, P.Punctuation(behavior)) for i, behavior in enumerate(BEHAVIORS)]
    stages += [("Digits", 1, P.Digits(True)), ("Digits", 4, P.Digits(False)), ("Whitespace", 0, P.Whitespace()),
               ("WhitespaceSplit", 0, P.WhitespaceSplit()), ("CharDelimiterSplit", 0, P.CharDelimiterSplit(" ")),
               ("FixedLength", 0, P.FixedLength(3)), ("UnicodeScripts", 0, P.UnicodeScripts())]
    for name, option, stage in stages:
        for text in texts:
            at = [len(text[:i].encode()) for i in range(len(text) + 1)]
            if isinstance(stage, N.Normalizer):
                tokenizer.normalizer = stage
                encoding = tokenizer.encode(text)
                parts = [f"{code:x}:{at[b]}:{at[e]}" for code, (b, e) in zip(encoding.ids, encoding.offsets)]
            else:
                parts = [f"{at[b]}:{at[e]}" for piece, (b, e) in stage.pre_tokenize_str(text) if piece]
            print(name, option, text.encode().hex(), " ".join(parts), sep="\t")


main()

"""make_fasttext_golden.py: small models that fastText itself trains, and what it predicts with them.

    python3 make_fasttext_golden.py        writes fasttext_models/*.bin, *.ftz, expected.txt

Needs fastText's Python package (fasttext, or fasttext-wheel; 0.9.2 wrote what is here). One thread and one seed: the
same package writes the same files. expected.txt, read by tests/test_fasttext_read.c, has for each model a line `file
NAME` with its label count, and for each text a line `text` with its bytes in hexadecimal and a line with all scores, in
the order of the labels; `runs` lines have a word of the model and the rows that fastText gives
it."""
import random
import struct
from pathlib import Path

import fasttext

HERE = Path(__file__).resolve().parent / "fasttext_models"
WORDS = {"sport": "ball team goal match win lose player coach stadium référee",
         "food": "soup bread cook oven sweet salt dinner 米饭 taste knife",
         "music": "song band drum loud tune voice guitar Straße stage note",
         "money": "bank coin price buy sell loan tax market €uro debt",
         "travel": "train plane hotel map road ticket beach город trip bag"}
COMMON = "the a of and in is was for with on to it this that very not".split()
TEXTS = [b"the team was very loud on the stage", b"bread soup bread soup bread", b"", b" \t \x0b\x0c\r\x00 ",
         b"the unknownword and the ball", "米饭 and город in the Straße".encode(), b"caf\xe9 \xff\xfe ball",
         b"goal\tmatch\x0bwin\x0close\rplayer\x00coach", b"soup </s> bank loan debt", b"__label__sport the market",
         b"</s>", b"it " * 200 + b"hotel", "x".encode() * 500, "\u00a0€uro\u3000bank".encode()]


def corpus(path, labels, seed):
    """Texts of a few words of their topic; the first topics are more frequent than the last."""
    random.seed(seed)
    topics = list(WORDS)
    with open(path, "w", encoding="utf-8") as file:
        for i in range(max(400, 2 * len(labels))):
            at = i % len(labels) if len(labels) > len(topics) else min(int(random.expovariate(0.7)), len(labels) - 1)
            words = WORDS[topics[at % len(topics)]].split()
            text = [random.choice(words if random.random() < 0.6 else COMMON) for _ in range(random.randint(3, 9))]
            file.write(f"__label__{labels[at]} {' '.join(text)}\n")


def train(name, texts, **options):
    path = HERE / f"{name}.bin"
    model = fasttext.train_supervised(str(texts), thread=1, epoch=15, lr=0.6, minCount=2, verbose=0, **options)
    model.save_model(str(path))
    return path


def quantize(source, name, **options):
    path = HERE / f"{name}.ftz"
    model = fasttext.load_model(str(source))
    model.quantize(**options)
    model.save_model(str(path))
    return path


def expect(path, out, words=()):
    model = fasttext.load_model(str(path))
    labels = model.get_labels()
    out.write(f"file {path.name} {len(labels)}\n")
    for word in words:
        out.write(f"runs {word} {' '.join(str(row) for row in model.get_subwords(word)[1])}\n")
    for text in TEXTS if len(labels) < 100 else TEXTS[:4]:
        scores = {label: score for score, label in model.f.predict(text + b"\n", -1, -1.0, "strict")}
        out.write(f"text {text.hex()}\n{' '.join(f'{scores.get(label, 0):.9g}' for label in labels)}\n")


def main():
    HERE.mkdir(exist_ok=True)
    texts, many = HERE / "texts.tmp", HERE / "many.tmp"
    corpus(texts, list(WORDS), 1)
    corpus(many, [f"l{i}" for i in range(260)], 2)
    softmax = train("softmax", texts, loss="softmax", dim=4)
    grams = train("grams", texts, loss="softmax", dim=4, wordNgrams=2, minn=2, maxn=3, bucket=300)
    tree = train("hs", texts, loss="hs", dim=5, wordNgrams=3, minn=0, maxn=0, bucket=280)
    ova = train("ova", texts, loss="ova", dim=6, minn=1, maxn=2, bucket=250)
    sampled = train("ns", texts, loss="ns", dim=3, wordNgrams=1, minn=3, maxn=4, bucket=200)
    outputs = train("many", many, loss="hs", dim=4, wordNgrams=2, minn=0, maxn=0, bucket=300)
    old = HERE / "version11.bin"
    data = bytearray(grams.read_bytes())
    data[4:8] = struct.pack("<i", 11)
    old.write_bytes(data)
    quantized = [quantize(grams, "grams_q"), quantize(grams, "grams_cutoff", cutoff=270),
                 quantize(tree, "hs_cutoff", qnorm=True, cutoff=260), quantize(ova, "ova_q", qnorm=True, dsub=4),
                 quantize(outputs, "many_out", qnorm=True, qout=True, dsub=3)]
    with open(HERE / "expected.txt", "w", encoding="utf-8") as out:
        for path in (softmax, grams, tree, ova, sampled, old, *quantized):
            expect(path, out, ("ball", "référee", "米饭", "unknown", "a") if path in (grams, ova, sampled) else ())
    for path in (texts, many, outputs):
        path.unlink()


main()

"""check_corpus.py: the bundled corpus examples/data/exits.{train,test}.tsv stays honest.

Every line is label TAB sentence; no two sentences are near copies (Jaccard of character 5-grams at most 0.5, between
train and test at most 0.4); no opening of six words is worn out; the classes are even; and a list of keywords alone
does not solve the task. `--self-test` plants one violation after another into the real corpus and sees it caught.
"""
import argparse
import collections
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = ("train", "test")
CLASSES = ("ipo", "acquisition", "pivot", "none")
NEAR, NEAR_ACROSS, OPENING_WORDS, OPENINGS, TEST_ROWS = 0.5, 0.4, 6, 5, 400
LEAST, MOST, LEAST_OF_ALL, KEYWORD_ACCURACY, HARD_NEGATIVES = 150, 250, 1600, 0.75, 0.15

# Deliberately generous: what someone would grep for who knows both the task and the language.
KEYWORDS = {
    "ipo": r"\bipos?\b|\blist(?:ing|ed|s)?\b|go(?:es|ing|ne)? public|public (?:offering|company)|\bfloat|\bshares?\b"
           r"|\bstock\b|exchange|\bticker|\bdebut|\bprospectus|上市|挂牌|敲钟|招股|发行价|港交所|科创板|创业板"
           r"|北交所|纳斯达克|纽交所|募资|公开发行|股票代码|开盘",
    "acquisition": r"\bacqui|\bbuy|\bbought\b|take(?:s|n)?[ -]?over|\bmerg|purchas|\bsold\b|\bsale\b|\bsell|\bowne"
                   r"|收购|并购|买下|合并|全资|控股|吞并|子公司|并入|卖给|出售|易主|纳入|东家|股权",
    "pivot": r"\bpivot|\bswitch|\bshift|\brefocus|\babandon|\binstead\b|business model|\bchange|reinvent|\bturns?\b"
             r"|no longer|转型|转向|改做|不再|转做|改为|放弃|关停|转而|改行|改卖|转行|重心|新业务",
}


def read(folder):
    """The rows as (part, line number, label, sentence), and what is wrong with their form."""
    rows, found = [], []
    for part in PARTS:
        name = f"exits.{part}.tsv"
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
            lines = file.read().split("\n")
        if lines.pop() != "":
            found.append(f"{name}: the last line has no line end")
        for number, line in enumerate(lines, 1):
            label, tab, sentence = line.partition("\t")
            if label not in CLASSES or not tab or not sentence or sentence != sentence.strip() or \
                    re.search(r"[\t\r\"]", sentence):
                found.append(f"{name}:{number}: not `label TAB sentence`")
            else:
                rows.append((part, number, label, sentence))
    return rows, found


def language(sentence):
    return "zh" if re.search(r"[\u4e00-\u9fff]", sentence) else "en"


def place(row):
    return f"exits.{row[0]}.tsv:{row[1]}"


def near_copies(rows):
    """Pairs above the bound. An inverted index counts common grams, so only pairs that share one are looked at."""
    found, seen, grams = [], collections.defaultdict(list), []
    for index, row in enumerate(rows):
        text = row[3].lower()
        own = {text[i:i + 5] for i in range(max(len(text) - 4, 1))}
        common = collections.Counter(other for gram in own for other in seen[gram])
        for other, count in common.items():
            jaccard = count / (len(own) + len(grams[other]) - count)
            bound = NEAR if row[0] == rows[other][0] else NEAR_ACROSS
            if jaccard > bound:
                found.append(f"{place(row)} and {place(rows[other])} are near copies: {jaccard:.2f}, over {bound}")
        grams.append(own)
        for gram in own:
            seen[gram].append(index)
    return found


def worn_openings(rows):
    openings = collections.defaultdict(list)
    for row in rows:
        words = re.findall(r"[\w'-]+", row[3].lower())
        if language(row[3]) == "en" and len(words) >= OPENING_WORDS:
            openings[" ".join(words[:OPENING_WORDS])].append(row)
    return [f"{place(same[0])}: {len(same)} sentences open with '{words}'; {OPENINGS} may"
            for words, same in openings.items() if len(same) > OPENINGS]


def uneven(rows):
    found = []
    counts = collections.Counter((row[2], language(row[3])) for row in rows)
    for label in CLASSES:
        for tongue in ("en", "zh"):
            if not LEAST <= counts[label, tongue] <= MOST:
                found.append(f"{label} {tongue}: {counts[label, tongue]} sentences; {LEAST} to {MOST} are right")
    test_rows = sum(row[0] == "test" for row in rows)
    if test_rows != TEST_ROWS:
        found.append(f"exits.test.tsv: {test_rows} sentences; {TEST_ROWS} are right")
    if len(rows) < LEAST_OF_ALL:
        found.append(f"{len(rows)} sentences in all; at least {LEAST_OF_ALL} are right")
    return found


def keywords(sentence):
    return {label: len(re.findall(pattern, sentence.lower())) for label, pattern in KEYWORDS.items()}


def easy(rows):
    """Accuracy of the keyword list (most hits win, no hit is none), and the share of hard negatives."""
    found = []
    for name, chosen in (("all", rows), ("test", [row for row in rows if row[0] == "test"])):
        right = 0
        for row in chosen:
            hits = keywords(row[3])
            guess = max(hits, key=hits.get) if any(hits.values()) else "none"
            right += guess == row[2]
        accuracy = right / max(len(chosen), 1)
        print(f"keyword list, {name}: accuracy {accuracy:.3f}")
        if accuracy >= KEYWORD_ACCURACY:
            found.append(f"a keyword list reaches {accuracy:.3f} on {name}; below {KEYWORD_ACCURACY} is right")
    none = [row for row in rows if row[2] == "none"]
    hard = sum(any(keywords(row[3]).values()) for row in none) / max(len(none), 1)
    print(f"hard negatives among none: {hard:.3f}")
    if hard < HARD_NEGATIVES:
        found.append(f"{hard:.3f} of none are hard negatives; at least {HARD_NEGATIVES} is right")
    return found


def check(rows):
    return near_copies(rows) + worn_openings(rows) + uneven(rows) + easy(rows)


def planted(rows):
    """(name, rows with one violation, words that a finding must hold)."""
    first = {part: next(row for row in rows if row[0] == part) for part in PARTS}
    copy = ("train", 9001) + first["train"][2:3] + (first["train"][3] + "!",)
    leak = ("train", 9002) + first["test"][2:]
    half = first["test"][3] + "".join(chr(0x3041 + i) for i in range(int(len(first["test"][3]) * 1.2)))
    opening = [("train", 9010 + i, "none", f"The maker of very good {noun}") for i, noun in enumerate(
        ("boots for ever", "pianos sings", "hats rests", "kites flies high", "jam boils", "clocks ticks on"))]
    opening = [(p, n, c, s.replace("good", "good and fine")) for p, n, c, s in opening]
    word = {"ipo": "IPO IPO IPO", "acquisition": "收购收购收购", "pivot": "pivot pivot pivot", "none": ""}
    told = [row[:3] + ((row[3] + word[row[2]]) if row[2] != "none" else f"{row[3][:9]} {row[1]} xyz",) for row in rows]
    soft = [row for row in rows if row[2] != "none" or not any(keywords(row[3]).values())]
    fewer = [row for row in rows if not (row[2] == "pivot" and language(row[3]) == "zh" and row[1] % 2)]
    return [("a copy", rows + [copy], "near copies"), ("a leak from test", rows + [leak], "over 0.4"),
            ("a leak of half a sentence", rows + [("train", 9003, "ipo", half)], "over 0.4"),
            ("a worn opening", rows + opening, "6 sentences open with"), ("too few of a class", fewer, "pivot zh"),
            ("a test row moved", [("train",) + row[1:] if row == first["test"] else row for row in rows], "399 sent"),
            ("give-away words", told, "a keyword list reaches"), ("no hard negatives", soft, "hard negatives")]


def self_test(folder):
    rows, found = read(folder)
    found += [f"the corpus as it is: {sentence}" for sentence in check(rows)]
    for name, changed, words in planted(rows):
        if not any(words in sentence for sentence in check(changed)):
            found.append(f"{name}: not caught")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.join(HERE, "..", ".."), help="top of the source tree")
    parser.add_argument("--self-test", action="store_true", help="plant violations and see them caught")
    options = parser.parse_args()
    folder = os.path.join(options.root, "examples", "data")
    if options.self_test:
        found = self_test(folder)
    else:
        rows, found = read(folder)
        found += check(rows)
    for sentence in found:
        print(sentence)
    print("ok" if not found else f"{len(found)} finding{'s' if len(found) > 1 else ''}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

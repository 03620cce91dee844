"""linear_peers.py: fastText, Vowpal Wabbit and scikit-learn as a careful user runs them on n-grams: what they are fitted
with, and how they are asked.

Texts come lower-cased and cut into tokens with spaces between (`tokens`); labels are numbers from 0. A peer's `fit` gives
a function from texts to labels; `grid` is what its setting is chosen from. Their packages are imported by who uses them.
"""
import re

CHINESE = ("thucnews_title", "waimai")


def tokens(text, characters=False):
    """Words and signs in lower case, or, for Chinese, every character by itself."""
    if characters:
        return " ".join(text.replace(" ", ""))
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


def write_fasttext(path, texts, labels):
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"__label__{label} {text}\n" for text, label in zip(texts, labels))


def write_vowpal(path, texts, labels):
    """Labels from 1; the two characters that mean something to Vowpal Wabbit become spaces."""
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"{label + 1} |t {text.replace(':', ' ').replace('|', ' ')}\n"
                       for text, label in zip(texts, labels))


def vowpal(arguments):
    """Runs Vowpal Wabbit from its creation to its end."""
    import vowpalwabbit
    vowpalwabbit.Workspace(f"{arguments} --quiet").finish()


class FastText:
    name = "fastText"

    def __init__(self, folder, characters, threads=2):
        self.folder, self.threads = folder, threads
        self.grid = [{"lr": lr, "wordNgrams": n} for lr in (0.1, 0.5, 1.0) for n in ((1, 2, 3) if characters else (1, 2))]

    def fit(self, texts, labels, _count, **setting):
        import fasttext
        path = self.folder / "fasttext.txt"
        write_fasttext(path, texts, labels)
        model = fasttext.train_supervised(str(path), dim=50, epoch=10, bucket=200000, thread=self.threads, verbose=0,
                                          **setting)
        return lambda asked: [int(found[0][len("__label__"):]) if found else -1 for found in model.predict(asked)[0]]


class VowpalWabbit:
    name = "Vowpal Wabbit"

    def __init__(self, folder, characters):
        self.folder = folder
        self.grid = [{"passes": passes, "ngram": n} for passes in (1, 3, 10)
                     for n in ((1, 2, 3) if characters else (1, 2))]

    def fit(self, texts, labels, count, passes, ngram):
        train, model = self.folder / "vowpal.train", self.folder / "vowpal.model"
        write_vowpal(train, texts, labels)
        vowpal(f"-d {train} --oaa {count} --loss_function logistic -b 22 --passes {passes} --holdout_off -c -k "
               f"--cache_file {self.folder / 'vowpal.cache'} -f {model}" + (f" --ngram t{ngram}" if ngram > 1 else ""))

        def predict(asked):
            path, out = self.folder / "vowpal.test", self.folder / "vowpal.labels"
            write_vowpal(path, asked, [0] * len(asked))
            vowpal(f"-d {path} -t -i {model} -p {out}")
            return [round(float(line.split()[0])) - 1 for line in out.read_text(encoding="ascii").splitlines()]
        return predict


class ScikitLearn:
    name = "scikit-learn"

    def __init__(self, _folder, characters):
        self.characters = characters
        self.grid = [{"kind": "logistic regression", "c": c} for c in (1, 10, 100)]
        self.grid += [{"kind": "linear SVM", "c": c} for c in (0.1, 1)]

    def fit(self, texts, labels, _count, kind, c):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC
        if self.characters:
            vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
        else:
            vectors = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True)
        model = LinearSVC(C=c) if kind == "linear SVM" else LogisticRegression(C=c, max_iter=300)
        model.fit(vectors.fit_transform(texts), labels)
        return lambda asked: [int(label) for label in model.predict(vectors.transform(asked))]


PEERS = (FastText, VowpalWabbit, ScikitLearn)


def accuracy(truth, found):
    return sum(a == b for a, b in zip(truth, found)) / len(truth)


def fit_patiently(peer, *arguments, **setting):
    """fastText ends now and then in numbers that are none, which depends on how its threads run: it is asked again."""
    for attempt in range(5):
        try:
            return peer.fit(*arguments, **setting)
        except RuntimeError:
            if attempt == 4:
                raise


def best_setting(peer, kept, held, count):
    """The setting of the grid that is best on held-out rows: (texts, labels) each -> (setting, accuracy there)"""
    scores = []
    for setting in peer.grid:
        try:
            scores.append(accuracy(held[1], peer.fit(*kept, count, **setting)(held[0])))
        except RuntimeError:  # see fit_patiently()
            scores.append(-1.0)
    best = max(range(len(scores)), key=scores.__getitem__)
    return peer.grid[best], scores[best]

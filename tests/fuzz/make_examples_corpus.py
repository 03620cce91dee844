#!/usr/bin/env python3
"""Writes corpus/examples/: bytes of encoded examples as seeds of fuzz_examples, one set for each of its models, with the
byte before them that chooses it, and some with a number that does not fit. Needs TEXTCLF_LIBRARY, the built library."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python"))
import textclf  # noqa: E402

FOLDER = HERE / "corpus" / "examples"
TEXTS = ["the good", "", "bad bad the film", "good"]
ANSWERS = {"classify": ["a", "b", None, "a"], "multilabel": [["a", "b"], [], ["b"], ["a", None]],
           "regress": [[1.0, -2.5], [0.0, 0.0], [3e30, 1.0], [0.5, 0.5]]}
FORMS = ({"arch": "lstm", "embedding_dim": 2, "hidden_dim": 2}, {"arch": "ngram", "embedding_dim": 0, "buckets": 64},
         {"arch": "ngram", "embedding_dim": 2, "buckets": 64})


def examples(form, task, count=None):
    config = textclf.Config(task=task, **form)
    model = textclf.Model(config, textclf.Vocabulary(config, ["the the the good good bad"]), ["a", "b"])
    made = textclf.Examples(model)
    made.add_batch(TEXTS[:count], **{"targets" if task == "regress" else "labels": ANSWERS[task][:count]},
                   weights=[1.0, 0.5, 0.0, 2.0][:count])
    return made.to_bytes()


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for number, form in enumerate(FORMS):
        for place, task in enumerate(ANSWERS):
            choice, data = 3 * number + place, examples(form, task)
            name = f"{('words', 'features', 'rows')[number]}_{task}"
            (FOLDER / name).write_bytes(bytes([0x80 | choice]) + data)
            (FOLDER / f"{name}_unmended").write_bytes(bytes([choice]) + data)
            for at in (32, 72, 80, 88, 96, 104, 128, 160, 176, len(data) - 1):
                (FOLDER / f"{name}_{at}").write_bytes(bytes([0x80 | choice]) + data[:at] + b"\xff" + data[at + 1:])
    none = examples(FORMS[1], "regress", 0)
    (FOLDER / "features_none").write_bytes(bytes([0x80 | 5]) + none)
    (FOLDER / "features_none_counts").write_bytes(bytes([0x80 | 5]) + none[:96] + b"\x01" + none[97:])
    (FOLDER / "empty").write_bytes(b"")
    (FOLDER / "short").write_bytes(b"\x80textclf.examples")


if __name__ == "__main__":
    main()

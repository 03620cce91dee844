"""check_compilers.py: gcc and clang, at -O1 and at -O3, build libraries that train one file and give the same scores.

Builds the library and the host four times into temporary folders; the host of the build at hand is compared too.
"""
import os
import shutil

import torture

COMPILERS = ("gcc", "clang")
LEVELS = ("-O1", "-O3")
DEEP = ("num_layers=2 bidirectional=true dropout=0.2 validation_split=0.15 epochs=2 batch_size=32 "
        "class_weights=balanced clip_norm=1")
RUNS = (
    DEEP + " threads=2",
    DEEP + " threads=1 accumulate_steps=2 max_isa=scalar",
    "hidden_dim=70 embedding_dim=33 pooling=mean optimizer=adamw weight_decay=0.01 schedule=cosine warmup_steps=2 "
    "epochs=2",
    "task=regress pooling=max optimizer=sgd momentum=0.9 validation_split=0.2 epochs=2",
    "task=multilabel optimizer=adagrad sparse_embedding=true epochs=2 validation_split=0.2",
    "arch=ngram embedding_dim=37 buckets=5000 threads=2 validation_split=0.2",
    "arch=ngram embedding_dim=100 buckets=5000 head=tree max_isa=scalar",
)


def build(source, folder, compiler, level):
    torture.run(["cmake", "-S", source, "-B", folder, "-DCMAKE_C_COMPILER=" + compiler, "-DCMAKE_BUILD_TYPE=Release",
                 "-DCMAKE_C_FLAGS_RELEASE=" + level, "-DTEXTCLF_EXAMPLES=OFF", "-DTEXTCLF_PROGRAM=OFF"]
                + (["-G", "Ninja"] if shutil.which("ninja") else []))
    torture.run(["cmake", "--build", folder, "-j", str(os.cpu_count()), "--target", "torture_host"])
    return os.path.join(folder, "tests", "torture", "torture_host")


def outcome(host, folder, settings):
    model = folder.file("model")
    scores = torture.run([host, "train", settings, "130", model])
    return torture.digest(model), scores


def main():
    options = torture.arguments(__doc__, "source", "host")
    missing = [compiler for compiler in COMPILERS if not shutil.which(compiler)]
    if missing:
        print(f"skipped: no {missing[0]} here")
        raise SystemExit(77)
    with torture.Folder() as folder:
        wanted = [outcome(options.host, folder, settings) for settings in RUNS]
        for compiler in COMPILERS:
            for level in LEVELS:
                host = build(options.source, folder.file(compiler + level), compiler, level)
                for settings, (file, scores) in zip(RUNS, wanted):
                    other_file, other_scores = outcome(host, folder, settings)
                    if other_file != file:
                        torture.fail(f"{compiler} {level}: {settings}: another model file")
                    if other_scores != scores:
                        torture.fail(f"{compiler} {level}: {settings}: other scores")


main()

"""check_tcmalloc.py: a process with libtcmalloc_minimal preloaded trains and predicts the same bits as one without."""
import glob
import os

import torture

PLACES = ("/usr/lib/*/libtcmalloc_minimal.so*", "/usr/lib*/libtcmalloc_minimal.so*",
          "/usr/local/lib/libtcmalloc_minimal.so*")


def main():
    options = torture.arguments(__doc__, "host")
    found = sorted(path for place in PLACES for path in glob.glob(place))
    if not found:
        print("skipped: no libtcmalloc_minimal here")
        raise SystemExit(77)
    preloaded = dict(os.environ, LD_PRELOAD=found[0])
    with torture.Folder() as folder:
        outcomes = []
        for environment in (None, preloaded):
            path = folder.file("model")
            train = [options.host, "train", "threads=2 num_layers=2 bidirectional=true epochs=2", "60", path]
            scores = torture.run(train, env=environment)
            one = torture.run([options.host, "predict", path, "a good film"], env=environment)
            outcomes.append((scores, one, torture.digest(path)))
        if outcomes[0] != outcomes[1]:
            torture.fail("with libtcmalloc_minimal the bits differ")
        torture.run([options.host, "all", folder.path], env=preloaded)


main()

"""check_killed_save.py: a process killed at 200 random moments while it saves leaves the old file or the new one."""
import os
import signal
import subprocess
import time

import torture

TRIALS = 200


def main():
    options = torture.arguments(__doc__, "host")
    random = torture.seeded(os.getpid())
    with torture.Folder() as folder:
        first, second, target = folder.file("first"), folder.file("second"), folder.file("target")
        for seed, path in (("1", first), ("2", second)):
            torture.run([options.host, "train", "hidden_dim=96 embedding_dim=64 epochs=1 seed=" + seed, "40", path])
        scores = {torture.digest(path): torture.run([options.host, "predict", path, "a good film"])
                  for path in (first, second)}
        torture.run(["cp", first, target])
        seen, midway = set(), 0
        for i in range(TRIALS):
            process = subprocess.Popen([options.host, "save", first, second, target], stdout=subprocess.PIPE, text=True)
            if process.stdout.readline() != "ready\n":
                torture.fail("the saving process did not begin")
            time.sleep(random.random() * 0.02)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            if process.returncode != -signal.SIGKILL:
                torture.fail(f"the saving process ended with {process.returncode}")
            left = [name for name in folder.names() if ".tmp-" in name]
            midway += len(left)
            for name in left:
                if not name.startswith(".target.tmp-"):
                    torture.fail(f"a temporary file of another name: {name}")
                if i % 2 == 0:  # else it stays and the next save must live with it
                    os.unlink(folder.file(name))
            found = torture.digest(target)
            if found not in scores:
                torture.fail(f"kill {i}: the target is neither the old file nor the new one")
            if found not in seen and torture.run([options.host, "predict", target, "a good film"]) != scores[found]:
                torture.fail(f"kill {i}: the target gives other scores")
            seen.add(found)
        print(f"{midway} of {TRIALS} kills left a temporary file; {len(seen)} of 2 files were found")
        if midway == 0 or len(seen) < 2:
            torture.fail("no kill came in the middle of a save: the moments are badly chosen")


main()

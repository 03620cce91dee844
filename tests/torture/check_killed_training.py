"""check_killed_training.py: a training on two threads, killed at 20 random moments and resumed, ends in the same file.

Every trial begins anew and is killed once, twice or three times before it may end; temporary files of killed saves may
stay behind, nothing else.
"""
import os
import signal
import subprocess
import time

import torture

TRIALS = 20
SETTINGS = ("threads=2 num_layers=2 bidirectional=true dropout=0.2 validation_split=0.2 batch_size=8 epochs=3 "
            "accumulate_steps=2")
TEXTS = "60"


def start(options, folder):
    return subprocess.Popen([options.host, "resume", SETTINGS, TEXTS, folder.file("checkpoint"), folder.file("model")],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process):
    output = process.communicate()[0]
    if process.returncode != 0:
        torture.fail(f"a resumed training ended with {process.returncode}: {output}")


def trial(options, moments, seconds):
    """The model's digest, how many kills came before the end, and at most how long a whole run takes: one that had
    ended when its kill came takes less than `seconds`, which were measured while more went on."""
    kills, at_most = 0, seconds
    with torture.Folder() as folder:
        for number, moment in enumerate(moments):
            process = start(options, folder)
            time.sleep(moment * seconds)
            process.send_signal(signal.SIGKILL)
            output = process.communicate()[0]
            if process.returncode not in (0, -signal.SIGKILL):
                torture.fail(f"killed at {moment:.3f} of the run, then resumed: ended with {process.returncode}: {output}")
            kills += process.returncode != 0
            if number == 0 and process.returncode == 0:
                at_most = moment * seconds
        finish(start(options, folder))
        for name in folder.names():
            if name not in ("checkpoint", "model") and ".tmp-" not in name:
                torture.fail(f"a file is left over: {name}")
        return torture.digest(folder.file("model")), kills, at_most


def main():
    options = torture.arguments(__doc__, "host")
    random = torture.seeded(os.getpid())
    with torture.Folder() as folder:
        torture.run([options.host, "train", SETTINGS, TEXTS, folder.file("wanted")])
        wanted = torture.digest(folder.file("wanted"))
        began = time.monotonic()
        finish(start(options, folder))
        seconds = time.monotonic() - began
        if torture.digest(folder.file("model")) != wanted:
            torture.fail("writing checkpoints changed the model")
    kills = 0
    for i in range(TRIALS):
        got, killed, seconds = trial(options, [random.random() for _ in range(1 + i % 3)], seconds)
        kills += killed
        if got != wanted:
            torture.fail(f"trial {i}: another model than that of the run that was never killed")
    print(f"{kills} kills in {TRIALS} trials of at most {seconds:.2f} s")
    if kills < TRIALS // 2:
        torture.fail("too few kills came before the end of the run")


main()

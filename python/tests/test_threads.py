"""test_threads.py: many threads on one model, Ctrl-C during fit, forked children, the interpreter's end."""
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from conftest import SMALL

from textclf import TextClassifier


def run_threads(count, work):
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as reason:  # noqa: B036: whatever it is, the test must see it
            failures.append(reason)
    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_eight_threads_predict_on_one_model(fitted, data):
    texts = data[0]
    expected = [list(row) for row in fitted.predict_proba(texts)]

    def work(number):
        for _ in range(20):
            assert [list(row) for row in fitted.predict_proba(texts)] == expected
            assert fitted.model_.predict(texts[number]) == list(map(float, expected[number]))
    run_threads(8, work)


def test_threads_predict_while_another_learns(data):
    classifier = TextClassifier(**SMALL).fit(*data)
    ended = threading.Event()

    def work(number):
        if number == 0:
            for _ in range(15):
                classifier.partial_fit(*data)
            ended.set()
        while not ended.is_set():
            rows = classifier.predict_proba(data[0][:20])
            assert all(abs(float(sum(row)) - 1) < 1e-5 for row in rows)
    run_threads(4, work)


def test_errors_belong_to_their_thread(fitted):
    from textclf import Config, OptionError

    def work(number):
        for _ in range(200):
            with pytest.raises(OptionError, match=f"key_{number}'"):
                Config(**{f"key_{number}": 1})
    run_threads(8, work)


def test_other_python_threads_go_on_during_a_call(data):
    """The interpreter lock is free while the library computes: a counter advances meanwhile."""
    ticks, ended = [0], threading.Event()

    def count():
        while not ended.is_set():
            ticks[0] += 1
            time.sleep(0.001)
    counter = threading.Thread(target=count)
    classifier = TextClassifier(**{**SMALL, "hidden_dim": 64, "embedding_dim": 64, "epochs": 1}).fit(*data)
    texts = [" ".join(data[0])] * 60
    counter.start()
    before = ticks[0]
    classifier.predict_proba(texts)  # one call of the library
    after = ticks[0]
    ended.set()
    counter.join()
    assert after > before


INTERRUPTED = """
    import os, signal, sys, threading, time
    sys.path.insert(0, {tests!r})
    from conftest import SMALL, sentences
    from textclf import TextClassifier
    texts, labels = sentences(300)
    classifier = TextClassifier(**dict(SMALL, epochs=1000000, validation_split={split}))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    fired = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    fired.start()
    try:
        classifier.fit(texts, labels)
    except KeyboardInterrupt:
        print("interrupted after", len(classifier.history_) > 0, round(classifier.score(texts, labels), 1))
"""


@pytest.mark.parametrize("split", [0, 0.2])
def test_ctrl_c_ends_between_steps_and_keeps_what_was_learned(split):
    script = textwrap.dedent(INTERRUPTED.format(tests=os.path.dirname(os.path.abspath(__file__)), split=split))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("interrupted after True"), done
    assert float(done.stdout.split()[-1]) >= 0.9, done
    assert done.returncode == 0, done


def test_ctrl_c_before_the_first_step_leaves_the_classifier_alone(data):
    classifier = TextClassifier(**SMALL)

    def texts():
        yield "a"
        signal.raise_signal(signal.SIGINT)
        yield "b"
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(texts(), ["x", "y"])
    assert not hasattr(classifier, "classes_")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_predicts(fitted):
    expected = [list(row) for row in fitted.predict_proba(["apple tin"])]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if [list(row) for row in fitted.predict_proba(["apple tin"])] == expected else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_interpreter_ends_with_objects_alive():
    script = textwrap.dedent("""
        from textclf import *
        config = Config(embedding_dim=4, hidden_dim=4)
        model = Model(config, Vocabulary(config, ["a b"]), ["x", "y"])
        examples = Examples(model)
        examples.add("a", "x")
        trainer = Trainer(model, config)
        batcher = Batcher(trainer, examples)
        me = [batcher]
        me.append(me)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done

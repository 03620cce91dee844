"""test_core.py: Config, Vocabulary, Model, Examples, Trainer and Batcher: the host's own loop, lifetimes, errors."""
import copy
import gc
import math
import pickle

import pytest
from conftest import SMALL, sentences

import textclf
from textclf import Batcher, Config, Examples, Model, Trainer, Vocabulary

LABELS = ["fruit", "metal", "river"]


def build(texts, labels=LABELS, **options):
    config = Config(**{**SMALL, **options})
    return config, Model(config, Vocabulary(config, texts), labels)


def filled(model, texts, labels):
    examples = Examples(model)
    for text, label in zip(texts, labels):
        examples.add(text, label)
    return examples


@pytest.mark.parametrize("tokenizer", ["wordpiece", "bpe"])
def test_pieces_of_words_are_learned_from_the_texts(data, tokenizer):
    _, model = build(data[0], tokenizer=tokenizer, vocab_size=270)
    assert model.info()["options"]["tokenizer"] == tokenizer
    again = pickle.loads(pickle.dumps(model))
    assert [again.predict(text) for text in data[0][:5]] == [model.predict(text) for text in data[0][:5]]


@pytest.fixture
def small(data):
    config, model = build(data[0])
    return config, model, filled(model, *data)


def test_a_loop_of_ones_own_learns(small):
    config, model, examples = small
    before = model.evaluate(examples)
    with Trainer(model, config) as trainer:
        for epoch in range(12):
            for first in range(0, len(examples), 9):
                step = trainer.step(examples, range(first, first + 9))
    after = model.evaluate(examples)
    assert step.step == 120 and step.learning_rate == pytest.approx(0.02) and step.gradient_norm > 0
    assert after.accuracy > 0.95 and after.loss < before.loss
    assert after.examples == 90 and sum(map(sum, after.confusion)) == 90
    assert set(after.labels) == set(LABELS) and after.labels["fruit"].support == 30
    assert math.isnan(after.mean_squared_error)


def test_backward_and_apply_are_a_step(data):
    models = []
    for way in ("step", "halves"):
        config, model = build(data[0])
        examples = filled(model, *data)
        with Trainer(model, config) as trainer:
            if way == "step":
                trainer.step(examples, range(8))
            else:
                trainer.backward(examples, range(8))
                assert trainer.apply().step == 1
        models.append(model.to_bytes())
    assert models[0] == models[1]


def test_batcher_runs_epochs_with_validation(small):
    config, model, examples = small
    config["validation_split"] = 0.2
    config["epochs"] = 3
    with Trainer(model, config) as trainer, Batcher(trainer, examples) as batcher:
        held_out = batcher.validation_rows()
        epochs = []
        while True:
            seen = []
            for batch in batcher:
                seen += batch.rows
                trainer.step(examples, batch.rows)
            assert sorted(seen + held_out) == list(range(90))
            epochs.append(batcher.finish_epoch())
            if epochs[-1].finished:
                break
        batcher.restore_best()
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert len(held_out) == 18 and epochs[-1].best_epoch in (1, 2, 3)
    assert epochs[0].improved and 0 <= epochs[0].validation_score <= 1


def test_a_stale_batch_is_the_rows_that_it_lists(small):
    config, model, examples = small
    with Trainer(model, config) as trainer, Batcher(trainer, examples) as batcher:
        old = batcher.next()
        assert batcher.next().rows == old.rows  # not trained on yet: it comes again
        old = batcher.next()
        trainer.step(examples, old.rows)
        new = batcher.next()
        assert new.position == 2 and new.rows != old.rows
        assert trainer.step(examples, old.rows).tokens == sum(map(examples.tokens, old.rows))
        again = batcher.next()
        assert again.rows == new.rows
        trainer.backward(examples, again.rows)
        assert batcher.next().position == 3


def test_epoch_without_validation_has_no_figures(small):
    config, model, examples = small
    with Trainer(model, config) as trainer, Batcher(trainer, examples) as batcher:
        for batch in batcher:
            trainer.step(examples, batch.rows)
        epoch = batcher.finish_epoch()
    assert epoch.validation_loss is None and epoch.best_score is None and not epoch.finished


def test_finish_epoch_refuses_while_batches_are_left(small):
    config, model, examples = small
    with Trainer(model, config) as trainer, Batcher(trainer, examples) as batcher:
        batcher.next()
        with pytest.raises(textclf.StateError):
            batcher.finish_epoch()


def test_resumed_checkpoint_ends_in_the_same_bytes(data, tmp_path):
    def run(stop):
        config, model = build(data[0])
        examples = filled(model, *data)
        trainer = Trainer(model, config)
        for number in range(6):
            if number == stop:
                trainer.save(tmp_path / "check.safetensors")
                trainer.close()
                trainer = Trainer.load(tmp_path / "check.safetensors")
                examples = filled(trainer.model, *data)
            trainer.step(examples, range(number, 80, 7))
        with trainer:
            return trainer.model.to_bytes()
    assert run(stop=3) == run(stop=None)


def test_second_trainer_is_busy(small):
    config, model, _ = small
    with Trainer(model, config):
        with pytest.raises(textclf.BusyError):
            Trainer(model, config)
    Trainer(model, config).close()


def test_examples_of_another_pipeline_are_a_mismatch(data, small):
    config, model, _ = small
    other = filled(build(data[0], tokenizer="char")[1], *data)
    with pytest.raises(textclf.MismatchError):
        model.evaluate(other)


def test_prediction_alone_and_in_a_batch_is_the_same(fitted, data):
    model = fitted.model_
    batch = model.predict_batch(data[0])
    for text, row in zip(data[0][:10], batch):
        assert model.predict(text) == list(map(float, row))
    with filled(model, *data) as examples:
        assert [list(row) for row in model.predict_examples(examples)] == [list(row) for row in batch]
        assert list(model.predict_examples(examples, [4])[0]) == list(batch[4])


def test_batches_longer_than_one_call(fitted, data):
    texts = (data[0] * 30)[:2500]
    rows = fitted.model_.predict_batch(texts)
    assert len(rows) == 2500 and list(rows[2499]) == list(rows[2499 % 90])


def test_no_texts_give_no_rows(fitted):
    assert len(fitted.model_.predict_batch([])) == 0


def test_details_say_that_a_text_was_cut(data):
    _, model = build(data[0], max_length=4)
    details = model.predict_details("apple pear plum cherry iron zinc")
    assert (details.tokens, details.tokens_used) == (6, 4)
    assert details.scores == model.predict("apple pear plum cherry") and len(details.logits) == 3


def test_encode_gives_ids_and_byte_ranges(fitted):
    ids, ranges = fitted.model_.encode("苹果 xyzzy tin")
    assert len(ids) == len(ranges) == 4 and ids[2] == 0
    assert ranges == [(0, 3), (3, 6), (7, 12), (13, 16)]
    assert fitted.model_.encode("") == ([], [])


def test_model_says_what_it_is(fitted):
    model = fitted.model_
    assert model.labels == tuple(LABELS)
    assert model.option("hidden_dim") == 8 and model.option("loss") == "cross_entropy"
    assert isinstance(model.info(), dict) and "fruit" in str(model.info())


def test_long_texts_of_the_library_come_whole(data):
    labels = [f"a rather long label, number {number}" for number in range(300)]
    _, model = build(data[0], labels)
    assert model.labels == tuple(labels) and labels[-1] in str(model.info())


def test_file_and_memory_are_the_same(fitted, model_file):
    data = model_file.read_bytes()
    assert data == fitted.model_.to_bytes()
    for model in (Model.load(model_file), Model.load(str(model_file), mapped=True), Model.from_bytes(data)):
        with model:
            assert model.predict("apple tin") == fitted.model_.predict("apple tin")


def test_weights_come_from_another_file(data, fitted, model_file):
    _, model = build(data[0])
    assert model.predict("apple") != fitted.model_.predict("apple")
    model.load_weights(model_file)
    assert model.predict("apple") == fitted.model_.predict("apple")


def test_copies_are_models_of_their_own(fitted):
    for model in (fitted.model_.clone(), copy.deepcopy(fitted.model_), pickle.loads(pickle.dumps(fitted.model_))):
        assert model.predict("iron") == fitted.model_.predict("iron")
        model.close()
    assert fitted.model_.predict("iron")


def test_damaged_file_is_a_checksum_error(model_file, tmp_path):
    data = bytearray(model_file.read_bytes())
    data[-3] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises(textclf.ChecksumError) as caught:
        Model.load(tmp_path / "damaged")
    assert isinstance(caught.value, (textclf.Error, ValueError)) and len(str(caught.value)) > 10


def test_missing_file_is_an_os_error_that_names_it(tmp_path):
    with pytest.raises(OSError, match="nowhere.bin") as caught:
        Model.load(tmp_path / "nowhere.bin")
    assert isinstance(caught.value, textclf.FileError)


def test_limits_hold(model_file):
    with Config(max_file_bytes=100) as config, pytest.raises(textclf.LimitError):
        Model.load(model_file, config)


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(textclf.OptionError("a sentence")))
    assert (str(error), error.status) == ("a sentence", 2)


def test_labels_are_checked():
    with Config(**SMALL) as config, Vocabulary(config, ["a"]) as words:
        assert len(words) == 1
        for labels in (["a", "a"], ["", "b"], ["a\tb", "c"], []):
            with pytest.raises(textclf.Error):
                Model(config, words, labels)
        with pytest.raises(ValueError, match="NUL"):
            Model(config, words, ["a\0", "b"])


def test_strict_utf8_names_the_byte(data):
    _, model = build(data[0], strict_utf8=True)
    with pytest.raises(textclf.EncodingError, match="3"):
        model.predict(b"abc\xff")
    with pytest.raises(textclf.EncodingError):
        model.predict("abc\ud800")


def test_lone_surrogates_and_nul_are_texts(fitted):
    assert fitted.model_.predict("tin \ud800") == fitted.model_.predict("tin \ufffd\ufffd\ufffd")
    assert fitted.model_.predict("apple\0 tin") != fitted.model_.predict("apple")


def test_a_closed_object_says_so(data):
    config, model = build(data[0])
    model.close()
    model.close()
    assert model.closed
    with pytest.raises(ValueError, match="Model is closed"):
        model.predict("a")
    with config:
        pass
    with pytest.raises(ValueError, match="Config is closed"):
        config.get("seed")


def test_closing_a_trainer_closes_its_batcher_first(small):
    config, model, examples = small
    trainer = Trainer(model, config)
    batcher = Batcher(trainer, examples)
    trainer.close()
    assert batcher.closed
    with pytest.raises(ValueError, match="closed"):
        batcher.next()


def test_objects_in_a_cycle_are_freed_in_order(data):
    for _ in range(5):
        config, model = build(data[0])
        trainer = Trainer(model, config)
        batcher = Batcher(trainer, filled(model, *data))
        trainer.cycle, batcher.cycle = batcher, trainer
        del config, model, trainer, batcher
    gc.collect()


def test_rows_out_of_range_are_refused(small):
    config, model, examples = small
    with Trainer(model, config) as trainer:
        with pytest.raises(textclf.ArgumentError, match="90"):
            trainer.step(examples, [0, 90])
        with pytest.raises(ValueError, match="-1"):
            trainer.step(examples, [0, -1])
    assert examples.tokens(0) > 0


def test_handles_of_another_type_are_refused(small):
    config, model, _ = small
    with pytest.raises(Exception, match="tc_model"):
        Examples(config)


def test_unknown_label_counts_as_wrong_and_is_not_trained_on(data):
    config, model = build(data[0])
    examples = filled(model, ["apple", "tin"], ["fruit", "cheese"])
    result = model.evaluate(examples)
    assert (result.examples, result.unknown_labels) == (2, 1)
    with Trainer(model, config) as trainer, pytest.raises(textclf.Error):
        trainer.step(examples, [0, 1])


def test_sentences_are_balanced():
    texts, labels = sentences(30)
    assert len(texts) == 30 and all(labels.count(label) == 10 for label in LABELS)

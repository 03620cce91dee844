/* labels: quick
 * AdaGrad on models of n-grams as a stream: what fails and is tried again, what stops and goes on, from where it was or
 * from another training. */
#include "support/ngram_fixture.h"

#include "api/handles.h"
#include "support/failing.h"

/* Every allocation of counting and stepping fails once, and works when it is tried again. */
static void steps_that_fail_for_memory_are_taken_the_next_time(void **state)
{
    (void)state;
    ngram_fixture wanted = {.config = NULL};
    size_t wanted_size = 0;
    ngram_set_up(&wanted, "", 3);
    size_t counted[3] = {0, 1, 2};
    assert_ok(tci_trainer_count(wanted.trainer, wanted.examples, counted, 3));
    for (size_t i = 0; i < NGRAM_BATCHES; i++)
        assert_ok(ngram_try_step(&wanted, i));
    char *wanted_bytes = ngram_checkpoint(&wanted, &wanted_size);
    for (long n = 0;; n++) {
        test_allocator allocator;
        size_t after_size = 0;
        test_allocator_init(&allocator, TEST_NEVER, false);
        const tc_allocator memory = test_allocator_host(&allocator);
        ngram_fixture f = {.memory = &memory};
        ngram_set_up(&f, "", 3);
        allocator.fail_at = allocator.calls + n;
        if (tci_trainer_count(f.trainer, f.examples, counted, 3) != TC_OK)
            assert_ok(tci_trainer_count(f.trainer, f.examples, counted, 3));
        for (size_t i = 0; i < NGRAM_BATCHES; i++) {
            bool failed = allocator.failed;
            if (ngram_try_step(&f, i) == TC_OK)
                continue;
            assert_true(allocator.failed && !failed);
            assert_ok(ngram_try_step(&f, i));
        }
        allocator.fail_at = TEST_NEVER;
        bool failed = allocator.failed;
        char *bytes = ngram_checkpoint(&f, &after_size);
        assert_int_equal(after_size, wanted_size);
        assert_memory_equal(bytes, wanted_bytes, wanted_size);
        free(bytes);
        ngram_tear_down(&f);
        assert_nothing_held(&allocator);
        if (!failed)
            break;
        assert_true(n < 1000);
    }
    free(wanted_bytes);
    ngram_tear_down(&wanted);
}

static void memory_is_bounded_and_what_passes_it_changes_nothing(void **state)
{
    (void)state;
    ngram_fixture f = {.config = NULL};
    char text[4096];
    size_t length = 0, before_size = 0, after_size = 0;
    ngram_set_up(&f, "", 3);
    assert_ok(ngram_try_step(&f, 0));
    for (uint32_t k = 0; k < 400; k++)
        length += (size_t)snprintf(text + length, sizeof text - length, "w%x ", k * 2654435761u);
    assert_ok(tci_examples_add(f.examples, text, length, &(tci_truth){ngram_labels, NULL, 1}, 1));
    char *before = ngram_checkpoint(&f, &before_size);
    f.trainer->memory.limit = atomic_load(&f.trainer->memory.used) + 1000;
    assert_int_equal(tc_train_step(f.trainer, f.examples, (const size_t[]){NGRAM_TEXTS}, 1, NULL), TC_ERROR_LIMIT);
    f.trainer->memory.limit = 0;
    f.model->memory.limit = atomic_load(&f.model->memory.used) + 100;
    assert_int_equal(tc_train_step(f.trainer, f.examples, (const size_t[]){NGRAM_TEXTS}, 1, NULL), TC_ERROR_LIMIT);
    f.model->memory.limit = 0;
    char *after = ngram_checkpoint(&f, &after_size);
    ngram_check_same((uint8_t *)before, before_size, (uint8_t *)after, after_size);
    assert_ok(tc_train_step(f.trainer, f.examples, (const size_t[]){NGRAM_TEXTS}, 1, NULL));
    ngram_tear_down(&f);
}

/* ---- going on ---- */

static void resume(ngram_fixture *f)
{
    test_folder folder;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(tc_trainer_save(f->trainer, path));
    tc_trainer_free(f->trainer);
    tc_model_free(f->model);
    assert_ok(tc_trainer_load(path, f->config, &f->model, &f->trainer));
    test_folder_remove(&folder);
}

static void a_stream_resumes_with_the_same_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        ngram_fixture straight = {.config = NULL}, resumed = straight;
        size_t straight_size = 0, resumed_size = 0, counted[3] = {0, 1, 2};
        ngram_set_up(&straight, "schedule=cosine total_steps=6 warmup_steps=1", 3);
        ngram_set_up(&resumed, "schedule=cosine total_steps=6 warmup_steps=1", 3);
        if (k == 1) {
            assert_ok(tci_trainer_count(straight.trainer, straight.examples, counted, 3));
            assert_ok(tci_trainer_count(resumed.trainer, resumed.examples, counted, 3));
            resume(&resumed); /* before the first step */
        }
        for (size_t i = 0; i < NGRAM_BATCHES; i++) {
            assert_ok(ngram_try_step(&straight, i));
            assert_ok(ngram_try_step(&resumed, i));
            resume(&resumed);
        }
        assert_int_equal(tc_trainer_count(resumed.trainer, resumed.examples), TC_ERROR_STATE);
        char *wanted = ngram_checkpoint(&straight, &straight_size), *got = ngram_checkpoint(&resumed, &resumed_size);
        ngram_check_same((uint8_t *)got, resumed_size, (uint8_t *)wanted, straight_size);
        ngram_tear_down(&straight);
        ngram_tear_down(&resumed);
    }
}

/* Weights times the scale and bias times it plus the shift give the same logits. */
static void a_calibrated_model_is_trained_on_as_if_it_were_none(void **state)
{
    (void)state;
    const float a = 4.0f, shift = 0.5f;
    ngram_fixture folded = {.config = NULL}, calibrated = folded;
    ngram_set_up(&folded, "", 3);
    ngram_set_up(&calibrated, "", 3);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(ngram_try_step(&folded, i));
        assert_ok(ngram_try_step(&calibrated, i));
    }
    tci_parameters *parameters = &calibrated.model->network->parameters;
    float *values = parameters->values + parameters->tensors[TCI_NGRAM_WEIGHT].offset;
    for (size_t i = 0; i < parameters->tensors[TCI_NGRAM_WEIGHT].count; i++)
        values[i] /= a;
    for (size_t c = 0; c < 3; c++)
        parameters->values[parameters->tensors[TCI_NGRAM_BIAS].offset + c] =
            (parameters->values[parameters->tensors[TCI_NGRAM_BIAS].offset + c] - shift) / a;
    parameters->values[parameters->tensors[TCI_NGRAM_CALIBRATION].offset] = a;
    parameters->values[parameters->tensors[TCI_NGRAM_CALIBRATION].offset + 1] = shift;
    for (size_t i = 2; i < NGRAM_BATCHES; i++) {
        assert_ok(ngram_try_step(&folded, i));
        assert_ok(ngram_try_step(&calibrated, i));
    }
    for (size_t i = 0; i < NGRAM_TEXTS; i++) {
        float wanted[3], got[3];
        size_t count = 0;
        assert_ok(tc_predict(folded.model, ngram_texts[i], strlen(ngram_texts[i]), 3, wanted, &count));
        assert_ok(tc_predict(calibrated.model, ngram_texts[i], strlen(ngram_texts[i]), 3, got, &count));
        assert_all_close(got, wanted, 3, 1e-5);
    }
    ngram_tear_down(&folded);
    ngram_tear_down(&calibrated);
}

static void a_model_of_dcd_goes_on(void **state)
{
    (void)state;
    ngram_fixture f = {.config = NULL};
    float before[3], after[3];
    size_t count = 0;
    ngram_set_up(&f, "", 3);
    tc_trainer_free(f.trainer);
    assert_ok(tc_config_set(f.config, "optimizer", "dcd"));
    assert_ok(tc_trainer_create(f.model, f.config, &f.trainer));
    assert_ok(tc_trainer_count(f.trainer, f.examples));
    for (size_t i = 0; i < NGRAM_BATCHES; i++)
        assert_ok(ngram_try_step(&f, i));
    tc_trainer_free(f.trainer);
    assert_ok(tc_predict(f.model, ngram_texts[3], strlen(ngram_texts[3]), 3, before, &count));
    assert_ok(tc_config_set(f.config, "optimizer", "adagrad"));
    assert_ok(tc_trainer_create(f.model, f.config, &f.trainer));
    assert_int_equal(f.model->options.loss, TCI_LOSS_BCE);
    assert_true(f.model->options.learning_rate == 0.05 && f.model->options.epochs == 5);
    assert_ok(tc_predict(f.model, ngram_texts[3], strlen(ngram_texts[3]), 3, after, &count));
    assert_memory_equal(before, after, sizeof before);
    tc_step first = TC_STEP_INIT, last = TC_STEP_INIT;
    for (size_t i = 0; i < 3 * NGRAM_BATCHES; i++)
        assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[i % NGRAM_BATCHES], 4, i == 0 ? &first : NULL));
    assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[0], 4, &last));
    assert_true(last.loss < first.loss);
    ngram_tear_down(&f);
}

static void best_weights_wait_while_features_come(void **state)
{
    (void)state;
    ngram_fixture f = {.config = NULL};
    tc_batcher *batcher = NULL;
    tc_examples *others = NULL;
    tc_epoch epoch = TC_EPOCH_INIT;
    float best[3], now[3];
    size_t count = 0;
    ngram_set_up(&f, "epochs=2", 3);
    assert_ok(tc_examples_create(f.model, &others));
    for (uint32_t i = 0; i < 4; i++)
        assert_ok(tc_examples_add_label(others, ngram_texts[i], strlen(ngram_texts[i]), ngram_labels[i], 1));
    assert_ok(tc_batcher_create(f.trainer, others, others, &batcher));
    assert_ok(tc_train_step(f.trainer, others, (const size_t[]){0, 1, 2, 3}, 4, NULL));
    tc_batch batch = TC_BATCH_INIT;
    assert_ok(tc_batcher_next(batcher, &batch));
    assert_ok(tc_train_step(f.trainer, others, batch.rows, batch.row_count, NULL));
    assert_ok(tc_batcher_finish_epoch(batcher, &epoch));
    assert_ok(tc_predict(f.model, ngram_texts[1], strlen(ngram_texts[1]), 3, best, &count));
    for (size_t i = 1; i < NGRAM_BATCHES; i++) {
        assert_ok(ngram_try_step(&f, i));
        tci_model_settle(f.model);
    }
    assert_ok(tc_predict(f.model, ngram_texts[1], strlen(ngram_texts[1]), 3, now, &count));
    assert_true(now[0] != best[0]);
    assert_ok(tc_batcher_restore_best(batcher));
    assert_ok(tc_predict(f.model, ngram_texts[1], strlen(ngram_texts[1]), 3, now, &count));
    assert_memory_equal(best, now, sizeof best);
    tc_batcher_free(batcher);
    tc_examples_free(others);
    ngram_tear_down(&f);
}

static void what_does_not_apply_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *part;
        size_t labels;
        tc_status status;
    } cases[] = {
        {"optimizer", "adam", "dcd or adagrad, not by adam", 3, TC_ERROR_UNSUPPORTED},
        {"weight_decay", "0.1", "weight_decay", 3, TC_ERROR_OPTION},
        {"loss", "bce", "takes cross_entropy", 2, TC_ERROR_OPTION},
        {"loss", "mse", "cross_entropy or bce", 3, TC_ERROR_OPTION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ngram_fixture f = {.config = NULL};
        ngram_set_up(&f, "", cases[i].labels);
        tc_trainer_free(f.trainer);
        assert_ok(tc_config_set(f.config, cases[i].key, cases[i].value));
        assert_int_equal(tc_trainer_create(f.model, f.config, &f.trainer), cases[i].status);
        assert_contains(tc_last_error(), cases[i].part);
        ngram_tear_down(&f);
    }
    ngram_fixture f = {.config = NULL};
    ngram_set_up(&f, "schedule=linear", 3);
    assert_int_equal(ngram_try_step(&f, 0), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "total_steps");
    tc_trainer_free(f.trainer);
    tci_parameters *parameters = &f.model->network->parameters;
    parameters->values[parameters->tensors[TCI_NGRAM_CALIBRATION].offset] = -1;
    assert_int_equal(tc_trainer_create(f.model, f.config, &f.trainer), TC_ERROR_NUMERIC);
    ngram_tear_down(&f);
}

static void dcd_has_no_gradients_and_names_who_has(void **state)
{
    (void)state;
    ngram_fixture f = {.config = NULL};
    const size_t rows[] = {0, 1};
    ngram_set_up(&f, "", 3);
    tc_trainer_free(f.trainer);
    assert_ok(tc_config_set(f.config, "optimizer", "dcd"));
    assert_ok(tc_trainer_create(f.model, f.config, &f.trainer));
    assert_int_equal(tc_trainer_backward(f.trainer, f.examples, rows, 2, NULL), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "adagrad");
    assert_int_equal(tc_trainer_apply(f.trainer, NULL), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "adagrad");
    ngram_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_that_fail_for_memory_are_taken_the_next_time),
        cmocka_unit_test(memory_is_bounded_and_what_passes_it_changes_nothing),
        cmocka_unit_test(a_stream_resumes_with_the_same_bits),
        cmocka_unit_test(a_calibrated_model_is_trained_on_as_if_it_were_none),
        cmocka_unit_test(a_model_of_dcd_goes_on),
        cmocka_unit_test(best_weights_wait_while_features_come),
        cmocka_unit_test(what_does_not_apply_is_refused_by_name),
        cmocka_unit_test(dcd_has_no_gradients_and_names_who_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

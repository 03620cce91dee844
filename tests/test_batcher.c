/* Epochs: batches, validation, the best weights, patience, and what a failed step leaves. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "support/small_host.h"
#include "support/story.h"
#include "train/batcher.h"

#define TEXTS 50

static size_t validation_rows(const host *h, const size_t **rows)
{
    size_t count = 0;
    assert_ok(tc_batcher_validation_rows(h->batcher, rows, &count));
    return count;
}

static void an_epoch_hands_out_every_row_that_is_not_held_out_once(void **state)
{
    host h;
    tc_batch batch = TC_BATCH_INIT;
    const size_t *held = NULL;
    (void)state;
    assert_ok(host_begin(&h, NULL, "validation_split=0.2 batch_size=12 epochs=2", TEXTS));
    size_t held_count = validation_rows(&h, &held);
    assert_int_equal(held_count, 10);
    for (uint64_t epoch = 1; epoch <= 2; epoch++) {
        size_t seen[TEXTS] = {0};
        for (uint64_t position = 1; position <= 4; position++) {
            assert_ok(tc_batcher_next(h.batcher, &batch));
            assert_int_equal(batch.epoch, epoch);
            assert_int_equal(batch.position, position);
            assert_int_equal(batch.batches, 4);
            assert_int_equal(batch.row_count, position < 4 ? 12 : 4);
            for (size_t i = 0; i < batch.row_count; i++)
                seen[batch.rows[i]]++;
            assert_ok(tc_train_step(h.trainer, h.examples, batch.rows, batch.row_count, NULL));
        }
        for (size_t i = 0; i < held_count; i++)
            assert_int_equal(seen[held[i]]++, 0);
        for (size_t i = 0; i < TEXTS; i++)
            assert_int_equal(seen[i], 1);
        assert_ok(tc_batcher_next(h.batcher, &batch));
        assert_int_equal(batch.row_count, 0);
        assert_ok(tc_batcher_finish_epoch(h.batcher, &h.epoch));
        assert_int_equal(h.epoch.epoch, epoch);
        assert_int_equal(h.epoch.finished, epoch == 2);
    }
    assert_int_equal(tc_batcher_next(h.batcher, &batch), TC_ERROR_STATE);
    host_end(&h);
}

static void a_batch_comes_again_until_it_has_been_trained_on(void **state)
{
    host h;
    tc_batch batch = TC_BATCH_INIT, again = TC_BATCH_INIT;
    (void)state;
    assert_ok(host_begin(&h, NULL, "batch_size=8", TEXTS));
    assert_ok(tc_batcher_next(h.batcher, &batch));
    assert_ok(tc_batcher_next(h.batcher, &again));
    assert_ptr_equal(batch.rows, again.rows);
    assert_int_equal(again.position, 1);
    const size_t others[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    assert_ok(tc_train_step(h.trainer, h.examples, others, 8, NULL)); /* the host's own rows are no batch of an epoch */
    assert_ok(tc_batcher_next(h.batcher, &again));
    assert_int_equal(again.position, 1);
    size_t copy[8];
    memcpy(copy, batch.rows, sizeof copy);
    assert_ok(tc_train_step(h.trainer, h.examples, copy, 8, NULL)); /* a copy of the batch is the batch */
    assert_ok(tc_batcher_next(h.batcher, &again));
    assert_int_equal(again.position, 2);
    assert_ok(tc_trainer_backward(h.trainer, h.examples, again.rows, again.row_count, NULL));
    assert_ok(tc_trainer_backward(h.trainer, h.examples, again.rows, again.row_count, NULL)); /* and once is enough */
    assert_ok(tc_batcher_next(h.batcher, &again));
    assert_int_equal(again.position, 3);
    host_end(&h);
}

static void an_epoch_ends_only_with_its_last_batch_applied(void **state)
{
    host h;
    tc_batch batch = TC_BATCH_INIT;
    tc_step step = TC_STEP_INIT;
    (void)state;
    assert_ok(host_begin(&h, NULL, "batch_size=20 accumulate_steps=2", TEXTS));
    assert_int_equal(tc_batcher_finish_epoch(h.batcher, &h.epoch), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "3 batches");
    for (int i = 0; i < 2; i++) {
        assert_ok(tc_batcher_next(h.batcher, &batch));
        assert_ok(tc_train_step(h.trainer, h.examples, batch.rows, batch.row_count, &step));
    }
    assert_int_equal(step.step, 1);
    assert_ok(tc_batcher_next(h.batcher, &batch));
    assert_int_equal(tc_batcher_finish_epoch(h.batcher, &h.epoch), TC_ERROR_STATE);
    assert_ok(tc_train_step(h.trainer, h.examples, batch.rows, batch.row_count, &step));
    assert_int_equal(step.step, 2); /* one batch only, but the epoch's last */
    assert_ok(tc_batcher_finish_epoch(h.batcher, &h.epoch));

    for (int i = 0; i < 3; i++) { /* a host that gathers by itself applies by itself */
        assert_ok(tc_batcher_next(h.batcher, &batch));
        assert_ok(tc_trainer_backward(h.trainer, h.examples, batch.rows, batch.row_count, &step));
    }
    assert_int_equal(tc_batcher_finish_epoch(h.batcher, &h.epoch), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "tc_trainer_apply");
    assert_ok(tc_trainer_apply(h.trainer, &step));
    assert_ok(tc_batcher_finish_epoch(h.batcher, &h.epoch));
    host_end(&h);
}

static void batches_whose_apply_failed_come_again(void **state)
{
    host h, whole;
    tc_batch first = TC_BATCH_INIT, batch = TC_BATCH_INIT;
    (void)state;
    assert_ok(host_begin(&h, NULL, "batch_size=20 accumulate_steps=2 epochs=1", TEXTS));
    assert_ok(tc_batcher_next(h.batcher, &first));
    assert_ok(tc_train_step(h.trainer, h.examples, first.rows, first.row_count, NULL));
    assert_ok(tc_batcher_next(h.batcher, &batch));
    assert_int_equal(batch.position, 2);
    const tci_tensor_info *bias = tci_parameters_find(&h.model->network->parameters, "fc.bias");
    h.trainer->gradients.values[bias->offset] = INFINITY;
    assert_int_equal(tc_train_step(h.trainer, h.examples, batch.rows, batch.row_count, NULL), TC_ERROR_NUMERIC);
    assert_ok(tc_batcher_next(h.batcher, &batch));
    assert_int_equal(batch.position, 1);
    assert_ptr_equal(batch.rows, first.rows);
    while (!h.over)
        assert_ok(host_advance(&h));
    /* and the epoch is one in which nothing failed */
    assert_ok(host_begin(&whole, NULL, "batch_size=20 accumulate_steps=2 epochs=1", TEXTS));
    while (!whole.over)
        assert_ok(host_advance(&whole));
    assert_true(h.epoch.loss == whole.epoch.loss);
    assert_int_equal(h.epoch.tokens, whole.epoch.tokens);
    const tci_parameters *a = &h.model->network->parameters, *b = &whole.model->network->parameters;
    assert_memory_equal(a->values, b->values, a->size * sizeof *a->values);
    host_end(&h);
    host_end(&whole);
}

static void the_loss_of_an_epoch_is_the_mean_over_its_batches(void **state)
{
    host h;
    tc_batch batch = TC_BATCH_INIT;
    double sum = 0.0, weight = 0.0;
    uint64_t tokens = 0;
    (void)state;
    assert_ok(host_begin(&h, NULL, "batch_size=16 epochs=1", TEXTS));
    for (;;) {
        tc_step step = TC_STEP_INIT;
        assert_ok(tc_batcher_next(h.batcher, &batch));
        if (batch.row_count == 0)
            break;
        assert_ok(tc_train_step(h.trainer, h.examples, batch.rows, batch.row_count, &step));
        sum += step.loss * step.weight;
        weight += step.weight;
        tokens += step.tokens;
    }
    assert_ok(tc_batcher_finish_epoch(h.batcher, &h.epoch));
    assert_close(h.epoch.loss, sum / weight, 1e-12);
    assert_int_equal(h.epoch.tokens, tokens);
    assert_int_equal(h.epoch.validated, 0);
    assert_int_equal(h.epoch.best_epoch, 0);
    host_end(&h);
}

/* ---- the best epoch ---- */

/* Ends an epoch in which nothing was learned, against a best one with these figures. */
static bool improves(const char *settings, double score, double loss)
{
    host h;
    tc_batch batch = TC_BATCH_INIT;
    char all[160];
    (void)snprintf(all, sizeof all, "validation_split=0.5 batch_size=64 epochs=9 learning_rate=1e-30 %s", settings);
    assert_ok(host_begin(&h, NULL, all, TEXTS));
    assert_ok(host_advance(&h));
    assert_ok(host_advance(&h));
    assert_int_equal(h.epoch.validated, 1);
    assert_int_equal(h.epoch.improved, 1); /* the first always */
    h.trainer->progress.best_score = h.epoch.validation_score + score;
    h.trainer->progress.best_loss = h.epoch.validation_loss + loss;
    assert_ok(host_advance(&h));
    assert_ok(tc_batcher_next(h.batcher, &batch));
    assert_ok(tc_batcher_finish_epoch(h.batcher, &h.epoch));
    bool improved = h.epoch.improved != 0;
    assert_int_equal(h.epoch.best_epoch, improved ? 2 : 1);
    host_end(&h);
    return improved;
}

static void the_higher_score_wins_then_the_lower_loss_then_the_earlier_epoch(void **state)
{
    (void)state;
    assert_true(improves("", -0.1, -1.0));
    assert_false(improves("", 0.1, 1.0));
    assert_true(improves("", 0.0, 1e-9));
    assert_false(improves("", 0.0, -1e-9));
    assert_false(improves("", 0.0, 0.0));
    assert_true(improves("task=multilabel", -0.1, -1.0));
    assert_false(improves("task=multilabel", 0.1, 1.0));
    assert_true(improves("task=regress", 0.1, -1.0)); /* of squared errors the lower */
    assert_false(improves("task=regress", -0.1, 1.0));
}

static void the_score_is_the_evaluation_of_the_held_out_rows(void **state)
{
    static const char *const tasks[] = {"classify", "multilabel", "regress"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        host h;
        char settings[96];
        const size_t *held = NULL;
        tc_evaluation evaluation = TC_EVALUATION_INIT;
        (void)snprintf(settings, sizeof settings, "validation_split=0.4 epochs=1 task=%s", tasks[i]);
        assert_ok(host_begin(&h, NULL, settings, TEXTS));
        while (!h.over)
            assert_ok(host_advance(&h));
        size_t count = validation_rows(&h, &held);
        assert_ok(tc_evaluate(h.model, h.examples, held, count, &evaluation));
        double scores[] = {evaluation.accuracy, evaluation.micro_f1, evaluation.mean_squared_error};
        assert_true(h.epoch.validation_score == scores[i]);
        assert_true(h.epoch.validation_loss == evaluation.loss);
        host_end(&h);
    }
}

static void the_best_weights_come_back(void **state)
{
    host h;
    size_t size = 0, best_size = 0, last_size = 0;
    (void)state;
    assert_ok(host_begin(&h, NULL, "validation_split=0.3 epochs=3 batch_size=10 learning_rate=0.01", TEXTS));
    while (h.epoch.epoch < 1)
        assert_ok(host_advance(&h));
    uint8_t *best = host_bytes(h.model, &best_size);
    h.trainer->progress.best_score = 2.0; /* out of reach for those that follow */
    while (!h.over)
        assert_ok(host_advance(&h));
    uint8_t *last = host_bytes(h.model, &last_size);
    assert_int_equal(h.epoch.best_epoch, 1);
    assert_memory_not_equal(best, last, best_size);
    assert_ok(tc_batcher_restore_best(h.batcher));
    uint8_t *restored = host_bytes(h.model, &size);
    assert_memory_equal(best, restored, size);
    free(best);
    free(last);
    free(restored);
    host_end(&h);
}

static void without_validation_the_last_weights_stay(void **state)
{
    host h;
    size_t size = 0;
    (void)state;
    assert_ok(host_begin(&h, NULL, "epochs=1", TEXTS));
    while (!h.over)
        assert_ok(host_advance(&h));
    uint8_t *last = host_bytes(h.model, &size);
    assert_ok(tc_batcher_restore_best(h.batcher));
    uint8_t *still = host_bytes(h.model, &size);
    assert_memory_equal(last, still, size);
    free(last);
    free(still);
    host_end(&h);
}

static void patience_ends_a_training_that_does_not_improve(void **state)
{
    host h;
    tc_batch batch = TC_BATCH_INIT;
    (void)state;
    assert_ok(host_begin(&h, NULL, "validation_split=0.5 epochs=50 patience=3 learning_rate=1e-30", TEXTS));
    while (!h.over)
        assert_ok(host_advance(&h));
    assert_int_equal(h.epoch.epoch, 4); /* the first improved */
    assert_int_equal(h.epoch.best_epoch, 1);
    assert_int_equal(tc_batcher_next(h.batcher, &batch), TC_ERROR_STATE);
    host_end(&h);
}

static void a_host_may_bring_its_own_validation_examples(void **state)
{
    host h;
    tc_examples *own = NULL, *none = NULL;
    const size_t *held = NULL;
    (void)state;
    assert_ok(host_begin(&h, NULL, "validation_split=0.5 epochs=1", TEXTS));
    tc_batcher_free(h.batcher);
    h.batcher = NULL;
    tc_trainer_free(h.trainer);
    assert_ok(tc_trainer_create(h.model, h.config, &h.trainer));
    assert_ok(host_examples(h.model, 900, 20, &own));
    assert_ok(tc_examples_create(h.model, &none));
    assert_int_equal(tc_batcher_create(h.trainer, h.examples, none, &h.batcher), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_batcher_create(h.trainer, none, own, &h.batcher), TC_ERROR_ARGUMENT);
    assert_ok(tc_batcher_create(h.trainer, h.examples, own, &h.batcher));
    assert_int_equal(validation_rows(&h, &held), 0); /* all rows are trained on */
    uint64_t tokens = 0;
    for (size_t row = 0; row < TEXTS; row++) {
        size_t count = 0;
        assert_ok(tc_examples_tokens(h.examples, row, &count));
        tokens += count;
    }
    while (!h.over)
        assert_ok(host_advance(&h));
    assert_int_equal(h.epoch.tokens, tokens);
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    assert_ok(tc_evaluate(h.model, own, NULL, 20, &evaluation));
    assert_true(h.epoch.validation_score == evaluation.accuracy);
    tc_examples_free(own);
    tc_examples_free(none);
    host_end(&h);
}

/* ---- the trainer's side ---- */

static void a_trainer_has_one_batcher_at_a_time(void **state)
{
    host h;
    tc_batcher *second = NULL;
    (void)state;
    assert_ok(host_begin(&h, NULL, "batch_size=10", TEXTS));
    assert_int_equal(tc_batcher_create(h.trainer, h.examples, NULL, &second), TC_ERROR_STATE);
    assert_null(second);
    assert_ok(host_advance(&h));
    tc_batcher_free(h.batcher);
    tc_batch batch = TC_BATCH_INIT;
    assert_ok(tc_batcher_create(h.trainer, h.examples, NULL, &h.batcher));
    assert_ok(tc_batcher_next(h.batcher, &batch));
    assert_int_equal(batch.position, 2); /* it goes on where the first stood */
    host_end(&h);
}

static void a_step_that_fails_leaves_the_epoch_where_it_was(void **state)
{
    host h;
    tc_batch batch = TC_BATCH_INIT, again = TC_BATCH_INIT;
    const float huge[STORY_LABELS] = {1e30f, 0.0f, 0.0f};
    (void)state;
    assert_ok(host_begin(&h, NULL, "task=regress batch_size=100 epochs=1", TEXTS));
    tc_batcher_free(h.batcher);
    tc_trainer_free(h.trainer);
    h.trainer = NULL;
    h.batcher = NULL;
    assert_ok(tc_examples_add_targets(h.examples, "bad", 3, huge, STORY_LABELS, 1.0f)); /* its squares are not finite */
    assert_ok(tc_trainer_create(h.model, h.config, &h.trainer));
    assert_ok(tc_batcher_create(h.trainer, h.examples, NULL, &h.batcher));
    assert_ok(tc_batcher_next(h.batcher, &batch));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tc_train_step(h.trainer, h.examples, batch.rows, batch.row_count, NULL), TC_ERROR_NUMERIC);
        assert_ok(tc_batcher_next(h.batcher, &again));
        assert_int_equal(again.position, 1);
        assert_int_equal(again.row_count, TEXTS + 1);
        assert_true(h.trainer->progress.loss_weight == 0.0 && h.trainer->progress.tokens == 0);
    }
    host_end(&h);
}

static void a_falling_schedule_takes_its_end_from_the_epochs(void **state)
{
    host h;
    char value[32];
    size_t length = 0;
    (void)state;
    assert_ok(host_begin(&h, NULL, "schedule=linear epochs=3 batch_size=8 accumulate_steps=2", TEXTS));
    assert_ok(tc_model_option(h.model, "total_steps", sizeof value, value, &length));
    assert_string_equal(value, "12"); /* 7 batches, 4 steps an epoch */
    while (!h.over)
        assert_ok(host_advance(&h));
    assert_int_equal(h.trainer->progress.steps, 12);
    host_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_hands_out_every_row_that_is_not_held_out_once),
        cmocka_unit_test(a_batch_comes_again_until_it_has_been_trained_on),
        cmocka_unit_test(an_epoch_ends_only_with_its_last_batch_applied),
        cmocka_unit_test(batches_whose_apply_failed_come_again),
        cmocka_unit_test(the_loss_of_an_epoch_is_the_mean_over_its_batches),
        cmocka_unit_test(the_higher_score_wins_then_the_lower_loss_then_the_earlier_epoch),
        cmocka_unit_test(the_score_is_the_evaluation_of_the_held_out_rows),
        cmocka_unit_test(the_best_weights_come_back),
        cmocka_unit_test(without_validation_the_last_weights_stay),
        cmocka_unit_test(patience_ends_a_training_that_does_not_improve),
        cmocka_unit_test(a_host_may_bring_its_own_validation_examples),
        cmocka_unit_test(a_trainer_has_one_batcher_at_a_time),
        cmocka_unit_test(a_step_that_fails_leaves_the_epoch_where_it_was),
        cmocka_unit_test(a_falling_schedule_takes_its_end_from_the_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

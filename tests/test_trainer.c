/* Gathering gradients and taking steps: what adds up, what weighs nothing, what must not change. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "support/small_host.h"
#include "support/story.h"
#include "train/trainer.h"

#define ROWS 32

/* A model and examples through the public header; what is looked into is the trainer. */
typedef struct fixture {
    tc_config *config;
    tc_model *model;
    tc_examples *examples;
    tc_trainer *trainer;
    size_t rows[ROWS];
} fixture;

static void set_up(fixture *f, const char *settings)
{
    assert_ok(host_config(NULL, settings, &f->config));
    assert_ok(host_model(f->config, ROWS, &f->model));
    assert_ok(host_examples(f->model, 0, ROWS, &f->examples));
    assert_ok(tc_trainer_create(f->model, f->config, &f->trainer));
    for (size_t i = 0; i < ROWS; i++)
        f->rows[i] = (i * 13 + 5) % ROWS;
}

static void tear_down(fixture *f)
{
    tc_trainer_free(f->trainer);
    tc_examples_free(f->examples);
    tc_model_free(f->model);
    tc_config_free(f->config);
}

/* What a step may change: the model's file and a checkpoint's. */
typedef struct snapshot {
    uint8_t *model;
    char *checkpoint;
    size_t model_size, checkpoint_size;
} snapshot;

static snapshot look(const fixture *f)
{
    snapshot s;
    test_folder folder;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    s.model = host_bytes(f->model, &s.model_size);
    assert_ok(tc_trainer_save(f->trainer, path));
    s.checkpoint = test_read_file(path, &s.checkpoint_size);
    test_folder_remove(&folder);
    return s;
}

/* Frees both. */
static bool same(snapshot a, snapshot b)
{
    bool equal = a.model_size == b.model_size && memcmp(a.model, b.model, a.model_size) == 0 &&
                 a.checkpoint_size == b.checkpoint_size && memcmp(a.checkpoint, b.checkpoint, a.checkpoint_size) == 0;
    free(a.model);
    free(a.checkpoint);
    free(b.model);
    free(b.checkpoint);
    return equal;
}

static float *copy_gradients(const fixture *f)
{
    size_t bytes = f->model->network->parameters.size * sizeof(float);
    float *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, f->trainer->gradients.values, bytes);
    return copy;
}

static double norm_between(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double difference = (double)a[i] - (b ? (double)b[i] : 0.0);
        sum += difference * difference;
    }
    return sqrt(sum);
}

/* ‖a - b‖ of every tensor within 1e-6 of the norm of the whole gradient. */
static void assert_gradients_agree(const fixture *f, const float *a, const float *b)
{
    const tci_parameters *parameters = &f->model->network->parameters;
    double norm = norm_between(a, NULL, parameters->size);
    assert_true(norm > 0.0);
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        double distance = norm_between(a + tensor->offset, b + tensor->offset, tensor->count);
        if (!(distance <= 1e-6 * norm))
            fail_msg("%s: %.3g apart, of %.3g", tensor->name, distance, norm);
    }
}

/* ---- accumulation ---- */

static void check_parts(const char *settings)
{
    fixture f;
    tc_step whole = TC_STEP_INIT, parts = TC_STEP_INIT;
    set_up(&f, settings);
    assert_ok(tc_trainer_backward(f.trainer, f.examples, f.rows, ROWS, &whole));
    float *at_once = copy_gradients(&f);
    tc_trainer_free(f.trainer);
    assert_ok(tc_trainer_create(f.model, f.config, &f.trainer));
    for (size_t i = 0; i < 4; i++)
        assert_ok(tc_trainer_backward(f.trainer, f.examples, f.rows + 8 * i, 8, &parts));
    assert_gradients_agree(&f, at_once, f.trainer->gradients.values);
    assert_close(parts.loss, whole.loss, 1e-9);
    assert_close(parts.weight, whole.weight, 1e-12);
    assert_int_equal(parts.tokens, whole.tokens);
    free(at_once);
    tear_down(&f);
}

static void four_backwards_of_8_gather_what_one_of_32_does(void **state)
{
    (void)state;
    check_parts("");
    check_parts("num_layers=2 bidirectional=true dropout=0.3 pooling=mean");
    check_parts("num_layers=2 bidirectional=true dropout=0.3 pooling=max label_smoothing=0.1 class_weights=praise=3");
    check_parts("dropout=0.5 threads=3");
    check_parts("task=multilabel dropout=0.2");
    check_parts("task=regress dropout=0.2 max_isa=scalar");
}

static void the_dropout_of_a_row_goes_by_its_place_since_the_last_apply(void **state)
{
    fixture f;
    tc_step step = TC_STEP_INIT;
    size_t twice[2] = {1, 1};
    (void)state;
    set_up(&f, "dropout=0.5");
    assert_ok(tc_trainer_backward(f.trainer, f.examples, twice, 1, &step));
    double first = step.loss;
    assert_ok(tc_trainer_backward(f.trainer, f.examples, twice, 1, &step));
    assert_true(fabs(2.0 * step.loss - first - first) > 1e-6); /* the same row, dropped otherwise */
    tear_down(&f);
}

static void accumulate_steps_applies_once_in_so_many_calls(void **state)
{
    fixture f;
    tc_step step = TC_STEP_INIT;
    (void)state;
    set_up(&f, "accumulate_steps=3");
    for (uint64_t i = 1; i <= 7; i++) {
        assert_ok(tc_train_step(f.trainer, f.examples, f.rows, 4, &step));
        assert_int_equal(step.step, i / 3);
    }
    tear_down(&f);
}

static void a_part_gathered_cannot_be_saved_but_after_apply_it_can(void **state)
{
    fixture f;
    (void)state;
    set_up(&f, "");
    assert_ok(tc_trainer_backward(f.trainer, f.examples, f.rows, 4, NULL));
    assert_int_equal(tc_trainer_save(f.trainer, "unwritten"), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "tc_trainer_apply");
    assert_ok(tc_trainer_apply(f.trainer, NULL));
    assert_int_equal(tc_trainer_apply(f.trainer, NULL), TC_ERROR_STATE);
    tear_down(&f);
}

/* ---- weights ---- */

static tc_examples *weighted_examples(const tc_model *model, const float *weights, size_t count)
{
    tc_examples *examples = NULL;
    char text[STORY_SIZE];
    size_t length = 0;
    assert_ok(tc_examples_create(model, &examples));
    for (size_t i = 0; i < count; i++) {
        uint32_t label = story_write((uint32_t)i + 3, text, &length);
        assert_ok(tc_examples_add_label(examples, text, length, label, weights[i]));
    }
    return examples;
}

static void a_row_of_weight_0_adds_nothing(void **state)
{
    fixture f;
    tc_step with = TC_STEP_INIT, without = TC_STEP_INIT;
    const float weights[4] = {1.0f, 0.0f, 2.0f, 0.0f};
    const size_t all[4] = {0, 1, 2, 3}, some[2] = {0, 2};
    (void)state;
    set_up(&f, "bidirectional=true");
    tc_examples *examples = weighted_examples(f.model, weights, 4);
    assert_ok(tc_trainer_backward(f.trainer, examples, all, 4, &with));
    float *gradients = copy_gradients(&f);
    tc_trainer_free(f.trainer);
    assert_ok(tc_trainer_create(f.model, f.config, &f.trainer));
    assert_ok(tc_trainer_backward(f.trainer, examples, some, 2, &without));
    assert_gradients_agree(&f, gradients, f.trainer->gradients.values);
    assert_true(with.weight == 3.0 && without.weight == 3.0);
    assert_close(with.loss, without.loss, 1e-12);
    free(gradients);
    tc_examples_free(examples);
    tear_down(&f);
}

static void weights_scale_rows_as_repeating_them_would(void **state)
{
    fixture f;
    tc_step twice = TC_STEP_INIT, weighted = TC_STEP_INIT;
    const float weights[3] = {1.0f, 1.0f, 2.0f};
    const size_t repeated[3] = {0, 1, 1}, rows[2] = {0, 2};
    (void)state;
    set_up(&f, "");
    tc_examples *examples = NULL;
    char text[STORY_SIZE];
    size_t length = 0;
    assert_ok(tc_examples_create(f.model, &examples));
    for (size_t i = 0; i < 3; i++) {
        uint32_t label = story_write(i == 0 ? 3 : 4, text, &length);
        assert_ok(tc_examples_add_label(examples, text, length, label, weights[i]));
    }
    assert_ok(tc_trainer_backward(f.trainer, examples, repeated, 3, &twice));
    float *gradients = copy_gradients(&f);
    tc_trainer_free(f.trainer);
    assert_ok(tc_trainer_create(f.model, f.config, &f.trainer));
    assert_ok(tc_trainer_backward(f.trainer, examples, rows, 2, &weighted));
    assert_gradients_agree(&f, gradients, f.trainer->gradients.values);
    assert_close(twice.loss, weighted.loss, 1e-6);
    free(gradients);
    tc_examples_free(examples);
    tear_down(&f);
}

static void apply_with_no_weight_gathered_changes_nothing_and_says_so(void **state)
{
    fixture f;
    tc_step step = TC_STEP_INIT;
    const float weights[2] = {0.0f, 0.0f};
    const size_t rows[2] = {0, 1};
    (void)state;
    set_up(&f, "dropout=0.2");
    assert_ok(tc_train_step(f.trainer, f.examples, f.rows, ROWS, &step));
    snapshot before = look(&f);
    tc_examples *examples = weighted_examples(f.model, weights, 2);
    assert_ok(tc_train_step(f.trainer, examples, rows, 2, &step));
    assert_true(step.weight == 0.0);
    assert_int_equal(step.step, 1);
    assert_true(step.loss == 0.0 && step.gradient_norm == 0.0);
    assert_true(same(before, look(&f)));
    tc_examples_free(examples);
    tear_down(&f);
}

static void weights_below_0_or_not_finite_are_refused_with_the_row(void **state)
{
    fixture f;
    const float bad[] = {-1.0f, -0x1p-149f, NAN, INFINITY};
    size_t before = 0, after = 0;
    (void)state;
    set_up(&f, "");
    assert_ok(tc_examples_count(f.examples, &before));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(tc_examples_add_label(f.examples, "x", 1, 0, bad[i]), TC_ERROR_ARGUMENT);
    assert_contains(tc_last_error(), "weight");
    assert_ok(tc_examples_count(f.examples, &after));
    assert_int_equal(before, after);
    tear_down(&f);
}

/* ---- what is not finite ---- */

/* A step that must fail with TC_ERROR_NUMERIC, naming the step, and change nothing; the trainer then goes on. */
static void assert_step_fails(fixture *f, const tc_examples *examples, const size_t *rows, size_t count)
{
    tc_step step = TC_STEP_INIT;
    snapshot before = look(f);
    assert_int_equal(tc_train_step(f->trainer, examples, rows, count, &step), TC_ERROR_NUMERIC);
    assert_contains(tc_last_error(), "step 2");
    assert_true(same(before, look(f)));
    assert_ok(tc_train_step(f->trainer, f->examples, f->rows, ROWS, &step));
    assert_int_equal(step.step, 2);
}

static void check_target(float target, float weight, const char *settings)
{
    fixture f;
    const float targets[STORY_LABELS] = {0.0f, target, 1.0f};
    const size_t row = ROWS;
    char all[128];
    (void)snprintf(all, sizeof all, "task=regress dropout=0.1 %s", settings);
    set_up(&f, all);
    assert_ok(tc_train_step(f.trainer, f.examples, f.rows, ROWS, NULL));
    assert_ok(tc_examples_add_targets(f.examples, "a good film", 11, targets, STORY_LABELS, weight));
    assert_step_fails(&f, f.examples, &row, 1);
    tear_down(&f);
}

static void a_loss_or_gradient_that_is_not_finite_changes_nothing(void **state)
{
    (void)state;
    check_target(3e38f, 1e30f, ""); /* the loss */
    check_target(3e38f, 10.0f, ""); /* the gradient of a logit */
    check_target(1e30f, 1.0f, "");  /* the squares of the gradients */
    check_target(1e38f, 1.0f, "threads=3 num_layers=2 bidirectional=true");
}

static void balanced_class_weights_are_stored_by_the_first_step_that_succeeds(void **state)
{
    fixture f;
    const char *stored = NULL;
    (void)state;
    set_up(&f, "class_weights=balanced");
    stored = f.model->options.class_weights;
    assert_ok(tc_trainer_backward(f.trainer, f.examples, f.rows, ROWS, NULL));
    const tci_tensor_info *bias = tci_parameters_find(&f.model->network->parameters, "fc.bias");
    f.trainer->gradients.values[bias->offset] = INFINITY;
    assert_int_equal(tc_trainer_apply(f.trainer, NULL), TC_ERROR_NUMERIC);
    assert_string_equal(stored, "balanced");
    assert_ok(tc_trainer_backward(f.trainer, f.examples, f.rows, ROWS, NULL));
    assert_string_equal(stored, "balanced");
    assert_ok(tc_trainer_apply(f.trainer, NULL));
    assert_contains(stored, "praise=");
    tear_down(&f);
}

static void weights_that_give_no_finite_logits_are_named_with_the_step(void **state)
{
    fixture f;
    tc_step step = TC_STEP_INIT;
    (void)state;
    set_up(&f, "");
    const tci_tensor_info *bias = tci_parameters_find(&f.model->network->parameters, "fc.bias");
    f.model->network->parameters.values[bias->offset] = INFINITY;
    tci_trainer_refresh(f.trainer);
    assert_int_equal(tc_train_step(f.trainer, f.examples, f.rows, ROWS, &step), TC_ERROR_NUMERIC);
    assert_contains(tc_last_error(), "step 1");
    assert_contains(tc_last_error(), "logit");
    tear_down(&f);
}

static void what_was_gathered_survives_a_backward_that_fails(void **state)
{
    fixture f, clean;
    tc_step step = TC_STEP_INIT, wanted = TC_STEP_INIT;
    const float huge[STORY_LABELS] = {3e38f, 0.0f, 0.0f};
    const size_t row = ROWS;
    (void)state;
    set_up(&f, "task=regress dropout=0.2");
    set_up(&clean, "task=regress dropout=0.2");
    assert_ok(tc_examples_add_targets(f.examples, "bad", 3, huge, STORY_LABELS, 1e30f));
    assert_ok(tc_trainer_backward(f.trainer, f.examples, f.rows, 8, &step));
    assert_int_equal(tc_trainer_backward(f.trainer, f.examples, &row, 1, &step), TC_ERROR_NUMERIC);
    assert_ok(tc_trainer_backward(f.trainer, f.examples, f.rows + 8, 8, &step));
    assert_ok(tc_trainer_apply(f.trainer, &step));
    assert_ok(tc_trainer_backward(clean.trainer, clean.examples, clean.rows, 8, NULL));
    assert_ok(tc_trainer_backward(clean.trainer, clean.examples, clean.rows + 8, 8, NULL));
    assert_ok(tc_trainer_apply(clean.trainer, &wanted));
    assert_true(step.loss == wanted.loss && step.gradient_norm == wanted.gradient_norm);
    assert_true(same(look(&f), look(&clean)));
    tear_down(&f);
    tear_down(&clean);
}

/* ---- arguments ---- */

static void bad_rows_and_foreign_examples_are_refused_and_change_nothing(void **state)
{
    fixture f, other;
    const size_t missing[2] = {0, ROWS};
    (void)state;
    set_up(&f, "");
    set_up(&other, "lowercase=false");
    assert_ok(tc_examples_add_label(f.examples, "what", 4, TC_LABEL_UNKNOWN, 1.0f));
    snapshot before = look(&f);
    assert_int_equal(tc_train_step(f.trainer, f.examples, f.rows, 0, NULL), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_train_step(f.trainer, other.examples, f.rows, 4, NULL), TC_ERROR_MISMATCH);
    assert_int_equal(tc_train_step(f.trainer, other.examples, missing, 2, NULL), TC_ERROR_MISMATCH);
    assert_int_equal(tc_train_step(f.trainer, f.examples, missing, 2, NULL), TC_ERROR_ARGUMENT); /* an unknown label */
    assert_contains(tc_last_error(), "label");
    assert_int_equal(tc_train_step(f.trainer, f.examples, &(size_t){ROWS + 1}, 1, NULL), TC_ERROR_ARGUMENT);
    assert_contains(tc_last_error(), "33");
    assert_true(same(before, look(&f)));
    tear_down(&other);
    tear_down(&f);
}

static void a_model_has_one_trainer_at_a_time_and_lives_as_long(void **state)
{
    fixture f;
    tc_trainer *second = NULL;
    (void)state;
    set_up(&f, "");
    assert_int_equal(tc_trainer_create(f.model, f.config, &second), TC_ERROR_BUSY);
    assert_null(second);
    assert_int_equal(tc_model_load_weights(f.model, "unread"), TC_ERROR_BUSY);
    tc_model_free(f.model); /* the trainer keeps it */
    assert_ok(tc_train_step(f.trainer, f.examples, f.rows, 8, NULL));
    tc_trainer_free(f.trainer);
    tc_examples_free(f.examples);
    tc_config_free(f.config);
}

static void options_that_do_not_fit_are_refused_and_leave_the_model_free(void **state)
{
    static const char *const bad[] = {"loss=mse",
                                      "class_weights=nobody=2",
                                      "class_weights=praise=-1",
                                      "class_weights=praise",
                                      "sparse_embedding=true weight_decay=0.1",
                                      "schedule=linear warmup_steps=9 total_steps=5"};
    fixture f;
    (void)state;
    set_up(&f, "");
    tc_trainer_free(f.trainer);
    f.trainer = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tc_config *config = NULL;
        assert_ok(host_config(NULL, bad[i], &config));
        tc_status status = tc_trainer_create(f.model, config, &f.trainer);
        if (status != TC_ERROR_OPTION && status != TC_ERROR_UNSUPPORTED)
            fail_msg("%s: status %d", bad[i], (int)status);
        tc_config_free(config);
    }
    assert_ok(tc_trainer_create(f.model, f.config, &f.trainer));
    tear_down(&f);
}

static void a_falling_schedule_without_its_end_takes_no_step(void **state)
{
    fixture f;
    (void)state;
    set_up(&f, "schedule=cosine");
    snapshot before = look(&f);
    assert_int_equal(tc_train_step(f.trainer, f.examples, f.rows, 8, NULL), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "total_steps");
    assert_true(same(before, look(&f)));
    assert_ok(tci_trainer_set_total_steps(f.trainer, 10));
    assert_ok(tc_train_step(f.trainer, f.examples, f.rows, 8, NULL));
    tear_down(&f);
}

/* As transformers' TrainingArguments.get_warmup_steps(): the share rounded up, and only where no number is given. */
static void warmup_ratio_is_a_share_of_total_steps_where_warmup_steps_is_0(void **state)
{
    static const struct {
        const char *ratio;
        uint64_t given, total, wanted;
    } cases[] = {{"0.1", 0, 100, 10}, {"0.1", 0, 101, 11}, {"0.1", 0, 5, 1},  {"0", 0, 100, 0},
                 {"1", 0, 7, 7},      {"0.5", 3, 100, 3},  {"0.06", 0, 0, 0}, {"0.25", 0, 1, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_options options;
        tci_options_default(&options);
        assert_ok(tci_options_set(&options, "warmup_ratio", cases[i].ratio));
        options.warmup_steps = cases[i].given;
        options.total_steps = cases[i].total;
        assert_int_equal(tci_trainer_schedule(&options).warmup_steps, cases[i].wanted);
        bool waits = cases[i].total == 0 && cases[i].given == 0 && options.warmup_ratio > 0;
        assert_int_equal(tci_trainer_lacks_total_steps(&options), waits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_backwards_of_8_gather_what_one_of_32_does),
        cmocka_unit_test(the_dropout_of_a_row_goes_by_its_place_since_the_last_apply),
        cmocka_unit_test(accumulate_steps_applies_once_in_so_many_calls),
        cmocka_unit_test(a_part_gathered_cannot_be_saved_but_after_apply_it_can),
        cmocka_unit_test(a_row_of_weight_0_adds_nothing),
        cmocka_unit_test(weights_scale_rows_as_repeating_them_would),
        cmocka_unit_test(apply_with_no_weight_gathered_changes_nothing_and_says_so),
        cmocka_unit_test(weights_below_0_or_not_finite_are_refused_with_the_row),
        cmocka_unit_test(a_loss_or_gradient_that_is_not_finite_changes_nothing),
        cmocka_unit_test(balanced_class_weights_are_stored_by_the_first_step_that_succeeds),
        cmocka_unit_test(weights_that_give_no_finite_logits_are_named_with_the_step),
        cmocka_unit_test(what_was_gathered_survives_a_backward_that_fails),
        cmocka_unit_test(bad_rows_and_foreign_examples_are_refused_and_change_nothing),
        cmocka_unit_test(a_model_has_one_trainer_at_a_time_and_lives_as_long),
        cmocka_unit_test(options_that_do_not_fit_are_refused_and_leave_the_model_free),
        cmocka_unit_test(a_falling_schedule_without_its_end_takes_no_step),
        cmocka_unit_test(warmup_ratio_is_a_share_of_total_steps_where_warmup_steps_is_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

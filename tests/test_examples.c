/* Encoded examples: what each keeps, what is refused, what they fit. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "model/examples.h"
#include "support/tiny_model.h"

/* Ids of the tiny model: the 1, good 2, bad 3, 好 4, film 5. */
static tc_status add_label(tc_examples *examples, const char *text, uint32_t label, float weight)
{
    return tci_examples_add(examples, text, strlen(text), &(tci_truth){.labels = &label, .count = 1}, weight);
}

static tc_examples *make(tc_model *model)
{
    tc_examples *examples = NULL;
    assert_ok(tci_examples_create(model, &examples));
    return examples;
}

static void assert_ids(const tc_examples *examples, size_t row, size_t count, const uint32_t *ids)
{
    tci_row got = tci_examples_row(examples, row);
    assert_int_equal(got.length, count);
    if (count > 0)
        assert_memory_equal(got.ids, ids, count * sizeof *ids);
}

static void each_row_keeps_its_ids_label_and_weight(void **state)
{
    tc_model *model = test_tiny_model(NULL);
    tc_examples *examples = make(model);
    (void)state;
    assert_ok(add_label(examples, "The good film", 1, 1.0f));
    assert_ok(add_label(examples, "", 0, 0.0f));
    assert_ok(add_label(examples, "what, \xE5\xA5\xBD?", TC_LABEL_UNKNOWN, 2.5f));
    assert_int_equal(examples->rows, 3);
    assert_ids(examples, 0, 3, (const uint32_t[]){1, 2, 5});
    assert_ids(examples, 1, 0, NULL);
    assert_ids(examples, 2, 4, (const uint32_t[]){0, 0, 4, 0});
    assert_int_equal(examples->classes[0], 1);
    assert_int_equal(examples->classes[2], TC_LABEL_UNKNOWN);
    assert_true(examples->weights[1] == 0.0f && examples->weights[2] == 2.5f);
    assert_false(tci_examples_unknown(examples, 0));
    assert_true(tci_examples_unknown(examples, 2));
    tci_examples_release(examples);
    tci_model_release(model);
}

static void many_rows_keep_apart(void **state)
{
    tc_model *model = test_tiny_model(NULL);
    tc_examples *examples = make(model);
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        char text[64] = "";
        for (uint32_t k = 0; k < i % 7; k++)
            strcat(text, k % 2 ? "bad " : "film ");
        assert_ok(add_label(examples, text, i % 2, (float)i));
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assert_ids(examples, i, i % 7, (const uint32_t[]){5, 3, 5, 3, 5, 3, 5});
        assert_int_equal(examples->classes[i], i % 2);
        assert_true(examples->weights[i] == (float)i);
    }
    tci_examples_release(examples);
    tci_model_release(model);
}

static void long_texts_are_cut_as_the_model_says(void **state)
{
    static const char *const settings[][5] = {{"max_length", "3", "truncate", "head", NULL},
                                              {"max_length", "3", "truncate", "tail", NULL},
                                              {"max_length", "3", "truncate", "both", NULL}};
    static const uint32_t ids[][3] = {{1, 2, 3}, {3, 5, 4}, {1, 2, 4}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tc_model *model = test_tiny_model(settings[i]);
        tc_examples *examples = make(model);
        assert_ok(add_label(examples, "the good bad film \xE5\xA5\xBD", 0, 1.0f));
        assert_ids(examples, 0, 3, ids[i]);
        tci_examples_release(examples);
        tci_model_release(model);
    }
}

static void sets_of_labels_become_rows_of_0_and_1(void **state)
{
    static const char *const settings[] = {"task", "multilabel", NULL};
    tc_model *model = test_tiny_model(settings);
    tc_examples *examples = make(model);
    float targets[2];
    const uint32_t both[] = {1, 0}, unknown[] = {TC_LABEL_UNKNOWN, 1};
    (void)state;
    assert_ok(tci_examples_add(examples, "good", 4, &(tci_truth){.labels = both, .count = 2}, 1.0f));
    assert_ok(tci_examples_add(examples, "good", 4, &(tci_truth){.labels = NULL, .count = 0}, 1.0f));
    assert_ok(tci_examples_add(examples, "good", 4, &(tci_truth){.labels = unknown, .count = 2}, 1.0f));
    tci_examples_targets(examples, 0, examples->label_count, targets);
    assert_true(targets[0] == 1.0f && targets[1] == 1.0f);
    tci_examples_targets(examples, 1, examples->label_count, targets);
    assert_true(targets[0] == 0.0f && targets[1] == 0.0f);
    tci_examples_targets(examples, 2, examples->label_count, targets);
    assert_true(targets[0] == 0.0f && targets[1] == 1.0f);
    assert_true(tci_examples_unknown(examples, 2));
    assert_false(tci_examples_unknown(examples, 1));
    tci_examples_release(examples);
    tci_model_release(model);
}

static void real_targets_stay_as_given(void **state)
{
    static const char *const settings[] = {"task", "regress", NULL};
    tc_model *model = test_tiny_model(settings);
    tc_examples *examples = make(model);
    const float given[2][2] = {{1.5f, -3e30f}, {0.0f, 7.0f}};
    float targets[2];
    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_ok(tci_examples_add(examples, "film", 4, &(tci_truth){.targets = given[i], .count = 2}, 1.0f));
    for (size_t i = 0; i < 2; i++) {
        tci_examples_targets(examples, i, examples->label_count, targets);
        assert_memory_equal(targets, given[i], sizeof targets);
    }
    tci_examples_release(examples);
    tci_model_release(model);
}

static void assert_refused(tc_examples *examples, const tci_truth *truth, float weight, tc_status wanted)
{
    size_t rows = examples->rows, ids = examples->id_count, list = examples->list_count;
    assert_int_equal(tci_examples_add(examples, "good film", 9, truth, weight), wanted);
    assert_int_equal(examples->rows, rows);
    assert_int_equal(examples->id_count, ids);
    assert_int_equal(examples->list_count, list);
}

static void what_a_task_does_not_take_is_refused_and_adds_nothing(void **state)
{
    static const char *const tasks[][3] = {
        {"task", "classify", NULL}, {"task", "multilabel", NULL}, {"task", "regress", NULL}};
    const uint32_t labels[] = {1, 1}, beyond[] = {2};
    const float targets[] = {1.0f, NAN, 3.0f};
    tc_model *models[3];
    tc_examples *examples[3];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        models[i] = test_tiny_model(tasks[i]);
        examples[i] = make(models[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_refused(examples[i], &(tci_truth){.labels = beyond, .count = 1}, 1.0f, TC_ERROR_ARGUMENT);
        assert_contains(tci_error_text(), "2 labels");
        assert_refused(examples[i], &(tci_truth){.labels = labels, .count = 2}, 1.0f, TC_ERROR_ARGUMENT);
        assert_refused(examples[i], &(tci_truth){.targets = targets, .count = 1}, 1.0f, TC_ERROR_UNSUPPORTED);
        assert_refused(examples[i], &(tci_truth){.labels = labels, .count = 1}, NAN, TC_ERROR_ARGUMENT);
    }
    assert_refused(examples[0], &(tci_truth){.labels = labels, .count = 0}, 1.0f, TC_ERROR_ARGUMENT);
    assert_refused(examples[2], &(tci_truth){.labels = labels, .count = 1}, 1.0f, TC_ERROR_UNSUPPORTED);
    assert_refused(examples[2], &(tci_truth){.targets = targets, .count = 1}, 1.0f, TC_ERROR_ARGUMENT);
    assert_refused(examples[2], &(tci_truth){.targets = targets, .count = 3}, 1.0f, TC_ERROR_ARGUMENT);
    assert_refused(examples[2], &(tci_truth){.targets = targets, .count = 2}, 1.0f, TC_ERROR_ARGUMENT);
    assert_contains(tci_error_text(), "target 1");
    for (size_t i = 0; i < 3; i++) {
        tci_examples_release(examples[i]);
        tci_model_release(models[i]);
    }
}

static void a_text_that_is_not_utf8_is_refused_where_that_is_asked(void **state)
{
    static const char *const settings[] = {"strict_utf8", "true", NULL};
    tc_model *model = test_tiny_model(settings);
    tc_examples *examples = make(model);
    (void)state;
    assert_int_equal(add_label(examples, "good \xFF film", 0, 1.0f), TC_ERROR_ENCODING);
    assert_contains(tci_error_text(), "5"); /* the byte */
    assert_int_equal(examples->rows, 0);
    assert_ok(add_label(examples, "good film", 0, 1.0f));
    assert_ids(examples, 0, 2, (const uint32_t[]){2, 5});
    tci_examples_release(examples);
    tci_model_release(model);
}

static void examples_outlive_their_model(void **state)
{
    tc_model *model = test_tiny_model(NULL);
    tc_examples *examples = make(model);
    (void)state;
    tci_model_release(model);
    assert_ok(add_label(examples, "the film", 0, 1.0f));
    assert_ids(examples, 0, 2, (const uint32_t[]){1, 5});
    tci_examples_release(examples);
}

static void examples_fit_models_of_equal_text_task_and_labels(void **state)
{
    static const char *const other_text[] = {"lowercase", "false", NULL}, *const other_task[] = {"task", "multilabel",
                                                                                                 NULL};
    static const char *const wider[] = {"hidden_dim", "9", NULL};
    tc_model *model = test_tiny_model(NULL), *equal = test_tiny_model(wider);
    tc_model *text = test_tiny_model(other_text), *task = test_tiny_model(other_task);
    tc_examples *examples = make(model);
    (void)state;
    assert_ok(add_label(examples, "good", 0, 1.0f));
    assert_ok(tci_examples_check(examples, equal, NULL, 1));
    assert_int_equal(tci_examples_check(examples, text, NULL, 1), TC_ERROR_MISMATCH);
    assert_int_equal(tci_examples_check(examples, task, NULL, 1), TC_ERROR_MISMATCH);
    assert_int_equal(tci_examples_check(examples, model, NULL, 2), TC_ERROR_ARGUMENT);
    assert_int_equal(tci_examples_check(examples, model, &(size_t){1}, 1), TC_ERROR_ARGUMENT);
    assert_ok(tci_examples_check(examples, model, (const size_t[]){0, 0, 0}, 3));
    tci_examples_release(examples);
    tci_model_release(model);
    tci_model_release(equal);
    tci_model_release(text);
    tci_model_release(task);
}

/* The fingerprint of two rows. */
static uint64_t fingerprint(tc_model *model, const char *first, const char *second, uint32_t label, float weight)
{
    tc_examples *examples = make(model);
    assert_ok(add_label(examples, first, 0, 1.0f));
    assert_ok(add_label(examples, second, label, weight));
    uint64_t print = tci_examples_fingerprint(examples, 0);
    tci_examples_release(examples);
    return print;
}

static void the_fingerprint_tells_texts_labels_weights_and_order(void **state)
{
    tc_model *model = test_tiny_model(NULL);
    uint64_t one = fingerprint(model, "good film", "bad", 1, 1.0f);
    (void)state;
    assert_true(one == fingerprint(model, "good film", "bad", 1, 1.0f));
    assert_true(one == fingerprint(model, "GOOD  film", "bad", 1, 1.0f)); /* the same to the model */
    assert_true(one != fingerprint(model, "good", "film bad", 1, 1.0f));
    assert_true(one != fingerprint(model, "bad", "good film", 1, 1.0f));
    assert_true(one != fingerprint(model, "good film", "bad", 0, 1.0f));
    assert_true(one != fingerprint(model, "good film", "bad", 1, 0.5f));
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_keeps_its_ids_label_and_weight),
        cmocka_unit_test(many_rows_keep_apart),
        cmocka_unit_test(long_texts_are_cut_as_the_model_says),
        cmocka_unit_test(sets_of_labels_become_rows_of_0_and_1),
        cmocka_unit_test(real_targets_stay_as_given),
        cmocka_unit_test(what_a_task_does_not_take_is_refused_and_adds_nothing),
        cmocka_unit_test(a_text_that_is_not_utf8_is_refused_where_that_is_asked),
        cmocka_unit_test(examples_outlive_their_model),
        cmocka_unit_test(examples_fit_models_of_equal_text_task_and_labels),
        cmocka_unit_test(the_fingerprint_tells_texts_labels_weights_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

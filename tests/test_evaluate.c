/* Evaluation, counted once more by hand: weights, unknown labels, parts of rows, threads. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "support/small_host.h"
#include "support/story.h"

#define TEXTS 90

typedef struct fixture {
    tc_config *config;
    tc_model *model;
    tc_examples *examples;
    float scores[TEXTS][STORY_LABELS];
} fixture;

static void set_up(fixture *f, const char *settings)
{
    size_t count = 0;
    assert_ok(host_config(NULL, settings, &f->config));
    assert_ok(host_model(f->config, TEXTS, &f->model));
    assert_ok(host_examples(f->model, 0, TEXTS, &f->examples));
    assert_ok(tc_predict_examples(f->model, f->examples, NULL, TEXTS, TEXTS * STORY_LABELS, f->scores[0], &count));
}

static void tear_down(fixture *f)
{
    tc_examples_free(f->examples);
    tc_model_free(f->model);
    tc_config_free(f->config);
}

static uint32_t label_of(size_t row)
{
    char text[STORY_SIZE];
    return story_write((uint32_t)row, text, NULL);
}

static double weight_of(size_t row)
{
    return row % 7 == 0 ? 0.5 : 1.0;
}

static size_t best_of(const float *scores)
{
    size_t best = 0;
    for (size_t i = 1; i < STORY_LABELS; i++)
        best = scores[i] > scores[best] ? i : best;
    return best;
}

static void classify_figures_are_those_counted_by_hand(void **state)
{
    fixture f;
    tc_label_metrics labels[STORY_LABELS];
    uint64_t confusion[STORY_LABELS * STORY_LABELS], wanted[STORY_LABELS * STORY_LABELS] = {0};
    tc_evaluation e = TC_EVALUATION_INIT;
    double loss = 0.0, weight = 0.0, right = 0.0;
    uint64_t tokens = 0;
    (void)state;
    set_up(&f, "");
    for (size_t row = 0; row < TEXTS; row++) {
        size_t count = 0;
        wanted[label_of(row) * STORY_LABELS + best_of(f.scores[row])]++;
        loss -= weight_of(row) * log((double)f.scores[row][label_of(row)]);
        weight += weight_of(row);
        right += label_of(row) == best_of(f.scores[row]);
        assert_ok(tc_examples_tokens(f.examples, row, &count));
        tokens += count;
    }
    e.labels = labels;
    e.label_capacity = STORY_LABELS;
    e.confusion = confusion;
    e.confusion_capacity = STORY_LABELS * STORY_LABELS;
    assert_ok(tc_evaluate(f.model, f.examples, NULL, TEXTS, &e));
    assert_memory_equal(confusion, wanted, sizeof wanted);
    assert_close(e.loss, loss / weight, 1e-6);
    assert_close(e.accuracy, right / TEXTS, 1e-12);
    assert_int_equal(e.examples, TEXTS);
    assert_int_equal(e.tokens, tokens);
    assert_int_equal(e.unknown_labels, 0);
    for (size_t i = 0; i < STORY_LABELS; i++) {
        double truth = 0.0, predicted = 0.0, both = (double)wanted[i * STORY_LABELS + i];
        for (size_t k = 0; k < STORY_LABELS; k++) {
            truth += (double)wanted[i * STORY_LABELS + k];
            predicted += (double)wanted[k * STORY_LABELS + i];
        }
        assert_int_equal(labels[i].support, (uint64_t)truth);
        assert_close(labels[i].recall, both / truth, 1e-12);
        assert_close(labels[i].precision, predicted > 0.0 ? both / predicted : 0.0, 1e-12);
    }
    assert_true(isnan(e.mean_squared_error) && isnan(e.r2));
    tear_down(&f);
}

static void regress_figures_are_those_counted_by_hand(void **state)
{
    fixture f;
    tc_evaluation e = TC_EVALUATION_INIT;
    double squares = 0.0, distances = 0.0, loss = 0.0, weight = 0.0;
    (void)state;
    set_up(&f, "task=regress");
    for (size_t row = 0; row < TEXTS; row++) {
        char text[STORY_SIZE];
        size_t length = 0;
        uint32_t label = story_write((uint32_t)row, text, &length);
        const double targets[] = {(double)label - 1.0, (double)length / 64.0, (double)(row % 5)};
        double own = 0.0;
        for (size_t k = 0; k < STORY_LABELS; k++) {
            double distance = (double)f.scores[row][k] - targets[k];
            own += distance * distance / STORY_LABELS;
            distances += fabs(distance) / (STORY_LABELS * TEXTS);
        }
        squares += own / TEXTS;
        loss += weight_of(row) * own;
        weight += weight_of(row);
    }
    assert_ok(tc_evaluate(f.model, f.examples, NULL, TEXTS, &e));
    assert_close(e.mean_squared_error, squares, 1e-9);
    assert_close(e.mean_absolute_error, distances, 1e-9);
    assert_close(e.loss, loss / weight, 1e-6);
    assert_true(e.r2 < 1.0 && isnan(e.accuracy) && isnan(e.macro_f1));
    tear_down(&f);
}

static void multilabel_figures_are_those_counted_by_hand(void **state)
{
    fixture f;
    tc_evaluation e = TC_EVALUATION_INIT;
    double exact = 0.0, both = 0.0, truths = 0.0, given = 0.0;
    (void)state;
    set_up(&f, "task=multilabel threshold=0.48");
    for (size_t row = 0; row < TEXTS; row++) {
        bool truth[STORY_LABELS] = {false}, same = true;
        for (size_t k = 0; k < row % 3; k++)
            truth[(label_of(row) + k) % STORY_LABELS] = true;
        for (size_t k = 0; k < STORY_LABELS; k++) {
            bool predicted = (double)f.scores[row][k] >= 0.48;
            same = same && predicted == truth[k];
            both += predicted && truth[k];
            truths += truth[k];
            given += predicted;
        }
        exact += same;
    }
    assert_ok(tc_evaluate(f.model, f.examples, NULL, TEXTS, &e));
    assert_close(e.accuracy, exact / TEXTS, 1e-12);
    assert_close(e.micro_f1, 2.0 * both / (truths + given), 1e-12);
    assert_true(given > 10.0 && isnan(e.calibration_error));
    tear_down(&f);
}

static void figures_do_not_depend_on_threads(void **state)
{
    static const char *const tasks[] = {"classify", "multilabel", "regress"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tc_evaluation one = TC_EVALUATION_INIT;
        for (int threads = 1; threads <= 4; threads++) {
            fixture f;
            char settings[64];
            tc_evaluation e = TC_EVALUATION_INIT;
            (void)snprintf(settings, sizeof settings, "task=%s threads=%d", tasks[i], threads);
            set_up(&f, settings);
            assert_ok(tc_evaluate(f.model, f.examples, NULL, TEXTS, &e));
            if (threads == 1)
                one = e;
            assert_memory_equal(&one, &e, sizeof e);
            tear_down(&f);
        }
    }
}

static void rows_may_be_chosen_and_repeated(void **state)
{
    fixture f;
    tc_evaluation e = TC_EVALUATION_INIT;
    const size_t rows[] = {4, 80, 4};
    (void)state;
    set_up(&f, "");
    double right = 2.0 * (label_of(4) == best_of(f.scores[4])) + (label_of(80) == best_of(f.scores[80]));
    assert_ok(tc_evaluate(f.model, f.examples, rows, 3, &e));
    assert_int_equal(e.examples, 3);
    assert_close(e.accuracy, right / 3.0, 1e-12);
    assert_int_equal(tc_evaluate(f.model, f.examples, rows, 0, &e), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_evaluate(f.model, f.examples, (const size_t[]){TEXTS}, 1, &e), TC_ERROR_ARGUMENT);
    assert_ok(tc_evaluate(f.model, f.examples, NULL, 0, &e));
    assert_int_equal(e.examples, TEXTS); /* no rows named: all */
    tear_down(&f);
}

static void a_row_of_an_unknown_label_is_wrong_and_has_no_loss(void **state)
{
    fixture f;
    tc_evaluation before = TC_EVALUATION_INIT, after = TC_EVALUATION_INIT;
    (void)state;
    set_up(&f, "");
    assert_ok(tc_evaluate(f.model, f.examples, NULL, TEXTS, &before));
    for (size_t i = 0; i < 10; i++)
        assert_ok(tc_examples_add_label(f.examples, "a good film", 11, TC_LABEL_UNKNOWN, 1.0f));
    assert_ok(tc_evaluate(f.model, f.examples, NULL, TEXTS + 10, &after));
    assert_int_equal(after.unknown_labels, 10);
    assert_close(after.accuracy, before.accuracy * TEXTS / (TEXTS + 10), 1e-12);
    assert_close(after.loss, before.loss, 1e-12);
    const size_t unknown[] = {TEXTS};
    assert_ok(tc_evaluate(f.model, f.examples, unknown, 1, &after));
    assert_true(after.accuracy == 0.0 && isnan(after.loss));
    tear_down(&f);
}

static void buffers_that_are_too_small_are_refused(void **state)
{
    fixture f;
    tc_label_metrics labels[STORY_LABELS];
    uint64_t confusion[STORY_LABELS * STORY_LABELS];
    tc_evaluation e = TC_EVALUATION_INIT;
    (void)state;
    set_up(&f, "");
    e.labels = labels;
    e.label_capacity = STORY_LABELS - 1;
    assert_int_equal(tc_evaluate(f.model, f.examples, NULL, TEXTS, &e), TC_ERROR_CAPACITY);
    e.label_capacity = STORY_LABELS;
    e.confusion = confusion;
    e.confusion_capacity = STORY_LABELS * STORY_LABELS - 1;
    assert_int_equal(tc_evaluate(f.model, f.examples, NULL, TEXTS, &e), TC_ERROR_CAPACITY);
    tear_down(&f);
    set_up(&f, "task=multilabel");
    e.confusion_capacity++;
    assert_int_equal(tc_evaluate(f.model, f.examples, NULL, TEXTS, &e), TC_ERROR_UNSUPPORTED);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classify_figures_are_those_counted_by_hand),
        cmocka_unit_test(regress_figures_are_those_counted_by_hand),
        cmocka_unit_test(multilabel_figures_are_those_counted_by_hand),
        cmocka_unit_test(figures_do_not_depend_on_threads),
        cmocka_unit_test(rows_may_be_chosen_and_repeated),
        cmocka_unit_test(a_row_of_an_unknown_label_is_wrong_and_has_no_loss),
        cmocka_unit_test(buffers_that_are_too_small_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

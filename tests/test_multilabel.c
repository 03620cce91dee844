/* test_multilabel.c (labels: quick): metrics of sets of labels.
 *
 * Against scikit-learn's values, and by hand for the threshold and labels that the model lacks. */
#include "support/testing.h"

#include <math.h>

#include "layer/loss.h"
#include "metric/multilabel.h"
#include "support/failing.h"
#include "support/metric_cases.h"
#include "textclf/examples.h"

static tci_memory memory;

static tci_multilabel *new_metric(size_t labels, double threshold)
{
    tci_multilabel *metric = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_multilabel_create(&memory, labels, threshold, NULL, &metric));
    return metric;
}

static tci_multilabel_result result_of(const tci_multilabel *metric)
{
    tci_multilabel_result result;
    assert_ok(tci_multilabel_finish(metric, &result));
    return result;
}

static void check_line(const tci_multilabel *metric, double loss, const char *word, const double *values)
{
    tci_multilabel_result result = result_of(metric);
    if (strcmp(word, "accuracy") == 0) {
        assert_close(result.accuracy, values[0], 1e-12);
    } else if (strcmp(word, "macro_f1") == 0) {
        assert_close(result.macro_f1, values[0], 1e-12);
    } else if (strcmp(word, "micro_f1") == 0) {
        assert_close(result.micro_f1, values[0], 1e-12);
    } else if (strcmp(word, "label") == 0) {
        tc_label_metrics label = tci_multilabel_label(metric, (size_t)values[0]);
        assert_close(label.precision, values[1], 1e-12);
        assert_close(label.recall, values[2], 1e-12);
        assert_close(label.f1, values[3], 1e-12);
        assert_close((double)label.support, values[4], 0);
    } else {
        assert_string_equal(word, "log_loss");
        assert_close(loss, values[0], 1e-6); /* the logits are made from rounded scores */
    }
}

static void figures_equal_scikit_learn(void **state)
{
    (void)state;
    metric_cases *cases = metric_cases_open();
    size_t rows = 0;
    size_t labels = 0;
    size_t case_count = 0;
    for (; metric_cases_next(cases, "multilabel", &rows, &labels); case_count++) {
        char word[32];
        double values[METRIC_MAX_WIDTH];
        double loss = 0;
        size_t lines = 0;
        tci_multilabel *metric = new_metric(labels, 0.5);
        for (size_t row = 0; row < rows; row++) {
            uint32_t truth[METRIC_MAX_WIDTH];
            float targets[METRIC_MAX_WIDTH];
            float scores[METRIC_MAX_WIDTH];
            float logits[METRIC_MAX_WIDTH];
            size_t truth_count = 0;
            tci_loss_sum sum;
            assert_int_equal(metric_cases_line(cases, word, values), 2 * labels);
            for (size_t i = 0; i < labels; i++) {
                targets[i] = (float)values[i];
                scores[i] = (float)values[labels + i];
                logits[i] = (float)log((double)scores[i] / (1 - (double)scores[i]));
                if (values[i] != 0)
                    truth[truth_count++] = (uint32_t)i;
            }
            tci_multilabel_add(metric, truth, truth_count, scores);
            tci_loss_batch batch = {.rows = 1, .labels = labels, .logits = logits, .targets = targets};
            assert_ok(tci_binary_cross_entropy.compute(&batch, &sum, NULL, 0));
            loss += sum.weighted_loss / (double)rows;
        }
        for (; metric_cases_line(cases, word, values) > 0; lines++)
            check_line(metric, loss, word, values);
        assert_string_equal(word, "end");
        assert_int_equal(lines, 4 + labels);
        tci_multilabel_free(metric);
    }
    assert_int_equal(case_count, 2);
    metric_cases_close(cases);
}

static void a_score_at_the_threshold_is_predicted(void **state)
{
    (void)state;
    tci_multilabel *metric = new_metric(2, 0.75);
    tci_multilabel_add(metric, (const uint32_t[]){0}, 1, (const float[]){0.75F, 0.7499999F});
    assert_close(result_of(metric).accuracy, 1, 0);
    tci_multilabel_free(metric);
}

static void an_empty_set_predicted_empty_is_right_and_adds_nothing_to_f1(void **state)
{
    (void)state;
    tci_multilabel *metric = new_metric(2, 0.5);
    tci_multilabel_add(metric, NULL, 0, (const float[]){0.1F, 0.1F});
    tci_multilabel_result result = result_of(metric);
    assert_close(result.accuracy, 1, 0);
    assert_close(result.macro_f1, 0, 0);
    assert_close(result.micro_f1, 0, 0);
    tci_multilabel_free(metric);
}

static void a_label_given_twice_counts_once(void **state)
{
    (void)state;
    tci_multilabel *metric = new_metric(2, 0.5);
    tci_multilabel_add(metric, (const uint32_t[]){1, 1}, 2, (const float[]){0.1F, 0.9F});
    assert_int_equal(tci_multilabel_label(metric, 1).support, 1);
    assert_close(result_of(metric).micro_f1, 1, 0);
    tci_multilabel_free(metric);
}

static void labels_that_the_model_lacks_make_the_set_wrong_and_are_missed(void **state)
{
    (void)state;
    tci_multilabel *metric = new_metric(2, 0.5);
    tci_multilabel_add(metric, (const uint32_t[]){TC_LABEL_UNKNOWN, 1}, 2, (const float[]){0.1F, 0.9F});
    tci_multilabel_add(metric, (const uint32_t[]){0}, 1, (const float[]){0.9F, 0.1F});
    tci_multilabel_result result = result_of(metric);
    assert_int_equal(result.unknown, 1);
    assert_close(result.accuracy, 0.5, 0);
    assert_close(result.macro_f1, 2.0 / 3, 1e-15);
    assert_close(result.micro_f1, 2 * 2.0 / (2 + 3), 1e-15);
    tci_multilabel_free(metric);
}

static void no_rows_are_an_error(void **state)
{
    (void)state;
    tci_multilabel_result result;
    tci_multilabel *metric = new_metric(2, 0.5);
    assert_int_equal(tci_multilabel_finish(metric, &result), TC_ERROR_ARGUMENT);
    tci_multilabel_free(metric);
}

static void a_failing_allocation_leaves_nothing(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        tci_multilabel *metric = NULL;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        tc_status status = tci_multilabel_create(&memory, 3, 0.5, NULL, &metric);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_multilabel_free(metric);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_equal_scikit_learn),
        cmocka_unit_test(a_score_at_the_threshold_is_predicted),
        cmocka_unit_test(an_empty_set_predicted_empty_is_right_and_adds_nothing_to_f1),
        cmocka_unit_test(a_label_given_twice_counts_once),
        cmocka_unit_test(labels_that_the_model_lacks_make_the_set_wrong_and_are_missed),
        cmocka_unit_test(no_rows_are_an_error),
        cmocka_unit_test(a_failing_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

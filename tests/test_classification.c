/* test_classification.c (labels: quick): single-label metrics.
 *
 * Against scikit-learn's values, and by hand where it has none: calibration, labels that the model lacks. */
#include "support/testing.h"

#include <math.h>

#include "layer/loss.h"
#include "metric/classification.h"
#include "support/failing.h"
#include "support/metric_cases.h"
#include "textclf/examples.h"

static tci_memory memory;

static tci_classification *new_metric(size_t labels)
{
    tci_classification *metric = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_classification_create(&memory, labels, true, &metric));
    return metric;
}

static tci_classification_result result_of(const tci_classification *metric)
{
    tci_classification_result result;
    assert_ok(tci_classification_finish(metric, &result));
    return result;
}

/* A line of a golden case that is not a row. `loss` is the mean cross-entropy of the scores' logarithms. */
static void check_line(const tci_classification *metric, double loss, size_t labels, const char *word,
                       const double *values)
{
    tci_classification_result result = result_of(metric);
    if (strcmp(word, "accuracy") == 0) {
        assert_close(result.accuracy, values[0], 1e-12);
    } else if (strcmp(word, "macro_f1") == 0) {
        assert_close(result.macro_f1, values[0], 1e-12);
    } else if (strcmp(word, "micro_f1") == 0) {
        assert_close(result.micro_f1, values[0], 1e-12);
    } else if (strcmp(word, "label") == 0) {
        tc_label_metrics label = tci_classification_label(metric, (size_t)values[0]);
        assert_close(label.precision, values[1], 1e-12);
        assert_close(label.recall, values[2], 1e-12);
        assert_close(label.f1, values[3], 1e-12);
        assert_close((double)label.support, values[4], 0);
    } else if (strcmp(word, "confusion") == 0) {
        const uint64_t *row = tci_classification_confusion(metric) + (size_t)values[0] * labels;
        for (size_t i = 0; i < labels; i++)
            assert_close((double)row[i], values[1 + i], 0);
    } else {
        assert_string_equal(word, "log_loss");
        assert_close(loss, values[0], 1e-7); /* the logits are rounded logarithms, and the scores add to 1 to 1e-7 */
    }
}

static void figures_equal_scikit_learn(void **state)
{
    (void)state;
    metric_cases *cases = metric_cases_open();
    size_t rows = 0;
    size_t labels = 0;
    size_t case_count = 0;
    for (; metric_cases_next(cases, "classify", &rows, &labels); case_count++) {
        char word[32];
        double values[METRIC_MAX_WIDTH];
        double loss = 0;
        size_t lines = 0;
        tci_classification *metric = new_metric(labels);
        for (size_t row = 0; row < rows; row++) {
            float scores[METRIC_MAX_WIDTH];
            float logits[METRIC_MAX_WIDTH];
            tci_loss_sum sum;
            assert_int_equal(metric_cases_line(cases, word, values), labels + 2);
            uint32_t truth = (uint32_t)values[0];
            for (size_t i = 0; i < labels; i++) {
                scores[i] = (float)values[2 + i];
                logits[i] = logf(scores[i]);
            }
            assert_int_equal(tci_classification_add(metric, truth, scores), values[1]);
            tci_loss_batch batch = {.rows = 1, .labels = labels, .logits = logits, .classes = &truth};
            assert_ok(tci_cross_entropy.compute(&batch, &sum, NULL, 0));
            loss += sum.weighted_loss / (double)rows;
        }
        for (; metric_cases_line(cases, word, values) > 0; lines++)
            check_line(metric, loss, labels, word, values);
        assert_string_equal(word, "end");
        assert_int_equal(lines, 4 + 2 * labels);
        tci_classification_free(metric);
    }
    assert_int_equal(case_count, 2);
    metric_cases_close(cases);
}

static void equal_scores_predict_the_first_label(void **state)
{
    (void)state;
    tci_classification *metric = new_metric(3);
    assert_int_equal(tci_classification_add(metric, 0, (const float[]){0.2F, 0.4F, 0.4F}), 1);
    tci_classification_free(metric);
}

static void a_label_that_the_model_lacks_is_wrong_and_one_more_label_in_macro_f1(void **state)
{
    (void)state;
    tci_classification *metric = new_metric(2);
    tci_classification_add(metric, 0, (const float[]){0.9F, 0.1F});
    tci_classification_add(metric, 1, (const float[]){0.1F, 0.9F});
    tci_classification_add(metric, TC_LABEL_UNKNOWN, (const float[]){0.1F, 0.9F});
    tci_classification_add(metric, TC_LABEL_UNKNOWN, (const float[]){0.2F, 0.8F});
    tci_classification_result result = result_of(metric);
    assert_int_equal(result.rows, 4);
    assert_int_equal(result.unknown, 2);
    assert_close(result.accuracy, 0.5, 0);
    assert_close(result.micro_f1, 0.5, 0);
    assert_close(result.macro_f1, (1 + 0.5 + 0) / 3, 1e-15); /* f1_score([0, 1, 2, 2], [0, 1, 1, 1], average="macro") */
    assert_close(tci_classification_label(metric, 1).precision, 1.0 / 3, 1e-15);
    assert_int_equal(tci_classification_confusion(metric)[3], 1);
    tci_classification_free(metric);
}

static void calibration_error_compares_confidence_and_accuracy_bin_by_bin(void **state)
{
    (void)state;
    tci_classification *metric = new_metric(2);
    /* Bin (12/15, 13/15]: confidence 0.8125 and 0.84375, one right of two. Bin (13/15, 14/15]: 0.875, right. */
    tci_classification_add(metric, 0, (const float[]){0.8125F, 0.1875F});
    tci_classification_add(metric, 1, (const float[]){0.84375F, 0.15625F});
    tci_classification_add(metric, 1, (const float[]){0.125F, 0.875F});
    assert_close(result_of(metric).calibration_error, (fabs(1 - 0.8125 - 0.84375) + fabs(1 - 0.875)) / 3, 1e-15);
    tci_classification_free(metric);
}

static void a_confidence_of_one_belongs_to_the_last_bin(void **state)
{
    (void)state;
    tci_classification *metric = new_metric(2);
    /* In one bin right and wrong cancel in part; in two they would not. */
    tci_classification_add(metric, 0, (const float[]){1.0F, 0.0F});
    tci_classification_add(metric, 1, (const float[]){0.96875F, 0.03125F});
    assert_close(result_of(metric).calibration_error, fabs(1 - 1.0 - 0.96875) / 2, 1e-15);
    tci_classification_free(metric);
}

static void no_rows_are_an_error(void **state)
{
    (void)state;
    tci_classification_result result;
    tci_classification *metric = new_metric(2);
    assert_int_equal(tci_classification_finish(metric, &result), TC_ERROR_ARGUMENT);
    assert_contains(tci_error_text(), "no examples");
    tci_classification_free(metric);
}

static void confusion_is_counted_only_where_it_is_asked_for(void **state)
{
    (void)state;
    tci_classification *metric = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_classification_create(&memory, 2, false, &metric));
    tci_classification_add(metric, 1, (const float[]){0.25F, 0.75F});
    assert_null(tci_classification_confusion(metric));
    tci_classification_free(metric);
}

static void a_failing_allocation_leaves_nothing(void **state)
{
    (void)state;
    tci_classification *metric = NULL;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        tc_status status = tci_classification_create(&memory, 3, true, &metric);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_classification_free(metric);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

static void a_confusion_matrix_above_the_memory_limit_is_refused(void **state)
{
    (void)state;
    tci_classification *metric = NULL;
    tci_memory_init(&memory, NULL, 1 << 20);
    assert_int_equal(tci_classification_create(&memory, 1000, true, &metric), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "confusion matrix");
    assert_null(metric);
    assert_int_equal(memory.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_equal_scikit_learn),
        cmocka_unit_test(equal_scores_predict_the_first_label),
        cmocka_unit_test(a_label_that_the_model_lacks_is_wrong_and_one_more_label_in_macro_f1),
        cmocka_unit_test(calibration_error_compares_confidence_and_accuracy_bin_by_bin),
        cmocka_unit_test(a_confidence_of_one_belongs_to_the_last_bin),
        cmocka_unit_test(no_rows_are_an_error),
        cmocka_unit_test(confusion_is_counted_only_where_it_is_asked_for),
        cmocka_unit_test(a_failing_allocation_leaves_nothing),
        cmocka_unit_test(a_confusion_matrix_above_the_memory_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

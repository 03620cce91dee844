/* test_regression.c (labels: quick): errors of real values against scikit-learn's, and R² where nothing varies. */
#include "support/testing.h"

#include <math.h>

#include "metric/regression.h"
#include "support/failing.h"
#include "support/metric_cases.h"

static tci_memory memory;

static tci_regression *new_metric(size_t targets)
{
    tci_regression *metric = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_regression_create(&memory, targets, &metric));
    return metric;
}

static tci_regression_result result_of(const tci_regression *metric)
{
    tci_regression_result result;
    assert_ok(tci_regression_finish(metric, &result));
    return result;
}

static void check_line(const tci_regression *metric, const char *word, const double *values)
{
    tci_regression_result result = result_of(metric);
    if (strcmp(word, "mse") == 0) {
        assert_close(result.mean_squared_error, values[0], 1e-12);
    } else if (strcmp(word, "mae") == 0) {
        assert_close(result.mean_absolute_error, values[0], 1e-12);
    } else if (strcmp(word, "r2") == 0) {
        assert_close(result.r2, values[0], 1e-12);
    } else {
        assert_string_equal(word, "target");
        result = tci_regression_target(metric, (size_t)values[0]);
        assert_close(result.mean_squared_error, values[1], 1e-12);
        assert_close(result.mean_absolute_error, values[2], 1e-12);
        assert_close(result.r2, values[3], 1e-12);
    }
}

static void figures_equal_scikit_learn(void **state)
{
    (void)state;
    metric_cases *cases = metric_cases_open();
    size_t rows = 0;
    size_t targets = 0;
    size_t case_count = 0;
    for (; metric_cases_next(cases, "regress", &rows, &targets); case_count++) {
        char word[32];
        double values[METRIC_MAX_WIDTH];
        size_t lines = 0;
        tci_regression *metric = new_metric(targets);
        for (size_t row = 0; row < rows; row++) {
            float truth[METRIC_MAX_WIDTH];
            float predicted[METRIC_MAX_WIDTH];
            assert_int_equal(metric_cases_line(cases, word, values), 2 * targets);
            for (size_t i = 0; i < targets; i++) {
                truth[i] = (float)values[i];
                predicted[i] = (float)values[targets + i];
            }
            tci_regression_add(metric, truth, predicted);
        }
        for (; metric_cases_line(cases, word, values) > 0; lines++)
            check_line(metric, word, values);
        assert_string_equal(word, "end");
        assert_int_equal(lines, 3 + targets);
        tci_regression_free(metric);
    }
    assert_int_equal(case_count, 2);
    metric_cases_close(cases);
}

static void add_rows(tci_regression *metric, size_t rows, float target, float value)
{
    for (size_t row = 0; row < rows; row++)
        tci_regression_add(metric, &target, &value);
}

static void r2_of_targets_that_never_change_is_one_if_all_is_right_and_zero_otherwise(void **state)
{
    (void)state;
    tci_regression *right = new_metric(1);
    tci_regression *wrong = new_metric(1);
    add_rows(right, 7, 0.1F, 0.1F);
    add_rows(wrong, 7, 0.1F, 0.2F);
    assert_close(result_of(right).r2, 1, 0);
    assert_close(result_of(wrong).r2, 0, 0);
    tci_regression_free(right);
    tci_regression_free(wrong);
}

static void r2_of_one_row_is_not_a_number(void **state)
{
    (void)state;
    tci_regression *metric = new_metric(1);
    add_rows(metric, 1, 1, 2);
    assert_true(isnan(result_of(metric).r2));
    assert_close(result_of(metric).mean_squared_error, 1, 0);
    tci_regression_free(metric);
}

static void r2_keeps_its_digits_far_from_zero(void **state)
{
    (void)state;
    tci_regression *metric = new_metric(1);
    for (size_t i = 0; i < 1000; i++)
        add_rows(metric, 1, 16777000.0F + (float)(i % 4), 16777001.0F);
    assert_close(result_of(metric).r2, 1 - 1.5 / 1.25, 1e-9);
    tci_regression_free(metric);
}

static void no_rows_are_an_error(void **state)
{
    (void)state;
    tci_regression_result result;
    tci_regression *metric = new_metric(1);
    assert_int_equal(tci_regression_finish(metric, &result), TC_ERROR_ARGUMENT);
    tci_regression_free(metric);
}

static void a_failing_allocation_leaves_nothing(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        tci_regression *metric = NULL;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        tc_status status = tci_regression_create(&memory, 3, &metric);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_regression_free(metric);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_equal_scikit_learn),
        cmocka_unit_test(r2_of_targets_that_never_change_is_one_if_all_is_right_and_zero_otherwise),
        cmocka_unit_test(r2_of_one_row_is_not_a_number),
        cmocka_unit_test(r2_keeps_its_digits_far_from_zero),
        cmocka_unit_test(no_rows_are_an_error),
        cmocka_unit_test(a_failing_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

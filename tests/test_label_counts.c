/* test_label_counts.c (labels: quick): precision, recall and F1 from counts. */
#include "support/testing.h"

#include "metric/label_counts.h"

static void a_label_has_precision_recall_and_their_harmonic_mean(void **state)
{
    (void)state;
    const tci_label_counts counts = {.right = 3, .predicted = 4, .support = 6};
    tc_label_metrics metrics = tci_label_metrics_of(&counts);
    assert_close(metrics.precision, 0.75, 0);
    assert_close(metrics.recall, 0.5, 0);
    assert_close(metrics.f1, 2 * 0.75 * 0.5 / 1.25, 1e-15);
    assert_int_equal(metrics.support, 6);
}

static void nothing_over_nothing_is_zero(void **state)
{
    (void)state;
    const tci_label_counts counts = {0};
    tc_label_metrics metrics = tci_label_metrics_of(&counts);
    assert_close(metrics.precision, 0, 0);
    assert_close(metrics.recall, 0, 0);
    assert_close(metrics.f1, 0, 0);
    assert_close(tci_macro_f1(&counts, 1, 0), 0, 0);
    assert_close(tci_micro_f1(&counts, 1, 0), 0, 0);
}

static void macro_f1_runs_over_seen_labels_and_the_others(void **state)
{
    (void)state;
    const tci_label_counts counts[] = {{2, 2, 2}, {0, 0, 0}, {0, 1, 0}, {0, 0, 3}};
    assert_close(tci_macro_f1(counts, 4, 0), 1.0 / 3, 1e-15);
    assert_close(tci_macro_f1(counts, 4, 1), 0.25, 1e-15);
}

static void micro_f1_adds_all_decisions_and_the_unknown_labels(void **state)
{
    (void)state;
    const tci_label_counts counts[] = {{2, 3, 2}, {1, 1, 4}};
    assert_close(tci_micro_f1(counts, 2, 0), 0.6, 1e-15);
    assert_close(tci_micro_f1(counts, 2, 5), 0.4, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_has_precision_recall_and_their_harmonic_mean),
        cmocka_unit_test(nothing_over_nothing_is_zero),
        cmocka_unit_test(macro_f1_runs_over_seen_labels_and_the_others),
        cmocka_unit_test(micro_f1_adds_all_decisions_and_the_unknown_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_cross_entropy.c (labels: quick): cross-entropy and softmax: class weights, smoothing, extreme logits. */
#include "support/testing.h"

#include <math.h>

#include "layer/loss.h"

static tci_loss_sum compute(size_t labels, const float *logits, uint32_t truth, const float *class_weights,
                            double smoothing, float *dlogits)
{
    tci_loss_sum sum;
    tci_loss_batch batch = {.rows = 1,
                            .labels = labels,
                            .logits = logits,
                            .logits_stride = labels,
                            .classes = &truth,
                            .class_weights = class_weights,
                            .label_smoothing = smoothing};
    assert_ok(tci_cross_entropy.compute(&batch, &sum, dlogits, labels));
    return sum;
}

static void equal_logits_cost_the_log_of_the_number_of_labels(void **state)
{
    (void)state;
    const float logits[] = {3, 3, 3, 3};
    float dlogits[4];
    tci_loss_sum sum = compute(4, logits, 2, NULL, 0, dlogits);
    assert_close(sum.weighted_loss, log(4), 1e-15);
    assert_close(sum.weight, 1, 0);
    assert_close(dlogits[0], 0.25, 0);
    assert_close(dlogits[2], -0.75, 0);
}

static void class_weight_of_the_true_label_scales_loss_and_weight(void **state)
{
    (void)state;
    const float logits[] = {1, -1, 0.5F};
    const float class_weights[] = {0.5F, 4, 3};
    tci_loss_sum plain = compute(3, logits, 1, NULL, 0, NULL);
    tci_loss_sum weighted = compute(3, logits, 1, class_weights, 0, NULL);
    assert_close(weighted.weighted_loss, 4 * plain.weighted_loss, 1e-15);
    assert_close(weighted.weight, 4, 0);
}

static void smoothing_spreads_over_all_labels_by_class_weight_but_divides_by_the_true_ones(void **state)
{
    (void)state;
    const float logits[] = {1, -1, 0.5F};
    const float class_weights[] = {0.5F, 4, 3};
    double total = exp(1) + exp(-1) + exp(0.5);
    double smooth = 0;
    for (size_t i = 0; i < 3; i++)
        smooth += (double)class_weights[i] * (log(total) - (double)logits[i]);
    tci_loss_sum sum = compute(3, logits, 1, class_weights, 0.3, NULL);
    assert_close(sum.weighted_loss, 0.7 * 4 * (log(total) + 1) + 0.1 * smooth, 1e-14);
    assert_close(sum.weight, 4, 0);
}

static void full_smoothing_forgets_the_true_label(void **state)
{
    (void)state;
    const float logits[] = {1, -1, 0.5F};
    float one[3];
    float other[3];
    double loss = compute(3, logits, 1, NULL, 1, one).weighted_loss;
    assert_close(compute(3, logits, 2, NULL, 1, other).weighted_loss, loss, 0);
    assert_all_close(one, other, 3, 0);
}

static void extreme_logits_give_finite_losses_and_gradients(void **state)
{
    (void)state;
    const float logits[] = {3e38F, -3e38F, 0};
    float dlogits[3];
    tci_loss_sum sum = compute(3, logits, 0, NULL, 0, dlogits);
    assert_close(sum.weighted_loss, 0, 0);
    assert_close(dlogits[0], 0, 0);
    sum = compute(3, logits, 1, NULL, 0, dlogits);
    assert_close(sum.weighted_loss / 6e38, 1, 1e-6);
    assert_close(dlogits[0], 1, 0);
    assert_close(dlogits[1], -1, 0);
}

static void a_small_loss_has_a_gradient_with_all_its_digits(void **state)
{
    (void)state;
    const float logits[] = {16, 0};
    float dlogits[2];
    compute(2, logits, 0, NULL, 0, dlogits);
    assert_true(fabs((double)dlogits[0] / -(1 / (1 + exp(16))) - 1) < 1e-7);
    assert_true(fabs((double)dlogits[1] / (1 / (1 + exp(16))) - 1) < 1e-7);
}

static void a_label_that_is_not_there_is_refused(void **state)
{
    (void)state;
    const float logits[] = {1, 2};
    const uint32_t truth = 2;
    tci_loss_sum sum;
    tci_loss_batch batch = {.rows = 1, .labels = 2, .logits = logits, .logits_stride = 2, .classes = &truth};
    assert_int_equal(tci_cross_entropy.compute(&batch, &sum, NULL, 0), TC_ERROR_INTERNAL);
}

static void softmax_is_the_share_of_each_exponential(void **state)
{
    (void)state;
    const float logits[] = {1, -1, 0.5F};
    float scores[3];
    double total = exp(1) + exp(-1) + exp(0.5);
    assert_ok(tci_cross_entropy.scores(3, logits, scores));
    for (size_t i = 0; i < 3; i++)
        assert_close(scores[i], exp((double)logits[i]) / total, 1e-7);
}

static void softmax_of_extreme_logits_is_zero_and_one(void **state)
{
    (void)state;
    const float logits[] = {3e38F, -3e38F};
    float scores[2];
    assert_ok(tci_cross_entropy.scores(2, logits, scores));
    assert_close(scores[0], 1, 0);
    assert_close(scores[1], 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_logits_cost_the_log_of_the_number_of_labels),
        cmocka_unit_test(class_weight_of_the_true_label_scales_loss_and_weight),
        cmocka_unit_test(smoothing_spreads_over_all_labels_by_class_weight_but_divides_by_the_true_ones),
        cmocka_unit_test(full_smoothing_forgets_the_true_label),
        cmocka_unit_test(extreme_logits_give_finite_losses_and_gradients),
        cmocka_unit_test(a_small_loss_has_a_gradient_with_all_its_digits),
        cmocka_unit_test(a_label_that_is_not_there_is_refused),
        cmocka_unit_test(softmax_is_the_share_of_each_exponential),
        cmocka_unit_test(softmax_of_extreme_logits_is_zero_and_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

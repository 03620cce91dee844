/* test_binary_cross_entropy.c (labels: quick): binary cross-entropy and sigmoid: mean over labels, extreme logits. */
#include "support/testing.h"

#include <math.h>

#include "layer/loss.h"

static tci_loss_sum compute(const float logits[2], const float targets[2], float dlogits[2])
{
    tci_loss_sum sum;
    tci_loss_batch batch = {
        .rows = 1, .labels = 2, .logits = logits, .logits_stride = 2, .targets = targets, .targets_stride = 2};
    assert_ok(tci_binary_cross_entropy.compute(&batch, &sum, dlogits, 2));
    return sum;
}

static void loss_is_the_mean_over_labels(void **state)
{
    (void)state;
    const float logits[] = {1.5F, -0.25F};
    const float targets[] = {1, 0};
    float dlogits[2];
    tci_loss_sum sum = compute(logits, targets, dlogits);
    assert_close(sum.weighted_loss, (log(1 + exp(-1.5)) + log(1 + exp(-0.25))) / 2, 1e-15);
    assert_close(sum.weight, 1, 0);
    assert_close(dlogits[0], -0.5 / (1 + exp(1.5)), 1e-8);
    assert_close(dlogits[1], 0.5 / (1 + exp(0.25)), 1e-8);
}

static void extreme_logits_give_finite_losses_and_gradients(void **state)
{
    (void)state;
    const float logits[] = {3e38F, -3e38F};
    const float right[] = {1, 0};
    const float wrong[] = {0, 1};
    float dlogits[2];
    assert_close(compute(logits, right, dlogits).weighted_loss, 0, 0);
    assert_close(dlogits[0], 0, 0);
    assert_close(compute(logits, wrong, dlogits).weighted_loss / 3e38, 1, 1e-6);
    assert_close(dlogits[0], 0.5, 0);
    assert_close(dlogits[1], -0.5, 0);
}

static void sigmoid_is_exact_at_the_ends_and_symmetric(void **state)
{
    (void)state;
    const float logits[] = {0, 3e38F, -3e38F, 2, -2};
    float scores[5];
    assert_ok(tci_binary_cross_entropy.scores(5, logits, scores));
    assert_close(scores[0], 0.5, 0);
    assert_close(scores[1], 1, 0);
    assert_close(scores[2], 0, 0);
    assert_close(scores[3], 1 / (1 + exp(-2)), 1e-7);
    assert_close(scores[4], 1 / (1 + exp(2)), 1e-8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_the_mean_over_labels),
        cmocka_unit_test(extreme_logits_give_finite_losses_and_gradients),
        cmocka_unit_test(sigmoid_is_exact_at_the_ends_and_symmetric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

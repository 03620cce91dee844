/* test_mean_squared_error.c (labels: quick): mean squared error and its scores. */
#include "support/testing.h"

#include "layer/loss.h"

static void loss_is_the_mean_over_targets(void **state)
{
    (void)state;
    const float values[] = {1, 3};
    const float targets[] = {0.5F, 5};
    float dlogits[2];
    tci_loss_sum sum;
    tci_loss_batch batch = {
        .rows = 1, .labels = 2, .logits = values, .logits_stride = 2, .targets = targets, .targets_stride = 2};
    assert_ok(tci_mean_squared_error.compute(&batch, &sum, dlogits, 2));
    assert_close(sum.weighted_loss, (0.25 + 4) / 2, 0);
    assert_close(sum.weight, 1, 0);
    assert_close(dlogits[0], 0.5, 0);
    assert_close(dlogits[1], -2, 0);
}

static void a_gradient_beyond_float_is_an_error(void **state)
{
    (void)state;
    const float values[] = {3e38F};
    const float targets[] = {-3e38F};
    float dlogits[1];
    tci_loss_sum sum;
    tci_loss_batch batch = {
        .rows = 1, .labels = 1, .logits = values, .logits_stride = 1, .targets = targets, .targets_stride = 1};
    assert_int_equal(tci_mean_squared_error.compute(&batch, &sum, dlogits, 1), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), "logit gradient 0 of row 0");
}

static void scores_are_the_values(void **state)
{
    (void)state;
    const float values[] = {-7.25F, 1e30F};
    float scores[2];
    assert_ok(tci_mean_squared_error.scores(2, values, scores));
    assert_all_close(scores, values, 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_the_mean_over_targets),
        cmocka_unit_test(a_gradient_beyond_float_is_an_error),
        cmocka_unit_test(scores_are_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

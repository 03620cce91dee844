/* labels: quick
 * Scale and shift that margins were made with are found again. */
#include "support/testing.h"

#include <math.h>

#include "model/margin_fit.h"

/* Every margin of a grid stands as often with either label as its probability says, of so many. */
#define STEPS 41
#define EACH 200

static size_t fill(float *margins, float *truth, double scale, double shift)
{
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        double z = (step - STEPS / 2) * 0.1, p = 1 / (1 + exp(-(scale * z + shift)));
        int positive = (int)(p * EACH + 0.5);
        for (int i = 0; i < EACH; i++) {
            margins[count] = (float)z;
            truth[count++] = i < positive ? 1.0f : -1.0f;
        }
    }
    return count;
}

static void a_sigmoid_is_fitted(void **state)
{
    (void)state;
    static float margins[STEPS * EACH], truth[STEPS * EACH];
    static const double wanted[][2] = {{1, 0}, {2.5, -0.5}, {0.3, 1}, {6, 2}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        size_t count = fill(margins, truth, wanted[i][0], wanted[i][1]);
        tci_margin_fit fit = tci_fit_sigmoid(margins, truth, count, NULL);
        assert_close(fit.scale, wanted[i][0], 0.03);
        assert_close(fit.shift, wanted[i][1], 0.03);
    }
}

static void without_both_labels_margins_stay_as_they_are(void **state)
{
    (void)state;
    const float margins[] = {1, 2, 3}, truth[] = {1, 1, 1}, false_truth[] = {-1, -1, -1};
    for (size_t count = 0; count <= 3; count += 3) {
        tci_margin_fit fit = tci_fit_sigmoid(margins, truth, count, NULL);
        assert_true(fit.scale == 1.0f && fit.shift == 0.0f);
        fit = tci_fit_sigmoid(margins, false_truth, count, NULL);
        assert_true(fit.scale == 1.0f && fit.shift == 0.0f);
    }
}

static void margins_that_part_the_labels_get_a_finite_scale(void **state)
{
    (void)state;
    const float margins[] = {-3, -2, -1, 1, 2, 3}, truth[] = {-1, -1, -1, 1, 1, 1};
    const uint32_t labels[] = {0, 1, 1};
    const float rows[] = {1, -1, -1, 1, -2, 2};
    tci_margin_fit fit = tci_fit_sigmoid(margins, truth, 6, NULL);
    assert_true(fit.scale > 0 && fit.scale <= 1000 && isfinite(fit.shift));
    fit = tci_fit_softmax(rows, labels, 3, 2, NULL);
    assert_true(fit.scale > 1 && fit.scale <= 1000);
}

static void margins_that_mislead_count_for_nothing(void **state)
{
    (void)state;
    const float margins[] = {-3, -2, -1, -2, 1, 2, 3, 2}, truth[] = {1, 1, 1, 1, -1, -1, -1, 1};
    tci_margin_fit fit = tci_fit_sigmoid(margins, truth, 8, NULL);
    assert_close(fit.scale, 0.001, 1e-6);
    assert_close(fit.shift, log(6.0 / 4), 1e-6);
    assert_close(fit.loss, log(2.0), 0.05);
}

/* Rows of three margins, each as often with each label as the softmax of `scale` times them says. */
static void a_softmax_is_fitted(void **state)
{
    (void)state;
    static const float kinds[][3] = {{1, 0, -1}, {0.5f, 0.2f, 0}, {-1, 2, 1}, {0, 0, 0.3f}};
    static float margins[4 * 1000 * 3];
    static uint32_t labels[4 * 1000];
    static const double wanted[] = {0.5, 1, 3};
    for (size_t w = 0; w < 3; w++) {
        size_t rows = 0;
        for (size_t kind = 0; kind < 4; kind++) {
            double sum = 0;
            for (size_t c = 0; c < 3; c++)
                sum += exp(wanted[w] * (double)kinds[kind][c]);
            for (uint32_t c = 0; c < 3; c++) {
                size_t times = (size_t)(900 * exp(wanted[w] * (double)kinds[kind][c]) / sum + 0.5);
                for (size_t i = 0; i < times; i++, rows++) {
                    memcpy(margins + 3 * rows, kinds[kind], sizeof kinds[kind]);
                    labels[rows] = c;
                }
            }
        }
        tci_margin_fit fit = tci_fit_softmax(margins, labels, rows, 3, NULL);
        assert_close(fit.scale, wanted[w], 0.02);
        assert_true(fit.shift == 0.0f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sigmoid_is_fitted),
        cmocka_unit_test(without_both_labels_margins_stay_as_they_are),
        cmocka_unit_test(margins_that_part_the_labels_get_a_finite_scale),
        cmocka_unit_test(margins_that_mislead_count_for_nothing),
        cmocka_unit_test(a_softmax_is_fitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

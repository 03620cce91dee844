/* GELU in both forms, ReLU and tanh and their slopes, in every table of kernels, against double. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "layer/activation.h"
#include "support/kernels.h"

static const tci_activation all[] = {TCI_ACTIVATION_NONE, TCI_ACTIVATION_GELU, TCI_ACTIVATION_GELU_TANH,
                                     TCI_ACTIVATION_RELU, TCI_ACTIVATION_TANH};
enum { ALL = sizeof all / sizeof all[0] };

static double value_of(tci_activation activation, double x)
{
    switch (activation) {
    case TCI_ACTIVATION_GELU:
        return x * 0.5 * erfc(-x * 0.70710678118654752440);
    case TCI_ACTIVATION_GELU_TANH:
        return x < -20.0 ? 0.0 : x / (1.0 + exp(-2.0 * 0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case TCI_ACTIVATION_RELU:
        return x < 0.0 ? 0.0 : x;
    case TCI_ACTIVATION_TANH:
        return tanh(x);
    default:
        return x;
    }
}

/* Slopes by the difference of the values. */
static double slope_of(tci_activation activation, double x)
{
    double step = 1e-6;
    if (activation == TCI_ACTIVATION_RELU)
        return x > 0.0 ? 1.0 : 0.0;
    return (value_of(activation, x + step) - value_of(activation, x - step)) / (2.0 * step);
}

/* What is promised of the value at x: 4 units of 2^-24 of x, more only where the result is small by itself. */
static double bound_of(double x)
{
    return 4.0 * 0x1p-24 * fabs(x) + 1e-37;
}

#define SAMPLES 400000

static void values_are_those_of_the_formulas(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t a = 0; a < ALL; a++) {
            double worst = 0.0;
            for (uint32_t i = 0; i < SAMPLES; i += 1 + 6 * (TEST_EVERY(2) - 1)) {
                /* -20 to 20, and every size of number */
                float x = i % 4 ? ((float)i / SAMPLES - 0.5f) * 40.0f : float_of((i * 2654435761u) & 0xbfffffffu), y;
                tci_activation_forward(all[a], tables[t], 1, &x, &y);
                double error = fabs((double)y - value_of(all[a], (double)x));
                if (!(error <= bound_of((double)x)))
                    fail_msg("%s, function %d of %.9g = %.9g", tables[t]->isa, (int)all[a], (double)x, (double)y);
                worst = x != 0.0f ? fmax(worst, error / (fabs((double)x) + 1e-30)) : worst;
            }
            print_message("%s, function %d: %.2f units of 2^-24\n", tables[t]->isa, (int)all[a], worst * 0x1p24);
        }
}

static void slopes_are_those_of_the_values(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t a = 0; a < ALL; a++)
            for (int i = -1501; i < 1501; i += TEST_EVERY(7)) {
                float x = (float)i * 0.01f + 0.001f, dy = 0.75f, dx;
                tci_activation_backward(all[a], tables[t], 1, &x, &dy, &dx);
                assert_close(dx, 0.75 * slope_of(all[a], (double)x), 1e-6);
            }
}

static void ends_are_exact_and_nan_stays(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    const float x[] = {INFINITY, -INFINITY, 0.0f, 1e30f, -1e30f, NAN};
    const float values[] = {INFINITY, 0.0f, 0.0f, 1e30f, 0.0f}, slopes[] = {1.0f, 0.0f, 0.5f, 1.0f, 0.0f};
    for (size_t t = 0; t < table_count; t++)
        for (size_t a = 1; a <= 2; a++) {
            float y[6], dx[6], dy[6] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
            tci_activation_forward(all[a], tables[t], 6, x, y);
            tci_activation_backward(all[a], tables[t], 6, x, dy, dx);
            for (size_t i = 0; i < 5; i++)
                assert_true(y[i] == values[i] && dx[i] == slopes[i]);
            assert_true(isnan(y[5]) && isnan(dx[5]));
            for (size_t b = 3; b < ALL; b++) {
                tci_activation_forward(all[b], tables[t], 1, &x[5], y);
                assert_true(isnan(y[0]));
            }
        }
}

/* Runs over [offset, offset + count) of a block, apart and in place; what lies around must stay. */
static void an_element_has_the_same_bits_wherever_it_stands(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    uint32_t state = 5;
    for (size_t i = 0; i < table_count * ALL * 50; i++) {
        const tci_kernels *kernels = tables[i / 50 / ALL];
        tci_activation activation = all[i / 50 % ALL];
        size_t count = i % 50 < 49 ? i % 50 : 600, offset = i % 7, size = offset + count;
        float *x = random_block(size, &state), *dy = random_block(size, &state), *y = random_block(size + 9, &state);
        float *before = copy_block(y, size + 9), *dx = copy_block(y, size + 9);
        for (size_t j = 0; j < size; j++)
            x[j] *= 6.0f;
        tci_activation_forward(activation, kernels, count, x + offset, y + offset);
        tci_activation_backward(activation, kernels, count, x + offset, dy + offset, dx + offset);
        for (size_t j = 0; j < size + 9; j++) {
            float value = before[j], slope = before[j];
            if (j >= offset && j < size) {
                tci_activation_forward(activation, kernels, 1, x + j, &value);
                tci_activation_backward(activation, kernels, 1, x + j, dy + j, &slope);
            }
            assert_int_equal(bits_of(y[j]), bits_of(value));
            assert_int_equal(bits_of(dx[j]), bits_of(slope));
        }
        tci_activation_backward(activation, kernels, count, x + offset, dy + offset, dy + offset);
        assert_memory_equal(dy + offset, dx + offset, count * sizeof *dx);
        tci_activation_forward(activation, kernels, count, x + offset, x + offset);
        assert_memory_equal(x + offset, y + offset, count * sizeof *y);
        free(x), free(dy), free(y), free(before), free(dx);
    }
}

static void relu_has_no_slope_at_zero(void **state)
{
    (void)state;
    const float x[4] = {0.0f, -0.0f, 1e-30f, -1e-30f}, dy[4] = {2.0f, 2.0f, 2.0f, 2.0f};
    const float wanted[4] = {0.0f, 0.0f, 2.0f, 0.0f};
    float dx[4];
    tci_activation_backward(TCI_ACTIVATION_RELU, &tci_kernels_scalar, 4, x, dy, dx);
    assert_memory_equal(dx, wanted, sizeof dx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_formulas),
        cmocka_unit_test(slopes_are_those_of_the_values),
        cmocka_unit_test(ends_are_exact_and_nan_stays),
        cmocka_unit_test(an_element_has_the_same_bits_wherever_it_stands),
        cmocka_unit_test(relu_has_no_slope_at_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

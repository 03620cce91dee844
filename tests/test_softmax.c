/* labels: quick */
/* Softmax and its gradient of every table: close to double in every width, causal and not, nothing outside touched, and
 * NaN fills its row alone. */
#include "support/testing.h"

#include <math.h>

#include "support/kernels.h"

enum { ROWS = 7, MOST = 96, STRIDE = MOST + 16, COUNT = ROWS * STRIDE };
#define SCALE 0.4f

/* What row r must hold, from its scores. */
static void check_row(const float *x, const float *e, size_t columns, const float *stats)
{
    double largest = (double)x[0], sum = 0.0;
    for (size_t c = 1; c < columns; c++)
        largest = (double)x[c] > largest ? (double)x[c] : largest;
    for (size_t c = 0; c < columns; c++) {
        double value = exp(((double)x[c] - largest) * (double)SCALE);
        assert_close(e[c], value, 4e-6);
        sum += value;
    }
    assert_true((double)stats[0] == largest);
    assert_close(stats[1] * (float)sum, 1.0, 4e-6);
    for (size_t c = columns; c < MOST; c++)
        assert_true(e[c] == 0.0f);
}

static void check_gradient(const float *x, const float *p, const float *dp, const float *dx, size_t columns,
                           const float *stats, float inner)
{
    for (size_t c = 0; c < columns; c++) {
        double value = exp(((double)x[c] - (double)stats[0]) * (double)SCALE) * (double)stats[1];
        assert_close(p[c], value, 4e-6);
        assert_close(dx[c], value * ((double)dp[c] - (double)inner) * (double)SCALE, 4e-6);
    }
    for (size_t c = columns; c < MOST; c++)
        assert_int_equal(bits_of(p[c]) | bits_of(dx[c]), 0);
}

static void check(const tci_kernels *kernels, size_t columns, size_t step)
{
    uint32_t state = (uint32_t)(columns * 2 + step);
    float *x = random_block(COUNT, &state), *dp = random_block(COUNT, &state), *inner = random_block(ROWS, &state);
    for (size_t i = 0; i < COUNT; i++)
        x[i] *= 30.0f;
    float *e = copy_block(x, COUNT), *p = copy_block(x, COUNT), *dx = copy_block(dp, COUNT);
    float *stats = random_block((size_t)2 * ROWS, &state);
    kernels->softmax(ROWS, columns, step, MOST, SCALE, e, STRIDE, stats);
    kernels->softmax_backward(ROWS, columns, step, MOST, SCALE, p, dx, STRIDE, stats, inner, NULL);
    for (size_t r = 0; r < ROWS; r++) {
        size_t at = r * STRIDE, count = columns + r * step;
        check_row(x + at, e + at, count, stats + 2 * r);
        check_gradient(x + at, p + at, dp + at, dx + at, count, stats + 2 * r, inner[r]);
        assert_memory_equal(e + at + MOST, x + at + MOST, (STRIDE - MOST) * sizeof *x);
        assert_memory_equal(p + at + MOST, x + at + MOST, (STRIDE - MOST) * sizeof *x);
        assert_memory_equal(dx + at + MOST, dp + at + MOST, (STRIDE - MOST) * sizeof *x);
    }
    free(x), free(dp), free(inner), free(e), free(p), free(dx), free(stats);
}

static void every_width_is_close_to_double(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t columns = 1; columns <= MOST; columns++) {
            check(tables[t], columns, 0);
            if (columns + ROWS - 1 <= MOST)
                check(tables[t], columns, 1);
        }
}

static void not_a_number_fills_its_row_alone(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    static const float bad[] = {NAN, INFINITY};
    for (size_t t = 0; t < table_count; t++)
        for (size_t at = 0; at < 40; at++) {
            float x[3 * 48], stats[6];
            for (size_t i = 0; i < 3 * 48; i++)
                x[i] = 0.5f;
            x[48 + at] = bad[at % 2];
            tables[t]->softmax(3, 40, 0, 48, SCALE, x, 48, stats);
            for (size_t r = 0; r < 3; r++)
                assert_true(isnan(stats[2 * r + 1]) == (r == 1));
        }
}

/* As if the gradient and what came out had been multiplied by hand. */
static void what_is_dropped_is_multiplied_on_both_sides(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    for (size_t t = 0, count = kernel_tables(tables); t < count; t++) {
        for (size_t columns = 1; columns + ROWS <= MOST; columns++) {
            uint32_t state = (uint32_t)columns;
            size_t step = columns % 2;
            float *x = random_block(COUNT, &state), *dx = random_block(COUNT, &state);
            float *factors = random_block(COUNT, &state), *inner = random_block(ROWS, &state);
            float *stats = random_block((size_t)2 * ROWS, &state), *p = copy_block(x, COUNT);
            float *by_hand = copy_block(dx, COUNT);
            for (size_t i = 0; i < COUNT; i++) {
                factors[i] = i % 3 ? factors[i] : 0.0f;
                by_hand[i] *= factors[i];
            }
            tables[t]->softmax_backward(ROWS, columns, step, MOST, SCALE, p, by_hand, STRIDE, stats, inner, NULL);
            tables[t]->softmax_backward(ROWS, columns, step, MOST, SCALE, x, dx, STRIDE, stats, inner, factors);
            for (size_t i = 0; i < COUNT; i++) {
                if (i % STRIDE >= MOST)
                    continue;
                assert_true(x[i] == p[i] * factors[i]);
                assert_true(dx[i] == by_hand[i]);
            }
            free(x), free(dx), free(factors), free(inner), free(stats), free(p), free(by_hand);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_is_close_to_double),
        cmocka_unit_test(not_a_number_fills_its_row_alone),
        cmocka_unit_test(what_is_dropped_is_multiplied_on_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

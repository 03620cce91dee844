/* Layer norm and its gradients against double, in every table of kernels. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "layer/layer_norm.h"
#include "support/kernels.h"

#define EPSILON 1e-5f

static const size_t widths[] = {1, 5, 16, 17, 31, 48, 100, 384, 513};
enum { WIDTHS = sizeof widths / sizeof widths[0], ROWS = 7 };

typedef struct problem {
    size_t columns, stride;
    float *x, *dy, *gain, *bias, *y, *stats, *dx;
    tci_layer_norm norm;
} problem;

static problem pose(size_t columns)
{
    uint32_t state = (uint32_t)columns;
    problem p = {.columns = columns, .stride = TCI_PADDED(columns)};
    p.x = random_block(ROWS * p.stride, &state);
    p.dy = random_block(ROWS * p.stride, &state);
    p.y = random_block(ROWS * p.stride, &state);
    p.dx = random_block(ROWS * p.stride, &state);
    p.gain = random_block(columns, &state);
    p.bias = random_block(columns, &state);
    p.stats = random_block(ROWS * 2, &state);
    for (size_t i = 0; i < ROWS * p.stride; i++)
        p.x[i] = p.x[i] * 3.0f + (i / p.stride == 3 ? 40.0f : 0.5f); /* a row far from zero */
    p.norm = (tci_layer_norm){columns, EPSILON, p.gain, p.bias};
    return p;
}

static void release(problem *p)
{
    free(p->x), free(p->dy), free(p->y), free(p->dx), free(p->gain), free(p->bias), free(p->stats);
}

/* One row in double: its normalized values, and 1 / √(variance + ε). */
static double normalize(const problem *p, const double *x, double *normal)
{
    double mean = 0.0, variance = 0.0;
    for (size_t c = 0; c < p->columns; c++)
        mean += x[c] / (double)p->columns;
    for (size_t c = 0; c < p->columns; c++)
        variance += (x[c] - mean) * (x[c] - mean) / (double)p->columns;
    double deviation = 1.0 / sqrt(variance + (double)EPSILON);
    for (size_t c = 0; c < p->columns; c++)
        normal[c] = (x[c] - mean) * deviation;
    return deviation;
}

static void check_forward(problem *p, const tci_kernels *kernels)
{
    tci_layer_norm_forward(&p->norm, kernels, ROWS, p->x, p->y, p->stats);
    for (size_t r = 0; r < ROWS; r++) {
        double x[600], normal[600];
        for (size_t c = 0; c < p->columns; c++)
            x[c] = (double)p->x[r * p->stride + c];
        double deviation = normalize(p, x, normal);
        assert_true(fabs((double)p->stats[2 * r + 1] / deviation - 1.0) < 1e-5);
        for (size_t c = 0; c < p->columns; c++)
            assert_close(p->y[r * p->stride + c], normal[c] * (double)p->gain[c] + (double)p->bias[c],
                         r == 3 ? 1e-5 : 2e-6);
        for (size_t c = p->columns; c < p->stride; c++)
            assert_true(p->y[r * p->stride + c] == 0.0f);
    }
}

/* Σ dy · y of one row, whose gradient is dx. */
static double inner(const problem *p, size_t row, const double *x)
{
    double normal[600], sum = 0.0;
    normalize(p, x, normal);
    for (size_t c = 0; c < p->columns; c++)
        sum += (double)p->dy[row * p->stride + c] * (normal[c] * (double)p->gain[c]);
    return sum;
}

static void check_backward(problem *p, const tci_kernels *kernels, bool add)
{
    float *old = copy_block(p->dx, ROWS * p->stride);
    tci_layer_norm_backward(&p->norm, kernels, ROWS, p->x, p->stats, p->dy, p->dx, add);
    for (size_t r = 0; r < ROWS; r++) {
        double x[600];
        for (size_t c = 0; c < p->columns; c++)
            x[c] = (double)p->x[r * p->stride + c];
        for (size_t c = 0; c < p->columns; c += 1 + p->columns / 40) {
            double at = x[c], step = p->columns == 1 ? 1e-2 : 1e-4;
            x[c] = at + step;
            double up = inner(p, r, x);
            x[c] = at - step;
            double slope = (up - inner(p, r, x)) / (2.0 * step);
            x[c] = at;
            slope += add ? (double)old[r * p->stride + c] : 0.0;
            assert_close(p->dx[r * p->stride + c], slope, 1e-5);
        }
        for (size_t c = p->columns; c < p->stride && !add; c++)
            assert_true(p->dx[r * p->stride + c] == 0.0f);
    }
    free(old);
}

static void check_gradients(problem *p, const tci_kernels *kernels, bool add)
{
    float *gain = copy_block(p->y, p->columns), *bias = copy_block(p->gain, p->columns);
    size_t half = p->columns / 2 / TCI_PANEL * TCI_PANEL; /* as two threads do it */
    tci_layer_norm_gradients(&p->norm, kernels, half, p->columns, ROWS, p->x, p->stats, p->dy, gain, bias, add);
    tci_layer_norm_gradients(&p->norm, kernels, 0, half, ROWS, p->x, p->stats, p->dy, gain, bias, add);
    for (size_t c = 0; c < p->columns; c++) {
        double dgain = add ? (double)p->y[c] : 0.0, dbias = add ? (double)p->gain[c] : 0.0;
        for (size_t r = 0; r < ROWS; r++) {
            size_t at = r * p->stride + c;
            dbias += (double)p->dy[at];
            dgain += (double)p->dy[at] * ((double)p->x[at] - (double)p->stats[2 * r]) * (double)p->stats[2 * r + 1];
        }
        assert_close(gain[c], dgain, 2e-6);
        assert_close(bias[c], dbias, 2e-6);
    }
    free(gain), free(bias);
}

static void values_and_gradients_are_those_of_the_equations(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t w = 0; w < WIDTHS; w++) {
            problem p = pose(widths[w]);
            check_forward(&p, tables[t]);
            for (int add = 0; add < 2; add++) {
                check_backward(&p, tables[t], add);
                check_gradients(&p, tables[t], add);
            }
            release(&p);
        }
}

static void rows_have_the_same_bits_alone_and_in_place(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t w = 0; w < WIDTHS; w++) {
            problem p = pose(widths[w]);
            size_t row = p.stride * sizeof(float);
            float alone[1024], stats[2];
            tci_layer_norm_forward(&p.norm, tables[t], ROWS, p.x, p.y, p.stats);
            tci_layer_norm_backward(&p.norm, tables[t], ROWS, p.x, p.stats, p.dy, p.dx, false);
            for (size_t r = 0; r < ROWS; r++) {
                tci_layer_norm_forward(&p.norm, tables[t], 1, p.x + r * p.stride, alone, stats);
                assert_memory_equal(alone, p.y + r * p.stride, row);
                assert_memory_equal(stats, p.stats + 2 * r, sizeof stats);
                tci_layer_norm_backward(&p.norm, tables[t], 1, p.x + r * p.stride, stats, p.dy + r * p.stride, alone,
                                        false);
                assert_memory_equal(alone, p.dx + r * p.stride, row);
            }
            tci_layer_norm_backward(&p.norm, tables[t], ROWS, p.x, p.stats, p.dy, p.dy, false);
            assert_memory_equal(p.dy, p.dx, ROWS * row);
            tci_layer_norm_forward(&p.norm, tables[t], ROWS, p.x, p.x, NULL);
            assert_memory_equal(p.x, p.y, ROWS * row);
            release(&p);
        }
}

static void not_a_number_fills_its_row_alone(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++) {
        problem p = pose(100);
        p.x[2 * p.stride + 77] = NAN;
        tci_layer_norm_forward(&p.norm, tables[t], ROWS, p.x, p.y, NULL);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t c = 0; c < 100; c++)
                assert_true(isnan(p.y[r * p.stride + c]) == (r == 2));
        release(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_gradients_are_those_of_the_equations),
        cmocka_unit_test(rows_have_the_same_bits_alone_and_in_place),
        cmocka_unit_test(not_a_number_fills_its_row_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

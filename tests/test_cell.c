/* labels: quick */
/* test_cell.c: the fused LSTM cell of every table, and how pre-activations come to it: the formulas, in bits from the
 * table's own sigmoid and tanh and in value from double; the backward pass against differences of the forward pass;
 * nothing else is touched. */
#include "support/testing.h"

#include <math.h>

#include "support/kernels.h"

enum { GATES = 4 };

typedef struct cell {
    size_t rows, gates_block, state_stride, gates_count, state_count;
    float *gates, *c_previous, *c, *h, *dh, *dc;
} cell;

static cell cell_create(size_t rows, size_t gap, uint32_t seed)
{
    cell x = {.rows = rows, .gates_block = (rows + gap / TCI_PANEL) * TCI_PANEL, .state_stride = TCI_PANEL + gap};
    x.gates_count = (GATES - 1) * x.gates_block + rows * TCI_PANEL;
    x.state_count = (rows - 1) * x.state_stride + TCI_PANEL;
    x.gates = random_block(x.gates_count, &seed);
    float **states[] = {&x.c_previous, &x.c, &x.h, &x.dh, &x.dc};
    for (size_t i = 0; i < 5; i++)
        *states[i] = random_block(x.state_count, &seed);
    for (size_t i = 0; i < x.gates_count; i++)
        x.gates[i] *= 4.0f;
    return x;
}

static void cell_free(cell *x)
{
    free(x->gates), free(x->c_previous), free(x->c), free(x->h), free(x->dh), free(x->dc);
}

static float multiply_add(const tci_kernels *kernels, float a, float b, float sum)
{
    volatile float product = a * b;
    return kernel_fuses(kernels) ? fmaf(a, b, sum) : product + sum;
}

/* Expected gates, c and h from the table's own functions. */
static void check_forward(const tci_kernels *kernels, size_t rows, size_t gap, bool first)
{
    cell x = cell_create(rows, gap, (uint32_t)(rows + gap));
    float *gates = copy_block(x.gates, x.gates_count), *c = copy_block(x.c, x.state_count);
    float *h = copy_block(x.h, x.state_count);
    kernels->lstm_cell(rows, gates, TCI_PANEL, x.gates_block, first ? NULL : x.c_previous, c, h, x.state_stride);
    for (size_t row = 0; row < rows; row++) {
        float *gate[GATES];
        for (size_t k = 0; k < GATES; k++) {
            gate[k] = x.gates + k * x.gates_block + row * TCI_PANEL;
            (k == 2 ? kernels->tanh : kernels->sigmoid)(TCI_PANEL, gate[k], gate[k]);
        }
        for (size_t unit = 0; unit < TCI_PANEL; unit++) {
            size_t at = row * x.state_stride + unit;
            float before = first ? 0.0f : x.c_previous[at], tanh_c;
            volatile float new_part = gate[0][unit] * gate[2][unit];
            x.c[at] = multiply_add(kernels, gate[1][unit], before, new_part);
            kernels->tanh(1, &x.c[at], &tanh_c);
            x.h[at] = gate[3][unit] * tanh_c;
        }
    }
    assert_memory_equal(gates, x.gates, x.gates_count * sizeof(float)); /* gaps between blocks included */
    assert_memory_equal(c, x.c, x.state_count * sizeof(float));
    assert_memory_equal(h, x.h, x.state_count * sizeof(float));
    free(gates), free(c), free(h);
    cell_free(&x);
}

static void forward_is_the_formula_and_touches_nothing_else(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t rows = 1; rows <= 9; rows++) {
            check_forward(tables[i], rows, 0, false);
            check_forward(tables[i], rows, 16, false);
            check_forward(tables[i], rows, 48, true);
        }
}

static void forward_in_place_gives_the_same_state(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        cell x = cell_create(5, 16, 77);
        float *gates = copy_block(x.gates, x.gates_count), *state = copy_block(x.c, x.state_count);
        memcpy(state, x.c_previous, x.state_count * sizeof(float));
        tables[i]->lstm_cell(5, x.gates, TCI_PANEL, x.gates_block, x.c_previous, x.c, x.h, x.state_stride);
        tables[i]->lstm_cell(5, gates, TCI_PANEL, x.gates_block, state, state, x.h, x.state_stride);
        for (size_t row = 0; row < 5; row++)
            assert_memory_equal(state + row * x.state_stride, x.c + row * x.state_stride, TCI_PANEL * sizeof(float));
        free(gates), free(state);
        cell_free(&x);
    }
}

/* Of one row among three, the groups in one call and each in its own, forward and backward. */
static void groups_of_one_row_pass_for_rows(void **unused)
{
    (void)unused;
    enum { GROUPS = 5, BLOCK = 3 * TCI_PANEL, ROW = GATES * BLOCK, UNITS = GROUPS * TCI_PANEL };
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        uint32_t seed = 21;
        float *gates[2], *c[2], *h[2], *dc[2], *before = random_block(UNITS, &seed);
        gates[0] = random_block(GROUPS * ROW, &seed), gates[1] = copy_block(gates[0], GROUPS * ROW);
        c[0] = random_block(UNITS, &seed), c[1] = copy_block(c[0], UNITS);
        h[0] = random_block(UNITS, &seed), h[1] = copy_block(h[0], UNITS);
        dc[0] = random_block(UNITS, &seed), dc[1] = copy_block(dc[0], UNITS);
        tables[i]->lstm_cell(GROUPS, gates[0] + TCI_PANEL, ROW, BLOCK, before, c[0], h[0], TCI_PANEL);
        tables[i]->lstm_cell_backward(GROUPS, gates[0] + TCI_PANEL, ROW, BLOCK, before, c[0], h[0], dc[0], TCI_PANEL);
        for (size_t group = 0; group < GROUPS; group++) {
            float *z = gates[1] + group * ROW + TCI_PANEL;
            size_t at = group * TCI_PANEL;
            tables[i]->lstm_cell(1, z, TCI_PANEL, BLOCK, before + at, c[1] + at, h[1] + at, 0);
            tables[i]->lstm_cell_backward(1, z, TCI_PANEL, BLOCK, before + at, c[1] + at, h[1] + at, dc[1] + at, 0);
        }
        assert_memory_equal(gates[0], gates[1], GROUPS * ROW * sizeof(float));
        assert_memory_equal(c[0], c[1], UNITS * sizeof(float));
        assert_memory_equal(h[0], h[1], UNITS * sizeof(float));
        assert_memory_equal(dc[0], dc[1], UNITS * sizeof(float));
        for (size_t k = 0; k < 2; k++)
            free(gates[k]), free(c[k]), free(h[k]), free(dc[k]);
        free(before);
    }
}

static void panels_are_gathered_by_number_and_nothing_else_is_touched(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    const uint32_t index[5] = {3, 0, 3, 2, 1};
    for (size_t i = 0; i < count; i++)
        for (size_t rows = 0; rows <= 5; rows++)
            for (size_t panels = 0; panels <= 4; panels++) {
                uint32_t seed = 8;
                size_t src_row = 5 * TCI_PANEL, block = 7 * TCI_PANEL, all = 5 * block;
                float *src = random_block(4 * src_row, &seed), *dst = random_block(all, &seed);
                float *expected = copy_block(dst, all);
                for (size_t row = 0; row < rows; row++)
                    for (size_t panel = 0; panel < panels; panel++)
                        memcpy(expected + row * TCI_PANEL + panel * block,
                               src + index[row] * src_row + panel * TCI_PANEL, TCI_PANEL * sizeof(float));
                tables[i]->gather_panels(rows, panels, index, src, src_row, dst, TCI_PANEL, block);
                assert_memory_equal(dst, expected, all * sizeof(float));
                free(src), free(dst), free(expected);
            }
}

/* c and h of one unit in double, from pre-activations z of i, f, g, o. */
static void forward_in_double(const double z[4], double before, double *c, double *h)
{
    double i = 1.0 / (1.0 + exp(-z[0])), f = 1.0 / (1.0 + exp(-z[1])), o = 1.0 / (1.0 + exp(-z[3]));
    *c = f * before + i * tanh(z[2]);
    *h = o * tanh(*c);
}

/* dh·h + dc·c, whose derivatives the backward pass gives. */
static double objective(const double z[4], double before, double dh, double dc)
{
    double c, h;
    forward_in_double(z, before, &c, &h);
    return dh * h + dc * c;
}

static void check_backward(const tci_kernels *kernels, size_t rows, size_t gap, bool first)
{
    cell x = cell_create(rows, gap, (uint32_t)(3 * rows + gap));
    float *before = copy_block(x.gates, x.gates_count), *dc = copy_block(x.dc, x.state_count);
    const float *c_previous = first ? NULL : x.c_previous;
    kernels->lstm_cell(rows, x.gates, TCI_PANEL, x.gates_block, c_previous, x.c, x.h, x.state_stride);
    kernels->lstm_cell_backward(rows, x.gates, TCI_PANEL, x.gates_block, c_previous, x.c, x.dh, x.dc, x.state_stride);
    for (size_t row = 0; row < rows; row++)
        for (size_t unit = 0; unit < TCI_PANEL; unit++) {
            size_t at = row * x.state_stride + unit;
            const float *gate = x.gates + row * TCI_PANEL + unit;
            double previous = first ? 0.0 : (double)x.c_previous[at], step = 1e-5, z[4];
            for (size_t k = 0; k < 4; k++)
                z[k] = (double)before[k * x.gates_block + row * TCI_PANEL + unit];
            for (size_t k = 0; k < 4; k++) {
                double at_z = z[k], up, down;
                z[k] = at_z + step;
                up = objective(z, previous, (double)x.dh[at], (double)dc[at]);
                z[k] = at_z - step;
                down = objective(z, previous, (double)x.dh[at], (double)dc[at]);
                z[k] = at_z;
                assert_true(fabs((double)gate[k * x.gates_block] - (up - down) / (2.0 * step)) < 1e-6);
            }
            double slope = (objective(z, previous + step, (double)x.dh[at], (double)dc[at]) -
                            objective(z, previous - step, (double)x.dh[at], (double)dc[at])) /
                           (2.0 * step);
            assert_true(fabs((double)x.dc[at] - slope) < 1e-6);
        }
    for (size_t i = 0; i < x.state_count; i++)
        if (i % x.state_stride >= TCI_PANEL)
            assert_int_equal(bits_of(x.dc[i]), bits_of(dc[i]));
    for (size_t i = 0; i < x.gates_count; i++)
        if (i % x.gates_block >= rows * TCI_PANEL)
            assert_int_equal(bits_of(x.gates[i]), bits_of(before[i]));
    free(before), free(dc);
    cell_free(&x);
}

static void backward_is_the_derivative_of_forward_and_touches_nothing_else(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t rows = 1; rows <= 9; rows++) {
            check_backward(tables[i], rows, 0, false);
            check_backward(tables[i], rows, 16, false);
            check_backward(tables[i], rows, 48, true);
        }
}

static void a_row_has_the_same_bits_alone_and_among_others(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        cell all = cell_create(7, 16, 5), one = cell_create(7, 16, 5);
        size_t block = all.gates_block, stride = all.state_stride;
        tables[i]->lstm_cell(7, all.gates, TCI_PANEL, block, all.c_previous, all.c, all.h, stride);
        tables[i]->lstm_cell_backward(7, all.gates, TCI_PANEL, block, all.c_previous, all.c, all.dh, all.dc, stride);
        for (size_t row = 0; row < 7; row++) {
            float *gates = one.gates + row * TCI_PANEL;
            size_t at = row * stride;
            tables[i]->lstm_cell(1, gates, TCI_PANEL, block, one.c_previous + at, one.c + at, one.h + at, stride);
            tables[i]->lstm_cell_backward(1, gates, TCI_PANEL, block, one.c_previous + at, one.c + at, one.dh + at,
                                          one.dc + at, stride);
        }
        assert_memory_equal(all.gates, one.gates, all.gates_count * sizeof(float));
        assert_memory_equal(all.dc, one.dc, all.state_count * sizeof(float));
        cell_free(&all);
        cell_free(&one);
    }
}

static void nan_stays_in_its_unit(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t gate = 0; gate < 4; gate++) {
            cell x = cell_create(2, 0, 9);
            x.gates[gate * x.gates_block + 3] = NAN;
            tables[i]->lstm_cell(2, x.gates, TCI_PANEL, x.gates_block, x.c_previous, x.c, x.h, x.state_stride);
            for (size_t at = 0; at < 2 * TCI_PANEL; at++)
                assert_int_equal(x.h[at] != x.h[at], at == 3);
            cell_free(&x);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_formula_and_touches_nothing_else),
        cmocka_unit_test(forward_in_place_gives_the_same_state),
        cmocka_unit_test(groups_of_one_row_pass_for_rows),
        cmocka_unit_test(panels_are_gathered_by_number_and_nothing_else_is_touched),
        cmocka_unit_test(backward_is_the_derivative_of_forward_and_touches_nothing_else),
        cmocka_unit_test(a_row_has_the_same_bits_alone_and_among_others),
        cmocka_unit_test(nan_stays_in_its_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

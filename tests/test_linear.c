/* The linear layer and its gradient against double, in odd shapes, on one and two inputs. labels: quick */
#include "support/testing.h"

#include "layer/linear.h"
#include "support/kernels.h"

typedef struct problem {
    tci_linear_shape shape;
    size_t rows, width, input_width;
    float *weight, *bias, *packed, *x[2], *dy, *dx[2], *dweight, *dbias, *scratch, *y;
    tci_linear linear;
} problem;

/* x and dy with padding columns of zeros, as the layers around give them. */
static float *padded_matrix(size_t rows, size_t columns, uint32_t *state)
{
    size_t stride = TCI_PADDED(columns);
    float *block = random_block(rows * stride, state);
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = columns; k < stride; k++)
            block[r * stride + k] = 0.0f;
    }
    return block;
}

static problem pose(const tci_kernels *kernels, size_t inputs, size_t input_dim, size_t output_dim, size_t rows)
{
    uint32_t state = (uint32_t)(inputs * 1000 + input_dim * 100 + output_dim * 10 + rows);
    problem p = {.shape = {inputs, input_dim, output_dim}, .rows = rows};
    p.width = TCI_PADDED(output_dim);
    p.input_width = TCI_PADDED(input_dim);
    p.weight = random_block(output_dim * inputs * input_dim, &state);
    p.bias = random_block(output_dim, &state);
    p.packed = random_block(tci_linear_packed_floats(&p.shape) + tci_linear_back_floats(&p.shape), &state);
    p.dy = padded_matrix(rows, output_dim, &state);
    p.y = random_block(rows * p.width, &state);
    for (size_t i = 0; i < inputs; i++) {
        p.x[i] = padded_matrix(rows, input_dim, &state);
        p.dx[i] = random_block(rows * p.input_width, &state);
    }
    p.dweight = random_block(output_dim * inputs * input_dim, &state);
    p.dbias = random_block(output_dim, &state);
    tci_linear_place(&p.linear, &p.shape, p.packed);
    tci_linear_place_back(&p.linear, p.packed + tci_linear_packed_floats(&p.shape));
    tci_linear_pack(&p.linear, kernels, p.weight, p.bias);
    p.scratch = random_block(tci_linear_backward_scratch(&p.linear), &state);
    return p;
}

static void release(problem *p)
{
    float *const blocks[] = {p->weight, p->bias,  p->packed,  p->x[0],  p->x[1],    p->dy,
                             p->dx[0],  p->dx[1], p->dweight, p->dbias, p->scratch, p->y};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
}

static double input(const problem *p, size_t row, size_t k)
{
    return (double)p->x[k / p->shape.input_dim][row * p->input_width + k % p->shape.input_dim];
}

static void check_forward(const problem *p, const tci_kernels *kernels)
{
    size_t columns = p->shape.inputs * p->shape.input_dim;
    tci_linear_forward(&p->linear, kernels, p->rows, (const float *const *)p->x, p->y);
    for (size_t r = 0; r < p->rows; r++) {
        for (size_t o = 0; o < p->shape.output_dim; o++) {
            double sum = (double)p->bias[o];
            for (size_t k = 0; k < columns; k++)
                sum += (double)p->weight[o * columns + k] * input(p, r, k);
            assert_close(p->y[r * p->width + o], sum, 1e-5);
        }
    }
}

/* Stored, or added to what was there. */
static void check_backward(problem *p, const tci_kernels *kernels, bool add)
{
    size_t columns = p->shape.inputs * p->shape.input_dim, outputs = p->shape.output_dim;
    float *old_weight = copy_block(p->dweight, outputs * columns), *old_bias = copy_block(p->dbias, outputs);
    tci_linear_backward(&p->linear, kernels, p->rows, (const float *const *)p->x, p->dy, p->dx, p->dweight, p->dbias,
                        add, p->scratch);
    for (size_t o = 0; o < outputs; o++) {
        double bias = add ? (double)old_bias[o] : 0.0;
        for (size_t r = 0; r < p->rows; r++)
            bias += (double)p->dy[r * p->width + o];
        assert_close(p->dbias[o], bias, 1e-5);
        for (size_t k = 0; k < columns; k++) {
            double weight = add ? (double)old_weight[o * columns + k] : 0.0;
            for (size_t r = 0; r < p->rows; r++)
                weight += (double)p->dy[r * p->width + o] * input(p, r, k);
            assert_close(p->dweight[o * columns + k], weight, 1e-5);
        }
    }
    for (size_t r = 0; r < p->rows; r++) {
        for (size_t k = 0; k < columns; k++) {
            double sum = 0.0;
            for (size_t o = 0; o < outputs; o++)
                sum += (double)p->dy[r * p->width + o] * (double)p->weight[o * columns + k];
            assert_close(p->dx[k / p->shape.input_dim][r * p->input_width + k % p->shape.input_dim], sum, 1e-5);
        }
    }
    free(old_weight);
    free(old_bias);
}

static void outputs_and_gradients_are_those_of_the_equations(void **state)
{
    static const size_t dims[] = {1, 3, 16, 17, 40}, row_counts[] = {0, 1, 7, 33};
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    (void)state;
    for (size_t inputs = 1; inputs <= 2; inputs++) {
        for (size_t i = 0; i < 5 * 5 * 4 * table_count; i++) {
            problem p = pose(tables[i / 100], inputs, dims[i % 5], dims[i / 5 % 5], row_counts[i / 25 % 4]);
            check_forward(&p, tables[i / 100]);
            check_backward(&p, tables[i / 100], true);
            check_backward(&p, tables[i / 100], false);
            release(&p);
        }
    }
}

static void a_row_has_the_same_bits_alone_and_among_others(void **state)
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    (void)state;
    for (size_t t = 0; t < table_count; t++) {
        problem p = pose(tables[t], 2, 21, 5, 40);
        tci_linear_forward(&p.linear, tables[t], p.rows, (const float *const *)p.x, p.y);
        for (size_t r = 0; r < p.rows; r++) {
            const float *x[2] = {p.x[0] + r * p.input_width, p.x[1] + r * p.input_width};
            float alone[16];
            tci_linear_forward(&p.linear, tables[t], 1, x, alone);
            assert_memory_equal(alone, p.y + r * p.width, 5 * sizeof(float));
        }
        release(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_and_gradients_are_those_of_the_equations),
        cmocka_unit_test(a_row_has_the_same_bits_alone_and_among_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* labels: quick */
/* The dense layer and its gradients against double: parts, both layouts of weights, adapters, epilogues, and the same
 * bits however the work is dealt out. */
#include "support/testing.h"

#include <math.h>

#include "layer/dense.h"
#include "support/kernels.h"

typedef struct problem {
    const tci_kernels *kernels;
    tci_dense dense;
    size_t rows, width, x_stride;
    float *weights, *biases, *adapters, *packed, *x, *dy, *residual, *scratch;
} problem;

/* Shapes: input, output, parts, rows, rank of the adapters. */
static const size_t shapes[][5] = {
    {1, 1, 1, 1, 0},     {1, 1, 1, 1, 1},      {3, 5, 2, 7, 2},     {16, 16, 3, 4, 0},     {17, 40, 3, 33, 0},
    {17, 40, 3, 33, 20}, {40, 17, 1, 97, 0},   {48, 144, 1, 13, 3}, {20, 300, 2, 18, 0},   {20, 300, 2, 18, 33},
    {1040, 33, 1, 3, 0}, {1040, 33, 1, 3, 17}, {32, 1040, 1, 2, 0}, {32, 1040, 1, 2, 260}, {400, 500, 1, 2, 4}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static problem pose(const tci_kernels *kernels, const size_t shape[5], bool input_major, bool packed)
{
    size_t inputs = shape[0], outputs = shape[1], parts = shape[2], rank = shape[4];
    uint32_t state = (uint32_t)(inputs * 1000 + outputs * 10 + parts);
    problem p = {.kernels = kernels, .rows = shape[3], .x_stride = TCI_PADDED(inputs)};
    p.dense = (tci_dense){.input_dim = inputs, .output_dim = outputs, .parts = parts, .input_major = input_major};
    p.width = tci_dense_width(&p.dense);
    p.weights = random_block(inputs * outputs * parts, &state);
    p.biases = random_block(outputs * parts, &state);
    p.dense.weight_stride = input_major ? outputs * parts : inputs; /* as GPT-2's c_attn; as three matrices */
    for (size_t i = 0; i < parts; i++) {
        p.dense.weight[i] = p.weights + i * outputs * (input_major ? 1 : inputs);
        p.dense.bias[i] = i == 1 ? NULL : p.biases + i * outputs;
    }
    p.adapters = random_block((inputs + outputs) * parts * rank + 1, &state);
    float scale = 0.75f / sqrtf((float)rank + 1); /* what they add is about as large as the weights, at any rank */
    for (size_t i = 0; i < parts; i++) {
        const float *down = p.adapters + i * (inputs + outputs) * rank;
        if (i != 1)
            p.dense.adapter[i] = (tci_dense_adapter){rank, scale, down, down + inputs * rank};
    }
    uint32_t other = 1; /* x and dy are the same whatever room the kernels want */
    p.scratch = random_block(tci_dense_scratch(&p.dense), &other);
    p.packed = random_block(tci_dense_packed_floats(&p.dense), &other);
    if (packed) {
        tci_dense_pack(&p.dense, kernels, p.packed, p.scratch);
        p.dense.packed = p.packed;
    }
    p.x = random_block(p.rows * p.x_stride, &state);
    p.dy = random_block(p.rows * p.width, &state);
    p.residual = random_block(p.rows * p.width, &state);
    return p;
}

static void release(problem *p)
{
    free(p->weights), free(p->biases), free(p->adapters), free(p->packed), free(p->x), free(p->dy), free(p->residual),
        free(p->scratch);
}

static double weight_at(const problem *p, size_t part, size_t input, size_t output)
{
    const tci_dense *d = &p->dense;
    size_t at = d->input_major ? input * d->weight_stride + output : output * d->weight_stride + input;
    const tci_dense_adapter *adapter = &d->adapter[part];
    double sum = (double)d->weight[part][at];
    for (size_t r = 0; r < adapter->rank; r++)
        sum += (double)adapter->scale * (double)adapter->up[output * adapter->rank + r] *
               (double)adapter->down[r * d->input_dim + input];
    return sum;
}

/* x W + b of an output column of a row, in double. */
static double product_at(const problem *p, size_t row, size_t part, size_t output)
{
    double sum = p->dense.bias[part] ? (double)p->dense.bias[part][output] : 0.0;
    for (size_t k = 0; k < p->dense.input_dim; k++)
        sum += (double)p->x[row * p->x_stride + k] * weight_at(p, part, k, output);
    return sum;
}

static void forward(const problem *p, const tci_dense_output *output)
{
    tci_dense_forward(&p->dense, p->kernels, 0, tci_dense_panels(&p->dense), p->rows, p->x, p->x_stride, output,
                      p->scratch);
}

static void check_forward(const problem *p)
{
    uint32_t state = 9;
    size_t count = p->rows * p->width, padded = TCI_PADDED(p->dense.output_dim);
    float *y = random_block(count, &state), *before = random_block(count, &state), *other = copy_block(y, count);
    forward(p, &(tci_dense_output){.y = y, .stride = p->width, .activation = TCI_ACTIVATION_TANH, .before = before});
    for (size_t r = 0; r < p->rows; r++)
        for (size_t c = 0; c < p->width; c++) {
            size_t at = r * p->width + c;
            bool there = c % padded < p->dense.output_dim;
            double value = there ? product_at(p, r, c / padded, c % padded) : 0.0;
            assert_close(before[at], value, 2e-5);
            assert_close(y[at], tanh(value), 2e-5);
        }
    forward(p, &(tci_dense_output){.y = other, .stride = p->width});
    assert_memory_equal(other, before, count * sizeof *y);
    /* a residual elsewhere, and in place */
    forward(p,
            &(tci_dense_output){.y = other, .stride = p->width, .residual = p->residual, .residual_stride = p->width});
    for (size_t i = 0; i < count; i++)
        assert_true(other[i] == before[i] + p->residual[i]);
    memcpy(y, p->residual, count * sizeof *y);
    forward(p, &(tci_dense_output){.y = y, .stride = p->width, .residual = y, .residual_stride = p->width});
    assert_memory_equal(y, other, count * sizeof *y);
    free(y), free(before), free(other);
}

static void check_input(const problem *p, bool add)
{
    uint32_t state = 4;
    size_t count = p->rows * p->x_stride, padded = TCI_PADDED(p->dense.output_dim);
    float *dx = random_block(count, &state), *old = copy_block(dx, count);
    tci_dense_backward_input(&p->dense, p->kernels, 0, p->x_stride / TCI_PANEL, p->rows, p->dy, p->width, dx,
                             p->x_stride, add, p->scratch);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t k = 0; k < p->x_stride; k++) {
            double sum = add ? (double)old[r * p->x_stride + k] : 0.0;
            for (size_t part = 0; part < p->dense.parts && k < p->dense.input_dim; part++)
                for (size_t o = 0; o < p->dense.output_dim; o++)
                    sum += (double)p->dy[r * p->width + part * padded + o] * weight_at(p, part, k, o);
            assert_close(dx[r * p->x_stride + k], sum, 2e-5);
        }
    free(dx), free(old);
}

/* Where the gradients of all parts go: laid out as the weights are. */
typedef struct gradients {
    float *weights, *biases, *weight[TCI_DENSE_PARTS], *bias[TCI_DENSE_PARTS];
} gradients;

static gradients gradients_of(const problem *p)
{
    uint32_t state = 8;
    size_t parts = p->dense.parts;
    gradients g = {.weights = random_block(p->dense.input_dim * p->dense.output_dim * parts, &state),
                   .biases = random_block(p->dense.output_dim * parts, &state)};
    for (size_t i = 0; i < parts; i++) {
        g.weight[i] = g.weights + (p->dense.weight[i] - p->weights);
        g.bias[i] = p->dense.bias[i] ? g.biases + i * p->dense.output_dim : NULL;
    }
    return g;
}

static void check_weights(const problem *p, bool add)
{
    const tci_dense *d = &p->dense;
    size_t padded = TCI_PADDED(d->output_dim);
    gradients g = gradients_of(p), old = gradients_of(p);
    tci_dense_backward_weight(d, p->kernels, 0, tci_dense_panels(d), p->rows, p->x, p->x_stride, p->dy, p->width,
                              g.weight, g.bias, add, p->scratch);
    for (size_t part = 0; part < d->parts; part++)
        for (size_t o = 0; o < d->output_dim; o++) {
            double dbias = add ? (double)old.biases[part * d->output_dim + o] : 0.0;
            for (size_t r = 0; r < p->rows; r++)
                dbias += (double)p->dy[r * p->width + part * padded + o];
            if (g.bias[part])
                assert_close(g.bias[part][o], dbias, 2e-5);
            for (size_t k = 0; k < d->input_dim; k++) {
                size_t at = d->input_major ? k * d->weight_stride + o : o * d->weight_stride + k;
                double dweight = add ? (double)old.weight[part][at] : 0.0;
                for (size_t r = 0; r < p->rows; r++)
                    dweight += (double)p->dy[r * p->width + part * padded + o] * (double)p->x[r * p->x_stride + k];
                assert_close(g.weight[part][at], dweight, 2e-5);
            }
        }
    if (d->parts > 1) /* that part has no bias, so nothing was written */
        assert_memory_equal(g.biases + d->output_dim, old.biases + d->output_dim, d->output_dim * sizeof(float));
    free(g.weights), free(g.biases), free(old.weights), free(old.biases);
}

static void values_and_gradients_are_those_of_the_equations(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t i = 0; i < table_count * SHAPES * 4; i++) {
        problem p = pose(tables[i / 4 / SHAPES], shapes[i / 4 % SHAPES], i % 2, i / 2 % 2);
        check_forward(&p);
        for (int add = 0; add < 2; add++) {
            check_input(&p, add);
            check_weights(&p, add);
        }
        release(&p);
    }
}

/* Every panel and row for itself, weights packed on the way, against all at once with weights packed before. */
static void bits_do_not_depend_on_how_the_work_is_dealt_out(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t i = 0; i < table_count * SHAPES * 2; i++) {
        problem p = pose(tables[i / 2 / SHAPES], shapes[i / 2 % SHAPES], i % 2, true);
        const tci_dense *d = &p.dense;
        uint32_t state = 2;
        size_t count = p.rows * p.width, x_count = p.rows * p.x_stride;
        size_t weights = d->input_dim * d->output_dim * d->parts, biases = d->output_dim * d->parts;
        float *y = random_block(count, &state), *split = random_block(count, &state);
        float *dx = random_block(x_count, &state), *dx_split = random_block(x_count, &state);
        gradients g = gradients_of(&p), g_split = gradients_of(&p);
        forward(&p, &(tci_dense_output){.y = y, .stride = p.width, .activation = TCI_ACTIVATION_GELU});
        tci_dense_backward_input(d, p.kernels, 0, p.x_stride / TCI_PANEL, p.rows, p.dy, p.width, dx, p.x_stride, false,
                                 p.scratch);
        tci_dense_backward_weight(d, p.kernels, 0, tci_dense_panels(d), p.rows, p.x, p.x_stride, p.dy, p.width,
                                  g.weight, g.bias, true, p.scratch);
        p.dense.packed = NULL;
        for (size_t panel = 0; panel < tci_dense_panels(d); panel++) {
            for (size_t r = 0; r < p.rows; r++) {
                tci_dense_output to = {.y = split + r * p.width, .stride = p.width, .activation = TCI_ACTIVATION_GELU};
                tci_dense_forward(d, p.kernels, panel, 1, 1, p.x + r * p.x_stride, p.x_stride, &to, p.scratch);
            }
            tci_dense_backward_weight(d, p.kernels, panel, 1, p.rows, p.x, p.x_stride, p.dy, p.width, g_split.weight,
                                      g_split.bias, true, p.scratch);
        }
        for (size_t panel = 0; panel < p.x_stride / TCI_PANEL; panel++)
            for (size_t r = 0; r < p.rows; r++)
                tci_dense_backward_input(d, p.kernels, panel, 1, 1, p.dy + r * p.width, p.width,
                                         dx_split + r * p.x_stride, p.x_stride, false, p.scratch);
        assert_memory_equal(y, split, count * sizeof *y);
        assert_memory_equal(dx, dx_split, x_count * sizeof *dx);
        assert_memory_equal(g.weights, g_split.weights, weights * sizeof(float));
        assert_memory_equal(g.biases, g_split.biases, biases * sizeof(float));
        free(y), free(split), free(dx), free(dx_split);
        free(g.weights), free(g.biases), free(g_split.weights), free(g_split.biases);
        release(&p);
    }
}

/* A range of panels leaves the others alone. */
static void columns_outside_the_range_stay(void **unused)
{
    (void)unused;
    const size_t shape[5] = {20, 40, 2, 5, 4};
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++) {
        problem p = pose(tables[t], shape, false, false);
        size_t count = p.rows * p.width;
        float *y = copy_block(p.dy, count);
        tci_dense_forward(&p.dense, p.kernels, 2, 2, p.rows, p.x, p.x_stride,
                          &(tci_dense_output){.y = y, .stride = p.width}, p.scratch);
        for (size_t i = 0; i < count; i++)
            if (i % p.width < 32 || i % p.width >= 64)
                assert_int_equal(bits_of(y[i]), bits_of(p.dy[i]));
        free(y);
        release(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_gradients_are_those_of_the_equations),
        cmocka_unit_test(bits_do_not_depend_on_how_the_work_is_dealt_out),
        cmocka_unit_test(columns_outside_the_range_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

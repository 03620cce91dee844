/* labels: quick */
/* Attention of one text and its gradients against double, in odd shapes, causal and not, with dropout, and the same
 * bits however heads are dealt out. */
#include "support/testing.h"

#include <math.h>

#include "layer/attention.h"
#include "layer/dropout.h"
#include "support/kernels.h"

typedef struct problem {
    const tci_kernels *kernels;
    tci_attention attention;
    tci_attention_text text;
    size_t columns, width; /* of all heads; rounded up to 16 */
    float *qkv, *out, *stats, *dout, *dqkv, *scratch;
} problem;

/* Query, key and value stand side by side in rows of 3·width. */
static problem pose(const tci_kernels *kernels, size_t heads, size_t head_dim, size_t length, bool causal, double rate)
{
    uint32_t state = (uint32_t)(heads * 1000 + head_dim * 10 + length);
    problem p = {.kernels = kernels, .columns = heads * head_dim};
    p.attention = (tci_attention){heads, head_dim, causal, rate, 11, 3, 5};
    p.width = TCI_PADDED(p.columns);
    p.qkv = random_block(length * 3 * p.width, &state);
    p.out = random_block(length * p.width, &state);
    p.dout = random_block(length * p.width, &state);
    p.dqkv = random_block(length * 3 * p.width, &state);
    p.stats = random_block(length * heads * 2, &state);
    for (size_t i = 0; i < length * 3 * p.width; i++)
        p.qkv[i] *= 2.0f;
    size_t forward = tci_attention_scratch(&p.attention, length);
    size_t backward = tci_attention_backward_scratch(&p.attention, length);
    p.scratch = random_block(forward > backward ? forward : backward, &state);
    p.text = (tci_attention_text){.length = length,
                                  .q = p.qkv,
                                  .k = p.qkv + p.width,
                                  .v = p.qkv + 2 * p.width,
                                  .stride = 3 * p.width,
                                  .out = p.out,
                                  .out_stride = p.width,
                                  .stats = p.stats,
                                  .position = 2,
                                  .first_token = 4};
    return p;
}

static void release(problem *p)
{
    free(p->qkv), free(p->out), free(p->dout), free(p->dqkv), free(p->stats), free(p->scratch);
}

/* The dropout's factors of one query of a head. */
static void factors_of(const problem *p, size_t head, size_t query, float *factors)
{
    size_t width = TCI_PADDED(p->text.length);
    for (size_t i = 0; i < width; i++)
        factors[i] = 1.0f;
    const tci_attention *a = &p->attention;
    tci_dropout dropout = {a->dropout, a->seed, a->step, a->layer, (uint32_t)(head * width), width, NULL};
    if (a->dropout > 0.0)
        tci_dropout_vector(&dropout, p->text.position, (uint32_t)(p->text.first_token + query), factors);
}

/* One row of out of one head in double, from q, k, v (length, head_dim) apart. */
static void row_of(const problem *p, size_t head, size_t query, const double *q, const double *k, const double *v,
                   double *out)
{
    size_t dim = p->attention.head_dim, length = p->text.length, keys = p->attention.causal ? query + 1 : length;
    double *e = calloc(length, sizeof *e), largest = -INFINITY, sum = 0.0;
    float *factors = malloc(TCI_PADDED(length) * sizeof *factors);
    assert_true(e && factors);
    factors_of(p, head, query, factors);
    for (size_t i = 0; i < keys; i++) {
        for (size_t c = 0; c < dim; c++)
            e[i] += q[query * dim + c] * k[i * dim + c] / sqrt((double)dim);
        largest = fmax(largest, e[i]);
    }
    for (size_t i = 0; i < keys; i++)
        sum += e[i] = exp(e[i] - largest);
    for (size_t c = 0; c < dim; c++)
        out[c] = 0.0;
    for (size_t i = 0; i < keys; i++)
        for (size_t c = 0; c < dim; c++)
            out[c] += e[i] / sum * (double)factors[i] * v[i * dim + c];
    free(e), free(factors);
}

/* Query, key and value of a head in double, one after the other. */
static double *head_of(const problem *p, size_t head)
{
    size_t dim = p->attention.head_dim, size = p->text.length * dim;
    double *values = malloc(3 * size * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < 3 * size; i++)
        values[i] = (double)p->qkv[i % size / dim * p->text.stride + i / size * p->width + head * dim + i % dim];
    return values;
}

static void check_forward(const problem *p)
{
    const tci_attention *a = &p->attention;
    size_t dim = a->head_dim, length = p->text.length;
    tci_attention_forward(a, p->kernels, &p->text, 0, a->heads, p->scratch);
    for (size_t head = 0; head < a->heads; head++) {
        double *values = head_of(p, head), *row = malloc(dim * sizeof *row);
        for (size_t r = 0; r < length; r += 1 + length / 20) {
            row_of(p, head, r, values, values + length * dim, values + 2 * length * dim, row);
            for (size_t c = 0; c < dim; c++)
                assert_close(p->out[r * p->width + head * dim + c], row[c], 3e-6);
        }
        free(values), free(row);
    }
    for (size_t r = 0; r < length; r++)
        for (size_t c = p->columns; c < p->width; c++)
            assert_true(p->out[r * p->width + c] == 0.0f);
}

/* Σ dout · out of one head. */
static double inner(const problem *p, size_t head, const double *values)
{
    size_t dim = p->attention.head_dim, length = p->text.length;
    double sum = 0.0, row[128];
    for (size_t r = 0; r < length; r++) {
        row_of(p, head, r, values, values + length * dim, values + 2 * length * dim, row);
        for (size_t c = 0; c < dim; c++)
            sum += (double)p->dout[r * p->width + head * dim + c] * row[c];
    }
    return sum;
}

static void backward(const problem *p, size_t first, size_t count, float *dqkv)
{
    tci_attention_gradients gradients = {p->dout, dqkv, dqkv + p->width, dqkv + 2 * p->width, 3 * p->width};
    tci_attention_backward(&p->attention, p->kernels, &p->text, &gradients, first, count, p->scratch);
}

/* Against the difference of the values, at some places of each of query, key and value. */
static void check_backward(const problem *p)
{
    size_t dim = p->attention.head_dim, size = p->text.length * dim, places = p->text.length < 100 ? 9 : 2;
    backward(p, 0, p->attention.heads, p->dqkv);
    for (size_t head = 0; head < p->attention.heads; head++) {
        double *values = head_of(p, head), step = 1e-5;
        for (size_t i = 0; i < 3 * size; i += 1 + size / places) {
            double at = values[i];
            values[i] = at + step;
            double slope = inner(p, head, values);
            values[i] = at - step;
            slope = (slope - inner(p, head, values)) / (2.0 * step);
            values[i] = at;
            assert_close(p->dqkv[i % size / dim * p->text.stride + i / size * p->width + head * dim + i % dim], slope,
                         1e-5);
        }
        free(values);
    }
    for (size_t r = 0; r < 3 * p->text.length; r++)
        for (size_t c = p->columns; c < p->width; c++)
            assert_true(p->dqkv[r * p->width + c] == 0.0f);
}

/* Heads, their columns, tokens. */
static const size_t shapes[][3] = {{1, 1, 1},   {3, 5, 1},   {3, 5, 2},   {2, 5, 17},  {2, 16, 16},
                                   {1, 32, 40}, {2, 64, 33}, {3, 20, 97}, {1, 100, 7}, {1, 8, 513}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void values_and_gradients_are_those_of_the_equations(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t i = 0; i < table_count * SHAPES * 4; i++) {
        const size_t *shape = shapes[i / 4 % SHAPES];
        problem p = pose(tables[i / 4 / SHAPES], shape[0], shape[1], shape[2], i % 2, i / 2 % 2 ? 0.25 : 0.0);
        check_forward(&p);
        check_backward(&p);
        release(&p);
    }
}

static void bits_do_not_depend_on_how_heads_are_dealt_out(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t i = 0; i < table_count * SHAPES; i++) {
        const size_t *shape = shapes[i % SHAPES];
        problem p = pose(tables[i / SHAPES], shape[0], shape[1], shape[2], i % 2, 0.1);
        size_t size = p.width * p.text.length;
        tci_attention_forward(&p.attention, p.kernels, &p.text, 0, shape[0], p.scratch);
        backward(&p, 0, shape[0], p.dqkv);
        float *out = copy_block(p.out, size), *dqkv = copy_block(p.dqkv, 3 * size);
        memset(p.out, 0x55, size * sizeof *out);
        p.text.stats = NULL; /* kept or not is the same */
        for (size_t head = shape[0]; head-- > 0;)
            tci_attention_forward(&p.attention, p.kernels, &p.text, head, 1, p.scratch);
        assert_memory_equal(p.out, out, size * sizeof *out);
        p.text.stats = p.stats;
        memset(p.dqkv, 0x55, 3 * size * sizeof *out);
        for (size_t head = shape[0]; head-- > 0;)
            backward(&p, head, 1, p.dqkv);
        assert_memory_equal(p.dqkv, dqkv, 3 * size * sizeof *out);
        free(out), free(dqkv);
        release(&p);
    }
}

static void a_text_of_nothing_is_left_alone(void **unused)
{
    (void)unused;
    problem p = pose(&tci_kernels_scalar, 2, 8, 0, false, 0.0);
    check_forward(&p);
    backward(&p, 0, 2, p.dqkv);
    release(&p);
}

/* The later tokens of a text change nothing for the earlier ones: not one bit of the values. */
static void causal_attention_does_not_look_ahead(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++) {
        problem p = pose(tables[t], 2, 8, 60, true, 0.0);
        tci_attention_forward(&p.attention, p.kernels, &p.text, 0, 2, p.scratch);
        float *before = copy_block(p.out, 60 * p.width);
        for (size_t i = 30 * p.text.stride; i < 60 * p.text.stride; i++)
            p.qkv[i] += 1.0f;
        tci_attention_forward(&p.attention, p.kernels, &p.text, 0, 2, p.scratch);
        assert_memory_equal(before, p.out, 30 * p.width * sizeof *before);
        assert_memory_not_equal(before + 30 * p.width, p.out + 30 * p.width, 30 * p.width * sizeof *before);
        free(before);
        release(&p);
    }
}

static void large_scores_and_not_a_number(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 0; t < table_count; t++) {
        problem p = pose(tables[t], 1, 16, 20, false, 0.0);
        for (size_t c = 0; c < 16; c++) { /* only key 7 counts for query 3 */
            p.qkv[3 * p.text.stride + c] = 1e10f;
            p.qkv[7 * p.text.stride + p.width + c] = 1e10f;
        }
        p.qkv[5 * p.text.stride] = NAN;
        tci_attention_forward(&p.attention, p.kernels, &p.text, 0, 1, p.scratch);
        for (size_t c = 0; c < 16; c++) {
            assert_true(p.out[3 * p.width + c] == p.qkv[7 * p.text.stride + 2 * p.width + c]);
            for (size_t r = 0; r < 20; r++)
                assert_true(isnan(p.out[r * p.width + c]) == (r == 5));
        }
        release(&p);
    }
}

/* Softmax and its gradient against the scalar table, where vectors end anywhere. */
static void softmax_is_that_of_plain_c(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t t = 1; t < table_count; t++)
        for (size_t i = 0; i < 2 * 70; i++) {
            enum { ROWS = 3 };
            size_t columns = 1 + i / 2, step = i % 2, width = TCI_PADDED(columns + 2 * step) + i % 3 * 16;
            uint32_t state = (uint32_t)i;
            float *x[2] = {random_block(ROWS * width, &state)}, *dx[2] = {random_block(ROWS * width, &state)};
            float stats[2][2 * ROWS], inner_sums[ROWS] = {0.5f, -0.25f, 0.125f};
            for (size_t k = 0; k < ROWS * width; k++)
                x[0][k] *= 5.0f;
            x[1] = copy_block(x[0], ROWS * width), dx[1] = copy_block(dx[0], ROWS * width);
            float *again[2] = {copy_block(x[0], ROWS * width), copy_block(x[0], ROWS * width)};
            for (size_t k = 0; k < 2; k++) {
                const tci_kernels *kernels = k ? tables[t] : tables[0];
                kernels->softmax(ROWS, columns, step, width, 0.7f, x[k], width, stats[k]);
                kernels->softmax_backward(ROWS, columns, step, width, 0.7f, again[k], dx[k], width, stats[k],
                                          inner_sums, NULL);
            }
            assert_all_close(x[1], x[0], ROWS * width, 2e-7);
            assert_all_close(again[1], again[0], ROWS * width, 4e-7);
            assert_all_close(dx[1], dx[0], ROWS * width, 4e-7);
            for (size_t r = 0; r < ROWS; r++) {
                assert_true(stats[0][2 * r] == stats[1][2 * r]);
                assert_close(stats[1][2 * r + 1] / stats[0][2 * r + 1], 1.0, 3e-7);
                for (size_t c = columns + r * step; c < width; c++)
                    assert_true(x[1][r * width + c] == 0.0f && dx[1][r * width + c] == 0.0f);
            }
            free(x[0]), free(x[1]), free(dx[0]), free(dx[1]), free(again[0]), free(again[1]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_gradients_are_those_of_the_equations),
        cmocka_unit_test(bits_do_not_depend_on_how_heads_are_dealt_out),
        cmocka_unit_test(a_text_of_nothing_is_left_alone),
        cmocka_unit_test(causal_attention_does_not_look_ahead),
        cmocka_unit_test(large_scores_and_not_a_number),
        cmocka_unit_test(softmax_is_that_of_plain_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* labels: quick */
/* test_gemm.c: the matrix products of every table: each element is one chain in rising depth from the value in c, close
 * to the product in double, whatever the shape; nothing outside the named elements is touched. */
#include "support/testing.h"

#include <math.h>

#include "support/kernels.h"

/* A matrix as kernel.h addresses it, with gaps between its rows or its blocks. */
typedef struct matrix {
    size_t row, block, count; /* floats */
    float *values;
} matrix;

typedef struct shape {
    size_t rows, panels, depth, gap;
    bool blocked; /* the matrices that may be; else row-major */
} shape;

static size_t place(const matrix *m, size_t row, size_t column)
{
    return row * m->row + column / TCI_PANEL * m->block + column % TCI_PANEL;
}

/* What lies beside the elements belongs to the matrix, too: it must not change. */
static matrix matrix_create(size_t rows, size_t columns, size_t gap, bool blocked, uint32_t *state)
{
    matrix m = {.row = columns + gap, .block = TCI_PANEL};
    if (blocked) {
        m.row = TCI_PANEL;
        m.block = (rows + gap) * TCI_PANEL;
    }
    m.count = rows && columns ? place(&m, rows - 1, columns - 1) + 1 : 0;
    m.values = random_block(m.count, state);
    return m;
}

/* One step of a chain, as the table defines it. The volatile product keeps a compiler from fusing. */
static float chain_step(bool fused, float a, float b, float sum)
{
    if (fused)
        return fmaf(a, b, sum);
    volatile float product = a * b;
    return sum + product;
}

/* c against its chains; `a` is read turned round when `transposed`, b is packed when it has no row. */
static void check(const tci_kernels *kernels, shape s, const matrix *a, bool transposed, const matrix *b,
                  const float *before, const matrix *c)
{
    bool fused = kernel_fuses(kernels);
    float *wanted = copy_block(before, c->count);
    for (size_t row = 0; row < s.rows; row++)
        for (size_t column = 0; column < s.panels * TCI_PANEL; column++) {
            size_t at = place(c, row, column);
            double exact = before[at], size = fabs(exact);
            for (size_t k = 0; k < s.depth; k++) {
                float x = a->values[transposed ? place(a, k, row) : place(a, row, k)];
                float y = b->values[place(b, k, column)];
                wanted[at] = chain_step(fused, x, y, wanted[at]);
                exact += (double)x * y;
                size += fabs((double)x * y);
            }
            if (isfinite(exact) && fabs(c->values[at] - exact) > (double)(s.depth + 1) * 0x1p-23 * size)
                fail_msg("%s: %.9g is far from %.17g", kernels->isa, (double)c->values[at], exact);
        }
    for (size_t i = 0; i < c->count; i++)
        if (!same_float(c->values[i], wanted[i]))
            fail_msg("%s, %zu x %zu x %zu%s, float %zu of c: %.9g instead of %.9g", kernels->isa, s.rows, s.depth,
                     s.panels * TCI_PANEL, s.blocked ? ", blocked" : "", i, (double)c->values[i], (double)wanted[i]);
    free(wanted);
}

/* Where specials is set: NaN and infinities among the factors. */
static void spoil(const matrix *m, uint32_t *state)
{
    static const float specials[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f};
    for (size_t i = 0; i < 5 && m->count; i++) {
        *state = *state * 1664525u + 1013904223u;
        m->values[*state % m->count] = specials[i];
    }
}

static void check_gemm(const tci_kernels *kernels, shape s, bool specials)
{
    uint32_t state = (uint32_t)(s.rows * 7919 + s.panels * 104729 + s.depth);
    matrix a = matrix_create(s.rows, s.depth, s.gap % TCI_PANEL, s.blocked, &state);
    matrix b = {TCI_PANEL, s.depth * TCI_PANEL, s.panels * s.depth * TCI_PANEL, NULL}; /* packed */
    b.values = random_block(b.count, &state);
    matrix c = matrix_create(s.rows, s.panels * TCI_PANEL, s.gap * TCI_PANEL, s.blocked, &state);
    float *before = copy_block(c.values, c.count);
    if (specials) {
        spoil(&a, &state);
        spoil(&b, &state);
    }
    kernels->gemm(s.rows, s.panels, s.depth, a.values, a.row, a.block, b.values, c.values, c.row, c.block);
    check(kernels, s, &a, false, &b, before, &c);
    /* from a row of numbers, or zeros */
    float *start = random_block(s.panels * TCI_PANEL, &state);
    for (size_t r = 0; r < s.rows; r++)
        for (size_t n = 0; n < s.panels * TCI_PANEL; n++)
            before[place(&c, r, n)] = s.gap % 2 ? start[n] : 0.0f;
    kernels->gemm_from(s.rows, s.panels, s.depth, a.values, a.row, a.block, b.values, s.gap % 2 ? start : NULL,
                       c.values, c.row, c.block);
    check(kernels, s, &a, false, &b, before, &c);
    free(a.values), free(b.values), free(c.values), free(before), free(start);
}

static void check_transposed(const tci_kernels *kernels, shape s, bool specials)
{
    uint32_t state = (uint32_t)(s.rows * 31 + s.panels * 7 + s.depth * 1009);
    matrix a = matrix_create(s.depth, s.rows, s.gap, false, &state);
    matrix b = matrix_create(s.depth, s.panels * TCI_PANEL, s.gap * TCI_PANEL, s.blocked, &state);
    matrix c = matrix_create(s.rows, s.panels * TCI_PANEL, s.gap * TCI_PANEL, s.blocked, &state);
    float *before = copy_block(c.values, c.count);
    float *scratch = random_block(tci_gemm_transposed_scratch(s.rows, s.panels), &state);
    if (specials) {
        spoil(&a, &state);
        spoil(&b, &state);
    }
    kernels->gemm_transposed(s.rows, s.panels, s.depth, a.values, a.row, b.values, b.row, b.block, c.values, c.row,
                             c.block, scratch);
    check(kernels, s, &a, true, &b, before, &c);
    free(a.values), free(b.values), free(c.values), free(before), free(scratch);
}

typedef void (*checker)(const tci_kernels *kernels, shape s, bool specials);

/* Every row count up to 40 and every panel count up to 9, depths from 0 to 300 among them, with gaps and without. */
static void check_many_shapes(checker check_one)
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        for (size_t rows = 1; rows <= 40; rows++)
            for (size_t panels = 1; panels <= 9; panels++) {
                size_t depth = 1 + (rows * 37 + panels * 11) % 41;
                check_one(tables[i], (shape){rows, panels, depth, rows % 3, false}, false);
                check_one(tables[i], (shape){rows, panels, depth, rows % 3, true}, false);
            }
        static const size_t depths[] = {1, 2, 3, 255, 256, 257, 300, 384, 385, 511, 512, 513, 700};
        for (size_t d = 0; d < 2 * (sizeof depths / sizeof depths[0]); d++) {
            check_one(tables[i], (shape){13, 2, depths[d / 2], 1, d % 2 != 0}, false);
            check_one(tables[i], (shape){32, 7, depths[d / 2], 1, d % 2 != 0}, false);
        }
    }
}

static void gemm_is_one_chain_per_element_at_every_shape(void **unused)
{
    (void)unused;
    check_many_shapes(check_gemm);
}

static void transposed_gemm_is_one_chain_per_element_at_every_shape(void **unused)
{
    (void)unused;
    check_many_shapes(check_transposed);
}

static void blocks_of_many_rows_keep_the_chain(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        static const size_t rows[] = {95, 96, 97, 99, 100, 191, 192, 193, 198, 199, 384, 385, 395, 397, 769};
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
            check_gemm(tables[i], (shape){rows[r], 1, 5, 2, r % 2 != 0}, false);
            check_gemm(tables[i], (shape){rows[r], 3 + r % 3, 9, 2, r % 2 != 0}, false);
            check_transposed(tables[i], (shape){rows[r], 5, 7, 1, r % 2 != 0}, false);
        }
        for (size_t few = 41; few < 100; few++) /* as many as any kernel takes at once */
            check_gemm(tables[i], (shape){few, 3, 3, 0, false}, false);
        check_gemm(tables[i], (shape){200, 2, 270, 0, true}, false);
        check_transposed(tables[i], (shape){300, 1, 270, 0, true}, false);
    }
}

static void nan_and_infinity_reach_exactly_the_elements_they_belong_to(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t rows = 1; rows <= 15; rows++) {
            check_gemm(tables[i], (shape){rows, 5, 40, 1, rows % 2 != 0}, true);
            check_transposed(tables[i], (shape){rows, 5, 40, 1, rows % 2 != 0}, true);
        }
}

static void empty_products_leave_c_alone(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        static const shape shapes[] = {{0, 2, 3, 0, false}, {5, 0, 3, 0, false}, {5, 2, 0, 0, false}};
        for (size_t s = 0; s < 3; s++) {
            check_gemm(tables[i], shapes[s], false);
            check_transposed(tables[i], shapes[s], false);
        }
    }
}

static void a_row_has_the_same_bits_alone_and_among_others(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    enum { ROWS = 17, PANELS = 6, DEPTH = 270, WIDE = PANELS * TCI_PANEL };
    for (size_t i = 0; i < count; i++) {
        uint32_t state = 5;
        float *a = random_block(ROWS * DEPTH, &state), *b = random_block(DEPTH * WIDE, &state);
        float *together = random_block(ROWS * WIDE, &state), *alone = copy_block(together, ROWS * WIDE);
        tables[i]->gemm(ROWS, PANELS, DEPTH, a, DEPTH, TCI_PANEL, b, together, WIDE, TCI_PANEL);
        for (size_t row = 0; row < ROWS; row++)
            tables[i]->gemm(1, PANELS, DEPTH, a + row * DEPTH, DEPTH, TCI_PANEL, b, alone + row * WIDE, WIDE,
                            TCI_PANEL);
        assert_memory_equal(together, alone, ROWS * WIDE * sizeof(float));
        free(a), free(b), free(together), free(alone);
    }
}

static void packed_panels_hold_every_element_and_zeros_beside(void **unused)
{
    (void)unused;
    enum { DEPTH = 19, COLUMNS = 37, PADDED = 48, STRIDE = 41 };
    static float src[COLUMNS * STRIDE], packed[DEPTH * PADDED + 1];
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < COLUMNS * STRIDE; i++)
        src[i] = (float)(i + 1);
    for (size_t i = 0; i < 2 * count; i++) {
        bool transposed = i % 2;
        packed[DEPTH * PADDED] = -7.0f;
        tci_pack_panels(tables[i / 2], DEPTH, COLUMNS, src, STRIDE, transposed, packed);
        for (size_t k = 0; k < DEPTH; k++)
            for (size_t n = 0; n < PADDED; n++) {
                float element = n >= COLUMNS ? 0.0f : transposed ? src[n * STRIDE + k] : src[k * STRIDE + n];
                assert_true(packed[(n / 16 * DEPTH + k) * 16 + n % 16] == element);
            }
        assert_true(packed[DEPTH * PADDED] == -7.0f);
    }
}

static void rows_of_the_same_index_are_summed_in_rising_order(void **unused)
{
    (void)unused;
    enum { COUNT = 9, SUMS = 4 };
    static const uint32_t index[COUNT] = {0, 1, 0, 2, 1, 3, 0, 0, 2};
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        uint32_t state = 3;
        float *src = random_block(COUNT * TCI_PANEL, &state), *dst = random_block(SUMS * TCI_PANEL, &state);
        float wanted[SUMS * TCI_PANEL];
        bool seen[SUMS] = {false};
        for (size_t r = 0; r < COUNT; r++) {
            for (size_t n = 0; n < TCI_PANEL; n++) {
                float *to = &wanted[index[r] * TCI_PANEL + n];
                *to = seen[index[r]] ? *to + src[r * TCI_PANEL + n] : src[r * TCI_PANEL + n];
            }
            seen[index[r]] = true;
        }
        tables[i]->sum_rows(COUNT, index, src, dst);
        assert_memory_equal(dst, wanted, sizeof wanted);
        free(src), free(dst);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_is_one_chain_per_element_at_every_shape),
        cmocka_unit_test(transposed_gemm_is_one_chain_per_element_at_every_shape),
        cmocka_unit_test(blocks_of_many_rows_keep_the_chain),
        cmocka_unit_test(nan_and_infinity_reach_exactly_the_elements_they_belong_to),
        cmocka_unit_test(empty_products_leave_c_alone),
        cmocka_unit_test(a_row_has_the_same_bits_alone_and_among_others),
        cmocka_unit_test(rows_of_the_same_index_are_summed_in_rising_order),
        cmocka_unit_test(packed_panels_hold_every_element_and_zeros_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

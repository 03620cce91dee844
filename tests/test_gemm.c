/* labels: quick */
/* test_gemm.c: the matrix products of every table: each element is one chain in rising depth from the value in c, close
 * to the product in double, whatever the shape; nothing outside the named elements is touched. */
#include "support/testing.h"

#include <math.h>

#include "support/kernels.h"

typedef struct shape {
    size_t rows, panels, depth, a_stride, b_stride, c_stride;
} shape;

/* One step of a chain, as the table defines it. The volatile product keeps a compiler from fusing. */
static float chain_step(bool fused, float a, float b, float sum)
{
    if (fused)
        return fmaf(a, b, sum);
    volatile float product = a * b;
    return sum + product;
}

/* c before and after, a's element (row, k) at a[row·row_step + k·depth_step], b's (k, column) where `b_at` says. */
static void check(const tci_kernels *kernels, shape s, const float *a, size_t row_step, size_t depth_step,
                  const float *b, bool packed, const float *before, const float *after)
{
    bool fused = kernel_fuses(kernels);
    size_t columns = s.panels * TCI_PANEL;
    for (size_t row = 0; row < s.rows; row++) {
        for (size_t column = 0; column < s.c_stride; column++) {
            size_t at = row * s.c_stride + column;
            if (row + 1 == s.rows && column >= columns)
                break; /* not allocated */
            if (column >= columns) {
                assert_int_equal(bits_of(after[at]), bits_of(before[at])); /* the gap between rows */
                continue;
            }
            float sum = before[at];
            double exact = before[at], size = fabs(exact);
            for (size_t k = 0; k < s.depth; k++) {
                float x = a[row * row_step + k * depth_step];
                float y = packed ? b[(column / TCI_PANEL * s.depth + k) * TCI_PANEL + column % TCI_PANEL]
                                 : b[k * s.b_stride + column];
                sum = chain_step(fused, x, y, sum);
                exact += (double)x * y;
                size += fabs((double)x * y);
            }
            if (!same_float(after[at], sum))
                fail_msg("%s, %zu x %zu x %zu, element (%zu, %zu): %.9g instead of %.9g", kernels->isa, s.rows, s.depth,
                         columns, row, column, (double)after[at], (double)sum);
            if (isfinite(exact) && fabs(after[at] - exact) > (double)(s.depth + 1) * 0x1p-23 * size)
                fail_msg("%s: %.9g is far from %.17g", kernels->isa, (double)after[at], exact);
        }
    }
}

/* Where specials is set: NaN and infinities among the factors. */
static void spoil(float *values, size_t count, uint32_t *state)
{
    static const float specials[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f};
    for (size_t i = 0; i < 5 && count; i++) {
        *state = *state * 1664525u + 1013904223u;
        values[*state % count] = specials[i];
    }
}

static void check_gemm(const tci_kernels *kernels, shape s, bool specials)
{
    uint32_t state = (uint32_t)(s.rows * 7919 + s.panels * 104729 + s.depth);
    size_t a_count = s.rows && s.depth ? (s.rows - 1) * s.a_stride + s.depth : 0;
    size_t c_count = s.rows ? (s.rows - 1) * s.c_stride + s.panels * TCI_PANEL : 0;
    float *a_block = random_block(a_count + 1, &state); /* a starts where no vector would be aligned */
    float *a = a_block + 1;
    float *b = random_block(s.panels * s.depth * TCI_PANEL, &state);
    float *before = random_block(c_count, &state), *c = copy_block(before, c_count);
    if (specials) {
        spoil(a, a_count, &state);
        spoil(b, s.panels * s.depth * TCI_PANEL, &state);
    }
    kernels->gemm(s.rows, s.panels, s.depth, a, s.a_stride, b, c, s.c_stride);
    check(kernels, s, a, s.a_stride, 1, b, true, before, c);
    free(a_block), free(b), free(before), free(c);
}

static void check_transposed(const tci_kernels *kernels, shape s, bool specials)
{
    uint32_t state = (uint32_t)(s.rows * 31 + s.panels * 7 + s.depth * 1009);
    size_t a_count = s.rows && s.depth ? (s.depth - 1) * s.a_stride + s.rows : 0;
    size_t b_count = s.depth ? (s.depth - 1) * s.b_stride + s.panels * TCI_PANEL : 0;
    size_t c_count = s.rows ? (s.rows - 1) * s.c_stride + s.panels * TCI_PANEL : 0;
    float *a_block = random_block(a_count + 1, &state);
    float *a = a_block + 1;
    float *b = random_block(b_count, &state);
    float *before = random_block(c_count, &state), *c = copy_block(before, c_count);
    float *scratch = random_block(tci_gemm_transposed_scratch(s.rows, s.panels), &state);
    if (specials) {
        spoil(a, a_count, &state);
        spoil(b, b_count, &state);
    }
    kernels->gemm_transposed(s.rows, s.panels, s.depth, a, s.a_stride, b, s.b_stride, c, s.c_stride, scratch);
    check(kernels, s, a, 1, s.a_stride, b, false, before, c);
    free(a_block), free(b), free(before), free(c), free(scratch);
}

typedef void (*checker)(const tci_kernels *kernels, shape s, bool specials);

/* Every row count up to 40 and every panel count up to 9, depths from 0 to 300 among them, gaps between rows. */
static void check_many_shapes(checker check_one)
{
    const tci_kernels *tables[3];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        for (size_t rows = 1; rows <= 40; rows++)
            for (size_t panels = 1; panels <= 9; panels++) {
                size_t depth = 1 + (rows * 37 + panels * 11) % 41, wide = panels * TCI_PANEL,
                       gap = rows % 3 * TCI_PANEL;
                check_one(tables[i], (shape){rows, panels, depth, depth + rows, wide + gap, wide + gap}, false);
            }
        static const size_t depths[] = {1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 700};
        for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++)
            check_one(tables[i], (shape){13, 2, depths[d], depths[d] + 13, 32, 32}, false);
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
    const tci_kernels *tables[3];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        static const size_t rows[] = {95, 96, 97, 191, 192, 193, 288, 289, 299, 301, 577};
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
            check_gemm(tables[i], (shape){rows[r], 1, 5, 9, 0, 48}, false);
            check_transposed(tables[i], (shape){rows[r], 5, 7, rows[r] + 3, 80, 96}, false);
        }
        check_gemm(tables[i], (shape){200, 2, 270, 270, 0, 32}, false);
        check_transposed(tables[i], (shape){300, 1, 270, 300, 16, 16}, false);
    }
}

static void nan_and_infinity_reach_exactly_the_elements_they_belong_to(void **unused)
{
    (void)unused;
    const tci_kernels *tables[3];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t rows = 1; rows <= 15; rows++) {
            check_gemm(tables[i], (shape){rows, 5, 40, 41, 0, 96}, true);
            check_transposed(tables[i], (shape){rows, 5, 40, 15, 96, 96}, true);
        }
}

static void empty_products_leave_c_alone(void **unused)
{
    (void)unused;
    const tci_kernels *tables[3];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        static const shape shapes[] = {{0, 2, 3, 3, 32, 32}, {5, 0, 3, 5, 32, 32}, {5, 2, 0, 5, 32, 32}};
        for (size_t s = 0; s < 3; s++) {
            check_gemm(tables[i], shapes[s], false);
            check_transposed(tables[i], shapes[s], false);
        }
    }
}

static void a_row_has_the_same_bits_alone_and_among_others(void **unused)
{
    (void)unused;
    const tci_kernels *tables[3];
    size_t count = kernel_tables(tables);
    enum { ROWS = 17, PANELS = 6, DEPTH = 270, WIDE = PANELS * TCI_PANEL };
    for (size_t i = 0; i < count; i++) {
        uint32_t state = 5;
        float *a = random_block(ROWS * DEPTH, &state), *b = random_block(DEPTH * WIDE, &state);
        float *together = random_block(ROWS * WIDE, &state), *alone = copy_block(together, ROWS * WIDE);
        tables[i]->gemm(ROWS, PANELS, DEPTH, a, DEPTH, b, together, WIDE);
        for (size_t row = 0; row < ROWS; row++)
            tables[i]->gemm(1, PANELS, DEPTH, a + row * DEPTH, DEPTH, b, alone + row * WIDE, WIDE);
        assert_memory_equal(together, alone, ROWS * WIDE * sizeof(float));
        free(a), free(b), free(together), free(alone);
    }
}

static void packed_panels_hold_every_element_and_zeros_beside(void **unused)
{
    (void)unused;
    enum { DEPTH = 19, COLUMNS = 37, PADDED = 48, STRIDE = 41 };
    static float src[COLUMNS * STRIDE], packed[DEPTH * PADDED + 1];
    const tci_kernels *tables[3];
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_is_one_chain_per_element_at_every_shape),
        cmocka_unit_test(transposed_gemm_is_one_chain_per_element_at_every_shape),
        cmocka_unit_test(blocks_of_many_rows_keep_the_chain),
        cmocka_unit_test(nan_and_infinity_reach_exactly_the_elements_they_belong_to),
        cmocka_unit_test(empty_products_leave_c_alone),
        cmocka_unit_test(a_row_has_the_same_bits_alone_and_among_others),
        cmocka_unit_test(packed_panels_hold_every_element_and_zeros_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* labels: quick */
/* test_gemm_bf16.c: the bfloat16 product of every table gives the bits of the float product with widened weights,
 * whatever the shape; packed lines hold every element where the contract says. */
#include "support/testing.h"

#include <math.h>

#include "support/kernels.h"

typedef struct shape {
    size_t rows, panels, depth, a_stride;
    size_t c_stride; /* 0: c in blocks of 16 columns */
} shape;

/* Uniform bfloat16 numbers, (depth, columns) row-major. */
static uint16_t *random_halves(size_t count, uint32_t *state)
{
    uint16_t *values = malloc((count ? count : 1) * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (uint16_t)(bits_of(next_float(state)) >> 16);
    return values;
}

static float *widen(const uint16_t *halves, size_t count)
{
    float *values = malloc((count ? count : 1) * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = float_of((uint32_t)halves[i] << 16);
    return values;
}

static void check(const tci_kernels *kernels, shape s, bool specials)
{
    uint32_t state = (uint32_t)(s.rows * 7919 + s.panels * 104729 + s.depth);
    size_t columns = s.panels * TCI_PANEL, b_count = s.depth * columns;
    size_t a_count = s.rows && s.depth ? (s.rows - 1) * s.a_stride + s.depth : 0;
    size_t c_row = s.c_stride ? s.c_stride : TCI_PANEL, c_block = s.c_stride ? TCI_PANEL : (s.rows | 1) * TCI_PANEL;
    size_t c_count = s.rows * c_row + s.panels * c_block;
    float *a_block = random_block(a_count + 1, &state),
          *a = a_block + 1; /* a starts where no vector would be aligned */
    float *before = random_block(c_count, &state), *c = copy_block(before, c_count);
    uint16_t *halves = random_halves(b_count, &state);
    if (specials && b_count > 7) {
        static const uint16_t odd[] = {0x7f80, 0xff80, 0x7fc0, 0x0001, 0x8000, 0x7f7f, 0x0080};
        for (size_t i = 0; i < 7; i++)
            halves[(i * 13) % b_count] = odd[i];
        a[a_count / 2] = NAN;
    }
    float *wide = widen(halves, b_count);
    float *packed_floats = random_block(b_count, &state);
    uint16_t *block = malloc((TCI_BF16_PADDED(s.depth) * columns + 1) * sizeof *block);
    uint16_t *packed = block + 1; /* nor does b */
    assert_non_null(block);
    tci_pack_panels(kernels, s.depth, columns, wide, columns, false, packed_floats);
    tci_pack_panels_bf16(s.depth, columns, halves, columns, 1, packed);
    kernels->gemm(s.rows, s.panels, s.depth, a, s.a_stride, TCI_PANEL, packed_floats, before, c_row, c_block);
    kernels->gemm_bf16(s.rows, s.panels, s.depth, a, s.a_stride, packed, c, c_row, c_block);
    for (size_t i = 0; i < c_count; i++) {
        if (!same_float(c[i], before[i]))
            fail_msg("%s, %zu x %zu x %zu, element %zu: %.9g instead of %.9g", kernels->isa, s.rows, s.depth, columns,
                     i, (double)c[i], (double)before[i]);
    }
    free(a_block), free(before), free(c), free(halves), free(wide), free(packed_floats), free(block);
}

static void bf16_gives_the_bits_of_widened_weights_at_every_shape(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++) {
        for (size_t rows = 0; rows <= 40; rows++)
            for (size_t panels = 0; panels <= 9; panels++) {
                size_t depth = (rows * 37 + panels * 11) % 41, gap = rows % 3 * TCI_PANEL;
                check(tables[i], (shape){rows, panels, depth, depth + rows, panels * TCI_PANEL + gap}, false);
                check(tables[i], (shape){rows, panels, depth, depth + rows, 0}, false);
            }
        static const size_t depths[] = {1, 2, 255, 256, 257, 300, 511, 512, 513, 700};
        for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++)
            for (size_t rows = 1; rows <= 13; rows += 2)
                check(tables[i], (shape){rows, 5, depths[d], depths[d] + 13, 80}, false);
        check(tables[i], (shape){193, 2, 270, 270, 32}, false);
        check(tables[i], (shape){97, 1, 5, 9, 48}, false);
    }
}

static void nan_infinity_and_denormals_are_those_of_widened_weights(void **unused)
{
    (void)unused;
    const tci_kernels *tables[KERNEL_TABLES];
    size_t count = kernel_tables(tables);
    for (size_t i = 0; i < count; i++)
        for (size_t rows = 1; rows <= 15; rows++)
            check(tables[i], (shape){rows, 5, 40, 41, 96}, true);
}

static void packed_lines_stand_in_pairs_word_by_word(void **unused)
{
    (void)unused;
    enum { DEPTH = 5, DEEP = 6, COLUMNS = 37, PADDED = 48 };
    uint16_t src[DEPTH * COLUMNS], packed[DEEP * PADDED + 1];
    for (size_t i = 0; i < DEPTH * COLUMNS; i++)
        src[i] = (uint16_t)(i + 1);
    for (size_t transposed = 0; transposed < 2; transposed++) {
        size_t depth_stride = transposed ? 1 : COLUMNS, column_stride = transposed ? DEPTH : 1;
        packed[DEEP * PADDED] = 7;
        tci_pack_panels_bf16(DEPTH, COLUMNS, src, depth_stride, column_stride, packed);
        for (size_t k = 0; k < DEEP; k++)
            for (size_t n = 0; n < PADDED; n++) {
                uint16_t expected = n < COLUMNS && k < DEPTH ? src[k * depth_stride + n * column_stride] : 0;
                assert_int_equal(packed[n / 16 * DEEP * 16 + k / 2 * 32 + n % 16 * 2 + k % 2], expected);
            }
        assert_int_equal(packed[DEEP * PADDED], 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_gives_the_bits_of_widened_weights_at_every_shape),
        cmocka_unit_test(nan_infinity_and_denormals_are_those_of_widened_weights),
        cmocka_unit_test(packed_lines_stand_in_pairs_word_by_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
